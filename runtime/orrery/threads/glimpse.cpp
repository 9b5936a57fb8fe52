#include "orrery/threads/glimpse.hpp"

#include "orrery/actor/runtime.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace orrery {

#if defined(__clang__)
[[clang::no_sanitize("thread")]]
#else
[[gnu::no_sanitize_thread]]
#endif
[[gnu::noinline]] Glimpse
glimpse_of(const Cell& cell) {
  return {*static_cast<const std::uint64_t volatile*>(&cell.handled),
          *static_cast<const std::uint32_t volatile*>(&cell.incarnation),
          *static_cast<const Cell::Life volatile*>(&cell.life),
          *static_cast<const ActorType* const volatile*>(&cell.type)};
}

std::size_t backlog_of_parked(const Runtime& runtime, const Cell& cell) {
  const std::size_t depth = runtime.count_backlog(cell);
  // It usually stays the first one in the mailbox until its handler returns.
  const bool holds_it = cell.wait->handling != nullptr && cell.mailbox.front() == cell.wait->handling;
  return depth - (holds_it && depth != 0 ? 1 : 0);
}

std::string describe_wait(const Runtime& runtime, const Wait& wait) {
  const auto whom = [&] { return runtime.path_of(wait.target()); };
  switch (wait.kind()) {
    case Wait::Kind::ask:
      return wait.target().is_set() ? fmt::format("waits for {}", whom()) : "waits for replies";
    case Wait::Kind::place:
      return fmt::format("waits for a place in the mailbox of {}", whom());
    case Wait::Kind::sleep:
      return "sleeps";
    case Wait::Kind::mail:
      return "waits for mail";
    case Wait::Kind::offload:
      return "waits for offloaded work";
    case Wait::Kind::child_start:
      return fmt::format("waits for its child {} to start", whom());
    case Wait::Kind::child_end:
      return fmt::format("waits for its child {} to end", whom());
  }
  return "waits";
}

const Worker* worker_of(std::span<const std::unique_ptr<Worker>> workers, const Cell& cell) noexcept {
  const auto at = std::ranges::find_if(
      workers, [&](const auto& worker) { return worker->running.load(std::memory_order_acquire) == &cell; });
  return at == workers.end() ? nullptr : at->get();
}

std::string describe_busy(const Worker& worker, Instant now) {
  const MessageInfo* const message = worker.message.identity() == nullptr ? nullptr : worker.message.type();
  const Instant since{Duration{worker.same_since.load(std::memory_order_relaxed)}};
  const std::string busy =
      since == Instant{} || since >= now
          ? "is busy"
          : fmt::format("has been busy for {}",
                        format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(now - since)));
  return fmt::format("{} in {}", busy,
                     message == nullptr ? "a lifecycle hook" : fmt::format("its handler of {}", message->name));
}

}  // namespace orrery
