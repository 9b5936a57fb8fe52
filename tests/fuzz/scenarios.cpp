// Scenarios of supervision: a language that people, generators and other programs write.
#include "orrery/testkit/scenario/parse.hpp"
#include "orrery/testkit/scenario/print.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <fmt/core.h>

namespace orrery::fuzz {

namespace {

void check(std::string_view input) {
  const auto read = scenario::parse(input);
  if (!read) {
    require(read.error().line >= 1, "an error names its line");
    return require_clear_line(to_string(read.error()));
  }
  const std::string printed = scenario::print(*read);
  const auto again = scenario::parse(printed);
  require(again.has_value(), "what is printed can be read: " + printed.substr(0, 200));
  require(*again == *read, "what was read and printed is the same scenario");
  require(scenario::print(*again) == printed, "a scenario is printed in one way");
}

std::vector<std::string> seeds() {
  std::string deep = "scenario deep\nsup s0 parent=-\n";
  for (int i = 1; i < 20'000; ++i) deep += fmt::format("sup s{} parent=s{}\n", i, i - 1);
  std::string wide = "scenario wide\nsup r parent=-\n";
  for (int i = 0; i < 20'000; ++i) wide += fmt::format("work w{} parent=r\n", i);
  std::string busy = "scenario busy\nsup r parent=-\nwork w parent=r\nrun\nbatch r 30000\n";
  for (int i = 0; i < 30'000; ++i) busy += "post w !a b\n";
  return {
      "scenario one\ntags a,b\nsup root parent=- strategy=one_for_all intensity=3 period=5\n"
      "sup s parent=root strategy=simple_one_for_one auto=never\ntmpl t parent=s restart=transient shutdown=10\n"
      "work w parent=root restart=temporary shutdown=brutal_kill significant=true trap=1 slow=5 plan=oex*\nrun\n"
      "exit w boom\nkill s\nsignal w normal\npost w a !b\nstop s shutdown\nadvance 10\nplan w oo*\nterminate root w\n"
      "restart root w\ndelete root w\nadd root work v restart=permanent exit=x\nspawn s\nkill t.1\ncount root\n"
      "which s\nbatch root 2\nexit w a\nkill w\nend\n",
      "scenario x\n",
      "# only a comment\r\n",
      deep + "run\nend\n",
      wide + "run\nend\n",
      busy + "end\n",
      "scenario " + repeated("x", many),
      "scenario a\nsup r parent=- intensity=" + repeated("9", many) + "\nrun\nend\n",
      "scenario a\nsup r parent=-\nwork w parent=r plan=" + repeated("o", many / 4) + "*\nrun\nend\n",
  };
}

const Registered registered{{"scenarios", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
