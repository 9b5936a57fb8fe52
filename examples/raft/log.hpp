// log.hpp: the entries of a server, the first of which a snapshot may have replaced.
//
//      1 ........ start()   start()+1 ........ last()
//      in the snapshot      entries
//
// Always true:  start() <= last(); the term of start() is known, so that an entry that follows it can be checked
#pragma once
#include "types.hpp"

#include <orrery/core/check.hpp>
#include <algorithm>
#include <span>
#include <vector>

namespace raft {

class Log {
 public:
  [[nodiscard]] Index start() const noexcept { return start_; }
  [[nodiscard]] Index last() const noexcept { return start_ + entries_.size(); }
  [[nodiscard]] Term last_term() const { return term_at(last()); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Returns: whether `index` is start(), or an entry.
  [[nodiscard]] bool knows(Index index) const noexcept { return index >= start_ && index <= last(); }
  /// Pre: knows(index).
  [[nodiscard]] Term term_at(Index index) const {
    ORRERY_CHECK(knows(index));
    return index == start_ ? start_term_ : at(index).term;
  }
  /// Pre: it is an entry.
  [[nodiscard]] const Entry& at(Index index) const {
    ORRERY_CHECK(index > start_ && index <= last());
    return entries_[index - start_ - 1];
  }
  /// Returns: a copy of at most `count_max` entries. Pre: from > start().
  [[nodiscard]] std::vector<Entry> copy(Index from, std::size_t count_max) const {
    ORRERY_CHECK(from > start_ && from <= last() + 1);
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(from - start_ - 1);
    const auto count = std::min(count_max, static_cast<std::size_t>(entries_.end() - begin));
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }

  /// Puts `entries` in the place of everything from `from` on. Pre: start() < from <= last() + 1.
  void replace(Index from, std::span<const Entry> entries) {
    ORRERY_CHECK(from > start_ && from <= last() + 1);
    entries_.resize(from - start_ - 1);
    entries_.insert(entries_.end(), entries.begin(), entries.end());
  }
  /// A snapshot holds everything up to `index`, whose term is `term`. What follows stays if this log has that same entry:
  /// otherwise it is another leader's, and goes.
  void begin_after(Index index, Term term) {
    if (knows(index) && term_at(index) == term) {
      entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(index - start_));
    } else {
      entries_.clear();
    }
    start_ = index;
    start_term_ = term;
  }

 private:
  Index start_ = 0;
  Term start_term_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace raft
