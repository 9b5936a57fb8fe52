// property_table.hpp: each property of the library with a system that keeps it, and systems with one mistake each that do not.
#pragma once
#include "orrery/props/worlds.hpp"
#include "orrery/testkit/campaign.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::props_tests {

/// One system under one property, in both worlds.
struct Case {
  std::string name;
  testkit::Property simulated;
  std::function<std::uint64_t(const props::Stress&)> stress;
};

template <class F>
[[nodiscard]] Case make_case(std::string name, F body) {
  auto simulated = testkit::make_property(name, props::in_simulation(body));
  auto stress = [body](const props::Stress& how) { return props::stress_on_threads(body, how); };
  return {std::move(name), std::move(simulated), std::move(stress)};
}

struct Row {
  std::string property;
  Case correct;
  std::vector<Case> mutants;
  sim::RunOptions run{};
};

// By the files that hold them.
[[nodiscard]] std::vector<Row> promise_rows();
[[nodiscard]] std::vector<Row> mailbox_rows();
[[nodiscard]] std::vector<Row> restart_rows();
[[nodiscard]] std::vector<Row> group_rows();
[[nodiscard]] const std::vector<Row>& property_table();

// ---- the actors of whoever uses the library -----------------------------------------------------------------------------

struct Deposit {
  std::uint32_t number = 0;
  std::uint32_t amount = 0;
};
struct Account {
  std::uint64_t balance = 0;
  void handle(Deposit m) { balance += m.amount; }
};
[[nodiscard]] inline Account make_account() { return {}; }

}  // namespace orrery::props_tests
