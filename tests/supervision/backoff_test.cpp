// Goal:   restarts wait as Backoff says: growing, capped, jittered by the world's entropy, forgotten after a long life.
// Method: virtual time, so that hours cost nothing and every wait is exact; what does not ask for exact times on threads too.
#include "tests/supervision/fixture.hpp"

#include <atomic>
#include <set>

namespace orrery::supervision_tests {
namespace {

using Seconds = std::vector<double>;

/// When each start of a child was tried.
struct Tries {
  std::vector<Instant> at;
  [[nodiscard]] std::vector<Duration> waits() const {
    std::vector<Duration> all;
    for (std::size_t i = 1; i < at.size(); ++i) all.push_back(at[i] - at[i - 1]);
    return all;
  }
};

sim::Outcome calmly(const std::function<void(sim::World&)>& body, std::uint64_t seed = 0) {
  sim::Outcome run = sim::execute(body, [seed] { return std::make_unique<sim::RandomWalk>(seed); }, punctual);
  EXPECT_FALSE(run.finding) << run.finding->name << "; " << run.finding->detail;
  return run;
}

/// A child that cannot start between its first and its last of `count` tries.
ChildSpec unwilling(sim::World& w, std::shared_ptr<Tries> tries, std::size_t count, Log log) {
  return child("a", [&w, tries = std::move(tries), count, log = std::move(log)]() -> std::expected<Worker, ExitReason> {
    tries->at.push_back(w.now());
    if (tries->at.size() > 1 && tries->at.size() < count) return std::unexpected(ExitReason::custom("no"));
    return Worker{log, "a"};
  });
}

std::vector<Duration> waits_of_failing_starts(Backoff backoff, std::size_t count, std::uint64_t seed = 0) {
  const auto tries = std::make_shared<Tries>();
  calmly(
      [&](sim::World& w) {
        started(w, "top",
                {.intensity = 1'000,
                 .children = {unwilling(w, tries, count, std::make_shared<Journal>())},
                 .backoff = backoff});
        child_of<Worker>(w, "top/a").tell(Crash{});
        w.run();
        EXPECT_EQ(child_of<Worker>(w, "top/a").ask(Sum{}), 0);
      },
      seed);
  return tries->waits();
}

TEST(Backoff, doubles_from_the_first_to_the_cap_however_long_the_failures_go_on) {
  std::vector<Duration> expected{1s, 2s, 4s, 8s, 16s};
  expected.insert(expected.end(), 15, 30s);  // long past reset_after: a wait is no life
  EXPECT_EQ(waits_of_failing_starts({.first = 1s, .most = 30s, .jitter_percent = 0}, 21), expected);
  EXPECT_EQ(waits_of_failing_starts({.first = 3s, .most = 3s, .jitter_percent = 0}, 5), std::vector<Duration>(4, 3s));
  EXPECT_EQ(waits_of_failing_starts({}, 5), std::vector<Duration>(4, 0s)) << "without one there is no wait";
}

TEST(Backoff, jitter_stays_within_its_share_and_is_the_worlds_own_chance) {
  const Backoff backoff{.first = 1s, .most = 30s, .jitter_percent = 20};
  std::set<std::vector<Duration>> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto waits = waits_of_failing_starts(backoff, 10, seed);
    EXPECT_EQ(waits, waits_of_failing_starts(backoff, 10, seed)) << "the same seed waits alike";
    seen.insert(waits);
    for (std::uint32_t i = 0; i < waits.size(); ++i) {
      const Duration least = backoff_of(backoff, i);
      EXPECT_GE(waits[i], least);
      EXPECT_LE(waits[i], least + jitter_of(backoff, least));
    }
  }
  EXPECT_GT(seen.size(), 40U) << "seeds differ";
}

TEST(Backoff, begins_anew_for_a_child_that_lived_long_enough_and_only_then) {
  const auto waits_with_lives_of = [](Duration life) {
    const auto tries = std::make_shared<Tries>();
    calmly([&](sim::World& w) {
      started(w, "top",
              {.intensity = 1'000,
               .children = {unwilling(w, tries, 0, std::make_shared<Journal>())},
               .backoff = {.first = 1s, .most = 30s, .jitter_percent = 0, .reset_after = 60s}});
      for (int i = 0; i < 4; ++i) {
        w.run_for(life);
        child_of<Worker>(w, "top/a").tell(Crash{});
        w.run();
      }
    });
    std::vector<Duration> waits = tries->waits();
    for (Duration& wait : waits) wait -= life;
    return waits;
  };
  EXPECT_EQ(waits_with_lives_of(59s), (std::vector<Duration>{1s, 2s, 4s, 8s}));
  EXPECT_EQ(waits_with_lives_of(60s), (std::vector<Duration>{1s, 1s, 1s, 1s}));
}

TEST(Backoff, that_is_called_off_does_not_come_back) {
  calmly([](sim::World& w) {
    const auto tries = std::make_shared<Tries>();
    const auto top = started(w, "top",
                             {.intensity = 1'000,
                              .children = {unwilling(w, tries, 0, std::make_shared<Journal>())},
                              .backoff = {.first = 10s, .jitter_percent = 0}});
    child_of<Worker>(w, "top/a").tell(Crash{});
    w.run_for(1s);
    EXPECT_EQ(top.ask(WhichChildren{})->front().status, ChildStatus::restarting);
    EXPECT_EQ(top.ask(CountChildren{})->active, 0U);
    const auto restart = top.ask(RestartChild{"a"});
    ASSERT_FALSE(restart);
    EXPECT_EQ(restart.error().refused()->why, ChildError::restarting);
    EXPECT_TRUE(top.ask(TerminateChild{"a"}));
    EXPECT_TRUE(top.ask(RestartChild{"a"}));
    EXPECT_EQ(tries->at.size(), 2U);
    child_of<Worker>(w, "top/a").tell(Crash{});  // at 1 s: waits 20 s, the old wait would end at 10 s
    w.run();
    EXPECT_EQ(tries->waits(), (std::vector<Duration>{1s, 20s}));
  });
}

TEST(Backoff, counts_every_restart_when_it_is_decided) {
  for (const int intensity : {3, 2}) {  // in 5 s: at 0, 1 and 3 s
    const auto log = std::make_shared<Journal>();
    calmly([&](sim::World& w) {
      const auto tries = std::make_shared<Tries>();
      started(w, "top",
              {.intensity = intensity,
               .children = {unwilling(w, tries, 4, std::make_shared<Journal>())},
               .backoff = {.first = 1s, .jitter_percent = 0},
               .listener = reports_to(log)});
      child_of<Worker>(w, "top/a").tell(Crash{});
      w.run();
      EXPECT_EQ(w.living(), intensity == 3 ? 2U : 0U);
    });
    EXPECT_EQ(log->count("ended: shutdown"), intensity == 3 ? 0U : 1U);
  }
}

TEST(Backoff, judges_by_the_time_of_each_attempt_when_starts_are_slow) {
  struct Slow {
    std::shared_ptr<std::atomic<int>> failures;
    void on_restart(Context& context, const ExitReason&) {
      context.sleep(10s);
      if (failures->fetch_sub(1) > 0) throw std::runtime_error{"not yet"};
    }
    void handle(Crash) { throw std::runtime_error{"boom"}; }
    int handle(Sum) const { return 1; }
  };
  for (const Backoff backoff : {Backoff{.first = 1ms, .most = 1ms}, Backoff{}}) {
    calmly([&](sim::World& w) {
      const auto failures = std::make_shared<std::atomic<int>>(5);
      started(w, "top", {.intensity = 1, .period = 5s, .children = {child("a", Slow{failures})}, .backoff = backoff});
      const auto a = child_of<Slow>(w, "top/a");
      a.tell(Crash{});
      w.run();
      EXPECT_EQ(a.ask(Sum{}), 1) << "each attempt takes 10 s, so no two are in one window of 5 s";
    });
  }
}

TEST(Backoff, stops_the_group_at_once_and_starts_it_together) {
  calmly([](sim::World& w) {
    const auto log = std::make_shared<Journal>();
    started(w, "top",
            {.strategy = RestartStrategy::rest_for_one,
             .intensity = 10,
             .children = {child("a", Worker{log, "a"}), child("b", Worker{log, "b"}), child("c", Worker{log, "c"})},
             .backoff = {.first = 10s, .jitter_percent = 0}});
    child_of<Worker>(w, "top/b").tell(Crash{});
    w.run_for(1s);
    EXPECT_EQ(log->take(), (Lines{"start a", "start b", "start c", "stop b: failed: boom", "stop c: shutdown"}));
    child_of<Worker>(w, "top/a").tell(Crash{});  // takes b and c along; b's own wait is over with that
    w.run_for(9500ms);
    EXPECT_EQ(log->take(), Lines{"stop a: failed: boom"});
    w.run();
    EXPECT_EQ(log->take(), (Lines{"restart a: failed: boom", "restart b: failed: boom", "restart c: shutdown"}));
    EXPECT_EQ(w.now(), Instant{} + 11s);
  });
}

class BackoffWaits : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(BackoffWaits);

TEST_P(BackoffWaits, do_not_hold_up_the_siblings_nor_the_end) {
  run([](Stage& s) {
    const auto top = started(s.rt, "top",
                             {.intensity = 10,
                              .children = {child("a", Worker{s.log, "a"}), child("b", Worker{s.log, "b"})},
                              .backoff = {.first = 1h, .most = 1h}});
    const auto a = child_of<Worker>(s.rt, "top/a");
    const auto b = child_of<Worker>(s.rt, "top/b");
    a.tell(Crash{});
    EXPECT_EQ(b.ask(Sum{}), 0);
    while (top.ask(WhichChildren{})->back().status != ChildStatus::restarting) {
    }
    EXPECT_TRUE(a.tell(Note{1})) << "its mail waits";
    EXPECT_FALSE(s.rt.stop(a)) << "it has ended, for now";
    EXPECT_EQ(s.shut_down(patience), Lines{});
    EXPECT_EQ(s.log->take(), (Lines{"start a", "start b", "stop a: failed: boom", "stop b: shutdown"}));
    EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::actor_stopped), 1U);
  });
}

}  // namespace
}  // namespace orrery::supervision_tests
