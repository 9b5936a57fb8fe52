// Goal:   trees start whole or not at all, answer requests by OTP's table through their typed interface, and are found by name.
// Method: one body in both worlds. What has a trace in OTP is in tests/scenario; here is what only this interface has.
#include "tests/supervision/fixture.hpp"

#include <atomic>
#include <optional>
#include <set>

namespace orrery::supervision_tests {
namespace {

class Tree : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(Tree);

// ---- starting -------------------------------------------------------------------------------------------------------------

TEST_P(Tree, is_found_by_paths_all_the_way_down) {
  run([](Stage& s) {
    const auto bank = started(s.rt, "bank",
                              {.children = {child("alice", Worker{s.log, "alice"}),
                                            supervisor("branch", {.children = {child("bob", Worker{s.log, "bob"})}})}});
    EXPECT_EQ(child_of<Supervisor>(s.rt, "bank"), bank);
    EXPECT_TRUE(s.rt.find<Worker>("bank/alice"));
    EXPECT_TRUE(s.rt.find<Supervisor>("bank/branch"));
    EXPECT_TRUE(s.rt.find<Worker>("bank/branch/bob"));
    EXPECT_FALSE(s.rt.find<Worker>("alice"));
    EXPECT_FALSE(s.rt.find<Supervisor>("bank/alice")) << "it is no supervisor";
    s.rt.stop(bank);
    s.settle();
    EXPECT_EQ(s.rt.living(), 0U);
    EXPECT_FALSE(s.rt.find<Worker>("bank/alice"));
    EXPECT_EQ(s.log->take(), (Lines{"start alice", "start bob", "stop bob: shutdown", "stop alice: shutdown"}));
  });
}

TEST_P(Tree, without_a_name_gives_none_to_its_children_so_that_two_can_run) {
  run([](Stage& s) {
    const SupervisorSpec spec{.children = {child("a", Worker{s.log, "a"})}};
    const auto one = started(s.rt, "", spec);
    const auto two = started(s.rt, "", spec);
    EXPECT_FALSE(s.rt.find<Worker>("a"));
    for (const auto& top : {one, two}) {
      const auto children = top.ask(WhichChildren{});
      ASSERT_TRUE(children && children->size() == 1);
      const auto a = children->front().as<Worker>();
      ASSERT_TRUE(a);
      EXPECT_EQ(a->ask(Sum{}), 0);
      EXPECT_FALSE(children->front().as<Trapper>());
    }
  });
}

TEST_P(Tree, whose_instances_are_supervisors_with_children_of_the_same_ids) {
  run([](Stage& s) {
    const auto pool = started(s.rt, "pool",
                              {.strategy = RestartStrategy::simple_one_for_one,
                               .children = {supervisor("session", {.children = {child("a", Worker{s.log, "a"})}})}});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.ask(StartInstance{}, no_timeout).has_value());
    EXPECT_EQ(pool.ask(CountChildren{}), (ChildCounts{.specs = 1, .active = 3, .supervisors = 3, .workers = 0}));
    EXPECT_EQ(s.rt.living(), 7U);
  });
}

TEST_P(Tree, that_fails_to_start_leaves_nothing_behind_and_says_why) {
  struct Refuses {
    Log log;
    void on_start(Context&) { throw std::runtime_error{"no"}; }
    void handle(Note) {}
  };
  run(
      [](Stage& s) {
        const ChildSpec good = child("good", Worker{s.log, "good"});
        const std::pair<SupervisorSpec, std::string> cases[] = {
            {{.children = {good, child("bad", Refuses{s.log}), child("never", Worker{s.log, "never"})}},
             "shutdown:failed_to_start(bad,failed: on_start: no)"},
            {{.children = {good, supervisor("sub", {.children = {child("bad", Refuses{s.log})}})}},
             "shutdown:failed_to_start(sub,shutdown:failed_to_start(bad,failed: on_start: no))"},
            {{.children = {good, child("bad",
                                       []() -> std::expected<Worker, ExitReason> {
                                         return std::unexpected(ExitReason::custom("closed"));
                                       })}},
             "shutdown:failed_to_start(bad,closed)"},
            {{.children = {good, child("b/d", Worker{s.log, "x"})}}, ""},
            {{.intensity = -1, .children = {good}}, "supervisor_data:invalid_intensity:-1"},
            {{.children = {good, supervisor("sub", {.period = 0s})}},
             "shutdown:failed_to_start(sub,supervisor_data:invalid_period:0)"},
        };
        for (const auto& [spec, why] : cases) {
          const auto up = start_supervisor(s.rt, "top", spec);
          ASSERT_FALSE(up);
          if (!why.empty()) {
            EXPECT_EQ(to_string(up.error()), why);
          }
          EXPECT_EQ(s.rt.living(), 0U) << why;
          EXPECT_FALSE(s.rt.find<Worker>("top/good"));
        }
        EXPECT_EQ(s.log->count("start never"), 0U);
        EXPECT_EQ(s.log->count("start good"), s.log->count("stop good: shutdown"));
        started(s.rt, "top", {.children = {good}});  // the names are free
        EXPECT_EQ(to_string(start_supervisor(s.rt, "top", {}).error()), "name_taken");
      },
      {.seeds = 20, .rounds = 4});
}

TEST_P(Tree, is_started_from_a_handler_too_and_outlives_it) {
  struct Starter {
    Log log;
    std::expected<Ref<Supervisor>, ExitReason> up = std::unexpected(ExitReason::custom("none"));
    void handle(Note, Context& context) {
      up = start_supervisor(context.runtime(), "top", {.children = {child("a", Worker{log, "a"})}});
      log->add(up ? "up" : to_string(up.error()));
    }
  };
  run([](Stage& s) {
    const auto starter = s.rt.spawn(Starter{s.log});
    starter.tell(Note{});
    s.settle();
    starter.tell(Note{});  // the name is taken now
    s.settle();
    s.rt.stop(starter);
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"start a", "up", "name_taken"}));
    EXPECT_TRUE(s.rt.find<Worker>("top/a"));
  });
}

/// Takes its time to start, until the door opens.
struct SlowStarter {
  Log log;
  Ref<Door> door;
  void on_start(Context&) {
    log->add("begins");
    (void)door.ask(Pass{}, no_timeout);
    log->add("has started");
  }
  void handle(Note) {}
};

TEST_P(Tree, whose_starter_is_stopped_meanwhile_ends_as_well) {
  struct Starter {
    Log log;
    Ref<Door> door;
    void handle(Note, Context& context) {
      (void)start_supervisor(context.runtime(), "top", {.children = {child("a", SlowStarter{log, door})}});
      log->add("not reached");
    }
  };
  run([](Stage& s) {
    const auto door = s.rt.spawn(Door{});
    const auto starter = s.rt.spawn(Starter{s.log, door});
    starter.tell(Note{});
    s.settle();
    s.rt.stop(starter);
    s.settle();
    door.tell(Open{});
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"begins", "has started"}));
    EXPECT_EQ(s.rt.living(), 1U) << "the door";
  });
}

TEST_P(Tree, can_be_spawned_like_any_actor_and_is_a_tree_all_the_same) {
  run([](Stage& s) {
    (void)s.rt.spawn("plain", Worker{s.log, "plain"});
    (void)s.rt.spawn("top", Supervisor{{.children = {child("a", Worker{s.log, "a"})}}});
    s.settle();
    child_of<Worker>(s.rt, "top/a").tell(Crash{});
    s.settle();
    (void)s.log->take();
    EXPECT_EQ(s.shut_down(patience), Lines{});
    EXPECT_EQ(s.log->take(), (Lines{"stop a: shutdown", "stop plain: shutdown"})) << "trees end first";
  });
}

TEST(TreeInTheSimulation, whose_child_asks_its_supervisor_while_it_starts_is_a_ring) {
  struct Curious {
    Ref<Supervisor> top;
    void on_start(Context&) { (void)top.ask(CountChildren{}, no_timeout); }
    void handle(Note) {}
  };
  const auto run = sim::execute(
      [](sim::World& w) {
        const auto top = started(w, "top", {});
        (void)top.ask(StartChild{child("curious", Curious{top})}, no_timeout);
      },
      [] { return std::make_unique<sim::Calm>(); }, punctual);
  ASSERT_TRUE(run.finding);
  EXPECT_EQ(run.finding->kind, sim::FindingKind::ask_cycle);
  EXPECT_EQ(run.finding->name, "top --starts--> top/curious --ask CountChildren--> top");
}

TEST_P(Tree, starts_one_child_after_the_other_and_handles_requests_only_then) {
  run([](Stage& s) {
    const auto door = s.rt.spawn(Door{});
    const auto top = started(s.rt, "top", {});
    auto slow = top.ask_async(StartChild{child("slow", SlowStarter{s.log, door})}, no_timeout);
    auto quick = top.ask_async(StartChild{child("quick", Worker{s.log, "quick"})}, no_timeout);
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{"begins"});
    door.tell(Open{});
    EXPECT_TRUE(slow.get().has_value());
    EXPECT_TRUE(quick.get().has_value());
    EXPECT_EQ(s.log->take(), (Lines{"has started", "start quick"}));
    const auto children = top.ask(WhichChildren{});
    ASSERT_TRUE(children);
    ASSERT_EQ(children->size(), 2U);
    EXPECT_EQ(children->front().id, "quick") << "the last started comes first";
  });
}

// ---- requests -------------------------------------------------------------------------------------------------------------

/// Asks, and says the answer in a word.
template <class Request>
std::string answer(const Ref<Supervisor>& top, Request request) {
  const auto result = top.ask(std::move(request), no_timeout);
  if (result) return "ok";
  if (result.error().failed()) return std::string{to_string(*result.error().failed())};
  if constexpr (requires { result.error().refused()->why; }) {
    return orrery_describe(*result.error().refused());
  } else {
    return std::string{to_string(*result.error().refused())};
  }
}

TEST_P(Tree, is_changed_at_run_time_by_typed_requests) {
  run([](Stage& s) {
    const auto top = started(s.rt, "top", {.children = {child("a", Worker{s.log, "a"})}});
    const auto old = child_of<Worker>(s.rt, "top/a");

    const auto taken = top.ask(StartChild{child("a", Worker{s.log, "other"})}, no_timeout);
    ASSERT_FALSE(taken);
    ASSERT_NE(taken.error().refused(), nullptr);
    EXPECT_EQ(taken.error().refused()->why, ChildError::already_started);
    EXPECT_EQ(taken.error().refused()->existing->as<Worker>(), old);

    EXPECT_EQ(answer(top, RestartChild{"a"}), "running");
    EXPECT_EQ(answer(top, DeleteChild{"a"}), "running");
    EXPECT_EQ(answer(top, TerminateChild{"a"}), "ok");
    EXPECT_EQ(answer(top, TerminateChild{"a"}), "ok");
    EXPECT_EQ(old.tell(Note{1}), std::unexpected(TellError::actor_stopped)) << "this was no restart";
    EXPECT_EQ(answer(top, StartChild{child("a", Worker{s.log, "other"})}), "already_present");
    EXPECT_EQ(top.ask(CountChildren{}), (ChildCounts{.specs = 1, .active = 0, .supervisors = 0, .workers = 1}));

    const auto again = top.ask(RestartChild{"a"}, no_timeout);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->status, ChildStatus::running);
    EXPECT_EQ(again->as<Worker>(), s.rt.find<Worker>("top/a"));
    EXPECT_NE(again->as<Worker>(), old);
    EXPECT_EQ(again->as<Worker>()->ask(Sum{}), 0);

    EXPECT_EQ(answer(top, TerminateChild{"a"}), "ok");
    EXPECT_EQ(answer(top, DeleteChild{"a"}), "ok");
    for (const std::string& word :
         {answer(top, TerminateChild{"a"}), answer(top, RestartChild{"a"}), answer(top, DeleteChild{"a"})}) {
      EXPECT_EQ(word, "not_found");
    }
    EXPECT_EQ(answer(top, StartInstance{}), "bad_combination");
    EXPECT_EQ(answer(top, StartChild{child("s", Worker{s.log, "s"},
                                           {.restart = RestartType::transient, .significant = true})}),
              "bad_combination");
    EXPECT_EQ(answer(top, StartChild{child("f", []() -> Worker { throw std::runtime_error{"no clay"}; })}),
              "start_failed: failed: no clay");
    EXPECT_EQ(answer(top, StartChild{{.id = "n", .start = nullptr}}), "start_failed: missing_start");
    EXPECT_EQ(top.ask(CountChildren{})->specs, 0U) << "none of the refused is kept";

    const auto nobody = [] { return std::optional<Worker>{}; };
    const auto ignored = top.ask(StartChild{child("i", nobody)}, no_timeout);
    ASSERT_TRUE(ignored);
    EXPECT_EQ(ignored->status, ChildStatus::undefined);
    EXPECT_FALSE(ignored->as<Worker>());
    EXPECT_EQ(answer(top, StartChild{child("t", nobody, {.restart = RestartType::temporary})}), "ok");
    EXPECT_EQ(top.ask(CountChildren{})->specs, 1U) << "an ignored temporary one is forgotten";
  });
}

TEST_P(Tree, ends_its_child_at_the_childs_own_request) {
  struct Suicidal {
    Log log;
    Ref<Supervisor> top;
    void handle(Note) {
      (void)top.ask(TerminateChild{"x"}, no_timeout);
      log->add("not reached");
    }
  };
  run([](Stage& s) {
    const auto top = started(s.rt, "top", {});
    EXPECT_EQ(answer(top, StartChild{child("x", Suicidal{s.log, top})}), "ok");
    child_of<Suicidal>(s.rt, "top/x").tell(Note{});
    s.settle();
    EXPECT_EQ(s.log->take(), Lines{});
    EXPECT_EQ(top.ask(CountChildren{})->active, 0U);
  });
}

TEST_P(Tree, handles_nothing_while_it_is_suspended) {
  struct Holder {
    bool may = false;
    void handle(MayResume message, Context& context) {
      if (!may) context.stash(message);
    }
    void handle(Open, Context& context) {
      may = true;
      context.unstash_all();
    }
  };
  run([](Stage& s) {
    const auto top = started(s.rt, "top", {.children = {child("a", Worker{s.log, "a"})}});
    const auto holder = s.rt.spawn(Holder{});
    const auto a = child_of<Worker>(s.rt, "top/a");
    top.tell(SuspendUntil{holder});
    a.tell(Crash{});
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"start a", "stop a: failed: boom"}));
    auto count = top.ask_async(CountChildren{}, no_timeout);
    s.settle();
    EXPECT_FALSE(count.ready());
    EXPECT_TRUE(a.tell(Note{1})) << "its mail waits for the verdict";
    holder.tell(Open{});
    s.settle();
    EXPECT_EQ(s.log->take(), (Lines{"restart a: failed: boom", "a 1"}));
    EXPECT_EQ(count.get()->active, 1U);
    const auto mortal = s.rt.spawn(Holder{});
    top.tell(SuspendUntil{mortal});
    s.settle();
    s.rt.stop(mortal);
    EXPECT_EQ(top.ask(CountChildren{}, no_timeout)->active, 1U) << "who held it has gone";
  });
}

// ---- instances ------------------------------------------------------------------------------------------------------------

TEST_P(Tree, of_ten_thousand_instances_starts_counts_and_stops) {
  const std::size_t count = is_short() || test_support::under_tsan ? 1'000 : 10'000;
  run(
      [count](Stage& s) {
        const auto quiet = std::make_shared<Journal>();
        const auto pool = started(s.rt, "pool",
                                  {.strategy = RestartStrategy::simple_one_for_one,
                                   .intensity = 1'000'000,
                                   .children = {child("w", Worker{quiet, "w"})}});
        std::vector<Ref<Worker>> all;
        for (std::size_t i = 0; i < count; ++i) {
          const auto info = pool.ask(StartInstance{}, no_timeout);
          ASSERT_TRUE(info);
          all.push_back(*info->as<Worker>());
        }
        EXPECT_EQ(std::set(all.begin(), all.end()).size(), count);
        EXPECT_EQ(s.rt.living(), count + 1);
        for (std::size_t i = 0; i < count; i += 3) all[i].tell(Crash{});
        s.settle();
        EXPECT_EQ(pool.ask(CountChildren{})->active, count);
        for (std::size_t i = 0; i < count; i += 500) {
          const ActorId whom{0, all[i].handle().slot, all[i].handle().generation, 0};
          EXPECT_TRUE(pool.ask(TerminateInstance{whom}, no_timeout).has_value());
          EXPECT_TRUE(pool.ask(TerminateInstance{whom}, no_timeout).has_value()) << "it has ended already";
          EXPECT_EQ(all[i].tell(Note{}), std::unexpected(TellError::actor_stopped));
        }
        const std::size_t left = count - (count + 499) / 500;
        EXPECT_EQ(pool.ask(WhichChildren{})->size(), left);
        s.rt.stop(pool);
        s.settle();
        EXPECT_EQ(s.rt.living(), 0U);
        EXPECT_EQ(quiet->count("restart"), (count + 2) / 3);
        EXPECT_EQ(quiet->count("stop w: shutdown"), count);
      },
      {.seeds = 1, .rounds = 1}, {.faults = sim::FaultProfile::none, .operations_max = 5'000'000});
}

TEST_P(Tree, ends_an_instance_by_its_incarnation_and_no_stranger) {
  run([](Stage& s) {
    const auto pool = started(
        s.rt, "pool", {.strategy = RestartStrategy::simple_one_for_one, .children = {child("w", Worker{s.log, "w"})}});
    const auto stranger = s.rt.spawn(Worker{std::make_shared<Journal>(), "x"});
    const auto first = pool.ask(StartInstance{}, no_timeout);
    ASSERT_TRUE(first);
    const auto worker = *first->as<Worker>();
    worker.tell(Crash{});
    s.settle();
    EXPECT_EQ(answer(pool, TerminateInstance{first->actor}), "ok") << "that incarnation has ended";
    EXPECT_EQ(worker.ask(Sum{}), 0) << "the next one has not";
    const ActorId outsider{0, stranger.handle().slot, stranger.handle().generation, 0};
    EXPECT_EQ(answer(pool, TerminateInstance{outsider}), "not_found");
    EXPECT_EQ(answer(pool, TerminateInstance{pool.ask(WhichChildren{})->front().actor}), "ok");
    EXPECT_EQ(worker.ask(Sum{}), std::unexpected(AskError::actor_stopped));
    for (const std::string& word :
         {answer(pool, TerminateChild{"w"}), answer(pool, RestartChild{"w"}), answer(pool, DeleteChild{"w"}),
          answer(pool, StartChild{child("v", Worker{s.log, "v"})})}) {
      EXPECT_EQ(word, "simple_one_for_one");
    }
  });
}

TEST_P(Tree, restarts_an_instance_by_its_own_start_function) {
  run([](Stage& s) {
    const auto pool = started(s.rt, "pool",
                              {.strategy = RestartStrategy::simple_one_for_one,
                               .intensity = 10,
                               .children = {child("w", Worker{s.log, "template"})}});
    const auto own = pool.ask(StartInstance{start_function([log = s.log] { return Worker{log, "own"}; })}, no_timeout);
    const auto usual = pool.ask(StartInstance{}, no_timeout);
    ASSERT_TRUE(own && usual);
    own->as<Worker>()->tell(Crash{});
    s.settle();
    usual->as<Worker>()->tell(Crash{});
    s.settle();
    EXPECT_EQ(s.log->take(),
              (Lines{"start own", "start template", "stop own: failed: boom", "restart own: failed: boom",
                     "stop template: failed: boom", "restart template: failed: boom"}));
  });
}

// ---- giving up --------------------------------------------------------------------------------------------------------------

TEST_P(Tree, escalates_when_a_supervisor_gives_up_and_multiplies_the_limits) {
  run(
      [](Stage& s) {
        const auto top = started(
            s.rt, "top",
            {.intensity = 2,
             .period = 1h,
             .children = {
                 supervisor("mid", {.intensity = 3, .period = 1h, .children = {child("a", Worker{s.log, "a"})}}),
                 child("b", Worker{s.log, "b"})}});
        int crashes = 0;
        while (const auto a = s.rt.find<Worker>("top/mid/a")) {
          a->tell(Crash{});
          ++crashes;
          s.settle();
          ASSERT_LE(crashes, 12);
        }
        EXPECT_EQ(crashes, 12) << "(3 + 1) * (2 + 1)";
        EXPECT_EQ(s.rt.living(), 0U);
        EXPECT_EQ(s.log->count("stop b: shutdown"), 1U);
        EXPECT_FALSE(s.rt.stop(top));
      },
      {.seeds = 10, .rounds = 2});
}

TEST_P(Tree, shuts_itself_down_with_any_or_with_the_last_of_its_significant_children) {
  for (const AutoShutdown mode : {AutoShutdown::any_significant, AutoShutdown::all_significant}) {
    run(
        [mode](Stage& s) {
          const ChildOptions significant{.restart = RestartType::transient, .significant = true};
          const auto top = started(
              s.rt, "top",
              {.intensity = 10,
               .auto_shutdown = mode,
               .children = {child("a", Worker{s.log, "a"}, significant), child("b", Worker{s.log, "b"}, significant),
                            child("c", Worker{s.log, "c"}, {.restart = RestartType::transient})},
               .listener = reports_to(s.log)});
          const auto is_up = [&] { return s.rt.find<Supervisor>("top").has_value(); };
          child_of<Worker>(s.rt, "top/c").tell(Leave{});
          child_of<Worker>(s.rt, "top/a").tell(Crash{});  // a restart
          s.settle();
          ASSERT_TRUE(is_up());
          child_of<Worker>(s.rt, "top/a").tell(Leave{});
          s.settle();
          ASSERT_EQ(is_up(), mode == AutoShutdown::all_significant);
          if (is_up()) {
            child_of<Worker>(s.rt, "top/b").tell(Leave{ExitReason::shutdown("done")});
            s.settle();
            ASSERT_FALSE(is_up());
          }
          EXPECT_EQ(s.log->count("ended: shutdown"), 1U);
          EXPECT_EQ(s.rt.living(), 0U);
          EXPECT_FALSE(s.rt.stop(top));
        },
        {.seeds = 20, .rounds = 3});
  }
}

TEST_P(Tree, that_gave_a_restart_up_at_a_request_leaves_no_sibling_between_life_and_death) {
  run(
      [](Stage& s) {
        const auto may_start = std::make_shared<std::atomic<bool>>(true);
        const auto picky = [log = s.log, may_start]() -> std::expected<Worker, ExitReason> {
          if (!*may_start) return std::unexpected(ExitReason::custom("no"));
          return Worker{log, "picky"};
        };
        const auto top = started(s.rt, "top",
                                 {.strategy = RestartStrategy::one_for_all,
                                  .intensity = 1'000,
                                  .children = {child("picky", picky), child("b", Worker{s.log, "b"})},
                                  .backoff = {.first = 1h, .most = 1h}});
        const auto b = child_of<Worker>(s.rt, "top/b");
        *may_start = false;
        child_of<Worker>(s.rt, "top/picky").tell(Crash{});
        auto held = b.ask_async(Sum{}, no_timeout);  // b, too, is stopped, and would come back with it
        (void)top.ask(WhichChildren{}, no_timeout);
        while (top.ask(WhichChildren{}, no_timeout)->back().status == ChildStatus::running) {
        }
        EXPECT_EQ(answer(top, TerminateChild{"picky"}), "ok");
        const auto sum = held.get();
        EXPECT_TRUE(sum == 0 || sum == std::unexpected(AskError::actor_stopped)) << "answered before, or told";
        EXPECT_EQ(b.tell(Note{}), std::unexpected(TellError::actor_stopped));
        EXPECT_EQ(s.rt.living(), 1U);
        EXPECT_EQ(answer(top, RestartChild{"b"}), "ok");
        EXPECT_TRUE(s.rt.find<Worker>("top/b"));
      },
      {.seeds = 30, .rounds = 4});
}

// ---- kills ------------------------------------------------------------------------------------------------------------------

TEST_P(Tree, whose_supervisor_is_killed_ends_and_is_replaced_under_the_same_names) {
  run(
      [](Stage& s) {
        const auto quiet = std::make_shared<Journal>();
        const SupervisorSpec sub{.children = {child("x", Worker{quiet, "x"}), child("y", Trapper{quiet, "y"})}};
        started(s.rt, "top",
                {.intensity = 100,
                 .children = {supervisor("mid", {.intensity = 100, .children = {supervisor("sub", sub)}})},
                 .listener = reports_to(s.log)});
        for (int i = 0; i < 5; ++i) {
          const auto mid = s.rt.find<Supervisor>("top/mid");
          ASSERT_TRUE(mid);
          s.rt.kill(*mid);
          if (s.seed % 2 == 0) s.settle();
        }
        s.settle();
        // A kill may hit the next mid while it starts; no start fails for what the old tree has left behind.
        EXPECT_EQ(s.log->count("start_error"), s.log->count("start_error mid: killed")) << text_of(s.log->lines());
        EXPECT_EQ(s.log->count("shutdown"), 0U);
        EXPECT_TRUE(s.rt.find<Worker>("top/mid/sub/x"));
        EXPECT_TRUE(s.rt.find<Trapper>("top/mid/sub/y"));
        EXPECT_EQ(s.rt.living(), 5U) << "nobody of the old trees is left";
      },
      {.seeds = 200, .rounds = 40});
}

TEST_P(Tree, whose_orphans_still_have_requests_to_handle_is_replaced_all_the_same) {
  run(
      [](Stage& s) {
        const auto quiet = std::make_shared<Journal>();
        const SupervisorSpec sub{.children = {child("x", Worker{quiet, "x"})}};
        started(s.rt, "top",
                {.intensity = 100,
                 .children = {supervisor("mid", {.children = {supervisor("sub", sub)}})},
                 .listener = reports_to(s.log)});
        const auto orphan = child_of<Supervisor>(s.rt, "top/mid/sub");
        for (int i = 0; i < 10; ++i) {
          orphan.tell(TerminateChild{"x"}, ignore_reply);
          orphan.tell(RestartChild{"x"}, ignore_reply);
        }
        s.rt.kill(child_of<Supervisor>(s.rt, "top/mid"));
        s.settle();
        EXPECT_TRUE(s.rt.find<Worker>("top/mid/sub/x"));
        EXPECT_EQ(s.log->take(), Lines{"child_terminated mid: killed"});
        EXPECT_EQ(s.rt.living(), 4U);
      },
      {.seeds = 200, .rounds = 40});
}

TEST_P(Tree, whose_supervisor_is_killed_in_the_middle_of_a_start_is_replaced_all_the_same) {
  run(
      [](Stage& s) {
        const auto door = s.rt.spawn(Door{});
        const auto lives = std::make_shared<std::atomic<int>>(0);
        const auto slow_once = [log = s.log, door, lives]() -> std::expected<SlowStarter, ExitReason> {
          if (++*lives > 1) return std::unexpected(ExitReason::custom("never again"));
          return SlowStarter{log, door};
        };
        // The second child of the old sub must not take the name that the new one needs.
        const SupervisorSpec sub{.children = {child("slow", slow_once), child("y", Worker{s.log, "y"})}};
        const SupervisorSpec other{.children = {child("y", Worker{s.log, "y"})}};
        const auto first = std::make_shared<std::atomic<bool>>(true);
        ChildSpec either = supervisor("sub", sub);
        either.start = start_function([=] { return Supervisor{first->exchange(false) ? sub : other}; });
        const auto top = started(s.rt, "top", {.intensity = 10, .children = {}});
        auto mid = top.ask_async(StartChild{supervisor("mid", {.intensity = 10, .children = {either}})}, no_timeout);
        s.settle();
        ASSERT_EQ(s.log->take(), Lines{"begins"});
        s.rt.kill(*s.rt.find<Supervisor>("top/mid"));
        EXPECT_FALSE(mid.get()) << "it did not start";
        EXPECT_TRUE(top.ask(StartChild{supervisor("mid", {.children = {either}})}, no_timeout).has_value());
        door.tell(Open{});
        s.settle();
        EXPECT_TRUE(s.rt.find<Worker>("top/mid/sub/y"));
        EXPECT_EQ(child_of<Worker>(s.rt, "top/mid/sub/y").ask(Sum{}), 0);
        EXPECT_EQ(s.rt.living(), 5U) << "top, mid, sub, y, the door";
      },
      {.seeds = 60, .rounds = 20});
}

TEST_P(Tree, of_orphans_ends_with_the_world_even_when_they_did_not_obey_their_supervisors_end) {
  struct Stubborn {
    void on_start(Context& context) { context.trap_exits(*this); }
    void handle(Exit exit, Context& context) {
      if (exit.reason == ExitReason::shutdown()) context.stop(exit.reason);
    }
  };
  run([](Stage& s) {
    const auto top = started(s.rt, "top", {.children = {child("a", Stubborn{})}});
    s.rt.kill(top);
    s.settle();
    EXPECT_EQ(s.rt.living(), 1U);
    EXPECT_EQ(s.shut_down(patience), Lines{});
    EXPECT_EQ(s.rt.living(), 0U);
  });
}

}  // namespace
}  // namespace orrery::supervision_tests
