// mailbox.hpp: mail for whoever is no actor: main, a test, a bridge to other code.
// Why:  code outside of actors must be able to receive what actors send, in order, with a deadline, in both worlds.
// How:  an actor of its own takes the messages and puts them into a queue; recv() waits for that queue as an ask waits
//       for its reply: a foreign thread blocks, a handler suspends its fiber, the body of a test runs the world.
// Always true:  (X1) messages of one sender are received in the order in which they were sent
//               (X2) every message that the inner actor handled is received once, or dropped with the mailbox
// Source:       SPEC Q6.
#pragma once
#include "orrery/actor/ref.hpp"
#include "orrery/actor/spawn.hpp"
#include "orrery/core/spin_lock.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>

namespace orrery {

namespace detail {

/// Who waits for a Mailbox, and until when. Lives on the waiting stack.
class MailWait final : public Wait {
 public:
  /// `has_mail` may be called on any thread.
  MailWait(Runtime& runtime, bool (*has_mail)(const void*), const void* state, Duration timeout);
  ~MailWait();
  [[nodiscard]] bool ready() const noexcept override;
  [[nodiscard]] bool has_deadline() const noexcept override { return has_alarm_; }

  /// How to wake whoever waits, when the wait itself may be gone already.
  struct Alert {
    Runtime* runtime = nullptr;
    Handle sleeper{};
    Waiter* thread = nullptr;
    void raise() const noexcept;
  };
  [[nodiscard]] Alert alert() const noexcept { return {&runtime_, sleeper_, thread_}; }

 private:
  struct Alarm : Timer {
    Alarm() noexcept : Timer{Purpose::deadline, &Alarm::ring} {}
    static void ring(Timer& timer);
    MailWait* wait = nullptr;
  };
  Runtime& runtime_;
  bool (*has_mail_)(const void*);
  const void* state_;
  Handle sleeper_{};
  Waiter* thread_ = nullptr;
  std::atomic<bool> expired_{false};
  bool has_alarm_ = false;
  Alarm alarm_;
};

template <class... M>
struct MailState {
  SpinLock lock;
  std::deque<std::variant<M...>> mail;
  MailWait* receiver = nullptr;

  static bool has_mail(const void* state) {
    auto& self = *const_cast<MailState*>(static_cast<const MailState*>(state));
    const std::lock_guard guard{self.lock};
    return !self.mail.empty();
  }
};

template <class Inbox, class M, class State>
struct InboxHandler {
  void handle(M message) {
    State& state = *static_cast<Inbox*>(this)->state;
    MailWait::Alert alert;
    {
      const std::lock_guard guard{state.lock};
      state.mail.emplace_back(std::move(message));
      if (state.receiver != nullptr) alert = state.receiver->alert();
    }
    alert.raise();  // without the lock: a world may look at once whether the wait is over
  }
};

/// The actor inside a Mailbox.
template <class... M>
struct Inbox : InboxHandler<Inbox<M...>, M, MailState<M...>>... {
  static constexpr std::string_view orrery_name = "Mailbox";
  explicit Inbox(std::shared_ptr<MailState<M...>> shared) : state{std::move(shared)} {}
  using InboxHandler<Inbox<M...>, M, MailState<M...>>::handle...;
  std::shared_ptr<MailState<M...>> state;
};

}  // namespace detail

/// Receives messages of the listed types, none of which may expect a Reply.
///
/// Threads: ref() and tell: any. recv, try_recv, recv_for: one receiver at a time (checked).
template <Message... M>
  requires(sizeof...(M) > 0) && (!Askable<M> && ...)
class Mailbox {
 public:
  using Mail = std::variant<M...>;

  explicit Mailbox(Runtime& runtime, SpawnOptions options = {})
      : runtime_{runtime},
        state_{std::make_shared<State>()},
        ref_{runtime.spawn(detail::Inbox<M...>{state_}, std::move(options))} {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  /// Later sends are refused with actor_stopped; what was not received is dropped.
  ~Mailbox() { runtime_.stop(ref_); }

  /// Returns: where to send to.
  [[nodiscard]] Recipient<M...> ref() const noexcept { return ref_; }
  /// Returns: the actor inside, for who must know its type, as a broker.
  [[nodiscard]] const Ref<detail::Inbox<M...>>& actor() const noexcept { return ref_; }
  [[nodiscard]] Handle handle() const noexcept { return ref_.handle(); }
  [[nodiscard]] std::uint32_t runtime_index() const noexcept { return ref_.runtime_index(); }

  /// Returns: the oldest message that has arrived, or empty.    Blocks: nothing.
  [[nodiscard]] std::optional<Mail> try_recv() {
    if (runtime_.observer() != nullptr) runtime_.observer()->before_look();  // others may send first
    return take();
  }
  /// Returns: the oldest message; waits for one.    Blocks: the fiber in a handler, else the caller.
  [[nodiscard]] Mail recv() { return *receive(no_timeout); }
  /// Returns: the oldest message, or empty when none has come within `timeout`.    Blocks: as recv().
  [[nodiscard]] std::optional<Mail> recv_for(Duration timeout) { return receive(timeout); }
  /// Returns: how many messages have arrived and were not received.
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard guard{state_->lock};
    return state_->mail.size();
  }

 private:
  using State = detail::MailState<M...>;

  std::optional<Mail> take() {
    const std::lock_guard guard{state_->lock};
    if (state_->mail.empty()) return std::nullopt;
    std::optional<Mail> first{std::move(state_->mail.front())};
    state_->mail.pop_front();
    return first;
  }
  std::optional<Mail> receive(Duration timeout) {
    if (auto first = try_recv()) return first;
    detail::MailWait wait{runtime_, &State::has_mail, state_.get(), timeout};
    const Registration registered{*state_, wait};
    runtime_.wait(wait);
    return take();
  }

  /// Names the one receiver to the actor inside, for as long as it waits.
  class Registration {
   public:
    Registration(State& state, detail::MailWait& wait) : state_{state} {
      const std::lock_guard guard{state.lock};
      ORRERY_CHECK(state.receiver == nullptr, "two receivers wait for one Mailbox");
      state.receiver = &wait;
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    ~Registration() {
      const std::lock_guard guard{state_.lock};
      state_.receiver = nullptr;
    }

   private:
    State& state_;
  };

  Runtime& runtime_;
  std::shared_ptr<State> state_;
  Ref<detail::Inbox<M...>> ref_;
};

}  // namespace orrery
