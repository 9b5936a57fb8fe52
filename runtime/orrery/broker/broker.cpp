#include "orrery/broker/broker.hpp"

#include "orrery/broker/detail/recent_answers.hpp"
#include "orrery/broker/routing.hpp"
#include "orrery/core/asymmetric_fence.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace orrery {

struct TopicSubscription::State : std::enable_shared_from_this<State> {
  Handle actor;
  std::string pattern;
  std::string group;
  const detail::LegOperations* operations = nullptr;
  const void* broker = nullptr;  ///< whose it is
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
    before_name(name, entry.actor);
    while (true) {
      switch (registry_.add(entry, name, type)) {
        case Registry::Added::added:
          tell_janitor(Attend{entry.actor});
          return {};
        case Registry::Added::already_registered:
          return std::unexpected(BrokerError{BrokerError::Kind::already_registered, "the actor"});
        case Registry::Added::ended:
          return std::unexpected(BrokerError{BrokerError::Kind::routing_failed, "the actor has ended"});
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
  bool remove(Handle actor) {
    before_name({}, actor);
    if (!registry_.remove(actor)) return false;
    tell_janitor(Release{actor});
    return true;
  }
  /// In a simulation others may come first: whoever looks and then acts must see that.
  void before_name(std::string_view name, Handle actor = {}) const {
    if (runtime_.observer() == nullptr) return;
    runtime_.observer()->before_name(name.empty() ? fmt::format("broker:{}.{}", actor.slot, actor.generation)
                                                  : fmt::format("broker:{}", name));
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
    state->broker = this;
    before_name(pattern_text);
    if (runtime_.living_cell(actor) == nullptr) {
      state->active.store(false, std::memory_order_relaxed);
      return TopicSubscription{std::move(state)};
    }
    {
      const std::lock_guard guard{writers_mutex_};
      auto& own = by_actor_[key_of(actor)];
      const auto same = std::ranges::find_if(own, [&](const auto& other) {
        return other->pattern == pattern_text && other->group == group && other->operations == &operations;
      });
      if (same != own.end()) return TopicSubscription{*same};
      replace_routes(routes_.with(*Pattern::parse(state->pattern), describe(state)));
      own.push_back(state);
    }
    tell_janitor(Attend{actor});
    return TopicSubscription{std::move(state)};
  }

  bool unsubscribe(const std::shared_ptr<TopicSubscription::State>& state) {
    if (state == nullptr || state->broker != this) return false;
    before_name(state->pattern);
    bool was_active = false;
    {
      const std::lock_guard guard{writers_mutex_};
      was_active = forget(state);
      if (const auto at = by_actor_.find(key_of(state->actor)); was_active && at != by_actor_.end()) {
        std::erase(at->second, state);
        if (at->second.empty()) by_actor_.erase(at);
      }
    }
    if (was_active) tell_janitor(Release{state->actor});
    await_publishes();  // also for who comes second, while the first still waits
    return was_active;
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
    Tally tally{*this};
    Execution* const execution = current_execution();
    const bool is_worker = execution != nullptr && execution->runtime == &runtime_;
    if (is_worker && runtime_.observer() == nullptr && shards_[execution->index].depth == 0 && !runtime_.holds_back()) {
      publish_from(tally.published, *execution, shards_[execution->index], subject_text, message, legs);
    } else if (const auto subject = Subject::parse(subject_text)) {
      publish_slowly(tally.published, *subject, message, legs);
    } else {
      tally.published.fault = subject.error();
    }
    return tally.published;
  }

  std::vector<Leg> members(std::string_view subject_text, const MessageInfo& message) {
    std::vector<Leg> living;
    const auto subject = Subject::parse(subject_text);
    if (!subject) return living;
    const Routes routes = current_routes();
    MatchBuffer buffer;
    for (const auto piece : routes.listeners(*subject, &message, buffer)) {
      for (const Subscriber& one : piece) {
        if (runtime_.living_cell(handle_of(one)) != nullptr) living.push_back({handle_of(one), &operations_of(one)});
      }
    }
    return living;
  }
  std::optional<Leg> pick(std::string_view subject, const MessageInfo& message) {
    const std::vector<Leg> living = members(subject, message);
    if (living.empty()) return std::nullopt;
    // Topics take turns of their own: with one counter, who sends to two in turn would always meet the same subscribers.
    std::atomic<std::uint64_t>& turn = turns_[hash_text(subject) % turns_.size()];
    return living[pick_round_robin(living.size(), turn.fetch_add(1, std::memory_order_relaxed))];
  }

  /// An actor has ended.
  void ended(Handle actor) {
    (void)registry_.remove(actor);
    const std::lock_guard guard{writers_mutex_};
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
  void count_told(bool delivered) noexcept {
    const BrokerCount outcome = delivered ? BrokerCount::delivered : BrokerCount::failed;
    const Execution* const execution = current_execution();
    if (execution == nullptr || execution->runtime != &runtime_) {
      count(BrokerCount::sent, 1);
      return count(outcome, 1);
    }
    Shard& shard = shards_[execution->index];
    shard.counts[static_cast<std::size_t>(BrokerCount::sent)].add(1);
    shard.counts[static_cast<std::size_t>(outcome)].add(1);
  }
  BrokerMetrics metrics() {
    BrokerMetrics result;
    result.registered = registry_.size();
    for (std::size_t i = 0; i < broker_counts; ++i) {
      result.counts[i] = foreign_counts_[i].load(std::memory_order_relaxed);
      for (const Shard& shard : shards_) result.counts[i] += shard.counts[i].get();
    }
    result.subscriptions = current_routes().subscription_count();
    return result;
  }
  Runtime& runtime() noexcept { return runtime_; }

 private:
  struct Attend {
    Handle who;
  };
  struct Release {
    Handle who;
  };
  /// At once, also from a handler whose tells are held back: what has been registered stays so if it fails.
  template <class M>
  void tell_janitor(M message) {
    constexpr const Operations& operations = detail::operations<Janitor, M>;
    (void)runtime_.send(janitor_.handle(),
                        detail::make_message(runtime_, operations, M{message}, std::source_location::current()));
  }
  /// Learns who has ended. Watches each actor once, as long as there is a reason.
  struct Janitor {
    std::weak_ptr<Impl> broker;
    std::unordered_map<std::uint64_t, std::uint32_t> reasons{};  ///< by actor; looked up only

    void handle(Attend m, Context& context) {
      if (++reasons[key_of(m.who)] == 1) context.watch(*this, Somebody{m.who, context.runtime().index()});
    }
    void handle(Release m, Context& context) {
      const auto at = reasons.find(key_of(m.who));
      if (at == reasons.end() || --at->second != 0) return;  // none: it has ended
      reasons.erase(at);
      context.unwatch(Somebody{m.who, context.runtime().index()});
    }
    void handle(Down m) {
      reasons.erase(key_of(m.who.handle()));
      if (const auto owner = broker.lock()) owner->ended(m.who.handle());
    }
    friend std::string orrery_describe(const Janitor&) { return "Janitor"; }
  };

  /// One publish, as it is counted, also when a message's copy constructor throws in the middle.
  struct Tally {
    Impl& broker;
    Published published{};

    explicit Tally(Impl& owner) noexcept : broker{owner} { broker.count(BrokerCount::published, 1); }
    Tally(const Tally&) = delete;
    Tally& operator=(const Tally&) = delete;
    ~Tally() {
      if (published.delivered > 0) broker.count(BrokerCount::copies, published.delivered);
      if (published.refused > 0) broker.count(BrokerCount::refused, published.refused);
      if (published.delivered + published.refused == 0) broker.count(BrokerCount::to_nobody, 1);
    }
  };

  /// What one worker publishes with. Only it writes here.
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> epoch{0};  ///< odd while it publishes
    std::uint32_t depth = 0;
    std::uint64_t version = ~std::uint64_t{0};
    std::uint64_t draws = 0;
    Routes routes;
    MatchBuffer buffer;
    detail::RecentAnswers recent;
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
  /// Pre: the writers' mutex is held.
  bool forget(const std::shared_ptr<TopicSubscription::State>& state) {
    if (!state->active.exchange(false, std::memory_order_seq_cst)) return false;
    replace_routes(routes_.without(*Pattern::parse(state->pattern), describe(state)));
    return true;
  }
  /// Pre: the writers' mutex is held: tables are made, and old ones destroyed, while publishers read on.
  void replace_routes(Routes next) {
    const std::lock_guard guard{topics_mutex_};
    std::swap(routes_, next);
    version_.store(routes_.version(), std::memory_order_release);
  }
  Routes current_routes() {
    const std::lock_guard guard{topics_mutex_};
    return routes_;
  }

  // ---- publishing ----

  /// The usual way: nothing here can be interrupted by another publish of the same worker.
  void publish_from(Published& published, Execution& execution, Shard& shard, std::string_view subject,
                    const MessageInfo& message, detail::PublishLegs& legs) {
    const Publishing publishing{shard};
    if (shard.version != version_.load(std::memory_order_acquire)) {
      Routes current = current_routes();
      shard.version = current.version();
      std::swap(shard.routes, current);
    }
    const auto send = [&](const Subscriber& one) {
      Envelope* const envelope = legs.make(runtime_, &execution, operations_of(one));
      return runtime_.send_from(execution, handle_of(one), envelope, nullptr, false);
    };
    for (const auto piece : match(published, shard, subject, message)) {
      for (const Subscriber& one : piece) hand_over(published, one, shard.routes, subject, message, send);
    }
  }
  static Matched match(Published& published, Shard& shard, std::string_view subject_text, const MessageInfo& message) {
    if (const auto known = shard.recent.find(shard.version, &message, subject_text)) return *known;
    const auto subject = Subject::parse(subject_text);
    if (!subject) {
      published.fault = subject.error();
      return {};
    }
    const Matched matched = shard.routes.match(*subject, &message, mix64(shard.draws++), shard.buffer);
    if (shard.buffer.is_of_table()) shard.recent.keep(shard.version, &message, subject_text, matched);
    return matched;
  }
  /// From outside, in a simulation, or in the middle of another publish: with a copy of the list.
  void publish_slowly(Published& published, const Subject& subject, const MessageInfo& message,
                      detail::PublishLegs& legs) {
    const Outside outside{*this};
    const Routes routes = current_routes();
    MatchBuffer buffer;
    std::vector<Subscriber> all;
    for (const auto piece : match_by_draw(routes, subject, message, buffer)) {
      all.insert(all.end(), piece.begin(), piece.end());
    }
    const auto send = [&](const Subscriber& one) -> std::expected<void, TellError> {
      if (runtime_.holds_back()) return hold_back(one, legs);
      Envelope* const envelope = legs.make(runtime_, nullptr, operations_of(one));
      return runtime_.send_while(handle_of(one), envelope, state_of(one).active);
    };
    for (const Subscriber& one : all) hand_over(published, one, routes, subject.text(), message, send);
  }
  /// Of a handler whose sends leave when it has returned: then it goes to who is subscribed now and still is then.
  std::expected<void, TellError> hold_back(const Subscriber& one, detail::PublishLegs& legs) {
    if (runtime_.living_cell(handle_of(one)) == nullptr) return std::unexpected(TellError::actor_stopped);
    const auto state = state_of(one).shared_from_this();
    runtime_.hold_back(handle_of(one), legs.make(runtime_, nullptr, operations_of(one)), {state, &state->active});
    return {};
  }
  /// In a simulation which members of groups are chosen is the world's decision, where there is anything to decide.
  Matched match_by_draw(const Routes& routes, const Subject& subject, const MessageInfo& message, MatchBuffer& buffer) {
    const std::uint64_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
    const Matched matched = routes.match(subject, &message, mix64(turn), buffer);
    if (runtime_.observer() == nullptr || buffer.draws_that_matter() == 1) return matched;
    const std::uint64_t drawn = runtime_.world().draw(hash_text("broker group"), draws_++, buffer.draws_that_matter());
    return routes.match(subject, &message, drawn, buffer);
  }

  template <class Send>
  void hand_over(Published& published, const Subscriber& one, const Routes& routes, std::string_view subject,
                 const MessageInfo& message, const Send& send) {
    if (state_of(one).active.load(std::memory_order_acquire)) [[likely]] {
      if (note(published, send(one))) return;
    }
    hand_over_instead(published, one, routes, subject, message, send);
  }
  /// It has ended, or ended its subscription, since the table was made: if it was chosen for a group the message is the
  /// next member's, and an actor that is subscribed in another way too still gets it by that.
  template <class Send>
  [[gnu::cold, gnu::noinline]] void hand_over_instead(Published& published, const Subscriber& gone,
                                                      const Routes& routes, std::string_view subject_text,
                                                      const MessageInfo& message, const Send& send) {
    if (state_of(gone).group.empty()) {
      while (const auto other = other_subscription(gone, subject_text)) {
        if (note(published, send(describe(other).subscriber))) return;
        if (other->active.load(std::memory_order_acquire)) return;  // then it is the actor that has ended
      }
      return;
    }
    const auto subject = Subject::parse(subject_text);
    MatchBuffer buffer;
    std::vector<Subscriber> members;
    for (const auto piece : routes.members(*subject, &message, state_of(gone).group, buffer)) {
      members.insert(members.end(), piece.begin(), piece.end());
    }
    const auto at = std::ranges::find(members, gone.id, &Subscriber::id);
    std::rotate(members.begin(), at, members.end());  // begin with who comes after it
    for (const Subscriber& next : members) {
      if (next.id == gone.id || !state_of(next).active.load(std::memory_order_acquire)) continue;
      if (note(published, send(next))) return;
    }
  }
  /// Returns: the same actor as it is subscribed now to the same messages, without a group, by another pattern.
  std::shared_ptr<TopicSubscription::State> other_subscription(const Subscriber& gone, std::string_view subject) {
    const std::lock_guard guard{writers_mutex_};
    const auto at = by_actor_.find(gone.id);
    if (at == by_actor_.end()) return nullptr;
    for (const auto& state : at->second) {
      const bool is_meant = state->group.empty() && state->operations->message == operations_of(gone).message &&
                            state->active.load(std::memory_order_acquire) && matches(state->pattern, subject);
      if (is_meant) return state;
    }
    return nullptr;
  }
  /// Returns: whether that settles it: else who it was for has ended, or has left.
  static bool note(Published& published, const std::expected<void, TellError>& sent) noexcept {
    if (sent) {
      ++published.delivered;
    } else if (sent.error() == TellError::mailbox_full) {
      ++published.refused;
    } else {
      return false;
    }
    return true;
  }

  /// A publish by no worker's own way: one at a time.
  class Outside {
   public:
    explicit Outside(Impl& owner) : owner_{owner} {
      if (owner.runtime_.observer() != nullptr) return;  // one thread
      owner.foreign_mutex_.lock();
      if (owner.foreign_depth_++ == 0) owner.foreign_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;
    ~Outside() {
      if (owner_.runtime_.observer() != nullptr) return;
      if (--owner_.foreign_depth_ == 0) owner_.foreign_.store(std::thread::id{}, std::memory_order_relaxed);
      owner_.foreign_mutex_.unlock();
    }

   private:
    Impl& owner_;
  };

  /// Returns when no publish that began before is under way. A publish that unsubscribes waits for none: another might wait
  /// for it in the same way.
  void await_publishes() {
    if (runtime_.observer() != nullptr) return;  // one thread; each send looks at `active` when its turn has come
    const Execution* const execution = current_execution();
    if (execution != nullptr && execution->runtime == &runtime_ && shards_[execution->index].depth != 0) return;
    if (foreign_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
    heavy_fence();
    for (Shard& shard : shards_) {
      const std::uint64_t seen = shard.epoch.load(std::memory_order_acquire);
      if (seen % 2 == 0) continue;
      for (int round = 0; shard.epoch.load(std::memory_order_acquire) == seen; ++round) {
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

  std::mutex writers_mutex_;  // taken before the next one; what writers know, and the making of tables
  std::unordered_map<std::uint64_t, std::vector<std::shared_ptr<TopicSubscription::State>>> by_actor_;
  std::mutex topics_mutex_;  // held for a copy of two words
  Routes routes_;            // read under either, written under both
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::uint64_t> turn_{0};
  std::array<std::atomic<std::uint64_t>, 256> turns_{};  // of topics, by their hash
  std::uint64_t draws_ = 0;                              // in a simulation

  std::vector<Shard> shards_;
  std::recursive_mutex foreign_mutex_;  // held by a thread that publishes from outside
  std::atomic<std::thread::id> foreign_{};
  std::uint32_t foreign_depth_ = 0;
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
  if (impl_->remove(actor)) return {};
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
  impl_->before_name(name);
  const auto handle = impl_->registry().find(name, type);
  return handle && impl_->runtime().living_cell(*handle) != nullptr ? handle : std::nullopt;
}
std::optional<Handle> Broker::holder_of(std::string_view name) const {
  impl_->before_name(name);
  const auto handle = impl_->registry().holder_of(name);
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
  Runtime& runtime = impl_->runtime();
  Execution* const here = current_execution();
  const bool is_plain = here != nullptr && here->runtime_index == runtime.index();  // and nothing is held back
  const auto sent =
      is_plain ? runtime.send_from(*here, to, envelope, nullptr, false) : runtime.tell(to, envelope, false);
  if (!sent) return std::unexpected(to_ask_error(sent.error()));
  return {};
}
void Broker::count(BrokerCount what, std::uint64_t times) noexcept { impl_->count(what, times); }
void Broker::count_told(bool delivered) noexcept { impl_->count_told(delivered); }

std::vector<ActorId> MessageBroker::actor_ids() const {
  std::vector<ActorId> ids;
  for (const Registry::Entry& entry : registered()) ids.push_back(id_of(entry.actor));
  return ids;
}

std::optional<ActorId> MessageBroker::find_id(std::string_view name) const {
  const auto holder = holder_of(name);
  return holder ? std::optional{id_of(*holder)} : std::nullopt;
}

std::string orrery_describe(const BrokerError& error) {
  const std::string_view kind = error.kind == BrokerError::Kind::already_registered ? "already_registered"
                                : error.kind == BrokerError::Kind::not_found        ? "not_found"
                                                                                    : "routing_failed";
  return error.reason.empty() ? std::string{kind} : fmt::format("{}: {}", kind, error.reason);
}

}  // namespace orrery
