// check.hpp: a property of an actor system, inside a GoogleTest test.
//
//   TEST(Bank, MoneyIsConserved) {
//     sim::check([](sim::World& w, const std::vector<Op>& ops) {
//       auto bank = wire(w);
//       w.always("balance never negative", [&] { return w.peek(bank.alice).balance >= 0; });
//       for (const Op& op : ops) bank.teller[op.teller & 1].tell(Transfer{op.amount}, orrery::ignore_reply);
//       w.run();
//       EXPECT_EQ(w.peek(bank.alice).balance + w.peek(bank.bob).balance, 100);
//     });
//   }
//
// The body runs once per run, in a fresh world with a generated input; EXPECT_ and ASSERT_ work in it, and inside actors.
// The first failing run is shrunk and reported at the user's line; the token in the report replays it. What the body
// refers to outside of itself must not change from run to run.
// Source:  SPEC T3; UX sections 2 and 4.
#pragma once
#include "orrery/sim/world.hpp"
#include "orrery/testkit/campaign.hpp"

#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace orrery::testkit {

namespace detail {

template <class F>
struct Inputs : Inputs<decltype(&F::operator())> {};
template <class... T>
struct Inputs<void (*)(sim::World&, T...)> {
  using Values = std::tuple<std::remove_cvref_t<T>...>;
};
template <class F, class... T>
struct Inputs<void (F::*)(sim::World&, T...)> : Inputs<void (*)(sim::World&, T...)> {};
template <class F, class... T>
struct Inputs<void (F::*)(sim::World&, T...) const> : Inputs<void (*)(sim::World&, T...)> {};

/// Returns: Suite.Test of the running test; for its second check "Suite.Test#2", and so on.
[[nodiscard]] std::string name_next_check();

/// Runs the campaign (or the replay that the settings ask for) and reports to GoogleTest.
void check_property(const Property& property, CheckOptions options, std::source_location where);

}  // namespace detail

/// Makes a property of a callable `body(World&, inputs...)`, for campaigns outside of a GoogleTest test.
template <class F>
[[nodiscard]] Property make_property(std::string name, F body) {
  using Values = typename detail::Inputs<F>::Values;
  Property property;
  property.name = std::move(name);
  if constexpr (std::tuple_size_v<Values> == 0) {
    property.make_input = [](const InputOrigin&) { return std::make_unique<NoInput>(); };
    property.body = [body](sim::World& world, const Input&) { body(world); };
  } else {
    constexpr bool is_single = std::tuple_size_v<Values> == 1;
    using T = std::conditional_t<is_single, std::tuple_element_t<0, Values>, Values>;
    property.make_input = [](const InputOrigin& origin) {
      return std::make_unique<TypedInput<T>>(Arbitrary<T>::generate(origin));
    };
    property.body = [body](sim::World& world, const Input& input) {
      const T value = static_cast<const TypedInput<T>&>(input).value();
      if constexpr (is_single) {
        body(world, value);
      } else {
        std::apply([&](const auto&... one) { body(world, one...); }, value);
      }
    };
  }
  return property;
}

/// What ORRERY_REPLAY asks for is there, and one of the tests that will run is meant; else the process ends with code 2 and
/// one line. Called by gtest_main before any test runs, and by the first check.
void check_replay();

/// Checks that `body(World&, inputs...)` holds in every run; a failure is reported to GoogleTest.
///
/// Errors:  a bad setting, an unknown token or one of another test ends the process with code 2 and one line.
/// Threads: the calling one; one check at a time.    Cost: some microseconds a run, more with longer runs.
template <class F>
void check(F body, CheckOptions options = {}, std::source_location where = std::source_location::current()) {
  detail::check_property(make_property(detail::name_next_check(), std::move(body)), options, where);
}

}  // namespace orrery::testkit

namespace orrery::sim {
using testkit::check;
using testkit::CheckOptions;
}  // namespace orrery::sim
