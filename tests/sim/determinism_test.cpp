// Goal:   a run is a function of its decisions: repeated it is the same, and a changed program is noticed.
#include "tests/sim/little_programs.hpp"
#include "tests/sim/sim_fixture.hpp"

namespace orrery::testing {
namespace {

struct Go {};
struct Note {
  int value = 0;
};

/// Everything at once, drawn from `seed`.
Program busy_program(std::uint64_t seed) {
  Entropy entropy{seed, 5};
  return draw_program(entropy, {.asks = true,
                                .timeouts = true,
                                .bounded = true,
                                .priorities = true,
                                .timers = true,
                                .stops = true,
                                .failures = true,
                                .looks = true,
                                .messages_max = 14});
}

TEST(Determinism, the_same_seed_gives_the_same_run) {
  std::set<std::string> hashes;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Program program = busy_program(seed);
    program.mode = seed % 2 == 0 ? sim::Mode::causal : sim::Mode::per_pair;
    const auto [first_text, first] = one_outcome(program, random_walk(seed), {});
    const auto [second_text, second] = one_outcome(program, random_walk(seed), {});
    ASSERT_EQ(first.trace_hash, second.trace_hash) << to_text(program);
    ASSERT_EQ(first.decisions, second.decisions);
    ASSERT_EQ(first_text, second_text);
    ASSERT_EQ(first.operations, second.operations);
    hashes.insert(to_hex(first.trace_hash));
  }
  EXPECT_GT(hashes.size(), 280U) << "different programs have different traces";
}

TEST(Determinism, recording_the_events_changes_nothing) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Program program = busy_program(seed);
    const auto quiet = one_outcome(program, random_walk(seed), {}).second;
    const auto recorded = one_outcome(program, random_walk(seed), {.record_events = true}).second;
    ASSERT_EQ(quiet.trace_hash, recorded.trace_hash);
    ASSERT_EQ(quiet.decisions, recorded.decisions);
    ASSERT_FALSE(recorded.events.empty());
    ASSERT_EQ(recorded.order.size(), recorded.operations);
  }
}

TEST(Determinism, a_strict_replay_of_the_decisions_is_the_same_run) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Program program = busy_program(seed);
    const auto [text, outcome] = one_outcome(program, random_walk(seed), {});
    sim::RunOptions options;
    options.reduce = outcome.reduced;
    const auto [replayed_text, replayed] = one_outcome(program, strict_replay(outcome.decisions), options);
    ASSERT_FALSE(replayed.divergence) << *replayed.divergence << '\n' << to_text(program);
    ASSERT_EQ(replayed.trace_hash, outcome.trace_hash);
    ASSERT_EQ(replayed_text, text);
  }
}

TEST(Determinism, a_run_that_ends_with_a_finding_replays_to_the_same_finding) {
  int findings = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Program program = busy_program(seed);
    const auto outcome = one_outcome(program, random_walk(seed), {}).second;
    if (!outcome.finding) continue;
    ++findings;
    sim::RunOptions options;
    options.reduce = outcome.reduced;
    const auto replayed = one_outcome(program, strict_replay(outcome.decisions), options).second;
    ASSERT_TRUE(replayed.finding);
    ASSERT_TRUE(replayed.finding->same_failure(*outcome.finding));
    ASSERT_FALSE(replayed.divergence);
  }
  EXPECT_GT(findings, 5);
}

struct Collector {
  std::string log;
  void handle(Note note) { log += fmt::format("{} ", note.value); }
};
struct Sender {
  Ref<Collector> to;
  int count;
  void handle(Go) {
    for (int i = 0; i < count; ++i) to.tell(Note{i});
  }
};
sim::Body senders(int first, int second) {
  return [=](World& w) {
    const auto collector = w.spawn(Collector{});
    w.spawn("one", Sender{collector, first}).value().tell(Go{});
    w.spawn("two", Sender{collector, second}).value().tell(Go{});
    w.run();
  };
}

TEST(Determinism, a_replay_of_a_changed_program_says_that_it_diverges) {
  const auto original = sim::execute(senders(4, 4), random_walk(3), no_faults());
  const auto shorter = sim::execute(senders(4, 2), strict_replay(original.decisions), no_faults());
  const auto longer = sim::execute(senders(6, 6), strict_replay(original.decisions), no_faults());
  EXPECT_TRUE(shorter.divergence);
  EXPECT_TRUE(longer.divergence);
  EXPECT_NE(longer.divergence->find("the record ends"), std::string::npos) << *longer.divergence;
}

TEST(Determinism, an_order_carries_over_to_another_program_by_the_names_of_its_operations) {
  sim::RunOptions options = no_faults();
  options.record_events = true;
  const auto log_of = [&](int first, int second, const sim::MakeStrategy& strategy) {
    std::string log;
    const auto outcome = sim::execute(
        [&](World& w) {
          const auto collector = w.spawn("c", Collector{});
          w.spawn("one", Sender{collector, first}).value().tell(Go{});
          w.spawn("two", Sender{collector, second}).value().tell(Go{});
          w.run();
          log = w.peek(*collector).log;
        },
        strategy, options);
    return std::pair{log, outcome};
  };
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto [log, outcome] = log_of(3, 3, random_walk(seed));
    const auto follow = [&] { return std::make_unique<sim::FollowOrder>(outcome.order, outcome.decisions); };
    EXPECT_EQ(log_of(3, 3, follow).first, log) << "the same program: the same run";
  }
}

// ---- draws ------------------------------------------------------------------------------------------------------------

struct Gambler {
  int extra = 0;
  std::vector<std::uint64_t> drawn;
  void handle(Go, Context& context) {
    for (int i = 0; i < extra; ++i) (void)context.draw("other", 6);
    drawn.push_back(context.draw("dice", 1'000'000));
    drawn.push_back(context.draw("all", 0));
  }
};

TEST(Determinism, an_extra_draw_in_one_actor_or_stream_shifts_no_other) {
  const auto draws_with = [](int extra) {
    std::vector<std::uint64_t> drawn;
    const auto outcome = sim::execute(
        [&](World& w) {
          const auto one = w.spawn("one", Gambler{extra, {}});
          const auto two = w.spawn("two", Gambler{0, {}});
          for (int i = 0; i < 3; ++i) {
            one.tell(Go{});
            two.tell(Go{});
          }
          w.run();
          drawn = w.peek(*one).drawn;
          const auto& more = w.peek(*two).drawn;
          drawn.insert(drawn.end(), more.begin(), more.end());
        },
        random_walk(11), no_faults());
    EXPECT_FALSE(outcome.finding);
    return drawn;
  };
  const auto plain = draws_with(0);
  EXPECT_EQ(plain, draws_with(5));
  EXPECT_EQ(std::set<std::uint64_t>(plain.begin(), plain.end()).size(), 12U) << "streams and actors differ";
}

TEST(Determinism, a_small_draw_is_a_choice_that_a_search_tries_in_full) {
  const TextBody body = [](World& w, std::string& text) {
    struct Coin {
      std::string log;
      void handle(Go, Context& context) { log += fmt::format("{}", context.draw("coin", 3)); }
    };
    const auto coin = w.spawn("coin", Coin{});
    coin.tell(Go{});
    coin.tell(Go{});
    w.run();
    text = w.peek(*coin).log;
  };
  EXPECT_EQ(all_texts(body), (Texts{"00", "01", "02", "10", "11", "12", "20", "21", "22"}));
}

// ---- names -------------------------------------------------------------------------------------------------------------

struct Leaf {
  void handle(Go) {}
};
struct Parent {
  Runtime* runtime;
  std::string log;
  void handle(Go, Context& context) {
    const auto first = context.spawn(Leaf{});
    const auto second = context.spawn(Leaf{});
    const auto named = context.spawn("kid", Leaf{});
    log += runtime->path_of(first.handle()) + " " + runtime->path_of(second.handle()) + " " +
           runtime->path_of(named.handle()) + ";";
  }
};

TEST(Determinism, anonymous_actors_are_named_by_parent_type_and_number_under_every_schedule) {
  const TextBody body = [](World& w, std::string& text) {
    const auto a = w.spawn("a", Parent{&w, {}});
    const auto b = w.spawn("b", Parent{&w, {}});
    a.tell(Go{});
    b.tell(Go{});
    const auto loose = w.spawn(Leaf{});
    w.run();
    text = w.path_of(loose.handle()) + " | " + w.peek(*a).log + w.peek(*b).log;
  };
  sim::RunOptions options = no_faults();
  options.reduce = false;
  EXPECT_EQ(all_texts(body, options), Texts{"Leaf#0 | a/Leaf#0 a/Leaf#1 a/kid;b/Leaf#0 b/Leaf#1 b/kid;"});
}

TEST(Determinism, a_name_is_taken_by_whoever_comes_first_under_some_schedule) {
  struct Claimer {
    bool has = false;
    void handle(Go, Context& context) { has = context.runtime().spawn("leaf", Leaf{}).has_value(); }
  };
  const TextBody body = [](World& w, std::string& text) {
    const auto one = w.spawn(Claimer{});
    const auto two = w.spawn(Claimer{});
    one.tell(Go{});
    two.tell(Go{});
    w.run();
    text = fmt::format("{}{}", w.peek(one).has, w.peek(two).has);
  };
  EXPECT_EQ(all_texts(body), (Texts{"truefalse", "falsetrue"}));
}

}  // namespace
}  // namespace orrery::testing
