// priorities.hpp: what is promised about urgent mail: it comes first, and the rest is not forgotten.
// How:  the actor is held up while mail of all priorities gathers, and let go; what it takes next is then known at every step.
// Source:  SPEC Q2, Q3; SEMANTICS c2: P22.
#pragma once
#include "orrery/actor/lanes.hpp"
#include "orrery/props/flood.hpp"
#include "orrery/props/rest.hpp"
#include "orrery/props/verdict.hpp"
#include "orrery/props/watched.hpp"

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace orrery::props {

/// Judges an order of takes from a mailbox that was full of `arrived` (priorities, in order of arrival; a message's number is
/// its place), when nothing came any more.
[[nodiscard]] inline testing::AssertionResult in_priority_order(const std::vector<Priority>& arrived,
                                                                const std::vector<std::uint64_t>& taken,
                                                                std::uint32_t patience_of_lanes = Lanes::patience) {
  Verdict verdict{"urgent mail is taken first, equal mail in order, and no mail is passed over for ever"};
  std::array<std::deque<std::uint64_t>, priority_count> lanes;
  std::array<std::uint32_t, priority_count> passed{};
  for (std::uint64_t i = 0; i < arrived.size(); ++i) lanes[static_cast<std::size_t>(arrived[i])].push_back(i);
  for (const std::uint64_t number : taken) {
    if (number >= arrived.size()) {
      verdict.offence(fmt::format("message {} was never sent", number));
      return verdict;
    }
    const auto lane = static_cast<std::size_t>(arrived[number]);
    if (lanes[lane].empty() || lanes[lane].front() != number) {
      verdict.offence(fmt::format("message {} ({}) was taken before an older one of its priority, or twice", number,
                                  describe(arrived[number])));
      return verdict;
    }
    for (std::size_t other = 0; other < priority_count; ++other) {
      if (other == lane || lanes[other].empty()) continue;
      if (other < lane && passed[lane] < patience_of_lanes) {
        verdict.offence(fmt::format("message {} ({}) was taken while {} ({}) waited", number, describe(arrived[number]),
                                    lanes[other].front(), describe(static_cast<Priority>(other))));
      }
      if (++passed[other] > patience_of_lanes + priority_count) {
        verdict.offence(fmt::format("message {} ({}) was passed over {} times", lanes[other].front(),
                                    describe(static_cast<Priority>(other)), passed[other]));
        passed[other] = 0;
      }
    }
    passed[lane] = 0;
    lanes[lane].pop_front();
  }
  for (const auto& lane : lanes) {
    for (const std::uint64_t number : lane) verdict.offence(fmt::format("message {} was never taken", number));
  }
  return verdict;
}

/// The actor takes urgent mail first, equal mail in the order of arrival, and none is passed over more often than the bound
/// (docs: at most Lanes::patience + 4 times). `priorities` are sent again and again until there are `count` messages; `send`
/// is how the program sends one: `send(subject, message, priority)`.
///
/// Does not check: the order in which an actor that keeps its own queue works that off; mail that comes while it works;
/// that what is urgent is quick.
template <class M, class Make, class Send>
[[nodiscard]] testing::AssertionResult takes_by_priority(Runtime& runtime, Make make, const SpawnOptions& options,
                                                         const std::vector<Priority>& priorities, Send send,
                                                         std::size_t count = 120) {
  const Watch watch;
  const auto subject = spawn_subject(runtime, options, make, watch);
  std::vector<Priority> arrived;
  HeldUp held{runtime, subject};
  for (std::uint64_t i = 0; i < count && !priorities.empty(); ++i) {
    arrived.push_back(priorities[i % priorities.size()]);
    send(subject, make_numbered<M>(i), arrived.back());
  }
  (void)settle_for_now(runtime);
  held.let_go();
  if (auto rest = comes_to_rest(runtime); !rest) return rest;
  const auto taken = watch.log().keys(Deed::begun);
  (void)runtime.stop(subject);
  return in_priority_order(arrived, taken);
}
template <class M, class Make>
[[nodiscard]] testing::AssertionResult takes_by_priority(Runtime& runtime, Make make, const SpawnOptions& options,
                                                         const std::vector<Priority>& priorities) {
  return takes_by_priority<M>(runtime, std::move(make), options, priorities,
                              [](const auto& subject, M message, Priority priority) {
                                (void)tell_any(subject, std::move(message), {.priority = priority});
                              });
}

}  // namespace orrery::props
