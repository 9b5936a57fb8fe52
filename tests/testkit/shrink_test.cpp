#include "orrery/testkit/shrink.hpp"

#include "tests/testkit/little_properties.hpp"

#include <algorithm>

namespace orrery::testing {
namespace {

using Amounts = std::vector<std::uint32_t>;
using testkit::count_choices;
using testkit::ShrinkBudget;
using testkit::ShrinkResult;

std::uint64_t stalls_in(const sim::Outcome& outcome) {
  std::uint64_t stalls = 0;
  for (const auto& event : outcome.events) stalls += event.kind == sim::EventKind::stall ? 1 : 0;
  return stalls;
}

// ---- input ------------------------------------------------------------------------------------------------------------

TEST(Shrink, finds_the_shortest_list_when_only_its_length_matters) {
  const auto failure = failure_of(make_property("Length", [](World& w, const Amounts& amounts) {
    add_all(w, amounts);
    w.run();
    EXPECT_LT(amounts.size(), 5U);
  }));
  EXPECT_EQ(failure.input, "[0, 0, 0, 0, 0]");
  EXPECT_EQ(failure.outcome.steps, 5U);
}

TEST(Shrink, finds_the_one_value_that_matters_exactly) {
  const auto failure = failure_of(make_property("Value", [](World& w, const std::vector<std::uint8_t>& values) {
    for (const std::uint8_t value : values) w.spawn(Adder{}).tell(Add{value});
    w.run();
    for (const std::uint8_t value : values) EXPECT_LT(value, 100);
  }));
  EXPECT_EQ(failure.input, "[100]");
}

TEST(Shrink, finds_one_large_number_where_the_failure_was_found_with_many_small_ones) {
  const auto failure = failure_of(make_property("Sum", [](World& w, const std::vector<std::uint8_t>& values) {
    const auto adder = w.spawn(Adder{});
    w.always("the sum stays small", [&] { return w.peek(adder).sum <= 200; });
    for (const std::uint8_t value : values) adder.tell(Add{value});
    w.run();
  }));
  EXPECT_EQ(failure.input, "[201]");
  EXPECT_NE(failure.original_input, failure.input);
}

TEST(Shrink, reaches_a_large_number_in_a_short_list) {
  const auto failure = failure_of(make_property("Large", [](World& w, const Amounts& amounts) {
    add_all(w, amounts);
    w.run();
    for (const std::uint32_t amount : amounts) EXPECT_LE(amount, 1'000'000'000U);
  }));
  EXPECT_EQ(failure.input, "[1000000001]");
}

/// The first run of the campaign whose input is `text`.
std::uint64_t run_with_input(const Property& property, std::string_view text) {
  for (std::uint64_t run = 0; run < 10'000; ++run) {
    if (property.make_input(testkit::origin_of_run(seed, run, 20))->describe() == text) return run;
  }
  throw std::runtime_error{"no run has that input"};
}

TEST(Shrink, goes_past_a_value_that_does_not_fail) {
  // From 7, rapidcheck tries 0, 4 and 6; from 6 it tries 3.
  const auto property = make_property("ThreeOrSeven", [](World& w, std::uint8_t value) {
    w.run();
    EXPECT_TRUE(value != 3 && value != 7);
  });
  const auto failure = testkit::investigate(property, {}, seed, run_with_input(property, "7"));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->input, "3");
}

TEST(Shrink, shrinks_all_of_several_inputs) {
  const auto failure = failure_of(
      make_property("Several", [](World& w, const std::string& text, std::uint8_t number, const Amounts& rest) {
        w.run();
        EXPECT_TRUE(text.size() < 2 || number < 7 || rest.empty());
      }));
  EXPECT_EQ(failure.input, "(\"aa\", 7, [0])");
}

// ---- schedule -----------------------------------------------------------------------------------------------------------

TEST(Shrink, leaves_the_one_choice_that_is_needed) {
  const auto failure = failure_of(make_property("OneChoice", last_writer_is_two));
  EXPECT_EQ(count_choices(failure.outcome.decisions).schedule_uncalm, 1U);
  EXPECT_EQ(testkit::uncalm_choices(failure.outcome.decisions), 1U);
}

TEST(Shrink, leaves_no_choice_when_first_come_first_served_fails_already) {
  const auto failure = failure_of(make_property("Calm", [](World& w, const Amounts& amounts) {
    const auto there = w.spawn(Register{});
    for (std::size_t i = 0; i < amounts.size(); ++i) w.spawn(Writer{there, static_cast<int>(i)}).tell(Go{});
    w.run();
    EXPECT_LT(amounts.size(), 3U);
  }));
  EXPECT_EQ(testkit::uncalm_choices(failure.outcome.decisions), 0U);
  EXPECT_EQ(failure.input, "[0, 0, 0]");
}

struct Dice {
  std::uint64_t last = 0;
  void handle(Go, Context& context) { last = context.draw("dice", 1'000); }
};

TEST(Shrink, finds_the_smallest_draw_that_fails) {
  const auto failure = failure_of(make_property("Draw", [](World& w) {
    const auto dice = w.spawn(Dice{});
    dice.tell(Go{});
    w.run();
    EXPECT_LT(w.peek(dice).last, 637U);
  }));
  const auto& decisions = failure.outcome.decisions;
  const auto drawn = std::ranges::find(decisions, sim::DecisionKind::draw, &sim::Decision::kind);
  ASSERT_NE(drawn, decisions.end());
  EXPECT_EQ(drawn->index, 637U);
}

struct ThreeDice {
  std::uint64_t first = 0;
  std::uint64_t third = 0;
  void handle(Go, Context& context) {
    first = context.draw("dice", 1'000);
    (void)context.draw("dice", 1'000);
    third = context.draw("dice", 1'000);
  }
};

// Of three choices, the two at the ends are needed: half of them is never enough.
TEST(Shrink, makes_each_choice_calm_that_does_not_matter) {
  const auto failure = failure_of(make_property("ThreeDraws", [](World& w) {
    const Ref<ThreeDice> dice = w.spawn(ThreeDice{});
    dice.tell(Go{});
    w.run();
    EXPECT_FALSE(w.peek(dice).first >= 10 && w.peek(dice).third >= 20);
  }));
  std::vector<std::uint64_t> draws;
  for (const auto& decision : failure.outcome.decisions) {
    if (decision.kind == sim::DecisionKind::draw) draws.push_back(decision.index);
  }
  EXPECT_EQ(draws, (std::vector<std::uint64_t>{10, 0, 20}));
}

struct Slow {
  using Reply = int;
};
struct Sleeper {
  int handle(Slow, Context& context) {
    context.sleep(10ms);
    return 1;
  }
};

TEST(Shrink, keeps_the_stall_that_is_needed_and_only_that) {
  // Without a stall the reply is there after 10 ms, and the deadline is later.
  struct Asker {
    Ref<Sleeper> sleeper;
    bool in_time = true;
    void handle(Go) { in_time = sleeper.ask(Slow{}, 15ms).has_value(); }
  };
  const auto body = [](World& w) {
    const auto asker = w.spawn(Asker{w.spawn(Sleeper{})});
    asker.tell(Go{});
    w.run();
    EXPECT_TRUE(w.peek(asker).in_time);
  };
  CheckOptions options;
  options.runs = 5'000;
  options.run.faults = sim::FaultProfile::none;
  EXPECT_FALSE(testkit::run_campaign(make_property("NoStall", body), options, seed).failure);
  options.run.faults = sim::FaultProfile::local;
  const auto failure = failure_of(make_property("Stall", body), options);
  EXPECT_EQ(stalls_in(failure.outcome), 1U);
}

// ---- promises -----------------------------------------------------------------------------------------------------------

/// The first run of the campaign whose finding is at `line`.
std::uint64_t run_that_fails_at(const Property& property, std::uint32_t line) {
  for (std::uint64_t run = 0; run < 1'000; ++run) {
    const auto outcome = testkit::make_run(property, {}, seed, run, false);
    if (outcome.finding && outcome.finding->line == line) return run;
  }
  throw std::runtime_error{"no run fails there"};
}

TEST(Shrink, keeps_to_the_same_failure_when_a_smaller_input_fails_in_another_way) {
  constexpr std::uint32_t long_line = __LINE__ + 4;
  const auto property = make_property("Two", [](World& w, const Amounts& amounts) {
    w.run();
    if (amounts.size() >= 4) {
      EXPECT_TRUE(amounts.empty()) << "four or more: " << amounts.size();
    } else if (!amounts.empty()) {
      EXPECT_TRUE(amounts.empty()) << "a few: " << amounts.size();
    }
  });
  const auto failure = testkit::investigate(property, {}, seed, run_that_fails_at(property, long_line));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->finding.line, long_line);
  EXPECT_EQ(failure->input, "[0, 0, 0, 0]");
}

TEST(Shrink, does_not_take_other_values_in_a_message_for_another_failure) {
  // The first line of EXPECT_GE's text holds both values.
  const auto values = make_property("Values", [](World& w, const Amounts& amounts) {
    w.run();
    EXPECT_GE(std::size_t{2}, amounts.size());
  });
  for (std::uint64_t run = 10; run < 21; ++run) {
    const auto assertion = testkit::investigate(values, {}, seed, run);
    EXPECT_TRUE(!assertion || assertion->input == "[0, 0, 0]") << assertion->input;
  }
  const auto what = make_property("What", [](World& w, const Amounts& amounts) {
    w.run();
    if (amounts.size() > 2) throw std::runtime_error{"there are " + std::to_string(amounts.size())};
  });
  for (std::uint64_t run = 10; run < 21; ++run) {
    const auto exception = testkit::investigate(what, {}, seed, run);
    EXPECT_TRUE(!exception || exception->input == "[0, 0, 0]") << exception->input;
  }
}

TEST(Shrink, comes_to_the_same_result_every_time) {
  const auto property = make_property("Again", [](World& w, const std::vector<std::uint8_t>& values) {
    const auto there = w.spawn(Register{});
    for (const std::uint8_t value : values) w.spawn(Writer{there, value}).tell(Go{});
    w.run();
    EXPECT_FALSE(values.size() > 1 && w.peek(there).last < values.front());
  });
  const auto first = failure_of(property);
  const auto second = failure_of(property);
  EXPECT_EQ(testkit::to_text(first.record), testkit::to_text(second.record));
  EXPECT_EQ(first.shrink_runs, second.shrink_runs);
  EXPECT_EQ(first.shrink_steps, second.shrink_steps);
}

/// Shrinks run `run` of `property` by hand.
ShrinkResult shrink_run(const Property& property, std::uint64_t run, ShrinkBudget budget) {
  const auto origin = testkit::origin_of_run(seed, run, 20);
  return testkit::shrink(property, {}, origin, property.make_input(origin),
                         testkit::make_run(property, {}, seed, run, true), budget);
}

TEST(Shrink, keeps_to_its_budget_and_shows_the_failure_however_small_that_is) {
  const auto property = make_property("Budget", [](World& w, const Amounts& amounts) {
    add_all(w, amounts);
    w.run();
    EXPECT_LT(amounts.size(), 5U);
  });
  const std::uint64_t run = failure_of(property).run;
  std::uint64_t last_steps = UINT64_MAX;
  for (const std::uint64_t runs : {0, 1, 2, 10, 100, 100'000}) {
    const auto result = shrink_run(property, run, {.runs = runs, .operations = 3'000'000});
    EXPECT_LE(result.runs, runs);
    ASSERT_TRUE(result.outcome.finding);
    EXPECT_LE(result.outcome.steps, last_steps);
    last_steps = result.outcome.steps;
  }
  const auto result = shrink_run(property, run, {.runs = 100'000, .operations = 50});
  EXPECT_LT(result.runs, 50U);
  EXPECT_TRUE(result.outcome.finding);
}

TEST(Shrink, gives_a_result_that_its_record_replays_exactly) {
  const auto property = make_property("Replays", last_writer_is_two);
  for (std::uint64_t run = 0; run < 50; ++run) {
    const auto failure = testkit::investigate(property, {}, seed, run);
    if (!failure) continue;
    std::string input;
    const auto again = testkit::replay_record(property, {}, failure->record, input);
    EXPECT_FALSE(again.divergence) << *again.divergence;
    EXPECT_TRUE(testkit::is_same(again, failure->outcome));
  }
}

TEST(Shrink, tells_its_way_from_the_run_that_was_found_to_the_smallest) {
  const auto property = make_property("Way", [](World& w, const Amounts& amounts) {
    const auto adder = add_all(w, amounts);
    w.run();
    EXPECT_LT(w.peek(adder).sum, 50U);
  });
  const auto failure = failure_of(property);
  const auto& history = failure.history;
  ASSERT_GE(history.size(), 3U);
  EXPECT_LE(history.size(), testkit::history_stages_max);
  EXPECT_EQ(history.front().input, failure.original_input);
  EXPECT_EQ(history.front().choices.schedule, failure.original_choices);
  EXPECT_EQ(history.back().input, failure.input);
  EXPECT_TRUE(testkit::is_same(history.back().outcome, failure.outcome));
  for (std::size_t i = 0; i < history.size(); ++i) {
    EXPECT_FALSE(history[i].outcome.events.empty()) << i;
    ASSERT_TRUE(history[i].outcome.finding) << i;
    EXPECT_TRUE(testkit::is_same_failure(*history[i].outcome.finding, failure.finding)) << i;
    EXPECT_LE(history[i].outcome.steps, history[i == 0 ? 0 : i - 1].outcome.steps) << i;
  }
  EXPECT_TRUE(testkit::is_same(failure_of(property).history[1].outcome, history[1].outcome));
}

}  // namespace
}  // namespace orrery::testing
