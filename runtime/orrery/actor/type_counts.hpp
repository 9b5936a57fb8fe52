// type_counts.hpp: what actors have done that are gone, by their type.
// Why:  a metric is of a type, not of an instance: instances come and go, and there are too many. What lives can be counted
//       whenever somebody asks; what has ended must be added up somewhere, and the end of an actor shall stay cheap.
// How:  each worker has a small table, found by the hash of the type's name. One thread writes, others read at any time.
// Always true:  (T1) no count ever goes back, and no row changes its type
//               (T2) what finds no row, since there are too many types, is counted in the last one, of no type
// Source:       SPEC O1.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace orrery {

struct ActorType;

/// A counter with one writer, read by others at any time.
class SingleWriterCounter {
 public:
  /// Returns: the count with `n` in it.
  std::uint64_t add(std::uint64_t n = 1) noexcept {
    const std::uint64_t sum = value_.load(std::memory_order_relaxed) + n;
    value_.store(sum, std::memory_order_relaxed);
    return sum;
  }
  [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Of actors that have ended.
struct TypeCounts {
  SingleWriterCounter ended;
  SingleWriterCounter handled;
  SingleWriterCounter failed;
  SingleWriterCounter dead_lettered;
  SingleWriterCounter own_restarts;
  SingleWriterCounter supervised_restarts;
};

class TypeTable {
 public:
  static constexpr std::size_t few = 16;    ///< rows that every table has
  static constexpr std::size_t many = 256;  ///< and more, once some type has found none
  static constexpr std::size_t probes_max = 4;

  TypeTable() = default;
  TypeTable(const TypeTable&) = delete;
  TypeTable& operator=(const TypeTable&) = delete;
  ~TypeTable() { delete more_.load(std::memory_order_relaxed); }

  /// Returns: the row of `type`, whose name has that hash.
  /// Threads: the writer.    Cost: one load and a compare, if no other type has its place.
  [[nodiscard]] TypeCounts& of(const ActorType& type, std::uint64_t name_hash) {
    if (TypeCounts* const counts = find(few_, type, name_hash); counts != nullptr) [[likely]]
      return *counts;
    return of_many(type, name_hash);
  }

  /// Calls `visit(type, counts)` for every row in use; the last one's type is null.    Threads: any.
  template <class F>
  void for_each(F&& visit) const {
    const auto visit_all = [&](const auto& rows) {
      for (const Row& row : rows) {
        const ActorType* const type = row.type.load(std::memory_order_acquire);
        if (type != nullptr) visit(type, row.counts);
      }
    };
    visit_all(few_);
    const More* const more = more_.load(std::memory_order_acquire);
    if (more == nullptr) return;
    visit_all(more->rows);
    if (more->others.ended.get() != 0) visit(static_cast<const ActorType*>(nullptr), more->others);
  }

 private:
  struct Row {
    std::atomic<const ActorType*> type{nullptr};
    TypeCounts counts;
  };
  struct More {
    std::array<Row, many> rows;
    TypeCounts others;
  };

  template <std::size_t size>
  static TypeCounts* find(std::array<Row, size>& rows, const ActorType& type, std::uint64_t name_hash) noexcept {
    for (std::size_t probe = 0; probe < probes_max; ++probe) {
      Row& row = rows[(name_hash + probe) % size];
      const ActorType* const owner = row.type.load(std::memory_order_relaxed);
      if (owner == &type) [[likely]]
        return &row.counts;
      if (owner == nullptr) {
        row.type.store(&type, std::memory_order_release);  // pairs with the acquire in for_each()
        return &row.counts;
      }
    }
    return nullptr;
  }
  [[gnu::noinline]] TypeCounts& of_many(const ActorType& type, std::uint64_t name_hash) {
    More* more = more_.load(std::memory_order_relaxed);
    if (more == nullptr) more_.store(more = new More, std::memory_order_release);  // pairs with for_each()
    TypeCounts* const counts = find(more->rows, type, name_hash);
    return counts != nullptr ? *counts : more->others;  // T2
  }

  std::array<Row, few> few_;
  std::atomic<More*> more_{nullptr};
};

/// What a runtime knows of all actors of one type.
struct TypeMetrics {
  std::string type;           ///< its name; "other" where there were too many
  std::uint64_t living = 0;   ///< those in a handler that waits among them:
  std::uint64_t waiting = 0;  ///< parked for a reply, a place in a mailbox, an instant, offloaded work
  std::uint64_t ended = 0;
  std::uint64_t handled = 0;
  std::uint64_t failed = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t own_restarts = 0;         ///< by the actor's own Restart policy
  std::uint64_t supervised_restarts = 0;  ///< by its supervisor
};

}  // namespace orrery
