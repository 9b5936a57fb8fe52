// campaign.hpp: many runs of one property, until one fails or the budget is used up.
// How:  run number i of a campaign is a function of (campaign seed, i) and of what its first runs have shown, which is a
//       function of the seed: any run can be made alone once they have been made.
//       The first run, every failing run and every shrunk run are made twice and compared. A failing run is shrunk.
// Always true:  (P1) a failure that is reported has been reproduced, with the same trace hash: the one that was found, and
//                    the shrunk one from its record; what does not repeat itself is reported as non-determinism
//               (P2) the shrunk run shows the same failure as the one that was found
// Not so:       a program whose runs depend on each other (a static counter) may still repeat itself when it is asked.
// Source:  SPEC X2, X4, Z9.
#pragma once
#include "orrery/sim/run.hpp"
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/sim/strategies/portfolio.hpp"
#include "orrery/testkit/explain.hpp"
#include "orrery/testkit/input.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/token.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::testkit {

/// What a test can say about its campaign; the command line and the environment override it.
struct CheckOptions {
  /// Which runs are made once more in a process of their own (second_process.hpp).
  enum class OtherProcess : std::uint8_t { none, failing_run, first_and_failing_run };

  std::uint64_t runs = 1'000;
  sim::RunOptions run{};  ///< its grain is the campaign's to set
  sim::StrategyKind strategy = sim::StrategyKind::portfolio;
  sim::GrainSetting grain = sim::GrainSetting::automatic;
  /// Each run has a configuration of its own (swarm.hpp), within what `run` and `grain` say; `strategy` does not count.
  bool swarm = false;
  int commands_max = 20;  ///< the size of generated inputs grows to this
  /// Only a check in a test can be found in another process: it sets this. For a campaign of one's own it is `none`.
  OtherProcess other_process = OtherProcess::none;
  /// What a shrunk failure depends on is found out, too (explain.hpp). Only a report needs it: a check in a test sets this.
  bool explain = false;
};

struct Property {
  std::string name;  ///< Suite.Test
  MakeInput make_input;
  std::function<void(sim::World&, const Input&)> body;
};

/// One run, made by whoever can: in this process, or in one of its own when the run may crash (apart.cpp).
struct MadeRun {
  sim::Outcome outcome;
  sim::Followed notes;
};
/// Makes a run of `input`. `wants_labels`: of what is held back, in the notes.
using Execute =
    std::function<MadeRun(const Property& property, const Input& input, const sim::MakeStrategy& make_strategy,
                          const sim::RunOptions& options, bool wants_labels)>;
[[nodiscard]] MadeRun execute_here(const Property& property, const Input& input, const sim::MakeStrategy& make_strategy,
                                   const sim::RunOptions& options, bool wants_labels);

/// What a run was decided by.
struct ChoiceCounts {
  std::uint64_t schedule = 0;
  std::uint64_t schedule_uncalm = 0;  ///< those that were not first come, first served
  std::uint64_t draws_uncalm = 0;     ///< draws that were not 0
};
[[nodiscard]] ChoiceCounts count_choices(const sim::Decisions& decisions) noexcept;

/// A run on the way from the one that was found to the smallest.
struct ShrinkStage {
  std::string input;  ///< as text
  ChoiceCounts choices;
  sim::Outcome outcome;  ///< with its events
};

/// A failure, shrunk; or two executions of one run that differ, as they were found.
struct Failure {
  sim::Finding finding;
  sim::Outcome outcome;  ///< of the shrunk run, with its events
  Record record;
  std::string input;  ///< as text
  std::string original_input;
  std::uint64_t run = 0;
  std::uint64_t original_choices = 0;  ///< of the schedule, in the run that was found
  std::uint64_t shrink_runs = 0;       ///< how often the program was run to shrink it
  std::uint64_t shrink_steps = 0;      ///< how often that made it smaller
  Explanation explanation;             ///< what the shrunk run depends on; empty when nobody looked
  /// From the run that was found to the shrunk one, both included; a few between them. Empty when it was not shrunk.
  std::vector<ShrinkStage> history;
  /// Of non-determinism: the execution that `outcome` differs from, with its events if they were recorded.
  std::optional<sim::Outcome> other;
};

/// What a campaign remembers of one run, once it is made.
struct RunNote {
  std::uint64_t run = 0;
  std::uint64_t steps = 0;
  Duration virtual_time{};
  Hash128 trace_hash{};
  std::optional<sim::Finding> finding;
  std::string differs;  ///< not empty: the run was made twice, and this is what the second execution came to
  std::vector<std::pair<std::string, bool>> sometimes;
  std::vector<sim::FaultCount> faults;
  std::vector<sim::LostMessage> lost;  ///< of a run that holds

  [[nodiscard]] bool failed() const noexcept { return finding.has_value() || !differs.empty(); }
};

struct CampaignResult {
  std::uint64_t seed = 0;
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  Duration virtual_time{};
  std::optional<Failure> failure;
  std::vector<std::pair<std::string, std::uint64_t>> sometimes;  ///< name, in how many runs
};

/// Returns: whether two executions of one run did the same and came to the same.
[[nodiscard]] bool is_same(const sim::Outcome& a, const sim::Outcome& b) noexcept;
/// Returns: whether both show the same failure, values aside: numbers in the text of an exception do not count.
[[nodiscard]] bool is_same_failure(const sim::Finding& a, const sim::Finding& b);

/// Returns: the seed of run `run`, from which its input, schedule, draws and faults all follow.
[[nodiscard]] std::uint64_t seed_of_run(std::uint64_t campaign_seed, std::uint64_t run) noexcept;
/// Returns: where the input of run `run` comes from.
[[nodiscard]] InputOrigin origin_of_run(std::uint64_t campaign_seed, std::uint64_t run, int commands_max) noexcept;

/// The runs of a campaign, by number.
class Runs {
 public:
  /// All three outlive it.
  Runs(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed)
      : property_{property}, options_{options}, seed_{campaign_seed} {}

  /// Makes run `run`, and before it the first ones of the campaign if they have not been made yet.
  [[nodiscard]] sim::Outcome make(std::uint64_t run, bool record_events = false);
  /// Returns: the options of run `run`.
  [[nodiscard]] sim::RunOptions options_of(std::uint64_t run) const;
  [[nodiscard]] const CheckOptions& options() const noexcept { return options_; }

  /// Makes run `run` once more in another process, where that is asked for and can be done.
  /// `here`: what came of it, with its events, if the first that differs is to be named.    Returns: a difference.
  [[nodiscard]] std::optional<sim::Finding> compare_elsewhere(std::uint64_t run, const sim::Outcome& here) const;

  /// Nothing is learned from run `run`, which crashes.    Pre: none of the first runs has been made yet.
  void leave_out(std::uint64_t run) { left_out_.push_back(run); }
  /// From now on `where` holds the number of the run that is being made, plus one: the first ones come before others.
  void tell(std::atomic<std::uint64_t>& where) noexcept { where_ = &where; }

 private:
  [[nodiscard]] sim::Outcome execute(std::uint64_t run, bool record_events, sim::Learned* watch) const;
  /// Makes the next of the first runs, and learns from it.
  [[nodiscard]] sim::Outcome watch(bool record_events);

  const Property& property_;
  const CheckOptions& options_;
  std::uint64_t seed_;
  std::uint64_t watched_ = 0;  ///< so many of the first runs have been made
  sim::Learned learned_;
  std::vector<std::uint64_t> left_out_;
  std::atomic<std::uint64_t>* where_ = nullptr;
};

/// Makes run `run` alone.    Cost: the first runs of the campaign too, when it comes after them.
[[nodiscard]] inline sim::Outcome make_run(const Property& property, const CheckOptions& options,
                                           std::uint64_t campaign_seed, std::uint64_t run, bool record_events) {
  return Runs{property, options, campaign_seed}.make(run, record_events);
}

/// Makes runs 0, 1, ... until one fails.
///
/// Throws: what the generation of an input throws.
[[nodiscard]] CampaignResult run_campaign(const Property& property, const CheckOptions& options,
                                          std::uint64_t campaign_seed);

/// Returns: the name of run `run`.
[[nodiscard]] Token token_of_run(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                                 std::uint64_t run) noexcept;
/// Puts what a token says about its campaign into `options`; the seed and the run are not among them.
/// Returns: false when it asks for something that this program does not know.
bool put_plan(CheckOptions& options, const Token& token) noexcept;
/// Returns: the options of the run that is recorded, but for its input.
[[nodiscard]] sim::RunOptions run_options_of(const CheckOptions& options, const Record& record);
/// Returns: who makes run `run`, and how finely.
[[nodiscard]] sim::Plan plan_of(const CheckOptions& options, std::uint64_t campaign_seed, std::uint64_t run) noexcept;
/// Returns: "portfolio", "pos", ..., or "swarm".
[[nodiscard]] std::string_view strategy_name(const CheckOptions& options) noexcept;
/// Returns: the failure of run `run`, of which nothing but its origin and its token is known.
[[nodiscard]] Failure failure_of_run(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                                     std::uint64_t run);

/// Makes run `run` of the campaign and notes what came out; the first run is made twice.
[[nodiscard]] RunNote note_run(Runs& runs, std::uint64_t run);

/// Makes the run that `note` is about again, several times, and shrinks it when it fails.
///
/// Returns: nothing when it did not fail and does not fail now.
[[nodiscard]] std::optional<Failure> investigate(const Property& property, const CheckOptions& options,
                                                 std::uint64_t campaign_seed, Runs& runs, const RunNote& note);
/// Makes run `run` alone, several times, and shrinks it when it fails.
[[nodiscard]] std::optional<Failure> investigate(const Property& property, const CheckOptions& options,
                                                 std::uint64_t campaign_seed, std::uint64_t run);

/// Returns: the input at the end of `path`, or null when the generator makes another.
[[nodiscard]] std::unique_ptr<Input> input_of(const Property& property, const InputOrigin& origin,
                                              const std::vector<std::size_t>& path);
/// What is said when the input of a record is null.
inline constexpr const char* input_is_gone =
    "the recorded input does not exist any more: its type or generator has changed";
/// Writes down what a run has come to: its decisions, length and trace, and what was found.
void put_outcome(Record& record, const sim::Outcome& outcome);

/// Replays a record. Returns: the outcome, whose `divergence` says where the program went another way, if that is strict.
[[nodiscard]] sim::Outcome replay_record(const Property& property, const CheckOptions& options, const Record& record,
                                         std::string& input_text, sim::Replay::Mode mode = sim::Replay::Mode::strict,
                                         const Execute& execute = execute_here);

/// Shrinks `first`, a run of `input` that has been reproduced, into `failure`; and replays what comes of it.
/// `execute` makes the runs, and `until` is when it must be over in any case.
void shrink_failure(Failure& failure, const Property& property, const CheckOptions& options,
                    std::unique_ptr<Input> input, sim::Outcome first, const Execute& execute = execute_here,
                    std::optional<std::chrono::steady_clock::time_point> until = {});

}  // namespace orrery::testkit
