#include "orrery/fiber/stack_pool.hpp"
#include "orrery/core/check.hpp"
#include "orrery/fiber/detail/sanitizer.hpp"
#include <algorithm>
#include <limits>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

namespace orrery::fiber {
namespace {

constexpr std::size_t gap_bytes = 16 * 1024;  // several pages: a frame of a few KiB cannot step over it, and it is free
constexpr std::size_t stack_bytes_min = 16 * 1024;  // a signal frame with wide vector registers takes 4 KiB alone
constexpr std::size_t slab_stacks_max = 64;
constexpr std::size_t slab_bytes_max = 64 * 1024 * 1024;  // big stacks come fewer to a slab
constexpr int map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;

StackOptions normalised(StackOptions options) {
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  ORRERY_CHECK(gap_bytes % page_bytes == 0);
  // Half the address space cannot be mapped anyway; below it no later sum wraps round.
  const std::size_t bytes =
      std::clamp(options.stack_bytes, stack_bytes_min, std::numeric_limits<std::size_t>::max() / 2);
  options.stack_bytes = (bytes + page_bytes - 1) / page_bytes * page_bytes;
  if (!options.guard) options.guarded_max = 0;
  return options;
}

bool make_usable(std::byte* from, std::size_t bytes) { return mprotect(from, bytes, PROT_READ | PROT_WRITE) == 0; }

// TSan would compare the new owner's accesses with those of the last one, which nothing orders; a fresh
// mapping over the same addresses makes it forget them.
void forget_old_accesses(std::byte* bottom, std::size_t bytes) {
  void* const mapped = mmap(bottom, bytes, PROT_READ | PROT_WRITE, map_flags | MAP_FIXED, -1, 0);
  ORRERY_CHECK(mapped == bottom);
}

}  // namespace

std::size_t touched_bytes(const Stack& stack) noexcept {
  constexpr std::size_t pages_max = 4'096;  // of a stack of 16 MiB; what lies lower in a greater one is not looked at
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t pages = std::min(stack.bytes / page_bytes, pages_max);
  if (stack.bottom == nullptr || pages == 0) return 0;
  unsigned char resident[pages_max];
  std::byte* const lowest = stack.bottom + (stack.bytes - pages * page_bytes);
  if (mincore(lowest, pages * page_bytes, resident) != 0) return 0;
  std::size_t untouched = 0;
  while (untouched < pages && (resident[untouched] & 1U) == 0) ++untouched;
  return (pages - untouched) * page_bytes;
}

StackPool::StackPool(StackOptions options) : options_(normalised(options)) {}

StackPool::~StackPool() {
  ORRERY_CHECK(guarded_.live + plain_.live == 0, "a stack pool dies while {} stacks are in use",
               guarded_.live + plain_.live);
  for (const Slab& slab : slabs_) munmap(slab.base, slab.bytes);
}

std::optional<Stack> StackPool::acquire() noexcept {
  try {
    const std::scoped_lock lock(mutex_);
    if (auto stack = take(guarded_, true)) return stack;
    return take(plain_, false);
  } catch (const std::bad_alloc&) {  // from the lists, before anything changed
    return std::nullopt;
  }
}

std::optional<Stack> StackPool::take(Kind& kind, bool guarded) {
  std::byte* bottom = take_idle(kind);
  if (bottom != nullptr && detail::tsan_build) forget_old_accesses(bottom, options_.stack_bytes);
  if (bottom == nullptr) bottom = carve(kind, guarded);
  if (bottom == nullptr) return std::nullopt;
  ++kind.live;
  return Stack{.bottom = bottom, .bytes = options_.stack_bytes, .guarded = guarded};
}

std::byte* StackPool::take_idle(Kind& kind) {
  auto& list = kind.warm.empty() ? kind.cold : kind.warm;
  if (list.empty()) return nullptr;
  std::byte* const bottom = list.back();
  list.pop_back();
  return bottom;
}

std::byte* StackPool::carve(Kind& kind, bool guarded) {
  if (guarded && kind.created >= options_.guarded_max) return nullptr;
  // Both lists can hold every stack, so that release() never needs memory. Doubling keeps this O(1) per
  // stack.
  for (auto* list : {&kind.warm, &kind.cold}) {
    if (list->capacity() <= kind.created) list->reserve(std::max<std::size_t>(16, 2 * kind.created));
  }
  if (kind.left == 0 && !add_slab(kind, guarded)) return nullptr;
  const std::size_t gap = guarded ? gap_bytes : 0;
  std::byte* const bottom = kind.next + gap;
  if (guarded && !make_usable(bottom, options_.stack_bytes)) return nullptr;
  kind.next = bottom + options_.stack_bytes;
  --kind.left;
  ++kind.created;
  return bottom;
}

bool StackPool::add_slab(Kind& kind, bool guarded) {
  // A guarded slab opens stack by stack and leaves the gaps closed; a plain one opens as a whole above its
  // only gap.
  const std::size_t stride = options_.stack_bytes + (guarded ? gap_bytes : 0);
  const std::size_t stacks = std::clamp<std::size_t>(slab_bytes_max / stride, 1, slab_stacks_max);
  const std::size_t bytes = stacks * stride + (guarded ? 0 : gap_bytes);
  slabs_.reserve(slabs_.size() + 1);
  void* const mapped = mmap(nullptr, bytes, PROT_NONE, map_flags, -1, 0);
  if (mapped == MAP_FAILED) return false;
  auto* const base = static_cast<std::byte*>(mapped);
  if (!guarded) {
    if (!make_usable(base + gap_bytes, bytes - gap_bytes)) {
      munmap(base, bytes);
      return false;
    }
    // Advice only: with huge pages the first touch of one stack would take the memory of thirty-two.
    madvise(base + gap_bytes, bytes - gap_bytes, MADV_NOHUGEPAGE);
  }
  slabs_.push_back({.base = base, .bytes = bytes});
  kind.next = guarded ? base : base + gap_bytes;
  kind.left = stacks;
  return true;
}

void StackPool::release(Stack stack) noexcept {
  ORRERY_CHECK(stack.bottom != nullptr && stack.bytes == options_.stack_bytes, "a stack of another pool");
  detail::unpoison(stack.bottom, stack.bytes);
  Kind& kind = stack.guarded ? guarded_ : plain_;
  {
    const std::scoped_lock lock(mutex_);
    ORRERY_CHECK(kind.live > 0, "a stack was released twice");
    if (idle_with_pages() < options_.pooled_max) {
      --kind.live;
      kind.warm.push_back(stack.bottom);  // room was reserved in carve()
      return;
    }
  }
  // Outside the lock: nobody else can get the stack before it is in a list.
  madvise(stack.bottom, stack.bytes, MADV_DONTNEED);
  const std::scoped_lock lock(mutex_);
  --kind.live;
  kind.cold.push_back(stack.bottom);
}

std::size_t StackPool::idle_with_pages() const { return guarded_.warm.size() + plain_.warm.size(); }

StackCounts StackPool::counts() const {
  const std::scoped_lock lock(mutex_);
  return {.live = guarded_.live + plain_.live,
          .live_guarded = guarded_.live,
          .pooled = idle_with_pages(),
          .cold = guarded_.cold.size() + plain_.cold.size(),
          .created = guarded_.created + plain_.created};
}

}  // namespace orrery::fiber
