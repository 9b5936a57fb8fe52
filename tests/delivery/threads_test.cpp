// Goal:   on threads the classes hold too: while receivers fail at random, restart and are full, nothing assured is lost, no
//         pair's order changes, and what is exactly_once is done once all along a chain.
// Method: many senders, few receivers, a seed; every account is checked when all is at rest.
#include "tests/support/scale.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <orrery/supervision.hpp>
#include <orrery/system.hpp>
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

namespace orrery {
namespace {

using namespace std::chrono_literals;
using test_support::Random;
using test_support::scaled;

/// What outlives the restarts, of all receivers together.
struct Records {
  std::mutex mutex;
  std::map<std::pair<int, int>, std::vector<int>> done;  // by receiver and sender: what ended, in order
  std::atomic<int> failures{0};
  std::atomic<int> unmarked{0};

  void add(int receiver, int sender, int number) {
    const std::lock_guard guard{mutex};
    done[{receiver, sender}].push_back(number);
  }
};

template <Delivery D>
struct Parcel {
  static constexpr Delivery delivery = D;
  int sender = 0;
  int number = 0;
};

/// Fails at random, passes on what it gets, and writes down what it has done.
template <Delivery D>
struct Station {
  Records* records;
  int me;
  std::vector<Ref<Station>> next;
  Random random;
  void handle(Parcel<D> parcel, Context& context) {
    // A message fails at most three times, since five would be the end of it.
    const bool fails = context.attempt() < 3 && random.below(4) == 0;
    const auto station = next.empty() ? Ref<Station>{} : next[static_cast<std::size_t>(parcel.sender) % next.size()];
    if (!next.empty() && random.below(2) == 0)
      (void)station.tell(parcel);
    else if (!next.empty() && !fails)
      (void)station.tell(parcel);
    if (random.below(8) == 0) context.sleep(1us);
    if (fails) {
      records->failures.fetch_add(1);
      throw std::runtime_error{"at random"};
    }
    records->add(me, parcel.sender, parcel.number);
  }
};

template <Delivery D>
struct Source {
  struct Go {
    int count;
  };
  Ref<Station<D>> to;
  int me;
  void handle(Go go) {
    for (int i = 0; i < go.count; ++i) (void)to.tell(Parcel<D>{me, i});
  }
};

RuntimeOptions quick() {
  RuntimeOptions options;
  options.delivery.backoff_first = 50us;
  options.delivery.backoff_most = 1ms;
  options.delivery.dedupe_ids_max = 1'000'000;
  options.delivery.waiting_max = 1'000'000;  // a sender that is never refused can be far ahead
  options.mailbox_depth_warning = 0;
  return options;
}

template <Delivery D>
void run_stations(std::uint64_t seed, MailboxOptions mailbox, MailOnRestart mail) {
  Records records;
  const int senders = 8;
  const int messages = scaled(400);
  {
    System system{{.threads = 4, .runtime = quick(), .reports_per_minute = 0}};
    const Restart often{.intensity = 1'000'000, .period = 1s};
    std::vector<Ref<Station<D>>> last;
    std::vector<Ref<Station<D>>> first;
    const auto spawn = [&](int me, std::vector<Ref<Station<D>>> next) {
      return *system.template spawn<Station<D>>(
          fmt::format("station{}", me),
          [&records, me, next, incarnation = std::uint64_t{0}, seed]() mutable {
            return Station<D>{&records, me, next,
                              Random{seed * 1'000 + static_cast<std::uint64_t>(me) + 100 * incarnation++}};
          },
          {.mailbox = mailbox, .restart = often, .mail_on_restart = mail});
    };
    for (int me = 0; me < 2; ++me) last.push_back(spawn(me, {}));
    for (int me = 2; me < 4; ++me) first.push_back(spawn(me, last));
    for (int me = 0; me < senders; ++me) {
      system.spawn(Source<D>{first[static_cast<std::size_t>(me / 2 % 2)], me}).tell(typename Source<D>::Go{messages});
    }
    ASSERT_TRUE(system.await_quiescence(60s));
    const Ledger ledger = system.ledger();
    EXPECT_TRUE(ledger.adds_up()) << orrery_describe(ledger);
    EXPECT_EQ(ledger.queued, 0U) << orrery_describe(ledger);
    EXPECT_EQ(ledger.dead_lettered, 0U) << orrery_describe(ledger);
    EXPECT_EQ(ledger.refused, 0U) << orrery_describe(ledger);
  }
  EXPECT_GT(records.failures.load(), messages / 4);
  for (const auto& [who, numbers] : records.done) {
    const auto [receiver, sender] = who;
    const bool is_first = receiver >= 2;
    // At the first station every message ends once. Behind it, what a failed attempt has told came too, unless that was
    // held back; in order but for what came again.
    if (is_first || D == Delivery::exactly_once) {
      ASSERT_EQ(numbers.size(), static_cast<std::size_t>(messages)) << "receiver " << receiver << " sender " << sender;
      for (int i = 0; i < messages; ++i) ASSERT_EQ(numbers[static_cast<std::size_t>(i)], i);
    } else {
      ASSERT_GE(numbers.size(), static_cast<std::size_t>(messages));
      for (std::size_t i = 1; i < numbers.size(); ++i) ASSERT_LE(numbers[i] - numbers[i - 1], 1) << "one was left out";
      ASSERT_EQ(numbers.back(), messages - 1);
    }
  }
  std::size_t pairs = 0;
  for (const auto& [who, numbers] : records.done) pairs += who.first >= 2 ? 1 : 0;
  EXPECT_EQ(pairs, static_cast<std::size_t>(senders));
}

TEST(OnThreads, at_least_once_is_done_and_in_order_while_receivers_fail_at_random) {
  for (const auto mail : {MailOnRestart::keep, MailOnRestart::drop}) {
    run_stations<Delivery::at_least_once>(1, unbounded(), mail);
  }
}

TEST(OnThreads, exactly_once_is_done_once_along_a_chain_while_receivers_fail_at_random) {
  for (const auto mail : {MailOnRestart::keep, MailOnRestart::drop}) {
    run_stations<Delivery::exactly_once>(2, unbounded(), mail);
  }
}

TEST(OnThreads, full_mailboxes_lose_nothing) {
  std::uint64_t seed = 3;
  for (const auto policy : {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest}) {
    run_stations<Delivery::at_least_once>(seed++, bounded(4, policy), MailOnRestart::keep);
    run_stations<Delivery::exactly_once>(seed++, bounded(4, policy), MailOnRestart::drop);
  }
}

}  // namespace
}  // namespace orrery
