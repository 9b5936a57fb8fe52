// Goal:   ends are orderly: leaves before their supervisors, the last started first; who does not end in time is named, then
//         killed; and nothing is left.
// Method: one body in both worlds; deadlines are virtual in one, and some milliseconds in the other, where only who ends
//         before whom is looked at.
#include "tests/supervision/fixture.hpp"

#include <atomic>
#include <optional>
#include <thread>

namespace orrery::supervision_tests {
namespace {

class ShuttingDown : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(ShuttingDown);

/// Traps exits and obeys none.
struct Deaf {
  Log log;
  std::string name;
  void on_start(Context& context) { context.trap_exits(*this); }
  void on_stop(Context&, const ExitReason& why) { log->add(fmt::format("stop {}: {}", name, to_string(why))); }
  void handle(Exit exit) { log->add(fmt::format("{} ignores {}", name, to_string(exit.reason))); }
};

TEST_P(ShuttingDown, ends_trees_in_reverse_order_of_their_start_each_from_its_leaves_and_then_the_rest) {
  run([](Stage& s) {
    (void)s.rt.spawn(Worker{s.log, "rest"});
    const auto tree = [&](const std::string& n) {
      return SupervisorSpec{.children = {child("a", Worker{s.log, n + "a"}),
                                         supervisor("s", {.children = {child("b", Worker{s.log, n + "b"}),
                                                                       child("c", Worker{s.log, n + "c"})}}),
                                         child("d", Worker{s.log, n + "d"})}};
    };
    started(s.rt, "one", tree("1"));
    started(s.rt, "two", tree("2"));
    s.settle();
    (void)s.log->take();
    EXPECT_EQ(s.shut_down(patience), Lines{});
    Lines expected;
    for (const char* who : {"2d", "2c", "2b", "2a", "1d", "1c", "1b", "1a", "rest"}) {
      expected.push_back(fmt::format("stop {}: shutdown", who));
    }
    EXPECT_EQ(s.log->take(), expected);
    EXPECT_EQ(s.rt.living(), 0U);
  });
}

TEST_P(ShuttingDown, restarts_nobody_and_starts_nobody) {
  struct LastWord {
    Log log;
    Ref<Worker> sibling;
    void on_stop(Context& context, const ExitReason&) {
      sibling.tell(Crash{});
      const auto late = start_supervisor(context.runtime(), "late", {.children = {child("x", Worker{log, "x"})}});
      log->add(late ? "started" : to_string(late.error()));
    }
    void handle(Note) {}
  };
  run([](Stage& s) {
    const auto top = started(s.rt, "top", {.intensity = 10, .children = {child("a", Worker{s.log, "a"})}});
    const auto a = child_of<Worker>(s.rt, "top/a");
    EXPECT_TRUE(top.ask(StartChild{child("last", LastWord{s.log, a})}, no_timeout));
    s.settle();
    EXPECT_EQ(s.shut_down(patience), Lines{});
    EXPECT_EQ(s.log->count("restart"), 0U);
    EXPECT_EQ(s.log->count("shutdown:the caller ends"), 1U);
    EXPECT_EQ(s.log->count("stop a"), 1U);
    EXPECT_EQ(to_string(start_supervisor(s.rt, "late", {}).error()), "shutting_down");
  });
}

TEST_P(ShuttingDown, kills_a_child_that_ignores_its_deadline_and_says_who) {
  run([](Stage& s) {
    started(s.rt, "top",
            {.children = {child("good", Worker{s.log, "good"}),
                          child("deaf", Deaf{s.log, "deaf"}, {.shutdown = Shutdown::after(20ms)})},
             .listener = reports_to(s.log)});
    s.settle();
    (void)s.log->take();
    EXPECT_EQ(s.shut_down(patience), Lines{});
    Lines lines = s.log->take();
    if (!s.is_simulated) {
      const std::string told =
          "report shutdown deadline: top/deaf did not end within 20ms of being asked to; it is killed";
      EXPECT_EQ(std::erase(lines, told), 1U) << text_of(lines);
      if (lines.front() != "deaf ignores shutdown")
        lines.insert(lines.begin(), "deaf ignores shutdown");  // too busy to
    }
    EXPECT_EQ(lines, (Lines{"deaf ignores shutdown", "shutdown_error deaf: killed", "stop good: shutdown",
                            "ended: shutdown"}));
  });
}

TEST(ShuttingDownInTheSimulation, tells_of_a_passed_deadline_in_the_trace) {
  const auto log = std::make_shared<Journal>();
  const auto run = sim::execute(
      [&](sim::World& w) {
        const auto top =
            started(w, "top", {.children = {child("deaf", Deaf{log, "deaf"}, {.shutdown = Shutdown::after(3s)})}});
        w.stop(top);
        w.run();
        EXPECT_EQ(w.now(), Instant{} + 3s);
        EXPECT_EQ(w.living(), 0U);
      },
      [] { return std::make_unique<sim::Calm>(); }, {.faults = sim::FaultProfile::none, .record_events = true});
  EXPECT_FALSE(run.finding);
  const auto told = std::ranges::count_if(run.events, [](const sim::Event& event) {
    return event.to == "shutdown deadline" &&
           event.message == "top/deaf did not end within 3s of being asked to; it is killed";
  });
  EXPECT_EQ(told, 1);
}

TEST_P(ShuttingDown, kills_all_instances_at_one_common_deadline) {
  run(
      [](Stage& s) {
        const auto pool = started(s.rt, "pool",
                                  {.strategy = RestartStrategy::simple_one_for_one,
                                   .children = {child("d", Deaf{s.log, "d"}, {.shutdown = Shutdown::after(50ms)})}});
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(pool.ask(StartInstance{}, no_timeout).has_value());
        s.settle();
        const Instant before = s.rt.now();
        s.rt.stop(pool);
        s.settle();
        EXPECT_EQ(s.rt.living(), 0U);
        if (s.is_simulated) {
          EXPECT_EQ(s.log->count("d ignores shutdown"), 20U);
          EXPECT_EQ(s.rt.now() - before, 50ms);
        }
      },
      {.seeds = 20, .rounds = 3});
}

TEST_P(ShuttingDown, waits_for_ever_where_that_is_asked_for_and_names_who_does_not_end) {
  run(
      [](Stage& s) {
        const auto top = started(
            s.rt, "top", {.children = {child("deaf", Deaf{s.log, "deaf"}, {.shutdown = Shutdown::infinity()})}});
        s.settle();
        s.rt.stop(top);
        s.settle();
        const Lines left = s.shut_down(50ms);
        if (s.is_simulated) {
          EXPECT_EQ(left, (Lines{"top", "top/deaf"}));
        } else {
          EXPECT_EQ(left,
                    (Lines{"top: waits for its child top/deaf to end", "top/deaf: traps exits and has not ended"}));
        }
        s.rt.kill(*s.rt.find<Deaf>("top/deaf"));
        s.settle();
        EXPECT_EQ(s.rt.living(), 0U);
        EXPECT_EQ(s.log->count("stop deaf"), 0U);
        EXPECT_FALSE(s.rt.stop(top));
      },
      {.seeds = 20, .rounds = 3});
}

TEST(ShuttingDownOnThreads, names_a_handler_that_runs_for_ever_and_the_supervisor_that_waits_for_it) {
  struct Runs {
    std::atomic<bool>* reached;
    std::atomic<bool>* go_on;
    void handle(Note) {
      *reached = true;
      while (go_on->load()) std::this_thread::yield();
    }
  };
  std::atomic<bool> reached{false};
  std::atomic<bool> go_on{true};
  Journal reports;
  {
    System system{{.threads = 2,
                   .slow_handler = 0s,
                   .blocked_worker = 0s,
                   .report_to = [&](std::string_view kind,
                                    const std::string& text) { reports.add(fmt::format("{}: {}", kind, text)); },
                   .read_environment = false}};
    started(system, "top", {.children = {child("runs", Runs{&reached, &go_on}, {.shutdown = Shutdown::after(10ms)})}});
    child_of<Runs>(system, "top/runs").tell(Note{});
    while (!reached) std::this_thread::yield();
    const Lines expected{"top/runs: in handler Note", "top: waits for its child top/runs to end"};
    Lines left;
    for (int i = 0; i < 100 && (left != expected || reports.count("shutdown deadline") == 0); ++i) {
      const StopReport report = system.shutdown(50ms);
      EXPECT_FALSE(report.is_complete);
      left.clear();
      for (const Activity& one : report.activity) left.push_back(one.actor + ": " + one.doing);
      std::ranges::sort(left);
    }
    EXPECT_EQ(left, expected);
    EXPECT_EQ(reports.count("shutdown deadline: top/runs did not end within 10ms"), 1U);
    go_on = false;
    EXPECT_TRUE(system.shutdown(patience).is_complete);
  }
}

TEST(ShuttingDownOnThreads, answers_who_starts_a_tree_beside_it) {
  struct Gated {
    std::atomic<bool>* reached;
    std::atomic<bool>* go_on;
    void on_start(Context&) {
      *reached = true;
      while (!*go_on) std::this_thread::yield();
    }
    void handle(Note) {}
  };
  const auto log = std::make_shared<Journal>();
  for (int i = 0; i < 10; ++i) {
    std::atomic<bool> reached{false};
    std::atomic<bool> go_on{false};
    System system{{.threads = 2, .slow_handler = 0s, .report_to = [](auto, auto&) {}, .read_environment = false}};
    std::string answer;
    std::thread starter{[&] {
      const auto up = start_supervisor(
          system, "top", {.children = {child("a", Gated{&reached, &go_on}), child("b", Worker{log, "b"})}});
      answer = up ? "up" : to_string(up.error());
    }};
    while (!reached) std::this_thread::yield();
    std::thread opener{[&] {
      for (int spin = 0; spin < i * 50; ++spin) std::this_thread::yield();
      go_on = true;
    }};
    const StopReport report = system.shutdown(patience);
    EXPECT_TRUE(report.is_complete) << orrery_describe(report);
    starter.join();
    opener.join();
    EXPECT_NE(answer, "");
  }
}

TEST_P(ShuttingDown, of_a_tree_whose_supervisor_waits_ends_that_too) {
  struct Holder {
    void handle(MayResume message, Context& context) { context.stash(message); }
  };
  run([](Stage& s) {
    const auto holder = s.rt.spawn(Holder{});
    const auto top = started(s.rt, "top", {.children = {child("a", Worker{s.log, "a"})}});
    top.tell(SuspendUntil{holder});
    s.settle();
    s.rt.stop(top);
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"start a"}) << "a held supervisor ends in its turn";
    s.rt.kill(top);
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"stop a: killed"});
    EXPECT_EQ(s.rt.living(), 1U);
  });
}

/// Trees of several kinds, and a lot under way in them.
void make_a_mess(Stage& s) {
  for (int tree = 0; tree < 3; ++tree) {
    const std::string name = fmt::format("t{}", tree);
    started(s.rt, name,
            {.strategy = tree == 0 ? RestartStrategy::one_for_all : RestartStrategy::one_for_one,
             .intensity = 1'000,
             .children = {child("a", Worker{s.log, "a"}, {.mailbox = bounded(4, Overflow::drop_oldest)}),
                          child("b", Worker{s.log, "b"}, {.mail_on_restart = MailOnRestart::drop}),
                          supervisor("s", {.intensity = 1, .children = {child("c", Trapper{s.log, "c"})}},
                                     {.restart = RestartType::transient})}});
    const auto a = child_of<Worker>(s.rt, name + "/a");
    const auto b = child_of<Worker>(s.rt, name + "/b");
    const auto c = child_of<Trapper>(s.rt, name + "/s/c");
    for (int i = 0; i < 10; ++i) {
      (void)a.tell(Note{i});
      (void)b.tell(Note{i});
      (void)c.tell(Note{i});
      if (i % 3 == 1) (void)b.tell(Crash{});
      if (i % 4 == 2) (void)c.tell(Crash{});
      if (i == 5) s.rt.exit(a, ExitReason::custom("x"));
    }
  }
}

TEST_P(ShuttingDown, adds_up_whatever_was_under_way) {
  run(
      [](Stage& s) {
        make_a_mess(s);
        if (s.seed % 2 == 0) s.settle();
        EXPECT_EQ(s.shut_down(patience), Lines{});
        const Ledger account = s.rt.ledger();
        EXPECT_TRUE(account.adds_up() && account.queued == 0) << orrery_describe(account);
      },
      {.seeds = 100, .rounds = 30}, {});
}

TEST(ShuttingDownInTheSimulation, adds_up_over_channels_too) {
  run_simulated(&make_a_mess, is_short() ? 20 : 100, {.mode = sim::Mode::per_pair});
}

TEST(ShuttingDownInTheSimulation, is_the_same_run_for_the_same_seed) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(simulate(&make_a_mess, seed, {}).trace_hash, simulate(&make_a_mess, seed, {}).trace_hash) << seed;
  }
  EXPECT_NE(simulate(&make_a_mess, 1, {}).trace_hash, simulate(&make_a_mess, 2, {}).trace_hash);
}

}  // namespace
}  // namespace orrery::supervision_tests
