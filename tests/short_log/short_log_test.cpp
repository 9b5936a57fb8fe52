// Goal:   in the short log a letter at an actor's column is what that actor is at that moment.
// Method: made-up events, and the whole text.
#include "orrery/testkit/short_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace orrery::testkit {
namespace {

using testing::HasSubstr;

TraceEvent event(std::uint64_t step, const std::string& kind, const std::string& from, const std::string& to,
                 const std::string& message = {}, const std::string& reply = {}) {
  return {.step = step,
          .nanoseconds = step * 1'000,
          .kind = kind,
          .from = from,
          .to = to,
          .message = message,
          .reply = reply,
          .file = {},
          .line = 0,
          .finding = {}};
}

/// What stands at the actors' columns, row by row, and the letters of the events.
std::string columns_of(const std::vector<TraceEvent>& events) {
  std::istringstream lines{short_log(events)};
  std::string line;
  std::getline(lines, line);
  const auto begin = line.find("ev ");
  const auto end = line.find("  detail");
  std::string out;
  while (std::getline(lines, line)) out += line.substr(begin, end - begin) + "|\n";
  return out;
}

const std::vector<TraceEvent> two_born{event(0, "spawn", "test", "a"), event(0, "spawn", "test", "b")};
std::vector<TraceEvent> after_birth(std::vector<TraceEvent> more) {
  more.insert(more.begin(), two_born.begin(), two_born.end());
  return more;
}

TEST(ShortLog, an_actor_waits_between_its_step_and_its_going_on) {
  EXPECT_EQ(columns_of(after_birth({event(1, "take", "test", "a", "Go{}"), event(2, "take", "a", "b", "Ask{}", "1"),
                                    event(3, "resume", "a", "a"), event(4, "take", "test", "b", "Go{}")})),
            ">  * .|\n"
            ">  ? *|\n"
            "<  * .|\n"
            ">  . *|\n");
}

TEST(ShortLog, who_has_asked_and_does_nothing_more_waits) {
  EXPECT_EQ(columns_of(after_birth({event(1, "take", "test", "a", "Go{}"), event(2, "take", "a", "b", "Ask{}", "1"),
                                    event(3, "take", "test", "b", "Go{}")})),
            ">  * .|\n"
            ">  ? *|\n"
            ">  ? *|\n");
}

TEST(ShortLog, who_ends_is_down_until_it_is_restarted) {
  EXPECT_EQ(
      columns_of(after_birth({event(1, "take", "test", "a", "Go{}"), event(1, "exit", "a", "a", "failed: x"),
                              event(2, "take", "test", "b", "Go{}"), event(2, "restart", "a", "a", "incarnation 2"),
                              event(3, "exit", "b", "b", "normal")})),
      ">  * .|\n"
      "!  # .|\n"
      ">  # *|\n"
      "^  . .|\n"
      "-  . #|\n");
}

TEST(ShortLog, a_full_mailbox_shows_at_its_owners_column_for_that_line) {
  EXPECT_EQ(columns_of(after_birth(
                {event(1, "refuse", "a", "b", "Go{}", "mailbox_full"), event(2, "take", "a", "b", "Go{}")})),
            "F  . F|\n"
            ">  . *|\n");
}

TEST(ShortLog, who_is_not_born_has_an_empty_column) {
  EXPECT_EQ(columns_of({event(0, "spawn", "test", "a"), event(1, "take", "test", "a", "Go{}"),
                        event(1, "spawn", "a", "b"), event(2, "take", "a", "b", "Go{}")}),
            ">  *  |\n"
            ">  . *|\n");
}

TEST(ShortLog, the_step_that_failed_is_marked_by_a_letter_and_the_finding) {
  TraceEvent bad = event(1, "take", "test", "a", "Go{}");
  bad.finding = "balance never negative";
  EXPECT_THAT(short_log(after_birth({bad})),
              HasSubstr("    1    0.001  X  * .  test -> a Go{}   X balance never negative\n"));
}

TEST(ShortLog, long_names_stand_in_a_list_and_columns_are_one_wide) {
  std::vector<TraceEvent> events;
  for (char c = 'a'; c <= 'g'; ++c) events.push_back(event(0, "spawn", "test", std::string(15, c)));
  events.push_back(event(1, "take", "test", std::string(15, 'g'), "Go{}"));
  const std::string log = short_log(events);
  EXPECT_THAT(log, HasSubstr("1: aaaaaaaaaaaaaaa  2: bbbbbbbbbbbbbbb"));
  EXPECT_THAT(log, HasSubstr(" ev 1 2 3 4 5 6 7  detail\n"));
  EXPECT_THAT(log, HasSubstr(">  . . . . . . *  test"));
}

TEST(ShortLog, no_message_can_break_a_line) {
  const std::string log = short_log(after_birth({event(1, "take", "test", "a", "Go{text=\"x\ny\"}")}));
  EXPECT_EQ(std::ranges::count(log, '\n'), 2);
}

}  // namespace
}  // namespace orrery::testkit
