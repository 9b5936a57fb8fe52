// Goal:   whoever always has work delays others by no more than the contract in threaded_world.hpp says, whatever the
//         machine does meanwhile.
// Method: one worker, so that the order in which messages are handled can be written down and is the same in every run.
//         What is compared are counts of messages between two of somebody's, never times.
#include "system_fixture.hpp"

#include <algorithm>

namespace orrery {
namespace {

constexpr std::uint32_t batch = 4;
constexpr std::size_t hot_runs = ThreadedWorld::hot_runs_max;
constexpr std::size_t look_around = ThreadedWorld::turns_per_look_around;

/// Who handled the messages, in order. Written by the one worker, read when it rests.
struct Diary {
  std::size_t length_max = 0;
  std::vector<std::uint32_t> who;
  std::atomic<std::size_t> length{0};

  /// Returns: whether it goes on.
  bool write(std::uint32_t name) {
    if (who.size() >= length_max) return false;
    who.push_back(name);
    length.store(who.size(), std::memory_order_release);
    return true;
  }
  /// Returns: the most messages that those `others` names handled between two of `name`, or before its first or after
  ///          its last.
  template <class Others>
  [[nodiscard]] std::size_t longest_wait(std::uint32_t name, Others others) const {
    std::size_t longest = 0;
    std::size_t waited = 0;
    for (const std::uint32_t one : who) {
      if (one == name) waited = 0;
      if (one != name && others(one)) ++waited;
      longest = std::max(longest, waited);
    }
    return longest;
  }
  [[nodiscard]] std::size_t longest_wait(std::uint32_t name) const {
    return longest_wait(name, [](std::uint32_t) { return true; });
  }
  /// Returns: the same, the longest of all names below `count`.
  [[nodiscard]] std::size_t longest_wait_of_all(std::uint32_t count) const {
    std::vector<std::size_t> seen(count);  // one past the place of its last message
    std::size_t longest = 0;
    for (std::size_t i = 0; i < who.size(); ++i) {
      if (who[i] >= count) continue;
      longest = std::max(longest, i - seen[who[i]]);
      seen[who[i]] = i + 1;
    }
    for (const std::size_t last : seen) longest = std::max(longest, who.size() - last);
    return longest;
  }
};
using SharedDiary = std::shared_ptr<Diary>;

struct Again {};
/// Always has work: tells itself `fan` messages for each one, as far as the diary goes.
struct Greedy {
  std::uint32_t name;
  SharedDiary diary;
  int fan = 1;
  int backlog = 1;
  void handle(Again m, Context& context) {
    --backlog;
    if (!diary->write(name)) return;
    for (int i = 0; i < fan && backlog < 1'000; ++i, ++backlog) EXPECT_TRUE(context.self(*this).tell(m));
  }
};
struct Ball {};
/// One of two that play; each handles one message per turn, out of the hot slot.
struct Player {
  std::uint32_t name;
  SharedDiary diary;
  std::vector<Ref<Player>> other;
  void handle(Ref<Player> m) { other = {m}; }
  void handle(Ball m) {
    const bool goes_on = !diary->write(name) || other.front().tell(m).has_value();
    EXPECT_TRUE(goes_on);
  }
};
struct Tick {};
struct Patient {
  std::uint32_t name;
  SharedDiary diary;
  std::vector<Ref<Counter>> oracle;
  int asks_left = 0;
  void handle(Tick) { (void)diary->write(name); }
  void handle(Again) {
    for (; asks_left > 0; --asks_left) {
      if (!diary->write(name)) return;
      EXPECT_TRUE(oracle.front().ask(Add{1}, no_timeout));
    }
    (void)diary->write(name);
  }
};
/// Begins everything from within the worker, so that nothing depends on another thread.
struct Beginning {
  std::vector<Ref<Greedy>> greedy;
  std::vector<Ref<Player>> players;
  std::vector<Ref<Patient>> patients;
};
struct Beginner {
  void handle(const Beginning& m) {
    for (const auto& one : m.greedy) EXPECT_TRUE(one.tell(Again{}));
    for (const auto& one : m.patients) EXPECT_TRUE(one.tell(Again{}));
    for (const auto& one : m.players) EXPECT_TRUE(one.tell(Ball{}));
  }
};

class Fairness : public SystemTest {
 protected:
  SharedDiary begin(std::size_t length_max, Duration turn = Duration::zero()) {
    start(1, {.runtime = {.mailbox_depth_warning = 0, .batch = batch}, .turn = turn, .timer_tick_bits = 15});
    diary_ = std::make_shared<Diary>();
    diary_->length_max = length_max;
    diary_->who.reserve(length_max);
    return diary_;
  }
  std::vector<Ref<Player>> pair(std::uint32_t first_name) {
    const auto ping = system().spawn(Player{first_name, diary_, {}});
    const auto pong = system().spawn(Player{first_name + 1, diary_, {ping}});
    EXPECT_TRUE(ping.tell(pong));
    return {ping};
  }
  void run(const Beginning& all) {
    ASSERT_TRUE(system().await_quiescence(patience));
    ASSERT_TRUE(system().spawn<Beginner>().tell(all));
    ASSERT_TRUE(system().await_quiescence(patience));
    ASSERT_EQ(diary_->who.size(), diary_->length_max);
  }

  SharedDiary diary_;
};

constexpr std::uint32_t flooder = 1'000'000;

TEST_F(Fairness, between_two_turns_of_an_actor_a_flooded_one_has_one_batch) {
  for (const std::uint32_t others : {1U, 7U, 200U}) {
    begin(40'000);
    Beginning all;
    all.greedy.push_back(system().spawn(Greedy{flooder, diary_, 3}));
    for (std::uint32_t i = 0; i < others; ++i) all.greedy.push_back(system().spawn(Greedy{i, diary_}));
    run(all);
    for (std::uint32_t i = 0; i < others; ++i) {
      EXPECT_LE(diary_->longest_wait(i, [](std::uint32_t who) { return who == flooder; }), batch) << i;
      EXPECT_LE(diary_->longest_wait(i), others * batch) << i;
    }
    finish();
  }
}

TEST_F(Fairness, a_turn_that_goes_on_ends_at_the_next_look_around) {
  constexpr std::uint32_t others = 7;
  begin(200'000, 1s);
  Beginning all;
  all.greedy.push_back(system().spawn(Greedy{flooder, diary_, 3}));
  for (std::uint32_t i = 0; i < others; ++i) all.greedy.push_back(system().spawn(Greedy{i, diary_}));
  run(all);
  std::size_t longest = 0;
  for (std::uint32_t i = 0; i < others; ++i) {
    longest = std::max(longest, diary_->longest_wait(i, [](std::uint32_t who) { return who == flooder; }));
  }
  EXPECT_LE(longest, look_around * batch);
  EXPECT_GT(longest, batch) << "it did go on";
}

TEST_F(Fairness, pairs_that_schedule_each_other_leave_the_queue_every_fourth_turn) {
  for (const std::uint32_t others : {1U, 20U}) {
    begin(40'000);
    Beginning all;
    for (std::uint32_t i = 0; i < others; ++i) all.greedy.push_back(system().spawn(Greedy{i, diary_}));
    all.players = pair(flooder);
    run(all);
    for (std::uint32_t i = 0; i < others; ++i) {
      // The players handle one message per turn, the others a batch.
      EXPECT_LE(diary_->longest_wait(i, [](std::uint32_t who) { return who >= flooder; }), others * hot_runs) << i;
      EXPECT_LE(diary_->longest_wait(i), others * hot_runs + (others - 1) * batch) << i;
    }
    // Nor do those in the queue starve the slot.
    EXPECT_LE(diary_->longest_wait(flooder), 2 * (batch + 1));
    finish();
  }
}

// More than the ring holds: the rest waits in the injection deque.
TEST_F(Fairness, more_actors_than_a_ring_holds_all_get_their_turns) {
  for (const bool with_players : {false, true}) {
    constexpr std::uint32_t count = 1'000;
    begin(800'000);
    Beginning all;
    for (std::uint32_t i = 0; i < count; ++i) all.greedy.push_back(system().spawn(Greedy{i, diary_}));
    if (with_players) all.players = pair(flooder);
    run(all);
    const std::size_t longest = diary_->longest_wait_of_all(count);
    RecordProperty(with_players ? "with_players" : "without_players", std::to_string(longest));
    // A round: everybody once, with the slot served in between, and one slip while the first ones are sorted in.
    EXPECT_LE(longest, (count + StealQueue<Cell>::capacity) * (batch + (with_players ? hot_runs : 0)));
    finish();
  }
}

TEST_F(Fairness, a_waiting_handler_goes_on_under_flood) {
  constexpr std::uint32_t others = 7;
  constexpr int asks = 500;
  begin(100'000);
  Beginning all;
  for (std::uint32_t i = 0; i < others; ++i) all.greedy.push_back(system().spawn(Greedy{i, diary_, 3}));
  all.patients = {system().spawn(Patient{flooder, diary_, {system().spawn<Counter>()}, asks})};
  run(all);
  const auto end = std::ranges::find(diary_->who.rbegin(), diary_->who.rend(), flooder).base();
  EXPECT_EQ(std::count(diary_->who.begin(), end, flooder), asks + 1);
  // Two hops for an ask, the request and the reply, and each at worst goes through the queue.
  const std::size_t bound = 2 * (others + 1) * batch;
  std::size_t waited = 0;
  for (auto at = diary_->who.begin(); at != end; ++at) {
    waited = *at == flooder ? 0 : waited + 1;
    ASSERT_LE(waited, bound);
  }
}

TEST_F(Fairness, mail_from_outside_gets_in_under_flood) {
  constexpr std::uint32_t others = 7;
  for (int round = 0; round < 20; ++round) {
    begin(200'000);
    Beginning all;
    for (std::uint32_t i = 0; i < others; ++i) all.greedy.push_back(system().spawn(Greedy{i, diary_, 3}));
    all.players = pair(flooder + 1);
    const auto patient = system().spawn(Patient{flooder, diary_, {}});
    ASSERT_TRUE(system().await_quiescence(patience));
    ASSERT_TRUE(system().spawn<Beginner>().tell(all));
    ASSERT_TRUE(eventually([&] { return diary_->length.load() > 1'000; }));
    ASSERT_TRUE(patient.tell(Tick{}));
    const std::size_t sent_before = diary_->length.load();
    ASSERT_TRUE(system().await_quiescence(patience));
    const auto at = std::ranges::find(diary_->who, flooder);
    const auto position = static_cast<std::size_t>(at - diary_->who.begin());
    // A look around, and then at worst a round of the queue with the slot served in between.
    const std::size_t turns = look_around + (others + 1) * (hot_runs + 1);
    if (sent_before + turns * batch >= diary_->length_max) continue;  // this thread slept through it
    EXPECT_LE(position, sent_before + turns * batch);
    finish();
  }
}

struct Flag {
  SharedDiary diary;
  std::size_t armed_at = 0;
  bool is_armed = false;
  Instant due{};
  std::size_t due_at = 0;
  bool was_due = false;
};
/// Floods itself, and notes when the timer that it armed was due.
struct Sleeper {
  std::shared_ptr<Flag> flag;
  void handle(Tick) { (void)flag->diary->write(flooder); }
  void handle(Again, Context& context) {
    (void)context.after(*this, 1ms, Tick{});
    flag->armed_at = flag->diary->who.size();
    flag->is_armed = true;
  }
};
struct TimedGreedy {
  std::shared_ptr<Flag> flag;
  void handle(Again m, Context& context) {
    // The delay counts from the first look around, and that has surely been by then.
    if (flag->is_armed && flag->due == Instant{} &&
        flag->diary->who.size() > flag->armed_at + (look_around + 2) * batch) {
      flag->due = context.now() + 1ms;
    }
    if (!flag->was_due && flag->due != Instant{} &&
        context.now() > flag->due + 70us) {  // two steps of the wheel are 65.5 us
      flag->was_due = true;
      flag->due_at = flag->diary->who.size();
    }
    const bool goes_on = !flag->diary->write(0) || context.self(*this).tell(m).has_value();
    EXPECT_TRUE(goes_on);
  }
};

TEST_F(Fairness, timers_fire_under_flood) {
  const auto flag = std::make_shared<Flag>();
  flag->diary = begin(1'000'000);
  const auto greedy = system().spawn(TimedGreedy{flag});
  const auto sleeper = system().spawn(Sleeper{flag});
  ASSERT_TRUE(sleeper.tell(Again{}));
  ASSERT_TRUE(greedy.tell(Again{}));
  ASSERT_TRUE(system().await_quiescence(patience));
  const auto at = std::ranges::find(diary_->who, flooder);
  ASSERT_NE(at, diary_->who.end());
  const auto position = static_cast<std::size_t>(at - diary_->who.begin());
  if (!flag->was_due) return;  // the tick came before anybody saw that it was due
  // A look around, and another one when the watchdog was faster: its message then comes from outside.
  EXPECT_LE(position, flag->due_at + (2 * look_around + 4) * batch);
}

}  // namespace
}  // namespace orrery
