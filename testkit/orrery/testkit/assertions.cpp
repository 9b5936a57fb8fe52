#include "orrery/testkit/assertions.hpp"

#include "orrery/testkit/text.hpp"

#include <fmt/core.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace orrery::testkit {

namespace {

/// The name holds the place and not the text, so that two runs with different values show the same failure.
sim::Finding finding_of(const ::testing::TestPartResult& result) {
  sim::Finding finding;
  finding.kind = sim::FindingKind::assertion_failed;
  finding.detail = result.message();
  finding.file = result.file_name() == nullptr ? "" : result.file_name();
  finding.line = static_cast<std::uint32_t>(std::max(result.line_number(), 0));
  finding.name = finding.file.empty() ? "unknown place" : fmt::format("{}:{}", base_name(finding.file), finding.line);
  return finding;
}

sim::World* this_world = nullptr;

class Capture final : public ::testing::ScopedFakeTestPartResultReporter {
 public:
  Capture() : ScopedFakeTestPartResultReporter{INTERCEPT_ONLY_CURRENT_THREAD, nullptr} {}
  void ReportTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    sim::Finding finding = finding_of(result);
    if (world_ != nullptr) {
      finding.detail = place_of(*world_) + "\n" + finding.detail;
      world_->internals().report_finding(std::move(finding));
    } else if (!late_) {
      finding.detail = "after the body of the test\n" + finding.detail;
      late_ = std::move(finding);
    }
  }
  void enter(sim::World& world) {
    world_ = this_world = &world;
    late_.reset();  // of an attempt that was given up
  }
  void leave() { world_ = this_world = nullptr; }
  [[nodiscard]] std::optional<sim::Finding>& late() { return late_; }

 private:
  sim::World* world_ = nullptr;
  std::optional<sim::Finding> late_;
};

}  // namespace

sim::World* world_of_this_run() noexcept { return this_world; }

bool is_run_told() noexcept { return this_world != nullptr && this_world->internals().options().record_events; }

void attach_to_run(std::string name, std::string text) {
  if (this_world != nullptr) this_world->internals().attach(std::move(name), std::move(text));
}

std::string place_of(sim::World& world, bool with_payload) {
  const Execution& execution = world.internals().execution();
  if (const std::string actor = world.internals().offloading(); !actor.empty()) {
    return fmt::format("in work that {} offloaded", actor);
  }
  if (execution.cell == nullptr || execution.message == nullptr) return "in the body of the test";
  const Envelope& envelope = *execution.message;
  std::string message{envelope.operations->message->name};
  if (with_payload && (envelope.flags & Envelope::given_away) == 0) {
    message.clear();
    envelope.operations->message->describe(envelope.payload(), message);
  }
  return fmt::format("in {}, handling {}", world.path_of(execution.cell->handle()), message);
}

sim::Outcome run_once(const sim::Body& body, const sim::MakeStrategy& make_strategy, const sim::RunOptions& options) {
  Capture capture;
  const sim::Body captured = [&](sim::World& world) {
    struct Inside {
      Inside(Capture& capture, sim::World& world) : capture_{capture} { capture_.enter(world); }
      ~Inside() { capture_.leave(); }
      Capture& capture_;
    } inside{capture, world};
    body(world);
  };
  sim::Outcome outcome = sim::execute(captured, make_strategy, options);
  if (!outcome.finding && capture.late()) {
    outcome.finding = std::move(capture.late());
    outcome.finding->step = outcome.steps;
  }
  return outcome;
}

}  // namespace orrery::testkit
