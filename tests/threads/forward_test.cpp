// Goal:   on threads, every ask that is passed on or kept open has one outcome, and no block of it is lost.
// Method: many askers, chains of actors that pass on, targets that end or are full meanwhile; the fixture checks accounts and
//         memory at the end.
#include "tests/threads/system_fixture.hpp"

#include <deque>
#include <utility>

namespace orrery {
namespace {

struct Question {
  using Reply = int;
  int value = 0;
};
struct Oracle {
  int handle(Question m) { return m.value + 1; }
};
/// Passes on, keeps open for a while, or drops, in turn.
struct Desk {
  Recipient<Question> next;
  std::uint32_t period = 1;  ///< every so many asks one is kept, and the one kept before it goes on
  std::uint32_t count = 0;
  OpenAsk<Question> kept{};
  Answer<int> handle(Question m, Context& context) {
    if (++count % period != 0) {
      context.forward(m, next);
      return elsewhere;
    }
    OpenAsk<Question> before = std::exchange(kept, context.open_ask<Question>());
    if (before) before.forward(Question{m.value}, next);
    return elsewhere;
  }
};
struct Start {
  std::uint32_t asks;
};
struct Asker {
  std::vector<Recipient<Question>> of;
  std::shared_ptr<std::atomic<std::uint64_t>> replies, errors;
  void handle(Start m) {
    for (std::uint32_t i = 0; i < m.asks; ++i) {
      const auto reply =
          of[i % of.size()].ask(Question{static_cast<int>(i)}, i % 8 == 0 ? Duration{200us} : Duration{5ms});
      ++*(reply ? replies : errors);
    }
  }
};

class ForwardTest : public SystemTest {
 protected:
  std::shared_ptr<std::atomic<std::uint64_t>> replies = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::shared_ptr<std::atomic<std::uint64_t>> errors = std::make_shared<std::atomic<std::uint64_t>>(0);
};

TEST_F(ForwardTest, every_ask_through_chains_of_desks_has_one_outcome) {
  System& rt = start(4);
  const auto oracle = rt.spawn(Oracle{});
  const auto narrow = rt.spawn(Oracle{}, {.mailbox = bounded(2, Overflow::reject)});
  const auto waited_for = rt.spawn(Oracle{}, {.mailbox = bounded(2, Overflow::suspend)});
  const auto dropping = rt.spawn(Oracle{}, {.mailbox = bounded(2, Overflow::drop_oldest)});
  std::vector<Recipient<Question>> fronts;
  for (const auto& behind : {oracle, narrow, waited_for, dropping}) {
    const auto second = rt.spawn(Desk{behind, 5});
    fronts.push_back(rt.spawn(Desk{second, 7}));
    fronts.push_back(rt.spawn(Desk{second, 1'000'000}, {.mailbox = bounded(8, Overflow::suspend)}));
  }
  const auto asks = static_cast<std::uint32_t>(scaled(400));
  constexpr std::uint32_t askers = 64;
  for (std::uint32_t i = 0; i < askers; ++i) rt.spawn(Asker{fronts, replies, errors}).tell(Start{asks});
  ASSERT_TRUE(rt.await_quiescence(patience));
  EXPECT_EQ(*replies + *errors, std::uint64_t{askers} * asks);
  EXPECT_GT(*replies, 0U);
}

TEST_F(ForwardTest, actors_that_end_meanwhile_leave_no_ask_without_outcome) {
  System& rt = start(4);
  const auto rounds = scaled(60, 4);
  constexpr std::uint32_t askers = 8;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto oracle = rt.spawn(Oracle{});
    const auto front = rt.spawn(Desk{oracle, 3});
    for (std::uint32_t i = 0; i < askers; ++i) rt.spawn(Asker{{front}, replies, errors}).tell(Start{8});
    rt.stop(oracle);
    if (round % 2 == 0) rt.stop(front);
  }
  ASSERT_TRUE(rt.await_quiescence(patience));
  EXPECT_EQ(*replies + *errors, rounds * askers * 8);
}

TEST_F(ForwardTest, a_foreign_thread_answers_what_an_actor_keeps_open) {
  struct Keeper {
    std::shared_ptr<std::atomic<OpenAsk<Question>*>> hand_over;
    Answer<int> handle(Question, Context& context) {
      auto* const open = new OpenAsk<Question>{context.open_ask<Question>()};
      delete hand_over->exchange(open);
      return elsewhere;
    }
  };
  System& rt = start(2);
  const auto hand_over = std::make_shared<std::atomic<OpenAsk<Question>*>>(nullptr);
  const auto keeper = rt.spawn(Keeper{hand_over});
  std::atomic<bool> done{false};
  std::thread answers{[&] {
    while (!done.load()) {
      if (OpenAsk<Question>* const open = hand_over->exchange(nullptr); open != nullptr) {
        open->answer(5);
        delete open;
      }
    }
  }};
  for (std::size_t i = 0; i < scaled(2'000); ++i) ASSERT_EQ(keeper.ask(Question{}, no_timeout), 5);
  done = true;
  answers.join();
}

}  // namespace
}  // namespace orrery
