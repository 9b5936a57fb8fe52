// broadcasts.hpp: what is promised to those to whom one message goes together.
// How:  whoever publishes says log.published(key, by, members) with the members of that moment (paths), and each member says
//       begun(). Copies have the key of what was published.
// Source:  SPEC B3, B4; SEMANTICS c2: P23.
#pragma once
#include "orrery/props/message_log.hpp"
#include "orrery/props/promises.hpp"
#include "orrery/props/verdict.hpp"

#include <fmt/core.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace orrery::props {

/// Everybody who was a member when something was published gets one copy, nobody else gets one, and what one publisher
/// published reaches each member in that order. `excused`: members (paths) that have ended or left meanwhile, or may refuse:
/// they get at most one.
///
/// Does not check: that the list of members was the right one; the order of copies of different publishers.
template <class Key>
[[nodiscard]] testing::AssertionResult reaches_everybody(const MessageLog<Key>& log,
                                                         const std::set<std::string>& excused = {}) {
  Verdict verdict{"each member gets one copy, in the order of publishing, and nobody else any"};
  struct Copy {
    std::size_t published = 0;
    std::size_t taken = 0;
    std::string by;
    std::size_t number = 0;  ///< of those that `by` published to that member
  };
  std::map<std::pair<Key, std::string>, Copy> copies;  // of a key for a member
  std::map<std::pair<std::string, std::string>, std::size_t> published;
  std::map<std::pair<std::string, std::string>, std::pair<std::size_t, Key>> newest;  // of a publisher at a member
  const auto entries = log.entries();
  const std::vector<bool> counts = detail::begins_that_count<Key>(entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const LogEntry<Key>& entry = entries[i];
    if (entry.deed == Deed::published) {
      Copy& copy = copies[{entry.key, entry.to}];
      if (copy.published++ == 0) {
        copy.by = entry.who;
        copy.number = published[{entry.who, entry.to}]++;
      }
    } else if (counts[i]) {
      Copy& copy = copies[{entry.key, entry.who}];
      if (copy.taken++ != 0 || copy.published == 0) continue;
      const auto [last, is_first] = newest.try_emplace({copy.by, entry.who}, copy.number, entry.key);
      if (is_first) continue;
      if (copy.number < last->second.first) {
        verdict.offence(fmt::format("{} got {} of {} before {}, which was published before it", entry.who,
                                    describe(last->second.second), copy.by, describe(entry.key)));
      } else {
        last->second = {copy.number, entry.key};
      }
    }
  }
  for (const auto& [what, copy] : copies) {
    const auto& [key, member] = what;
    if (copy.published == 0) {
      verdict.offence(fmt::format("{} got {}, which was not published to it", member, describe(key)));
    } else if (copy.taken > copy.published) {
      verdict.offence(fmt::format("{} got {} of {} {} times", member, describe(key), copy.by, copy.taken));
    } else if (copy.taken < copy.published && !excused.contains(member)) {
      verdict.offence(fmt::format("{} did not get {} of {}", member, describe(key), copy.by));
    }
  }
  return verdict;
}

}  // namespace orrery::props
