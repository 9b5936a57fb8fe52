// Goal:   a planned fault happens to its actor, at its message, once, and is counted; whatever others do.
// Method: small programs, many seeds.
#include "orrery/sim/fault_plan.hpp"

#include "orrery/sim/run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace orrery::sim_tests {
namespace {

using namespace std::chrono_literals;
using sim::FaultPlan;
using sim::LocalFault;

struct Item {
  std::uint32_t number;
};
using Seen = std::shared_ptr<std::vector<std::uint32_t>>;
struct Worker {
  Seen seen;
  void handle(Item m) { seen->push_back(m.number); }
};
struct Go {};
struct Feeder {
  Ref<Worker> to;
  std::uint32_t first;
  std::vector<std::string>* said;
  void handle(Go) {
    for (std::uint32_t i = first; i < first + 3; ++i) {
      try {
        said->emplace_back(to.tell(Item{i}) ? "ok" : "full");
      } catch (const std::bad_alloc&) {
        said->emplace_back("no memory");
      }
    }
  }
};
inline constexpr Restart often{.intensity = 100, .period = 1h};

struct Result {
  sim::Outcome outcome;
  std::vector<std::uint32_t> seen;
  std::vector<std::string> said;
};
Result feed(const FaultPlan& plan, std::uint64_t seed, std::uint32_t feeders = 1, MailboxOptions mailbox = {},
            const std::function<void(sim::World&)>& before = {}) {
  Result result;
  result.outcome = sim::execute(
      [&](sim::World& world) {
        result.seen.clear();
        result.said.clear();
        const Seen seen = std::make_shared<std::vector<std::uint32_t>>();
        const auto worker = world.spawn("worker", Worker{seen}, {.mailbox = mailbox, .restart = often});
        world.spawn("other", Worker{std::make_shared<std::vector<std::uint32_t>>()}).tell(Item{9});
        for (std::uint32_t i = 0; i < feeders; ++i) {
          world.spawn("feeder-" + std::to_string(i), Feeder{worker, 10 * i, &result.said}).tell(Go{});
        }
        world.arm(plan);
        if (before) before(world);
        world.run();
        result.seen = *seen;
      },
      [seed] { return std::make_unique<sim::RandomWalk>(seed); }, {.faults = sim::FaultProfile::none});
  return result;
}
sim::FaultCount count_of(const sim::Outcome& outcome, std::string_view name) {
  const auto at = std::ranges::find(outcome.faults, name, &sim::FaultCount::name);
  return at == outcome.faults.end() ? sim::FaultCount{} : *at;
}

TEST(FaultPlan, crashes_its_actor_at_its_message) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto result = feed({{{.what = LocalFault::crash, .actor = "worker", .nth = 1}}}, seed);
    ASSERT_FALSE(result.outcome.finding);
    ASSERT_EQ(result.seen, (std::vector<std::uint32_t>{0, 2}));
    ASSERT_EQ(result.outcome.ledger.failed, 1U);
    const auto count = count_of(result.outcome, "planned crash");
    ASSERT_TRUE(count.armed == 1 && count.fired == 1 && count.effects == 1);
  }
}

TEST(FaultPlan, hits_the_same_message_of_an_actor_whatever_others_do) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto result = feed({{{.what = LocalFault::crash, .actor = "worker", .nth = 0},
                               {.what = LocalFault::crash, .actor = "worker", .nth = 4}}},
                             seed, 2);
    ASSERT_EQ(result.seen.size(), 4U);
    ASSERT_EQ(result.outcome.ledger.failed, 2U);
    const auto of_the_first = std::ranges::count_if(result.seen, [](std::uint32_t number) { return number < 10; });
    ASSERT_TRUE(of_the_first == 1 || of_the_first == 2 || of_the_first == 3) << of_the_first;
  }
}

TEST(FaultPlan, of_an_actor_that_does_not_come_so_far_does_nothing_and_does_not_count) {
  const auto result = feed(
      {{{.what = LocalFault::crash, .actor = "worker", .nth = 3}, {.what = LocalFault::crash, .actor = "nobody"}}}, 1);
  EXPECT_EQ(result.seen.size(), 3U);
  const auto count = count_of(result.outcome, "planned crash");
  EXPECT_EQ(count.name, "planned crash");
  EXPECT_EQ(count.armed, 0U);
  EXPECT_EQ(count.fired, 0U);
}

TEST(FaultPlan, lets_an_actor_stand_still_after_a_message_while_others_go_on) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Duration took{};
    const auto result = feed({{{.what = LocalFault::slow, .actor = "worker", .nth = 0, .length = 3s}}}, seed, 1, {},
                             [&](sim::World& world) {
                               world.run();
                               took = world.now().time_since_epoch();
                             });
    ASSERT_EQ(result.seen, (std::vector<std::uint32_t>{0, 1, 2}));
    ASSERT_EQ(took, 3s);
    ASSERT_EQ(count_of(result.outcome, "planned slow").fired, 1U);
  }
}

TEST(FaultPlan, refuses_a_message_at_a_mailbox_that_has_room) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto result = feed({{{.what = LocalFault::refusal, .actor = "worker", .nth = 1}}}, seed, 1, bounded(50));
    ASSERT_EQ(result.said, (std::vector<std::string>{"ok", "full", "ok"}));
    ASSERT_EQ(result.seen, (std::vector<std::uint32_t>{0, 2}));
    ASSERT_EQ(count_of(result.outcome, "planned refusal").effects, 1U);
  }
}

TEST(FaultPlan, has_no_memory_for_one_message_of_an_actor) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto result = feed({{{.what = LocalFault::allocation, .actor = "feeder-0", .nth = 2}}}, seed);
    ASSERT_EQ(result.said, (std::vector<std::string>{"ok", "ok", "no memory"}));
    ASSERT_EQ(count_of(result.outcome, "planned allocation").effects, 1U);
  }
}

TEST(FaultPlan, ends_when_the_world_heals) {
  const auto result = feed({{{.what = LocalFault::crash, .actor = "worker"},
                             {.what = LocalFault::slow, .actor = "worker", .nth = 0, .length = 1h}}},
                           1, 1, {}, [](sim::World& world) { world.heal(); });
  EXPECT_EQ(result.seen.size(), 3U);
  EXPECT_EQ(result.outcome.virtual_time, 0s);
}

TEST(FaultPlan, gives_the_same_run_again) {
  const FaultPlan plan{{{.what = LocalFault::slow, .actor = "worker", .nth = 1, .length = 20ms},
                        {.what = LocalFault::crash, .actor = "worker", .nth = 2}}};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ASSERT_EQ(feed(plan, seed, 3).outcome.trace_hash, feed(plan, seed, 3).outcome.trace_hash);
  }
}

}  // namespace
}  // namespace orrery::sim_tests
