# pages.sh: which pages are held to what they say. Sourced by generate.sh and check_pages.sh.
#
# How a page says what becomes of a block of code: a comment on the line above it, or at the end of that line.
#   <!-- build: NAME -->    declarations: compiled behind tests/docs/NAME.hpp, and run if there is a TEST among them
#   <!-- body: NAME -->     statements: the same, as the body of a test
#   <!-- excerpt: FILE -->  stands in FILE, white space aside; a line `...` is a gap
# A block that begins with `$ command` is executed in the repository's root, and what follows is what the command prints:
# a line `...` is any lines, `...` within a line any text, milliseconds are not compared. With nothing below it the command
# has to succeed. build/release/ is the build that is tested, orrery-out/ a folder of the test's own.

covered=(
  README.md
  docs/broker.md
  docs/dead-letters.md
  docs/glossary.md
  docs/how-to.md
  docs/linearizability.md
  docs/not-modelled.md
  docs/properties.md
  docs/supervision.md
  docs/tutorial.md
)

# Of these only links and names of files are looked at.
declare -A not_covered=(
  [docs/adoption.md]="commands that install and build; tests/install makes a project as it says"
  [docs/asks.md]="fragments of actors that belong to no program yet; tests/conformance runs the same ways of asking"
  [docs/command-line.md]="outputs of campaigns that depend on programs made for tests/cli, which checks the tool"
  [docs/delivery.md]="fragments that send from nowhere; tests/delivery checks the promises"
  [docs/design.md]="no code"
  [docs/exploration.md]="one fragment, and figures that ./dev zoo measures"
  [docs/interleavings.md]="checks of lock-free code, whose programs are tests/interleavings"
  [docs/leak-guard.md]="one report of a leak, whose addresses differ from build to build"
  [docs/performance.md]="figures that ./dev bench measures"
  [docs/simulation.md]="commands that take minutes"
)
