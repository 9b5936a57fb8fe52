// Goal:   who ends, why, and who hears of it: exit reasons, exit signals, links, trapping, watches.
// Method: one body in both worlds; the journal of what each actor heard.
#include "tests/supervision/fixture.hpp"

#include <optional>

namespace orrery::supervision_tests {
namespace {

class Ends : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(Ends);

/// An actor that does as it is told, about another one.
struct Link {
  Ref<Worker> to;
};
struct Unlink {
  Ref<Worker> to;
};
struct Watch {
  Ref<Worker> whom;
};
struct Unwatch {
  Ref<Worker> whom;
};
struct SendExit {
  Ref<Trapper> to;
  ExitReason reason;
};
struct Friend {
  Log log;
  std::string name;
  bool traps = false;

  void on_start(Context& context) {
    if (traps) context.trap_exits(*this);
  }
  void on_stop(Context&, const ExitReason& why) { log->add(fmt::format("stop {}: {}", name, to_string(why))); }
  void handle(Link m, Context& context) { context.link(m.to); }
  void handle(Unlink m, Context& context) { context.unlink(m.to); }
  void handle(Watch m, Context& context) { context.watch(*this, m.whom); }
  void handle(Unwatch m, Context& context) { context.unwatch(m.whom); }
  void handle(Down down) { log->add(fmt::format("{} hears down {}", name, to_string(down.reason))); }
  void handle(Exit exit, Context& context) {
    log->add(fmt::format("{} hears {} {}", name, exit.kind == Exit::Kind::linked ? "linked" : "other",
                         to_string(exit.reason)));
    if (exit.kind == Exit::Kind::stop) context.stop(exit.reason);
  }
  void handle(WaitAt m) { (void)m.door.ask(Pass{}, no_timeout); }
  void handle(Note m) { log->add(fmt::format("{} {}", name, m.value)); }
  void handle(Crash m) { throw std::runtime_error{m.why}; }
};

// ---- reasons ------------------------------------------------------------------------------------------------------------

TEST_P(Ends, with_the_reason_that_the_actor_gives_or_gets) {
  run(
      [](Stage& s) {
        struct Case {
          std::function<void(const Ref<Worker>&)> act;
          std::string heard;
        };
        Runtime& rt = s.rt;
        const Case cases[] = {
            {[](const auto& w) { w.tell(Leave{}); }, "normal"},
            {[](const auto& w) { w.tell(Leave{ExitReason::shutdown("done")}); }, "shutdown:done"},
            {[](const auto& w) { w.tell(Leave{ExitReason::custom("mine")}); }, "mine"},
            {[](const auto& w) { w.tell(Leave{ExitReason::failed("odd")}); }, "failed: odd"},
            {[](const auto& w) { w.tell(Leave{ExitReason::custom("thrown"), true}); }, "thrown"},
            {[](const auto& w) { w.tell(Leave{ExitReason::normal(), true}); }, "normal"},
            {[](const auto& w) { w.tell(Crash{"tea"}); }, "failed: tea"},
            {[&rt](const auto& w) { rt.stop(w); }, "shutdown"},
            {[&rt](const auto& w) { rt.stop(w, ExitReason::custom("why not")); }, "why not"},
            {[&rt](const auto& w) { rt.exit(w, ExitReason::custom("by post")); }, "by post"},
            {[&rt](const auto& w) { rt.exit(w, ExitReason::killed()); }, "killed"},
            {[&rt](const auto& w) { rt.kill(w); }, "killed"},
        };
        for (const Case& one : cases) {
          const auto worker = rt.spawn(Worker{std::make_shared<Journal>(), "w"});
          rt.spawn(Friend{s.log, "f"}).tell(Watch{worker});
          s.settle();
          one.act(worker);
          s.settle();
          EXPECT_EQ(s.log->take(), Lines{"f hears down " + one.heard});
          EXPECT_FALSE(rt.exit(worker, ExitReason::custom("late"))) << "it has ended";
        }
      },
      {.seeds = 20, .rounds = 3});
}

TEST_P(Ends, not_by_a_strangers_exit_with_normal_unless_it_asks_for_it) {
  run([](Stage& s) {
    const auto plain = s.rt.spawn(Worker{s.log, "plain"});
    const auto traps = s.rt.spawn(Trapper{s.log, "traps"});
    s.settle();
    EXPECT_TRUE(s.rt.exit(plain, ExitReason::normal()));
    EXPECT_TRUE(s.rt.exit(traps, ExitReason::normal()));
    EXPECT_TRUE(s.rt.exit(traps, ExitReason::killed())) << "the word alone does not kill";
    plain.tell(Note{1});
    traps.tell(Note{1});
    s.settle();
    const Lines lines = s.log->take();
    EXPECT_TRUE(std::ranges::find(lines, "plain 1") != lines.end());
    EXPECT_EQ(s.log->count("stop"), 0U);
    Lines of_traps;
    std::ranges::copy_if(lines, std::back_inserter(of_traps), [](const auto& l) { return l.starts_with("traps"); });
    EXPECT_EQ(of_traps, (Lines{"traps hears sent normal", "traps hears sent killed", "traps 1"}));
    s.rt.kill(traps);
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{}) << "a kill is not trapped and runs no hook";
    EXPECT_EQ(traps.tell(Note{2}), std::unexpected(TellError::actor_stopped));
  });
}

TEST_P(Ends, in_the_order_of_the_senders_mail_when_it_traps_and_before_all_mail_when_it_does_not) {
  struct Sender {
    Ref<Trapper> traps;
    Ref<Worker> plain;
    void handle(Note, Context& context) {
      for (int i = 1; i <= 3; ++i) {
        traps.tell(Note{i});
        plain.tell(Note{i});
        context.exit(traps, ExitReason::custom(fmt::format("x{}", i)));
      }
      context.exit(plain, ExitReason::custom("out"));
    }
  };
  run([](Stage& s) {
    const auto traps = s.rt.spawn(Trapper{s.log, "traps"});
    const auto plain = s.rt.spawn(Worker{s.log, "plain"});
    const auto door = s.rt.spawn(Door{});
    traps.tell(WaitAt{door});
    plain.tell(WaitAt{door});
    s.settle();
    (void)s.log->take();
    s.rt.spawn(Sender{traps, plain}).tell(Note{});
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"stop plain: out"}) << "unwound while it waited, its mail unread";
    door.tell(Open{});
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"traps 1", "traps hears sent x1", "traps 2", "traps hears sent x2", "traps 3",
                                    "traps hears sent x3"}));
    EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::actor_stopped), 3U);
  });
}

TEST_P(Ends, of_a_trapping_actor_pass_a_full_mailbox) {
  run([](Stage& s) {
    const auto traps = s.rt.spawn("t", Trapper{s.log, "t"}, {.mailbox = bounded(1)});
    const auto door = s.rt.spawn(Door{});
    traps.tell(WaitAt{door});
    s.settle();
    EXPECT_TRUE(traps.tell(Note{1}));
    EXPECT_EQ(traps.tell(Note{2}), std::unexpected(TellError::mailbox_full));
    EXPECT_TRUE(s.rt.exit(*traps, ExitReason::custom("x")));
    door.tell(Open{});
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"start t", "t 1", "t hears sent x"}));
  });
}

// ---- links --------------------------------------------------------------------------------------------------------------

TEST_P(Ends, together_with_whom_it_is_linked_to_in_both_directions) {
  run([](Stage& s) {
    for (const bool worker_dies : {true, false}) {
      const auto worker = s.rt.spawn(Worker{s.log, "w"});
      const auto linked = s.rt.spawn(Friend{s.log, "f"});
      linked.tell(Link{worker});
      s.settle();
      (void)s.log->take();
      if (worker_dies) {
        worker.tell(Crash{});
      } else {
        linked.tell(Crash{});
      }
      s.settle();
      Lines lines = s.log->take();
      std::ranges::sort(lines);
      EXPECT_EQ(lines, (Lines{"stop f: failed: boom", "stop w: failed: boom"}));
    }
  });
}

TEST_P(Ends, alone_when_the_linked_actor_ends_normally_and_hears_of_it_when_it_traps) {
  run([](Stage& s) {
    const auto worker = s.rt.spawn(Worker{s.log, "w"});
    const auto plain = s.rt.spawn(Friend{s.log, "plain"});
    const auto traps = s.rt.spawn(Friend{s.log, "traps", true});
    for (const auto& one : {plain, traps}) {
      one.tell(Link{worker});
      one.tell(Link{worker});  // at most one per pair
    }
    s.settle();
    worker.tell(Leave{});
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"start w", "stop w: normal", "traps hears linked normal"}));
    plain.tell(Note{1});
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"plain 1"});
    const auto killed = s.rt.spawn(Worker{s.log, "k"});
    traps.tell(Link{killed});
    s.settle();
    (void)s.log->take();
    s.rt.kill(killed);
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"traps hears linked killed"}) << "a killed peer's exit is trapped";
  });
}

TEST_P(Ends, alone_after_an_unlink_even_if_the_other_is_dead_already) {
  run([](Stage& s) {
    const auto worker = s.rt.spawn(Worker{s.log, "w"});
    const auto plain = s.rt.spawn(Friend{s.log, "plain"});
    const auto traps = s.rt.spawn(Friend{s.log, "traps", true});
    const auto late = s.rt.spawn(Friend{s.log, "late", true});
    const auto door = s.rt.spawn(Door{});
    for (const auto& one : {plain, traps, late}) one.tell(Link{worker});
    s.settle();
    plain.tell(Unlink{worker});
    traps.tell(Unlink{worker});
    late.tell(WaitAt{door});
    late.tell(Unlink{worker});
    s.settle();
    (void)s.log->take();
    worker.tell(Crash{});
    s.settle();
    door.tell(Open{});  // its Exit stands behind the unlink
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"stop w: failed: boom"});
    EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::notice_cancelled), 1U);
    s.rt.exit(plain, ExitReason::custom("x"));
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"stop plain: x"});
  });
}

TEST_P(Ends, of_the_linker_do_not_reach_a_peer_after_its_unlink) {
  run([](Stage& s) {
    const auto worker = s.rt.spawn(Worker{s.log, "w"});
    const auto plain = s.rt.spawn(Friend{s.log, "f"});
    plain.tell(Link{worker});
    s.settle();
    plain.tell(Unlink{worker});
    plain.tell(Crash{});
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"start w", "stop f: failed: boom"}));
    worker.tell(Note{1});
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"w 1"});
  });
}

TEST_P(Ends, at_once_with_noproc_when_it_links_to_the_dead) {
  run([](Stage& s) {
    const auto dead = s.rt.spawn(Worker{std::make_shared<Journal>(), "dead"});
    s.rt.stop(dead);
    s.settle();
    s.rt.spawn(Friend{s.log, "plain"}).tell(Link{dead});
    s.rt.spawn(Friend{s.log, "traps", true}).tell(Link{dead});
    s.settle();
    Lines lines = s.log->take();
    std::ranges::sort(lines);
    EXPECT_EQ(lines, (Lines{"stop plain: noproc", "traps hears linked noproc"}));
  });
}

TEST_P(Ends, of_a_linked_child_leave_its_next_incarnation_unlinked) {
  run([](Stage& s) {
    started(s.rt, "top",
            {.intensity = 10, .children = {child("w", Worker{s.log, "w"}), child("f", Friend{s.log, "f"})}});
    const auto worker = child_of<Worker>(s.rt, "top/w");
    const auto linked = child_of<Friend>(s.rt, "top/f");
    linked.tell(Link{worker});
    s.settle();
    (void)s.log->take();
    worker.tell(Crash{});
    s.settle();
    EXPECT_EQ(s.log->count("stop f: failed: boom"), 1U) << text_of(s.log->lines());
    (void)s.log->take();
    worker.tell(Crash{"again"});
    linked.tell(Note{1});
    s.settle();
    EXPECT_EQ(s.log->count("stop f"), 0U) << text_of(s.log->lines());
    EXPECT_EQ(s.log->count("f 1"), 1U);
  });
}

// ---- watches ------------------------------------------------------------------------------------------------------------

TEST_P(Ends, for_good_are_told_to_each_watch_once_and_restarts_are_not) {
  run([](Stage& s) {
    const auto top =
        started(s.rt, "top", {.intensity = 10, .children = {child("w", Worker{std::make_shared<Journal>(), "w"})}});
    const auto worker = child_of<Worker>(s.rt, "top/w");
    const auto f = s.rt.spawn(Friend{s.log, "f"});
    const auto twice = s.rt.spawn(Friend{s.log, "twice"});
    f.tell(Watch{worker});
    twice.tell(Watch{worker});
    twice.tell(Watch{worker});
    s.settle();
    for (int i = 0; i < 3; ++i) worker.tell(Crash{});
    s.rt.kill(worker);
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{}) << "a restart is no end";
    EXPECT_TRUE(top.ask(TerminateChild{"w"}, no_timeout).has_value());
    s.settle();
    Lines lines = s.log->take();
    std::ranges::sort(lines);
    EXPECT_EQ(lines, (Lines{"f hears down shutdown", "twice hears down shutdown", "twice hears down shutdown"}));
    f.tell(Watch{worker});
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"f hears down noproc"});
  });
}

TEST_P(Ends, are_told_with_the_reason_of_the_last_incarnation) {
  run([](Stage& s) {
    started(s.rt, "top", {.children = {child("w", Worker{std::make_shared<Journal>(), "w"})}});
    const auto worker = child_of<Worker>(s.rt, "top/w");
    const auto f = s.rt.spawn(Friend{s.log, "f"});
    f.tell(Watch{worker});
    s.settle();
    worker.tell(Crash{"first"});
    worker.tell(Crash{"second"});  // one too many
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"f hears down failed: second"});
  });
}

TEST_P(Ends, of_watchers_leave_nothing_behind_with_whom_they_watched) {
  run(
      [](Stage& s) {
        const auto server = s.rt.spawn(Worker{std::make_shared<Journal>(), "server"});
        for (int i = 0; i < 2'000; ++i) {
          const auto client = s.rt.spawn(Friend{std::make_shared<Journal>(), "client"});
          client.tell(Watch{server});
          s.settle();
          s.rt.stop(client);
        }
        const auto last = s.rt.spawn(Friend{s.log, "last"});
        last.tell(Watch{server});
        s.settle();
        const std::uint64_t refused = s.rt.ledger().refused;
        s.rt.stop(server);
        s.settle();
        EXPECT_EQ(s.log->take(), Lines{"last hears down shutdown"});
        EXPECT_LE(s.rt.ledger().refused - refused, 16U) << "each is a Down that nobody is there to hear";
      },
      {.seeds = 1, .rounds = 1}, {.faults = sim::FaultProfile::none, .operations_max = 1'000'000});
}

TEST_P(Ends, are_not_told_after_an_unwatch) {
  run([](Stage& s) {
    const auto worker = s.rt.spawn(Worker{std::make_shared<Journal>(), "w"});
    const auto f = s.rt.spawn(Friend{s.log, "f"});
    const auto late = s.rt.spawn(Friend{s.log, "late"});
    const auto again = s.rt.spawn(Friend{s.log, "again"});
    const auto door = s.rt.spawn(Door{});
    for (const auto& one : {f, late, again}) {
      one.tell(Watch{worker});
      one.tell(Watch{worker});
    }
    s.settle();
    f.tell(Unwatch{worker});
    again.tell(Unwatch{worker});
    again.tell(Watch{worker});
    late.tell(WaitAt{door});
    late.tell(Unwatch{worker});
    s.settle();
    worker.tell(Crash{});
    s.settle();
    door.tell(Open{});
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"again hears down failed: boom"});
  });
}

}  // namespace
}  // namespace orrery::supervision_tests
