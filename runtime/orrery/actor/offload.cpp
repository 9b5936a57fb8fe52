#include "orrery/actor/offload.hpp"
#include "orrery/actor/race_scope.hpp"

namespace orrery {

namespace {

class OffloadWait final : public Wait {
 public:
  explicit OffloadWait(const Job& job) noexcept : Wait{Kind::offload}, job_{job} {}
  [[nodiscard]] bool ready() const noexcept override { return job_.is_done(); }

 private:
  const Job& job_;
};

}  // namespace

Job::Job(Runtime& runtime, std::source_location where)
    : runtime_{runtime}, owner_{current_execution()->cell->handle()}, actor_{runtime.path_of(owner_)}, where_{where} {}

void Job::run() noexcept {
  try {
    perform();
  } catch (...) {
    error_ = std::current_exception();
  }
  done_.store(true, std::memory_order_seq_cst);  // the outcome is the handler's from here on
  runtime_.wake(owner_);
}

bool detail::can_suspend(const Runtime& runtime) noexcept {
  const Execution* const execution = current_execution();
  return execution != nullptr && execution->runtime == &runtime && execution->cell != nullptr &&
         execution->cell->ending != Cell::Ending::unwinding;
}

void detail::run_beside(Runtime& runtime, const std::shared_ptr<Job>& job) {
  [[maybe_unused]] const RuntimeScope inside;
  OffloadWait wait{*job};
  runtime.world().offload(job);
  runtime.wait(wait);
}

}  // namespace orrery
