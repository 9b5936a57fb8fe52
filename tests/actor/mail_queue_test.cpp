// Goal:   the unbounded mailbox keeps the order of its exchanges and hands the right to consume to exactly
//         one party.
// Method: its protocol step by step and against a model on one thread; then four producers, where whoever
//         wakes it consumes. What the consumer writes is not atomic, so that ThreadSanitizer judges how the
//         right is handed on.
#include "orrery/actor/mail_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace orrery {
namespace {

struct Mail : Link {
  Mail() = default;
  Mail(int who, std::uint32_t number) : sender{who}, sequence{number} {}
  int sender = 0;
  std::uint32_t sequence = 0;
};

TEST(MailQueue, a_push_that_finds_nobody_home_says_so_and_the_next_does_not) {
  MailQueue mailbox;
  Mail first, second;
  EXPECT_TRUE(mailbox.push(first));
  EXPECT_FALSE(mailbox.push(second));
}

TEST(MailQueue, mail_leaves_in_the_order_of_arrival) {
  MailQueue mailbox;
  std::array<Mail, 5> mail;
  EXPECT_TRUE(mailbox.push(mail[0]));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_FALSE(mailbox.push(mail[i]));
  EXPECT_EQ(mailbox.take(), &mail[0]);
  EXPECT_EQ(mailbox.take(), &mail[1]);
  EXPECT_FALSE(mailbox.push(mail[4]));
  for (std::size_t i = 2; i < 5; ++i) EXPECT_EQ(mailbox.take(), &mail[i]);
  EXPECT_EQ(mailbox.take(), nullptr);
}

TEST(MailQueue, is_busy_after_the_last_take_until_it_is_declared_idle) {
  MailQueue mailbox;
  Mail first, second, third;
  EXPECT_TRUE(mailbox.push(first));
  EXPECT_EQ(mailbox.take(), &first);
  EXPECT_FALSE(mailbox.push(second)) << "the consumer is still there";
  EXPECT_EQ(mailbox.take(), &second);
  EXPECT_EQ(mailbox.take(), nullptr);
  EXPECT_TRUE(mailbox.go_idle());
  EXPECT_TRUE(mailbox.push(third));
}

TEST(MailQueue, cannot_go_idle_when_something_has_arrived) {
  MailQueue mailbox;
  Mail first, second;
  EXPECT_TRUE(mailbox.push(first));
  EXPECT_EQ(mailbox.take(), &first);
  EXPECT_EQ(mailbox.take(), nullptr);
  EXPECT_FALSE(mailbox.push(second));
  EXPECT_FALSE(mailbox.go_idle());
  EXPECT_EQ(mailbox.take(), &second);
  EXPECT_TRUE(mailbox.go_idle());
}

TEST(MailQueue, is_claimed_only_while_idle) {
  MailQueue mailbox;
  Mail mail;
  EXPECT_TRUE(mailbox.claim());
  EXPECT_FALSE(mailbox.claim()) << "busy";
  EXPECT_FALSE(mailbox.push(mail)) << "the claimer is the consumer";
  EXPECT_FALSE(mailbox.claim()) << "occupied";
  EXPECT_EQ(mailbox.take(), &mail);
  EXPECT_TRUE(mailbox.go_idle());
  EXPECT_TRUE(mailbox.claim());
  EXPECT_EQ(mailbox.take(), nullptr);
  EXPECT_TRUE(mailbox.go_idle());
}

TEST(MailQueue, a_taken_node_can_be_pushed_again_at_once) {
  MailQueue mailbox;
  Mail only;
  EXPECT_TRUE(mailbox.push(only));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(mailbox.take(), &only);
    EXPECT_FALSE(mailbox.push(only));  // M3
  }
}

TEST(MailQueue, front_and_count_see_what_is_queued_without_taking_it) {
  MailQueue mailbox;
  std::array<Mail, 4> mail;
  EXPECT_EQ(mailbox.front(), nullptr);
  EXPECT_EQ(mailbox.count(10), 0u);
  (void)mailbox.push(mail[0]);
  for (std::size_t i = 1; i < mail.size(); ++i) (void)mailbox.push(mail[i]);
  EXPECT_EQ(mailbox.front(), &mail[0]);
  EXPECT_EQ(mailbox.count(10), 4u);
  EXPECT_EQ(mailbox.count(3), 3u) << "counts no further than asked";
  EXPECT_EQ(mailbox.count(10, &mail[2]), 3u) << "all but the one that does not count";
  EXPECT_EQ(mailbox.take(), &mail[0]);
  EXPECT_EQ(mailbox.front(), &mail[1]);
  EXPECT_EQ(mailbox.count(10), 3u);
  for (int i = 0; i < 3; ++i) (void)mailbox.take();
  EXPECT_EQ(mailbox.front(), nullptr);
}

TEST(MailQueue, agrees_with_a_queue_and_a_flag_under_random_operations) {
  std::mt19937_64 random{20'240'517};
  MailQueue mailbox;
  std::deque<Mail*> queued;
  std::vector<std::unique_ptr<Mail>> outside;
  for (int i = 0; i < 12; ++i) outside.push_back(std::make_unique<Mail>());
  std::vector<std::unique_ptr<Mail>> inside;
  bool somebody_home = false;
  for (int step = 0; step < 20'000; ++step) {
    const auto choice = random() % 5;
    if (choice < 2 && !outside.empty()) {
      Mail& mail = *outside.back();
      ASSERT_EQ(mailbox.push(mail), !somebody_home);
      somebody_home = true;
      queued.push_back(&mail);
      inside.push_back(std::move(outside.back()));
      outside.pop_back();
    } else if (choice == 2 || (choice == 3 && !queued.empty())) {
      if (!somebody_home) continue;  // only the consumer takes
      ASSERT_EQ(mailbox.front(), queued.empty() ? nullptr : queued.front());
      Link* const taken = mailbox.take();
      ASSERT_EQ(taken, queued.empty() ? nullptr : queued.front());
      if (taken == nullptr) continue;
      queued.pop_front();
      outside.push_back(std::move(inside.front()));
      inside.erase(inside.begin());
    } else if (choice == 3 && somebody_home) {
      ASSERT_EQ(mailbox.take(), nullptr);
      ASSERT_TRUE(mailbox.go_idle());
      somebody_home = false;
    } else if (choice == 4) {
      ASSERT_EQ(mailbox.claim(), !somebody_home);
      somebody_home = true;
    }
    ASSERT_EQ(mailbox.count(100), queued.size());
  }
}

/// Takes everything until the mailbox can be left idle; frees each node at once (M3).
template <class Handle>
void consume(MailQueue& mailbox, std::atomic<int>& consumers, Handle&& handle) {
  do {
    ASSERT_EQ(consumers.fetch_add(1, std::memory_order_relaxed), 0) << "M2: two consumers";
    while (Link* const link = mailbox.take()) {
      const std::unique_ptr<Mail> mail{static_cast<Mail*>(link)};
      handle(*mail);
    }
    consumers.fetch_sub(1, std::memory_order_relaxed);
  } while (!mailbox.go_idle());
}

TEST(MailboxStress, four_producers_keep_their_own_order_and_lose_nothing) {
  constexpr int producers = 4;
  constexpr std::uint32_t each = 20'000;
  MailQueue mailbox;
  std::atomic<int> consumers{0};
  std::array<std::uint32_t, producers> next{};  // the consumer's, whoever that is
  std::uint64_t out_of_order = 0;
  const auto handle = [&](const Mail& mail) {
    auto& expected = next[static_cast<std::size_t>(mail.sender)];
    if (mail.sequence != expected) ++out_of_order;
    expected = mail.sequence + 1;
  };
  {
    std::vector<std::jthread> threads;
    for (int sender = 0; sender < producers; ++sender) {
      threads.emplace_back([&, sender] {
        for (std::uint32_t i = 0; i < each; ++i) {
          if (mailbox.push(*new Mail{sender, i})) consume(mailbox, consumers, handle);
        }
      });
    }
  }
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(next, (std::array<std::uint32_t, producers>{each, each, each, each}));
  EXPECT_TRUE(mailbox.claim()) << "whoever consumed last left it idle";
}

// The consumer is as fast as the producer, so that pushes fall between its look at the last node's link and
// its attempt to detach that node.
TEST(MailboxStress, a_push_behind_the_node_being_taken_is_not_lost) {
  constexpr std::uint32_t rounds = 300'000;
  MailQueue mailbox;
  std::vector<Mail> mail(rounds);
  ASSERT_TRUE(mailbox.claim());
  std::jthread producer{[&] {
    for (auto& one : mail) {
      if (mailbox.push(one)) std::abort();  // M2: the claimer is the consumer throughout
    }
  }};
  for (auto& expected : mail) {
    Link* taken = nullptr;
    while (taken == nullptr) taken = mailbox.take();
    ASSERT_EQ(taken, &expected);
  }
  EXPECT_TRUE(mailbox.go_idle());
}

TEST(MailboxStress, a_sender_that_moves_between_threads_keeps_its_order) {
  constexpr std::uint32_t moves = 20'000;
  MailQueue mailbox;
  std::atomic<int> consumers{0};
  std::uint32_t next = 0;
  std::uint64_t out_of_order = 0;
  const auto handle = [&](const Mail& mail) {
    if (mail.sender != 0) return;
    if (mail.sequence != next) ++out_of_order;
    next = mail.sequence + 1;
  };
  std::mutex moving;  // whoever holds it is the thread that the sender runs on
  std::uint32_t sent = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (;;) {
          bool must_consume = false;
          {
            const std::lock_guard here{moving};
            if (sent == moves) return;
            must_consume = mailbox.push(*new Mail{0, sent++});
          }
          if (must_consume) consume(mailbox, consumers, handle);
          if (mailbox.push(*new Mail{1 + thread, 0})) consume(mailbox, consumers, handle);
        }
      });
    }
  }
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(next, moves);
}

}  // namespace
}  // namespace orrery
