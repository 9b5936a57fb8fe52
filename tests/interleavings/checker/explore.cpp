#include "tests/interleavings/checker/explore.hpp"

#include "orrery/core/asymmetric_fence.hpp"
#include "orrery/core/check.hpp"
#include "orrery/core/futex.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

namespace orrery {

// What stands in for the kernel, and for the end of the process, in a checked program.
bool futex_wait(Atomic<std::uint32_t>& word, std::uint32_t expected, FutexDeadline deadline) {
  auto* const model = interleave::Model::of_this_thread();
  if (model == nullptr) return !deadline;
  return model->futex_wait(&word, expected, expected, deadline.has_value(), std::source_location::current());
}
void futex_wake_one(Atomic<std::uint32_t>& word) noexcept {
  if (auto* const model = interleave::Model::of_this_thread()) {
    model->futex_wake_one(&word, 0, std::source_location::current());
  }
}

namespace detail {
bool light_fence_is_free = true;
}
void heavy_fence() noexcept {
  auto* const model = interleave::Model::of_this_thread();
  if (model == nullptr) return;
  if (detail::light_fence_is_free) {
    model->fence_everywhere(std::source_location::current());
  } else {
    model->fence(std::memory_order_seq_cst, std::source_location::current());
  }
}

namespace detail {
[[noreturn]] static void failed(const CheckSite& site, const std::string& text) {
  const std::string line = fmt::format("check failed: {} {} ({}:{})", site.condition, text, site.file, site.line);
  if (auto* const model = interleave::Model::of_this_thread()) model->fail(line);
  fmt::print(stderr, "{}\n", line);
  std::abort();
}
void check_failed(const CheckSite& site) { failed(site, ""); }
void check_failed_text(const CheckSite& site, fmt::string_view text, fmt::format_args args) {
  failed(site, fmt::vformat(text, args));
}
}  // namespace detail

namespace interleave {
namespace {

struct Execution {
  bool failed = false;
  bool pruned = false;
  std::string failure;
  std::string outcome;
  std::vector<std::string> story;
};

Execution execute(Search& search, const Body& body, Model::Limits limits, bool tells) {
  search.begin_execution();
  Model model{search, limits, tells};
  try {
    body(model);
  } catch (const GivenUp&) {
  }
  return {!model.failure().empty(), model.given_up() && model.failure().empty(), model.failure(), model.outcome(),
          model.story()};
}

/// The story of the execution that `choices` lead to.
void tell(Report& report, const Body& body, Model::Limits limits) {
  Search search{{.kind = Mode::replay, .choices = report.choices}};
  const Execution execution = execute(search, body, limits, true);
  report.story.clear();
  constexpr std::size_t shown_at_either_end = 60;  // of an execution without end
  const std::size_t steps = execution.story.size();
  for (std::size_t i = 0; i < steps; ++i) {
    if (i == shown_at_either_end && steps > 3 * shown_at_either_end) {
      i = steps - shown_at_either_end;
      report.story += "  ...\n";
    }
    report.story += execution.story[i] + '\n';
  }
  report.story += fmt::format("  => {}\n", execution.failure);
}

/// Looks for a failing execution with fewer preemptions, for a shorter story.
void simplify(Report& report, const Body& body, Model::Limits limits, unsigned preemptions_now) {
  for (unsigned bound = 0; bound < preemptions_now; ++bound) {
    Search search{{.kind = Mode::bounded, .preemptions = bound, .executions = 20'000, .choices = {}}};
    do {
      const Execution execution = execute(search, body, limits, false);
      if (!execution.failed) continue;
      report.choices = search.choices();
      report.failure = execution.failure;
      return;
    } while (search.next());
  }
}

std::string replay_of(const std::string& name) {
  const char* const wish = std::getenv("ORRERY_INTERLEAVING");
  if (wish == nullptr) return {};
  const std::string_view text{wish};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.substr(0, colon) != name) return {};
  return std::string{text.substr(colon + 1)};
}

}  // namespace

Report explore(const std::string& name, Mode mode, const Body& body, Model::Limits limits) {
  fiber::StackPool stacks{{.stack_bytes = 64 * 1024}};
  Model::share_stacks(&stacks);
  Report report;
  if (std::string choices = replay_of(name); !choices.empty())
    mode = {.kind = Mode::replay, .choices = std::move(choices)};
  Search search{mode};
  unsigned preemptions = 0;
  do {
    const Execution execution = execute(search, body, limits, false);
    ++report.executions;
    report.pruned += execution.pruned;
    if (execution.failed) {
      report.failed = true;
      report.failure = execution.failure;
      report.choices = search.choices();
      preemptions = search.preemptions();
      break;
    }
    if (!execution.pruned) report.outcomes.insert(execution.outcome);
  } while (search.next());
  report.complete =
      !report.failed && (mode.kind == Mode::random || mode.executions == 0 || report.executions < mode.executions);
  if (report.failed && mode.kind != Mode::replay) simplify(report, body, limits, preemptions);
  if (report.failed || mode.kind == Mode::replay) {
    if (mode.kind == Mode::replay) report.choices = mode.choices;
    tell(report, body, limits);
  }
  Model::share_stacks(nullptr);
  return report;
}

namespace {
std::string text_of(const std::string& name, const Report& report) {
  const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
  return fmt::format("{}\n{}\nORRERY_INTERLEAVING='{}:{}' build/release/bin/interleavings_test --gtest_filter={}.{}\n",
                     report.failure, report.story, name, report.choices, test->test_suite_name(), test->name());
}
void say(const std::string& name, const Mode& mode, const Report& report) {
  const std::string bound = mode.kind == Mode::all       ? "all interleavings"
                            : mode.kind == Mode::random  ? fmt::format("random, seed {}", mode.seed)
                            : mode.kind == Mode::bounded ? fmt::format("at most {} preemptions", mode.preemptions)
                                                         : "replay";
  fmt::print("[ explored ] {}: {} executions, {} of them cut short ({})\n", name, report.executions, report.pruned,
             bound);
}
}  // namespace

void expect_holds(const std::string& name, Mode mode, const Body& body, Model::Limits limits) {
  const Report report = explore(name, mode, body, limits);
  say(name, mode, report);
  EXPECT_FALSE(report.failed) << text_of(name, report);
  EXPECT_TRUE(report.failed || report.complete)
      << name << ": there are more than " << report.executions << " executions";
}

void expect_fails(const std::string& name, Mode mode, const std::string& what, const Body& body, Model::Limits limits) {
  const Report report = explore(name, mode, body, limits);
  say(name, mode, report);
  EXPECT_TRUE(report.failed) << name << ": nothing was found in " << report.executions << " executions";
  EXPECT_NE(report.failure.find(what), std::string::npos) << text_of(name, report);
}

void expect_outcomes(const std::string& name, const std::set<std::string>& outcomes, const Body& body) {
  const Report report = explore(name, all(), body);
  say(name, all(), report);
  EXPECT_FALSE(report.failed) << text_of(name, report);
  EXPECT_EQ(report.outcomes, outcomes);
}

}  // namespace interleave
}  // namespace orrery
