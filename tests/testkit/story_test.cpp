// Goal:   the story of each kind of failure, word for word; and its form, whatever it tells.
#include "orrery/testkit/story.hpp"

#include "orrery/testkit/text.hpp"
#include "tests/testkit/story_programs.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <sstream>

namespace orrery::testing {
namespace {

using testkit::Reproduction;
using testkit::StoryLength;
using testkit::tell_story;

const Reproduction reproduction{.token = "b7k2-9f3c",
                                .command = "ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test",
                                .record_path = "out/failure.orrery",
                                .report_path = "out/report.txt",
                                .picture_path = {}};

std::string story_of(const Property& property, const CheckOptions& options = {}) {
  return "\n" + tell_story(failure_of(property, options), reproduction);
}

CheckOptions without_faults() {
  CheckOptions options;
  options.run.faults = sim::FaultProfile::none;
  options.explain = true;
  return options;
}

TEST(Story, of_an_invariant_marks_the_step_that_broke_it) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::invariant), without_faults()), R"(
INVARIANT VIOLATED  "balance never negative"
  alice.balance == -1   after step 5, t=0 (virtual), alice handled Withdraw{amount=71} from teller

SMALLEST CASE  no scheduling choices, faults needed: none
  fails in its only possible schedule

STEPS
    1  test   -> teller  Add{amount=30}                                                  story_programs.hpp:25
    2  teller -> alice   Withdraw{amount=30} = 70  balance=100 => balance=70             story_programs.hpp:18
    4  test   -> teller  Add{amount=71}                                                  story_programs.hpp:26
 X  5  teller -> alice   Withdraw{amount=71} = -1  balance=70 => balance=-1              story_programs.hpp:18

TIMELINE  test        teller      alice
       1  |----Add--->*           |
       2  |           |-Withdraw->*
       2  |           o<...70.....|
       4  |----Add--->*           |
       5  |           |-Withdraw->*  X
       5  |           o<...-1.....|

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 5, on alice's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_an_assertion_in_an_actor_marks_its_step) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::assertion_in_actor), without_faults()), R"(
ASSERTION FAILED  "story_programs.hpp:31"
  in picky, handling Add{amount=10}
  Expected: (m.amount) < (10U), actual: 10 vs 10
  too much

SMALLEST CASE  no scheduling choices, faults needed: none
  fails in its only possible schedule

STEPS
    1  test -> picky  Add{amount=1}                                                      story_programs.hpp:35
 X  2  test -> picky  Add{amount=10}                                                     story_programs.hpp:36

TIMELINE  test        picky
       1  |----Add--->*
       2  |----Add--->*  X

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 2, on picky's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_an_assertion_in_the_body_blames_no_step) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::assertion_in_body)), R"(
ASSERTION FAILED  "story_programs.hpp:44"
  in the body of the test
  Expected: (w.peek(adder).messages) < (2U), actual: 2 vs 2

SMALLEST CASE  no scheduling choices, faults needed: none
  input = [0, 0]
  was     [128, 147]

STEPS
    1  test -> adder  Add{amount=0}  messages=0 => messages=1                            story_programs.hpp:42
    2  test -> adder  Add{amount=0}  messages=1 => messages=2                            story_programs.hpp:42

TIMELINE  test        adder
       1  |----Add--->*
       2  |----Add--->*

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 2, on adder's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_an_exception) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::exception), without_faults()), R"(
EXCEPTION IN TEST  "the bank is closed"

SMALLEST CASE  no scheduling choices, faults needed: none
  fails in its only possible schedule

STEPS
    1  test -> adder  Add{amount=1}  sum=0, messages=0 => sum=1, messages=1              story_programs.hpp:48

TIMELINE  test        adder
       1  |----Add--->*

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 1, on adder's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_a_ring_of_asks) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::ask_cycle), without_faults()), R"(
ASK CYCLE  "a --ask Question--> b --ask Question--> a"
  story_programs.hpp:67 -> story_programs.hpp:67

SMALLEST CASE  no scheduling choices, faults needed: none
  fails in its only possible schedule

STEPS
    1  test -> a     Meet{other=b}  other=nobody => other=b                              story_programs.hpp:71
    2  test -> b     Meet{other=a}  other=nobody => other=a                              story_programs.hpp:72
    3  test -> a     Question{}                                                          story_programs.hpp:74
    4  a    -> b     Question{}                                                          story_programs.hpp:67

TIMELINE  test        a           b
       1  |---Meet--->*           |
       2  |---------Meet--------->*
       3  |-Question->*           |
       4  |           |-Question->*

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 4, on b's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_an_ask_that_nobody_answers) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::stuck), without_faults()), R"(
STUCK  "client --ask Question--> hoarder"
  nothing runnable, 1 wait unanswered
  client waits for hoarder since step 1, t=0 (story_programs.hpp:87): hoarder has put it aside in step 2, and
    not taken it up again

SMALLEST CASE  no scheduling choices, faults needed: none
  fails in its only possible schedule

STEPS
    1  test   -> client   Go{}                                                           story_programs.hpp:91
    2  client -> hoarder  Question{} = stashed                                           story_programs.hpp:87

TIMELINE  test        client      hoarder
       1  |----Go---->*           |
       2  |           |-Question->*

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 2, on hoarder's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_no_progress_counts_the_steps_it_leaves_out) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::no_progress), without_faults()), R"(
NO PROGRESS  "operation budget"
  10000 operations and no end; last handled: Ping{} from restless
  5 000 steps, virtual 10ms; busiest: restless with itself, 4 999 x Ping   (a livelock? ORRERY_MAX_STEPS
    allows longer runs)

SMALLEST CASE  no scheduling choices, faults needed: none

STEPS
     1           test     -> restless  Ping{}    turns=0 => turns=1                     story_programs.hpp:105
     2           restless -> restless  Ping{}    turns=1 => turns=2                     story_programs.hpp:101
     3           restless -> restless  Ping{}    turns=2 => turns=3                     story_programs.hpp:101
     4           restless -> restless  Ping{}    turns=3 => turns=4                     story_programs.hpp:101
     5           restless -> restless  Ping{}    turns=4 => turns=5                     story_programs.hpp:101
     ... 4983 more in out/report.txt
  4989      9ms  restless -> restless  Ping{}    turns=4988 => turns=4989               story_programs.hpp:101
  4990      9ms  restless -> restless  Ping{}    turns=4989 => turns=4990               story_programs.hpp:101
  4991      9ms  restless -> restless  Ping{}    turns=4990 => turns=4991               story_programs.hpp:101
  4992      9ms  restless -> restless  Ping{}    turns=4991 => turns=4992               story_programs.hpp:101
  4993      9ms  restless -> restless  Ping{}    turns=4992 => turns=4993               story_programs.hpp:101
  4994      9ms  restless -> restless  Ping{}    turns=4993 => turns=4994               story_programs.hpp:101
  4995      9ms  restless -> restless  Ping{}    turns=4994 => turns=4995               story_programs.hpp:101
  4996      9ms  restless -> restless  Ping{}    turns=4995 => turns=4996               story_programs.hpp:101
  4997      9ms  restless -> restless  Ping{}    turns=4996 => turns=4997               story_programs.hpp:101
  4998      9ms  restless -> restless  Ping{}    turns=4997 => turns=4998               story_programs.hpp:101
  4999      9ms  restless -> restless  Ping{}    turns=4998 => turns=4999               story_programs.hpp:101
  5000      9ms  restless -> restless  Ping{}    turns=4999 => turns=5000               story_programs.hpp:101

WHAT MATTERS  not tried: other orders of an endless run

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 5000, on restless's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, shows_virtual_time_where_time_passes) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::after_a_while), without_faults()), R"(
INVARIANT VIOLATED  "silence"
  alarm.rings == 1   after step 2, t=1m30s (virtual), alarm handled Ping{} from alarm

SMALLEST CASE  no scheduling choices, faults needed: none
  fails in its only possible schedule

STEPS
    1           test  -> alarm  Go{}                                                    story_programs.hpp:117
         1m30s  clock -> alarm  timer (after)
 X  2    1m30s  alarm -> alarm  Ping{}         rings=0 => rings=1                       story_programs.hpp:111

TIMELINE          test        alarm
      1           |----Go---->*
      1    1m30s  |           T  timer (after)
      2           |           *  X

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 2, on alarm's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_a_race_says_which_order_matters_and_how_often_it_fails) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::race), without_faults()), R"(
INVARIANT VIOLATED  "balance never negative"
  purse.balance == -10   after step 8, t=0 (virtual), purse handled Withdraw{amount=50} from ben

SMALLEST CASE  scheduling choices 5 -> 11 (1 not first come, first served), faults needed: none
  fails in 4 of its 6 possible schedules

STEPS
    1  test -> ann    Add{amount=60}                                                    story_programs.hpp:148
    2  test -> ben    Add{amount=50}                                                    story_programs.hpp:149
    3  ann  -> purse  GetBalance{} = 100                                                story_programs.hpp:141
    5  ben  -> purse  GetBalance{} = 100                                                story_programs.hpp:141
    7  ann  -> purse  Withdraw{amount=60} = 40   balance=100 => balance=40              story_programs.hpp:142
 X  8  ben  -> purse  Withdraw{amount=50} = -10  balance=40 => balance=-10              story_programs.hpp:142

TIMELINE  test          ann           ben           purse
       1  |-----Add---->*             |             |
       2  |------------Add----------->*             |
       3  |             |--------GetBalance-------->*
       3  |             o<...........100............|
       5  |             |             |-GetBalance->*
       5  |             |             o<....100.....|
       7  |             |---------Withdraw--------->*
       7  |             o<...........40.............|
       8  |             |             |--Withdraw-->*  X
       8  |             |             o<....-10.....|

WHAT MATTERS  step 5 happens before step 7 (swapped: passes)
              in any order: steps 3 and 5, 7 and 8

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 8, on purse's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_an_ask_that_somebody_waits_for_who_waits_himself_tells_both) {
  EXPECT_EQ(story_of(make_property("Suite.Test", story::stuck_behind_another), without_faults()), R"(
STUCK  "middle --ask Question--> hoarder; client --ask Question--> middle"
  nothing runnable, 2 waits unanswered
  middle waits for hoarder since step 2, t=0 (story_programs.hpp:156): hoarder has put it aside in step 3,
    and not taken it up again
  client waits for middle since step 1, t=0 (story_programs.hpp:161): middle waits itself

SMALLEST CASE  no scheduling choices, faults needed: none
  fails in its only possible schedule

STEPS
    1  test   -> client   Go{}                                                          story_programs.hpp:165
    2  client -> middle   Question{}                                                    story_programs.hpp:161
    3  middle -> hoarder  Question{} = stashed                                          story_programs.hpp:156

TIMELINE  test        client      middle      hoarder
       1  |----Go---->*           |           |
       2  |           |-Question->*           |
       3  |           |           |-Question->*

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 3, on hoarder's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_what_only_a_fault_shows_names_it) {
  CheckOptions options = without_faults();
  options.run.faults = sim::FaultProfile::local;
  EXPECT_EQ(story_of(make_property("Suite.Test", story::too_late), options), R"(
INVARIANT VIOLATED  "answered"
  client.prompt == prompt, client.gave_up == true   after step 1, t=1s (virtual), client handled Go{} from
    test

SMALLEST CASE  scheduling choices 2 -> 1 (1 not first come, first served), faults needed: 1 stall

STEPS
 X  1           test  -> client  Go{}                                                   story_programs.hpp:182
                                 gave_up=false => gave_up=true
                clock            1s passes while work waits
            1s  clock -> client  ask deadline

TIMELINE          test        client
      1           |----Go---->*  X
      1           |           |  = 1s passes while work waits
      1       1s  |           T  ask deadline

WHAT MATTERS  after step 1: 1s passes while work waits (left out: passes)

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
RECORD     out/failure.orrery
DEBUG      orrery replay b7k2-9f3c --gdb   (stops before step 1, on client's fiber)
KEEP       orrery keep b7k2-9f3c
)");
}
TEST(Story, of_a_program_that_differs_from_run_to_run) {
  std::uint32_t counter = 0;
  const auto property = make_property("Suite.Test", [&](World& w) { story::differs(w, counter); });
  Reproduction no_record = reproduction;
  no_record.record_path.clear();
  EXPECT_EQ("\n" + tell_story(failure_of(property, without_faults()), no_record), R"(
NON-DETERMINISM  "two executions of run 0 differ"
  3 events equal, then they differ:
  first : (nothing more)
  second: step 3 take test -> adder  Add{amount=7}   story_programs.hpp:124
  the first 0 of 0 and 0 decisions are equal
  suspect: a static variable, iteration over an unordered container, an address as key, a clock,
           memory that was never written (no shrinking was attempted)
  draws: none; virtual time: equal

REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program --gtest_filter=Suite.Test
NEXT       orrery replay b7k2-9f3c --twice   (tells a static variable from addresses and clocks)
)");
}

/// Long names, long texts in several bytes a character, many steps.
struct Letter {
  std::string text;
  std::uint64_t number;
};
struct Archive {
  std::string last;
  std::uint64_t letters = 0;
  void handle(Letter letter) {
    last = letter.text;
    ++letters;
  }
};
void long_story(World& w) {
  const Ref<Archive> archive = w.spawn("the-archive-with-a-name-that-is-too-long-for-its-column", Archive{});
  w.always(std::string(150, 'n'), [&] { return w.peek(archive).letters < 31; });
  for (std::uint64_t i = 0; i < 40; ++i) archive.tell(Letter{"äöü €" + std::string(60, 'x') + std::to_string(i), i});
  w.run();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Story, has_at_most_110_columns_and_20_steps_on_a_terminal_and_all_of_them_in_its_file) {
  const auto failure = failure_of(make_property("Suite.Test", long_story));
  for (const StoryLength length : {StoryLength::terminal, StoryLength::whole}) {
    const std::string story = tell_story(failure, reproduction, length);
    const auto lines = lines_of(story);
    for (const std::string& line : lines) EXPECT_LE(testkit::columns_of(line), 110U) << line;
    const auto begin = std::ranges::find(lines, "STEPS");
    const auto steps = std::count_if(
        begin, lines.end(), [](const std::string& line) { return line.find(" -> the-archive") != std::string::npos; });
    EXPECT_EQ(steps, length == StoryLength::terminal ? 17 : 31);
    EXPECT_EQ(story.find("... 14 more in out/report.txt") != std::string::npos, length == StoryLength::terminal);
  }
}

TEST(Story, keeps_its_sections_in_order) {
  Reproduction with_picture = reproduction;
  with_picture.picture_path = "out/report.html";
  const auto property = make_property("Suite.Test", last_writer_is_two);
  const std::string story = tell_story(failure_of(property, without_faults()), with_picture);
  std::size_t last = 0;
  for (const char* const section :
       {"ASSERTION FAILED  ", "\nSMALLEST CASE  ", "\nSTEPS\n", "\nTIMELINE  ", "\nWHAT MATTERS  ", "\nREPRODUCE  ",
        "\nRECORD     ", "\nDEBUG      ", "\nPICTURE    ", "\nKEEP       "}) {
    const auto at = story.find(section);
    ASSERT_NE(at, std::string::npos) << section;
    EXPECT_GE(at, last) << section;
    last = at;
  }
}

TEST(Text, cuts_between_characters) {
  EXPECT_EQ(testkit::cut("äöüß", 4), "äöüß");
  EXPECT_EQ(testkit::cut("äöüßx", 4), "ä...");
  EXPECT_EQ(testkit::columns_of("äöü€"), 4U);
  EXPECT_EQ(testkit::pad("€", 3), "€  ");
}

TEST(Text, wraps_at_spaces_and_keeps_lines) {
  EXPECT_EQ(testkit::wrap("", 2), "");
  EXPECT_EQ(testkit::wrap("one\n\ntwo", 2), "  one\n\n  two\n");
  const std::string long_text = std::string(100, 'a') + " " + std::string(100, 'b');
  EXPECT_EQ(testkit::wrap(long_text, 2), "  " + std::string(100, 'a') + "\n    " + std::string(100, 'b') + "\n");
  EXPECT_EQ(testkit::wrap(std::string(220, 'c'), 0),
            std::string(110, 'c') + "\n  " + std::string(108, 'c') + "\n  cc\n");
}

TEST(Text, quotes_what_a_shell_would_take_apart) {
  EXPECT_EQ(testkit::shell_word("./build/bin/a_test"), "./build/bin/a_test");
  EXPECT_EQ(testkit::shell_word("/my programs/it's"), "'/my programs/it'\\''s'");
  EXPECT_EQ(testkit::shell_word(""), "''");
  EXPECT_EQ(testkit::shell_word("--gtest_filter=Suite/A.Test/0"), "--gtest_filter=Suite/A.Test/0");
}

TEST(Text, groups_digits_and_knows_the_plural) {
  EXPECT_EQ(testkit::grouped(0), "0");
  EXPECT_EQ(testkit::grouped(999), "999");
  EXPECT_EQ(testkit::grouped(1'000), "1 000");
  EXPECT_EQ(testkit::grouped(1'234'567), "1 234 567");
  EXPECT_EQ(testkit::count_of(1, "run"), "1 run");
  EXPECT_EQ(testkit::count_of(2, "run"), "2 runs");
}

}  // namespace
}  // namespace orrery::testing
