# filter.awk: a header as doxygen is to read it; but for examples, every line stays on its line. See Doxyfile.
BEGIN {
  path = ARGV[1]
  sub(/^.*\/(runtime|sim|testkit|props)\/orrery\//, "&", path)
  topic = "basics"
  if (path ~ /orrery\/(actor|supervision|broker|threads|world|sim|testkit|props)\//) {
    topic = path
    sub(/^.*orrery\//, "", topic)
    sub(/\/.*/, "", topic)
  } else if (path ~ /orrery\/[a-z]+\.hpp$/) topic = "includes"
  short = path
  sub(/^.*(runtime|sim|testkit|props)\/orrery\//, "orrery/", short)
  while ((getline line < "docs/reference/snippets.txt") > 0) {
    if (split(line, part, " \\| ") == 3 && part[1] == short) snippet[part[2]] = part[3]
  }
  labels = "(Pre|Post|Returns|Throws|Errors|Shape|Units|Threads|Blocks|Order|Cost|Source|Why|How|Always true|Not chosen|Does not check)"
  top = 1
}
function labelled(text) {
  while (match(text, "(^| )" labels ":  *")) {
    word = substr(text, RSTART, RLENGTH)
    gsub(/^ +|: *$/, "", word)
    text = substr(text, 1, RSTART - 1) "@label{" word "} " substr(text, RSTART + RLENGTH)
  }
  return text
}
function plain(text) {  # what is code stays code, what means something to doxygen does not
  gsub(/\\/, "\\\\", text)
  gsub(/@/, "\\@", text)
  gsub(/#/, "\\#", text)
  gsub(/</, "\\<", text)
  gsub(/>/, "\\>", text)
  return text
}
# Text between backquotes is set as code; one that is open at the end of its line is left as it is.
function prose(text,   parts, count, i, result) {
  count = split(text, parts, "`")
  result = plain(parts[1])
  for (i = 2; i <= count; i++) {
    if (i % 2 == 1) result = result plain(parts[i])
    else if (i == count) result = result "'" plain(parts[i])
    else { gsub(/\*/, "@star", parts[i]); gsub(/\./, "@dot", parts[i]); result = result "<code>" plain(parts[i]) "</code>" }
  }
  gsub(/\\@star/, "\\&#42;", result)
  gsub(/\\@dot/, "\\&#46;", result)
  return result
}
top && /^\/\/ / {
  text = substr($0, 4)
  if (FNR == 1) { sub(/^[a-z_]+\.hpp: */, "", text); print "/// @file " short " @brief " prose(text); next }
  if ($0 ~ /^\/\/ {3,}/ && !in_label) { print "///     " text; next }
  in_label = 1
  print "/// " labelled(prose(text))
  next
}
top && /^\/\/$/ { print "///"; next }
top { top = 0; grouped = 1; print "/** @addtogroup topic_" topic " */"; print "/** @{ */"; if ($0 !~ /#pragma once/) print $0; next }
# What is nobody's to use: to the brace that closes it.
!hidden && /^namespace (detail|[a-z_:]*::detail) \{$/ { hidden = 1; depth = 0 }
hidden {
  code = $0
  gsub(/"([^"\\]|\\.)*"|'([^'\\]|\\.)'|\/\/.*/, "", code)
  depth += gsub(/\{/, "", code) - gsub(/\}/, "", code)
  if (depth == 0) hidden = 0
  print ""
  next
}
/^template <>$/ { held = 1; next }
held { held = 0; if ($0 ~ /std::hash/) { hashed = 1 } else print "template <>" }
hashed { if ($0 ~ /^\};$/) hashed = 0; print ""; next }
/^ *\/\/\/ *$/ { print; next }
match($0, /^ *\/\/\/ /) {
  head = substr($0, 1, RLENGTH)
  text = substr($0, RLENGTH + 1)
  line = head labelled(prose(text))
  if (text in snippet) pending = snippet[text]
  indent = head
  print line
  next
}
match($0, /[^ ].*\/\/\/< /) { at = index($0, "///< "); print substr($0, 1, at + 4) prose(substr($0, at + 5)); next }
{
  # Doxygen takes the quote of 10'000 for the beginning of a character, and reads no comment until the next.
  while (match($0, /[0-9]'[0-9]/)) $0 = substr($0, 1, RSTART) substr($0, RSTART + 2)
  code = $0
  sub(/^ +/, "", code)
  if (code in snippet) { pending = snippet[code]; indent = "/// " }
  if (pending != "") { print indent "@snip{" pending "}"; pending = "" }
  print
}
END { if (grouped) print "/** @} */" }
