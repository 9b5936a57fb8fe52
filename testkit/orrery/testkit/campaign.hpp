// campaign.hpp: many runs of one property, until one fails or the budget is used up.
// How:  run number i of a campaign is a function of (campaign seed, i) and nothing else, so that any run can be made alone.
//       The first run and every failing run are made twice and their traces compared. A failing run is shrunk.
// Always true:  (P1) a failure that is reported has been reproduced, with the same trace hash
//               (P2) the shrunk run shows the same failure as the one that was found
// Source:  SPEC X2, X4, Z9; EXPLORATION section 5.
#pragma once
#include "orrery/sim/run.hpp"
#include "orrery/testkit/input.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/token.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orrery::testkit {

/// What a test can say about its campaign; the command line and the environment override it.
struct CheckOptions {
  std::uint64_t runs = 1'000;
  sim::RunOptions run{};
  int commands_max = 20;  ///< the size of generated inputs grows to this
};

struct Property {
  std::string name;  ///< Suite.Test
  MakeInput make_input;
  std::function<void(sim::World&, const Input&)> body;
};

/// A failure, shrunk.
struct Failure {
  sim::Finding finding;
  sim::Outcome outcome;  ///< of the shrunk run, with its events
  Record record;
  std::string input;           ///< as text
  std::string original_input;
  std::uint64_t run = 0;
  std::uint64_t original_choices = 0;  ///< decisions of the run that was found
  std::uint64_t original_uncalm = 0;   ///< those that were not the calm one
  std::uint64_t uncalm = 0;
  std::uint64_t shrink_runs = 0;       ///< how often the program was run to shrink it
  std::uint64_t shrink_steps = 0;      ///< how often that made it smaller
};

struct CampaignResult {
  std::uint64_t seed = 0;
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  Duration virtual_time{};
  std::optional<Failure> failure;
  std::vector<std::pair<std::string, std::uint64_t>> sometimes;  ///< name, in how many runs
};

/// Returns: the seed of run `run`, from which its input, schedule, draws and faults all follow.
[[nodiscard]] std::uint64_t seed_of_run(std::uint64_t campaign_seed, std::uint64_t run) noexcept;
/// Returns: where the input of run `run` comes from.
[[nodiscard]] InputOrigin origin_of_run(std::uint64_t campaign_seed, std::uint64_t run, int commands_max) noexcept;

/// Makes run `run` of the campaign.
[[nodiscard]] sim::Outcome make_run(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed,
                                    std::uint64_t run, bool record_events);

/// Makes runs 0, 1, ... until one fails.
[[nodiscard]] CampaignResult run_campaign(const Property& property, const CheckOptions& options, std::uint64_t campaign_seed);

/// Makes run `run` alone, twice, and shrinks it when it fails.
[[nodiscard]] std::optional<Failure> investigate(const Property& property, const CheckOptions& options,
                                                 std::uint64_t campaign_seed, std::uint64_t run);

/// Replays a record, strictly. Returns: the outcome, whose `divergence` says where the program went another way.
[[nodiscard]] sim::Outcome replay_record(const Property& property, const CheckOptions& options, const Record& record,
                                         std::string& input_text);

}  // namespace orrery::testkit
