// broker.hpp: messages for whoever is registered, subscribed or routed to, instead of for one actor.
// Why:  who sends need not know who receives: by id or name, to all that handle a message, by topic, to one of a group.
// How:  an interface, MessageBroker, and the one that lives in this process, Broker. Ids are looked up in a table without
//       a lock; topics are an immutable snapshot that writers replace; every delivery is an ordinary send to a mailbox, so
//       that everything known of mailboxes, ledgers and worlds holds for it. A small actor of the broker's own watches
//       who is registered and subscribed, and forgets them when they end; until then they are told from the living by
//       the generation of their slot.
//
//         orrery::Broker broker{rt};
//         broker.register_actor<Deposit, Withdraw>(alice, "alice");
//         broker.subscribe<OrderPaid>("orders.*.paid", audit);
//         broker.publish("orders.17.paid", OrderPaid{17});
//
// Always true:  (B1) a message goes through ids only to who is registered and accepts it; by topic only to who is subscribed
//                    to that kind of message on that subject, once per subscriber however many of its patterns match
//               (B2) of one publisher's messages each subscriber gets those that it is sent in the order of publishing
//               (B3) no act of a broker waits for a mailbox: a full one refuses, and that is an outcome
//               (B4) after unsubscribe() has returned, nothing more is sent by that subscription; an actor that is subscribed
//                    in other ways all the while misses nothing by it
//               (B5) of a queue group somebody gets each message, as long as one of its members lives: who was chosen and
//                    has ended, or left, is replaced by the next
// A publish is as many sends, not one atomic act: a subscriber may have handled its copy before another is sent its own.
// A message whose type is at_least_once or exactly_once is that here too: each copy of it is assured for itself, under an
// id of its own. What the handler of an exactly_once message sends through a broker is held back like its tells, and
// counts here as delivered; to whom a publish goes is decided when it is made, but for those who unsubscribe meanwhile (B4).
// Source:       SPEC B1 to B10; NATS subjects; DESIGN section 5.
#pragma once
#include "orrery/broker/message_broker.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace orrery {

/// The broker of this process. A copy is the same broker; whoever uses it keeps one.
///
/// Pre: the runtime outlives every use of it.
class Broker final : public MessageBroker {
 public:
  /// `capacity`: a hint, how many actors will be registered.
  explicit Broker(Runtime& runtime, std::size_t capacity = 0);
  ~Broker() override;
  Broker(const Broker&) = default;
  Broker& operator=(const Broker&) = default;

  bool unsubscribe(const TopicSubscription& subscription) override;
  [[nodiscard]] std::vector<Leg> members(std::string_view subject, const MessageInfo& message) override;
  [[nodiscard]] std::vector<ActorId> subscribers(std::string_view subject) const override;
  [[nodiscard]] BrokerMetrics metrics() const override;
  [[nodiscard]] Runtime& runtime() const noexcept override;
  [[nodiscard]] std::shared_ptr<MessageBroker> share() const override { return std::make_shared<Broker>(*this); }

 protected:
  std::expected<void, BrokerError> add(const Registry::Entry& entry, std::uint32_t runtime_index, std::string_view name,
                                       const void* type) override;
  std::expected<void, BrokerError> remove(Handle actor) override;
  [[nodiscard]] const AcceptTable* route_of(Handle actor) const override;
  [[nodiscard]] std::vector<Registry::Entry> registered() const override;
  [[nodiscard]] std::optional<Handle> find_named(std::string_view name, const void* type) const override;
  [[nodiscard]] std::optional<Handle> holder_of(std::string_view name) const override;
  std::expected<TopicSubscription, SubjectError> add_subscription(std::string_view pattern, std::string_view group,
                                                                  Handle actor,
                                                                  const detail::LegOperations& operations) override;
  Published publish_legs(std::string_view subject, const MessageInfo& message, detail::PublishLegs& legs) override;
  [[nodiscard]] std::optional<Leg> pick_subscriber(std::string_view subject, const MessageInfo& message) override;
  std::expected<void, SendError> deliver(Handle to, Envelope* envelope) override;
  void count(BrokerCount what, std::uint64_t times = 1) noexcept override;
  void count_told(bool delivered) noexcept override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace orrery
