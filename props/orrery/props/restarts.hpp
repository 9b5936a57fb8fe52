// restarts.hpp: what is promised about an actor that fails and comes back: its mail, its state, and how often.
// How:  the actor is held up until mail waits, fails on its first message, and comes back; or it fails again and again, with
//       pauses. It fails by an injected exception, before its own handler begins, so any actor will do.
//
//         EXPECT_TRUE(props::restart_keeps_mail<Deposit>(rt, [] { return Account{}; }, account_options()));
//
// Pre:  `options.restart` is set; the message has a number (numbered.hpp) and is at_most_once.
// Source:  SPEC Q5, S3; SEMANTICS a5, c2: P11 to P13.
#pragma once
#include "orrery/props/flood.hpp"
#include "orrery/props/rest.hpp"
#include "orrery/props/verdict.hpp"
#include "orrery/props/watched.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace orrery::props {

namespace detail {

struct MailAfterRestart {
  std::vector<std::uint64_t> waiting;  ///< numbers of what waited
  std::vector<std::uint64_t> handled;
  std::size_t letters = 0;
  std::size_t lives = 0;
};
/// What must not get in the way of the scenario: a full mailbox, and mail that a restart drops.
[[nodiscard]] inline SpawnOptions roomy(SpawnOptions options) {
  options.mailbox = unbounded();
  options.mail_on_restart = MailOnRestart::keep;
  return options;
}

/// Message 0 fails, `waiting` others wait behind it.
template <class M, class Make>
[[nodiscard]] MailAfterRestart restart_with_mail(Runtime& runtime, const Make& make, const SpawnOptions& options,
                                                 std::uint64_t waiting) {
  static_assert(delivery_of<M>() == Delivery::at_most_once, "assured messages come again");
  if (options.mailbox.capacity != 0) waiting = std::min<std::uint64_t>(waiting, options.mailbox.capacity - 1);
  const Watch watch;
  watch.crash_on(0);
  const auto subject = spawn_subject(runtime, options, make, watch);
  HeldUp held{runtime, subject};
  for (std::uint64_t i = 0; i <= waiting; ++i) (void)tell_any(subject, make_numbered<M>(i));
  held.let_go();
  if (!comes_to_rest(runtime)) return {};
  MailAfterRestart after{.waiting = {}, .handled = watch.log().keys(Deed::handled), .lives = watch.lives().size()};
  for (std::uint64_t i = 1; i <= waiting; ++i) after.waiting.push_back(i);
  after.letters =
      runtime.dead_letters().query({.reason = DeadLetterReason::restart_dropped, .target = subject.handle()}).size();
  (void)runtime.stop(subject);
  return after;
}

inline void need_two_lives(Verdict& verdict, std::size_t lives) {
  if (lives != 2) verdict.offence(fmt::format("it was to fail once and come back, and has lived {} times", lives));
}

}  // namespace detail

/// Mail that waits when the actor fails is handled by its next incarnation, all of it, in order, once; the message on which it
/// failed is not handled again.
///
/// Does not check: what the actor had stashed (that is dropped); timers; a second failure on the way.
template <class M, class Make>
[[nodiscard]] testing::AssertionResult restart_keeps_mail(Runtime& runtime, Make make, const SpawnOptions& options,
                                                          std::uint64_t waiting = 5) {
  const auto after = detail::restart_with_mail<M>(runtime, make, options, waiting);
  Verdict verdict{"a restart keeps the mail that waits, and only that"};
  detail::need_two_lives(verdict, after.lives);
  if (after.handled != after.waiting) {
    verdict.offence(fmt::format("messages [{}] waited, and [{}] were handled after it", fmt::join(after.waiting, ", "),
                                fmt::join(after.handled, ", ")));
  }
  if (after.letters != 0) verdict.offence(fmt::format("{} of them became dead letters", after.letters));
  return verdict;
}

/// With MailOnRestart::drop: nothing of it is handled, and each message is a dead letter once.
///
/// Does not check: mail that comes during the restart.
template <class M, class Make>
[[nodiscard]] testing::AssertionResult restart_drops_mail(Runtime& runtime, Make make, const SpawnOptions& options,
                                                          std::uint64_t waiting = 5) {
  const auto after = detail::restart_with_mail<M>(runtime, make, options, waiting);
  Verdict verdict{"a restart makes dead letters of the mail that waits"};
  detail::need_two_lives(verdict, after.lives);
  if (!after.handled.empty()) {
    verdict.offence(fmt::format("messages [{}] were handled after it", fmt::join(after.handled, ", ")));
  }
  if (after.letters != after.waiting.size()) {
    verdict.offence(fmt::format("{} messages waited, and {} became dead letters", after.waiting.size(), after.letters));
  }
  return verdict;
}

/// An actor that has handled messages, failed and come back begins in the state in which it began the first time (after
/// on_start and on_restart, before its first message). `state` makes a text of that; by default describe() does, which sees
/// the fields of plain structs, also through shared_ptr.
///
/// Does not check: what `state` does not show: statics, files, what other actors know; that timers and stash are gone.
template <class M, class Make, class A = std::invoke_result_t<Make&>>
[[nodiscard]] testing::AssertionResult restart_resets_state(Runtime& runtime, Make make, const SpawnOptions& options,
                                                            std::uint64_t messages = 3, StateText<A> state = {}) {
  const Watch watch;
  const auto subject = spawn_subject(runtime, detail::roomy(options), make, watch, state);
  messages = std::max<std::uint64_t>(messages, 1);
  for (std::uint64_t i = 0; i < messages; ++i) (void)tell_any(subject, make_numbered<M>(i));
  (void)subject.tell(Crash{});
  (void)tell_any(subject, make_numbered<M>(messages));
  if (auto rest = comes_to_rest(runtime); !rest) return rest;
  (void)runtime.stop(subject);

  Verdict verdict{"a restart begins with a fresh state"};
  const auto lives = watch.lives();
  detail::need_two_lives(verdict, lives.size());
  if (lives.size() < 2) return verdict;
  if (!lives[0].has_met || !lives[1].has_met) {
    verdict.offence("a life got no message: its state was not seen");
  } else if (lives[0].state != lives[1].state) {
    verdict.offence("it began as " + lives[0].state + ", and after the restart as " + lives[1].state);
  } else if (lives[0].state.ends_with("{…}")) {
    verdict.offence("the state of " + lives[0].state + " cannot be seen; give a text of it");
  }
  return verdict;
}

/// Of the moments at which an actor was started again, no closed window of `limit.period` holds more than `limit.intensity`.
///
/// Does not check: that it was started again as long as it might.
[[nodiscard]] inline testing::AssertionResult within_intensity(std::span<const Instant> restarts, Restart limit) {
  Verdict verdict{"no period holds more restarts than the intensity"};
  for (std::size_t i = 0; i < restarts.size(); ++i) {
    const auto inside =
        std::ranges::count_if(restarts.first(i + 1), [&](Instant at) { return at >= restarts[i] - limit.period; });
    if (inside > limit.intensity) {
      verdict.offence(fmt::format("{} restarts within {}, up to the one at {}", inside, format_duration(limit.period),
                                  format_duration(restarts[i].time_since_epoch())));
    }
  }
  return verdict;
}

/// An actor that fails once after each of `pauses` is brought back exactly as often as `promised` (intensity and period, both
/// ends included, as in OTP) allows, and is gone with the first failure beyond that.
///
/// On threads pauses take real time, and a window whose end falls next to a failure cannot be judged: use a long period there.
/// Does not check: restarts by a supervisor (within_intensity() judges its starts); backoff.
template <class Make>
[[nodiscard]] testing::AssertionResult keeps_its_intensity(Runtime& runtime, Make make, const SpawnOptions& options,
                                                           const std::vector<Duration>& pauses,
                                                           std::optional<Restart> promised = {}) {
  const Restart limit = promised.value_or(options.restart.value_or(Restart{.intensity = 0}));
  const Watch watch;
  const auto subject = spawn_subject(runtime, detail::roomy(options), make, watch);
  Verdict verdict{"it is restarted as often as its intensity allows, and no more"};
  std::vector<Instant> restarts;
  bool is_gone = false;
  for (std::size_t i = 0; i < pauses.size() && verdict.holds() && !is_gone; ++i) {
    if (pauses[i] > Duration::zero()) sleep_for(runtime, pauses[i]);
    (void)subject.tell(Crash{});
    const bool is_back = subject.ask(AreYouThere{}, no_timeout).has_value();
    const auto crashes = watch.crashes();
    if (crashes.size() != i + 1) {
      verdict.offence(fmt::format("failure {} did not reach it", i + 1));
      break;
    }
    const bool may = may_restart(limit, restarts, crashes.back());
    if (may != is_back) {
      verdict.offence(fmt::format("failure {} at {}: it {}, after {} restarts (intensity {} in {})", i + 1,
                                  format_duration(crashes.back().time_since_epoch()),
                                  is_back ? "came back" : "did not come back", restarts.size(), limit.intensity,
                                  format_duration(limit.period)));
    }
    if (is_back) restarts.push_back(crashes.back());
    is_gone = !is_back;
  }
  (void)runtime.stop(subject);
  return verdict;
}

}  // namespace orrery::props
