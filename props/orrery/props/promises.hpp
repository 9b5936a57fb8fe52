// promises.hpp: what can be promised about messages one by one: order, once, at least once, one effect, kept when acknowledged.
// How:  EXPECT_TRUE(props::in_pair_order(log)) at rest, when the log (message_log.hpp) says what happened. Each is a function of
//       the log alone, so it judges a simulated run and a run on threads alike; the text of a failure names the keys, the
//       pair and the order. Keys are unique per message, except where a sender sends one message again on purpose.
// Source:  SPEC P2; SEMANTICS c2: P1, P2, P5, P6, P8.
#pragma once
#include "orrery/props/message_log.hpp"
#include "orrery/props/verdict.hpp"

#include <fmt/core.h>

#include <concepts>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery::props {

namespace detail {
[[nodiscard]] inline std::string pair_of(const Fate& fate) {
  return fate.sent == 0 ? "sent by nobody" : fmt::format("{} -> {}", fate.from, fate.to);
}

/// Returns: for each entry whether it is the begin of a handling that was not set aside.
template <class Key>
[[nodiscard]] std::vector<bool> begins_that_count(const typename MessageLog<Key>::Entries& entries) {
  std::vector<bool> counts(entries.size(), false);
  std::map<std::pair<Key, std::string>, std::size_t> newest;  // the newest begin of a key by an actor
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].deed == Deed::begun) {
      counts[i] = true;
      newest[{entries[i].key, entries[i].who}] = i;
    } else if (entries[i].deed == Deed::set_aside) {
      const auto at = newest.find({entries[i].key, entries[i].who});
      if (at != newest.end()) counts[at->second] = false;
    }
  }
  return counts;
}
}  // namespace detail

/// Of what one sender sent to one receiver with one priority, nothing is handled before what was sent earlier.
///
/// Judged by the first handling of each message that does not set it aside, wherever it was passed on to. Messages that
/// never get so far are skipped.
/// Does not check: that they are handled at all (at_least_once), or how often; any order across senders, receivers or
/// priorities; the order of repetitions.
template <class Key>
[[nodiscard]] testing::AssertionResult in_pair_order(const MessageLog<Key>& log) {
  Verdict verdict{"messages of one pair are handled in the order in which they were sent"};
  struct Spot {
    std::tuple<std::string, std::string, Priority> pair;
    std::size_t number;
    bool is_begun = false;
  };
  std::map<Key, Spot> places;
  std::map<std::tuple<std::string, std::string, Priority>, std::size_t> sent;
  std::map<std::tuple<std::string, std::string, Priority>, std::pair<std::size_t, Key>> newest;
  const auto entries = log.entries();
  const std::vector<bool> counts = detail::begins_that_count<Key>(entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const LogEntry<Key>& entry = entries[i];
    if (entry.deed == Deed::sent && !places.contains(entry.key)) {
      const std::tuple pair{entry.who, entry.to, entry.priority};
      places.emplace(entry.key, Spot{pair, sent[pair]++});
    } else if (counts[i]) {
      const auto at = places.find(entry.key);
      if (at == places.end() || std::exchange(at->second.is_begun, true)) continue;
      const auto [last, is_first] = newest.try_emplace(at->second.pair, at->second.number, entry.key);
      if (is_first) continue;
      if (at->second.number < last->second.first) {
        verdict.offence(fmt::format("{} -> {}: {} was handled before {}, which was sent before it",
                                    std::get<0>(at->second.pair), std::get<1>(at->second.pair),
                                    describe(last->second.second), describe(entry.key)));
      } else {
        last->second = {at->second.number, entry.key};
      }
    }
  }
  return verdict;
}

/// No message reaches a handler twice, none that was refused does, and none that nobody has sent.
///
/// Does not check: that it reaches one at all; that the handler's effect happens only then. What a handler stashes or passes
/// on counts where it is handled in the end.
template <class Key>
[[nodiscard]] testing::AssertionResult at_most_once(const MessageLog<Key>& log) {
  Verdict verdict{"each message reaches a handler at most once"};
  for (const auto& [key, fate] : fates(log)) {
    if (fate.taken > 1) {
      verdict.offence(fmt::format("{} ({}) was handled {} times", describe(key), detail::pair_of(fate), fate.taken));
    }
    if (fate.taken > 0 && fate.sent == 0) {
      verdict.offence(fmt::format("{} was handled, and nobody has sent it", describe(key)));
    }
    if (fate.taken > 0 && fate.sent > 0 && fate.refused == fate.sent) {
      verdict.offence(
          fmt::format("{} ({}) was refused, and handled all the same", describe(key), detail::pair_of(fate)));
    }
  }
  return verdict;
}

/// What was given up by the rules (dead letters of exhausted messages, say), and need not have been handled.
template <class Key>
using Excused = std::set<Key>;

/// Every message that was accepted has been handled to the end of a handler.
///
/// Judged at rest: before, it may still be on its way.
/// Does not check: how often; in which order; that the sender keeps trying when it was refused.
template <class Key>
[[nodiscard]] testing::AssertionResult at_least_once(const MessageLog<Key>& log, const Excused<Key>& excused = {}) {
  Verdict verdict{"each accepted message is handled at least once"};
  for (const auto& [key, fate] : fates(log)) {
    if (fate.accepted == 0 || fate.handled > 0 || excused.contains(key)) continue;
    verdict.offence(fmt::format("{} ({}) was accepted and {}", describe(key), detail::pair_of(fate),
                                fate.taken == 0
                                    ? "reached no handler"
                                    : fmt::format("reached a handler {} times, of which none returned", fate.taken)));
  }
  return verdict;
}

/// The effect of every accepted message has happened once, and of a refused one never. An effect is what handled() says:
/// call it where the effect happens, or let Watched do it when the handler returns.
///
/// A message whose fate its sender does not know (its ask timed out) may have had its effect or not, but not twice.
/// Does not check: that the effect was the right one; how often a handler was entered.
template <class Key>
[[nodiscard]] testing::AssertionResult exactly_one_effect(const MessageLog<Key>& log,
                                                          const Excused<Key>& excused = {}) {
  Verdict verdict{"each message has exactly one effect"};
  for (const auto& [key, fate] : fates(log)) {
    const std::string which = fmt::format("{} ({})", describe(key), detail::pair_of(fate));
    if (fate.handled > 1) verdict.offence(fmt::format("{} has had its effect {} times", which, fate.handled));
    if (fate.handled > 0 && fate.sent == 0) verdict.offence(which + " has had an effect, and nobody has sent it");
    if (fate.handled > 0 && fate.sent > 0 && fate.refused == fate.sent) {
      verdict.offence(which + " was refused, and has had its effect all the same");
    }
    if (fate.handled == 0 && fate.accepted > 0 && !excused.contains(key)) {
      verdict.offence(which + " was accepted, and has had no effect");
    }
  }
  return verdict;
}

/// Nothing that was acknowledged is lost: it was handled before the acknowledgement, and `holds(key)` (the store still has it,
/// after all crashes and restarts) is true of it at the end.
///
/// Does not check: what was not acknowledged; anything that `holds` does not look at.
template <class Key, std::predicate<const Key&> Holds>
[[nodiscard]] testing::AssertionResult acknowledged_is_kept(const MessageLog<Key>& log, Holds holds) {
  Verdict verdict{"nothing that was acknowledged is lost"};
  for (const auto& [key, fate] : fates(log)) {
    if (fate.acknowledged == 0) continue;
    const std::string which = fmt::format("{} ({})", describe(key), detail::pair_of(fate));
    if (fate.was_early) {
      verdict.offence(which + (fate.handled == 0 ? " was acknowledged, and never handled"
                                                 : " was acknowledged before it was handled"));
    } else if (!holds(key)) {
      verdict.offence(which + " was acknowledged, and is gone");
    }
  }
  return verdict;
}
/// The same for effects that cannot be lost afterwards: it was handled before it was acknowledged.
template <class Key>
[[nodiscard]] testing::AssertionResult acknowledged_is_kept(const MessageLog<Key>& log) {
  return acknowledged_is_kept(log, [](const Key&) { return true; });
}

}  // namespace orrery::props
