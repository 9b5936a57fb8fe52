// plan.hpp: what becomes of each start attempt of an id.
// Always true:  (P1) an attempt takes exactly one outcome, in the order of attempts over the whole scenario
//               (P2) a plan that is exhausted, or was never given, says ok
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace orrery::scenario {

enum class Outcome : std::uint8_t { ok, error, crash, ignore };

/// Letters o (ok), e (the start returns an error), x (it throws), i (it declines), and at the end perhaps * (the last one
/// for ever).
class Plan {
 public:
  Plan() = default;
  /// Pre: is_plan(letters), or empty.
  explicit Plan(std::string_view letters);

  /// Returns: the outcome of the next attempt, which it uses up.
  [[nodiscard]] Outcome next();

 private:
  std::string letters_;
  std::size_t at_ = 0;
  bool repeats_ = false;
};

/// Returns: whether `letters` is a plan: at least one of oexi, and * at most once, last.
[[nodiscard]] bool is_plan(std::string_view letters);

/// The plans of all ids. An instance (t.3) takes from its template's plan, unless it has got one of its own.
class Plans {
 public:
  /// Replaces what is left of the plan of `id`. Pre: is_plan(letters).
  void replace(std::string_view id, std::string_view letters);
  [[nodiscard]] Outcome next(std::string_view id);

 private:
  std::map<std::string, Plan, std::less<>> plans_;
};

}  // namespace orrery::scenario
