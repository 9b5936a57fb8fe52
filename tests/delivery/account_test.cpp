// Goal:   whatever befalls the receivers, each class keeps its word, and each message is accounted for: at_most_once is never
//         begun twice; at_least_once and exactly_once end, or are dead letters with their history; exactly_once has one
//         effect though everything is sent twice; what comes again is marked; the order of a pair holds.
// Method: drawn lives in both worlds: handlers that fail, wait, put aside and pass on as their message's number has it;
//         actors that restart, or are killed and come back; mailboxes of every policy. The fixture checks the ledger.
#include "tests/supervision/fixture.hpp"

#include <gtest/gtest.h>

#include <orrery/actor.hpp>
#include <map>
#include <mutex>

namespace orrery {
namespace {

using namespace std::chrono_literals;
using supervision_tests::Stage;

template <Delivery D>
struct Job {
  static constexpr Delivery delivery = D;
  int sender = 0;
  int number = 0;
};
constexpr int senders = 3;
constexpr int numbers = 6;
constexpr int poison = 4;  ///< of the last sender: a number that no handler survives

/// One message, whatever copy of it.
struct Name {
  Delivery delivery;
  int sender;
  int number;
  auto operator<=>(const Name&) const = default;
};
MessageId id_of(const Name& name) {
  return message_id_of(fmt::format("{} {} {}", static_cast<int>(name.delivery), name.sender, name.number));
}

/// What happened at one station. Outlives its restarts.
struct Station {
  mutable std::mutex mutex;
  std::map<Name, std::vector<std::uint32_t>> begun;  ///< with which attempt numbers
  std::vector<Name> ended;

  void begin(const Name& name, std::uint32_t attempt) {
    const std::lock_guard guard{mutex};
    begun[name].push_back(attempt);
  }
  void end(const Name& name) {
    const std::lock_guard guard{mutex};
    ended.push_back(name);
  }
  [[nodiscard]] int times_ended(const Name& name) const { return static_cast<int>(std::ranges::count(ended, name)); }
};

struct Plan {
  std::uint64_t seed = 0;
  bool puts_aside = false;
  [[nodiscard]] std::uint64_t draw(const Name& name, int what, std::uint64_t limit) const {
    return mix64(seed ^ mix64(id_of(name).low + static_cast<std::uint64_t>(what))) % limit;
  }
  [[nodiscard]] bool is_poison(const Name& name) const { return name.sender == senders - 1 && name.number == poison; }
  [[nodiscard]] std::uint32_t failures(const Name& name) const {
    return is_poison(name) ? 1'000 : static_cast<std::uint32_t>(draw(name, 1, 4) == 0 ? draw(name, 2, 3) + 1 : 0);
  }
  [[nodiscard]] bool passes_on(const Name& name) const { return !is_poison(name) && draw(name, 3, 4) == 0; }
  [[nodiscard]] bool puts(const Name& name) const { return puts_aside && draw(name, 4, 5) == 0; }
  [[nodiscard]] bool waits(const Name& name) const { return draw(name, 5, 3) == 0; }
};

struct Resume {};
struct Worker {
  Plan plan;
  std::shared_ptr<Station> station;
  Ref<Worker> next{};  ///< whom it passes on to, if anybody
  bool resumed = false;

  void handle(Resume, Context& context) {
    resumed = true;
    context.unstash_all();
  }
  template <Delivery D>
  void handle(Job<D> job, Context& context) {
    const Name name{D, job.sender, job.number};
    if (plan.puts(name) && !resumed) return context.stash(job);
    station->begin(name, context.attempt());
    // On its way back from a stash, or from another incarnation, it fails no more often than it would have.
    const bool fails = context.attempt() < plan.failures(name);
    if (fails && plan.draw(name, 6, 2) == 0) throw std::runtime_error{"at its start"};
    if (plan.waits(name)) context.sleep(1ms);
    if (next.handle().is_set() && plan.passes_on(name)) {
      (void)context.forward(job, next);
    }
    if (fails) throw std::runtime_error{"at its end"};
    station->end(name);
  }
};

template <Delivery D>
struct Sender {
  struct Go {};
  Ref<Worker> to;
  int me;
  std::shared_ptr<std::map<Name, int>> accepted;
  void handle(Go) {
    for (int number = 0; number < numbers; ++number) {
      const Job<D> job{me, number};
      const Name name{D, me, number};
      if constexpr (D == Delivery::at_most_once) {
        if (to.tell(job)) ++(*accepted)[name];
      } else {
        if (to.tell(job, {.id = id_of(name)})) ++(*accepted)[name];
        if (D == Delivery::exactly_once && to.tell(job, {.id = id_of(name)})) ++(*accepted)[name];
      }
    }
  }
};
struct Foe {
  struct Go {};
  Ref<Worker> to;
  void handle(Go, Context& context) {
    context.sleep(2ms);
    context.exit(to, ExitReason::killed());
    to.tell(Resume{});
  }
};

/// 0, 1, 2 ... and so again, from 0, for each copy.
bool are_marked(const std::vector<std::uint32_t>& attempts) {
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (attempts[i] != 0 && (i == 0 || attempts[i] != attempts[i - 1] + 1)) return false;
  }
  return true;
}

template <Delivery D>
std::vector<std::shared_ptr<std::map<Name, int>>> start_senders(Stage& stage, Ref<Worker> to) {
  std::vector<std::shared_ptr<std::map<Name, int>>> all;
  for (int me = 0; me < senders; ++me) {
    all.push_back(std::make_shared<std::map<Name, int>>());
    stage.rt.spawn(Sender<D>{to, me, all.back()}).tell(typename Sender<D>::Go{});
  }
  return all;
}

void live_and_check(Stage& stage, bool is_supervised) {
  const Plan plan{mix64(stage.seed + (is_supervised ? 1'000 : 0)), stage.seed % 3 == 0};
  constexpr Overflow policies[] = {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest};
  const auto mail = stage.seed % 2 == 0 ? MailOnRestart::keep : MailOnRestart::drop;
  const auto first = std::make_shared<Station>();
  const auto last = std::make_shared<Station>();
  const Restart often{.intensity = 1'000'000, .period = 1s};
  const auto end = *stage.rt.spawn<Worker>(
      "last", [plan, last] { return Worker{plan, last, {}, true}; },
      {.mailbox = bounded(2, policies[stage.seed / 4 % 4]), .restart = often, .mail_on_restart = mail});
  const auto make_first = [plan, first, end] { return Worker{plan, first, end}; };
  Ref<Worker> begin;
  if (is_supervised) {
    const auto up = start_supervisor(
        stage.rt, "up",
        {.intensity = 1'000'000,
         .period = 1s,
         .children = {
             child("first", make_first, {.mailbox = bounded(2, policies[stage.seed % 4]), .mail_on_restart = mail})}});
    ASSERT_TRUE(up);
    begin = *stage.rt.find<Worker>("up/first");
  } else {
    begin = *stage.rt.spawn<Worker>(
        "first", make_first,
        {.mailbox = bounded(2, policies[stage.seed % 4]), .restart = often, .mail_on_restart = mail});
  }
  const auto plain = start_senders<Delivery::at_most_once>(stage, begin);
  const auto assured = start_senders<Delivery::at_least_once>(stage, begin);
  const auto once = start_senders<Delivery::exactly_once>(stage, begin);
  if (is_supervised) stage.rt.spawn(Foe{begin}).tell(Foe::Go{});
  stage.settle();
  for (int i = 0; i < 100 && stage.rt.ledger().queued > 0;
       ++i) {  // what was put aside, or what a restart let forget that
    begin.tell(Resume{});
    stage.settle();
  }

  std::map<MessageId, std::vector<DeadLetter>> letters;
  for (const DeadLetter& letter : stage.rt.dead_letters().query()) {
    if (letter.id.is_set() && letter.reason != DeadLetterReason::duplicate) letters[letter.id].push_back(letter);
  }
  for (const auto& station : {first, last}) {
    for (const auto& [name, attempts] : station->begun) {
      const auto where =
          fmt::format("class {} sender {} number {}", static_cast<int>(name.delivery), name.sender, name.number);
      EXPECT_TRUE(are_marked(attempts)) << where << ": " << fmt::format("{}", fmt::join(attempts, ","));
      if (name.delivery == Delivery::at_most_once) {
        EXPECT_EQ(attempts.size(), 1U) << where;
      }
    }
    std::map<std::pair<Delivery, int>, int> newest;
    for (const Name& name : station->ended) {
      if (plan.puts_aside) break;
      const auto pair = newest.try_emplace({name.delivery, name.sender}, -1).first;
      EXPECT_LT(pair->second, name.number) << "order of class " << static_cast<int>(name.delivery);
      pair->second = name.number;
    }
  }
  const auto check = [&](const auto& senders_of_class) {
    for (const auto& accepted : senders_of_class) {
      for (const auto& [name, copies] : *accepted) {
        const auto where =
            fmt::format("class {} sender {} number {}", static_cast<int>(name.delivery), name.sender, name.number);
        const int ended = first->times_ended(name);
        const int done = plan.passes_on(name) ? last->times_ended(name) : ended;
        if (plan.is_poison(name)) {
          EXPECT_EQ(ended, 0) << where;
          const auto& found = letters[id_of(name)];
          EXPECT_EQ(found.size(), static_cast<std::size_t>(copies)) << where << ": each copy is given up";
          for (const DeadLetter& letter : found) {
            EXPECT_EQ(letter.reason, DeadLetterReason::delivery_exhausted);
            EXPECT_EQ(letter.failures, 5U);
            EXPECT_EQ(letter.history.size(), 5U);
          }
        } else {
          EXPECT_EQ(ended, 1) << where;
          EXPECT_EQ(done, 1) << where;
          EXPECT_TRUE(letters[id_of(name)].empty()) << where;
        }
      }
    }
  };
  check(assured);
  check(once);
  EXPECT_EQ(assured.front()->size(), static_cast<std::size_t>(numbers)) << "none was refused";
  EXPECT_EQ(once.front()->size(), static_cast<std::size_t>(numbers));
}

class Account : public supervision_tests::BothWorlds {};
ORRERY_IN_BOTH_WORLDS(Account);

TEST_P(Account, every_class_keeps_its_word_while_actors_fail_and_mailboxes_are_full) {
  run([](Stage& stage) { live_and_check(stage, false); }, {.seeds = 120, .rounds = 6});
}
TEST_P(Account, every_class_keeps_its_word_while_actors_are_killed_and_come_back) {
  run([](Stage& stage) { live_and_check(stage, true); }, {.seeds = 120, .rounds = 6});
}

}  // namespace
}  // namespace orrery
