// Goal:   each judgement names the message, the pair and the order that broke its promise, and is silent about what it does
//         not check.
// Method: logs written by hand.
#include "orrery/props/broadcasts.hpp"
#include "orrery/props/numbered.hpp"
#include "orrery/props/priorities.hpp"
#include "orrery/props/promises.hpp"
#include "orrery/props/restarts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace orrery::props_tests {
namespace {

using namespace std::chrono_literals;
using props::MessageLog;
using testing::HasSubstr;
using Log = MessageLog<int>;

std::string said(const testing::AssertionResult& result) { return result ? "" : result.message(); }

void tell(const Log& log, int key, const char* from = "ann", const char* to = "bob") {
  log.sent(key, from, to);
  log.accepted(key);
}
void handle(const Log& log, int key, const char* by = "bob") {
  log.begun(key, by);
  log.handled(key, by);
}

TEST(Judgement, of_order_names_the_pair_and_both_messages) {
  const Log log;
  for (const int key : {1, 2, 3}) tell(log, key);
  for (const int key : {1, 3, 2}) handle(log, key);
  EXPECT_THAT(said(props::in_pair_order(log)),
              HasSubstr("ann -> bob: 3 was handled before 2, which was sent before it"));
}

TEST(Judgement, of_order_skips_other_senders_priorities_what_is_lost_and_what_is_repeated) {
  const Log log;
  tell(log, 1);
  tell(log, 2, "cid");
  tell(log, 3);
  log.sent(4, "ann", "bob", Priority::high);
  for (const int key : {4, 2, 3, 2, 4}) handle(log, key);
  EXPECT_EQ(said(props::in_pair_order(log)), "");
}

TEST(Judgement, of_order_counts_what_was_stashed_when_it_comes_again) {
  const Log log;
  tell(log, 1);
  tell(log, 2);
  log.begun(1, "bob");
  log.set_aside(1, "bob");
  handle(log, 2);
  handle(log, 1);
  EXPECT_THAT(said(props::in_pair_order(log)), HasSubstr("2 was handled before 1"));
}

TEST(Judgement, of_at_most_once_sees_repetitions_strays_and_what_was_refused) {
  const Log log;
  tell(log, 1);
  handle(log, 1);
  log.begun(1, "bob");
  log.sent(2, "ann", "bob");
  log.refused(2);
  handle(log, 2);
  handle(log, 3);
  const std::string text = said(props::at_most_once(log));
  EXPECT_THAT(text, HasSubstr("1 (ann -> bob) was handled 2 times"));
  EXPECT_THAT(text, HasSubstr("2 (ann -> bob) was refused, and handled all the same"));
  EXPECT_THAT(text, HasSubstr("3 was handled, and nobody has sent it"));
}

TEST(Judgement, of_at_least_once_says_how_far_a_message_came) {
  const Log log;
  tell(log, 1);
  tell(log, 2);
  log.begun(2, "bob");
  log.failed(2, "bob");
  log.sent(3, "ann", "bob");
  log.refused(3);
  tell(log, 4);
  const std::string text = said(props::at_least_once(log, {4}));
  EXPECT_THAT(text, HasSubstr("1 (ann -> bob) was accepted and reached no handler"));
  EXPECT_THAT(text, HasSubstr("2 (ann -> bob) was accepted and reached a handler 1 times, of which none returned"));
  EXPECT_THAT(text, Not(HasSubstr("3 (ann")));
  EXPECT_THAT(text, Not(HasSubstr("4 (ann")));
}

TEST(Judgement, of_one_effect_sees_none_and_two) {
  const Log log;
  tell(log, 1);
  tell(log, 2);
  log.handled(2, "bob");
  log.handled(2, "bob");
  log.sent(3, "ann", "bob");  // nobody knows what became of it
  log.sent(4, "ann", "bob");
  log.handled(4, "bob");
  const std::string text = said(props::exactly_one_effect(log));
  EXPECT_THAT(text, HasSubstr("1 (ann -> bob) was accepted, and has had no effect"));
  EXPECT_THAT(text, HasSubstr("2 (ann -> bob) has had its effect 2 times"));
  EXPECT_THAT(text, Not(HasSubstr("3 (ann")));
  EXPECT_THAT(text, Not(HasSubstr("4 (ann")));
}

TEST(Judgement, of_acknowledgements_sees_those_that_came_early_and_what_is_gone) {
  const Log log;
  for (const int key : {1, 2, 3}) tell(log, key);
  log.acknowledged(1);
  handle(log, 1);
  handle(log, 2);
  log.acknowledged(2);
  log.acknowledged(3);
  const std::string text = said(props::acknowledged_is_kept(log, [](int key) { return key != 2; }));
  EXPECT_THAT(text, HasSubstr("1 (ann -> bob) was acknowledged before it was handled"));
  EXPECT_THAT(text, HasSubstr("2 (ann -> bob) was acknowledged, and is gone"));
  EXPECT_THAT(text, HasSubstr("3 (ann -> bob) was acknowledged, and never handled"));
}

TEST(Judgement, of_a_broadcast_names_the_member) {
  const Log log;
  log.published(1, "ann", {"bob", "cid"});
  log.published(2, "ann", {"bob", "cid", "dan"});
  handle(log, 2, "bob");
  handle(log, 1, "bob");
  handle(log, 1, "cid");
  handle(log, 1, "cid");
  handle(log, 1, "eve");
  const std::string text = said(props::reaches_everybody(log, {"dan"}));
  EXPECT_THAT(text, HasSubstr("bob got 2 of ann before 1, which was published before it"));
  EXPECT_THAT(text, HasSubstr("cid got 1 of ann 2 times"));
  EXPECT_THAT(text, HasSubstr("cid did not get 2 of ann"));
  EXPECT_THAT(text, HasSubstr("eve got 1, which was not published to it"));
  EXPECT_THAT(text, Not(HasSubstr("dan")));
}

TEST(Judgement, of_priorities_knows_who_waited) {
  using enum Priority;
  EXPECT_EQ(said(props::in_priority_order({low, normal, high, normal}, {2, 1, 3, 0})), "");
  EXPECT_THAT(said(props::in_priority_order({low, high}, {0, 1})),
              HasSubstr("message 0 (low) was taken while 1 (high)"));
  EXPECT_THAT(said(props::in_priority_order({low, low}, {1, 0})),
              HasSubstr("message 1 (low) was taken before an older"));
  EXPECT_THAT(said(props::in_priority_order({low, high}, {1})), HasSubstr("message 0 was never taken"));
  EXPECT_THAT(said(props::in_priority_order({low}, {0, 0})), HasSubstr("or twice"));
  EXPECT_THAT(said(props::in_priority_order({low}, {7})), HasSubstr("message 7 was never sent"));
}

TEST(Judgement, of_priorities_lets_a_lower_lane_go_first_after_its_patience_and_not_before) {
  std::vector<Priority> arrived(60, Priority::high);
  arrived.front() = Priority::low;
  const auto low_after = [&](std::uint64_t passes) {
    std::vector<std::uint64_t> taken;
    for (std::uint64_t i = 1; i < arrived.size(); ++i) {
      if (i == passes + 1) taken.push_back(0);
      taken.push_back(i);
    }
    return said(props::in_priority_order(arrived, taken));
  };
  EXPECT_THAT(low_after(Lanes::patience - 1), HasSubstr("was taken while"));
  EXPECT_EQ(low_after(Lanes::patience), "");
  EXPECT_EQ(low_after(Lanes::patience + priority_count), "");
  EXPECT_THAT(low_after(Lanes::patience + priority_count + 1), HasSubstr("message 0 (low) was passed over 37 times"));
}

TEST(Judgement, of_intensity_counts_both_ends_of_a_period) {
  const auto at = [](std::initializer_list<int> seconds) {
    std::vector<Instant> instants;
    for (const int second : seconds) instants.emplace_back(std::chrono::seconds{second});
    return instants;
  };
  const Restart limit{.intensity = 2, .period = 10s};
  EXPECT_EQ(said(props::within_intensity(at({0, 5, 11, 16}), limit)), "");
  EXPECT_THAT(said(props::within_intensity(at({0, 5, 10}), limit)),
              HasSubstr("3 restarts within 10s, up to the one at 10s"));
  EXPECT_EQ(said(props::within_intensity({}, limit)), "");
}

TEST(Judgement, shows_five_offences_and_counts_the_rest) {
  const Log log;
  for (int key = 0; key < 8; ++key) tell(log, key);
  EXPECT_THAT(said(props::at_least_once(log)), HasSubstr("and 3 more"));
}

// ---- numbers ------------------------------------------------------------------------------------------------------------

struct Named {
  std::string name;
  bool flag = false;
  std::uint8_t number = 0;
  std::uint32_t other = 0;
};
struct Unnumbered {
  std::string name;
};
static_assert(props::HasNumber<Named>);
static_assert(!props::HasNumber<Unnumbered>);

TEST(Numbered, is_the_first_integer_field) {
  const Named message = props::make_numbered<Named>(7);
  EXPECT_EQ(message.number, 7);
  EXPECT_EQ(message.other, 0U);
  EXPECT_EQ(props::Numbered<Named>::get(message), 7U);
}

}  // namespace
}  // namespace orrery::props_tests
