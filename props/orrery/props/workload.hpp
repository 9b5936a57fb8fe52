// workload.hpp: who sends which message to whom, and when: generated, and shrunk to fewer steps, one sender and no pauses.
//
//   sim::check([](sim::World& w, const props::Workload<Deposit>& load) {
//     auto bank = wire(w);
//     props::MessageLog<std::uint64_t> log;
//     props::start(w, load, std::vector{bank.alice, bank.bob}, log);
//     w.run();
//     EXPECT_TRUE(props::in_pair_order(log));
//   });
//
// How:  a list of steps. Each sender is an actor that works off its own, with pauses (in virtual time in a simulation) and bursts.
//       Messages are generated field by field, and numbered 0, 1, 2, ... in the order of the list (numbered.hpp), so that a
//       log can tell them apart; messages without a number are sent all the same.
// Source:  SPEC P1.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/props/message_log.hpp"
#include "orrery/props/numbered.hpp"
#include "orrery/props/rapidcheck.hpp"
#include "orrery/props/watched.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery::props {

struct WorkloadLimits {
  std::uint32_t senders = 4;
  std::uint32_t targets = 4;  ///< numbers below this; taken modulo the targets that there are
  std::uint32_t burst = 4;    ///< messages of one step, at most
  std::uint32_t pause_ms = 20;
  friend bool operator==(const WorkloadLimits&, const WorkloadLimits&) = default;
};

template <class M>
struct WorkloadStep {
  std::uint32_t sender = 0;
  std::uint32_t target = 0;
  Duration pause{};         ///< before it
  std::uint32_t burst = 1;  ///< so many, one after the other
  M message{};
};

template <class M, WorkloadLimits limits = WorkloadLimits{}>
struct Workload {
  std::vector<WorkloadStep<M>> steps;

  [[nodiscard]] std::uint64_t messages() const noexcept {
    std::uint64_t count = 0;
    for (const auto& step : steps) count += step.burst;
    return count;
  }
};

/// Works off the steps of one sender when it is told to Go.
template <class To, class M>
struct WorkloadSender {
  static constexpr std::string_view orrery_name = "WorkloadSender";
  struct Go {};
  std::vector<std::pair<std::uint64_t, WorkloadStep<M>>> steps;  ///< with the number of the first message of each
  std::vector<To> targets;
  MessageLog<std::uint64_t> log;
  void handle(Go, Context& context) {
    for (auto& [first, step] : steps) {
      if (step.pause > Duration::zero()) context.sleep(step.pause);
      for (std::uint64_t number = first; number < first + step.burst; ++number) {
        M message = step.message;
        if constexpr (HasNumber<M>) Numbered<M>::set(message, number);
        (void)log.tell(context, targets[step.target % targets.size()], std::move(message), number);
      }
    }
  }
};

/// Spawns the senders ("sender-0" and so on, those that have something to do) and lets them go.
/// Pre: `targets` is not empty.
template <class M, WorkloadLimits limits, class To>
void start(Runtime& runtime, const Workload<M, limits>& load, const std::vector<To>& targets,
           const MessageLog<std::uint64_t>& log) {
  ORRERY_CHECK(!targets.empty(), "a workload needs somebody to send to");
  using Sender = WorkloadSender<To, M>;
  std::map<std::uint32_t, Sender> senders;
  std::uint64_t number = 0;
  for (const WorkloadStep<M>& step : load.steps) {
    Sender& sender =
        senders.try_emplace(step.sender, Sender{.steps = {}, .targets = targets, .log = log}).first->second;
    sender.steps.emplace_back(number, step);
    number += step.burst;
  }
  std::vector<Ref<Sender>> all;
  for (auto& [index, sender] : senders) {
    const auto named = runtime.spawn("sender-" + std::to_string(index), sender);
    all.push_back(named.has_value() ? named.value() : runtime.spawn(std::move(sender)));
  }
  for (const auto& sender : all) sender.tell(typename Sender::Go{});
}

namespace detail {

template <class M, WorkloadLimits limits>
struct InputOf<Workload<M, limits>> {
  static rc::Gen<Workload<M, limits>> gen(const testkit::InputOrigin& origin) {
    const auto up_to = [](std::uint32_t least, std::uint32_t most) {
      return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(least, most + 1));
    };
    // Two in three steps come without a pause: what is sent together is what races.
    auto pause = rc::gen::map(up_to(0, 3 * limits.pause_ms), [](std::uint32_t drawn) -> Duration {
      return std::chrono::milliseconds{drawn <= 2 * limits.pause_ms ? 0 : drawn - 2 * limits.pause_ms};
    });
    auto step = rc::gen::map(rc::gen::tuple(up_to(0, limits.senders - 1), up_to(0, limits.targets - 1),
                                            std::move(pause), up_to(1, limits.burst), InputOf<M>::gen(origin)),
                             [](std::tuple<std::uint32_t, std::uint32_t, Duration, std::uint32_t, M> parts) {
                               return std::apply([](auto... part) { return WorkloadStep<M>{std::move(part)...}; },
                                                 std::move(parts));
                             });
    return rc::gen::map(
        rc::gen::resize(origin.commands, rc::gen::container<std::vector<WorkloadStep<M>>>(std::move(step))),
        [](std::vector<WorkloadStep<M>> steps) { return Workload<M, limits>{std::move(steps)}; });
  }
};

}  // namespace detail

}  // namespace orrery::props
