# pages.sh: what becomes of the blocks of the pages. Sourced by check_pages.sh and bare.sh.
#
# A comment on the line above a block, or at the end of that line, says it; a block that has none, and is no output, is wrong.
#   <!-- build: NAME -->    declarations: compiled behind tests/docs/NAME.hpp, and run if there is a TEST among them
#   <!-- body: NAME -->     statements: the same, as the body of a test
#   <!-- excerpt: FILE -->  stands in FILE, white space aside; a line `...` is a gap
#   <!-- gdb: NAME -->      what gdb says: compared by tests/gdb
#   <!-- bare: MACHINE -->  commands: executed by tests/install/bare.sh (./dev bare), on a machine that has nothing
#   <!-- shown: WHY -->     neither, for one of the reasons below
# A block that begins with `$ command` is executed in the repository's root, and what follows is what the command prints:
# a line `...` is any lines, `...` within a line any text, milliseconds are not compared. With nothing below it the command
# has to succeed. build/release/ is the build that is tested, orrery-out/ a folder of the test's own. After
#   <!-- program: NAME -->
# it is executed in a copy of tests/docs/apart, which all such blocks of a page share, and `orrery` is given `--binary` with that program;
# NAME is `none` where there is none to give. Lines below it that begin with `> ` are what is typed.
# A line `<!-- holds: COMMAND -->` is a command that has to succeed after those of the page's blocks, for what is beside the text.

declare -A reasons=(
  [picture]="a drawing, a formula or the form of a name, which no program makes"
  [broken]="what a program says in which ./dev planted has broken something; that it is caught is checked there"
  [elsewhere]="needs what a test must not, or another tool; the text beside it says what checks it"
)
