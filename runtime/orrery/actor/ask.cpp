#include "orrery/actor/ask.hpp"
#include "orrery/actor/race_scope.hpp"

#include "orrery/core/check.hpp"

#include <algorithm>

namespace orrery::detail {

namespace {

class AskWait final : public Wait {
 public:
  AskWait(std::span<AskCall* const> calls, bool all) noexcept : Wait{Kind::ask}, calls_{calls}, all_{all} {}
  [[nodiscard]] bool ready() const noexcept override {
    const auto is_ready = [](const AskCall* call) { return call->ready(); };
    return all_ ? std::ranges::all_of(calls_, is_ready) : std::ranges::any_of(calls_, is_ready);
  }
  /// Whoever waits for any of several depends on none of them alone.
  [[nodiscard]] Handle target() const noexcept override {
    return all_ || calls_.size() == 1 ? first_open().target() : Handle{};
  }
  [[nodiscard]] Handle blocked_by() const noexcept override {
    return all_ || calls_.size() == 1 ? first_open().blocked_by() : Handle{};
  }
  [[nodiscard]] bool has_deadline() const noexcept override {
    const auto ends = [](const AskCall* call) { return call->has_deadline(); };
    return all_ ? std::ranges::all_of(calls_, ends) : std::ranges::any_of(calls_, ends);
  }
  [[nodiscard]] const MessageInfo* message() const noexcept override { return first_open().message(); }
  [[nodiscard]] bool needs(const Ask& ask) const noexcept override {
    return (all_ || calls_.size() == 1) &&
           std::ranges::any_of(calls_, [&](const AskCall* call) { return call->is(ask); });
  }

 private:
  [[nodiscard]] const AskCall& first_open() const noexcept {
    for (const AskCall* call : calls_) {
      if (!call->ready()) return *call;
    }
    return *calls_.front();
  }
  std::span<AskCall* const> calls_;
  bool all_;
};

/// The usual case of AskWait, with less to look at.
class OneAskWait final : public Wait {
 public:
  explicit OneAskWait(const AskCall& call) noexcept : Wait{Kind::ask}, call_{call} {}
  [[nodiscard]] bool ready() const noexcept override { return call_.ready(); }
  [[nodiscard]] Handle target() const noexcept override { return call_.target(); }
  [[nodiscard]] Handle blocked_by() const noexcept override { return call_.blocked_by(); }
  [[nodiscard]] bool has_deadline() const noexcept override { return call_.has_deadline(); }
  [[nodiscard]] const MessageInfo* message() const noexcept override { return call_.message(); }
  [[nodiscard]] bool needs(const Ask& ask) const noexcept override { return call_.is(ask); }

 private:
  const AskCall& call_;
};

}  // namespace

void AskCall::Deadline::passed(Timer& timer) {
  auto& self = static_cast<Deadline&>(timer);
  Runtime& runtime = *self.runtime;
  const Handle asker = self.asker;
  Waiter* const waiter = self.waiter;
  self.expired.store(true, std::memory_order_seq_cst);
  if (waiter != nullptr) {
    waiter->wake();
  } else {
    runtime.wake(asker);
  }
}

void AskCall::begin(Runtime& runtime, Execution* here, Handle target, Envelope* request, Duration timeout,
                    bool may_wait) {
  runtime.try_memory(request);
  runtime_ = &runtime;
  target_ = target;
  timeout_ = timeout;
  message_ = request->operations->message;
  runtime.count_ask(here);
  if (runtime.measures_asks()) [[unlikely]]
    begun_ = runtime.now();
  Ask* const ask = request->ask;
  if (here != nullptr && here->cell != nullptr) {
    if (here->cell->ending == Cell::Ending::unwinding) {  // S4: further waits inside an unwound handler end at once
      request->operations->drop(*request);
      runtime.free_envelope(request);
      error_ = AskError::actor_stopped;
      runtime.count_failed_ask(error_);
      return;
    }
    ask->asker = here->cell->handle();
  } else {
    ask->waiter = &runtime.world().waiter();
  }
  if (has_deadline()) {
    deadline_.emplace();
    deadline_->runtime = &runtime;
    deadline_->asker = deadline_->owner = ask->asker;
    deadline_->waiter = ask->waiter;
    runtime.world().arm_in(*deadline_, timeout);
  }
  const std::atomic<bool>* const expires = deadline_ ? &deadline_->expired : nullptr;
  if (const auto sent = here != nullptr ? runtime.send_from(*here, target, request, expires, may_wait)
                                        : runtime.send(target, request, may_wait, expires);
      !sent) {
    const bool expired = deadline_ && deadline_->expired.load(std::memory_order_relaxed);
    error_ = expired && sent.error() == TellError::mailbox_full ? AskError::timeout : to_ask_error(sent.error());
    disarm();
    runtime.count_failed_ask(error_);
    return;
  }
  ask_ = ask;
}

void AskCall::disarm() noexcept {
  if (!deadline_) return;
  runtime_->world().cancel(*deadline_);
}

Handle AskCall::target() const noexcept {
  const std::uint64_t holder = ask_ == nullptr ? 0 : ask_->holder.load(std::memory_order_relaxed);
  if (holder == 0 || holder == Ask::kept_open) return target_;
  return {static_cast<std::uint32_t>(holder), static_cast<std::uint32_t>(holder >> 32)};
}

Handle AskCall::blocked_by() const noexcept {
  const bool is_open = ask_ != nullptr && ask_->holder.load(std::memory_order_relaxed) == Ask::kept_open;
  return is_open ? Handle{} : target();
}

void AskCall::wait() {
  [[maybe_unused]] const RuntimeScope inside;
  if (runtime_ == nullptr || ready()) return;
  OneAskWait waiting{*this};
  runtime_->wait(waiting);
}

bool AskCall::look() const {
  [[maybe_unused]] const RuntimeScope inside;
  if (runtime_ != nullptr && runtime_->observer() != nullptr) runtime_->observer()->before_look();
  return ready();
}

Ask* AskCall::collect() noexcept {
  [[maybe_unused]] const RuntimeScope inside;
  ORRERY_CHECK(ready());
  disarm();
  Ask* const ask = std::exchange(ask_, nullptr);
  if (ask == nullptr) return nullptr;
  if (ask->abandon()) {  // the deadline came first; the block is the replier's now
    error_ = AskError::timeout;
    runtime_->count_failed_ask(error_);
    runtime_->world().saw_timeout(runtime_->caller(), target_, *message_, timeout_);
    return nullptr;
  }
  if (ask->has_reply) {
    if (runtime_->measures_asks()) [[unlikely]]
      runtime_->note_ask_time(runtime_->now() - begun_);
    return ask;
  }
  error_ = ask->error;
  runtime_->count_failed_ask(error_);
  runtime_->release_home(*ask);
  return nullptr;
}

AskCall::~AskCall() {
  [[maybe_unused]] const RuntimeScope inside;
  disarm();
  if (ask_ != nullptr) runtime_->let_go(*ask_);
}

void wait_for_asks(std::span<AskCall* const> calls, bool all) {
  [[maybe_unused]] const RuntimeScope inside;
  if (calls.empty()) return;
  AskWait wait{calls, all};
  const auto begun = std::ranges::find_if(calls, [](const AskCall* call) { return call->runtime() != nullptr; });
  if (begun == calls.end()) return;
  Runtime& runtime = *(*begun)->runtime();
  if (!wait.ready()) runtime.wait(wait);
  // Which one came first can be seen now, unlike when all are waited for.
  if (!all && calls.size() > 1 && runtime.observer() != nullptr) runtime.observer()->before_look();
}

}  // namespace orrery::detail
