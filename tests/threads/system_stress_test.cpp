// A System under load: many actors, many waiting handlers, moving senders, and stops at the worst moment.
// What each test checks beyond its own claim stands in system_fixture.hpp: above all that no message, block
// or stack is lost.
#include "system_fixture.hpp"

#include <stdexcept>
#include <string>

namespace orrery {
namespace {

TEST_F(SystemTest, a_million_idle_actors_live_and_end) {
  const std::size_t count = scaled(1'000'000);
  System& sys = start(2);
  const auto actors = sys.spawn_n<Counter>(count, [](std::size_t) { return Counter{}; });
  EXPECT_EQ(sys.living(), count);
  for (std::size_t i = 0; i < count; i += count / 16) EXPECT_EQ(*actors[i].ask(Add{2}, patience), 2);
}

// ---- suspended handlers ----

struct Open {};
/// Answers nobody until it is opened.
struct Vault {
  bool is_open = false;
  int handle(Get m, Context& context) {
    if (!is_open) context.stash(m);
    return 1;
  }
  void handle(Open, Context& context) {
    is_open = true;
    context.unstash_all();
  }
};
struct AskVault {
  using Reply = int;
  int times;
};
struct Visitor {
  Ref<Vault> vault;
  int handle(AskVault m) {
    int sum = 0;
    for (int i = 0; i < m.times; ++i) sum += vault.ask(Get{}, no_timeout).value_or(-1'000'000);
    return sum;
  }
};

TEST_F(SystemTest, twenty_thousand_handlers_wait_at_once_and_their_stacks_come_back) {
  const std::size_t count = scaled(20'000);
  System& sys = start(2);
  const auto vault = sys.spawn<Vault>();
  const auto visitors = sys.spawn_n<Visitor>(count, [&](std::size_t) { return Visitor{vault}; });
  std::vector<Pending<AskVault>> pending;
  for (const auto& visitor : visitors) pending.push_back(visitor.ask_async(AskVault{1}, no_timeout));
  ASSERT_TRUE(sys.await_quiescence(patience));  // all wait, for what nobody will send by itself
  EXPECT_GE(sys.fibers().live, count);
  ASSERT_TRUE(vault.tell(Open{}));
  for (auto& one : pending) EXPECT_EQ(*one.get(), 1);
  ASSERT_TRUE(sys.await_quiescence(patience));
  EXPECT_LE(sys.fibers().live, 2 * (LoopFibers::kept_by_worker + 1) + LoopFibers::kept_shared);
}

TEST_F(SystemTest, a_hundred_thousand_waits_in_turn_need_few_stacks) {
  const int each = static_cast<int>(scaled(100'000)) / 10;
  System& sys = start(2);
  const auto vault = sys.spawn<Vault>();
  ASSERT_TRUE(vault.tell(Open{}));
  const auto visitors = sys.spawn_n<Visitor>(10, [&](std::size_t) { return Visitor{vault}; });
  std::vector<Pending<AskVault>> pending;
  for (const auto& visitor : visitors) pending.push_back(visitor.ask_async(AskVault{each}, no_timeout));
  for (auto& one : pending) EXPECT_EQ(*one.get(), each);
  EXPECT_LE(sys.fibers().created, 2 * (LoopFibers::kept_by_worker + 1) + 10);
}

TEST_F(SystemTest, handlers_that_wait_when_the_system_ends_are_unwound) {
  System& sys = start(2);
  const auto vault = sys.spawn<Vault>();
  for (std::size_t i = 0; i < scaled(2'000); ++i) {
    ASSERT_TRUE(sys.spawn(Visitor{vault}).tell(AskVault{1}, ignore_reply));
  }
  ASSERT_TRUE(sys.await_quiescence(patience));
}

// ---- unwinding ----

struct Counts {
  std::atomic<int> entered{0}, left{0}, unwound{0}, answered{0}, kept_exception{0}, moved{0};
};
struct Scope {
  Counts& counts;
  explicit Scope(Counts& c) : counts{c} { ++counts.entered; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { ++counts.left; }
};
enum class Where : std::uint8_t { plainly, in_catch, in_destructor };
struct WaitThere {
  Where where;
};
struct Unwinder {
  Ref<Vault> vault;
  std::shared_ptr<Counts> counts;

  void handle(WaitThere m) {
    const Scope scope{*counts};
    const void* const worker = current_execution();  // get_id() is a constant to the compiler
    if (m.where == Where::plainly) {
      wait();
    } else if (m.where == Where::in_catch) {
      try {
        throw std::runtime_error{"mine"};
      } catch (const std::exception& error) {
        const Scope inner{*counts};
        wait();
        if (std::current_exception() != nullptr && std::string{error.what()} == "mine") ++counts->kept_exception;
      }
    } else {
      struct AsksAtTheEnd {
        Unwinder& self;
        ~AsksAtTheEnd() {  // a wait while an exception flies must not throw: it is refused
          const auto outcome = self.vault.ask(Get{}, no_timeout);
          if (!outcome && outcome.error() == AskError::actor_stopped) ++self.counts->unwound;
        }
      } const at_the_end{*this};
      vault.ask(Get{}, no_timeout).value();
    }
    ++counts->answered;
    if (current_execution() != worker) ++counts->moved;
  }
  void wait() {
    try {
      (void)vault.ask(Get{}, no_timeout);
    } catch (const Unwind&) {
      ++counts->unwound;
      throw;
    }
  }
};

TEST_F(SystemTest, stop_and_kill_unwind_waiting_handlers_wherever_they_wait) {
  const int each = static_cast<int>(scaled(1'500));
  System& sys = start(3);
  const auto vault = sys.spawn<Vault>();
  const auto counts = std::make_shared<Counts>();
  std::vector<Ref<Unwinder>> actors;
  for (int i = 0; i < 3 * each; ++i) {
    actors.push_back(sys.spawn(Unwinder{vault, counts}));
    ASSERT_TRUE(actors.back().tell(WaitThere{static_cast<Where>(i % 3)}));
  }
  ASSERT_TRUE(sys.await_quiescence(patience));
  for (std::size_t i = 0; i < actors.size(); ++i) EXPECT_TRUE(i % 2 == 0 ? sys.stop(actors[i]) : sys.kill(actors[i]));
  ASSERT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(sys.living(), 1U);
  EXPECT_EQ(counts->unwound, 3 * each);
  EXPECT_EQ(counts->entered, 4 * each);
  EXPECT_EQ(counts->left, 4 * each);
  EXPECT_EQ(counts->answered, 0);
  EXPECT_EQ(sys.ledger().failed,
            static_cast<std::uint64_t>(3 * each));  // the messages in the unwound handlers
}

TEST_F(SystemTest, handlers_that_wait_inside_a_catch_block_move_between_workers_with_their_exception) {
  System& sys = start(4);
  const auto counts = std::make_shared<Counts>();
  int sent = 0;
  for (int round = 0; round < 1'000 && (round < 3 || counts->moved == 0); ++round) {
    const auto vault = sys.spawn<Vault>();
    for (std::size_t i = 0; i < scaled(1'000); ++i, ++sent) {
      ASSERT_TRUE(sys.spawn(Unwinder{vault, counts}).tell(WaitThere{Where::in_catch}));
    }
    ASSERT_TRUE(sys.await_quiescence(patience));
    ASSERT_TRUE(vault.tell(Open{}));
    ASSERT_TRUE(sys.await_quiescence(patience));
  }
  EXPECT_EQ(counts->answered, sent);
  EXPECT_EQ(counts->kept_exception, sent);
  EXPECT_GT(counts->moved, 0);
}

// Goal:   a stop that meets a handler just as its reply comes unwinds it or lets it end, never both, never
// neither.
TEST_F(SystemTest, stops_that_race_with_replies_lose_nobody) {
  System& sys = start(3);
  const auto counts = std::make_shared<Counts>();
  int sent = 0;
  for (std::size_t round = 0; round < scaled(300); ++round) {
    const auto vault = sys.spawn<Vault>();
    const int before = counts->entered;
    std::vector<Ref<Unwinder>> actors;
    for (int i = 0; i < 20; ++i, ++sent) {
      actors.push_back(sys.spawn(Unwinder{vault, counts}));
      ASSERT_TRUE(actors.back().tell(WaitThere{i % 2 == 0 ? Where::plainly : Where::in_catch}));
    }
    ASSERT_TRUE(eventually([&] { return counts->entered > before; }));
    std::jthread opener{[&] { EXPECT_TRUE(vault.tell(Open{})); }};
    for (const auto& actor : actors) (void)sys.stop(actor);
  }
  ASSERT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(counts->entered, counts->left);
  EXPECT_LE(counts->answered + counts->unwound, sent);  // the others were stopped before they began
  EXPECT_GT(counts->answered + counts->unwound, 0);
}

// ---- order ----

struct Numbered {
  std::uint32_t sender;
  std::uint64_t number;
};
struct Receiver {
  std::vector<std::uint64_t> next;
  std::shared_ptr<std::atomic<std::uint64_t>> handled, wrong;
  void handle(Numbered m) {
    if (next[m.sender]++ != m.number) ++*wrong;
    handled->fetch_add(1, std::memory_order_relaxed);
  }
  int handle(Get) const { return 1; }
};
struct Stream {
  std::uint32_t sender;
  std::uint64_t from, count;
};
struct Streamer {
  std::vector<Ref<Receiver>> receivers;
  std::vector<Ref<Counter>> detours;
  std::shared_ptr<std::atomic<std::uint64_t>> moves;
  void handle(Stream m, Context& context) {
    for (std::uint64_t i = m.from; i < m.from + m.count; ++i) {
      for (const auto& receiver : receivers) EXPECT_TRUE(receiver.tell(Numbered{m.sender, i}));
      if (i % 16 == 0) {
        const void* const worker = current_execution();  // get_id() is a constant to the compiler
        EXPECT_TRUE(detours[context.draw("detour", detours.size())].ask(Add{1}, no_timeout));
        if (current_execution() != worker) moves->fetch_add(1, std::memory_order_relaxed);
      }
      if (i % 256 == 0) {
        for (const auto& receiver : receivers) EXPECT_TRUE(receiver.ask(Get{}, no_timeout));  // a window
      }
    }
  }
};

// Goal:   messages of one pair arrive in order although the sender moves between workers.
// Method: senders ask other actors between their tells, so that they continue wherever the reply finds a worker. How the
//         system's threads get the processor decides whether that is another one: rounds, until it has been.
//         ORRERY_FIFO_MESSAGES sets the number of messages (by hand, 100'000'000).
class SenderMoves : public SystemTest, public testing::WithParamInterface<unsigned> {};

TEST_P(SenderMoves, messages_of_a_pair_stay_in_order) {
  const char* const wanted = std::getenv("ORRERY_FIFO_MESSAGES");
  const std::size_t messages = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : scaled(2'000'000);
  constexpr std::uint32_t senders = 12;
  constexpr std::size_t receivers = 3;
  System& sys = start(GetParam());
  const auto handled = std::make_shared<std::atomic<std::uint64_t>>(0);
  const auto wrong = std::make_shared<std::atomic<std::uint64_t>>(0);
  const auto moves = std::make_shared<std::atomic<std::uint64_t>>(0);
  const auto to = sys.spawn_n<Receiver>(
      receivers, [&](std::size_t) { return Receiver{std::vector<std::uint64_t>(senders), handled, wrong}; });
  const auto detours = sys.spawn_n<Counter>(8, [](std::size_t) { return Counter{}; });
  const std::uint64_t each = std::max<std::uint64_t>(messages / senders / receivers, 300);
  std::uint64_t rounds = 0;
  while (rounds == 0 || (*moves == 0 && rounds < 1'000)) {
    for (std::uint32_t i = 0; i < senders; ++i) {
      ASSERT_TRUE(sys.spawn(Streamer{to, detours, moves}).tell(Stream{i, rounds * each, each}));
    }
    ASSERT_TRUE(sys.await_quiescence(patience + std::chrono::nanoseconds{messages * 5'000}));
    ++rounds;
  }
  EXPECT_EQ(*handled, rounds * each * senders * receivers);
  EXPECT_EQ(*wrong, 0U);
  EXPECT_GT(*moves, 0U);
  RecordProperty("moves", std::to_string(*moves));
}
INSTANTIATE_TEST_SUITE_P(Threads, SenderMoves, testing::Values(2U, 8U));

// ---- everything at once ----

struct Roam {
  int energy;
};
struct Question {
  using Reply = int;
  int energy;
};
struct Roamer {
  std::shared_ptr<std::vector<Ref<Roamer>>> all;
  std::shared_ptr<std::atomic<std::uint64_t>> answers, failures;

  [[nodiscard]] const Ref<Roamer>& any(Context& context) const { return (*all)[context.draw("who", all->size())]; }

  int handle(Question m, Context& context) {
    if (context.draw("slow", 200) == 0) context.sleep(std::chrono::microseconds{context.draw("nap", 500)});
    if (context.draw("fail", 500) == 0) throw std::runtime_error{"by chance"};
    if (m.energy > 0 && context.draw("deeper", 4) == 0) count(any(context).ask(Question{m.energy - 1}, 2ms));
    return m.energy;
  }
  void handle(Roam m, Context& context) {
    if (m.energy == 0) return;
    const Roam less{m.energy - 1};
    switch (context.draw("what", 12)) {
      case 0:
        count(any(context).ask(Question{3}, std::chrono::microseconds{context.draw("deadline", 1'000)}));
        break;
      case 1:
        count(any(context).ask(Question{2}, no_timeout_but_no_ring));
        break;
      case 2:
        (void)context.after(*this, std::chrono::microseconds{context.draw("delay", 300)}, less);
        return;
      case 3: {
        auto first = any(context).ask_async(Question{1}, 3ms);
        auto second = any(context).ask_async(Question{1}, 2ms);
        (void)wait_any(first, second);
        const auto [one, other] = wait_all(first, second);
        count(one);
        count(other);
        break;
      }
      case 4:
        if (context.draw("end", 20) == 0) context.runtime().kill(any(context));
        break;
      case 5:
        if (context.draw("end", 20) == 0) context.runtime().stop(any(context));
        break;
      case 6:
        if (context.draw("throw", 10) == 0) throw std::runtime_error{"by chance"};
        break;
      case 7:
        (void)context.spawn(Roamer{all, answers, failures}).tell(Roam{0});
        break;
      default:
        break;
    }
    (void)any(context).tell(less);
  }

 private:
  static constexpr Duration no_timeout_but_no_ring = 20ms;  // rings of asks must end by a deadline
  void count(const AskResult<Question>& outcome) { ++*(outcome ? answers : failures); }
};

TEST_F(SystemTest, ten_thousand_actors_under_random_load_lose_nothing) {
  const std::size_t count = scaled(10'000, 200);
  System& sys = start(4);
  const auto all = std::make_shared<std::vector<Ref<Roamer>>>();
  const auto answers = std::make_shared<std::atomic<std::uint64_t>>(0);
  const auto failures = std::make_shared<std::atomic<std::uint64_t>>(0);
  for (std::size_t i = 0; i < count; ++i) {
    MailboxOptions mailbox = unbounded();
    if (i % 5 == 0) mailbox = bounded(4, static_cast<Overflow>(i / 5 % 4));
    if (i % 5 == 0 && mailbox.overflow == Overflow::suspend)
      mailbox.overflow = Overflow::reject;  // else rings of senders
    SpawnOptions options{.mailbox = mailbox};
    if (i % 3 == 0) options.restart = Restart{.intensity = 3, .period = 1h};
    all->push_back(sys.spawn(Roamer{all, answers, failures}, options));
  }
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < count; i += 2) {
          (void)(*all)[i].tell(Roam{20});
          if (i % 64 < 2) (void)(*all)[i].ask(Question{2}, 3ms);
        }
      });
    }
  }
  ASSERT_TRUE(sys.await_quiescence(patience));
  EXPECT_GT(*answers, 0U);
  EXPECT_GT(*failures, 0U);
  const Ledger account = sys.ledger();
  EXPECT_TRUE(account.adds_up()) << orrery_describe(account);
  EXPECT_GT(account.handled, 10 * count);
  EXPECT_GT(account.failed, 0U);
  all->clear();  // the actors hold it, and it holds only references
}

TEST_F(SystemTest, a_system_that_ends_under_load_accounts_for_everything) {
  for (std::size_t round = 0; round < scaled(40, 4); ++round) {
    System& sys = start(1 + round % 4);
    const auto all = std::make_shared<std::vector<Ref<Roamer>>>();
    const auto answers = std::make_shared<std::atomic<std::uint64_t>>(0);
    const auto failures = std::make_shared<std::atomic<std::uint64_t>>(0);
    for (int i = 0; i < 100; ++i) {
      all->push_back(
          sys.spawn(Roamer{all, answers, failures}, {.restart = Restart{.intensity = 1'000'000, .period = 1s}}));
    }
    for (int i = 0; i < 100; ++i) (void)(*all)[static_cast<std::size_t>(i)].tell(Roam{1'000'000});
    std::this_thread::yield();
    finish();
  }
}

}  // namespace
}  // namespace orrery
