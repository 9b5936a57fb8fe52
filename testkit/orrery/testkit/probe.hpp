// probe.hpp: TestProbe, a stand-in for an actor, whose part the test itself plays.
// Why:  an actor is tested by what it sends. The probe is whom it sends to: it keeps what comes, in order, and the test
//       says what should have come, answers what was asked, and watches who ends.
//
//   auto statements = orrery::probe<Posted>(w, "statements");     // in a simulated world or on threads, the same
//   auto bank = wire(w, statements.ref());
//   EXPECT_EQ(statements.expect<Posted>().balance, 100);
//   statements.expect_none(59min);
//
// How:  an actor of its own files what it is sent; an expectation waits for that file. In a simulated world the wait runs
//       the world, in virtual time: an hour costs nothing, and what can never come is missed as soon as nothing else
//       happens. On threads it blocks the test; nothing polls.
// Order:   expect looks at the oldest message that was not taken, whatever its type, as Akka's does: an unexpected one is a
//          failure, not skipped. fish skips.
// Failure: is reported in the line of the expectation, with everything that came, from whom, and where it was sent. What
//          should have given a message ends the body of the test, as ASSERT_ does; what only judges (expect_none,
//          expect_down) goes on, as EXPECT_ does, and returns false. In sim::check it is a finding: shrunk, and replayed.
// Asks:    an ask to the probe stays open until the test replies; one that is never answered ends with actor_stopped when
//          the probe goes. reply() is for the message taken last; take_ask() keeps an earlier one for later.
// Times:   `within` and durations are virtual in a simulated world; on threads they are real, and multiplied by
//          ORRERY_TEST_TIME_FACTOR, so that a slow machine needs no other test.
// Threads: the test's; one expectation at a time. The runtime outlives the probe.
// Source:  SPEC T2; Akka's TestProbe.
#pragma once
#include "orrery/testkit/detail/probe_core.hpp"
#include "orrery/testkit/detail/same.hpp"

#include <gtest/gtest-matchers.h>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace orrery {

namespace testkit {

/// How long an expectation waits unless it says otherwise.
inline constexpr Duration default_within = std::chrono::seconds{3};
/// How long expect_none() listens unless it says otherwise.
inline constexpr Duration default_silence = std::chrono::milliseconds{100};

namespace detail {

template <class M>
using AutoReply = std::function<reply_of<M>(const M&)>;

/// What becomes of asks that come to a probe: one function per type, empty to leave them open.
template <class... M>
struct AutoReplies {
  SpinLock lock;
  std::tuple<std::shared_ptr<AutoReply<M>>...> functions;
};

template <class Desk, class M, std::size_t type, class Replies>
struct ProbeHandler {
  using Returned = std::conditional_t<std::is_void_v<reply_of<M>>, std::type_identity<void>,
                                      std::type_identity<Answer<reply_of<M>>>>::type;
  Returned handle(M message, Context& context) {
    Desk& desk = *static_cast<Desk*>(this);
    ProbeLetter letter;
    letter.type = type;
    letter.info = &orrery::detail::message_info<M>;
    letter.sender = context.sender();
    letter.at = context.now();
    letter.where = context.sent_at();
    if constexpr (!Askable<M>) {
      file(desk, letter, std::move(message));
    } else {
      std::shared_ptr<AutoReply<M>> reply;
      {
        const std::lock_guard guard{desk.replies->lock};
        reply = std::get<type>(desk.replies->functions);
      }
      OpenAsk<M> ask = context.template open_ask<M>();
      if (ask) letter.ask = ProbeLetter::Ask::open;
      if (ask && reply != nullptr) {  // filed before the asker can go on: then the test finds it
        letter.ask = ProbeLetter::Ask::answered;
        if constexpr (std::is_void_v<reply_of<M>>) {
          (*reply)(message);
          file(desk, letter, std::move(message));
          ask.answer();
        } else {
          reply_of<M> value = (*reply)(message);
          file(desk, letter, std::move(message));
          ask.answer(std::move(value));
        }
      } else {
        letter.held = std::move(ask).release();
        file(desk, letter, std::move(message));
      }
      if constexpr (!std::is_void_v<reply_of<M>>) return elsewhere;
    }
  }

 private:
  static void file(Desk& desk, ProbeLetter& letter, M message) {
    letter.content = std::make_shared<M>(std::move(message));
    desk.mail->put(std::move(letter));
  }
};

/// The actor inside a probe.
template <class Indices, class... M>
struct ProbeDesk;
template <std::size_t... I, class... M>
struct ProbeDesk<std::index_sequence<I...>, M...>
    : ProbeHandler<ProbeDesk<std::index_sequence<I...>, M...>, M, I, AutoReplies<M...>>... {
  static constexpr std::string_view orrery_name = "TestProbe";
  ProbeDesk(std::shared_ptr<ProbeMail> to, std::shared_ptr<AutoReplies<M...>> with)
      : mail{std::move(to)}, replies{std::move(with)} {}
  using ProbeHandler<ProbeDesk, M, I, AutoReplies<M...>>::handle...;
  std::shared_ptr<ProbeMail> mail;
  std::shared_ptr<AutoReplies<M...>> replies;
};

template <class... M>
struct OneOrVariant {
  using type = std::variant<M...>;
};
template <class M>
struct OneOrVariant<M> {
  using type = M;
};

}  // namespace detail

template <Message... M>
  requires(sizeof...(M) > 0)
class TestProbe {
  template <class T>
  static constexpr bool listed = (std::same_as<T, M> || ...);
  template <class T>
  static constexpr std::size_t index_of = [] {
    std::size_t index = 0;
    (void)((std::same_as<T, M> || (++index, false)) || ...);
    return index;
  }();
  using Where = std::source_location;

 public:
  /// Any message that can come: M itself, or a variant of them.
  using Any = typename detail::OneOrVariant<M...>::type;

  /// Throws: SpawnFailed when the name is taken. An empty name is none.
  explicit TestProbe(Runtime& runtime, std::string_view name = {}, SpawnOptions options = {})
      : core_{runtime, name.empty() ? std::string{"TestProbe"} : std::string{name}} {
    options.name = std::string{name};
    ref_ = runtime.spawn(Desk{core_.mail(), replies_}, std::move(options));
    core_.attend(ref_.handle(), &orrery::detail::actor_type<Desk>);
  }
  TestProbe(const TestProbe&) = delete;
  TestProbe& operator=(const TestProbe&) = delete;

  /// Returns: where to send to.
  [[nodiscard]] Recipient<M...> ref() const noexcept { return ref_; }
  operator Recipient<M...>() const noexcept { return ref_; }  // NOLINT: implicit on purpose
  [[nodiscard]] Handle handle() const noexcept { return ref_.handle(); }
  [[nodiscard]] std::uint32_t runtime_index() const noexcept { return ref_.runtime_index(); }

  // ---- what came ----------------------------------------------------------------------------------------------------

  /// Expects that the next message is a T. Returns: it. A failure ends the test.
  template <class T>
    requires listed<T>
  T expect(Duration within = default_within, Where where = Where::current()) {
    return expect_next<T>({std::string{type_name<T>()}, within, where}, [](const T&) { return true; });
  }
  /// Expects that the next message is a T that equals `value` (by ==, or else field by field).
  template <class T>
    requires listed<T>
  T expect(const T& value, Duration within = default_within, Where where = Where::current()) {
    return expect_next<T>({describe(value), within, where}, [&](const T& it) { return detail::same(it, value); });
  }
  /// Expects that the next message is a T for which `matches` holds.
  template <class T, std::predicate<const T&> P>
    requires listed<T>
  T expect(P matches, Duration within = default_within, Where where = Where::current()) {
    return expect_next<T>({"a matching " + std::string{type_name<T>()}, within, where}, matches);
  }
  /// The same with a matcher of GoogleMock: `probe.expect<Posted>(Field(&Posted::balance, Gt(5)))`.
  template <class T>
    requires listed<T>
  T expect(const ::testing::Matcher<const T&>& matcher, Duration within = default_within,
           Where where = Where::current()) {
    std::ostringstream wanted;
    wanted << type_name<T>() << " that ";
    matcher.DescribeTo(&wanted);
    return expect_next<T>({wanted.str(), within, where}, [&](const T& it) { return matcher.Matches(it); });
  }

  /// Expects these messages, in this order and with nothing between them.
  template <class... T>
    requires(listed<T> && ...)
  void expect_in_order(std::tuple<T...> values, Duration within = default_within, Where where = Where::current()) {
    const Instant deadline = core_.deadline_of(within);
    std::apply(
        [&](const T&... value) {
          (static_cast<void>(take_if<T>({describe(value), within, where}, deadline,
                                        [&](const T& it) { return detail::same(it, value); })),
           ...);
        },
        values);
  }
  /// Expects these messages, in whatever order, with nothing between them.
  template <class... T>
    requires(listed<T> && ...)
  void expect_in_any_order(std::tuple<T...> values, Duration within = default_within, Where where = Where::current()) {
    const Instant deadline = core_.deadline_of(within);
    std::vector<std::pair<std::string, std::function<bool(const detail::ProbeLetter&)>>> open;
    std::apply(
        [&](const T&... value) {
          (open.emplace_back(describe(value),
                             [&value](const detail::ProbeLetter& letter) {
                               return letter.type == index_of<T> &&
                                      detail::same(*static_cast<const T*>(letter.content.get()), value);
                             }),
           ...);
        },
        values);
    while (!open.empty()) {
      const bool came = core_.await_letter(0, deadline);
      auto at = open.begin();
      while (came && at != open.end() && !at->second(core_.letter(0))) ++at;
      if (!came || at == open.end()) {
        std::string wanted;
        for (const auto& [text, matches] : open) wanted += (wanted.empty() ? "" : ", ") + text;
        core_.fail_for_good({wanted + " in any order", within, where}, core_.describe_next(0));
      }
      (void)core_.take(0);
      open.erase(at);
    }
  }

  /// Expects that nothing comes for so long, and that nothing waits.    Returns: whether that is so.
  bool expect_none(Duration duration = default_silence, Where where = Where::current()) {
    if (!core_.await_letter(0, core_.deadline_of(duration))) return true;
    core_.fail({"nothing", duration, where}, core_.describe_next(0));
    return false;
  }

  /// Takes messages away until one is a T for which `matches` holds. Returns: it. A failure ends the test.
  template <class T, std::predicate<const T&> P>
    requires listed<T>
  T fish(P matches, Duration within = default_within, Where where = Where::current()) {
    const Instant deadline = core_.deadline_of(within);
    while (core_.await_letter(0, deadline)) {
      if (is<T>(core_.letter(0), matches)) return content_of<T>(core_.take(0));
      (void)core_.take(0);
    }
    core_.fail_for_good({"to fish a matching " + std::string{type_name<T>()}, within, where}, "it did not come");
  }
  template <class T>
    requires listed<T>
  T fish(Duration within = default_within, Where where = Where::current()) {
    return fish<T>([](const T&) { return true; }, within, where);
  }

  /// Expects `count` messages, whatever they are. Returns: them. A failure ends the test.
  std::vector<Any> receive_n(std::size_t count, Duration within = default_within, Where where = Where::current()) {
    const Instant deadline = core_.deadline_of(within);
    if (count != 0 && !core_.await_letter(count - 1, deadline)) {
      core_.fail_for_good({std::to_string(count) + (count == 1 ? " message" : " messages"), within, where},
                          "only " + std::to_string(core_.waiting()) + " came");
    }
    std::vector<Any> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) all.push_back(any_of(core_.take(0)));
    return all;
  }

  /// Returns: the next message if one comes in time and is a T, else nothing; what is no T stays.
  template <class T>
    requires listed<T>
  std::optional<T> receive(Duration within = default_within) {
    if (!core_.await_letter(0, core_.deadline_of(within)) || core_.letter(0).type != index_of<T>) return std::nullopt;
    return content_of<T>(core_.take(0));
  }
  /// Returns: the next message if one comes in time.
  std::optional<Any> receive(Duration within = default_within) {
    if (!core_.await_letter(0, core_.deadline_of(within))) return std::nullopt;
    return any_of(core_.take(0));
  }
  /// Returns: how many messages have come and were not taken.
  [[nodiscard]] std::size_t waiting() const {
    core_.look_at_once();
    return core_.waiting();
  }

  // ---- who sent it, and what he gets ----------------------------------------------------------------------------------

  /// Returns: who sent the message taken last; unset for main, a foreign thread or a test.
  [[nodiscard]] Handle last_sender() const noexcept { return core_.last_sender(); }
  /// Returns: his path, or "the test".
  [[nodiscard]] std::string sender() const { return core_.path_of(core_.last_sender()); }

  /// Answers the ask taken last. A failure ends the test: it was no ask, was answered, or wants a reply of another type.
  template <class R>
    requires(std::constructible_from<reply_of<M>, R> || ...)
  void reply(R&& value, Where where = Where::current()) {
    must_be_open(where);
    const bool done = (reply_as<M>(value) || ...);
    if (!done) core_.refuse("the reply has not the type that the message wants", where);
  }
  /// The same where the Reply is void.
  void reply(Where where = Where::current())
    requires((Askable<M> && std::is_void_v<reply_of<M>>) || ...)
  {
    must_be_open(where);
    const bool done = (reply_with_nothing<M>() || ...);
    if (!done) core_.refuse("the message wants a reply with a value", where);
  }
  /// Takes the ask out of the message taken last, to be answered whenever. A failure ends the test.
  template <Askable T>
    requires listed<T>
  [[nodiscard]] OpenAsk<T> take_ask(Where where = Where::current()) {
    must_be_open(where);
    if (core_.last_type() != index_of<T>) core_.refuse("the last message is no " + std::string{type_name<T>()}, where);
    return OpenAsk<T>{core_.take_last_held()};
  }
  /// From now on every ask of a T is answered by what `function` makes of it; the message is kept like any other. An empty
  /// function ends that. Runs in the probe's actor.
  template <Askable T>
    requires listed<T>
  void auto_reply(detail::AutoReply<T> function) {
    auto shared = function ? std::make_shared<detail::AutoReply<T>>(std::move(function)) : nullptr;
    const std::lock_guard guard{replies_->lock};
    std::get<index_of<T>>(replies_->functions).swap(shared);
  }

  /// Sends the message taken last on, as if its sender had sent it there: who asked gets that actor's reply. Give it back as
  /// it came, or changed.    Errors: TellError.
  template <class T, class To>
    requires(listed<T> && orrery::detail::forward_refusal<To, T>() == Refusal::none)
  TellResult forward_to(const To& to, T message, Where where = Where::current()) {
    if (!core_.has_last() || core_.last_type() != index_of<T>) {
      core_.refuse("the last message is no " + std::string{type_name<T>()}, where);
    }
    if constexpr (Askable<T>) {
      if (core_.last_was_ask()) return take_ask<T>(where).forward(std::move(message), to, where);
    }
    return detail::send_as(core_.runtime(), core_.last_sender(),
                           {to.runtime_index(), to.handle(), to.template operations_for<T>()}, std::move(message),
                           where);
  }

  // ---- who ends -----------------------------------------------------------------------------------------------------

  /// Watches `actor` from now on: whatever the test does to it next comes after that.
  template <NamesAnActor To>
  void watch(const To& actor) {
    core_.watch(actor.handle());
  }
  /// Expects that `actor`, which is watched, ends. Returns: for what reason; nothing when it has failed.
  template <NamesAnActor To>
  std::optional<ExitReason> expect_down(const To& actor, Duration within = default_within,
                                        Where where = Where::current()) {
    if (auto down = core_.await_down(actor.handle(), core_.deadline_of(within))) return std::move(down->reason);
    core_.fail({"the end of " + core_.path_of(actor.handle()), within, where}, "it has not ended, or is not watched");
    return std::nullopt;
  }
  /// Expects that it ends for that reason.    Returns: whether that is so.
  template <NamesAnActor To>
  bool expect_down(const To& actor, const ExitReason& reason, Duration within = default_within,
                   Where where = Where::current()) {
    const auto ended = expect_down(actor, within, where);
    if (!ended || *ended == reason) return ended.has_value();
    core_.fail({"the end of " + core_.path_of(actor.handle()) + ": " + to_string(reason), within, where},
               "it ended: " + to_string(*ended));
    return false;
  }

  /// Ends the stand-in: who watches it is told, what is sent to it is refused. What came before can still be taken.
  void stop(ExitReason reason = ExitReason::shutdown()) { core_.stop(std::move(reason)); }

 private:
  using Desk = detail::ProbeDesk<std::index_sequence_for<M...>, M...>;

  template <class T, class P>
  static bool is(const detail::ProbeLetter& letter, P& matches) {
    return letter.type == index_of<T> && static_cast<bool>(matches(*static_cast<const T*>(letter.content.get())));
  }
  template <class T>
  static T content_of(detail::ProbeLetter letter) {
    return std::move(*static_cast<T*>(letter.content.get()));
  }
  static Any any_of(detail::ProbeLetter letter) {
    if constexpr (sizeof...(M) == 1) {
      return content_of<Any>(std::move(letter));
    } else {
      std::optional<Any> any;
      (void)((letter.type == index_of<M> && (any.emplace(content_of<M>(std::move(letter))), true)) || ...);
      return std::move(*any);
    }
  }
  template <class T, class P>
  T take_if(const detail::ProbeCore::Wanted& wanted, Instant deadline, P matches) {
    if (!core_.await_letter(0, deadline) || !is<T>(core_.letter(0), matches)) {
      core_.fail_for_good(wanted, core_.describe_next(0));
    }
    return content_of<T>(core_.take(0));
  }
  template <class T, class P>
  T expect_next(const detail::ProbeCore::Wanted& wanted, P matches) {
    return take_if<T>(wanted, core_.deadline_of(wanted.within), std::move(matches));
  }
  void must_be_open(Where where) const {
    if (const std::string why = core_.why_no_reply(); !why.empty())
      core_.refuse("there is nobody to reply to: " + why, where);
  }
  template <class T, class R>
  bool reply_as(R& value) {
    if constexpr (!Askable<T> || std::is_void_v<reply_of<T>>) {
      return false;
    } else if constexpr (!std::constructible_from<reply_of<T>, R>) {
      return false;
    } else {
      if (core_.last_type() != index_of<T>) return false;
      OpenAsk<T>{core_.take_last_held()}.answer(std::forward<R>(value));
      return true;
    }
  }
  template <class T>
  bool reply_with_nothing() {
    if constexpr (Askable<T> && std::is_void_v<reply_of<T>>) {
      if (core_.last_type() != index_of<T>) return false;
      OpenAsk<T>{core_.take_last_held()}.answer();
      return true;
    } else {
      return false;
    }
  }

  std::shared_ptr<detail::AutoReplies<M...>> replies_ = std::make_shared<detail::AutoReplies<M...>>();
  detail::ProbeCore core_;
  Ref<Desk> ref_;
};

}  // namespace testkit

using testkit::TestProbe;

/// Spawns a probe: `auto statements = probe<Posted>(world, "statements");`
template <Message... M>
  requires(sizeof...(M) > 0)
[[nodiscard]] TestProbe<M...> probe(Runtime& runtime, std::string_view name = {}, SpawnOptions options = {}) {
  return TestProbe<M...>{runtime, name, std::move(options)};
}

}  // namespace orrery
