// generate_parts.hpp: the draws that the generator of trees and that of events share.
#pragma once
#include "orrery/core/entropy.hpp"
#include "tests/scenario/generate.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace orrery::scenario::generate {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : entropy_{seed, 0x5ce7a} {}

  [[nodiscard]] bool percent(std::uint64_t chance) { return entropy_.chance({.num = chance, .den = 100}); }
  [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) { return entropy_.between(low, high); }
  [[nodiscard]] std::size_t index(std::size_t size) { return static_cast<std::size_t>(entropy_.below(size)); }

  template <class Items>
  [[nodiscard]] const auto& one_of(const Items& items) {
    return items[index(std::size(items))];
  }

  /// Returns: an index, each as often as its weight says.
  template <std::size_t n>
  [[nodiscard]] std::size_t weighted(const std::array<unsigned, n>& weights) {
    std::uint64_t total = 0;
    for (const unsigned weight : weights) total += weight;
    std::uint64_t left = entropy_.below(total);
    for (std::size_t i = 0;; ++i) {
      if (left < weights[i]) return i;
      left -= weights[i];
    }
  }

 private:
  Entropy entropy_;
};

[[nodiscard]] Reason draw_reason(Dice& dice);
[[nodiscard]] std::string draw_plan(Dice& dice, bool may_ignore);
/// Restart, shutdown and behaviour of a worker or template, or restart of a supervisor.
void draw_child_attributes(Dice& dice, Declaration& child, AutoShutdown parent, const GenerateOptions& options);
void draw_flags(Dice& dice, Declaration& supervisor);

/// Sets an attribute and remembers that it was given.
template <class Value>
void give(Declaration& declaration, Attribute attribute, Value Declaration::* member, Value value) {
  declaration.*member = std::move(value);
  declaration.given.add(attribute);
}

void draw_tree(Dice& dice, int actors, const GenerateOptions& options, Scenario& out);
void draw_events(Dice& dice, int events, const GenerateOptions& options, Scenario& out);

}  // namespace orrery::scenario::generate
