// Goal:   whatever comes first, nobody is left over, no message is lost, and each end is told exactly once.
// Method: tiny programs in which two things happen at once, under every schedule of the simulated world; where the numbers
//         allow it also with channels between actors (per_pair), and with the reductions off, which must show the same outcomes.
#include "tests/supervision/fixture.hpp"

#include <iterator>
#include <set>

namespace orrery::supervision_tests {
namespace {

using sim::World;

/// Watches, and counts what it hears.
struct Watch {
  Handle whom;
  std::uint32_t runtime = 0;
};
struct Watcher {
  Log log;
  void handle(Watch m, Context& context) { context.watch(*this, Ref<Worker>{m.runtime, m.whom}); }
  void handle(Down down) { log->add("down " + to_string(down.reason)); }
};
template <class A>
void watch(const Ref<Watcher>& watcher, const Ref<A>& whom) {
  watcher.tell(Watch{whom.handle(), whom.runtime_index()});
}

struct Linked {
  Log log;
  std::string name;
  void on_stop(Context&, const ExitReason& why) { log->add(fmt::format("stop {}: {}", name, to_string(why))); }
  void handle(Watch m, Context& context) { context.link(Ref<Worker>{m.runtime, m.whom}); }
  void handle(Note, Context& context) { context.stop(ExitReason::custom(name)); }
};

/// Does one thing to the tree, at a time of its own.
struct Actor {
  std::function<void(Context&)> act;
  void handle(Note, Context& context) { act(context); }
};

/// Traps exits and links to a worker, in each of its lives.
struct LinksUp {
  Log log;
  int life;
  Ref<Worker> to;
  void on_start(Context& context) {
    context.trap_exits(*this);
    context.link(to);
  }
  void handle(Exit exit, Context& context) {
    if (exit.kind == Exit::Kind::stop) return context.stop(exit.reason);
    log->add(fmt::format("{} hears {}", life, to_string(exit.reason)));
  }
  void handle(Crash m) { throw std::runtime_error{m.why}; }
};

struct Program {
  const char* name;
  std::function<void(World&, const Log&)> run;  ///< until all is at rest
  std::function<void(const Lines&)> check = [](const Lines&) {};
  bool in_channels = true;  ///< few enough schedules per_pair
  bool unreduced = true;    ///< and without reductions
};

std::size_t count_of(const Lines& lines, std::string_view beginning) {
  return static_cast<std::size_t>(
      std::ranges::count_if(lines, [&](const std::string& line) { return line.starts_with(beginning); }));
}

SupervisorSpec tree_of(const Log& log, std::vector<ChildSpec> children,
                       RestartStrategy strategy = RestartStrategy::one_for_one) {
  return {.strategy = strategy, .intensity = 10, .children = std::move(children), .listener = reports_to(log)};
}
void at_once(World& w, std::function<void(Context&)> act) { w.spawn(Actor{std::move(act)}).tell(Note{}); }

/// Ends all that lives, one after the other, so that this adds no schedules.
void end_all(World& w) {
  const std::vector<Handle> trees = w.leading_supervisors();
  for (auto tree = trees.rbegin(); tree != trees.rend(); ++tree) {
    w.stop(Ref<Supervisor>{w.index(), *tree});
    w.run();
  }
  std::vector<Handle> others;
  w.for_each_cell([&](const Cell& cell) {
    if (cell.life != Cell::Life::vacant) others.push_back(cell.handle());
  });
  for (const Handle one : others) {
    w.stop(Ref<Worker>{w.index(), one});
    w.run();
  }
}

struct Outcomes {
  std::set<std::string> all;
  std::uint64_t runs = 0;
};

Outcomes search(const Program& program, sim::Mode mode, bool reduce) {
  Outcomes outcomes;
  std::string text;
  const auto searched = sim::search_all(
      [&](World& w) {
        const auto log = std::make_shared<Journal>();
        program.run(w, log);
        Lines lines = log->lines();
        end_all(w);
        EXPECT_EQ(w.living(), 0U) << text_of(lines);
        program.check(lines);
        if (::testing::Test::HasFailure()) throw std::runtime_error{text_of(lines)};
        std::ranges::sort(lines);  // who of two actors wrote first is nothing that an actor can see
        text = text_of(lines);
      },
      {.mode = mode, .faults = sim::FaultProfile::none, .reduce = reduce}, 400'000,
      [&](const sim::Outcome& run) {
        if (run.finding && outcomes.all.empty()) {
          ADD_FAILURE() << program.name << ": " << sim::headline(run.finding->kind) << " " << run.finding->name << " "
                        << run.finding->detail;
        }
        EXPECT_TRUE(run.ledger.adds_up() && run.ledger.queued == 0) << orrery_describe(run.ledger);
        outcomes.all.insert(text);
      });
  EXPECT_TRUE(searched.complete) << program.name;
  outcomes.runs = searched.runs;
  return outcomes;
}

const std::vector<Program>& programs() {
  const auto worker = [](const Log& log, const char* name, ChildOptions options = {}) {
    return child(name, Worker{log, name}, options);
  };
  static const std::vector<Program> all{
      {.name = "a_crash_and_the_stop_of_the_supervisor",
       .run =
           [=](World& w, const Log& log) {
             const auto top = started(w, "top", tree_of(log, {worker(log, "a")}));
             const auto a = child_of<Worker>(w, "top/a");
             watch(w.spawn(Watcher{log}), a);
             w.run();
             a.tell(Crash{});
             w.stop(top);
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "down "), 1U);
             EXPECT_EQ(count_of(lines, "ended: shutdown"), 1U);
             EXPECT_EQ(count_of(lines, "stop a"), 1U + count_of(lines, "restart a"));
           }},
      {.name = "a_crash_and_the_kill_of_the_supervisor",
       .run =
           [=](World& w, const Log& log) {
             const auto top = started(w, "top", tree_of(log, {worker(log, "a")}));
             const auto a = child_of<Worker>(w, "top/a");
             watch(w.spawn(Watcher{log}), a);
             w.run();
             a.tell(Crash{});
             w.kill(top);
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "down "), 1U);
             EXPECT_EQ(count_of(lines, "ended: killed"), 1U);
           }},
      {.name = "a_child_leaves_and_is_terminated",
       .run =
           [=](World& w, const Log& log) {
             const auto top = started(w, "top", tree_of(log, {worker(log, "a", {.restart = RestartType::transient})}));
             const auto a = child_of<Worker>(w, "top/a");
             watch(w.spawn(Watcher{log}), a);
             w.run();
             a.tell(Leave{});
             at_once(w, [=](Context&) {
               EXPECT_TRUE(top.ask(TerminateChild{"a"}, no_timeout).has_value());
               EXPECT_TRUE(top.ask(DeleteChild{"a"}, no_timeout).has_value());
             });
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "down "), 1U);
             EXPECT_EQ(count_of(lines, "stop a"), 1U);
           }},
      {.name = "a_child_crashes_and_is_terminated_and_restarted_by_request",
       .run =
           [=](World& w, const Log& log) {
             const auto top = started(w, "top", tree_of(log, {worker(log, "a")}));
             child_of<Worker>(w, "top/a").tell(Crash{});
             at_once(w, [=](Context&) { EXPECT_TRUE(top.ask(TerminateChild{"a"}, no_timeout).has_value()); });
             at_once(w, [=](Context&) {
               const auto up = top.ask(RestartChild{"a"}, no_timeout);
               log->add(up ? "restarted" : orrery_describe(*up.error().refused()));
             });
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "restarted") + count_of(lines, "running") + count_of(lines, "restarting"), 1U);
           },
       .in_channels = false},
      {.name = "the_supervisor_is_killed_while_a_child_starts",
       .run =
           [=](World& w, const Log& log) {
             struct Greets {
               Log log;
               Ref<Door> door;
               void on_start(Context&) { (void)door.ask(Pass{}, no_timeout); }
               void on_stop(Context&, const ExitReason& why) { log->add("stop greets: " + to_string(why)); }
               void handle(Note) {}
             };
             const auto door = w.spawn(Door{});
             const auto top = started(w, "top", tree_of(log, {}));
             at_once(w, [=](Context&) {
               const auto up = top.ask(StartChild{child("g", Greets{log, door})}, no_timeout);
               log->add(up ? "up" : "not up");
             });
             door.tell(Open{});
             w.kill(top);
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "ended: killed"), 1U);
             EXPECT_EQ(count_of(lines, "up") + count_of(lines, "not up"), 1U);
           },
       .in_channels = false},
      {.name = "two_crash_at_once_one_for_all",
       .run =
           [=](World& w, const Log& log) {
             started(w, "top", tree_of(log, {worker(log, "a"), worker(log, "b")}, RestartStrategy::one_for_all));
             child_of<Worker>(w, "top/a").tell(Crash{});
             child_of<Worker>(w, "top/b").tell(Crash{});
             w.run();
           },
       .check =
           [](const Lines& lines) {
             const std::size_t rounds = count_of(lines, "restart a");
             EXPECT_TRUE(rounds == 1 || rounds == 2);
             EXPECT_EQ(count_of(lines, "restart b"), rounds);
             EXPECT_EQ(count_of(lines, "child_terminated"), rounds);
           }},
      {.name = "a_trapping_bystander_crashes_while_its_group_is_stopped",
       .run =
           [=](World& w, const Log& log) {
             started(w, "top",
                     tree_of(log, {worker(log, "a"), child("b", Trapper{log, "b"})}, RestartStrategy::one_for_all));
             child_of<Worker>(w, "top/a").tell(Crash{});
             child_of<Trapper>(w, "top/b").tell(Crash{});
             w.run();
           },
       .check =
           [](const Lines& lines) {
             // An order to stop is for the incarnation it was sent to: nobody ends without a crash of its own or a round.
             const std::size_t rounds = count_of(lines, "restart a");
             EXPECT_LE(rounds, 2U);
             EXPECT_EQ(count_of(lines, "start b"), rounds + 1);
             EXPECT_EQ(count_of(lines, "child_terminated"), rounds);
           }},
      {.name = "rest_for_one_with_a_crash_and_a_kill",
       .run =
           [=](World& w, const Log& log) {
             started(w, "top", tree_of(log, {worker(log, "a"), worker(log, "b")}, RestartStrategy::rest_for_one));
             const auto b = child_of<Worker>(w, "top/b");
             child_of<Worker>(w, "top/a").tell(Crash{});
             w.kill(b);
             w.run();
             EXPECT_EQ(b.ask(Sum{}), 0);
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "restart a"), 1U);
             const std::size_t rounds = count_of(lines, "restart b");
             EXPECT_TRUE(rounds == 1 || rounds == 2);
           },
       .in_channels = false},
      {.name = "two_linked_actors_end_at_once",
       .run =
           [=](World& w, const Log& log) {
             const auto x = w.spawn(Linked{log, "x"});
             const auto y = w.spawn(Linked{log, "y"});
             watch(w.spawn(Watcher{log}), x);
             w.run();
             x.tell(Watch{y.handle(), y.runtime_index()});
             w.run();
             x.tell(Note{});
             y.tell(Note{});
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "down "), 1U);
             EXPECT_EQ(count_of(lines, "stop x"), 1U);
             EXPECT_EQ(count_of(lines, "stop y"), 1U);
             EXPECT_EQ(count_of(lines, "down noproc"), 0U);
           },
       .in_channels = false},
      {.name = "a_link_to_one_that_ends",
       .run =
           [=](World& w, const Log& log) {
             const auto x = w.spawn(Linked{log, "x"});
             const auto y = w.spawn(Linked{log, "y"});
             x.tell(Watch{y.handle(), y.runtime_index()});
             y.tell(Note{});
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "stop y: y"), 1U);
             EXPECT_EQ(count_of(lines, "stop x: y") + count_of(lines, "stop x: noproc"), 1U) << text_of(lines);
           }},
      {.name = "links_of_two_who_crash_at_once",
       .run =
           [=](World& w, const Log& log) {
             const auto quiet = std::make_shared<Journal>();
             const auto lives = std::make_shared<int>(0);
             const auto top = started(w, "top", tree_of(quiet, {worker(quiet, "b")}));
             const auto b = child_of<Worker>(w, "top/b");
             (void)top.ask(StartChild{child("a", [=] { return LinksUp{log, ++*lives, b}; })}, no_timeout);
             const auto a = child_of<LinksUp>(w, "top/a");
             w.run();
             a.tell(Crash{});
             b.tell(Crash{});
             w.run();
             b.tell(Crash{"again"});
             w.run();
           },
       // What its first life was linked to has ended with that; its second hears of the end of what that linked to.
       .check = [](const Lines& lines) { EXPECT_EQ(count_of(lines, "2 hears"), 1U) << text_of(lines); },
       .in_channels = false,
       .unreduced = false},
      {.name = "an_unlink_from_one_that_crashes",
       .run =
           [=](World& w, const Log& log) {
             const auto quiet = std::make_shared<Journal>();
             const auto b = w.spawn(Worker{quiet, "b"});
             struct Undecided {
               Log log;
               Ref<Worker> to;
               void on_start(Context& context) {
                 context.trap_exits(*this);
                 context.link(to);
               }
               void handle(Exit exit, Context& context) {
                 if (exit.kind == Exit::Kind::stop) return context.stop(exit.reason);
                 log->add("hears");
               }
               void handle(Note, Context& context) {
                 context.unlink(to);
                 log->add("unlinked");
               }
             };
             const auto a = w.spawn(Undecided{log, b});
             w.run();
             at_once(w, [=](Context&) { a.tell(Note{}); });
             b.tell(Crash{});
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_TRUE(lines == Lines{"unlinked"} || lines == (Lines{"hears", "unlinked"})) << text_of(lines);
           }},
      {.name = "a_watch_of_a_child_that_ends_for_good",
       .run =
           [=](World& w, const Log& log) {
             started(w, "top", tree_of(log, {worker(log, "a", {.restart = RestartType::temporary})}));
             const auto a = child_of<Worker>(w, "top/a");
             watch(w.spawn(Watcher{log}), a);
             watch(w.spawn(Watcher{log}), a);
             a.tell(Crash{});
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "down failed: boom") + count_of(lines, "down noproc"), 2U) << text_of(lines);
           },
       .in_channels = false},
      {.name = "mail_of_two_senders_across_a_restart",
       .run =
           [=](World& w, const Log& log) {
             started(w, "top", tree_of(log, {worker(log, "a")}));
             const auto a = child_of<Worker>(w, "top/a");
             at_once(w, [=](Context&) {
               a.tell(Note{1});
               a.tell(Crash{});
               a.tell(Note{2});
             });
             at_once(w, [=](Context&) { a.tell(Note{3}); });
             w.run();
             EXPECT_EQ(w.ledger_of(a.handle())->failed, 1U);
           },
       .check =
           [](const Lines& lines) {
             Lines mail;
             std::ranges::copy_if(lines, std::back_inserter(mail), [](const auto& l) { return l.starts_with("a "); });
             EXPECT_EQ(mail.size(), 3U);
             EXPECT_LT(std::ranges::find(mail, "a 1"), std::ranges::find(mail, "a 2"));
           },
       .in_channels = false},
      {.name = "mail_across_a_restart_that_drops_it",
       .run =
           [=](World& w, const Log& log) {
             started(
                 w, "top",
                 tree_of(log,
                         {worker(log, "a",
                                 {.mailbox = bounded(2, Overflow::suspend), .mail_on_restart = MailOnRestart::drop})}));
             const auto a = child_of<Worker>(w, "top/a");
             at_once(w, [=](Context&) {
               a.tell(Crash{});
               a.tell(Note{1});
               a.tell(Note{2});
             });
             at_once(w, [=](Context&) { a.tell(Note{3}); });
             w.run();
             const std::uint64_t dropped = w.dead_letters().count(DeadLetterReason::restart_dropped);
             EXPECT_EQ(log->count("a ") + dropped, 3U);
             for (std::uint64_t i = 0; i < dropped; ++i) log->add("dropped");
           },
       .in_channels = false,
       .unreduced = false},
      {.name = "an_instance_crashes_and_is_terminated",
       .run =
           [=](World& w, const Log& log) {
             const auto pool =
                 started(w, "pool", tree_of(log, {worker(log, "w")}, RestartStrategy::simple_one_for_one));
             const auto info = pool.ask(StartInstance{}, no_timeout);
             const auto instance = *info->as<Worker>();
             watch(w.spawn(Watcher{log}), instance);
             w.run();
             instance.tell(Crash{});
             at_once(w, [=](Context&) {
               const ActorId any{0, instance.handle().slot, instance.handle().generation, 0};
               EXPECT_TRUE(pool.ask(TerminateInstance{any}, no_timeout).has_value());
               EXPECT_EQ(pool.ask(CountChildren{}, no_timeout)->active, 0U);
             });
             w.run();
           },
       .check = [](const Lines& lines) { EXPECT_EQ(count_of(lines, "down "), 1U); },
       .in_channels = false},
      {.name = "an_instance_crashes_while_all_are_stopped",
       .run =
           [=](World& w, const Log& log) {
             const auto pool =
                 started(w, "pool", tree_of(log, {worker(log, "w")}, RestartStrategy::simple_one_for_one));
             const auto one = *pool.ask(StartInstance{}, no_timeout)->as<Worker>();
             (void)pool.ask(StartInstance{}, no_timeout);
             w.run();
             one.tell(Crash{});
             w.stop(pool);
             w.run();
             EXPECT_EQ(w.living(), 0U);
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "stop w"), 2U + count_of(lines, "restart w"));
             EXPECT_EQ(count_of(lines, "ended: shutdown"), 1U);
           }},
      {.name = "a_starter_is_stopped_while_its_tree_starts",
       .run =
           [=](World& w, const Log& log) {
             struct Starter {
               Log log;
               void handle(Note, Context& context) {
                 const auto up =
                     start_supervisor(context.runtime(), "top", {.children = {child("a", Worker{log, "a"})}});
                 log->add(up ? "up" : to_string(up.error()));
               }
             };
             const auto starter = w.spawn(Starter{log});
             starter.tell(Note{});
             at_once(w, [=](Context& context) { context.stop(starter); });
             w.run();
             EXPECT_EQ(w.living(), log->count("up") == 1 ? 3U : 1U) << text_of(log->lines());
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "start a") - count_of(lines, "up"), count_of(lines, "stop a"));
           },
       .in_channels = false},
      {.name = "an_asker_whose_target_restarts",
       .run =
           [=](World& w, const Log& log) {
             started(w, "top", tree_of(log, {worker(log, "a")}));
             const auto a = child_of<Worker>(w, "top/a");
             at_once(w, [=](Context&) {
               const auto sum = a.ask(Sum{}, no_timeout);
               log->add(sum ? "answered" : std::string{to_string(sum.error())});
             });
             a.tell(Crash{});
             w.kill(a);
             w.run();
           },
       .check = [](const Lines& lines) { EXPECT_EQ(count_of(lines, "answered"), 1U); },
       .in_channels = false},
      {.name = "the_second_of_two_significant_children_ends_with_the_first",
       .run =
           [=](World& w, const Log& log) {
             const ChildOptions significant{.restart = RestartType::temporary, .significant = true};
             SupervisorSpec spec = tree_of(log, {worker(log, "a", significant), worker(log, "b", significant)});
             spec.auto_shutdown = AutoShutdown::all_significant;
             started(w, "top", spec);
             child_of<Worker>(w, "top/a").tell(Leave{});
             child_of<Worker>(w, "top/b").tell(Crash{});
             w.run();
           },
       .check =
           [](const Lines& lines) {
             EXPECT_EQ(count_of(lines, "stop a: normal"), 1U);
             EXPECT_EQ(count_of(lines, "stop b: failed: boom"), 1U);
             EXPECT_EQ(count_of(lines, "ended: shutdown"), 1U);
           }},
      {.name = "the_middle_of_a_tree_is_killed",
       .run =
           [=](World& w, const Log& log) {
             const auto quiet = std::make_shared<Journal>();
             started(w, "top",
                     tree_of(log, {supervisor("mid",
                                              {.children = {supervisor("sub", {.children = {worker(quiet, "x")}})}})}));
             const auto mid = child_of<Supervisor>(w, "top/mid");
             w.kill(mid);
             w.run();
             EXPECT_TRUE(w.find<Worker>("top/mid/sub/x"));
             EXPECT_EQ(w.living(), 4U);
           },
       .in_channels = false,
       .unreduced = false},
  };
  return all;
}

class Schedules : public ::testing::TestWithParam<Program> {};

TEST_P(Schedules, keep_what_is_promised_in_every_order) {
  const Program& program = GetParam();
  const Outcomes reduced = search(program, sim::Mode::causal, true);
  fmt::print("[ SEARCHED ] {} schedules, {} outcomes\n", reduced.runs, reduced.all.size());
  if (!program.unreduced || HasFailure()) return;
  const Outcomes all = search(program, sim::Mode::causal, false);
  fmt::print("[ SEARCHED ] {} schedules without reductions\n", all.runs);
  EXPECT_EQ(reduced.all, all.all) << "the reductions lose or invent an outcome";
}

TEST_P(Schedules, keep_what_is_promised_over_channels) {
  const Program& program = GetParam();
  if (!program.in_channels) return;
  const Outcomes outcomes = search(program, sim::Mode::per_pair, true);
  fmt::print("[ SEARCHED ] {} schedules, {} outcomes\n", outcomes.runs, outcomes.all.size());
}

INSTANTIATE_TEST_SUITE_P(, Schedules, ::testing::ValuesIn(programs()),
                         [](const auto& tested) { return std::string{tested.param.name}; });

}  // namespace
}  // namespace orrery::supervision_tests
