// registry.hpp: which actors are registered with a broker, and what each of them can be sent.
// Why:  routing by id must cost the same with ten actors and with a million, and never wait for who registers.
// How:  a table by slot, in chunks that are never freed: the generation that is registered and what it accepts. Readers
//       look twice at the generation, which never comes back. Names, and the order of registration, are kept beside it
//       under a lock that only registering, listing and finding by name take.
// Always true:  (R1) find() gives what was registered for exactly that actor, or nothing
//               (R2) a slot has at most one registered actor
// Source:       SPEC B1, B9.
#pragma once
#include "orrery/actor/envelope.hpp"
#include "orrery/core/ids.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orrery {

/// One kind of message that an actor can be sent, and how it is run there.
struct Acceptance {
  const MessageInfo* message = nullptr;
  const Operations* operations = nullptr;
};

/// What actors of one type accept; a constant of the program.
struct AcceptTable {
  std::span<const Acceptance> all;

  /// Returns: how a message of that kind is run, or null.    Cost: O(all).
  [[nodiscard]] const Operations* find(const MessageInfo& message) const noexcept {
    for (const Acceptance& one : all) {
      if (one.message == &message) return one.operations;
    }
    return nullptr;
  }
};

class Registry {
 public:
  struct Entry {
    Handle actor;
    const AcceptTable* accepts = nullptr;
  };

  /// `capacity`: a hint, how many actors there will be.
  explicit Registry(std::uint32_t slots_max, std::size_t capacity = 0);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  enum class Added : std::uint8_t { added, already_registered, name_taken, ended };
  /// Registers an actor; `name` may be empty, `type` tells actor types apart for find(). An entry of an earlier actor in
  /// its slot is replaced; says `ended` when a later one is registered there.
  ///
  /// Threads: any.    Blocks: on a mutex.    Cost: O(1) on average.
  Added add(const Entry& entry, std::string_view name, const void* type);
  /// Returns: false when it is not registered.    Threads: any.    Blocks: on a mutex.
  bool remove(Handle actor);

  /// Returns: what the actor accepts, or null when it is not registered.
  ///
  /// Threads: any.    Blocks: nothing.    Cost: four loads, whatever is registered.
  [[nodiscard]] const AcceptTable* find(Handle actor) const noexcept {
    const std::uint32_t chunk = actor.slot / slots_per_chunk;
    if (chunk >= chunks_max_) return nullptr;
    const Slot* const slots = chunks_[chunk].load(std::memory_order_acquire);
    if (slots == nullptr) return nullptr;
    const Slot& slot = slots[actor.slot % slots_per_chunk];
    if (!actor.is_set() || slot.generation.load(std::memory_order_acquire) != actor.generation) return nullptr;
    const AcceptTable* const accepts = slot.accepts.load(std::memory_order_acquire);
    // Whoever registers another one in this slot takes the generation away first: pairs with the stores in add().
    return slot.generation.load(std::memory_order_relaxed) == actor.generation ? accepts : nullptr;
  }
  /// Returns: the actor of that name, if it was registered with that type.    Blocks: on a mutex.
  [[nodiscard]] std::optional<Handle> find(std::string_view name, const void* type) const;

  /// Returns: whoever holds that name, of whatever type.    Blocks: on a mutex.
  [[nodiscard]] std::optional<Handle> holder_of(std::string_view name) const;

  [[nodiscard]] std::size_t size() const;
  /// Returns: all entries in the order of registration.    Cost: O(result).
  [[nodiscard]] std::vector<Entry> list() const;

 private:
  struct Slot {
    std::atomic<std::uint32_t> generation{0};
    std::uint32_t place = 0;  ///< in order_; under the mutex
    std::atomic<const AcceptTable*> accepts{nullptr};
  };
  static constexpr std::uint32_t slots_per_chunk = 1'024;
  [[nodiscard]] Slot& slot_of(Handle actor);
  void forget(Slot& slot);
  void compact();

  std::uint32_t chunks_max_;
  std::unique_ptr<std::atomic<Slot*>[]> chunks_;

  mutable std::mutex mutex_;
  std::vector<Entry> order_;  // a removed one has no table
  std::size_t size_ = 0;
  struct Named {
    Handle actor;
    const void* type;
  };
  std::unordered_map<std::string, Named> names_;
  std::unordered_map<std::uint32_t, std::string> name_of_slot_;
};

}  // namespace orrery
