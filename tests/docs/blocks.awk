# blocks.awk -v out=FOLDER: writes block number N of a page to FOLDER/N, and prints for each
#   N <tab> number of its first line <tab> what becomes of it <tab> argument
# What becomes of it is what its mark says (build, body, excerpt, bare, gdb, shown), output where it begins with `$ ` (its argument
# is that of the mark `program`, or -), else unmarked. Blocks are those between fences, which may stand in a list, and what is
# set in by four spaces outside of lists.
function begin_block(line) { count++; first = line; head = ""; size = 0; file = out "/" count; printf "" > file }
function add(text) { print text > file; size++; if (size == 1) head = text }
function end_block(   kind, argument, parts) {
  close(file)
  kind = "unmarked"; argument = "-"
  if (mark != "") {
    split(mark, parts, ": ")
    kind = parts[1]; argument = parts[2]
  }
  if (head ~ /^\$ / && kind != "shown") {
    if (kind != "program") argument = "-"
    kind = "output"
  } else if (kind == "program") kind = "unmarked"
  print count "\t" first "\t" kind "\t" argument
  mark = ""
}
match($0, /^ *```/) && !set_in {
  if (inside) { inside = 0; end_block() }
  else { inside = 1; margin = RLENGTH - 3; begin_block(NR + 1) }
  was_blank = 0
  next
}
inside { add(substr($0, margin + 1)); next }
/^    / && set_in { add(substr($0, 5)); next }
/^    [^ ]/ && was_blank && !in_list { set_in = 1; begin_block(NR); add(substr($0, 5)); next }
$0 == "" && set_in { add(""); next }
set_in { set_in = 0; end_block() }
$0 == "" { was_blank = 1; next }
{
  if ($0 ~ /^ *([-*]|[0-9]+\.) /) in_list = 1
  else if ($0 !~ /^ / && was_blank) in_list = 0
  was_blank = 0
  mark = ""
  if (match($0, /<!-- (build|body|excerpt|bare|gdb|program|shown): [^ ]+ -->/)) mark = substr($0, RSTART + 5, RLENGTH - 9)
}
END { if (set_in) end_block() }
