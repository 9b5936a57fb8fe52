// Goal:   what a supervisor decides is what OTP's decides, in every case.
// Method: the pure functions against tables written out by hand (SEMANTICS a4 to a10), over all their inputs; the window of
//         restarts against its definition, on random times.
#include "orrery/actor/restart.hpp"
#include "orrery/supervision/spec.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {
namespace {

using namespace std::chrono_literals;

constexpr std::array types{RestartType::permanent, RestartType::transient, RestartType::temporary};
constexpr std::array modes{AutoShutdown::never, AutoShutdown::any_significant, AutoShutdown::all_significant};

// ---- when a child ends ------------------------------------------------------------------------------------------------

struct Ending {
  ExitReason reason;
  const char* fates;     // permanent, transient, temporary: Restart, Keep, Forget
  const char* reported;  // the same three: yes or no
};
const std::vector<Ending>& endings() {
  static const std::vector<Ending> all{
      {ExitReason::normal(), "RKF", "ynn"},        {ExitReason::shutdown(), "RKF", "ynn"},
      {ExitReason::shutdown("why"), "RKF", "ynn"}, {ExitReason::killed(), "RRF", "yyy"},
      {ExitReason::failed("boom"), "RRF", "yyy"},  {ExitReason::custom("word"), "RRF", "yyy"},
      {ExitReason::custom(""), "RRF", "yyy"},      {ExitReason::failed(""), "RRF", "yyy"},
  };
  return all;
}

TEST(Decisions, the_fate_of_a_child_is_otps_for_every_type_and_reason) {
  for (const Ending& ending : endings()) {
    for (std::size_t i = 0; i < types.size(); ++i) {
      const Fate expected = ending.fates[i] == 'R' ? Fate::restart : ending.fates[i] == 'K' ? Fate::keep : Fate::remove;
      EXPECT_EQ(fate_of(types[i], ending.reason), expected) << to_string(types[i]) << " " << to_string(ending.reason);
      EXPECT_EQ(is_reported(types[i], ending.reason), ending.reported[i] == 'y')
          << to_string(types[i]) << " " << to_string(ending.reason);
    }
  }
}

TEST(Decisions, a_stopped_child_ended_as_asked_by_otps_table) {
  struct Row {
    ExitReason reason;
    const char* brutal;  // permanent, transient, temporary
    const char* asked;
  };
  const std::vector<Row> rows{
      {ExitReason::normal(), "nyy", "nyy"},        {ExitReason::shutdown(), "nyy", "yyy"},
      {ExitReason::shutdown("why"), "nyy", "nyy"}, {ExitReason::killed(), "yyy", "nnn"},
      {ExitReason::failed("boom"), "nnn", "nnn"},  {ExitReason::custom("killed"), "nnn", "nnn"},
  };
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < types.size(); ++i) {
      EXPECT_EQ(ended_as_asked(types[i], Shutdown::brutal_kill(), row.reason), row.brutal[i] == 'y')
          << to_string(types[i]) << " " << to_string(row.reason);
      for (const Shutdown how : {Shutdown::after(0s), Shutdown::after(5s), Shutdown::infinity()}) {
        EXPECT_EQ(ended_as_asked(types[i], how, row.reason), row.asked[i] == 'y')
            << to_string(types[i]) << " " << to_string(row.reason);
      }
    }
  }
}

TEST(Decisions, a_group_is_the_child_all_children_or_the_child_and_the_later_ones) {
  for (std::size_t count = 1; count <= 6; ++count) {
    for (std::size_t index = 0; index < count; ++index) {
      EXPECT_EQ(restarted_with(RestartStrategy::one_for_one, index, count), (ChildRange{index, index + 1}));
      EXPECT_EQ(restarted_with(RestartStrategy::simple_one_for_one, index, count), (ChildRange{index, index + 1}));
      EXPECT_EQ(restarted_with(RestartStrategy::one_for_all, index, count), (ChildRange{0, count}));
      EXPECT_EQ(restarted_with(RestartStrategy::rest_for_one, index, count), (ChildRange{index, count}));
    }
  }
}

TEST(Decisions, auto_shutdown_comes_with_any_or_with_the_last_significant_child) {
  for (const std::size_t others_up : {0U, 1U, 2U, 1'000U}) {
    for (const bool is_significant : {false, true}) {
      EXPECT_FALSE(is_auto_shutdown(AutoShutdown::never, is_significant, others_up));
      EXPECT_EQ(is_auto_shutdown(AutoShutdown::any_significant, is_significant, others_up), is_significant);
      EXPECT_EQ(is_auto_shutdown(AutoShutdown::all_significant, is_significant, others_up),
                is_significant && others_up == 0);
    }
  }
}

// ---- requests -----------------------------------------------------------------------------------------------------------

TEST(Decisions, requests_are_refused_by_otps_table) {
  using enum ChildError;
  const std::optional<ChildStatus> unknown;
  const auto refused = [](ChildError why) { return std::optional{why}; };
  const std::optional<ChildError> go_on;

  EXPECT_EQ(refuse_start(ChildStatus::running), refused(already_started));
  EXPECT_EQ(refuse_start(ChildStatus::restarting), refused(already_present));
  EXPECT_EQ(refuse_start(ChildStatus::undefined), refused(already_present));
  EXPECT_EQ(refuse_start(unknown), go_on);

  for (const auto status : {ChildStatus::running, ChildStatus::restarting, ChildStatus::undefined}) {
    EXPECT_EQ(refuse_stop(status), go_on);
  }
  EXPECT_EQ(refuse_stop(unknown), refused(not_found));

  EXPECT_EQ(refuse_unless_undefined(ChildStatus::running), refused(running));
  EXPECT_EQ(refuse_unless_undefined(ChildStatus::restarting), refused(restarting));
  EXPECT_EQ(refuse_unless_undefined(ChildStatus::undefined), go_on);
  EXPECT_EQ(refuse_unless_undefined(unknown), refused(not_found));
}

TEST(Decisions, significance_needs_an_auto_shutdown_and_a_child_that_can_stay_away) {
  for (const RestartType type : types) {
    for (const AutoShutdown mode : modes) {
      EXPECT_FALSE(is_bad_combination(type, false, mode));
      EXPECT_EQ(is_bad_combination(type, true, mode), type == RestartType::permanent || mode == AutoShutdown::never);
    }
  }
}

struct Idle {
  void handle(int) {}
};

TEST(Decisions, a_specification_with_a_fault_is_refused_in_otps_words) {
  const auto fault_of = [](const SupervisorSpec& spec) {
    const auto fault = find_fault(spec);
    return fault ? to_string(*fault) : std::string{"none"};
  };
  const ChildSpec a = child("a", Idle{});
  const ChildSpec b = child("b", Idle{});
  EXPECT_EQ(fault_of({}), "none");
  EXPECT_EQ(fault_of({.intensity = 0, .period = 1ns, .children = {a, b}}), "none");
  EXPECT_EQ(fault_of({.intensity = -1}), "supervisor_data:invalid_intensity:-1");
  EXPECT_EQ(fault_of({.period = 0s}), "supervisor_data:invalid_period:0");
  EXPECT_TRUE(fault_of({.period = -1s}).starts_with("supervisor_data:invalid_period:"));
  EXPECT_EQ(fault_of({.children = {a, b, a}}), "start_spec:duplicate_child_name:a");
  EXPECT_EQ(fault_of({.children = {{.id = "c", .start = nullptr}}}), "start_spec:missing_start:c");
  EXPECT_EQ(fault_of({.strategy = RestartStrategy::simple_one_for_one}), "bad_start_spec");
  EXPECT_EQ(fault_of({.strategy = RestartStrategy::simple_one_for_one, .children = {a, b}}), "bad_start_spec");
  EXPECT_EQ(fault_of({.strategy = RestartStrategy::simple_one_for_one, .children = {a}}), "none");
  for (const RestartType type : types) {
    for (const AutoShutdown mode : modes) {
      const ChildSpec significant = child("s", Idle{}, {.restart = type, .significant = true});
      EXPECT_EQ(fault_of({.auto_shutdown = mode, .children = {a, significant}}),
                is_bad_combination(type, true, mode) ? "start_spec:bad_combination" : "none");
    }
  }
}

TEST(Decisions, a_tree_prints_with_everything_that_is_not_the_default) {
  const SupervisorSpec tree{
      .strategy = RestartStrategy::rest_for_one,
      .intensity = 3,
      .auto_shutdown = AutoShutdown::any_significant,
      .children = {child("a", Idle{}),
                   supervisor("sub", {.children = {child("b", Idle{},
                                                         {.restart = RestartType::temporary,
                                                          .shutdown = Shutdown::brutal_kill(),
                                                          .mailbox = bounded(7),
                                                          .mail_on_restart = MailOnRestart::drop})}}),
                   child("c", Idle{}, {.restart = RestartType::transient, .significant = true})},
      .backoff = {.first = 1s}};
  EXPECT_EQ(orrery_describe(tree),
            "rest_for_one, 3 restarts in 5s, auto_shutdown any_significant, backoff 1s to 30s\n"
            "  a: permanent Idle\n"
            "  sub: permanent supervisor, one_for_one, 1 restart in 5s\n"
            "    b: temporary Idle, shutdown brutal_kill, drops its mail on restart, mailbox of 7\n"
            "  c: transient Idle, significant");
}

TEST(Decisions, a_child_is_waited_for_as_otp_does_unless_it_says_otherwise) {
  EXPECT_EQ(child("a", Idle{}).shutdown(), Shutdown::after(5s));
  EXPECT_EQ(supervisor("a", {}).shutdown(), Shutdown::infinity());
  EXPECT_EQ(child("a", Idle{}, {.shutdown = Shutdown::infinity()}).shutdown(), Shutdown::infinity());
  EXPECT_EQ(supervisor("a", {}, {.shutdown = Shutdown::brutal_kill()}).shutdown(), Shutdown::brutal_kill());
  EXPECT_FALSE(Shutdown::after(0s).is_brutal_kill());
  EXPECT_FALSE(Shutdown::after(0s).is_infinity());
  EXPECT_TRUE(Shutdown::infinity().is_infinity());
  EXPECT_TRUE(Shutdown::brutal_kill().is_brutal_kill());
}

// ---- backoff ------------------------------------------------------------------------------------------------------------

/// Times of all sizes, up to the longest there is.
Duration any_duration() {
  const auto bits = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 63));
  const auto most = static_cast<std::int64_t>((std::uint64_t{1} << bits) - 1) + 1;
  return *rc::gen::element(Duration{*rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::int64_t>(0, most))},
                           Duration::max(), Duration::zero());
}

TEST(Decisions, a_backoff_doubles_up_to_its_cap_and_never_overflows) {
  EXPECT_TRUE(rc::check("wait = min(first * 2^repeat, most)", [] {
    const Backoff backoff{.first = any_duration(), .most = any_duration()};
    Duration expected = std::min(backoff.first, backoff.most);
    for (std::uint32_t repeat = 0; repeat < 70; ++repeat) {
      RC_ASSERT(backoff_of(backoff, repeat) == expected);
      RC_ASSERT(expected <= backoff.most);
      expected = expected > backoff.most - expected ? backoff.most : expected + expected;
      if (backoff.first == Duration::zero()) expected = Duration::zero();
    }
    RC_ASSERT(backoff_of(backoff, std::numeric_limits<std::uint32_t>::max()) == (backoff.is_on() ? backoff.most : 0ns));
  }));
  EXPECT_TRUE(rc::check("jitter <= percent of the wait, and their sum is a time", [] {
    const Backoff backoff{.first = any_duration(),
                          .most = any_duration(),
                          .jitter_percent = *rc::gen::element(0U, 1U, 20U, 100U, 250U, ~0U)};
    const Duration wait = backoff_of(backoff, *rc::gen::inRange<std::uint32_t>(0, 80));
    const Duration jitter = jitter_of(backoff, wait);
    RC_ASSERT(jitter >= Duration::zero());
    RC_ASSERT(jitter <= Duration::max() - wait);
    const long double share = static_cast<long double>(wait.count()) * backoff.jitter_percent / 100;
    RC_ASSERT(static_cast<long double>(jitter.count()) <= share + 1);
    if (wait <= 1h && backoff.jitter_percent <= 100) {
      RC_ASSERT(static_cast<long double>(jitter.count()) >= share - backoff.jitter_percent);
    }
  }));
  EXPECT_FALSE((Backoff{.first = 0s, .most = 1s}.is_on()));
  EXPECT_FALSE((Backoff{.first = 1s, .most = 0s}.is_on()));
  EXPECT_TRUE((Backoff{.first = 1ns, .most = 1ns}.is_on()));
}

// ---- the window of restarts -----------------------------------------------------------------------------------------------

TEST(Decisions, exactly_intensity_restarts_fit_into_a_window_whose_both_ends_count) {
  const Restart twice{.intensity = 2, .period = 5s};
  const Instant zero{};
  const std::vector<Instant> at_0_and_1{zero, zero + 1s};
  EXPECT_FALSE(may_restart(twice, at_0_and_1, zero + 1s));
  EXPECT_FALSE(may_restart(twice, at_0_and_1, zero + 5s)) << "exactly a period apart still counts";
  EXPECT_TRUE(may_restart(twice, at_0_and_1, zero + 5s + 1ns));
  EXPECT_FALSE(may_restart({.intensity = 0, .period = 1s}, {}, zero));
  EXPECT_TRUE(may_restart({.intensity = 1, .period = 1s}, {}, zero));
  EXPECT_TRUE(may_restart({.intensity = 1, .period = Duration::max()}, {}, Instant::max()));
}

TEST(Decisions, the_window_of_restarts_admits_by_its_definition) {
  EXPECT_TRUE(rc::check("admit() = may_restart() = the definition, on any times", [] {
    const int intensity = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 40));
    const Duration period{*rc::gen::resize(rc::kNominalSize, rc::gen::inRange(1, 50))};
    const auto gaps = *rc::gen::container<std::vector<int>>(
        200, rc::gen::resize(rc::kNominalSize,
                             rc::gen::weightedOneOf<int>({{6, rc::gen::inRange(0, 3)},
                                                          {2, rc::gen::just(static_cast<int>(period.count()))},
                                                          {1, rc::gen::inRange(0, 120)}})));
    RestartWindow window;
    std::vector<Instant> admitted;
    Instant now{};
    for (const int gap : gaps) {
      now += Duration{gap};
      const auto within =
          std::ranges::count_if(admitted, [&](Instant at) { return at + period >= now; });  // closed at both ends
      const bool expected = within + 1 <= intensity;
      RC_ASSERT(may_restart({intensity, period}, admitted, now) == expected);
      RC_ASSERT(window.admit({intensity, period}, now) == expected);
      if (expected) admitted.push_back(now);
    }
    // P13: no closed window holds more than the intensity.
    for (std::size_t i = 0; i + static_cast<std::size_t>(intensity) < admitted.size(); ++i) {
      RC_ASSERT(admitted[i + static_cast<std::size_t>(intensity)] - admitted[i] > period);
    }
  }));
}

TEST(Decisions, a_storm_of_restarts_keeps_no_more_than_the_window) {
  RestartWindow window;
  Instant now{};
  for (int i = 0; i < 1'000'000; ++i) {
    now += 10ns;
    ASSERT_TRUE(window.admit({.intensity = 50, .period = 100ns}, now));
  }
  EXPECT_FALSE(window.admit({.intensity = 11, .period = 100ns}, now));
  EXPECT_TRUE(window.admit({.intensity = 12, .period = 100ns}, now));
}

}  // namespace
}  // namespace orrery
