#include "orrery/threads/reporter.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

namespace orrery {

Reporter::Reporter(std::uint32_t per_minute_max, ReportSink sink, AlarmHandler handler)
    : per_minute_max_{per_minute_max}, sink_{std::move(sink)}, handler_{std::move(handler)} {}

std::optional<std::uint64_t> Reporter::admit(Instant now, std::string_view kind) {
  const std::lock_guard guard{mutex_};
  auto at = budgets_.find(kind);
  const bool is_new = at == budgets_.end();
  if (is_new) at = budgets_.emplace(std::string{kind}, Budget{}).first;
  Budget& budget = at->second;
  ++budget.all;
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

void Reporter::deliver(AlarmNotice notice) {
  if (notice.suppressed != 0) notice.text += fmt::format(" ({} more of this kind were not shown)", notice.suppressed);
  if (sink_) {
    sink_(notice.kind, notice.text);
  } else {
    // fwrite, since fmt::print throws when nobody can be told, as on a full disk; and whoever reports may be noexcept.
    const std::string line = fmt::format("orrery: {}: {}\n", notice.kind, notice.text);
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
  }
  if (handler_) handler_(notice);
}

std::vector<std::pair<std::string, std::uint64_t>> Reporter::counts() const {
  const std::lock_guard guard{mutex_};
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (const auto& [kind, budget] : budgets_) all.emplace_back(kind, budget.all);
  return all;
}

}  // namespace orrery
