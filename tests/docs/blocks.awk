# blocks.awk -v out=FOLDER: writes block number N of a page to FOLDER/N, and prints for each
#   N <tab> number of its first line <tab> what becomes of it: build, body, excerpt, output, bare or text <tab> argument
# Blocks are those between fences, which may stand in a list, and those that are set in by four spaces and begin with `$ `.
function begin_block(line) { count++; first = line; head = ""; size = 0; file = out "/" count; printf "" > file }
function add(text) { print text > file; size++; if (size == 1) head = text }
function end_block(language,   kind, argument, parts) {
  close(file)
  kind = "text"; argument = "-"
  if (head ~ /^\$ /) kind = "output"
  else if (mark != "") {
    split(mark, parts, ": ")
    kind = parts[1]; argument = parts[2]
  } else if (language == "cpp") kind = "bare"
  print count "\t" first "\t" kind "\t" argument
  mark = ""
}
match($0, /^ *```/) && !set_in {
  if (inside) { inside = 0; end_block(language) }
  else { inside = 1; margin = RLENGTH - 3; language = substr($0, RLENGTH + 1); begin_block(NR + 1) }
  was_blank = 0
  next
}
inside { add(substr($0, margin + 1)); next }
/^    / && set_in { add(substr($0, 5)); next }
/^    \$ / && was_blank { set_in = 1; begin_block(NR); add(substr($0, 5)); next }
$0 == "" && set_in { add(""); next }
set_in { set_in = 0; end_block("") }
$0 == "" { was_blank = 1; next }
{
  was_blank = 0
  mark = ""
  if (match($0, /<!-- (build|body|excerpt): [^ ]+ -->/)) mark = substr($0, RSTART + 5, RLENGTH - 9)
}
END { if (set_in) end_block("") }
