// Goal:   two neighbouring operations that are called independent can be exchanged, and nothing changes (C1).
// Method: random programs are run at random; each pair of independent neighbours is exchanged, the rest is kept in order,
//         and what came of it is compared. ORRERY_REDUCTION_PROGRAMS=<n> tries n programs of each kind.
#include "orrery/sim/dependence.hpp"

#include "tests/sim/little_programs.hpp"
#include "tests/sim/sim_fixture.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::testing {
namespace {

struct Done {
  std::uint64_t key = 0;
  sim::Access access;
  std::string what;
};

/// Executes operations in a given order, as long as there is one; then oldest first. Remembers what it has executed.
class InOrder final : public sim::Strategy {
 public:
  InOrder(std::vector<std::uint64_t> keys, std::vector<Done>& done, std::string& error)
      : keys_{std::move(keys)}, done_{done}, error_{error} {}
  std::uint64_t choose(const sim::Point& point) override {
    if (point.kind != sim::DecisionKind::schedule || next_ >= keys_.size()) return 0;
    for (std::uint64_t index = 0; index < point.count; ++index) {
      if (sim::key_of(point.enabled->option(index)) == keys_[next_]) return index;
    }
    if (error_.empty()) error_ = fmt::format("operation {} of the order is not enabled", next_);
    return 0;
  }
  bool watches() const noexcept override { return true; }
  void executed(const sim::Op& op) override {
    done_.push_back(
        {sim::key_of(op), sim::access_of(op),
         fmt::format("kind {} of agent {} on {}", static_cast<int>(op.kind), op.agent->index, op.object->index)});
    if (next_ < keys_.size() && keys_[next_] != done_.back().key && error_.empty()) {
      error_ = fmt::format("operation {} of the order is not the only one enabled", next_);
    }
    ++next_;
  }

 private:
  std::vector<std::uint64_t> keys_;
  std::vector<Done>& done_;
  std::string& error_;
  std::size_t next_ = 0;
};

/// Chooses at random and remembers.
class Remembering final : public sim::RandomWalk {
 public:
  Remembering(std::uint64_t seed, std::vector<Done>& done) : RandomWalk{seed}, done_{done} {}
  bool watches() const noexcept override { return true; }
  void executed(const sim::Op& op) override {
    done_.push_back(
        {sim::key_of(op), sim::access_of(op),
         fmt::format("kind {} of agent {} on {}", static_cast<int>(op.kind), op.agent->index, op.object->index)});
  }

 private:
  std::vector<Done>& done_;
};

struct Kind {
  const char* name;
  Features features;
  int programs;
};

class Dependence : public ::testing::TestWithParam<Kind> {};

TEST_P(Dependence, lets_independent_neighbours_be_exchanged) {
  const Kind& kind = GetParam();
  const char* const more = std::getenv("ORRERY_REDUCTION_PROGRAMS");
  const int wanted = more != nullptr ? std::atoi(more) : kind.programs;
  sim::RunOptions options = no_faults();
  options.reduce = false;
  std::uint64_t exchanged = 0;
  for (int program_seed = 0; program_seed < wanted; ++program_seed) {
    Entropy entropy{static_cast<std::uint64_t>(program_seed), 55};
    const Program program = draw_program(entropy, kind.features);
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      std::vector<Done> done;
      const auto [text, outcome] =
          one_outcome(program, [&] { return std::make_unique<Remembering>(seed, done); }, options);
      if (outcome.finding) continue;  // it ends where the finding is, whatever comes next
      for (std::size_t at = 0; at + 1 < done.size(); ++at) {
        if (sim::dependent(done[at].access, done[at + 1].access)) continue;
        std::vector<std::uint64_t> keys;
        for (const Done& one : done) keys.push_back(one.key);
        std::swap(keys[at], keys[at + 1]);
        std::vector<Done> again;
        std::string error;
        const auto [other, changed] =
            one_outcome(program, [&] { return std::make_unique<InOrder>(keys, again, error); }, options);
        // Not enabled before its neighbour: then one enables the other, which is order enough.
        if (error == fmt::format("operation {} of the order is not enabled", at) ||
            error == fmt::format("operation {} of the order is not the only one enabled", at)) {
          continue;
        }
        ++exchanged;
        ASSERT_EQ(error, "") << done[at].what << ", " << done[at + 1].what << "\nprogram " << program_seed << '\n'
                             << to_text(program);
        ASSERT_EQ(other, text) << done[at].what << ", " << done[at + 1].what << "\nprogram " << program_seed << '\n'
                               << to_text(program);
      }
    }
  }
  fmt::print("  {}: {} pairs exchanged\n", kind.name, exchanged);
  EXPECT_GT(exchanged, 0U);
}

INSTANTIATE_TEST_SUITE_P(Programs, Dependence,
                         ::testing::Values(Kind{"tells", {}, 60}, Kind{"asks", {.asks = true}, 60},
                                           Kind{"timeouts", {.asks = true, .timeouts = true, .timers = true}, 60},
                                           Kind{"bounded", {.asks = true, .bounded = true}, 60},
                                           Kind{"priorities", {.asks = true, .priorities = true}, 60},
                                           Kind{"stops", {.asks = true, .stops = true}, 200},
                                           Kind{"failures", {.asks = true, .failures = true}, 60},
                                           Kind{"looks", {.asks = true, .looks = true}, 60},
                                           Kind{"offloads", {.offloads = true}, 60},
                                           Kind{"per_pair", {.asks = true, .per_pair = true, .messages_max = 5}, 60}),
                         [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace orrery::testing
