#include "orrery/threads/reporter.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

namespace orrery {

Reporter::Reporter(std::uint32_t per_minute_max, ReportSink sink)
    : per_minute_max_{per_minute_max}, sink_{std::move(sink)} {}

std::optional<std::uint64_t> Reporter::admit(Instant now, std::string_view kind) {
  const std::lock_guard guard{mutex_};
  auto [at, is_new] = budgets_.try_emplace(std::string{kind});
  Budget& budget = at->second;
  if (is_new || now - budget.minute_began >= std::chrono::minutes{1}) {
    budget.minute_began = now;
    budget.used = 0;
  }
  if (budget.used == per_minute_max_) {
    ++budget.swallowed;
    return std::nullopt;
  }
  ++budget.used;
  return std::exchange(budget.swallowed, 0);
}

void Reporter::deliver(std::string_view kind, const std::string& text, std::uint64_t swallowed) {
  const std::string shown =
      swallowed == 0 ? text : fmt::format("{} ({} more of this kind were not shown)", text, swallowed);
  if (sink_) {
    sink_(kind, shown);
  } else {
    fmt::print(stderr, "orrery: {}: {}\n", kind, shown);
  }
}

}  // namespace orrery
