#include "orrery/core/asymmetric_fence.hpp"

#include "orrery/core/check.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>

namespace orrery {

namespace detail {
bool light_fence_is_free = false;
}

namespace {
bool membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0, 0) == 0; }
}  // namespace

void prepare_asymmetric_fences() noexcept {
  static std::once_flag once;
  std::call_once(once, [] { detail::light_fence_is_free = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); });
}

void heavy_fence() noexcept {
  thread_fence(std::memory_order_seq_cst);
  if (!detail::light_fence_is_free) return;
  const bool done = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  ORRERY_CHECK(done, "membarrier was there when it was registered");
}

}  // namespace orrery
