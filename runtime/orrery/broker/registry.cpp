#include "orrery/broker/registry.hpp"

#include "orrery/core/check.hpp"

#include <utility>

namespace orrery {

Registry::Registry(std::uint32_t slots_max, std::size_t capacity)
    : chunks_max_{(slots_max + slots_per_chunk - 1) / slots_per_chunk},
      chunks_{std::make_unique<std::atomic<Slot*>[]>(chunks_max_)} {
  order_.reserve(capacity);
}

Registry::~Registry() {
  for (std::uint32_t chunk = 0; chunk < chunks_max_; ++chunk) delete[] chunks_[chunk].load(std::memory_order_relaxed);
}

/// Pre: the mutex is held.
Registry::Slot& Registry::slot_of(Handle actor) {
  const std::uint32_t chunk = actor.slot / slots_per_chunk;
  ORRERY_CHECK(chunk < chunks_max_, "slot {} is none of this runtime", actor.slot);
  Slot* slots = chunks_[chunk].load(std::memory_order_relaxed);
  if (slots == nullptr) {
    slots = new Slot[slots_per_chunk];
    chunks_[chunk].store(slots, std::memory_order_release);
  }
  return slots[actor.slot % slots_per_chunk];
}

/// Pre: the mutex is held, somebody is registered there.
void Registry::forget(Slot& slot) {
  slot.generation.store(0, std::memory_order_release);
  Entry& entry = order_[slot.place];
  if (const auto name = name_of_slot_.find(entry.actor.slot); name != name_of_slot_.end()) {
    names_.erase(name->second);
    name_of_slot_.erase(name);
  }
  entry.accepts = nullptr;
  --size_;
  if (order_.size() > 64 && size_ * 2 < order_.size()) compact();
}

void Registry::compact() {
  std::size_t kept = 0;
  for (const Entry& entry : order_) {
    if (entry.accepts == nullptr) continue;
    slot_of(entry.actor).place = static_cast<std::uint32_t>(kept);
    order_[kept++] = entry;
  }
  order_.resize(kept);
}

Registry::Added Registry::add(const Entry& entry, std::string_view name, const void* type) {
  ORRERY_CHECK(entry.actor.is_set() && entry.accepts != nullptr);
  const std::lock_guard guard{mutex_};
  Slot& slot = slot_of(entry.actor);
  const std::uint32_t present = slot.generation.load(std::memory_order_relaxed);
  if (present == entry.actor.generation) return Added::already_registered;
  const auto ahead = static_cast<std::int32_t>(present - entry.actor.generation);  // generations wrap around
  if (present != 0 && ahead > 0) return Added::ended;                              // while its caller was looking at it
  if (present != 0) forget(slot);                                                  // of an actor that has ended
  if (!name.empty()) {
    const auto [at, is_new] = names_.try_emplace(std::string{name}, Named{entry.actor, type});
    if (!is_new) return Added::name_taken;
    name_of_slot_.emplace(entry.actor.slot, at->first);
  }
  slot.place = static_cast<std::uint32_t>(order_.size());
  order_.push_back(entry);
  ++size_;
  slot.accepts.store(entry.accepts, std::memory_order_release);
  slot.generation.store(entry.actor.generation, std::memory_order_release);
  return Added::added;
}

bool Registry::remove(Handle actor) {
  if (!actor.is_set() || actor.slot / slots_per_chunk >= chunks_max_) return false;
  const std::lock_guard guard{mutex_};
  Slot& slot = slot_of(actor);
  if (slot.generation.load(std::memory_order_relaxed) != actor.generation) return false;
  forget(slot);
  return true;
}

std::optional<Handle> Registry::find(std::string_view name, const void* type) const {
  const std::lock_guard guard{mutex_};
  const auto at = names_.find(std::string{name});
  if (at == names_.end() || at->second.type != type) return std::nullopt;
  return at->second.actor;
}

std::optional<Handle> Registry::holder_of(std::string_view name) const {
  const std::lock_guard guard{mutex_};
  const auto at = names_.find(std::string{name});
  return at == names_.end() ? std::nullopt : std::optional{at->second.actor};
}

std::size_t Registry::size() const {
  const std::lock_guard guard{mutex_};
  return size_;
}

std::vector<Registry::Entry> Registry::list() const {
  const std::lock_guard guard{mutex_};
  std::vector<Entry> entries;
  entries.reserve(size_);
  for (const Entry& entry : order_) {
    if (entry.accepts != nullptr) entries.push_back(entry);
  }
  return entries;
}

}  // namespace orrery
