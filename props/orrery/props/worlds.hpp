// worlds.hpp: one property in both worlds: many simulated schedules, and real threads under load.
// Why:  a simulation finds a schedule and shows it again; threads show that what was simulated is what runs. A body that takes
//       a Runtime& and generated inputs is good for both:
//
//         TEST(Bank, KeepsItsBound) {
//           props::check_in_both_worlds([](Runtime& rt) {
//             return props::keeps_its_bound<Deposit>(rt, [] { return Account{}; }, account_options());
//           });
//         }
//
// How:  the body returns an AssertionResult, or nothing and uses EXPECT_. A stress is many rounds, each on a System of its own
//       that is stopped and whose account is checked. Nothing in it depends on how long anything takes.
// Source:  SPEC P2, P4.
#pragma once
#include "orrery/props/rapidcheck.hpp"
#include "orrery/props/rest.hpp"
#include "orrery/system.hpp"
#include "orrery/testkit/campaign.hpp"
#include "orrery/testkit/check.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace orrery::props {

/// How long a stress goes on: until the rounds are made, or the time is up, if one is given.
struct Stress {
  std::uint64_t rounds = 50;
  std::optional<std::chrono::milliseconds> time{};  ///< of the machine; instead of `rounds`
  std::uint64_t seed = 1;                           ///< of the generated inputs
  int commands_max = 20;                            ///< the size of generated inputs grows to this
  /// A stress causes trouble on purpose: the operator is not told of it, unless `report_to` is set.
  SystemOptions system{
      .threads = 4, .report_to = [](std::string_view, const std::string&) {}, .read_environment = false};
};

namespace detail {

template <class F>
struct BodyInputs : BodyInputs<decltype(&F::operator())> {};
template <class F, class R, class... T>
struct BodyInputs<R (F::*)(Runtime&, T...)> {
  using Values = std::tuple<std::remove_cvref_t<T>...>;
};
template <class F, class R, class... T>
struct BodyInputs<R (F::*)(Runtime&, T...) const> : BodyInputs<R (F::*)(Runtime&, T...)> {};
template <class R, class... T>
struct BodyInputs<R (*)(Runtime&, T...)> {
  using Values = std::tuple<std::remove_cvref_t<T>...>;
};

/// Calls the body, and says at `where` what it found.
template <class F, class... T>
void judge(const F& body, std::source_location where, Runtime& runtime, const T&... inputs) {
  if constexpr (std::is_void_v<std::invoke_result_t<const F&, Runtime&, const T&...>>) {
    body(runtime, inputs...);
  } else {
    const testing::AssertionResult result = body(runtime, inputs...);
    if (!result) ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << result.message();
  }
}

template <class F, class... T>
auto simulated(F body, std::source_location where, std::type_identity<std::tuple<T...>>) {
  return [body, where](sim::World& world, const T&... inputs) { judge(body, where, world, inputs...); };
}

/// Returns: whether one more round is to be made.
[[nodiscard]] bool goes_on(const Stress& stress, std::uint64_t round, std::chrono::steady_clock::time_point began);
/// Stops the system of a round. Says at `where` what was left over.
void end_round(System& system, std::source_location where);

}  // namespace detail

/// Returns: what sim::check takes: the body in a simulated world.
template <class F>
[[nodiscard]] auto in_simulation(F body, std::source_location where = std::source_location::current()) {
  return detail::simulated(std::move(body), where, std::type_identity<typename detail::BodyInputs<F>::Values>{});
}

/// Runs the body on real threads, again and again, until it fails or the stress is over. Inputs are generated as in a
/// simulation. Returns: how many rounds were made.
///
/// Does not check: schedules that these threads did not happen to take. What fails here cannot be replayed; the text names the
/// round and its input.
template <class F>
std::uint64_t stress_on_threads(F body, const Stress& stress = {},
                                std::source_location where = std::source_location::current()) {
  using Values = typename detail::BodyInputs<F>::Values;
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t round = 0;
  for (; detail::goes_on(stress, round, began) && !testing::Test::HasFailure(); ++round) {
    const testkit::InputOrigin origin = testkit::origin_of_run(stress.seed, round, stress.commands_max);
    const auto value = [&] {
      if constexpr (std::tuple_size_v<Values> == 0) {
        return Values{};
      } else {
        return testkit::Arbitrary<Values>::generate(origin)->value();
      }
    }();
    const testing::ScopedTrace trace{
        where.file_name(), static_cast<int>(where.line()),
        fmt::format("round {} on {} threads, with {}", round, stress.system.threads, describe(value))};
    System system{stress.system};
    std::apply([&](const auto&... one) { detail::judge(body, where, system, one...); }, value);
    detail::end_round(system, where);
  }
  return round;
}

/// Both: sim::check, and then the stress.
template <class F>
void check_in_both_worlds(F body, testkit::CheckOptions options = {}, const Stress& stress = {},
                          std::source_location where = std::source_location::current()) {
  testkit::check(in_simulation(body, where), options, where);
  if (!testing::Test::HasFailure()) stress_on_threads(std::move(body), stress, where);
}

}  // namespace orrery::props
