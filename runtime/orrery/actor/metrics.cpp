#include "orrery/actor/metrics.hpp"

#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace orrery {

// ---- the list -----------------------------------------------------------------------------------------------------

namespace {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_label_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) && !name.starts_with("__") &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}
bool is_metric_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == ':'; });
}

}  // namespace

void MetricList::add(std::string_view name, std::string_view help, Kind kind, Sample sample) {
  ORRERY_CHECK(is_metric_name(name), "\"{}\" is no name for a metric", name);
  std::ranges::sort(sample.labels);
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    const std::string& label = sample.labels[i].first;
    ORRERY_CHECK(is_label_name(label) && !(kind == Kind::histogram && label == "le"), "\"{}\" is no label for {}",
                 label, name);
    ORRERY_CHECK(i == 0 || sample.labels[i - 1].first != label, "{} has the label {} twice", name, label);
  }
  auto family = std::ranges::find(families_, name, &Family::name);
  if (family == families_.end()) {
    family = families_.insert(family, {std::string{name}, std::string{help}, kind, {}});
  }
  ORRERY_CHECK(family->kind == kind, "{} is two kinds of metric", name);
  ORRERY_CHECK(family->help == help, "{} has two help texts", name);
  ORRERY_CHECK(std::ranges::find(family->samples, sample.labels, &Sample::labels) == family->samples.end(),
               "{} is there twice with the same labels", name);
  family->samples.push_back(std::move(sample));
}

void MetricList::counter(std::string_view name, std::string_view help, MetricLabels labels, std::uint64_t value) {
  add(name, help, Kind::counter, {std::move(labels), value});
}

void MetricList::seconds(std::string_view name, std::string_view help, MetricLabels labels, Duration sum) {
  add(name, help, Kind::counter, {std::move(labels), static_cast<double>(sum.count()) / 1e9});
}

void MetricList::gauge(std::string_view name, std::string_view help, MetricLabels labels, double value) {
  add(name, help, Kind::gauge, {std::move(labels), value});
}

void MetricList::histogram(std::string_view name, std::string_view help, MetricLabels labels,
                           const HistogramCounts& values, MetricScale scale) {
  ORRERY_CHECK(scale.first <= scale.last && scale.last < 64 && scale.per_unit > 0);
  Distribution shown;
  for (unsigned power = scale.first; power <= scale.last; ++power) {
    const std::uint64_t limit = (std::uint64_t{1} << power) - 1;
    shown.up_to.emplace_back(static_cast<double>(limit) / scale.per_unit, values.count_up_to(limit));
  }
  shown.count = values.count();
  shown.sum = static_cast<double>(values.sum) / scale.per_unit;
  add(name, help, Kind::histogram, {std::move(labels), std::move(shown)});
}

void MetricList::histogram(std::string_view name, std::string_view help, MetricLabels labels,
                           const CoarseCounts& values, MetricScale scale) {
  ORRERY_CHECK(scale.first <= scale.last && scale.last < 64 && scale.per_unit > 0);
  Distribution shown;
  std::uint64_t passed = 0;
  for (std::size_t bits = 0; bits < values.buckets.size(); ++bits) {
    passed += values.buckets[bits];  // all that need no more bits, hence are below 2^bits
    if (bits < scale.first || bits > scale.last) continue;
    shown.up_to.emplace_back(static_cast<double>((std::uint64_t{1} << bits) - 1) / scale.per_unit, passed);
  }
  shown.count = passed;
  shown.sum = static_cast<double>(values.sum) / scale.per_unit;
  add(name, help, Kind::histogram, {std::move(labels), std::move(shown)});
}

// ---- the runtime's numbers ----------------------------------------------------------------------------------------

namespace {

/// What a cell has counted of the actor in it. Whoever runs the cell writes this with plain stores, since an atomic one
/// would cost instructions in every message; a number of that size is read whole all the same, and is old at worst.
struct CellCounts {
  std::uint64_t handled;
  std::uint64_t failed;
  std::uint64_t dead_lettered;
  const ActorType* type;
  std::uint32_t incarnation;
  Cell::Life life;
};
#if defined(__clang__)
[[clang::no_sanitize("thread")]]
#else
[[gnu::no_sanitize_thread]]
#endif
[[gnu::noinline]] CellCounts
peek_counts(const Cell& cell) {
  return {*static_cast<const std::uint64_t volatile*>(&cell.handled),
          *static_cast<const std::uint32_t volatile*>(&cell.failed),
          *static_cast<const std::uint32_t volatile*>(&cell.dead_lettered),
          *static_cast<const ActorType* const volatile*>(&cell.type),
          *static_cast<const std::uint32_t volatile*>(&cell.incarnation),
          *static_cast<const Cell::Life volatile*>(&cell.life)};
}

/// The sums by type, while they are being added up.
class ByType {
 public:
  TypeMetrics& of(const ActorType* type) {
    if (type == last_type_ && last_ != nullptr) return *last_;
    last_type_ = type;
    return *(last_ = &sums_[type == nullptr ? std::string_view{"other"} : type->name]);
  }
  [[nodiscard]] std::vector<TypeMetrics> by_name() {
    std::vector<TypeMetrics> all;
    for (auto& [name, sum] : sums_) {
      sum.type = name;
      all.push_back(sum);
    }
    return all;
  }

 private:
  std::map<std::string_view, TypeMetrics> sums_;
  const ActorType* last_type_ = nullptr;
  TypeMetrics* last_ = nullptr;
};

/// N1, by type: what both are ordered by. `floor` becomes what is returned this time.
void raise_to_floor(std::vector<TypeMetrics>& types, std::vector<TypeMetrics>& floor) {
  for (const TypeMetrics& before : floor) {
    auto at = std::ranges::lower_bound(types, before.type, {}, &TypeMetrics::type);
    if (at == types.end() || at->type != before.type) {  // its only actor is just moving
      at = types.insert(at, before);
      at->living = at->waiting = 0;
      continue;
    }
    for (const auto count :
         {&TypeMetrics::ended, &TypeMetrics::handled, &TypeMetrics::failed, &TypeMetrics::dead_lettered,
          &TypeMetrics::own_restarts, &TypeMetrics::supervised_restarts}) {
      (*at).*count = std::max((*at).*count, before.*count);
    }
  }
  floor = types;
}

}  // namespace

RuntimeMetrics Runtime::metrics() const {
  if (observer_ != nullptr) {
    // A handler sees what others have done up to here.
    if (const Execution* const execution = current_execution(); execution != nullptr && execution->cell != nullptr) {
      observer_->before_look();
    }
  }
  RuntimeMetrics now;
  const auto read = [](const std::atomic<std::uint64_t>& count) { return count.load(std::memory_order_relaxed); };
  // What is looked at later is newer: a look is never past this, neither for the compiler nor for the machine.
  const auto then = [] { std::atomic_thread_fence(std::memory_order_acquire); };
  {
    const std::lock_guard guard{table_mutex_};
    // An ending actor's counts move from its cell to its worker's. Looked at in this order they may be missed once, but
    // are never there twice.
    now.dead_lettered = read(foreign_dead_letters_);
    now.stopped = read(foreign_gone_);
    now.restarts = read(foreign_restarted_);
    for (const Execution* const execution : executions_) {
      now.dead_lettered += execution->stray_dead_letters.get();
      now.stopped += execution->gone.get();
      now.restarts += execution->restarted.get();
    }
    ByType types;
    for_each_retired([&](const ActorType* type, const TypeCounts& counts) {
      TypeMetrics& sum = types.of(type);
      sum.ended += counts.ended.get();
      sum.handled += counts.handled.get();
      sum.failed += counts.failed.get();
      sum.dead_lettered += counts.dead_lettered.get();
      sum.own_restarts += counts.own_restarts.get();
      sum.supervised_restarts += counts.supervised_restarts.get();
    });
    then();
    for_each_cell([&](const Cell& cell) {
      const CellCounts counts = peek_counts(cell);
      if (counts.type == nullptr || counts.life == Cell::Life::vacant) return;
      TypeMetrics& sum = types.of(counts.type);
      ++sum.living;
      sum.waiting += cell.attention.is_parked() ? 1 : 0;
      sum.handled += counts.handled;
      sum.failed += counts.failed;
      sum.dead_lettered += counts.dead_lettered;
      const std::uint32_t restarts = counts.incarnation > 1 ? counts.incarnation - 1 : 0;
      (cell.is(Cell::is_supervised) ? sum.supervised_restarts : sum.own_restarts) += restarts;
      if (BoundedMailbox* const bounded = cell.bounded.load(std::memory_order_acquire); bounded != nullptr) {
        now.deepest_mailbox = std::max<std::uint64_t>(now.deepest_mailbox, bounded->counts().depth);
      }
    });
    now.types = types.by_name();
    for (const TypeMetrics& type : now.types) {
      now.handled += type.handled;
      now.failed += type.failed;
      now.dead_lettered += type.dead_lettered;
      now.waiting_handlers += type.waiting;
    }
    // N1: what was missed this time was not the last time.
    raise_to_floor(now.types, types_floor_);
    now.handled = metrics_floor_.handled = std::max(metrics_floor_.handled, now.handled);
    now.failed = metrics_floor_.failed = std::max(metrics_floor_.failed, now.failed);
    now.dead_lettered = metrics_floor_.dead_lettered = std::max(metrics_floor_.dead_lettered, now.dead_lettered);
    // What came is looked at after what went.
    then();
    for (std::size_t i = 0; i < tell_errors; ++i) {
      now.refused_with[i] = read(foreign_refused_[i]);
      for (const Execution* const execution : executions_) now.refused_with[i] += execution->refused[i].get();
      now.refused += now.refused_with[i];
    }
    for (std::size_t i = 0; i < ask_errors; ++i) {
      now.asks_failed[i] = read(foreign_asks_failed_[i]);
      for (const Execution* const execution : executions_) now.asks_failed[i] += execution->asks_failed[i].get();
    }
    then();
    now.offered = read(foreign_offered_);
    now.spawned = read(foreign_spawned_);
    now.asks = read(foreign_asks_);
    for (const Execution* const execution : executions_) {
      now.offered += execution->offered.get();
      now.spawned += execution->spawned.get();
      now.asks += execution->asks.get();
    }
    if (foreign_ask_times_ != nullptr) {
      const auto times = std::make_shared<HistogramCounts>();
      foreign_ask_times_->times.add_to(*times);
      for (const Execution* const execution : executions_) execution->ask_times->add_to(*times);
      now.ask_times = times;
    }
    if (observer_ == nullptr && options_.time_one_in != 0) {
      const auto times = std::make_shared<MessageTimesTotal>();
      for (const Execution* const execution : executions_) execution->times->add_to(*times);
      now.message_times = times;
    }
  }
  const auto difference = [](std::uint64_t all, std::uint64_t part) { return all > part ? all - part : 0; };
  now.living = difference(now.spawned, now.stopped);
  now.queued = difference(now.offered, now.refused + now.handled + now.failed + now.dead_lettered);
  now.letters = dead_letters_.counts();
  now.letters_dropped = dead_letters_.dropped();
  now.letters_kept = dead_letters_.kept();
  return now;
}

namespace {

MetricLabels and_label(const MetricLabels& labels, std::string_view name, std::string_view value) {
  MetricLabels own = labels;
  own.emplace_back(name, value);
  return own;
}

void append_times(MetricList& list, const MetricLabels& labels, const MessageTimesTotal& times) {
  list.histogram("orrery_message_latency_seconds",
                 "From the send of a message to its handler's return, of those that were timed.", labels, times.latency,
                 MetricScale::seconds());
  constexpr struct {
    std::string_view name;
    std::uint32_t part;
  } quantiles[] = {{"0.5", 500}, {"0.95", 950}, {"0.99", 990}, {"0.999", 999}};
  for (const auto& [name, part] : quantiles) {
    list.gauge("orrery_message_latency_quantile_seconds",
               "The same: what so many of all since the start did not exceed, to within 1.6 %.",
               and_label(labels, "quantile", name), static_cast<double>(times.latency.quantile(part, 1'000)) / 1e9);
  }
  std::map<std::string_view, CoarseCounts> waits;
  for (const auto& [kind, measured] : times.kinds) {
    list.histogram("orrery_handler_seconds", "In a handler, its waits included, of messages that were timed.",
                   and_label(and_label(labels, "type", kind.first), "message", kind.second), measured.handling,
                   MetricScale::seconds());
    CoarseCounts& sum = waits[kind.first];
    for (std::size_t i = 0; i < sum.buckets.size(); ++i) sum.buckets[i] += measured.wait.buckets[i];
    sum.sum += measured.wait.sum;
  }
  for (const auto& [type, wait] : waits) {
    list.histogram("orrery_mailbox_wait_seconds",
                   "From the send until the message was taken, of those that were timed.",
                   and_label(labels, "type", type), wait, MetricScale::seconds());
  }
}

}  // namespace

void RuntimeMetrics::append_types(MetricList& list, const MetricLabels& labels) const {
  for (const TypeMetrics& one : types) {
    const MetricLabels type = and_label(labels, "type", one.type);
    const auto actors = [&](std::string_view state, std::uint64_t count) {
      list.gauge("orrery_actors", "Actors that live; waiting: in a handler that waits; ready: all others.",
                 and_label(type, "state", state), static_cast<double>(count));
    };
    actors("ready", one.living - std::min(one.living, one.waiting));
    actors("waiting", one.waiting);
    list.counter("orrery_messages_processed_total", "Messages whose handler has ended in whatever way.", type,
                 one.handled + one.failed);
    list.counter("orrery_failures_total", "Messages whose handler failed or was unwound.", type, one.failed);
    const auto restarts_by = [&](std::string_view policy, std::uint64_t count) {
      list.counter("orrery_restarts_total", "Restarts; own: by the actor's Restart policy; supervisor: by that.",
                   and_label(type, "policy", policy), count);
    };
    restarts_by("own", one.own_restarts);
    restarts_by("supervisor", one.supervised_restarts);
  }
}

void RuntimeMetrics::append_to(MetricList& list, const MetricLabels& labels) const {
  list.counter("orrery_actors_spawned_total", "Actors that were ever spawned.", labels, spawned);
  list.counter("orrery_actors_stopped_total", "Actors that have ended for good.", labels, stopped);
  list.counter("orrery_messages_offered_total", "Messages sent to an actor, refused ones among them.", labels, offered);
  const auto with = [&](std::string_view name, std::string_view value) {
    MetricLabels own = labels;
    own.emplace_back(name, value);
    return own;
  };
  for (std::size_t i = 0; i < tell_errors; ++i) {
    list.counter("orrery_messages_refused_total", "Messages that their target did not accept, by the sender's error.",
                 with("error", to_string(static_cast<TellError>(i))), refused_with[i]);
  }
  list.counter("orrery_messages_handled_total", "Messages whose handler returned.", labels, handled);
  list.counter("orrery_messages_failed_total", "Messages whose handler failed or was unwound.", labels, failed);
  list.counter("orrery_messages_dead_lettered_total", "Messages that were accepted and not handled.", labels,
               dead_lettered);
  list.gauge("orrery_messages_queued", "Messages in mailboxes or being handled.", labels, static_cast<double>(queued));
  for (const auto& [message, reason, count] : letters) {
    MetricLabels own = with("message", message);
    own.emplace_back("reason", to_string(reason));
    list.counter("orrery_dead_letters_total", "Dead letters by message type and reason, late replies among them.",
                 std::move(own), count);
  }
  list.counter("orrery_dead_letters_dropped_total", "Dead letters that have no record any more.", labels,
               letters_dropped);
  list.gauge("orrery_dead_letters_kept", "Messages kept to be sent again.", labels, static_cast<double>(letters_kept));
  list.gauge("orrery_handlers_waiting", "Handlers that wait for a reply, a place in a mailbox, an instant or a thread.",
             labels, static_cast<double>(waiting_handlers));
  append_types(list, labels);
  if (message_times != nullptr) append_times(list, labels, *message_times);
  list.gauge("orrery_mailbox_depth_max", "Messages waiting in the fullest bounded mailbox.", labels,
             static_cast<double>(deepest_mailbox));
  list.counter("orrery_asks_total", "Asks that were begun.", labels, asks);
  for (std::size_t i = 0; i < ask_errors; ++i) {
    const auto error = static_cast<AskError>(i);
    if (error == AskError::not_handled || error == AskError::routing_failed) continue;  // said by brokers only
    list.counter("orrery_asks_failed_total", "Asks that got no reply, by the asker's error.",
                 with("error", to_string(error)), asks_failed[i]);
  }
  if (ask_times != nullptr) {
    list.histogram("orrery_ask_seconds", "How long asks took that got a reply.", labels, *ask_times,
                   MetricScale::seconds());
  }
}

}  // namespace orrery
