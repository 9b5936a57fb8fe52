#include "orrery/testkit/diverged.hpp"

#include "orrery/testkit/campaign.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace orrery::testkit {

namespace {

constexpr std::size_t message_columns = 80;  ///< payloads may be long; what they are is what counts

std::string tell_step(const sim::Event& event) {
  if (event.kind == sim::EventKind::resume) return event.to + " goes on";
  if (event.kind == sim::EventKind::finish) return "offloaded work of " + event.from + " ends";
  const std::string what = in_one_line(event.reply.empty() ? event.message : event.message + " = " + event.reply);
  return fmt::format("{} from {} to {}", cut(what, message_columns), event.from, event.to);
}

/// Returns: the first step at which the two differ, or an empty text.
std::string first_difference(const std::vector<std::string>& recorded, const std::vector<std::string>& now) {
  const auto [was, is] = std::ranges::mismatch(recorded, now);
  const auto step = was - recorded.begin() + 1;
  if (was != recorded.end() && is != now.end())
    return fmt::format("step {}: recorded {}; program now: {}", step, *was, *is);
  if (was != recorded.end()) return fmt::format("step {}: recorded {}; program now ends", step, *was);
  if (is != now.end() && recorded.size() < told_max)
    return fmt::format("step {}: the record ends; program now: {}", step, *is);
  return {};
}

}  // namespace

std::vector<std::string> tell_each_step(const sim::Outcome& outcome) {
  std::vector<std::string> told;
  for (const sim::Event& event : outcome.events) {
    const bool is_step = event.kind == sim::EventKind::take || event.kind == sim::EventKind::resume ||
                         event.kind == sim::EventKind::finish;
    if (is_step && told.size() < told_max) told.push_back(tell_step(event));
  }
  return told;
}

bool is_run_of(const sim::Outcome& outcome, const Record& record) noexcept {
  return !outcome.divergence && outcome.trace_hash == record.trace_hash;
}

std::string where_it_diverged(const Record& record, const sim::Outcome& outcome) {
  if (outcome.divergence == input_is_gone) return input_is_gone;
  std::string why = record.told.empty() ? std::string{} : first_difference(record.told, tell_each_step(outcome));
  const bool is_told = !why.empty();
  if (outcome.divergence) return why + (is_told ? "; " : "") + *outcome.divergence;
  return is_told ? why : "the same decisions lead to another trace: the program has changed";
}

}  // namespace orrery::testkit
