// system_view.cpp: a running system as numbers and as text, for who looks at it from outside.
#include "orrery/actor/metrics.hpp"
#include "orrery/core/check.hpp"
#include "orrery/threads/glimpse.hpp"
#include "orrery/threads/system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#ifndef ORRERY_VERSION
#define ORRERY_VERSION "unknown"
#define ORRERY_COMMIT "unknown"
#endif

namespace orrery {

void System::append_metrics(MetricList& list) const {
  metrics().append_to(list);
  double busy = 0;
  for (const auto& worker : threads_.workers()) {
    const MetricLabels label{{"worker", fmt::to_string(worker->index)}};
    if (worker->running.load(std::memory_order_acquire) != nullptr) ++busy;
    list.gauge("orrery_scheduler_run_queue_depth", "Actors that wait for their turn at a worker.", label,
               static_cast<double>(worker->queue.size() + (worker->hot.empty() ? 0 : 1)));
    list.counter("orrery_scheduler_steals_total", "How often a worker has taken actors from another one.", label,
                 worker->steals.get());
    list.seconds("orrery_scheduler_parked_seconds_total", "How long a worker has slept for want of work.", label,
                 Duration{static_cast<Duration::rep>(worker->asleep_ns.get())});
  }
  list.gauge("orrery_scheduler_injected", "Actors that were made ready from outside and wait for any worker.", {},
             static_cast<double>(threads_.injected()));
  list.gauge("orrery_handlers_running", "Workers that run an actor.", {}, busy);
  const fiber::StackCounts stacks = fibers();
  const auto fibers_that = [&](std::string_view state, std::size_t count) {
    list.gauge("orrery_fibers", "Stacks: leased by workers, waiting handlers and the loops kept for them; or idle.",
               {{"state", std::string{state}}}, static_cast<double>(count));
  };
  fibers_that("leased", stacks.live);
  fibers_that("idle", stacks.pooled + stacks.cold);
  list.gauge("orrery_offload_threads", "Threads for offloaded work.", {}, static_cast<double>(offload_threads()));
  for (const auto& [type, found] : threads_.inspector().findings().types) {
    const MetricLabels label{{"type", type}};
    list.gauge("orrery_mailbox_depth", "Messages in the deepest mailbox, at the last inspection.", label,
               static_cast<double>(found.depth));
    list.gauge("orrery_mailbox_depth_highwater", "The deepest that was ever seen.", label,
               static_cast<double>(found.depth_highwater));
    if (found.stack_highwater == 0) continue;
    list.gauge("orrery_fiber_stack_highwater_bytes", "The most that was seen used of a waiting handler's stack.", label,
               static_cast<double>(found.stack_highwater));
  }
  for (const auto& [kind, count] : threads_.reporter().counts()) {
    list.counter("orrery_alarms_total", "Alarms and other reports, those that were suppressed among them.",
                 {{"kind", kind}}, count);
  }
  list.gauge("orrery_build_info", "1; the labels say which build this is.",
             {{"version", ORRERY_VERSION}, {"commit", ORRERY_COMMIT}, {"compiler", __VERSION__}}, 1);
  sources_.append_to(list);
}

namespace {

struct Line {
  std::string path;
  std::string text;
};

}  // namespace

std::string System::describe_actors() {
  ORRERY_CHECK(!threads_.is_worker());
  const Instant present = now();
  std::vector<std::pair<Handle, std::string>> paths;
  std::vector<std::string> texts;
  {
    const auto alone = threads_.look_alone();
    for_each_cell([&](Cell& cell) {
      const Glimpse seen = glimpse_of(cell);
      if (!seen.is_somebody()) return;
      const Handle who = cell.handle();
      std::string text = fmt::format("{}, life {}, {} handled: ", seen.type_name(), seen.incarnation, seen.handled);
      BoundedMailbox* const bounded = cell.bounded.load(std::memory_order_acquire);
      const std::string queued = bounded == nullptr ? "" : fmt::format(", {} queued", bounded->counts().depth);
      if (cell.attention.claim_parked()) {
        const Wait& wait = *cell.wait;
        const std::string_view where =
            wait.handling == nullptr ? "a lifecycle hook" : wait.handling->operations->message->name;
        text +=
            fmt::format("in {} it {}, {} queued", where, describe_wait(*this, wait), backlog_of_parked(*this, cell));
        parked(cell);
      } else if (const Worker* const worker = worker_of(threads_.workers(), cell); worker != nullptr) {
        text += describe_busy(*worker, present) + queued;
      } else {
        text += (seen.life == Cell::Life::down ? "down" : "ready") + queued;
      }
      paths.emplace_back(who, std::string{});
      texts.push_back(std::move(text));
    });
  }
  find_paths(paths);  // in the order of slots, which is that of handles
  std::vector<Line> lines;
  for (std::size_t i = 0; i < paths.size(); ++i) lines.push_back({std::move(paths[i].second), std::move(texts[i])});
  std::ranges::sort(lines, {}, &Line::path);
  std::string all = fmt::format("{} actors live\n", lines.size());
  for (const Line& line : lines) {
    const auto depth = static_cast<std::size_t>(std::ranges::count(line.path, '/'));
    fmt::format_to(std::back_inserter(all), "{:{}}{}  {}\n", "", 2 * depth + 2, line.path, line.text);
  }
  return all;
}

}  // namespace orrery
