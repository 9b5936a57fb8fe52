// Goal:   a restart gives a fresh actor under the old reference, with the mail that waited and nothing else of the old one.
// Method: one body in both worlds. An actor that waits at a door has its mail queued behind it for sure.
#include "tests/supervision/fixture.hpp"

#include <algorithm>
#include <atomic>
#include <climits>
#include <optional>

namespace orrery::supervision_tests {
namespace {

class Restarting : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(Restarting);

// ---- mail -------------------------------------------------------------------------------------------------------------

TEST_P(Restarting, keeps_the_reference_and_the_mail_that_waits_in_order_but_not_the_failing_message) {
  run([](Stage& s) {
    const auto top = started(s.rt, "top", {.children = {child("a", Worker{s.log, "a"})}});
    const auto a = child_of<Worker>(s.rt, "top/a");
    const auto door = s.rt.spawn(Door{});
    a.tell(WaitAt{door});
    a.tell(Note{1});
    a.tell(Crash{});
    Lines expected{"start a", "a 1", "stop a: failed: boom", "restart a: failed: boom"};
    for (int i = 2; i < 20; ++i) {
      a.tell(Note{i});
      expected.push_back(fmt::format("a {}", i));
    }
    door.tell(Open{});
    s.settle();
    EXPECT_EQ(s.log->lines(), expected);
    EXPECT_EQ(a.ask(Sum{}), 189) << "what was before the crash is forgotten";
    EXPECT_EQ(child_of<Worker>(s.rt, "top/a"), a);
    EXPECT_EQ(s.rt.ledger_of(a.handle())->failed, 1U);
    s.rt.stop(top);
  });
}

TEST_P(Restarting, by_drop_puts_all_that_waits_into_the_dead_letters_once) {
  run([](Stage& s) {
    started(s.rt, "top", {.children = {child("a", Worker{s.log, "a"}, {.mail_on_restart = MailOnRestart::drop})}});
    const auto a = child_of<Worker>(s.rt, "top/a");
    const auto door = s.rt.spawn(Door{});
    a.tell(WaitAt{door});
    a.tell(Crash{});
    for (int i = 1; i <= 10; ++i) a.tell(Note{i});
    auto sum = a.ask_async(Sum{}, no_timeout);
    s.settle();
    door.tell(Open{});
    EXPECT_EQ(sum.get(), std::unexpected(AskError::actor_stopped));
    s.settle();
    a.tell(Note{11});
    s.settle();
    EXPECT_EQ(s.log->lines(), (Lines{"start a", "stop a: failed: boom", "restart a: failed: boom", "a 11"}));
    EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::restart_dropped), 11U);
    EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::actor_stopped), 0U);
  });
}

TEST_P(Restarting, of_a_bystander_keeps_or_drops_its_mail_as_its_own_options_say) {
  for (const RestartStrategy strategy : {RestartStrategy::one_for_all, RestartStrategy::rest_for_one}) {
    run(
        [strategy](Stage& s) {
          started(s.rt, "top",
                  {.strategy = strategy,
                   .children = {child("a", Worker{s.log, "a"}), child("keeps", Worker{s.log, "keeps"}),
                                child("drops", Worker{s.log, "drops"}, {.mail_on_restart = MailOnRestart::drop})}});
          const auto keeps = child_of<Worker>(s.rt, "top/keeps");
          const auto drops = child_of<Worker>(s.rt, "top/drops");
          const auto door = s.rt.spawn(Door{});
          for (const auto& one : {keeps, drops}) {
            one.tell(WaitAt{door});
            for (int i = 1; i <= 3; ++i) one.tell(Note{i});
          }
          s.settle();
          (void)s.log->take();
          child_of<Worker>(s.rt, "top/a").tell(Crash{});
          s.settle();
          door.tell(Open{});  // too late: both have been unwound
          s.settle();
          EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::restart_dropped), 3U);
          EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::late_reply), 2U);
          EXPECT_EQ(keeps.ask(Sum{}), 6);
          EXPECT_EQ(drops.ask(Sum{}), 0);
          const Lines lines = s.log->lines();
          EXPECT_EQ((Lines{lines.begin(), lines.begin() + 3}),
                    (Lines{"stop a: failed: boom", "stop drops: shutdown", "stop keeps: shutdown"}));
        },
        {.seeds = 30, .rounds = 4});
  }
}

TEST_P(Restarting, leaves_asks_that_wait_to_the_next_incarnation_and_fails_the_one_being_handled) {
  struct Boom {
    using Reply = int;
  };
  struct Answers {
    int life;
    int handle(Boom) { throw std::runtime_error{"boom"}; }
    int handle(Sum) const { return life; }
    void handle(WaitAt m) { (void)m.door.ask(Pass{}, no_timeout); }
  };
  run([](Stage& s) {
    const auto lives = std::make_shared<std::atomic<int>>(0);
    started(s.rt, "top", {.children = {child("a", [lives] { return Answers{++*lives}; })}});
    const auto a = child_of<Answers>(s.rt, "top/a");
    const auto door = s.rt.spawn(Door{});
    a.tell(WaitAt{door});
    auto first = a.ask_async(Sum{}, no_timeout);
    auto boom = a.ask_async(Boom{}, no_timeout);
    auto second = a.ask_async(Sum{}, no_timeout);
    door.tell(Open{});
    EXPECT_EQ(second.get(), 2);
    EXPECT_EQ(first.get(), 1);
    EXPECT_EQ(boom.get(), std::unexpected(AskError::actor_failed));
  });
}

/// Sends one note and says how that went.
struct Sender {
  Log log;
  Ref<Worker> to;
  void handle(Note note) {
    const auto sent = to.tell(note);
    log->add(sent ? "sent" : std::string{to_string(sent.error())});
  }
};

TEST_P(Restarting, of_an_actor_with_a_full_mailbox_loses_none_of_the_senders_that_wait) {
  for (const MailOnRestart mail : {MailOnRestart::keep, MailOnRestart::drop}) {
    run(
        [mail](Stage& s) {
          started(s.rt, "top",
                  {.children = {child("a", Worker{s.log, "a"},
                                      {.mailbox = bounded(2, Overflow::suspend), .mail_on_restart = mail})}});
          const auto a = child_of<Worker>(s.rt, "top/a");
          const auto door = s.rt.spawn(Door{});
          a.tell(WaitAt{door});
          s.settle();
          a.tell(Crash{});
          constexpr std::size_t senders = 7;
          for (std::size_t i = 0; i < senders; ++i) s.rt.spawn(Sender{s.log, a}).tell(Note{1});
          s.settle();
          EXPECT_EQ(s.log->count("sent"), 1U) << "Crash and one note fill the mailbox";
          door.tell(Open{});
          s.settle();
          EXPECT_EQ(s.log->count("sent"), senders);
          EXPECT_EQ(s.log->count("a 1") + s.rt.dead_letters().count(DeadLetterReason::restart_dropped), senders);
          if (mail == MailOnRestart::keep) {
            EXPECT_EQ(s.log->count("a 1"), senders);
          } else {
            EXPECT_EQ(s.log->count("a 1"), 0U) << "all had been sent before the restart";
          }
        },
        {.seeds = 30, .rounds = 4});
  }
}

TEST_P(Restarting, that_does_not_come_tells_the_senders_that_wait) {
  run([](Stage& s) {
    started(s.rt, "top",
            {.children = {child("a", Worker{s.log, "a"},
                                {.restart = RestartType::temporary, .mailbox = bounded(1, Overflow::suspend)})}});
    const auto a = child_of<Worker>(s.rt, "top/a");
    const auto door = s.rt.spawn(Door{});
    a.tell(WaitAt{door});
    s.settle();
    a.tell(Crash{});
    for (int i = 0; i < 5; ++i) s.rt.spawn(Sender{s.log, a}).tell(Note{1});
    s.settle();
    door.tell(Open{});
    s.settle();
    EXPECT_EQ(s.log->count("actor_stopped") + s.log->count("sent"), 5U);
    EXPECT_GE(s.log->count("actor_stopped"), 4U) << "the place that Crash left may have let one in";
    EXPECT_EQ(s.log->count("a 1"), 0U);
    EXPECT_FALSE(s.rt.find<Worker>("top/a"));
    EXPECT_EQ(a.tell(Note{1}), std::unexpected(TellError::actor_stopped));
  });
}

// ---- state ------------------------------------------------------------------------------------------------------------

struct Tick {};
struct Quiet {};
struct Later {};
struct Arm {
  Ref<Worker> watched;
};
/// Its first incarnation arranges for everything that can come later; the second must hear of nothing.
struct Planner {
  Log log;
  int life;
  void on_start(Context& context) {
    if (life > 1) context.after(*this, 40ms, Later{});
  }
  void handle(Arm m, Context& context) {
    context.every(*this, 3ms, Tick{});
    context.after(*this, 7ms, Tick{});
    context.set_receive_timeout(*this, 5ms, Quiet{});
    context.watch(*this, m.watched);
    context.link(m.watched);
    context.trap_exits(*this);
  }
  void handle(Tick) { log->add(fmt::format("tick {}", life)); }
  void handle(Quiet) { log->add(fmt::format("quiet {}", life)); }
  void handle(Later, Context& context) {
    log->add(fmt::format("later {}", life));
    context.unstash_all();
  }
  void handle(Note note, Context& context) {
    log->add(fmt::format("note {} {}", note.value, life));
    if (life == 1) context.stash(note);
  }
  void handle(Down) { log->add(fmt::format("down {}", life)); }
  void handle(Exit exit, Context& context) {
    log->add(fmt::format("exit {}", life));
    if (exit.kind == Exit::Kind::stop) context.stop(exit.reason);
  }
  void handle(Crash) { throw std::runtime_error{"boom"}; }
};

TEST_P(Restarting, ends_timers_stash_watches_links_and_trapping_of_the_old_incarnation) {
  run([](Stage& s) {
    const auto lives = std::make_shared<std::atomic<int>>(0);
    started(s.rt, "top",
            {.intensity = 2, .children = {child("a", [log = s.log, lives] { return Planner{log, ++*lives}; })}});
    const auto a = child_of<Planner>(s.rt, "top/a");
    const auto quiet = std::make_shared<Journal>();
    const auto watched = s.rt.spawn(Worker{quiet, "watched"});
    a.tell(Arm{watched});
    a.tell(Note{1});
    a.tell(Note{2});
    a.tell(Crash{});
    a.tell(Note{3});
    s.settle();
    s.rt.stop(watched);
    s.settle();
    Lines lines = s.log->lines();
    std::erase(lines, "tick 1");  // on threads the first incarnation may live to see one
    std::erase(lines, "quiet 1");
    // There the sender may also be held up for longer than the second one's timer takes.
    if (!s.is_simulated)
      std::ranges::stable_partition(lines, [](const std::string& line) { return line != "later 2"; });
    EXPECT_EQ(lines, (Lines{"note 1 1", "note 2 1", "note 3 2", "later 2"}));
    EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::restart_dropped), 2U) << "the stash";
    s.rt.exit(a, ExitReason::custom("out"));  // it does not trap exits any more
    s.settle();
    EXPECT_EQ(*lives, 3);
    EXPECT_EQ(s.log->count("exit"), 0U);
  });
}

TEST_P(Restarting, of_one_that_waits_for_an_answer_leaves_that_to_the_dead_letters) {
  run([](Stage& s) {
    started(s.rt, "top", {.children = {child("a", Worker{s.log, "a"})}});
    const auto a = child_of<Worker>(s.rt, "top/a");
    const auto door = s.rt.spawn(Door{});
    a.tell(WaitAt{door});
    a.tell(Note{1});
    s.settle();
    s.rt.kill(a);
    s.settle();
    EXPECT_EQ(s.log->lines(), (Lines{"start a", "restart a: killed", "a 1"})) << "a kill runs no on_stop";
    door.tell(Open{});
    s.settle();
    EXPECT_EQ(s.rt.dead_letters().count(DeadLetterReason::late_reply), 1U);
    EXPECT_EQ(a.ask(Sum{}), 1);
  });
}

TEST_P(Restarting, begins_with_what_the_factory_gives_each_time) {
  run([](Stage& s) {
    const auto made = std::make_shared<std::atomic<int>>(0);
    started(s.rt, "top",
            {.intensity = 10,
             .children = {child("made", [log = s.log, made] { return Worker{log, "made", 100 * ++*made}; }),
                          child("copied", Worker{s.log, "copied", 7})}});
    for (const char* path : {"top/made", "top/copied"}) {
      const auto worker = child_of<Worker>(s.rt, path);
      worker.tell(Note{1});
      worker.tell(Crash{});
      worker.tell(Crash{});
      worker.tell(Note{2});
    }
    s.settle();
    EXPECT_EQ(child_of<Worker>(s.rt, "top/made").ask(Sum{}), 302);
    EXPECT_EQ(child_of<Worker>(s.rt, "top/copied").ask(Sum{}), 9);
  });
}

// ---- groups -----------------------------------------------------------------------------------------------------------

TEST_P(Restarting, of_a_group_stops_backwards_starts_forwards_and_forgets_temporary_bystanders) {
  for (const bool all : {true, false}) {
    run(
        [all](Stage& s) {
          const auto top = started(s.rt, "top",
                                   {.strategy = all ? RestartStrategy::one_for_all : RestartStrategy::rest_for_one,
                                    .children = {child("a", Worker{s.log, "a"}), child("b", Worker{s.log, "b"}),
                                                 child("t", Worker{s.log, "t"}, {.restart = RestartType::temporary}),
                                                 child("c", Worker{s.log, "c"})}});
          (void)s.log->take();
          child_of<Worker>(s.rt, "top/b").tell(Crash{});
          s.settle();
          Lines expected{"stop b: failed: boom", "stop c: shutdown", "stop t: shutdown", "restart b: failed: boom",
                         "restart c: shutdown"};
          if (all) expected.insert(expected.begin() + 3, {"stop a: shutdown", "restart a: shutdown"});
          EXPECT_EQ(s.log->take(), expected);
          EXPECT_EQ(top.ask(CountChildren{}), (ChildCounts{.specs = 3, .active = 3, .supervisors = 0, .workers = 3}));
          EXPECT_FALSE(s.rt.find<Worker>("top/t"));
        },
        {.seeds = 20, .rounds = 4});
  }
}

TEST_P(Restarting, that_fails_lets_a_request_in_before_it_is_tried_again) {
  int fewest = INT_MAX;  // tries before two requests were answered, of all runs
  run(
      [&fewest](Stage& s) {
        const auto may_start = std::make_shared<std::atomic<bool>>(true);
        const auto tries = std::make_shared<std::atomic<int>>(0);
        const auto picky = [log = s.log, may_start, tries]() -> std::expected<Worker, ExitReason> {
          ++*tries;
          if (!*may_start) return std::unexpected(ExitReason::custom("no"));
          return Worker{log, "a"};
        };
        const auto top = started(s.rt, "top",
                                 {.intensity = 1'000'000'000,
                                  .children = {child("a", picky)},
                                  .listener = reports_to(std::make_shared<Journal>())});
        *may_start = false;
        child_of<Worker>(s.rt, "top/a").tell(Crash{});
        ChildStatus status = ChildStatus::running;
        while (status == ChildStatus::running) status = top.ask(WhichChildren{}, no_timeout)->front().status;
        EXPECT_EQ(status, ChildStatus::restarting);
        EXPECT_TRUE(top.ask(TerminateChild{"a"}, no_timeout).has_value());
        EXPECT_EQ(top.ask(WhichChildren{}, no_timeout)->front().status, ChildStatus::undefined);
        fewest = std::min(fewest, tries->load());
        *may_start = true;
        EXPECT_TRUE(top.ask(RestartChild{"a"}, no_timeout).has_value());
      },
      {.seeds = 20, .rounds = 4});
  // On threads it is tried for as long as the one who asks needs to wake up.
  if (GetParam() == test_support::Arm::simulated) {
    EXPECT_LT(fewest, 50);
  }
}

// ---- hooks ------------------------------------------------------------------------------------------------------------

TEST_P(Restarting, tells_on_restart_why_and_without_it_calls_on_start) {
  struct Plain {
    Log log;
    void on_start(Context&) { log->add("plain starts"); }
    void handle(Crash) { throw std::runtime_error{"boom"}; }
  };
  run(
      [](Stage& s) {
        started(s.rt, "top",
                {.strategy = RestartStrategy::rest_for_one,
                 .intensity = 100,
                 .children = {child("a", Worker{s.log, "a"}), child("plain", Plain{s.log})}});
        const auto a = child_of<Worker>(s.rt, "top/a");
        const auto plain = child_of<Plain>(s.rt, "top/plain");
        const auto restarts = [&](auto&& act) {
          (void)s.log->take();
          act();
          s.settle();
          Lines lines = s.log->take();
          std::erase_if(lines, [](const std::string& line) { return line.starts_with("stop"); });
          return lines;
        };
        EXPECT_EQ(restarts([&] { a.tell(Crash{"tea"}); }), (Lines{"restart a: failed: tea", "plain starts"}));
        EXPECT_EQ(restarts([&] { a.tell(Leave{ExitReason::custom("word"), true}); }),
                  (Lines{"restart a: word", "plain starts"}));
        EXPECT_EQ(restarts([&] { a.tell(Leave{ExitReason::shutdown("x")}); }),
                  (Lines{"restart a: shutdown:x", "plain starts"}));
        EXPECT_EQ(restarts([&] { a.tell(Leave{}); }), (Lines{"restart a: normal", "plain starts"}));
        EXPECT_EQ(restarts([&] { s.rt.kill(a); }), (Lines{"restart a: killed", "plain starts"}));
        EXPECT_EQ(restarts([&] { s.rt.stop(a); }), (Lines{"restart a: shutdown", "plain starts"}));
        EXPECT_EQ(restarts([&] { s.rt.exit(a, ExitReason::failed("by post")); }),
                  (Lines{"restart a: failed: by post", "plain starts"}));
        EXPECT_EQ(restarts([&] { s.rt.exit(a, ExitReason::normal()); }), Lines{}) << "normal is ignored";
        EXPECT_EQ(restarts([&] { plain.tell(Crash{}); }), Lines{"plain starts"});
      },
      {.seeds = 20, .rounds = 3});
}

/// What goes wrong with a child, and when.
struct Trouble {
  std::atomic<int> lives{0};
  std::atomic<int> failures_left{0};
  [[nodiscard]] bool strikes() { return failures_left.fetch_sub(1) > 0; }
};
struct Troubled {
  std::shared_ptr<Trouble> trouble;
  void on_restart(Context&, const ExitReason&) {
    if (trouble->strikes()) throw std::runtime_error{"not yet"};
  }
  void on_stop(Context&, const ExitReason&) { throw std::runtime_error{"on_stop fails too"}; }
  void handle(Crash m) { throw std::runtime_error{m.why}; }
  int handle(Sum) const { return trouble->lives; }
};

TEST_P(Restarting, is_tried_again_and_counted_each_time_while_a_hook_or_the_factory_throws) {
  struct Fails {
    const char* name;
    std::function<Troubled(const std::shared_ptr<Trouble>&)> make;
    std::string reason;
  };
  const auto troubled = [](const std::shared_ptr<Trouble>& trouble) {
    ++trouble->lives;
    return Troubled{trouble};
  };
  const Fails kinds[] = {
      {"on_restart", troubled, "failed: on_start: not yet"},
      {"factory",
       [=](const std::shared_ptr<Trouble>& trouble) {
         if (trouble->lives > 0 && trouble->strikes()) throw std::runtime_error{"no clay"};
         return troubled(trouble);
       },
       "failed: no clay"},
      {"factory, not a std::exception",
       [=](const std::shared_ptr<Trouble>& trouble) {
         if (trouble->lives > 0 && trouble->strikes()) throw 42;
         return troubled(trouble);
       },
       "failed: exception of a type that is not a std::exception"},
      {"factory, with a reason",
       [=](const std::shared_ptr<Trouble>& trouble) {
         if (trouble->lives > 0 && trouble->strikes()) throw ExitWith{ExitReason::custom("word")};
         return troubled(trouble);
       },
       "word"},
  };
  for (const Fails& kind : kinds) {
    SCOPED_TRACE(kind.name);
    for (const int intensity : {4, 3}) {  // one crash and three failures
      run(
          [&](Stage& s) {
            const auto trouble = std::make_shared<Trouble>();
            started(s.rt, "top",
                    {.intensity = intensity,
                     .children = {child("a", [trouble, make = kind.make] { return make(trouble); })},
                     .listener = reports_to(s.log)});
            const auto a = child_of<Troubled>(s.rt, "top/a");
            trouble->failures_left = 3;
            a.tell(Crash{});
            s.settle();
            Lines lines = s.log->take();
            std::erase_if(lines, [](const std::string& line) { return line.starts_with("report on_stop failed"); });
            Lines expected{"child_terminated a: failed: boom"};
            expected.insert(expected.end(), 3, "start_error a: " + kind.reason);
            if (intensity == 3) {
              expected.insert(expected.end(), {"shutdown a: reached_max_restart_intensity", "ended: shutdown"});
            }
            EXPECT_EQ(lines, expected);
            if (intensity == 4) {
              EXPECT_TRUE(a.ask(Sum{}).has_value());
            } else {
              EXPECT_EQ(a.ask(Sum{}), std::unexpected(AskError::actor_stopped));
            }
          },
          {.seeds = 20, .rounds = 3});
    }
  }
}

TEST_P(Restarting, that_is_being_tried_again_keeps_the_mail_that_comes_meanwhile) {
  run([](Stage& s) {
    const auto trouble = std::make_shared<Trouble>();
    struct Late {
      Log log;
      std::shared_ptr<Trouble> trouble;
      void on_restart(Context&, const ExitReason&) {
        if (trouble->strikes()) throw std::runtime_error{"not yet"};
      }
      void handle(Note note) { log->add(fmt::format("note {}", note.value)); }
      void handle(Crash) { throw std::runtime_error{"boom"}; }
    };
    started(s.rt, "top",
            {.intensity = 100, .children = {child("a", Late{s.log, trouble})}, .backoff = {.first = 2ms, .most = 2ms}});
    const auto a = child_of<Late>(s.rt, "top/a");
    trouble->failures_left = 5;
    a.tell(Crash{});
    Lines expected;
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(a.tell(Note{i}));
      expected.push_back(fmt::format("note {}", i));
    }
    s.settle();
    EXPECT_EQ(s.log->lines(), expected);
  });
}

}  // namespace
}  // namespace orrery::supervision_tests
