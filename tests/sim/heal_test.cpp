// Goal:   after World::heal() nothing goes wrong any more; after heal_core() only a drawn quorum lives. What must come true
//         at last is judged among them: a program that needs everybody to come back is found, one that needs a quorum is not.
#include "tests/sim/sim_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orrery::testing {
namespace {

sim::FaultCount count_of(const sim::Outcome& outcome, const std::string& name) {
  const auto at = std::ranges::find(outcome.faults, name, &sim::FaultCount::name);
  return at == outcome.faults.end() ? sim::FaultCount{} : *at;
}

// ---- heal -------------------------------------------------------------------------------------------------------------

struct Work {};
struct Worker {
  int done = 0;
  int spoilt = 0;
  void handle(Work, Context& context) { ++(context.fault_point("flaky") ? spoilt : done); }
};

sim::RunOptions everything() {
  sim::RunOptions options;
  options.faults = sim::FaultProfile::heavy;
  options.crash_reach = options.stall_reach = options.slow_reach = 40;
  return options;
}

TEST(Heal, ends_every_fault_that_has_not_come_yet) {
  std::uint64_t armed = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const sim::Outcome outcome = sim::execute(
        [](World& w) {
          const auto worker = w.spawn("worker", Worker{}, SpawnOptions{.mailbox = bounded(100)});
          const auto other = w.spawn("other", Worker{});
          w.heal();
          for (int i = 0; i < 40; ++i) {
            EXPECT_TRUE(worker.tell(Work{}));
            EXPECT_TRUE(other.tell(Work{}));
          }
          w.run();
          EXPECT_EQ(w.peek(worker).done, 40);
          EXPECT_EQ(w.peek(other).done, 40);
        },
        random_walk(seed), everything());
    ASSERT_FALSE(outcome.finding) << outcome.finding->name;
    for (const sim::FaultCount& fault : outcome.faults) {
      EXPECT_EQ(fault.fired, 0U) << fault.name;
      armed += fault.armed;
    }
  }
  EXPECT_GT(armed, 300U);
}

TEST(Heal, wakes_whoever_stands_still) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    sim::RunOptions options = everything();
    options.stalls_max = options.crashes_max = options.allocations_max = 0;
    options.slow_reach = 4;
    const sim::Outcome outcome = sim::execute(
        [](World& w) {
          std::vector<Ref<Worker>> workers;
          for (int i = 0; i < 3; ++i) workers.push_back(w.spawn(Worker{}));
          for (const auto& one : workers) (void)one.tell(Work{});
          w.run_for(1ms);
          w.heal();
          w.run_for(1ms);
          for (const auto& one : workers) EXPECT_EQ(w.peek(one).done + w.peek(one).spoilt, 1);
        },
        random_walk(seed), options);
    ASSERT_FALSE(outcome.finding) << outcome.finding->name;
  }
}

// ---- the core ---------------------------------------------------------------------------------------------------------

// A register on n nodes: whoever is told a value proposes it to all, and decides when enough have promised. It tries again
// every second until then. `needed` is a majority, or, wrongly, everybody.
struct Node;
struct Propose {
  Ref<Node> by;
  int value;
};
struct Promise {
  int who;
  int value;
};
struct Decided {
  int value;
};
struct Peers {
  std::vector<Ref<Node>> all;
};
struct Write {
  int value;
};
struct Again {};
struct Node {
  int id;
  std::size_t needed;
  int tries_left = 30;
  std::vector<Ref<Node>> peers{};
  std::set<int> promised{};
  int mine = 0;
  int promised_to = 0;
  int decided = 0;

  void handle(const Peers& m) { peers = m.all; }
  void handle(Write m, Context& context) {
    mine = m.value;
    propose(context);
  }
  void handle(Again, Context& context) {
    if (decided == 0 && --tries_left > 0) propose(context);
  }
  void handle(const Propose& m) {
    if (promised_to == 0) promised_to = m.value;
    (void)m.by.tell(Promise{id, promised_to});
  }
  void handle(Promise m) {
    if (m.value != mine) return;
    promised.insert(m.who);
    if (promised.size() < needed || decided != 0) return;
    for (const auto& peer : peers) (void)peer.tell(Decided{mine});
  }
  void handle(Decided m) { decided = m.value; }

 private:
  void propose(Context& context) {
    for (const auto& peer : peers) (void)peer.tell(Propose{context.self(*this), mine});
    (void)context.after(*this, 1s, Again{});
  }
};

/// `cored`: judged among a drawn core of three of five that the writer belongs to; else when all have healed.
sim::Body replicated_register(std::size_t needed, bool cored, std::set<std::vector<Handle>>* cores = nullptr) {
  return [=](World& w) {
    std::vector<Ref<Node>> nodes;
    for (int i = 0; i < 5; ++i) nodes.push_back(w.spawn(Node{.id = i, .needed = needed}));
    for (const auto& node : nodes) (void)node.tell(Peers{nodes});
    w.run_for(1ms);
    const std::vector<Ref<Node>> core = [&] {
      if (cored) return w.heal_core(nodes, 3);
      w.heal();
      return nodes;
    }();
    EXPECT_GE(core.size(), 3U);
    (void)core.front().tell(Write{7});
    w.eventually("everybody who lives has decided", [&, core] {
      return std::ranges::all_of(core, [&](const auto& one) { return w.peek(one).decided == 7; });
    });
    if (cores != nullptr) {
      std::vector<Handle> who;
      for (const auto& one : core) who.push_back(one.handle());
      cores->insert(who);
    }
    w.run();
  };
}

std::uint64_t failures_in(const sim::Body& body, std::uint64_t seeds, std::optional<sim::Outcome>* first = nullptr) {
  std::uint64_t failures = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    sim::Outcome outcome = sim::execute(body, random_walk(mix64(seed)), {});
    if (!outcome.finding) continue;
    EXPECT_EQ(outcome.finding->kind, FindingKind::not_eventually) << outcome.finding->name;
    ++failures;
    if (first != nullptr && !*first) *first = std::move(outcome);
  }
  return failures;
}

TEST(HealCore, finds_the_protocol_that_only_comes_to_an_end_when_everybody_has_healed) {
  EXPECT_EQ(failures_in(replicated_register(5, false), 500), 0U) << "healing everybody hides it";
  // No death is one of three answers.
  const std::uint64_t failures = failures_in(replicated_register(5, true), 300);
  EXPECT_GT(failures, 150U);
  EXPECT_LT(failures, 250U);
}

TEST(HealCore, lets_a_protocol_that_needs_a_quorum_come_to_its_end_with_every_core) {
  std::set<std::vector<Handle>> cores;
  EXPECT_EQ(failures_in(replicated_register(3, true, &cores), 2'000), 0U);
  EXPECT_EQ(cores.size(), 1U + 5 + 10) << "nobody, one of five, two of five are dead";
}

TEST(HealCore, kills_nobody_in_a_calm_run_nor_without_faults) {
  for (const bool calmly : {true, false}) {
    std::set<std::vector<Handle>> cores;
    const sim::Body body = replicated_register(5, true, &cores);
    sim::RunOptions options;
    if (!calmly) options.faults = sim::FaultProfile::none;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const sim::Outcome outcome = sim::execute(body, calmly ? calm() : random_walk(seed), options);
      EXPECT_FALSE(outcome.finding);
    }
    EXPECT_EQ(cores.size(), 1U);
  }
}

TEST(HealCore, is_repeated_by_a_replay_and_counted) {
  std::optional<sim::Outcome> first;
  const sim::Body body = replicated_register(5, true);
  (void)failures_in(body, 100, &first);
  ASSERT_TRUE(first);
  EXPECT_GT(count_of(*first, "core").fired, 0U);
  const sim::Outcome second = sim::execute(body, strict_replay(first->decisions), {});
  EXPECT_FALSE(second.divergence) << *second.divergence;
  EXPECT_EQ(first->trace_hash, second.trace_hash);
}

}  // namespace
}  // namespace orrery::testing
