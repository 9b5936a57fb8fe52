// Goal:   a failed actor comes back fresh, with its mail and without its past, as often as it may.
#include "tests/sim/sim_fixture.hpp"

#include <stdexcept>

namespace orrery::testing {
namespace {

struct Fail {};
struct Add {
  int value = 0;
};
struct Tick {};
struct Put {};
struct Take {};

struct Actor {
  int sum = 0;
  int restarts = 0;
  int ticks = 0;
  std::string reason;
  void handle(Add add) { sum += add.value; }
  void handle(Fail) { throw std::runtime_error{"as told"}; }
  void handle(Tick) { ++ticks; }
  void handle(Put put, Context& context) {
    context.after(*this, 1s, Tick{});
    context.every(*this, 1s, Tick{});
    context.stash(put);
  }
  void handle(Take, Context& context) { context.unstash_all(); }
  void on_restart(Context& context, const ExitReason& why) {
    restarts = static_cast<int>(context.id().incarnation) - 1;
    reason = to_string(why);
  }
};

TEST(Restart, gives_a_fresh_state_and_keeps_the_reference_and_the_mail) {
  run_calmly([](World& w) {
    const auto actor = w.spawn("actor", Restart{.intensity = 2}, Actor{});
    actor.tell(Add{1});
    actor.tell(Fail{});
    actor.tell(Add{10});
    actor.tell(Add{20});
    w.run();
    EXPECT_EQ(w.peek(*actor).sum, 30);
    EXPECT_EQ(w.peek(*actor).restarts, 1);
    EXPECT_EQ(w.peek(*actor).reason, "failed: as told");
    EXPECT_EQ(w.ledger().failed, 1U);
    EXPECT_EQ(w.ledger().handled, 3U);
  });
}

TEST(Restart, drops_the_mail_that_waits_when_it_is_told_to) {
  run_calmly([](World& w) {
    const auto actor = w.spawn("actor", Restart{.intensity = 2}, Actor{}, {.mail_on_restart = MailOnRestart::drop});
    actor.tell(Fail{});
    actor.tell(Add{10});
    actor.tell(Add{20});
    w.run();
    actor.tell(Add{1});
    w.run();
    EXPECT_EQ(w.peek(*actor).sum, 1);
    EXPECT_EQ(w.dead_letters().count(DeadLetterReason::restart_dropped), 2U);
  });
}

struct Feeder {
  Ref<Actor> to;
  struct Go {};
  void handle(Go) {
    to.tell(Fail{});
    to.tell(Add{1});
    to.tell(Add{2});
  }
};

TEST(Restart, what_it_drops_depends_on_the_schedule) {
  const TextBody body = [](World& w, std::string& text) {
    const auto actor = w.spawn("actor", Restart{.intensity = 2}, Actor{}, {.mail_on_restart = MailOnRestart::drop});
    w.spawn(Feeder{actor}).tell(Feeder::Go{});
    w.run();
    text = fmt::format("{}", w.peek(*actor).sum);
  };
  EXPECT_EQ(all_texts(body), (Texts{"0", "2", "3"}));
}

TEST(Restart, is_refused_when_there_were_too_many_within_the_period) {
  run_calmly([](World& w) {
    const auto actor = w.spawn("actor", Restart{.intensity = 2, .period = 5s}, Actor{});
    const auto fail = [&] {
      actor.tell(Fail{});
      w.run();
    };
    fail();  // t = 0
    w.run_for(2s);
    fail();  // t = 2
    w.run_for(3s + 1ms);
    fail();  // t = 5.001: the first is out of the window
    EXPECT_TRUE(w.is_living(*actor));
    EXPECT_EQ(w.peek(*actor).restarts, 3);
    w.run_for(2s - 1ms);
    fail();  // t = 7: both ends belong to the window, so the one at 2 s counts
    EXPECT_FALSE(w.is_living(*actor));
  });
}

TEST(Restart, without_a_policy_ends_the_actor_with_what_it_threw) {
  struct Mourner {
    Ref<Actor> actor;
    std::string reason;
    void handle(Tick, Context& context) { context.watch(*this, actor); }
    void handle(Down down) { reason = to_string(down.reason); }
  };
  run_calmly([](World& w) {
    const auto actor = w.spawn(Actor{});
    const auto mourner = w.spawn(Mourner{actor, {}});
    mourner.tell(Tick{});
    w.run();
    actor.tell(Fail{});
    w.run();
    EXPECT_EQ(w.peek(mourner).reason, "failed: as told");
  });
}

TEST(Restart, cancels_timers_and_drops_the_stash) {
  run_calmly([](World& w) {
    const auto actor = w.spawn("actor", Restart{.intensity = 2}, Actor{});
    actor.tell(Put{});
    actor.tell(Fail{});
    actor.tell(Take{});
    w.run_for(5s);
    EXPECT_EQ(w.peek(*actor).ticks, 0);
    EXPECT_EQ(w.dead_letters().count(DeadLetterReason::restart_dropped), 1U);
    EXPECT_EQ(w.ledger().queued, 0U);
  });
}

TEST(Restart, by_a_factory_that_throws_counts_as_one_more_failure) {
  for (const int failures : {1, 5}) {
    int made = 0;
    run_calmly([&](World& w) {
      const auto factory = [&]() -> Actor {
        if (++made > 1 && made <= 1 + failures) throw std::runtime_error{"no parts"};
        return Actor{};
      };
      const auto actor = w.spawn<Actor>("actor", factory, {.restart = Restart{.intensity = 3}});
      actor.tell(Fail{});
      actor.tell(Add{4});
      w.run();
      EXPECT_EQ(w.is_living(*actor), failures == 1);
      if (failures == 1) {
        EXPECT_EQ(w.peek(*actor).sum, 4);
        EXPECT_EQ(w.peek(*actor).reason, "failed: no parts");
      } else {
        EXPECT_EQ(w.dead_letters().count(DeadLetterReason::actor_stopped), 1U);
      }
    });
    EXPECT_EQ(made, failures == 1 ? 3 : 4) << "at first, and for each restart";
  }
}

TEST(Restart, a_failing_on_start_is_not_repeated) {
  struct Broken {
    int* starts;
    void on_start(Context&) {
      ++*starts;
      throw std::runtime_error{"no"};
    }
    void handle(Tick) {}
  };
  int starts = 0;
  run_calmly([&starts](World& w) {
    const auto broken = w.spawn("broken", Restart{.intensity = 3}, Broken{&starts});
    w.run();
    EXPECT_FALSE(w.is_living(*broken));
  });
  EXPECT_EQ(starts, 1);
}

}  // namespace
}  // namespace orrery::testing
