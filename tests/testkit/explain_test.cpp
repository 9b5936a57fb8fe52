// Goal:   what a report says about a failure is true: what matters, what does not, and in how many schedules it fails.
// Method: programs whose schedules can be counted by hand; what is claimed is compared with what must follow.
#include "orrery/testkit/explain.hpp"

#include "orrery/testkit/story.hpp"
#include "orrery/testkit/wire.hpp"
#include "tests/testkit/little_properties.hpp"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace orrery::testing {
namespace {

using testkit::Explanation;
using testkit::Flip;
using testkit::TypedInput;
using What = Flip::What;
using Became = Flip::Became;

CheckOptions explained(sim::FaultProfile faults = sim::FaultProfile::none) {
  CheckOptions options;
  options.run.faults = faults;
  options.explain = true;
  return options;
}
Explanation explanation_of(const Property& property, const CheckOptions& options = explained()) {
  return failure_of(property, options).explanation;
}
std::vector<Flip> flips_of(const Explanation& explanation, What what) {
  std::vector<Flip> flips = explanation.flips;
  std::erase_if(flips, [&](const Flip& flip) { return flip.what != what; });
  return flips;
}
std::string bytes_of(const Explanation& explanation) {
  testkit::WireWriter out;
  write(out, explanation);
  return out.bytes();
}

/// As many writers as are wanted; it fails unless the last of them, by number, writes last.
Property writers(int count) {
  return make_property("Writers", [count](World& w) {
    const Ref<Register> there = w.spawn("register", Register{});
    for (int i = 1; i <= count; ++i) w.spawn("w" + std::to_string(i), Writer{there, i}).tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(there).last, count);
  });
}

TEST(Explain, names_the_two_steps_whose_order_is_the_bug) {
  const auto failure = failure_of(make_property("Last", last_writer_is_two), explained());
  const auto flips = flips_of(failure.explanation, What::order);
  ASSERT_EQ(flips.size(), 1U);
  EXPECT_EQ(flips[0].became, Became::passes);
  ASSERT_EQ(flips[0].steps.size(), 2U);
  const auto& events = failure.outcome.events;
  const auto message_of = [&](std::uint64_t step) {
    return std::ranges::find_if(
               events,
               [&](const sim::Event& event) { return event.kind == sim::EventKind::take && event.step == step; })
        ->message;
  };
  EXPECT_EQ(message_of(flips[0].steps[0]), "Wrote{who=2}");
  EXPECT_EQ(message_of(flips[0].steps[1]), "Wrote{who=1}");
  EXPECT_EQ(flips[0].words,
            "step " + std::to_string(flips[0].steps[0]) + " happens before step " + std::to_string(flips[0].steps[1]));
}

TEST(Explain, says_of_an_order_that_does_not_matter_that_it_fails_all_the_same) {
  const auto property = make_property("Sum", [](World& w) {
    const Ref<Adder> adder = w.spawn("adder", Adder{});
    struct Sender {
      Ref<Adder> to;
      void handle(Go) { to.tell(Add{1}); }
    };
    w.spawn("one", Sender{adder}).tell(Go{});
    w.spawn("two", Sender{adder}).tell(Go{});
    w.run();
    EXPECT_LT(w.peek(adder).sum, 2U);
  });
  const auto explanation = explanation_of(property);
  const auto flips = flips_of(explanation, What::order);
  ASSERT_EQ(flips.size(), 1U);
  EXPECT_EQ(flips[0].became, Became::same);
  EXPECT_FALSE(explanation.nearest_passing);
  EXPECT_EQ(explanation.failing, explanation.all);
}

/// Writes, and only then lets another one write.
struct First {
  Ref<Register> there;
  Ref<Writer> next;
  void handle(Go) {
    there.tell(Wrote{1});
    next.tell(Go{});
  }
};

TEST(Explain, lists_no_order_that_cannot_be_turned) {
  const auto property = make_property("Chain", [](World& w) {
    const Ref<Register> there = w.spawn("register", Register{});
    const Ref<Writer> two = w.spawn("two", Writer{there, 2});
    w.spawn("one", First{there, two}).tell(Go{});
    w.run();
    EXPECT_NE(w.peek(there).last, 2);
  });
  const auto explanation = explanation_of(property);
  EXPECT_GT(explanation.runs, 0U);
  EXPECT_TRUE(flips_of(explanation, What::order).empty());
  EXPECT_EQ(explanation.all, 1U);
}

// The register sees n! orders; it fails unless one certain writer is the last: in n! - (n - 1)! of them.
TEST(Explain, counts_each_schedule_once) {
  for (const auto& [count, failing, all] : {std::tuple{2, 1U, 2U}, std::tuple{3, 4U, 6U}, std::tuple{4, 18U, 24U}}) {
    const auto explanation = explanation_of(writers(count));
    EXPECT_EQ(explanation.failing, failing) << count;
    EXPECT_EQ(explanation.all, all) << count;
    EXPECT_TRUE(explanation.all_counted);
  }
}

// Two tellers look and then take, from an account that an `always` watches: of the six orders of their four messages four fail.
// Whom each of them tells afterwards has no part in it.
TEST(Explain, counts_a_schedule_once_however_early_it_breaks_an_always) {
  struct Look {
    using Reply = int;
  };
  struct Take {
    using Reply = int;
  };
  struct Account {
    int balance = 1;
    int handle(Look) const { return balance; }
    int handle(Take) { return --balance; }
  };
  struct Bystander {
    int told = 0;
    void handle(Go) { ++told; }
  };
  struct Taker {
    Ref<Account> account;
    Ref<Bystander> bystander;
    void handle(Go) {
      if (account.ask(Look{}, no_timeout).value_or(0) > 0) (void)account.ask(Take{}, no_timeout);
      (void)bystander.tell(Go{});
    }
  };
  const auto property = make_property("Early", [](World& w) {
    const auto account = w.spawn("account", Account{});
    w.always("never below nothing", [&w, account] { return w.peek(account).balance >= 0; });
    for (int i = 0; i < 2; ++i) {
      const auto bystander = w.spawn(Bystander{});
      (void)w.spawn(Taker{account, bystander}).tell(Go{});
    }
    w.run();
  });
  const auto explanation = explanation_of(property);
  EXPECT_EQ(explanation.failing, 4U);
  EXPECT_EQ(explanation.all, 6U);
  EXPECT_TRUE(explanation.all_counted);
}

TEST(Explain, says_that_there_are_more_schedules_than_it_has_counted) {
  const auto explanation = explanation_of(writers(8));
  EXPECT_FALSE(explanation.all_counted);
  EXPECT_GT(explanation.failing, 0U);
  EXPECT_LE(explanation.all, 2'000U);
  EXPECT_LE(explanation.failing, explanation.all);
}

TEST(Explain, shows_a_run_of_the_same_input_that_passes) {
  const auto failure = failure_of(make_property("Last", last_writer_is_two), explained());
  const auto& nearest = failure.explanation.nearest_passing;
  ASSERT_TRUE(nearest);
  EXPECT_FALSE(nearest->finding);
  EXPECT_FALSE(nearest->events.empty());
  EXPECT_EQ(failure.explanation.nearest_words, flips_of(failure.explanation, What::order)[0].words);
}

TEST(Explain, leaves_out_each_fault) {
  const auto property = make_property("Disk", [](World& w) {
    struct Disk {
      int lost = 0;
      void handle(Go, Context& context) { lost += context.fault_point("disk full") ? 1 : 0; }
    };
    const auto disk = w.spawn("disk", Disk{});
    disk.tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(disk).lost, 0);
  });
  const auto explanation = explanation_of(property, explained(sim::FaultProfile::local));
  const auto flips = flips_of(explanation, What::fault);
  ASSERT_EQ(flips.size(), 1U);
  EXPECT_EQ(flips[0].became, Became::passes);
  EXPECT_EQ(flips[0].words, "after step 1: disk goes wrong: disk full");
  EXPECT_EQ(explanation.all, 0U) << "schedules are counted without faults only";
  ASSERT_TRUE(explanation.nearest_passing);
}

TEST(Explain, tries_other_values_of_a_draw) {
  const auto property = make_property("Dice", [](World& w) {
    struct Dice {
      std::uint64_t last = 0;
      void handle(Go, Context& context) { last = context.draw("dice", 10); }
    };
    const auto dice = w.spawn("dice", Dice{});
    dice.tell(Go{});
    w.run();
    EXPECT_LT(w.peek(dice).last, 6U);
  });
  const auto flips = flips_of(explanation_of(property), What::draw);
  ASSERT_EQ(flips.size(), 1U);
  EXPECT_EQ(flips[0].words, "in step 1, 6 was drawn of 0 to 9");
  EXPECT_EQ(flips[0].tried, 5U);  // 0, 4, 5, 7, 9
  EXPECT_EQ(flips[0].passed, 3U);
  EXPECT_EQ(flips[0].became, Became::otherwise);
}

struct Order {
  std::uint32_t amount;
  bool is_urgent;
};

TEST(Explain, tries_other_values_of_each_part_of_the_input) {
  const auto property = make_property("Parts", [](World& w, const std::vector<Order>& orders) {
    const auto adder = w.spawn("adder", Adder{});
    for (const Order& order : orders) adder.tell(Add{order.amount});
    w.run();
    EXPECT_FALSE(!orders.empty() && orders[0].is_urgent);
  });
  const auto flips = flips_of(explanation_of(property), What::input);
  ASSERT_EQ(flips.size(), 2U);
  EXPECT_EQ(flips[0].words, "input[0].amount = 0");
  EXPECT_EQ(flips[0].became, Became::same);
  EXPECT_EQ(flips[0].tried, 5U);
  EXPECT_EQ(flips[1].words, "input[0].is_urgent = true");
  EXPECT_EQ(flips[1].became, Became::passes);
  EXPECT_EQ(flips[1].tried, 1U) << "there is one other value";
}

TEST(Explain, tells_another_failure_from_a_run_that_passes) {
  const auto property = make_property("Two", [](World& w, const std::vector<Order>& orders) {
    w.run();
    if (orders.empty()) return;
    EXPECT_FALSE(orders[0].is_urgent);
    EXPECT_TRUE(orders[0].is_urgent);
  });
  for (const Flip& flip : flips_of(explanation_of(property), What::input)) {
    if (!flip.words.contains("is_urgent")) continue;
    EXPECT_EQ(flip.became, Became::otherwise);
    EXPECT_EQ(flip.passed, 0U);
    EXPECT_TRUE(flip.finding.starts_with("ASSERTION FAILED")) << flip.finding;
  }
}

TEST(Explain, is_the_same_every_time) {
  EXPECT_EQ(bytes_of(explanation_of(writers(3))), bytes_of(explanation_of(writers(3))));
}

TEST(Explain, costs_nothing_but_the_explanation_when_one_of_its_runs_crashes) {
  const pid_t here = getpid();
  const auto failure = failure_of(make_property("Dies",
                                                [here](World& w) {
                                                  if (getpid() != here) std::abort();
                                                  last_writer_is_two(w);
                                                }),
                                  explained());
  EXPECT_TRUE(failure.explanation.flips.empty());
  EXPECT_EQ(failure.finding.kind, sim::FindingKind::assertion_failed);
  EXPECT_EQ(failure.explanation.left_out,
            (std::vector<std::string>{"what matters: one of the runs died of SIGABRT",
                                      "how many schedules fail: one of the runs died of SIGABRT"}));
  EXPECT_NE(testkit::tell_story(failure, {}).find("WHAT MATTERS  not tried: what matters: one of"), std::string::npos);
}

TEST(Explain, says_what_it_has_not_tried) {
  CheckOptions large = explained();
  large.commands_max = 40;
  const auto many = explanation_of(make_property("Many",
                                                 [](World& w, std::vector<std::uint32_t> values) {
                                                   add_all(w, values);
                                                   w.run();
                                                   EXPECT_LT(values.size(), 26U);
                                                 }),
                                   large);
  ASSERT_EQ(many.left_out.size(), 1U);
  EXPECT_TRUE(many.left_out[0].starts_with("other values of ")) << many.left_out[0];
  EXPECT_EQ(flips_of(many, What::input).size(), 24U);

  const auto crowd = explanation_of(writers(15));  // 14 + 13 + ... pairs
  ASSERT_FALSE(crowd.left_out.empty());
  EXPECT_EQ(crowd.left_out.front(), "the order of earlier steps");
  EXPECT_EQ(flips_of(crowd, What::order).size(), 80U);
}

/// Fails unless the three arrive in reverse: no single swap does that.
TEST(Explain, says_when_no_single_swap_is_enough) {
  struct Row {
    std::vector<int> written;
    void handle(Wrote m) { written.push_back(m.who); }
  };
  struct Hand {
    Ref<Row> row;
    int value;
    void handle(Go) { row.tell(Wrote{value}); }
  };
  const auto failure = failure_of(make_property("Reverse",
                                                [](World& w) {
                                                  const Ref<Row> row = w.spawn("row", Row{});
                                                  for (int i = 1; i <= 3; ++i) {
                                                    w.spawn("w" + std::to_string(i), Hand{row, i}).tell(Go{});
                                                  }
                                                  w.run();
                                                  EXPECT_EQ(w.peek(row).written, (std::vector<int>{3, 2, 1}));
                                                }),
                                  explained());
  EXPECT_EQ(failure.explanation.failing, 5U);
  EXPECT_EQ(failure.explanation.passing, 1U);
  EXPECT_EQ(failure.explanation.all, 6U);
  const std::string story = testkit::tell_story(failure, {});
  EXPECT_NE(story.find("the order of several steps together: 1 of its schedules pass"), std::string::npos) << story;
}

TEST(Explain, is_not_done_unless_somebody_wants_it) {
  const auto explanation = explanation_of(make_property("Last", last_writer_is_two), CheckOptions{});
  EXPECT_EQ(explanation.runs, 0U);
}

TEST(InputParts, are_named_and_exchanged_for_parts_of_their_sort) {
  using Value = std::vector<std::pair<std::uint32_t, Order>>;
  const auto fixed = [](Value value) {
    return TypedInput<Value>{std::make_unique<testkit::FixedSample<Value>>(std::move(value))};
  };
  const auto mine = fixed({{1, {2, true}}, {3, {4, false}}});
  const auto other = fixed({{50, {60, false}}, {70, {80, false}}});
  std::string names;
  for (const auto& [name, value] : mine.parts()) names += name + "=" + value + " ";
  EXPECT_EQ(names,
            "input[0](1)=1 input[0](2).amount=2 input[0](2).is_urgent=true "
            "input[1](1)=3 input[1](2).amount=4 input[1](2).is_urgent=false ");
  EXPECT_EQ(mine.with_part_of(4, other, 1)->describe(), fixed({{1, {2, true}}, {3, {80, false}}}).describe());
  EXPECT_EQ(mine.with_part_of(0, other, 0)->describe(), fixed({{50, {2, true}}, {3, {4, false}}}).describe());
  EXPECT_EQ(mine.with_part_of(4, other, 2), nullptr) << "it has two";
  EXPECT_EQ(mine.with_part_of(4, fixed({}), 0), nullptr);
}

}  // namespace
}  // namespace orrery::testing
