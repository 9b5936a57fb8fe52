// Goal:   every generated tree is one that starts, is what its shape says, and ends without a trace.
// Method: the simulated world, a new tree and a new order for each seed.
#include <orrery/props/supervision.hpp>
#include <orrery/sim/run.hpp>
#include <orrery/supervision.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace orrery;
using namespace std::chrono_literals;

struct Boom {};
struct Plain {
  void handle(Boom) { throw std::runtime_error{"boom"}; }
};

std::shared_ptr<StartFunction> plain(const std::string&) {
  return start_function([] { return Plain{}; });
}

/// Counts what lives below a supervisor, by asking it and those below.
props::TreeSize count(sim::World& world, const Ref<Supervisor>& top) {
  props::TreeSize size;
  const auto children = top.ask(WhichChildren{}, no_timeout);
  for (const ChildInfo& child : children.value()) {
    if (child.status != ChildStatus::running) continue;
    if (const auto below = child.as<Supervisor>()) {
      const props::TreeSize more = count(world, *below);
      size.workers += more.workers;
      size.supervisors += more.supervisors + 1;
    } else {
      ++size.workers;
    }
  }
  return size;
}

RC_GTEST_PROP(SupervisionTree, starts_as_its_shape_says_and_ends_without_a_trace, (std::uint64_t seed)) {
  const props::TreeShape shape = *props::any_tree();
  const props::TreeSize expected = props::size_of(shape);
  RC_ASSERT(!find_fault(props::to_spec(shape, plain)));
  const sim::Outcome outcome = sim::execute(
      [&](sim::World& world) {
        const auto top = start_supervisor(world, "top", props::to_spec(shape, plain));
        ASSERT_TRUE(top.has_value());
        const props::TreeSize size = count(world, *top);
        EXPECT_EQ(size.workers, expected.workers);
        EXPECT_EQ(size.supervisors, expected.supervisors);
        EXPECT_EQ(world.shutdown(1h), std::vector<std::string>{});
        EXPECT_EQ(world.living(), 0U);
      },
      [&] { return std::make_unique<sim::RandomWalk>(seed); }, {});
  RC_ASSERT(!outcome.finding.has_value());
}

RC_GTEST_PROP(SupervisionTree, survives_a_crash_of_anybody_or_gives_up_as_a_whole, (std::uint64_t seed)) {
  const props::TreeShape shape = *props::any_tree();
  const props::TreeSize size = props::size_of(shape);
  RC_PRE(size.workers > 0U);
  const sim::Outcome outcome = sim::execute(
      [&](sim::World& world) {
        std::vector<Ref<Plain>> workers;
        const auto top = start_supervisor(world, "", props::to_spec(shape, plain));
        ASSERT_TRUE(top.has_value());
        world.for_each_cell([&](const Cell& cell) {
          if (cell.type == &detail::actor_type<Plain>) workers.emplace_back(world.index(), cell.handle());
        });
        ASSERT_EQ(workers.size(), size.workers);
        (void)workers[seed % workers.size()].tell(Boom{});
        world.run();
        if (world.is_living(*top)) {
          EXPECT_TRUE(top->ask(CountChildren{}, no_timeout).has_value());
          EXPECT_EQ(world.shutdown(1h), std::vector<std::string>{});
        }
        EXPECT_EQ(world.living(), 0U);
      },
      [&] { return std::make_unique<sim::RandomWalk>(seed); }, {});
  RC_ASSERT(!outcome.finding.has_value());
}

TEST(SupervisionTree, is_printed_line_by_line) {
  const props::TreeShape shape{.strategy = RestartStrategy::one_for_all,
                               .intensity = 3,
                               .children = {{}, {.restart = RestartType::transient, .tree = {{.children = {{}}}}}}};
  EXPECT_EQ(orrery_describe(props::to_spec(shape, plain)),
            "one_for_all, 3 restarts in 5s\n"
            "  w0: permanent Plain\n"
            "  s0: transient supervisor, one_for_one, 1 restart in 5s\n"
            "    w1: permanent Plain");
}

}  // namespace
