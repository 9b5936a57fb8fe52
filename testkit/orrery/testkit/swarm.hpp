// swarm.hpp: a random configuration for each run, drawn from the run's seed.
// Why:  a campaign with one configuration tests it again and again. What is never switched off hides what it makes
//       impossible (a stall early in every run: nobody sees what needs a busy first minute), and a budget that suits one
//       program is too small for another.
// How:  who schedules, how finely, how much goes wrong, how often, how late and how long: each is drawn, independently. What
//       the test or the command line allows is the ceiling: without faults there are none here either, and no stall is
//       longer than theirs. A draw is a function of (campaign seed, run): the token of a run and its record need to say no
//       more than that it was a swarm's, and replay it.
// Not chosen:   drawing the size of inputs, too (it grows over a campaign, and is drawn below that already); switching
//               single fault points of user code (their names are known only when they are met).
// Source:       Groce et al., "Swarm Testing" (ISSTA 2012); TigerBeetle's simulator, options_swarm.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <cstdint>

namespace orrery::testkit {

/// Returns: who makes run `run` of a swarm. Of the first runs: one of those that need to know nothing.
[[nodiscard]] sim::Plan swarm_plan(const CheckOptions& options, std::uint64_t campaign_seed,
                                   std::uint64_t run) noexcept;

/// Returns: the options of run `run` of a swarm; its grain is the plan's.
[[nodiscard]] sim::RunOptions swarm_options(const CheckOptions& options, std::uint64_t campaign_seed,
                                            std::uint64_t run) noexcept;

}  // namespace orrery::testkit
