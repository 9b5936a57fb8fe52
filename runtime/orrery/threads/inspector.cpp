#include "orrery/threads/inspector.hpp"

#include "orrery/fiber/fiber.hpp"
#include "orrery/threads/glimpse.hpp"
#include "orrery/threads/ring_watch.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery {

namespace {

constexpr std::size_t stacks_at_once_max = 64;  // a system call for each
constexpr std::size_t told_max = 1'000;         // what is remembered so as not to be told again

std::string short_duration(Duration duration) {
  return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
}

}  // namespace

/// What one inspection finds on its way.
struct Inspector::Walk {
  struct Backlog {
    Handle who;
    std::string_view type;
    std::size_t depth;
    std::uint64_t handled;
  };
  std::vector<Backlog> backlogs;
  struct Stack {
    Handle who;
    std::string_view type;
    std::size_t used;
    std::size_t bytes;
  };
  std::vector<Stack> stacks;
  std::uint64_t parked = 0;
  Handle most_restarted{};
  std::uint32_t most_lives = 1;
};

Inspector::Inspector(const SystemOptions& options, Reporter& reporter, std::mutex& look_mutex)
    : period_{options.inspect_period},
      ring_watch_{options.ring_watch},
      mail_age_{options.mail_age},
      tells_timeouts_{options.report_ask_timeouts},
      stack_percent_{options.stack_used_percent},
      reporter_{reporter},
      look_mutex_{look_mutex},
      restarts_{options.restarts_per_minute},
      backlogs_{{.depth = options.runtime.mailbox_depth_warning,
                 .growing = options.mailbox_growth,
                 .age = options.mail_age}} {}

Instant Inspector::inspect(Runtime& runtime, Instant now, std::optional<std::uint64_t> still) {
  constexpr int rest_per_work = 100;  // G2
  if (period_ <= Duration::zero()) return Instant::max();
  if (still && still == harmless_) return Instant::max();
  if (now < next_) return next_;
  Walk walk;
  {
    const std::lock_guard alone{look_mutex_};
    runtime.for_each_cell([&](Cell& cell) {
      const Glimpse seen = glimpse_of(cell);
      if (seen.incarnation > walk.most_lives) {
        walk.most_lives = seen.incarnation;
        walk.most_restarted = cell.handle();
      }
      if (cell.attention.is_parked()) return look_at_parked(runtime, cell, walk);
      if (BoundedMailbox* const bounded = cell.bounded.load(std::memory_order_acquire); bounded != nullptr) {
        if (const std::size_t depth = bounded->counts().depth; depth != 0) {
          walk.backlogs.push_back({cell.handle(), seen.type_name(), depth, seen.handled});
        }
      }
    });
  }
  next_stack_ = walk.stacks.size() < stacks_at_once_max ? 0 : walk.stacks.back().who.slot + 1;
  const std::uint64_t restarts = runtime.restarts();
  {
    const std::lock_guard guard{mutex_};
    for (auto& [type, found] : findings_.types) found.depth = 0;
    backlogs_.forget_old(now);
  }
  for (const Walk::Backlog& one : walk.backlogs) judge_backlog(runtime, one.who, one.type, one.depth, one.handled, now);
  for (const Walk::Stack& one : walk.stacks) {
    {
      const std::lock_guard guard{mutex_};
      auto& highwater = findings_.types[std::string{one.type}].stack_highwater;
      highwater = std::max<std::uint64_t>(highwater, one.used);
    }
    if (stack_percent_ == 0 || one.used * 100 <= one.bytes * stack_percent_) continue;
    if (stacks_told_.size() >= told_max || !stacks_told_.insert(one.who).second) continue;
    if (const auto swallowed = reporter_.admit(now, alarm::fiber_stack)) {
      const std::string actor = runtime.path_of(one.who);
      reporter_.deliver({.kind = alarm::fiber_stack,
                         .text = fmt::format("the stack of {} has been used to {} of {} KiB; raise stack_kb", actor,
                                             one.used / 1024, one.bytes / 1024),
                         .actor = actor,
                         .count = one.used,
                         .suppressed = *swallowed});
    }
  }
  if (const std::uint64_t recent = restarts_.look(restarts, now); recent != 0) {
    if (const auto swallowed = reporter_.admit(now, alarm::restart_storm)) {
      const std::string most = walk.most_lives > 1 ? runtime.path_of(walk.most_restarted) : std::string{};
      const std::string who =
          most.empty() ? "" : fmt::format("; most often {}, which is in life {}", most, walk.most_lives);
      reporter_.deliver({.kind = alarm::restart_storm,
                         .text = fmt::format("{} restarts in the last minute{}", recent, who),
                         .actor = most,
                         .count = recent,
                         .suppressed = *swallowed});
    }
  }
  if (ring_watch_ > Duration::zero() && walk.parked != 0 && now >= next_rings_) {
    next_rings_ = now + ring_watch_;
    tell_rings(runtime, now);
  }
  harmless_ = walk.parked == 0 && walk.backlogs.empty() ? still : std::nullopt;
  if (!still) runtime.look_at_backlogs();
  const Instant after = runtime.now();
  next_ = after + std::max<Duration>(period_, rest_per_work * (after - now));
  return next_;
}

void Inspector::look_at_parked(Runtime& runtime, Cell& cell, Walk& walk) {
  if (!cell.attention.claim_parked()) return;  // woken just now
  ++walk.parked;
  const std::size_t depth = backlog_of_parked(runtime, cell);
  if (depth != 0) walk.backlogs.push_back({cell.handle(), cell.type->name, depth, cell.handled});
  if (walk.stacks.size() < stacks_at_once_max && cell.slot >= next_stack_) look_at_stack(cell, walk);
  runtime.parked(cell);  // a wake-up that came meanwhile is served now
}

void Inspector::look_at_stack(const Cell& cell, Walk& walk) {
  if (cell.wait->fiber == nullptr) return;
  const fiber::Stack& stack = cell.wait->fiber->stack();
  walk.stacks.push_back({cell.handle(), cell.type->name, fiber::touched_bytes(stack), stack.bytes});
}

void Inspector::tell_rings(Runtime& runtime, Instant now) {
  std::vector<std::string> rings;
  {
    const std::lock_guard alone{look_mutex_};
    rings = find_rings(runtime);
  }
  for (const std::string& ring : rings) {
    if (rings_told_.size() >= told_max || !rings_told_.insert(ring).second) continue;
    const auto first = ring.find(" --");
    const std::string actor = ring.substr(0, first);
    const bool is_itself = ring.ends_with("--> " + actor) && ring.find("--> ") == ring.rfind("--> ");
    const std::string_view kind = is_itself ? alarm::self_ask : alarm::ask_cycle;
    if (const auto swallowed = reporter_.admit(now, kind)) {
      reporter_.deliver({.kind = kind, .text = ring, .actor = actor, .suppressed = *swallowed});
    }
  }
}

void Inspector::saw_backlog(Runtime& runtime, const Cell& cell, std::size_t depth, Instant now) {
  judge_backlog(runtime, cell.handle(), cell.type->name, depth, cell.handled, now);
}

void Inspector::judge_backlog(Runtime& runtime, Handle who, std::string_view type, std::size_t depth,
                              std::uint64_t handled, Instant now) {
  BacklogWatch::Verdict verdict;
  {
    const std::lock_guard guard{mutex_};
    auto& found = findings_.types[std::string{type}];
    found.depth = std::max<std::uint64_t>(found.depth, depth);
    found.depth_highwater = std::max<std::uint64_t>(found.depth_highwater, depth);
    verdict = backlogs_.look({.who = who, .depth = depth, .handled = handled}, now);
  }
  if (!verdict.is_deep && !verdict.grows && !verdict.is_old) return;
  const std::string actor = runtime.path_of(who);
  const std::string many =
      depth >= Runtime::backlog_counted_max ? fmt::format("more than {}", depth) : fmt::format("{}", depth);
  const auto tell = [&](std::string_view kind, std::string text, Duration duration) {
    const auto swallowed = reporter_.admit(now, kind);
    if (!swallowed) return;
    reporter_.deliver({.kind = kind,
                       .text = std::move(text),
                       .actor = actor,
                       .duration = duration,
                       .count = depth,
                       .suppressed = *swallowed});
  };
  if (verdict.is_deep) tell(alarm::mailbox_depth, fmt::format("{} has {} messages waiting", actor, many), {});
  if (verdict.grows) {
    tell(alarm::mailbox_growth,
         fmt::format("the mailbox of {} has grown for {}, from {} messages to {}", actor,
                     short_duration(verdict.growing), verdict.grown_from, many),
         verdict.growing);
  }
  if (verdict.is_old) {
    tell(alarm::old_mail,
         fmt::format("{} has handled none of its {} messages for {}", actor, many, short_duration(verdict.age)),
         verdict.age);
  }
}

void Inspector::saw_wait(Runtime& runtime, const Cell& cell, const MessageInfo& message, Duration waited, Instant now) {
  if (mail_age_ <= Duration::zero() || waited < mail_age_) return;
  const auto swallowed = reporter_.admit(now, alarm::old_mail);
  if (!swallowed) return;
  const std::string actor = runtime.path_of(cell.handle());
  reporter_.deliver(
      {.kind = alarm::old_mail,
       .text = fmt::format("{} has taken a {} that had waited for {}", actor, message.name, short_duration(waited)),
       .actor = actor,
       .message = std::string{message.name},
       .duration = waited,
       .suppressed = *swallowed});
}

void Inspector::saw_timeout(Runtime& runtime, std::span<const std::unique_ptr<Worker>> workers, Handle asker,
                            Handle asked, const MessageInfo& message, Duration after, Instant now) {
  const bool is_itself = asker.is_set() && asker == asked;
  const std::string_view kind = is_itself ? alarm::self_ask : alarm::ask_timeout;
  if (!tells_timeouts_) return;
  const auto swallowed = reporter_.admit(now, kind);
  if (!swallowed) return;
  const std::string whom = runtime.path_of(asked);
  const std::string who = asker.is_set() ? runtime.path_of(asker) : "somebody outside";
  const std::string state = is_itself ? "and waits for itself" : "which " + state_of(runtime, workers, asked, now);
  reporter_.deliver({.kind = kind,
                     .text = fmt::format("{} has waited {} for the reply to its {} from {}, {}", who,
                                         format_duration(after), message.name, whom, state),
                     .actor = whom,
                     .message = std::string{message.name},
                     .duration = after,
                     .suppressed = *swallowed});
}

/// What somebody does at present, as far as can be seen from here.
std::string Inspector::state_of(Runtime& runtime, std::span<const std::unique_ptr<Worker>> workers, Handle who,
                                Instant now) {
  Cell* const cell = runtime.living_cell(who);
  if (cell == nullptr) return "has ended";
  std::string queued;
  if (const BoundedMailbox* const bounded = cell->bounded.load(std::memory_order_acquire); bounded != nullptr) {
    queued = fmt::format(", {} queued", runtime.bounded_depth(who));
  }
  if (const Worker* const worker = worker_of(workers, *cell); worker != nullptr) {
    return describe_busy(*worker, now) + queued;
  }
  if (std::unique_lock alone{look_mutex_, std::try_to_lock}; alone.owns_lock() && cell->attention.claim_parked()) {
    std::string text =
        fmt::format("{}, {} queued", describe_wait(runtime, *cell->wait), backlog_of_parked(runtime, *cell));
    runtime.parked(*cell);
    return text;
  }
  return "is in no handler" + queued;
}

Findings Inspector::findings() const {
  const std::lock_guard guard{mutex_};
  return findings_;
}

}  // namespace orrery
