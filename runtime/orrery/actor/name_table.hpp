// name_table.hpp: who holds which name.
// Why:  a name is claimed by one thread while others look it up, and while the supervisor above its holder goes: whoever takes
//       that supervisor's place must find every name below it free, also those that were being claimed at that moment.
// How:  a name is claimed before its actor is made, and announced when it is complete. Names that a supervisor leaves behind
//       are taken from their holders, who live on without until they have ended.
// Always true:  (T1) a name has one holder at most, and is found only between announce() and the end of its holding
//               (T2) after free_supervised(prefix) no supervised actor holds or will be announced under a name with that
//                    prefix that was claimed before; and whoever lost its own name claims none below it
// Not so:       who is supervised by an actor without a supervisor, below a name with that prefix, loses its own as well.
#pragma once
#include "orrery/actor/cell.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orrery {

/// Threads: any, for everything; no call blocks for longer than another one takes. `is_supervised(Handle)` and the like are
/// called under the lock.
class NameTable {
 public:
  enum class Claim : std::uint8_t {
    claimed,
    taken,     ///< somebody holds it, or is about to
    outlived,  ///< the actor above has lost its own name
  };

  /// Takes `path` for `holder`, who is being made; `above` is set if the path begins with that one's name, `above_path`.
  [[nodiscard]] Claim claim(const std::string& path, Handle holder, bool is_supervised, Handle above,
                            const std::string& above_path) {
    const std::lock_guard guard{mutex_};
    if (above.is_set() && !is_held(above_path, above)) return Claim::outlived;
    if (by_slot_.size() <= holder.slot) by_slot_.resize(holder.slot + 1);  // first what may fail
    const auto [at, is_new] = names_.try_emplace(path, Holding{holder, false, is_supervised});
    if (!is_new) return Claim::taken;
    by_slot_[holder.slot] = &*at;
    return Claim::claimed;
  }

  /// The holder is complete: it is found from here on. Returns: false if it has lost the name meanwhile.
  [[nodiscard]] bool announce(Handle holder) {
    const std::lock_guard guard{mutex_};
    Entry* const entry = entry_of(holder);
    if (entry == nullptr) return false;
    entry->second.is_complete = true;
    return true;
  }

  /// The holder ends; it may have lost the name before.
  void free(Handle holder) {
    const std::lock_guard guard{mutex_};
    Entry* const entry = entry_of(holder);
    if (entry == nullptr) return;
    by_slot_[holder.slot] = nullptr;
    names_.erase(names_.find(entry->first));
  }

  /// Frees the names that begin with `prefix` and belong to supervised actors (T2).    Cost: O(names).
  template <class IsSupervised>
  void free_supervised(std::string_view prefix, IsSupervised is_supervised) {
    const std::lock_guard guard{mutex_};
    std::erase_if(names_, [&](const Entry& entry) {
      const auto& [path, holding] = entry;
      if (!path.starts_with(prefix)) return false;
      if (holding.is_complete ? !is_supervised(holding.holder) : !holding.is_supervised) return false;
      by_slot_[holding.holder.slot] = nullptr;
      return true;
    });
  }

  /// Returns: who is found under `path`.
  [[nodiscard]] std::optional<Handle> find(std::string_view path) const {
    const std::lock_guard guard{mutex_};
    const auto at = names_.find(std::string{path});
    if (at == names_.end() || !at->second.is_complete) return std::nullopt;
    return at->second.holder;
  }

  /// Returns: what `holder` holds.    Cost: O(1).
  [[nodiscard]] std::optional<std::string> path_of(Handle holder) const {
    const std::lock_guard guard{mutex_};
    const Entry* const entry = entry_of(holder);
    return entry == nullptr ? std::nullopt : std::optional{entry->first};
  }

  /// Fills in what each of them holds.
  void find_paths(std::vector<std::pair<Handle, std::string>>& paths) const {
    const std::lock_guard guard{mutex_};
    for (auto& [holder, path] : paths) {
      if (const Entry* const entry = entry_of(holder); entry != nullptr) path = entry->first;
    }
  }

 private:
  struct Holding {
    Handle holder;
    bool is_complete;
    bool is_supervised;  // while it is not complete; then its cell knows
  };
  using Entry = std::pair<const std::string, Holding>;

  [[nodiscard]] Entry* entry_of(Handle holder) const {
    if (holder.slot >= by_slot_.size()) return nullptr;
    Entry* const entry = by_slot_[holder.slot];
    return entry != nullptr && entry->second.holder == holder ? entry : nullptr;
  }
  [[nodiscard]] bool is_held(const std::string& path, Handle holder) const {
    const Entry* const entry = entry_of(holder);
    return entry != nullptr && entry->first == path;
  }

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Holding> names_;
  std::vector<Entry*> by_slot_;  // of the holder; null or in names_, whose nodes stay where they are
};

}  // namespace orrery
