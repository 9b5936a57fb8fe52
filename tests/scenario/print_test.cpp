#include "orrery/testkit/scenario/print.hpp"

#include "orrery/testkit/scenario/parse.hpp"
#include "tests/scenario/generate.hpp"
#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

namespace orrery::scenario {
namespace {

TEST(Print, writes_what_was_given_and_nothing_else) {
  const std::string text =
      "scenario x\n"
      "tags a,b\n"
      "sup root parent=- strategy=one_for_all intensity=0 period=5\n"
      "work w parent=root shutdown=brutal_kill trap=0 plan=oe*\n"
      "run\n"
      "exit w shutdown:bye\n"
      "kill w\n"
      "signal w boom\n"
      "post w m1 !bye m2\n"
      "stop root crash\n"
      "advance 3\n"
      "plan w e*\n"
      "terminate root w\n"
      "restart root w\n"
      "delete root w\n"
      "add root sup s intensity=3 period=9 shutdown=infinity\n"
      "spawn zz\n"
      "count root\n"
      "batch root 2\n"
      "which root\n"
      "kill w\n"
      "end\n";
  const auto parsed = parse(text);
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(print(*parsed), text);
  for (const Event& event : parsed->events) EXPECT_EQ(print(event.action), event.text);
}

TEST(Print, orders_attributes_and_says_an_event_as_it_was_written) {
  const auto parsed = parse(
      "scenario x\nsup root period=9 intensity=2 parent=-\nrun\nadd  root work w trap=1 restart=transient\nend\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(print(*parsed),
            "scenario x\nsup root parent=- intensity=2 period=9\nrun\nadd root work w trap=1 restart=transient\nend\n");
}

// Goal:   R1 for whatever can be generated, and for what shrinking makes of it.
TEST(Print, is_read_back_as_the_same_scenario) {
  for (int seed = 0; seed < 1'000; ++seed) {
    const Scenario scenario =
        generate_scenario(static_cast<std::uint64_t>(seed), seed % 101, {.supkill = seed % 2 == 1});
    const auto again = parse(print(scenario));
    ASSERT_TRUE(again) << to_string(again.error()) << "\n" << print(scenario);
    ASSERT_EQ(*again, scenario) << print(scenario);
  }
}

TEST(Equality, does_not_ask_for_lines_but_for_everything_else) {
  const std::string text =
      "scenario x\nsup root parent=-\nwork w parent=root\nrun\nbatch root 1\nkill w\nexit w a\nend\n";
  const auto one = parse(text);
  ASSERT_TRUE(one);
  EXPECT_EQ(*one, *parse("\n# elsewhere\n" + text));
  for (const auto& [from, to] : {std::pair{"scenario x", "scenario y"},
                                 {"work w parent=root", "work w parent=root trap=1"},
                                 {"work w parent=root", "work w parent=root restart=permanent"},
                                 {"kill w", "count root"},
                                 {"exit w a", "exit w b"},
                                 {"scenario x", "scenario x\ntags a"}}) {
    std::string other = text;
    other.replace(other.find(from), std::string_view{from}.size(), to);
    const auto two = parse(other);
    ASSERT_TRUE(two) << other;
    EXPECT_FALSE(*one == *two) << other;
  }
}

}  // namespace
}  // namespace orrery::scenario
