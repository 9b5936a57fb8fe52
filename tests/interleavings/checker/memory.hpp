// memory.hpp: memory as C++20 lets threads see it: every atomic with all stores it ever had.
// Why:  on one machine, on one day, a load returns the last store. The language promises less, compilers and other
//       machines use that, and code that is wrong by the language's rules must fail here, not there.
// How:  each atomic has its stores in modification order. A thread has a view: per atomic, the oldest store it may
//       still read. Views and vector clocks travel together: a release leaves what the thread knows with the store, an
//       acquire that reads it takes it over. A load may read any store from the view on; a store may take any place
//       in the modification order after the view. Sequentially consistent accesses and fences share one more view.
// Always true:  (W1) a thread never reads, or stores before, what happened before for it (coherence)
//               (W2) a read-modify-write reads the newest store and follows it immediately
//               (W3) sequentially consistent operations have one order, that of execution, and a later one never
//                    reads or stores before what an earlier one read or stored
// Modelled:     relaxed, acquire, release, seq_cst; release sequences as of C++20 (read-modify-writes only); fences;
//               modification orders against program order (2+2W); a fence on behalf of another thread; races on
//               plain data.
// Not modelled: load buffering and values out of thin air (a load reads only stores executed before it); consume;
//               a read-modify-write that reads an older store; orders of seq_cst other than that of execution, which
//               the search through interleavings makes up for; accesses of mixed sizes.
// Source:       the view form of the C11 model: J. Kang et al.: "A Promising Semantics for Relaxed-Memory
//               Concurrency" (POPL 2017), without promises; store histories as in B. Norris, B. Demsky: "CDSChecker"
//               (OOPSLA 2013) and C. Lidbury, A. Donaldson: "Dynamic Race Detection for C++11" (POPL 2017); the
//               rules are [atomics.order] and [intro.races] of C++20.
#pragma once
#include "tests/interleavings/checker/clock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace orrery::interleave {

inline constexpr unsigned locations_max = 64;
using LocationId = std::uint16_t;
using StoreId = std::uint16_t;  // 0 is none

/// Per location the newest store that is known of.
struct View {
  std::array<StoreId, locations_max> newest{};
};
struct Knowledge {
  Clock clock;
  View view;
};

struct Store {
  LocationId location = 0;
  std::uint16_t position = 0;  ///< in the modification order
  std::uint16_t thread = 0;
  bool is_rmw = false;
  Time time = 0;
  std::uint32_t step = 0;  ///< of the search that made it; 0: none
  std::uint64_t value = 0;
  Knowledge message;  ///< what an acquire that reads it learns
};

/// Why a program is wrong, as far as memory goes; empty: it is not.
using Fault = std::string;

class Memory {
 public:
  void begin();

  // ---- objects ----
  /// Finds the atomic at `address`, or meets it first now: it then was made by the body, with this value.
  LocationId atomic_at(const void* address, std::uint64_t value_now);
  void construct_atomic(const void* address, unsigned thread, std::uint64_t value);
  [[nodiscard]] Fault destroy_atomic(const void* address, unsigned thread);
  /// Accesses must be ordered after the construction, and come before the end.
  [[nodiscard]] Fault check_access(LocationId location, unsigned thread);
  [[nodiscard]] const void* address_of(LocationId location) const { return locations_[location].address; }

  // ---- atomics ----
  /// Returns: what a load may read, newest first.
  void readable(LocationId location, unsigned thread, bool sc, std::vector<StoreId>& out) const;
  [[nodiscard]] StoreId newest(LocationId location) const { return locations_[location].order.back(); }
  [[nodiscard]] const Store& store(StoreId id) const { return stores_[id]; }
  /// Returns: all stores, in modification order.
  [[nodiscard]] const std::vector<StoreId>& stores_of(LocationId location) const { return locations_[location].order; }
  void read(LocationId location, unsigned thread, StoreId from, std::memory_order order);
  /// Returns: where in the modification order a store may go, the end first.
  void places(LocationId location, unsigned thread, bool sc, std::vector<std::uint16_t>& out) const;
  void write(LocationId location, unsigned thread, std::uint64_t value, std::memory_order order, std::uint16_t place);
  /// Pre: the newest store was read by read().
  void write_after_read(LocationId location, unsigned thread, std::uint64_t value, std::memory_order order);
  void fence(unsigned thread, std::memory_order order);

  // ---- locks and joins: knowledge handed on. A lock is a location, too ----
  void hand_over(LocationId location, unsigned thread);  ///< at unlock
  void take_over(LocationId location, unsigned thread);  ///< at lock
  void fork(unsigned thread) {
    threads_[thread].now = threads_[0].now;
    threads_[thread].now.clock.times[thread] = 1;
  }
  void join(unsigned thread) { learn(threads_[0].now, threads_[thread].now); }

  // ---- plain data ----
  [[nodiscard]] Fault plain_read(const void* address, unsigned thread);
  [[nodiscard]] Fault plain_write(const void* address, unsigned thread);
  [[nodiscard]] Fault plain_destroy(const void* address, unsigned thread);
  void plain_construct(const void* address, unsigned thread);

  /// `thread` is about to make step number `step` of the execution.
  void tick(unsigned thread, std::uint32_t step) {
    ++threads_[thread].now.clock.times[thread];
    step_ = step;
  }

 private:
  struct Location {
    const void* address = nullptr;
    std::vector<StoreId> order;  ///< the modification order
    Clock accesses;
    Knowledge lock;
    bool dead = false;
  };
  struct Thread {
    Knowledge now;
    Knowledge read_relaxed;  ///< what an acquire fence would add
    Knowledge released;      ///< what the last release fence left
  };
  struct PlainData {
    unsigned writer = 0;
    Time written = 0;
    bool dead = false;
    Clock readers;
  };

  LocationId add_location(const void* address, unsigned thread, Time time, std::uint64_t value);
  StoreId add_store(LocationId location, unsigned thread, std::uint64_t value, std::uint16_t place, bool is_rmw);
  [[nodiscard]] bool later(StoreId a, StoreId b) const {
    return a != 0 && (b == 0 || stores_[a].position > stores_[b].position);
  }
  void learn(View& view, const View& from) const;
  void learn(Knowledge& into, const Knowledge& from) const;
  void raise(View& view, LocationId location, StoreId store) const {
    if (later(store, view.newest[location])) view.newest[location] = store;
  }
  [[nodiscard]] std::uint16_t oldest_position(LocationId location, unsigned thread, bool sc) const;
  void publish(Store& store, unsigned thread, std::memory_order order);

  std::vector<Location> locations_;
  std::size_t location_count_ = 0;
  std::vector<Store> stores_;
  std::size_t store_count_ = 1;
  std::array<Thread, threads_max> threads_;
  View sc_;
  std::uint32_t step_ = 0;
  std::unordered_map<const void*, LocationId> by_address_;
  std::unordered_map<const void*, PlainData> plain_;
};

[[nodiscard]] constexpr bool is_acquire(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
[[nodiscard]] constexpr bool is_release(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
[[nodiscard]] constexpr bool is_sc(std::memory_order order) noexcept { return order == std::memory_order_seq_cst; }

}  // namespace orrery::interleave
