#include "orrery/broker/broker.hpp"

#include "orrery/broker/routing.hpp"
#include "orrery/core/asymmetric_fence.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace orrery {

struct TopicSubscription::State : std::enable_shared_from_this<State> {
  Handle actor;
  std::string pattern;
  std::string group;
  const detail::LegOperations* operations = nullptr;
  std::atomic<bool> active{true};
};

namespace {

ActorId id_of(Handle handle) noexcept { return {0, handle.slot, handle.generation, 0}; }
Handle handle_of(const Subscriber& subscriber) noexcept {
  return {static_cast<std::uint32_t>(subscriber.id), static_cast<std::uint32_t>(subscriber.id >> 32)};
}
const detail::LegOperations& operations_of(const Subscriber& subscriber) noexcept {
  return *static_cast<const detail::LegOperations*>(subscriber.operations);
}
const TopicSubscription::State& state_of(const Subscriber& subscriber) noexcept {
  return *static_cast<const TopicSubscription::State*>(subscriber.state);
}

SendError to_send_error(TellError error) noexcept {
  switch (error) {
    case TellError::mailbox_full:
      return SendError::mailbox_full;
    case TellError::actor_stopped:
      return SendError::actor_stopped;
    case TellError::actor_not_found:
      break;
  }
  return SendError::actor_not_found;
}

/// An actor whose type is not known here.
struct Somebody {
  Handle who;
  std::uint32_t index;
  [[nodiscard]] Handle handle() const noexcept { return who; }
  [[nodiscard]] std::uint32_t runtime_index() const noexcept { return index; }
};

}  // namespace

class Broker::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Runtime& home, std::size_t capacity)
      : runtime_{home}, registry_{home.runtime_options().actors_max, capacity}, shards_(home.execution_count()) {}
  ~Impl() {
    if (Runtime* const home = Runtime::find_runtime(janitor_.runtime_index()); home != nullptr) home->stop(janitor_);
  }
  void open() { janitor_ = runtime_.spawn(Janitor{weak_from_this()}); }

  // ---- registry ----

  std::expected<void, BrokerError> add(const Registry::Entry& entry, std::uint32_t runtime_index, std::string_view name,
                                       const void* type) {
    if (runtime_index != runtime_.index()) {
      return std::unexpected(BrokerError{BrokerError::Kind::routing_failed, "the actor is of another runtime"});
    }
    if (runtime_.living_cell(entry.actor) == nullptr) {
      return std::unexpected(BrokerError{BrokerError::Kind::routing_failed, "the actor has ended"});
    }
    while (true) {
      switch (registry_.add(entry, name, type)) {
        case Registry::Added::added:
          attend(entry.actor);
          return {};
        case Registry::Added::already_registered:
          return std::unexpected(BrokerError{BrokerError::Kind::already_registered, "the actor"});
        case Registry::Added::name_taken:
          break;
      }
      const auto holder = registry_.holder_of(name);
      if (holder && runtime_.living_cell(*holder) != nullptr) {
        return std::unexpected(BrokerError{BrokerError::Kind::already_registered, fmt::format("the name {}", name)});
      }
      if (holder) (void)registry_.remove(*holder);  // it has ended, and nobody has come round to it yet
    }
  }
  Registry& registry() noexcept { return registry_; }

  // ---- topics ----

  std::expected<TopicSubscription, SubjectError> subscribe(std::string_view pattern_text, std::string_view group,
                                                           Handle actor, const detail::LegOperations& operations) {
    if (const auto error = check_pattern(pattern_text)) return std::unexpected(*error);
    auto state = std::make_shared<TopicSubscription::State>();
    state->actor = actor;
    state->pattern = pattern_text;
    state->group = group;
    state->operations = &operations;
    if (runtime_.living_cell(actor) == nullptr) {
      state->active.store(false, std::memory_order_relaxed);
      return TopicSubscription{std::move(state)};
    }
    {
      const std::lock_guard guard{topics_mutex_};
      auto& own = by_actor_[key_of(actor)];
      const auto same = std::ranges::find_if(own, [&](const auto& other) {
        return other->pattern == pattern_text && other->group == group && other->operations == &operations;
      });
      if (same != own.end()) return TopicSubscription{*same};
      routes_ = routes_.with(*Pattern::parse(state->pattern), describe(state));
      own.push_back(state);
      ++subscriptions_;
      version_.store(routes_.version(), std::memory_order_release);
    }
    attend(actor);
    return TopicSubscription{std::move(state)};
  }

  bool unsubscribe(const std::shared_ptr<TopicSubscription::State>& state) {
    if (state == nullptr) return false;
    {
      const std::lock_guard guard{topics_mutex_};
      if (!forget(state)) return false;
      if (const auto at = by_actor_.find(key_of(state->actor)); at != by_actor_.end()) {
        std::erase(at->second, state);
        if (at->second.empty()) by_actor_.erase(at);
      }
    }
    await_publishes();
    return true;
  }

  std::vector<ActorId> subscribers(std::string_view subject_text) {
    std::vector<ActorId> result;
    const auto subject = Subject::parse(subject_text);
    if (!subject) return result;
    const Routes routes = current_routes();
    MatchBuffer buffer;
    for (const auto piece : routes.listeners(*subject, buffer)) {
      for (const Subscriber& one : piece) {
        if (runtime_.living_cell(handle_of(one)) != nullptr) result.push_back(id_of(handle_of(one)));
      }
    }
    return result;
  }

  Published publish(std::string_view subject_text, const MessageInfo& message, detail::PublishLegs& legs) {
    count(BrokerCount::published, 1);
    Published published;
    if (const auto subject = Subject::parse(subject_text)) {
      Execution* const execution = current_execution();
      const bool is_worker = execution != nullptr && execution->runtime == &runtime_;
      if (is_worker && runtime_.observer() == nullptr && shards_[execution->index].depth == 0 &&
          !runtime_.holds_back()) {
        published = publish_from(*execution, shards_[execution->index], *subject, message, legs);
      } else {
        published = publish_slowly(*subject, message, legs);
      }
    }
    if (published.delivered > 0) count(BrokerCount::copies, published.delivered);
    if (published.refused > 0) count(BrokerCount::refused, published.refused);
    if (published == Published{}) count(BrokerCount::to_nobody, 1);
    return published;
  }

  std::vector<Leg> members(std::string_view subject_text, const MessageInfo& message) {
    std::vector<Leg> living;
    const auto subject = Subject::parse(subject_text);
    if (!subject) return living;
    const Routes routes = current_routes();
    MatchBuffer buffer;
    for (const auto piece : routes.match(*subject, &message, mix64(turn_.load(std::memory_order_relaxed)), buffer)) {
      for (const Subscriber& one : piece) {
        if (runtime_.living_cell(handle_of(one)) != nullptr) living.push_back({handle_of(one), &operations_of(one)});
      }
    }
    return living;
  }
  std::optional<Leg> pick(std::string_view subject, const MessageInfo& message) {
    const std::vector<Leg> living = members(subject, message);
    if (living.empty()) return std::nullopt;
    return living[pick_round_robin(living.size(), turn_.fetch_add(1, std::memory_order_relaxed))];
  }

  /// An actor has ended.
  void ended(Handle actor) {
    (void)registry_.remove(actor);
    const std::lock_guard guard{topics_mutex_};
    const auto at = by_actor_.find(key_of(actor));
    if (at == by_actor_.end()) return;
    for (const auto& state : at->second) (void)forget(state);
    by_actor_.erase(at);
  }

  // ---- counts ----

  void count(BrokerCount what, std::uint64_t times) noexcept {
    const Execution* const execution = current_execution();
    if (execution != nullptr && execution->runtime == &runtime_) {
      shards_[execution->index].counts[static_cast<std::size_t>(what)].add(times);
    } else {
      foreign_counts_[static_cast<std::size_t>(what)].fetch_add(times, std::memory_order_relaxed);
    }
  }
  BrokerMetrics metrics() {
    BrokerMetrics result;
    result.registered = registry_.size();
    for (std::size_t i = 0; i < broker_counts; ++i) {
      result.counts[i] = foreign_counts_[i].load(std::memory_order_relaxed);
      for (const Shard& shard : shards_) result.counts[i] += shard.counts[i].get();
    }
    const std::lock_guard guard{topics_mutex_};
    result.subscriptions = subscriptions_;
    return result;
  }
  Runtime& runtime() noexcept { return runtime_; }

 private:
  struct Attend {
    Handle who;
  };
  /// At once, also from a handler whose tells are held back: what has been registered stays so if it fails.
  void attend(Handle actor) {
    constexpr const Operations& operations = detail::operations<Janitor, Attend>;
    const auto where = std::source_location::current();
    (void)runtime_.send(janitor_.handle(), detail::make_message(runtime_, operations, Attend{actor}, where));
  }
  /// Learns who has ended.
  struct Janitor {
    std::weak_ptr<Impl> broker;
    void handle(Attend m, Context& context) { context.watch(*this, Somebody{m.who, context.runtime().index()}); }
    void handle(Down m) {
      if (const auto owner = broker.lock()) owner->ended(m.who.handle());
    }
    friend std::string orrery_describe(const Janitor&) { return "Janitor"; }
  };

  /// What one worker publishes with. Only it writes here.
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> epoch{0};  ///< odd while it publishes
    std::uint32_t depth = 0;
    std::uint64_t version = ~std::uint64_t{0};
    std::uint64_t draws = 0;
    Routes routes;
    MatchBuffer buffer;
    std::array<SingleWriterCounter, broker_counts> counts;
  };
  /// Says that a worker publishes, for whoever must wait for that (B4).
  class Publishing {
   public:
    explicit Publishing(Shard& shard) noexcept : shard_{shard} {
      shard_.depth = 1;
      shard_.epoch.store(shard_.epoch.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      light_fence();  // pairs with the heavy one in await_publishes()
    }
    Publishing(const Publishing&) = delete;
    Publishing& operator=(const Publishing&) = delete;
    ~Publishing() {
      shard_.epoch.store(shard_.epoch.load(std::memory_order_relaxed) + 1, std::memory_order_release);
      shard_.depth = 0;
    }

   private:
    Shard& shard_;
  };

  static Subscription describe(const std::shared_ptr<TopicSubscription::State>& state) {
    return {.type = state->operations->message,
            .group = state->group,
            .subscriber = {key_of(state->actor), state->operations, state.get()},
            .owner = state};
  }
  /// Pre: the mutex is held.
  bool forget(const std::shared_ptr<TopicSubscription::State>& state) {
    if (!state->active.exchange(false, std::memory_order_seq_cst)) return false;
    routes_ = routes_.without(*Pattern::parse(state->pattern), describe(state));
    --subscriptions_;
    version_.store(routes_.version(), std::memory_order_release);
    return true;
  }
  Routes current_routes() {
    const std::lock_guard guard{topics_mutex_};
    return routes_;
  }

  /// The usual way: nothing here can be interrupted by another publish of the same worker.
  Published publish_from(Execution& execution, Shard& shard, const Subject& subject, const MessageInfo& message,
                         detail::PublishLegs& legs) {
    const Publishing publishing{shard};
    if (shard.version != version_.load(std::memory_order_acquire)) {
      const std::lock_guard guard{topics_mutex_};
      shard.routes = routes_;
      shard.version = routes_.version();
    }
    Published published;
    for (const auto piece : shard.routes.match(subject, &message, mix64(shard.draws++), shard.buffer)) {
      for (const Subscriber& one : piece) {
        if (!state_of(one).active.load(std::memory_order_acquire)) continue;
        Envelope* const envelope = legs.make(runtime_, &execution, operations_of(one));
        note(published, runtime_.send_from(execution, handle_of(one), envelope, nullptr, false));
      }
    }
    return published;
  }
  /// From outside, in a simulation, or in the middle of another publish: with a copy of the list.
  Published publish_slowly(const Subject& subject, const MessageInfo& message, detail::PublishLegs& legs) {
    const bool is_alone = runtime_.observer() != nullptr;
    std::unique_lock<std::recursive_mutex> foreign{foreign_mutex_, std::defer_lock};
    if (!is_alone) foreign.lock();
    const Routes routes = current_routes();
    MatchBuffer buffer;
    std::vector<Subscriber> all;
    const std::uint64_t draw = mix64(turn_.fetch_add(1, std::memory_order_relaxed));
    for (const auto piece : routes.match(subject, &message, draw, buffer))
      all.insert(all.end(), piece.begin(), piece.end());
    Published published;
    for (const Subscriber& one : all) {
      if (!state_of(one).active.load(std::memory_order_acquire)) continue;
      if (runtime_.holds_back()) {
        if (runtime_.living_cell(handle_of(one)) == nullptr) continue;
        const auto state = state_of(one).shared_from_this();
        Envelope* const held = legs.make(runtime_, nullptr, operations_of(one));
        runtime_.hold_back(handle_of(one), held, {state, &state->active});
        ++published.delivered;
        continue;
      }
      Envelope* const envelope = legs.make(runtime_, nullptr, operations_of(one));
      note(published, runtime_.send_while(handle_of(one), envelope, state_of(one).active));
    }
    return published;
  }
  static void note(Published& published, const std::expected<void, TellError>& sent) noexcept {
    if (sent) {
      ++published.delivered;
    } else if (sent.error() == TellError::mailbox_full) {
      ++published.refused;
    }  // else it has ended, and is no subscriber any more
  }

  /// Returns when no publish that began before is under way. Skips the caller's own.
  void await_publishes() {
    if (runtime_.observer() != nullptr) return;  // one thread; each send looks at `active` when its turn has come
    heavy_fence();
    const Execution* const execution = current_execution();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (execution != nullptr && execution->runtime == &runtime_ && execution->index == i) continue;
      const std::uint64_t seen = shards_[i].epoch.load(std::memory_order_acquire);
      if (seen % 2 == 0) continue;
      for (int round = 0; shards_[i].epoch.load(std::memory_order_acquire) == seen; ++round) {
        if (round < 1'000) {
          spin_pause();
        } else {
          yield_thread();
        }
      }
    }
    const std::lock_guard guard{foreign_mutex_};
  }

  Runtime& runtime_;
  Registry registry_;
  Ref<Janitor> janitor_;

  std::mutex topics_mutex_;
  Routes routes_;
  std::size_t subscriptions_ = 0;
  std::unordered_map<std::uint64_t, std::vector<std::shared_ptr<TopicSubscription::State>>> by_actor_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::uint64_t> turn_{0};

  std::vector<Shard> shards_;
  std::recursive_mutex foreign_mutex_;  // held by a foreign thread while it publishes
  std::array<std::atomic<std::uint64_t>, broker_counts> foreign_counts_{};
};

Broker::Broker(Runtime& runtime, std::size_t capacity) : impl_{std::make_shared<Impl>(runtime, capacity)} {
  impl_->open();
}
Broker::~Broker() = default;

bool Broker::unsubscribe(const TopicSubscription& subscription) { return impl_->unsubscribe(subscription.state()); }
std::vector<ActorId> Broker::subscribers(std::string_view subject) const { return impl_->subscribers(subject); }
BrokerMetrics Broker::metrics() const { return impl_->metrics(); }

void BrokerMetrics::append_to(MetricList& list, const MetricLabels& labels) const {
  list.gauge("orrery_broker_registered", "Actors that are registered.", labels, static_cast<double>(registered));
  list.gauge("orrery_broker_subscriptions", "Subscriptions to topics.", labels, static_cast<double>(subscriptions));
  const auto add = [&](BrokerCount what, std::string_view name, std::string_view help) {
    list.counter(name, help, labels, of(what));
  };
  add(BrokerCount::sent, "orrery_broker_sent_total", "Messages sent by id, by broadcast or by routing key.");
  add(BrokerCount::delivered, "orrery_broker_delivered_total", "Of those sent: accepted, or of asks: answered.");
  add(BrokerCount::failed, "orrery_broker_failed_total", "Messages refused, unanswered, or for nobody registered.");
  add(BrokerCount::published, "orrery_broker_published_total", "Messages published on topics.");
  add(BrokerCount::copies, "orrery_broker_copies_total", "Copies of published messages that were accepted.");
  add(BrokerCount::refused, "orrery_broker_copies_refused_total", "Copies of published messages that were refused.");
  add(BrokerCount::to_nobody, "orrery_broker_published_to_nobody_total", "Published messages that reached nobody.");
}
Runtime& Broker::runtime() const noexcept { return impl_->runtime(); }

std::expected<void, BrokerError> Broker::add(const Registry::Entry& entry, std::uint32_t runtime_index,
                                             std::string_view name, const void* type) {
  return impl_->add(entry, runtime_index, name, type);
}
std::expected<void, BrokerError> Broker::remove(Handle actor) {
  if (impl_->registry().remove(actor)) return {};
  return std::unexpected(BrokerError{BrokerError::Kind::not_found, {}});
}
const AcceptTable* Broker::route_of(Handle actor) const {
  const AcceptTable* const accepts = impl_->registry().find(actor);
  return accepts != nullptr && impl_->runtime().living_cell(actor) != nullptr ? accepts : nullptr;
}
std::vector<Registry::Entry> Broker::registered() const {
  std::vector<Registry::Entry> entries = impl_->registry().list();
  std::erase_if(entries, [&](const auto& entry) { return impl_->runtime().living_cell(entry.actor) == nullptr; });
  return entries;
}
std::optional<Handle> Broker::find_named(std::string_view name, const void* type) const {
  const auto handle = impl_->registry().find(name, type);
  return handle && impl_->runtime().living_cell(*handle) != nullptr ? handle : std::nullopt;
}
std::expected<TopicSubscription, SubjectError> Broker::add_subscription(std::string_view pattern,
                                                                        std::string_view group, Handle actor,
                                                                        const detail::LegOperations& operations) {
  return impl_->subscribe(pattern, group, actor, operations);
}
Published Broker::publish_legs(std::string_view subject, const MessageInfo& message, detail::PublishLegs& legs) {
  return impl_->publish(subject, message, legs);
}
std::optional<MessageBroker::Leg> Broker::pick_subscriber(std::string_view subject, const MessageInfo& message) {
  return impl_->pick(subject, message);
}
std::vector<MessageBroker::Leg> Broker::members(std::string_view subject, const MessageInfo& message) {
  return impl_->members(subject, message);
}
std::expected<void, SendError> Broker::deliver(Handle to, Envelope* envelope) {
  count(BrokerCount::sent);
  const auto sent = impl_->runtime().tell(to, envelope, false);
  count(sent ? BrokerCount::delivered : BrokerCount::failed);
  if (!sent) return std::unexpected(to_send_error(sent.error()));
  return {};
}
void Broker::count(BrokerCount what, std::uint64_t times) noexcept { impl_->count(what, times); }

std::vector<ActorId> MessageBroker::actor_ids() const {
  std::vector<ActorId> ids;
  for (const Registry::Entry& entry : registered()) ids.push_back(id_of(entry.actor));
  return ids;
}

std::string orrery_describe(const BrokerError& error) {
  const std::string_view kind = error.kind == BrokerError::Kind::already_registered ? "already_registered"
                                : error.kind == BrokerError::Kind::not_found        ? "not_found"
                                                                                    : "routing_failed";
  return error.reason.empty() ? std::string{kind} : fmt::format("{}: {}", kind, error.reason);
}

}  // namespace orrery
