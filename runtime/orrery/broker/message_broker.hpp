// message_broker.hpp: a broker as its users see it, wherever its messages go.
// Why:  whoever sends through a broker shall not change when messages begin to go elsewhere: to a log that outlives the process,
//       to another machine.
// How:  everything typed is in MessageBroker: it finds how a message is run by its receiver and makes the envelopes; an
//       implementation keeps who is there and hands envelopes over. Broker (broker.hpp) is the one of this process.
// Source:       SPEC B1 to B6, B10.
#pragma once
#include "orrery/actor/ask.hpp"
#include "orrery/actor/mailbox.hpp"
#include "orrery/actor/metrics.hpp"
#include "orrery/actor/ref.hpp"
#include "orrery/actor/spawn.hpp"
#include "orrery/broker/legs.hpp"
#include "orrery/broker/listener.hpp"
#include "orrery/broker/registry.hpp"
#include "orrery/broker/subject.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {

/// Why an actor is not registered, or no longer can be unregistered.
struct BrokerError {
  enum class Kind : std::uint8_t {
    already_registered,  ///< it, or another one by that name
    not_found,           ///< it is not registered
    routing_failed       ///< `reason` says why
  };
  Kind kind = Kind::not_found;
  std::string reason{};
  friend bool operator==(const BrokerError&, const BrokerError&) = default;
};
[[nodiscard]] std::string orrery_describe(const BrokerError& error);

/// The errors of an ask or a tell through a broker.
using SendError = AskError;

/// What became of a message at one of those it was broadcast to.
template <class M>
struct BroadcastResult {
  ActorId actor;
  AskResult<M> result;  ///< without a Reply: accepted, or the refusal
};

/// How often a message was sent, and refused, by one publish. Who had ended and was not forgotten yet is in neither.
struct Published {
  std::size_t delivered = 0;
  std::size_t refused = 0;              ///< by a full mailbox
  std::optional<SubjectError> fault{};  ///< what is wrong with the subject, which then has reached nobody
  friend bool operator==(const Published&, const Published&) = default;
};

/// A subscription under way: for ending it.
class TopicSubscription {
 public:
  struct State;
  TopicSubscription() = default;
  explicit TopicSubscription(std::shared_ptr<State> state) noexcept : state_{std::move(state)} {}
  [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
};

/// What is counted of a broker; the sum over all threads at about one moment.
enum class BrokerCount : std::uint8_t {
  sent,       ///< messages to one actor each: by id, by broadcast, by routing key, by a router
  delivered,  ///< of these, accepted (asks: answered, whatever the answer was)
  failed,     ///< of these, all others: nobody to send it to, refused, not answered
  published,  ///< publishes
  copies,     ///< copies that publishes delivered
  refused,    ///< copies that were refused
  to_nobody   ///< publishes that reached nobody
};
inline constexpr std::size_t broker_counts = 7;
struct BrokerMetrics {
  std::size_t registered = 0;
  std::size_t subscriptions = 0;
  std::array<std::uint64_t, broker_counts> counts{};
  [[nodiscard]] std::uint64_t of(BrokerCount what) const noexcept { return counts[static_cast<std::size_t>(what)]; }
  /// Puts them beside others, as those of the runtime. Two brokers need labels that tell them apart.
  void append_to(MetricList& list, const MetricLabels& labels = {}) const;
};

/// To one of the subscribers of a topic.
struct RoutingKey {
  std::string topic;
  std::optional<Priority> priority{};  ///< unset: the message's own
};

/// A broker as its users see it. Implementations say where messages go; everything typed is here.
class MessageBroker {
 public:
  virtual ~MessageBroker() = default;

  // ---- registering (B1) ---------------------------------------------------------------------------------------

  /// Registers an actor for the messages M..., or without any for those of its `Accepts`. `name` may be empty.
  ///
  /// Errors:  already_registered (the actor, or the name); routing_failed (the actor is of another runtime, or has ended).
  /// Threads: any.    Blocks: on a mutex, briefly.
  template <class... M, class A>
    requires(sizeof...(M) > 0)
  std::expected<void, BrokerError> register_actor(const Ref<A>& actor, std::string_view name = {}) {
    return add({actor.handle(), &detail::accept_table<A, M...>}, actor.runtime_index(), name, &detail::actor_type<A>);
  }
  template <class A>
    requires requires { typename A::Accepts; }
  std::expected<void, BrokerError> register_actor(const Ref<A>& actor, std::string_view name = {}) {
    return add({actor.handle(), detail::TableOf<A, typename A::Accepts>::value}, actor.runtime_index(), name,
               &detail::actor_type<A>);
  }
  template <class... M, class A>
  std::expected<void, BrokerError> register_actor(const Spawned<A>& actor, std::string_view name = {}) {
    return register_actor<M...>(actor.value(), name);
  }
  /// The same for a mailbox that is no actor's, with all that it takes (SPEC Q6).
  template <class... M>
  std::expected<void, BrokerError> register_actor(const Mailbox<M...>& mailbox, std::string_view name = {}) {
    return register_actor<M...>(mailbox.actor(), name);
  }
  /// Takes an actor out: sends to it through the broker give actor_not_found. Mail that it has accepted stays.
  /// Errors:  not_found, also the second time.
  template <NamesAnActor To>
  std::expected<void, BrokerError> unregister(const To& actor) {
    return remove(handle_here(actor));
  }
  std::expected<void, BrokerError> unregister(const ActorId& id) { return remove(handle_here(id)); }
  /// The same by the name under which it was registered.
  std::expected<void, BrokerError> unregister(std::string_view name) {
    return remove(holder_of(name).value_or(Handle{}));
  }

  template <NamesAnActor To>
  [[nodiscard]] bool is_registered(const To& actor) const {
    return route_of(handle_here(actor)) != nullptr;
  }
  [[nodiscard]] bool is_registered(const ActorId& id) const { return route_of(handle_here(id)) != nullptr; }
  /// Returns: how many; who has just ended may still count.    Cost: O(1).
  [[nodiscard]] std::size_t registered_count() const { return metrics().registered; }
  /// Returns: the living ones, in the order of registration.    Cost: O(result).
  [[nodiscard]] std::vector<ActorId> actor_ids() const;
  /// Returns: the actor registered under that name, if it is an A.
  template <class A>
  [[nodiscard]] std::optional<Ref<A>> find(std::string_view name) const {
    const auto handle = find_named(name, &detail::actor_type<A>);
    if (!handle) return std::nullopt;
    return Ref<A>{runtime().index(), *handle};
  }

  /// Returns: whoever is registered under that name, of whatever type.
  [[nodiscard]] std::optional<ActorId> find_id(std::string_view name) const;

  // ---- sending (B2, B6) -----------------------------------------------------------------------------------------

  /// Sends to a registered actor and waits for its reply.
  ///
  /// Errors:  as an ask, and not_handled (it was registered without this message).
  /// Blocks:  as an ask.    Cost: an ask and a lookup.
  template <class M>
  [[nodiscard]] AskResult<M> send(const ActorId& to, M message, Duration timeout = detail::default_timeout,
                                  SendOptions options = {},
                                  std::source_location where = std::source_location::current()) {
    return ask_registered(handle_here(to), std::move(message), options, timeout, where);
  }
  template <class M, NamesAnActor To>
    requires(To::template refusal_of<M>() == Refusal::none)
  [[nodiscard]] AskResult<M> send(const To& to, M message, Duration timeout = detail::default_timeout,
                                  SendOptions options = {},
                                  std::source_location where = std::source_location::current()) {
    return ask_registered(handle_here(to), std::move(message), options, timeout, where);
  }
  /// Sends without waiting for a reply, in the order of this sender's messages to that actor.
  ///
  /// Errors:  mailbox_full, actor_stopped, actor_not_found (not registered), not_handled.    Blocks: nothing (B3).
  template <class M>
  std::expected<void, SendError> try_send(const ActorId& to, M message, SendOptions options = {},
                                          std::source_location where = std::source_location::current()) {
    return tell_registered(handle_here(to), std::move(message), options, where);
  }
  template <class M, NamesAnActor To>
    requires(To::template refusal_of<M>() == Refusal::none)
  std::expected<void, SendError> try_send(const To& to, M message, SendOptions options = {},
                                          std::source_location where = std::source_location::current()) {
    return tell_registered(handle_here(to), std::move(message), options, where);
  }

  // ---- broadcasting (B3) ----------------------------------------------------------------------------------------

  /// Sends a copy to every registered actor that was registered for M, and waits for all of them, at most `timeout`.
  ///
  /// Returns: one result per actor, in the order of registration. One that fails does not affect the others.
  /// Blocks:  as an ask, if M has a Reply; else nothing.
  template <class M>
    requires detail::is_copied_to_many<M>
  std::vector<BroadcastResult<M>> broadcast(const M& message, Duration timeout = detail::default_timeout,
                                            std::source_location where = std::source_location::current()) {
    return broadcast_filter([](const ActorId&) { return true; }, message, timeout, where);
  }
  /// The same for those whose id `wanted` approves of.
  template <class M, std::predicate<const ActorId&> Wanted>
    requires detail::is_copied_to_many<M>
  std::vector<BroadcastResult<M>> broadcast_filter(Wanted wanted, const M& message,
                                                   Duration timeout = detail::default_timeout,
                                                   std::source_location where = std::source_location::current());

  // ---- topics (B4, B5) ------------------------------------------------------------------------------------------

  /// Subscribes an actor to messages of kind M on the subjects that `pattern` matches (`orders.*`, `orders.>`).
  ///
  /// With a `group`, the members of that group get each message among them once. The same subscription again is the same: it
  /// ends once. Who has ended, or ends, is subscribed no more.
  /// Errors:  a pattern that is none, with the position and the reason; an actor of another runtime.
  /// Threads: any.    Blocks: on a mutex.    Cost: O(tokens), whoever else is subscribed.
  template <class M, class A>
    requires(refusal<A, M>() == Refusal::none && detail::is_copied_to_many<M>)
  std::expected<TopicSubscription, SubjectError> subscribe(std::string_view pattern, const Ref<A>& actor,
                                                           std::string_view group = {}) {
    if (actor.runtime_index() != runtime().index()) {
      return std::unexpected(SubjectError{0, SubjectError::Reason::other_runtime});
    }
    return add_subscription(pattern, group, actor.handle(), detail::leg_operations<A, M>);
  }
  template <class M, class A>
    requires(refusal<A, M>() == Refusal::none && detail::is_copied_to_many<M>)
  std::expected<TopicSubscription, SubjectError> subscribe(std::string_view pattern, const Spawned<A>& actor,
                                                           std::string_view group = {}) {
    return subscribe<M>(pattern, actor.value(), group);
  }
  template <class M, class... Listed>
    requires((std::same_as<M, Listed> || ...) && detail::is_copied_to_many<M>)
  std::expected<TopicSubscription, SubjectError> subscribe(std::string_view pattern, const Mailbox<Listed...>& mailbox,
                                                           std::string_view group = {}) {
    return subscribe<M>(pattern, mailbox.actor(), group);
  }
  /// Ends a subscription (B4). Returns: false when it had ended, or is another broker's.
  /// Blocks: until publishes under way are through; not when it is called out of a publish (by a message's copy constructor).
  virtual bool unsubscribe(const TopicSubscription& subscription) = 0;
  /// Returns: the living subscribers that a message of any kind on `subject` would reach, in the order of subscription.
  [[nodiscard]] virtual std::vector<ActorId> subscribers(std::string_view subject) const = 0;

  /// Sends a copy to every subscriber of M on `subject`.
  ///
  /// Returns: how many got one, or what is wrong with the subject.    Blocks: nothing (B3).    Cost: O(tokens + result).
  template <class M>
    requires detail::is_copied_to_many<M>
  Published publish(std::string_view subject, const M& message,
                    std::source_location where = std::source_location::current()) {
    tell_listener(BrokerAct::Kind::published, {}, subject, message);
    detail::CopiedLegs<M> legs{message, where};
    return publish_legs(subject, detail::message_info<M>, legs);
  }
  /// publish() for each of `messages`, in order.
  template <class M, class Range>
    requires detail::is_copied_to_many<M>
  Published publish_batch(std::string_view subject, const Range& messages,
                          std::source_location where = std::source_location::current()) {
    Published total;
    for (const M& message : messages) {
      const Published one = publish(subject, message, where);
      total.delivered += one.delivered;
      total.refused += one.refused;
      if (one.fault) total.fault = one.fault;
    }
    return total;
  }
  /// Sends to one subscriber of the topic, in turn, and waits for its reply. Errors: routing_failed when there is none.
  template <class M>
  [[nodiscard]] AskResult<M> send(const RoutingKey& key, M message, Duration timeout = detail::default_timeout,
                                  std::source_location where = std::source_location::current()) {
    tell_listener(BrokerAct::Kind::routed, {}, key.topic, message);
    const auto leg = pick_subscriber(key.topic, detail::message_info<M>);
    if (!leg) return ask_nobody<M>(SendError::routing_failed);
    return ask_and_count(leg->actor, *leg->operations->copied, std::move(message), {.priority = key.priority}, timeout,
                         where);
  }

  // ---- for routers ----------------------------------------------------------------------------------------------

  struct Leg {
    Handle actor;
    const detail::LegOperations* operations;
  };
  /// One ask of one actor, as it is counted: as sent now, and when this ends as delivered or failed.
  class Ticket {
   public:
    explicit Ticket(MessageBroker& broker) noexcept : broker_{&broker} { broker.count(BrokerCount::sent); }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket(Ticket&& other) noexcept : broker_{std::exchange(other.broker_, nullptr)}, delivered_{other.delivered_} {}
    ~Ticket() {
      if (broker_ != nullptr) broker_->count(delivered_ ? BrokerCount::delivered : BrokerCount::failed);
    }
    template <class M>
    AskResult<M> settle(AskResult<M> result) noexcept {
      delivered_ = result.has_value();
      if constexpr (detail::IsExpected<reply_of<M>>::value) {
        delivered_ = delivered_ || result.error().refused() != nullptr;  // an answer too
      }
      return result;
    }

   private:
    MessageBroker* broker_;
    bool delivered_ = false;
  };

  /// Returns: the living subscribers of that kind of message on that subject, members of groups too, each once, in the
  ///          order of subscription.
  [[nodiscard]] virtual std::vector<Leg> members(std::string_view subject, const MessageInfo& message) = 0;
  template <class M>
  std::expected<void, SendError> send_to(const Leg& leg, std::string_view topic, M message,
                                         std::source_location where) {
    tell_listener(BrokerAct::Kind::routed, leg.actor, topic, message);
    return tell_and_count(leg.actor, *leg.operations->copied, std::move(message), {}, where);
  }
  template <class M>
  [[nodiscard]] AskResult<M> ask_of(const Leg& leg, std::string_view topic, M message, Duration timeout,
                                    std::source_location where) {
    tell_listener(BrokerAct::Kind::routed, leg.actor, topic, message);
    return ask_and_count(leg.actor, *leg.operations->copied, std::move(message), {}, timeout, where);
  }
  /// What comes of a tell or an ask for which there is nobody. Counts it.
  std::expected<void, SendError> tell_nobody(SendError why) noexcept {
    count_told(false);
    return std::unexpected(why);
  }
  template <class M>
  [[nodiscard]] AskResult<M> ask_nobody(SendError why) {
    count_told(false);
    return std::unexpected(why);
  }
  /// Returns: a broker that is this one, for who keeps it.
  [[nodiscard]] virtual std::shared_ptr<MessageBroker> share() const = 0;
  /// Returns: 0, 1, 2, ... for those who must differ in what they draw.
  [[nodiscard]] std::uint64_t take_number() noexcept { return listeners_->take_number(); }

  [[nodiscard]] virtual BrokerMetrics metrics() const = 0;
  [[nodiscard]] virtual Runtime& runtime() const noexcept = 0;

  /// From now on `listener` hears every act; null: nobody does. For tests.    Threads: any.
  void set_listener(std::shared_ptr<BrokerListener> listener) { listeners_->set(std::move(listener)); }
  /// If `listener` is still the one who hears, nobody does from now on.
  void clear_listener(const BrokerListener* listener) { listeners_->clear(listener); }

 protected:
  // What an implementation supplies.
  virtual std::expected<void, BrokerError> add(const Registry::Entry& entry, std::uint32_t runtime_index,
                                               std::string_view name, const void* type) = 0;
  virtual std::expected<void, BrokerError> remove(Handle actor) = 0;
  [[nodiscard]] virtual const AcceptTable* route_of(Handle actor) const = 0;
  [[nodiscard]] virtual std::vector<Registry::Entry> registered() const = 0;
  [[nodiscard]] virtual std::optional<Handle> find_named(std::string_view name, const void* type) const = 0;
  /// Returns: whoever has that name, of whatever type.
  [[nodiscard]] virtual std::optional<Handle> holder_of(std::string_view name) const = 0;
  virtual std::expected<TopicSubscription, SubjectError> add_subscription(std::string_view pattern,
                                                                          std::string_view group, Handle actor,
                                                                          const detail::LegOperations& operations) = 0;
  virtual Published publish_legs(std::string_view subject, const MessageInfo& message, detail::PublishLegs& legs) = 0;
  /// Returns: the subscriber whose turn it is.
  [[nodiscard]] virtual std::optional<Leg> pick_subscriber(std::string_view subject, const MessageInfo& message) = 0;
  /// Hands a message over, which is taken over in every case. Never waits (B3).
  virtual std::expected<void, SendError> deliver(Handle to, Envelope* envelope) = 0;
  virtual void count(BrokerCount what, std::uint64_t times = 1) noexcept = 0;
  /// Counts a tell that was made, as sent and as delivered or failed.
  virtual void count_told(bool delivered) noexcept {
    count(BrokerCount::sent);
    count(delivered ? BrokerCount::delivered : BrokerCount::failed);
  }

 private:
  template <class M>
  void tell_listener(BrokerAct::Kind kind, Handle to, std::string_view topic, const M& message) {
    std::shared_ptr<const void> (*copy)(const void*) = nullptr;
    if constexpr (std::copy_constructible<M>) copy = &detail::copy_payload<M>;
    listeners_->tell({kind, to, topic, &detail::message_info<M>, &message, copy});
  }
  /// Returns: its handle, unset when it is not of the broker's runtime.
  template <NamesAnActor To>
  [[nodiscard]] Handle handle_here(const To& to) const noexcept {
    return to.runtime_index() == runtime().index() ? to.handle() : Handle{};
  }
  [[nodiscard]] static Handle handle_here(const ActorId& id) noexcept { return id.node == 0 ? id.handle() : Handle{}; }

  [[nodiscard]] std::expected<const Operations*, SendError> find_operations(Handle to, const MessageInfo& message) {
    const AcceptTable* const accepts = route_of(to);
    if (accepts == nullptr) return std::unexpected(SendError::actor_not_found);
    const Operations* const operations = accepts->find(message);
    if (operations == nullptr) return std::unexpected(SendError::not_handled);
    return operations;
  }
  /// Returns: a message that is ready to be sent.
  template <class M>
  [[nodiscard]] Envelope* make(const Operations& operations, M&& message, const SendOptions& options,
                               std::source_location where) {
    Runtime& here = runtime();
    if constexpr (delivery_of<M>() == Delivery::at_most_once) {
      const Execution* const execution = current_execution();
      if (execution != nullptr && execution->runtime_index == here.index() && !options.delivery && !options.id) {
        Envelope* const envelope = detail::make_message(*execution->pool, operations, std::forward<M>(message), where);
        if (options.priority) envelope->priority = *options.priority;
        return envelope;
      }
    }
    return detail::make_tell(here, operations, std::forward<M>(message), options, where);
  }
  template <class M>
  std::expected<void, SendError> tell_registered(Handle to, M&& message, const SendOptions& options,
                                                 std::source_location where) {
    tell_listener(BrokerAct::Kind::sent, to, {}, message);
    const auto operations = find_operations(to, detail::message_info<M>);
    if (!operations) return tell_nobody(operations.error());
    return tell_and_count(to, **operations, std::move(message), options, where);
  }
  template <class M>
  [[nodiscard]] AskResult<M> ask_registered(Handle to, M&& message, const SendOptions& options, Duration timeout,
                                            std::source_location where) {
    tell_listener(BrokerAct::Kind::sent, to, {}, message);
    const auto operations = find_operations(to, detail::message_info<M>);
    if (!operations) return ask_nobody<M>(operations.error());
    return ask_and_count(to, **operations, std::move(message), options, timeout, where);
  }
  // Every message to one actor takes one of these two ways, and is counted there, also if its copy constructor throws.
  template <class M>
  std::expected<void, SendError> tell_and_count(Handle to, const Operations& operations, M&& message,
                                                const SendOptions& options, std::source_location where) {
    struct Told {
      MessageBroker& broker;
      bool delivered = false;
      ~Told() { broker.count_told(delivered); }
    } told{*this};
    const auto sent = deliver(to, make(operations, std::forward<M>(message), options, where));
    told.delivered = sent.has_value();
    return sent;
  }
  template <class M>
  [[nodiscard]] AskResult<M> ask_and_count(Handle to, const Operations& operations, M&& message,
                                           const SendOptions& options, Duration timeout, std::source_location where) {
    Ticket ticket{*this};
    detail::AskCall call;
    detail::begin_ask_with(options, call, runtime().index(), to, &operations, std::forward<M>(message), timeout, where);
    call.wait();
    return ticket.settle<M>(detail::take_result<M>(call));
  }

  std::shared_ptr<detail::ListenerSlot> listeners_ = std::make_shared<detail::ListenerSlot>();
};

template <class M, std::predicate<const ActorId&> Wanted>
  requires detail::is_copied_to_many<M>
std::vector<BroadcastResult<M>> MessageBroker::broadcast_filter(Wanted wanted, const M& message, Duration timeout,
                                                                std::source_location where) {
  struct Asked {
    std::size_t place;  ///< of its result
    Ticket ticket;
    std::unique_ptr<detail::AskCall> call = std::make_unique<detail::AskCall>();
  };
  std::vector<BroadcastResult<M>> results;
  std::vector<Asked> asked;
  const Duration limit = timeout == detail::default_timeout ? runtime().runtime_options().ask_timeout : timeout;
  const Instant began = runtime().now();
  const auto left = [&] {  // one deadline for all, also for who is asked late because we were held up
    return limit == no_timeout ? limit : std::max(limit - (runtime().now() - began), Duration::zero());
  };
  for (const Registry::Entry& entry : registered()) {
    const Operations* const operations = entry.accepts->find(detail::message_info<M>);
    const ActorId id{0, entry.actor.slot, entry.actor.generation, 0};
    if (operations == nullptr || !wanted(id)) continue;
    tell_listener(BrokerAct::Kind::broadcast, entry.actor, {}, message);
    if constexpr (Askable<M>) {
      results.push_back({id, std::unexpected(SendError::timeout)});
      asked.push_back({results.size() - 1, Ticket{*this}});
      // A full mailbox is that actor's result: to wait for a place there would cost all later ones their time.
      detail::begin_ask_with({}, *asked.back().call, runtime().index(), entry.actor, operations, M(message), left(),
                             where, false);
    } else {
      const auto sent = tell_and_count(entry.actor, *operations, M(message), {}, where);
      results.push_back({id, {}});
      if (!sent) results.back().result = std::unexpected(sent.error());
    }
  }
  for (Asked& one : asked) {
    one.call->wait();
    results[one.place].result = one.ticket.template settle<M>(detail::take_result<M>(*one.call));
  }
  return results;
}

}  // namespace orrery
