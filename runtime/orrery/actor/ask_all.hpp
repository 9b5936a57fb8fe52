// ask_all.hpp: one question to many actors, and all that they answer.
// Why:  scatter and gather by hand either waits for one after the other or loses who failed.
// How:  every ask is begun before any is waited for; one deadline, counted from the call, bounds them all.
// Source:  SPEC A7.
#pragma once
#include "orrery/actor/sendable.hpp"

#include <algorithm>
#include <deque>
#include <ranges>
#include <source_location>
#include <vector>

namespace orrery {

/// Asks every one of `actors` (Refs or Recipients) a copy of `message`.
///
/// Returns: the outcomes, in the order of `actors`; a failure is one outcome and hides no other. Empty for nobody.
/// Units:   `timeout` counts from the call for all of them together; by default RuntimeOptions::ask_timeout.
/// Blocks:  the fiber (a foreign thread: the thread), until the last outcome or the deadline.
template <std::ranges::forward_range Actors, class M>
  requires(detail::ask_all_refusal<std::ranges::range_value_t<Actors>, M>() == Refusal::none)
[[nodiscard]] std::vector<AskResult<M>> ask_all(const Actors& actors, const M& message,
                                                Duration timeout = detail::default_timeout,
                                                std::source_location where = std::source_location::current()) {
  std::deque<detail::AskCall> calls;
  std::vector<detail::AskCall*> open;
  Runtime* clock = nullptr;  // of the first that there is
  Instant deadline = Instant::max();
  for (const auto& actor : actors) {
    if (clock == nullptr && (clock = detail::runtime_of(actor.runtime_index())) != nullptr) {
      if (timeout == detail::default_timeout) timeout = clock->runtime_options().ask_timeout;
      const Instant now = clock->now();
      if (timeout < Instant::max() - now) deadline = now + timeout;
    }
    const bool ends = clock != nullptr && deadline != Instant::max();
    const Duration left = ends ? std::max(deadline - clock->now(), Duration::zero()) : no_timeout;
    detail::begin_ask(calls.emplace_back(), actor.runtime_index(), actor.handle(), actor.template operations_for<M>(),
                      M(message), left, where);
    open.push_back(&calls.back());
  }
  detail::wait_for_asks(open, true);
  std::vector<AskResult<M>> results;
  results.reserve(open.size());
  for (detail::AskCall* const call : open) results.push_back(detail::take_result<M>(*call));
  return results;
}

}  // namespace orrery
