#include "orrery/threads/backlog_watch.hpp"

#include <utility>

namespace orrery {

BacklogWatch::Verdict BacklogWatch::look(const Look& look, Instant now) {
  Verdict verdict;
  const bool is_deep = limits_.depth != 0 && look.depth > limits_.depth;
  auto at = seen_.find(look.who);
  if (look.depth == 0) {
    if (at != seen_.end()) seen_.erase(at);
    return verdict;
  }
  if (at == seen_.end() && seen_.size() >= actors_max) {  // B2
    verdict.is_deep = is_deep;
    return verdict;
  }
  if (at == seen_.end() || now - at->second.last > gap_max) {
    const Seen fresh{.last = now,
                     .depth = look.depth,
                     .grown_from = look.depth,
                     .grows_since = now,
                     .handled = look.handled,
                     .stands_since = now};
    at = seen_.insert_or_assign(look.who, fresh).first;
  }
  Seen& seen = at->second;
  if (look.depth <= seen.depth && now != seen.last) {
    seen.grown_from = look.depth;
    seen.grows_since = now;
    seen.told_growing = false;
  }
  if (look.handled != seen.handled) {
    seen.handled = look.handled;
    seen.stands_since = now;
    seen.told_old = false;
  }
  seen.depth = look.depth;
  seen.last = now;
  if (look.depth <= limits_.depth / 2) seen.told_deep = false;

  verdict.is_deep = is_deep && !std::exchange(seen.told_deep, true);  // B1, as the next two
  verdict.grown_from = seen.grown_from;
  verdict.growing = now - seen.grows_since;
  verdict.age = now - seen.stands_since;
  verdict.grows = limits_.growing > Duration::zero() && look.depth >= growing_least &&
                  verdict.growing >= limits_.growing && !std::exchange(seen.told_growing, true);
  verdict.is_old = limits_.age > Duration::zero() && verdict.age >= limits_.age && !std::exchange(seen.told_old, true);
  return verdict;
}

void BacklogWatch::forget_old(Instant now) {
  std::erase_if(seen_, [now](const auto& entry) { return now - entry.second.last > gap_max; });
}

}  // namespace orrery
