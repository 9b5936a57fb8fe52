#include "orrery/testkit/campaign.hpp"

#include "tests/testkit/little_properties.hpp"

#include <fmt/core.h>

#include <set>
#include <stdexcept>

namespace orrery::testing {
namespace {

using Amounts = std::vector<std::uint32_t>;
using sim::FindingKind;
using testkit::make_run;
using testkit::run_campaign;

/// Something to schedule, with an input.
void writers(World& w, const Amounts& amounts) {
  const auto there = w.spawn(Register{});
  for (const std::uint32_t amount : amounts) w.spawn(Writer{there, static_cast<int>(amount & 0xff)}).tell(Go{});
  w.run();
}

TEST(Campaign, makes_a_run_alone_as_it_makes_it_among_others) {
  const auto property = make_property("Alone", writers);
  std::vector<Hash128> together;
  for (std::uint64_t run = 0; run < 100; ++run) together.push_back(make_run(property, {}, seed, run, false).trace_hash);
  for (const std::uint64_t run : {99, 0, 50, 7, 98}) {
    EXPECT_EQ(make_run(property, {}, seed, run, false).trace_hash, together[run]);
    EXPECT_EQ(make_run(make_property("Alone", writers), {}, seed, run, true).trace_hash, together[run]);
  }
}

TEST(Campaign, finds_the_failure_of_a_run_that_is_made_alone) {
  const auto property = make_property("OneChoice", last_writer_is_two);
  const auto failure = failure_of(property);
  const auto alone = testkit::investigate(property, {}, seed, failure.run);
  ASSERT_TRUE(alone);
  EXPECT_EQ(testkit::to_text(alone->record), testkit::to_text(failure.record));
}

TEST(Campaign, of_another_seed_makes_other_runs) {
  const auto property = make_property("Seeds", writers);
  std::set<Hash128> hashes;
  for (std::uint64_t other = 0; other < 20; ++other) {
    hashes.insert(make_run(property, {}, other, 20, false).trace_hash);
  }
  EXPECT_EQ(hashes.size(), 20U);
}

TEST(Campaign, explores_different_schedules_of_a_program_without_input) {
  const auto property = make_property("Orders", [](World& w) { writers(w, {1, 2, 3, 4}); });
  std::set<Hash128> hashes;
  for (std::uint64_t run = 0; run < 200; ++run) hashes.insert(make_run(property, {}, seed, run, false).trace_hash);
  EXPECT_GT(hashes.size(), 20U);
}

TEST(Campaign, begins_with_small_inputs_and_goes_through_all_sizes) {
  std::set<int> sizes;
  for (std::uint64_t run = 0; run < 21; ++run) {
    const auto origin = testkit::origin_of_run(seed, run, 20);
    EXPECT_EQ(origin.commands, static_cast<int>(run));
    EXPECT_LE(origin.values, 100);
    sizes.insert(origin.values);
  }
  EXPECT_GT(sizes.size(), 8U);
  EXPECT_EQ(testkit::origin_of_run(seed, 21, 20).commands, 0);
  EXPECT_EQ(testkit::origin_of_run(seed, 5, 0).commands, 0);
  EXPECT_EQ(testkit::origin_of_run(seed, 5, 0).values, 100);
  EXPECT_EQ(testkit::origin_of_run(seed, 5, -7).commands, 0);
  EXPECT_EQ(testkit::origin_of_run(seed, 5, INT32_MAX).commands, 5);
}

TEST(Campaign, makes_inputs_of_every_size_with_every_strategy_in_both_grains) {
  for (const int commands_max : {1, 3, 19, 20, 39}) {
    std::set<std::tuple<int, sim::StrategyKind, sim::Grain>> seen;
    const std::size_t all = (static_cast<std::size_t>(commands_max) + 1) * sim::plans_period;
    for (std::uint64_t run = 0; run < sim::plans_period * all; ++run) {
      const sim::Plan plan =
          sim::plan_of_run(sim::StrategyKind::portfolio, sim::GrainSetting::automatic, sim::calibration_runs + run);
      const int size = testkit::origin_of_run(seed, sim::calibration_runs + run, commands_max).commands;
      seen.emplace(size, plan.strategy, plan.grain);
    }
    EXPECT_EQ(seen.size(), all) << commands_max;
  }
}

TEST(Campaign, counts_runs_steps_and_virtual_time) {
  const auto property = make_property("Counts", [](World& w) {
    w.spawn(Adder{}).tell(Add{1});
    w.run_for(1s);
  });
  const auto result = run_campaign(property, {.runs = 50}, seed);
  EXPECT_FALSE(result.failure);
  EXPECT_EQ(result.runs, 50U);
  EXPECT_EQ(result.steps, 50U);
  EXPECT_EQ(result.virtual_time, 50s);
}

TEST(Campaign, counts_in_how_many_runs_a_sometimes_held) {
  int bodies = 0;
  const auto property = make_property("Sometimes", [&](World& w, const Amounts& amounts) {
    const auto adder = add_all(w, amounts);
    w.sometimes("one message", [&] { return w.peek(adder).messages == 1; });
    w.sometimes("one message", [&] { return w.peek(adder).messages == 1; });  // the same name counts once
    w.sometimes("a hundred", [&] { return w.peek(adder).messages == 100; });
    w.run();
    bodies += amounts.empty() ? 0 : 1;
  });
  const auto result = run_campaign(property, {.runs = 63}, seed);
  ASSERT_EQ(result.sometimes.size(), 2U);
  EXPECT_EQ(result.sometimes[0], (std::pair<std::string, std::uint64_t>{"one message", bodies}));
  EXPECT_EQ(result.sometimes[1], (std::pair<std::string, std::uint64_t>{"a hundred", 0}));
}

// ---- findings -------------------------------------------------------------------------------------------------------------

TEST(Campaign, finds_an_assertion_that_fails_in_the_body_at_its_line) {
  constexpr std::uint32_t line = __LINE__ + 3;
  const auto failure = failure_of(make_property("Body", [](World& w, const Amounts& amounts) {
    w.run();
    EXPECT_TRUE(amounts.empty());
  }));
  EXPECT_EQ(failure.finding.kind, FindingKind::assertion_failed);
  EXPECT_EQ(failure.finding.file, __FILE__);
  EXPECT_EQ(failure.finding.line, line);
  EXPECT_TRUE(failure.finding.detail.starts_with("in the body of the test\n")) << failure.finding.detail;
}

struct Checker {
  static constexpr std::uint32_t line = __LINE__ + 1;
  void handle(Add m) { EXPECT_LT(m.amount, 10U); }
};

TEST(Campaign, finds_an_assertion_that_fails_in_an_actor_at_its_line_and_stops_the_run_there) {
  const auto failure = failure_of(make_property("Actor", [](World& w) {
    const Ref<Checker> checker = w.spawn("checker", Checker{});
    for (const std::uint32_t amount : {1, 11, 2, 3}) checker.tell(Add{amount});
    w.run();
    FAIL() << "the run has ended before";
  }));
  EXPECT_EQ(failure.finding.file, __FILE__);
  EXPECT_EQ(failure.finding.line, Checker::line);
  EXPECT_EQ(failure.finding.step, 2U);
  EXPECT_EQ(failure.outcome.steps, 2U);
  EXPECT_TRUE(failure.finding.detail.starts_with("in checker, handling Add{amount=11}\n")) << failure.finding.detail;
}

TEST(Campaign, reports_what_failed_first) {
  const auto failure = failure_of(make_property("First", [](World& w) {
    const auto checker = w.spawn(Checker{});
    const auto adder = w.spawn(Adder{});
    w.always("nothing is added", [&] { return w.peek(adder).sum == 0; });
    checker.tell(Add{11});
    w.run();
    adder.tell(Add{1});
    w.run();
  }));
  EXPECT_EQ(failure.finding.kind, FindingKind::assertion_failed);
}

/// Fails when it is destroyed: in the end of the run, behind the body.
struct Leaving {
  bool is_there = true;
  Leaving() = default;
  Leaving(Leaving&& other) noexcept : is_there{std::exchange(other.is_there, false)} {}
  Leaving& operator=(Leaving&&) = delete;
  ~Leaving() {
    if (is_there) ADD_FAILURE() << "left";
  }
  void handle(Go) {}
};

TEST(Campaign, does_not_lose_an_assertion_that_fails_after_the_body) {
  const auto failure = failure_of(make_property("Late", [](World& w) {
    w.spawn(Leaving{}).tell(Go{});
    w.run();
  }));
  EXPECT_EQ(failure.finding.kind, FindingKind::assertion_failed);
  EXPECT_TRUE(failure.finding.detail.starts_with("after the body of the test\n")) << failure.finding.detail;
}

TEST(Campaign, finds_exceptions_of_the_body) {
  const auto standard = failure_of(make_property("Throws", [](World& w, const Amounts& amounts) {
    w.run();
    if (amounts.size() > 1) throw std::runtime_error{"too many"};
  }));
  EXPECT_EQ(standard.finding.kind, FindingKind::exception_in_test);
  EXPECT_EQ(standard.input, "[0, 0]");
  const auto other = failure_of(make_property("ThrowsOther", [](World&) { throw 5; }));
  EXPECT_EQ(other.finding.kind, FindingKind::exception_in_test);
}

TEST(Campaign, takes_a_skip_in_the_body_for_no_failure) {
  const auto property = make_property("Skips", [](World& w) {
    w.run();
    GTEST_SKIP();
  });
  EXPECT_FALSE(run_campaign(property, {.runs = 10}, seed).failure);
}

// ---- determinism ------------------------------------------------------------------------------------------------------------

TEST(Campaign, reports_a_body_that_differs_from_run_to_run) {
  std::uint32_t counter = 0;
  constexpr int line = __LINE__ + 2;
  const auto failure = failure_of(make_property("Counter", [&](World& w) {
    w.spawn("adder", Adder{}).tell(Add{counter++});
    w.run();
  }));
  EXPECT_EQ(failure.finding.kind, FindingKind::non_determinism);
  EXPECT_EQ(failure.run, 0U);
  EXPECT_EQ(failure.finding.detail,
            fmt::format("1 event equal, then they differ:\n"
                        "first : step 1 take test -> adder  Add{{amount=2}}   campaign_test.cpp:{0}\n"
                        "second: step 1 take test -> adder  Add{{amount=3}}   campaign_test.cpp:{0}\n"
                        "the first 3 of 3 and 3 decisions are equal",
                        line));
}

TEST(Campaign, reports_a_judgement_that_differs_though_the_traces_are_equal) {
  // Odd executions fail: the first passes, and its repetition fails.
  int executions = 0;
  const auto failure = failure_of(make_property("Judge", [&](World& w) {
    w.spawn(Adder{}).tell(Add{1});
    w.run();
    EXPECT_EQ(executions++ % 2, 0);
  }));
  EXPECT_EQ(failure.finding.kind, FindingKind::non_determinism);
}

TEST(Campaign, does_not_lose_a_failure_that_happens_once) {
  for (const int once : {0, 1, 2, 3, 4, 5}) {
    int executions = 0;
    const auto property = make_property("Once", [&](World& w) {
      w.spawn(Adder{}).tell(Add{1});
      w.run();
      EXPECT_NE(executions++, once);
    });
    const auto result = run_campaign(property, {.runs = 10}, seed);
    ASSERT_TRUE(result.failure) << once;
    EXPECT_EQ(result.failure->finding.kind, FindingKind::non_determinism) << once;
    EXPECT_EQ(result.failure->record.test, "Once");
    EXPECT_EQ(result.failure->record.token.run, result.failure->run);
  }
}

TEST(Campaign, reports_what_differs_only_while_shrinking) {
  // Long inputs repeat themselves; the ones with three elements, which shrinking tries, do not.
  std::uint32_t small = 0;
  const auto property = make_property("Small", [&](World& w, const Amounts& amounts) {
    const Ref<Adder> adder = add_all(w, amounts);
    if (amounts.size() == 3) adder.tell(Add{++small});
    w.run();
    EXPECT_LT(amounts.size(), 3U);
  });
  std::uint64_t run = 10;
  while (make_run(property, {}, seed, run, false).steps < 6) ++run;
  const auto failure = testkit::investigate(property, {}, seed, run);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->finding.kind, FindingKind::non_determinism);
  EXPECT_EQ(failure->finding.name, fmt::format("a run like run {} does not repeat itself", run));
}

// ---- replay -------------------------------------------------------------------------------------------------------------------

TEST(ReplayRecord, says_where_a_changed_program_goes_another_way) {
  const auto failure = failure_of(make_property("Changes", last_writer_is_two));
  const auto three = make_property("Changes", [](World& w) {
    const Ref<Register> there = w.spawn("register", Register{});
    for (const int id : {1, 2, 3}) w.spawn(Writer{there, id}).tell(Go{});
    w.run();
  });
  std::string input;
  const auto more = testkit::replay_record(three, {}, failure.record, input);
  ASSERT_TRUE(more.divergence);
  EXPECT_NE(more.divergence->find("the program now offers"), std::string::npos) << *more.divergence;

  const auto none = make_property("Changes", [](World& w) { w.run(); });
  const auto less = testkit::replay_record(none, {}, failure.record, input);
  ASSERT_TRUE(less.divergence);
  EXPECT_NE(less.divergence->find("the program ends after"), std::string::npos) << *less.divergence;
}

TEST(ReplayRecord, has_another_trace_when_only_a_message_has_changed) {
  const auto with = [](std::uint32_t amount) {
    return make_property("Message", [amount](World& w) {
      const Ref<Adder> adder = w.spawn("adder", Adder{});
      adder.tell(Add{amount});
      w.run();
      EXPECT_EQ(w.peek(adder).sum, 0U);
    });
  };
  const auto failure = failure_of(with(1));
  std::string input;
  const auto replayed = testkit::replay_record(with(2), {}, failure.record, input);
  EXPECT_FALSE(replayed.divergence);
  EXPECT_NE(replayed.trace_hash, failure.record.trace_hash);
}

TEST(ReplayRecord, notices_that_the_input_is_made_in_another_way) {
  const auto failure = failure_of(make_property("Input", [](World& w, const Amounts& amounts) {
    w.run();
    EXPECT_TRUE(amounts.empty());
  }));
  ASSERT_FALSE(failure.record.path.empty());
  std::string input;
  const auto replayed =
      testkit::replay_record(make_property("Input", [](World& w) { w.run(); }), {}, failure.record, input);
  EXPECT_EQ(replayed.divergence, "the recorded input does not exist any more: its type or generator has changed");
}

TEST(ReplayRecord, has_the_limit_under_which_the_failure_was_found) {
  const auto property = make_property("Limit", [](World& w) {
    const auto adder = w.spawn(Adder{});
    for (std::uint32_t i = 0; i < 100; ++i) adder.tell(Add{i});
    w.run();
  });
  CheckOptions options;
  options.run.operations_max = 50;
  const auto failure = failure_of(property, options);
  EXPECT_EQ(failure.finding.kind, FindingKind::no_progress);
  std::string input;
  const auto replayed = testkit::replay_record(property, {}, failure.record, input);
  EXPECT_TRUE(testkit::is_same(replayed, failure.outcome));
}

}  // namespace
}  // namespace orrery::testing
