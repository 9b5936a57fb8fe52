// router.hpp: one name for several actors, of which each message goes to one, or to all, by a rule.
// Why:  work is spread over workers without the sender knowing how many there are or which of them lives.
// How:  a group: the subscribers of a topic at the moment of each send, and a Picker. A pool is a group whose members are
//       children of a supervisor: they restart, and are replaced, as it says.
//
//         auto images = start_pool<Resize>(broker, "images", 4, [] { return Resizer{}; });   // a topic and a supervisor
//         Router<Resize> resize{broker, "images", Routing::round_robin};
//         auto small = resize.ask(Resize{"a.png"}, 5s);
//
// Known limits: consistent_hashing knows members by their ids, so a member that is replaced (not restarted) takes over other keys.
// Order:        only per sender, router and receiver: two messages of one sender may go to different actors.
// Source:       Akka's group and pool routers; SPEC B5; SEMANTICS b4.
#pragma once
#include "orrery/broker/broker.hpp"
#include "orrery/broker/routing.hpp"
#include "orrery/core/mix.hpp"
#include "orrery/supervision/supervisor.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace orrery {

/// Routes messages of one kind to the subscribers of one topic. A copy shares the turn of the original.
template <class M>
  requires detail::is_copied_to_many<M>
class Router {
 public:
  /// Pre: `topic` is a subject (checked).
  Router(MessageBroker& broker, std::string topic, Routing routing)
      : broker_{broker.share()}, state_{std::make_shared<State>(std::move(topic), routing, broker.take_number())} {
    const auto fault = check_subject(state_->topic);
    ORRERY_CHECK(!fault, "a router's topic is no subject: {}", fault ? to_string(*fault) : std::string{});
  }

  /// Sends to one member, or with Routing::broadcast a copy to each. `key` decides for consistent_hashing; smallest_mailbox
  /// knows the depth of bounded mailboxes, an unbounded one counts as empty.
  ///
  /// Returns: how many accepted it.
  /// Errors:  routing_failed when there is no member; what the member's mailbox says when it refuses.
  /// Threads: any.    Blocks: on a mutex, briefly.    Cost: O(members).
  std::expected<std::size_t, SendError> tell(M message, std::uint64_t key = 0,
                                             std::source_location where = std::source_location::current()) {
    const auto members = broker_->members(state_->topic, detail::message_info<M>);
    const Picked picked = pick(members, key);
    if (picked.count == 0) return std::unexpected(broker_->tell_nobody(SendError::routing_failed).error());
    if (picked.count == 1) {
      const auto sent = broker_->send_to(members[picked.first], state_->topic, std::move(message), where);
      if (!sent) return std::unexpected(sent.error());
      return 1;
    }
    std::size_t accepted = 0;
    for (const MessageBroker::Leg& member : members) {
      accepted += broker_->send_to(member, state_->topic, M(message), where) ? 1 : 0;
    }
    return accepted;
  }
  /// Asks one member. Pre: not Routing::broadcast.    Errors: as tell, and those of an ask.    Blocks: as an ask.
  [[nodiscard]] AskResult<M> ask(M message, Duration timeout = detail::default_timeout, std::uint64_t key = 0,
                                 std::source_location where = std::source_location::current()) {
    ORRERY_CHECK(state_->picker.routing() != Routing::broadcast, "a broadcast has no one answer: use broadcast()");
    const auto members = broker_->members(state_->topic, detail::message_info<M>);
    const Picked picked = pick(members, key);
    if (picked.count == 0) return broker_->ask_nobody<M>(SendError::routing_failed);
    return broker_->ask_of(members[picked.first], state_->topic, std::move(message), timeout, where);
  }

 private:
  struct State {
    State(std::string subject, Routing routing, std::uint64_t number)
        : topic{std::move(subject)}, stream{mix64(hash_text(topic) + number)}, picker{routing} {}
    const std::string topic;
    const std::uint64_t stream;  ///< no other router's, so that routers on one topic do not all choose alike
    std::mutex mutex;
    Picker picker;
    std::uint64_t draws = 0;
  };
  Picked pick(const std::vector<MessageBroker::Leg>& members, std::uint64_t key) {
    Runtime& runtime = broker_->runtime();
    if (state_->picker.routing() == Routing::smallest_mailbox && runtime.observer() != nullptr) {
      runtime.observer()->before_look();
    }
    const std::lock_guard guard{state_->mutex};
    PickBy by{.key = key};
    if (state_->picker.routing() == Routing::random || state_->picker.routing() == Routing::smallest_mailbox) {
      by.draw = runtime.world().draw(state_->stream, state_->draws++, 0);
    }
    return state_->picker.pick(
        members.size(), by, [&](std::size_t i) { return key_of(members[i].actor); },
        [&](std::size_t i) { return runtime.bounded_depth(members[i].actor); });
  }

  std::shared_ptr<MessageBroker> broker_;
  std::shared_ptr<State> state_;
};

/// Starts `size` actors made by `factory` under a supervisor of their own, and subscribes each to messages M on `topic`.
///
/// They restart as its rules say. One that was terminated and is started again by hand must be subscribed again.
/// Returns: the supervisor; stop it to end the pool. Errors: as start_supervisor; a topic that is no subject.
template <class... M, std::invocable Factory>
std::expected<Ref<Supervisor>, ExitReason> start_pool(MessageBroker& broker, const std::string& topic, std::size_t size,
                                                      Factory factory, SupervisorSpec rules = {.intensity = 10}) {
  using A = std::invoke_result_t<Factory&>;
  if (const auto fault = check_subject(topic)) return std::unexpected(ExitReason::failed(to_string(*fault)));
  for (std::size_t i = 0; i < size; ++i) rules.children.push_back(child("worker" + std::to_string(i), factory));
  auto pool = start_supervisor(broker.runtime(), "", std::move(rules));
  if (!pool) return pool;
  const auto workers = pool->ask(WhichChildren{}, no_timeout);
  if (!workers) {
    broker.runtime().stop(*pool);
    return std::unexpected(ExitReason::shutdown());
  }
  for (auto worker = workers->rbegin(); worker != workers->rend(); ++worker) {
    if (const auto ref = worker->template as<A>()) ((void)broker.subscribe<M>(topic, *ref), ...);
  }
  return pool;
}

}  // namespace orrery
