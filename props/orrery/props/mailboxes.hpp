// mailboxes.hpp: what is promised about a bounded mailbox, tried on any actor with the options that it is spawned with.
// How:  the actor is held up in the middle of a message, its mailbox is filled past its bound, and it is let go. What must be
//       accepted, refused, dropped and handled then is known exactly, in both worlds:
//
//         EXPECT_TRUE(props::keeps_its_bound<Deposit>(rt, [] { return Account{}; }, account_options()));
//
// Pre:  the message is at_most_once (others are not dropped) and has a number (numbered.hpp). In a simulation: no injected
//       refusals (FaultProfile none or local); everything else may go wrong.
// Source:  SPEC Q1; SEMANTICS c2: P18 to P21.
#pragma once
#include "orrery/props/flood.hpp"
#include "orrery/props/promises.hpp"
#include "orrery/props/rest.hpp"
#include "orrery/props/watched.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace orrery::props {

namespace detail {

/// What must become of `sent` messages to an actor that is held up.
struct BoundExpected {
  std::vector<std::uint64_t> taken;
  std::uint64_t refused = 0;
  std::uint64_t letters = 0;
};
[[nodiscard]] inline BoundExpected expect_of(const MailboxOptions& mailbox, std::uint64_t sent) {
  const std::uint64_t most = mailbox.capacity == 0 || mailbox.overflow == Overflow::suspend
                                 ? sent
                                 : std::min<std::uint64_t>(sent, mailbox.capacity);
  const std::uint64_t first = mailbox.overflow == Overflow::drop_oldest ? sent - most : 0;
  BoundExpected expected;
  for (std::uint64_t i = first; i < first + most; ++i) expected.taken.push_back(i);
  if (mailbox.overflow == Overflow::reject || mailbox.overflow == Overflow::drop_newest) expected.refused = sent - most;
  if (mailbox.overflow == Overflow::drop_newest || mailbox.overflow == Overflow::drop_oldest) {
    expected.letters = sent - most;
  }
  return expected;
}

[[nodiscard]] inline std::string list_of(const std::vector<std::uint64_t>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

}  // namespace detail

/// A mailbox never holds more than it is bounded to, and what comes beyond that meets its overflow policy: `reject` refuses the
/// newest, `drop_newest` also makes dead letters of them, `drop_oldest` of the oldest, `suspend` makes the sender wait; nothing
/// else is lost, and what is handled is handled in order. `promised`: what the actor's users were told, if that is said in
/// another place than its options.
///
/// Does not check: what the actor keeps in its own fields, or stashes; mixed priorities; assured messages.
template <class M, class Make>
[[nodiscard]] testing::AssertionResult keeps_its_bound(Runtime& runtime, Make make, const SpawnOptions& options,
                                                       std::optional<MailboxOptions> promised = {}) {
  static_assert(delivery_of<M>() == Delivery::at_most_once, "assured messages are neither refused nor dropped");
  const MailboxOptions mailbox = promised.value_or(options.mailbox);
  const std::uint64_t sent = std::uint64_t{2} * mailbox.capacity + 3;
  const Watch watch;
  const auto subject = spawn_subject(runtime, options, make, watch);
  using To = std::remove_const_t<decltype(subject)>;
  const auto flood = runtime.spawn(Flood<To, M>{.to = subject, .log = watch.log(), .count = sent});

  Verdict verdict{"a full mailbox holds no more than its capacity, and does what its policy says"};
  HeldUp held{runtime, subject};
  if (!held.is_held()) {
    verdict.offence("the actor ended before anything was sent");
    return verdict;
  }
  (void)tell_any(flood, Begin{});
  (void)settle_for_now(runtime);
  const auto account = runtime.ledger_of(subject.handle());
  if (mailbox.capacity != 0 && account && account->queued > mailbox.capacity) {
    verdict.offence(fmt::format("it holds {} messages, its capacity is {}", account->queued, mailbox.capacity));
  }
  held.let_go();
  if (auto rest = comes_to_rest(runtime); !rest) return rest;

  const detail::BoundExpected expected = detail::expect_of(mailbox, sent);
  const auto taken = watch.log().keys(Deed::begun);
  const std::uint64_t refused = watch.log().count(Deed::refused);
  const std::size_t letters =
      runtime.dead_letters().query({.reason = DeadLetterReason::mailbox_full, .target = subject.handle()}).size();
  if (taken != expected.taken) {
    verdict.offence(fmt::format("of {} messages it was to handle {}, and handled {}", sent,
                                detail::list_of(expected.taken), detail::list_of(taken)));
  }
  if (refused != expected.refused) {
    verdict.offence(fmt::format("{} messages were to be refused, and {} were", expected.refused, refused));
  }
  if (letters != expected.letters) {
    verdict.offence(fmt::format("{} dead letters were to be written, and {} were", expected.letters, letters));
  }
  (void)runtime.stop(subject);
  (void)runtime.stop(flood);
  return verdict;
}

/// Backpressure ends: everybody who was made to wait by a full mailbox goes on at last, and all that was sent is handled, in
/// the order of each sender. `options`: with bounded(n, Overflow::suspend).
///
/// Does not check: how long they wait, or who goes on first; what else a sender should do meanwhile.
template <class M, class Make>
[[nodiscard]] testing::AssertionResult releases_its_senders(Runtime& runtime, Make make, const SpawnOptions& options,
                                                            std::uint64_t senders = 3, std::uint64_t each = 4) {
  const Watch watch;
  const auto subject = spawn_subject(runtime, options, make, watch);
  using To = std::remove_const_t<decltype(subject)>;
  std::vector<Ref<Flood<To, M>>> floods;
  for (std::uint64_t i = 0; i < senders; ++i) {
    floods.push_back(runtime.spawn(Flood<To, M>{.to = subject, .log = watch.log(), .first = i * each, .count = each}));
  }
  for (const auto& flood : floods) (void)tell_any(flood, Begin{});
  if (auto rest = comes_to_rest(runtime); !rest) return rest;

  Verdict verdict{"whoever waits at a full mailbox goes on at last"};
  const auto all = fates(watch.log());
  for (std::uint64_t i = 0; i < senders; ++i) {
    std::uint64_t accepted = 0;
    std::uint64_t handled = 0;
    for (std::uint64_t number = i * each; number < (i + 1) * each; ++number) {
      const auto at = all.find(number);
      if (at == all.end()) continue;
      accepted += at->second.accepted;
      handled += at->second.taken > 0 ? 1U : 0U;
    }
    if (accepted < each) {
      verdict.offence(fmt::format("sender {} has sent {} of its {} messages, and goes on no more", i, accepted, each));
    } else if (handled < each) {
      verdict.offence(fmt::format("of the {} messages of sender {}, {} were handled", each, i, handled));
    }
  }
  if (verdict.holds()) {
    if (auto order = in_pair_order(watch.log()); !order) return order;
  }
  (void)runtime.stop(subject);
  for (const auto& flood : floods) (void)runtime.stop(flood);
  return verdict;
}

}  // namespace orrery::props
