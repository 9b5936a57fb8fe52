// stack_pool.hpp: memory for the stacks of fibers.
// Why:  mapping a guarded stack costs microseconds, and a suspension must cost nanoseconds; so stacks are
//       used again.
// How:  stacks are carved from slabs, mappings of up to 64 stacks. In a guarded slab an inaccessible gap
//       lies below every stack, so that running off its end stops the process at once. A gap costs two of
//       the process's memory maps (Linux: 65,530 by default), so only `guarded_max` stacks get one; later
//       ones share plain slabs with one gap per slab. A released stack keeps its pages while at most
//       `pooled_max` idle ones do; above that the pages go back to the system and only the address range is
//       kept.
// Always true:  (K1) no two live stacks overlap
//               (K2) live + pooled + cold == created, and a plain stack is handed out only when no guarded
//                    one can be
//               (K3) an address range, once mapped, stays mapped until the pool dies
// Not chosen:   one mapping per stack (two system calls each, and no way past the map limit); growing
//               stacks on demand (frames hold addresses of frames); huge pages (a suspended fiber touches
//               about one small page).
#pragma once
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

namespace orrery::fiber {

struct StackOptions {
  std::size_t stack_bytes = 64 * 1024;  // usable, rounded up to whole pages, 16 KiB or more
  bool guard = true;                    // false: every stack comes from a plain slab
  std::size_t guarded_max = 16'000;     // stacks with a gap of their own; each costs two memory maps
  std::size_t pooled_max = 1'024;       // idle stacks that keep their pages
};

/// One stack: `bytes` usable bytes upwards from `bottom`. A plain value; the pool owns the memory.
struct Stack {
  std::byte* bottom = nullptr;
  std::size_t bytes = 0;
  bool guarded = false;
};

/// Returns: how many bytes of `stack`, from its top down, were ever touched since it got its pages, by whoever had it: a
///          multiple of the page size; 0 when the system does not say.
/// Threads: any, while somebody has the stack.    Cost: one system call.
[[nodiscard]] std::size_t touched_bytes(const Stack& stack) noexcept;

struct StackCounts {
  std::size_t live = 0;          // handed out
  std::size_t live_guarded = 0;  // of these, with a gap of their own
  std::size_t pooled = 0;        // idle, with their pages
  std::size_t cold = 0;          // idle, pages given back
  std::size_t created = 0;       // ever carved
};

class StackPool {
 public:
  /// Takes no memory yet.
  explicit StackPool(StackOptions options = {});
  /// Pre: every stack was released.
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  /// Returns: a stack nobody else has; empty when the system gives no more memory or maps, and nothing
  ///          changed. A stack used before still holds old bytes.
  /// Threads: any.    Blocks: thread, on a short lock.    Cost: O(1); a system call for a new guarded stack.
  [[nodiscard]] std::optional<Stack> acquire() noexcept;

  /// Takes back a stack of this pool that nothing runs on any more.
  ///
  /// Threads: any.    Blocks: thread, on a short lock.    Cost: O(1); one system call past `pooled_max`.
  void release(Stack stack) noexcept;

  /// Returns: figures that were all true at one instant.
  [[nodiscard]] StackCounts counts() const;

 private:
  struct Slab {
    std::byte* base;
    std::size_t bytes;
  };
  /// One of the two sorts of stacks. All members under mutex_.
  struct Kind {
    std::vector<std::byte*> warm;  // idle with pages, last released first
    std::vector<std::byte*> cold;  // idle without pages
    std::byte* next = nullptr;     // lowest byte, gap included, of what the newest slab has left
    std::size_t left = 0;          // how many stacks that is
    std::size_t created = 0;
    std::size_t live = 0;
  };

  [[nodiscard]] std::optional<Stack> take(Kind& kind, bool guarded);
  [[nodiscard]] std::byte* take_idle(Kind& kind);
  [[nodiscard]] std::byte* carve(Kind& kind, bool guarded);
  [[nodiscard]] bool add_slab(Kind& kind, bool guarded);
  [[nodiscard]] std::size_t idle_with_pages() const;

  const StackOptions options_;
  mutable std::mutex mutex_;
  Kind guarded_;
  Kind plain_;
  std::vector<Slab> slabs_;
};

}  // namespace orrery::fiber
