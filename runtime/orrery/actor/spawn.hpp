// spawn.hpp: the templates behind Runtime::spawn and Context: how a user's struct becomes an actor.
// Source:  SPEC A13.
#pragma once
#include "orrery/actor/context.hpp"
#include "orrery/actor/down.hpp"
#include "orrery/actor/handlers.hpp"
#include "orrery/actor/open_ask.hpp"
#include "orrery/actor/ref.hpp"

#include <fmt/core.h>

#include <stdexcept>

namespace orrery {

/// Thrown when the error of a spawn was not looked at but its reference is used.
class SpawnFailed : public std::runtime_error {
 public:
  SpawnFailed(std::string_view name, SpawnError error)
      : std::runtime_error{fmt::format("spawn of \"{}\" failed: {}", name, to_string(error))}, error_{error} {}
  [[nodiscard]] SpawnError error() const noexcept { return error_; }

 private:
  SpawnError error_;
};

/// What a named spawn gives: a reference, or why there is none.
///
/// It converts to the reference, so that `auto alice = rt.spawn("alice", Account{})` can be used as one; without a
/// reference that use throws SpawnFailed.
template <class A>
class Spawned : public Sendable<Spawned<A>> {
 public:
  Spawned(Ref<A> ref) noexcept : ref_{ref} {}  // NOLINT: implicit on purpose
  Spawned(std::string_view name, SpawnError error) : ref_{std::unexpected(error)}, name_{name} {}

  [[nodiscard]] bool has_value() const noexcept { return ref_.has_value(); }
  explicit operator bool() const noexcept { return ref_.has_value(); }
  /// Pre: !has_value().
  [[nodiscard]] SpawnError error() const { return ref_.error(); }
  [[nodiscard]] const Ref<A>& value() const {
    if (!ref_) throw SpawnFailed{name_, ref_.error()};
    return *ref_;
  }
  operator const Ref<A>&() const { return value(); }  // NOLINT: implicit on purpose
  const Ref<A>* operator->() const { return &value(); }
  const Ref<A>& operator*() const { return value(); }

  [[nodiscard]] Handle handle() const { return value().handle(); }

  // For Sendable.
  [[nodiscard]] std::uint32_t runtime_index() const { return value().runtime_index(); }
  template <class M>
  [[nodiscard]] static consteval Refusal refusal_of() {
    return refusal<A, M>();
  }
  template <class M>
  [[nodiscard]] static constexpr const Operations* operations_for() noexcept {
    return &detail::operations<A, M>;
  }
  template <class M>
  [[nodiscard]] static constexpr const Operations* all_operations_for() noexcept {
    return &detail::full_operations<A, M>;
  }

 private:
  std::expected<Ref<A>, SpawnError> ref_;
  std::string name_;
};

namespace detail {

template <class A>
std::expected<Ref<A>, SpawnError> to_ref(Runtime& runtime, std::expected<Handle, SpawnError> spawned) {
  if (!spawned) return std::unexpected(spawned.error());
  return Ref<A>{runtime.index(), *spawned};
}

template <class A>
Ref<A> spawn_plain(Runtime& runtime, A&& actor, Handle parent) {
  const auto spawned = runtime.spawn_plain(make_actor(std::move(actor)), actor_type<A>, parent);
  if (!spawned) throw SpawnFailed{"", spawned.error()};
  return {runtime.index(), *spawned};
}

template <class A>
std::expected<Ref<A>, SpawnError> spawn_value(Runtime& runtime, A&& actor, SpawnOptions options, Handle parent) {
  SpawnRequest request;
  request.type = &actor_type<A>;
  if constexpr (Copyable<A>) {
    if (options.restart) {
      request.factory = [prototype = std::make_unique<A>(actor)] { return make_actor(A(*prototype)); };
    }
  } else {
    // A restart needs a fresh actor; a move-only one must be spawned by a factory.
    if (options.restart)
      throw std::invalid_argument{"an actor that cannot be copied restarts only when spawned by a factory"};
  }
  request.options = std::move(options);
  request.actor = make_actor(std::move(actor));
  return to_ref<A>(runtime, runtime.spawn_cell(std::move(request), parent));
}

template <class A, class Factory>
std::expected<Ref<A>, SpawnError> spawn_factory(Runtime& runtime, Factory factory, SpawnOptions options,
                                                Handle parent) {
  SpawnRequest request;
  request.type = &actor_type<A>;
  request.actor = make_actor(A(factory()));
  if (options.restart) {
    request.factory = [factory = std::move(factory)]() mutable { return make_actor(A(factory())); };
  }
  request.options = std::move(options);
  return to_ref<A>(runtime, runtime.spawn_cell(std::move(request), parent));
}

template <class A>
Spawned<A> named(std::string_view name, std::expected<Ref<A>, SpawnError> spawned) {
  if (!spawned) return Spawned<A>{name, spawned.error()};
  return Spawned<A>{*spawned};
}

inline SpawnOptions with_name(std::string_view name, SpawnOptions options) {
  options.name = name.empty() ? std::string{" "} : std::string{name};  // an empty name is a bad name, not none
  return options;
}

/// A timer that sends M to an actor of type A.
template <class A, class M>
class TypedTimer final : public ActorTimer {
 public:
  TypedTimer(Runtime& home, Handle owner_handle, Purpose why, Duration every, M message, std::source_location where)
      : ActorTimer{home, owner_handle, why, every}, message_{std::move(message)}, where_{where} {}
  Envelope* make_tick() override {
    if constexpr (Copyable<M>) {
      return make_message(runtime, operations<A, M>, M(message_), where_);
    } else {
      return make_message(runtime, operations<A, M>, std::move(message_), where_);
    }
  }

 private:
  M message_;
  std::source_location where_;
};

}  // namespace detail

template <Spawnable A, class... Arguments>
  requires std::constructible_from<A, Arguments...> || requires(Arguments&&... a) { A{std::forward<Arguments>(a)...}; }
Ref<A> Runtime::spawn(Arguments&&... arguments) {
  return detail::spawn_plain<A>(*this, A{std::forward<Arguments>(arguments)...}, {});
}
template <Spawnable A>
Ref<A> Runtime::spawn(A actor, SpawnOptions options) {
  if (options.are_defaults()) return detail::spawn_plain<A>(*this, std::move(actor), {});
  std::string name = options.name;
  return *detail::named<A>(name, detail::spawn_value<A>(*this, std::move(actor), std::move(options), {}));
}
template <Spawnable A>
Spawned<A> Runtime::spawn(std::string_view name, A actor, SpawnOptions options) {
  return detail::named<A>(
      name, detail::spawn_value<A>(*this, std::move(actor), detail::with_name(name, std::move(options)), {}));
}
template <Spawnable A>
Spawned<A> Runtime::spawn(std::string_view name, Restart restart, A actor, SpawnOptions options) {
  options.restart = restart;
  return spawn(name, std::move(actor), std::move(options));
}
template <Spawnable A, class Factory>
  requires std::is_invocable_r_v<A, Factory&>
Spawned<A> Runtime::spawn(std::string_view name, Factory factory, SpawnOptions options) {
  return detail::named<A>(
      name, detail::spawn_factory<A>(*this, std::move(factory), detail::with_name(name, std::move(options)), {}));
}
template <Spawnable A, class Factory>
  requires std::is_invocable_r_v<A, Factory&, std::size_t>
std::vector<Ref<A>> Runtime::spawn_n(std::size_t count, Factory factory, SpawnOptions options) {
  std::vector<Ref<A>> refs;
  refs.reserve(count);
  for (std::size_t i = 0; i < count; ++i) refs.push_back(spawn(A(factory(i)), options));
  return refs;
}
template <class A>
std::optional<Ref<A>> Runtime::find(std::string_view path) {
  const auto handle = find_by_path(path, detail::actor_tag<A>);
  if (!handle) return std::nullopt;
  return Ref<A>{index_, *handle};
}

template <class A>
Ref<A> Context::self(const A& actor) const {
  check_self(&actor);
  return {runtime_.index(), cell_.handle()};
}
template <Spawnable A>
Ref<A> Context::spawn(A actor, SpawnOptions options) {
  if (options.are_defaults()) return detail::spawn_plain<A>(runtime_, std::move(actor), cell_.handle());
  const std::string name = options.name;
  return *detail::named<A>(name,
                           detail::spawn_value<A>(runtime_, std::move(actor), std::move(options), cell_.handle()));
}
template <Spawnable A>
Spawned<A> Context::spawn(std::string_view name, A actor, SpawnOptions options) {
  return detail::named<A>(name, detail::spawn_value<A>(runtime_, std::move(actor),
                                                       detail::with_name(name, std::move(options)), cell_.handle()));
}
template <class A, class M>
  requires(refusal<A, M>() == Refusal::none)
TimerKey Context::after(const A& actor, Duration delay, M message, std::source_location where) {
  check_self(&actor);
  using T = detail::TypedTimer<A, M>;
  return add_timer(new T(runtime_, cell_.handle(), Timer::Purpose::after, Duration::zero(), std::move(message), where),
                   delay);
}
template <class A, class M>
  requires(repeated_refusal<A, M>() == Refusal::none)
TimerKey Context::every(const A& actor, Duration period, M message, std::source_location where) {
  check_self(&actor);
  ORRERY_CHECK(period > Duration::zero());
  using T = detail::TypedTimer<A, M>;
  return add_timer(new T(runtime_, cell_.handle(), Timer::Purpose::every, period, std::move(message), where), period);
}
template <class A, class M>
  requires(repeated_refusal<A, M>() == Refusal::none)
void Context::set_receive_timeout(const A& actor, Duration idle, M message, std::source_location where) {
  check_self(&actor);
  CellExtras& extras = cell_.need_extras();
  if (extras.receive_timeout != nullptr) {
    extras.timers.cancel(runtime_.world(), extras.receive_timeout->key);
    extras.receive_timeout.reset();
  }
  if (idle <= Duration::zero()) return;
  auto timeout = std::make_unique<ReceiveTimeout>();
  timeout->after = idle;
  using T = detail::TypedTimer<A, M>;
  timeout->make = [&home = runtime_, who = cell_.handle(), message = std::move(message), where]() -> ActorTimer* {
    return new T(home, who, Timer::Purpose::receive_timeout, Duration::zero(), M(message), where);
  };
  timeout->key = add_timer(timeout->make(), idle);
  extras.receive_timeout = std::move(timeout);
  cell_.care = Cell::Care::full;
}
template <class M>
void Context::stash(M message) {
  stash_current(&detail::message_info<M>);
  if (envelope_->is(Envelope::is_assured)) return;  // it is still there
  if (const MessageInfo& info = *envelope_->operations->message; info.share != nullptr) {
    info.share(envelope_->payload(), &message);
  } else {
    ::new (envelope_->payload()) M(std::move(message));
  }
}
template <class M, class To>
  requires(detail::forward_refusal<To, M>() == Refusal::none)
TellResult Context::forward(M message, const To& to, std::source_location where) {
  const detail::Destination there{to.runtime_index(), to.handle(), to.template all_operations_for<M>()};
  if (envelope_ != nullptr && envelope_->is(Envelope::is_assured)) {
    return forward_later(&detail::message_info<M>, there, std::make_shared<M>(std::move(message)), where);
  }
  Envelope* const envelope = part(&detail::message_info<M>, detail::payload_bytes<M>());
  envelope->operations = &detail::unaddressed<M>;
  ::new (envelope->payload()) M(std::move(message));
  return detail::pass_on(runtime_, there, envelope, where);
}
template <Askable M>
OpenAsk<M> Context::open_ask() {
  may_give_away(&detail::message_info<M>);
  if ((envelope_->flags & Envelope::is_ask) == 0) return {};
  if constexpr (Copyable<M>) {
    if (envelope_->is(Envelope::is_assured)) {
      const Delivery delivery = envelope_->delivery();
      const MessageId id = message_id();
      M& stored = *static_cast<M*>(envelope_->payload());
      Envelope* const told = detail::make_message(runtime_, *envelope_->operations, M(stored), envelope_->where);
      std::destroy_at(&stored);
      return OpenAsk<M>{detail::HeldAsk{runtime_, keep_told(told), delivery, id}};
    }
  }
  return OpenAsk<M>{detail::HeldAsk{runtime_, part(&detail::message_info<M>, detail::payload_bytes<M>())}};
}
template <class A>
  requires Handles<A, Exit>
void Context::trap_exits(const A& actor) {
  check_self(&actor);
  cell_.standing.fetch_or(Cell::traps_exits, std::memory_order_relaxed);
}
template <class A, NamesAnActor B>
  requires(watch_refusal<A>() == Refusal::none)
void Context::watch(const A& actor, const B& watched) {
  check_self(&actor);
  note_watch(watched.handle());
  runtime_.signal_watch(watched.handle(), {cell_.handle(), &detail::operations<A, Down>});
}

}  // namespace orrery
