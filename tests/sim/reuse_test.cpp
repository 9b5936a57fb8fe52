// Goal:   a run on a thread that has seen other runs is the same run as on a thread that has seen none.
// Method: a run takes over the tables of the one before (sim/orrery/sim/tables.hpp). A thousand runs of all kinds follow
//         each other here, among them some that fail, hang, throw or leave handlers waiting; each is made again on a
//         thread of its own, and nothing of what a run tells may differ.
#include "tests/sim/little_programs.hpp"
#include "tests/sim/sim_fixture.hpp"

#include "orrery/core/describe.hpp"

#include <array>
#include <stdexcept>
#include <thread>

namespace orrery::testing {
namespace {

constexpr Features everything{.asks = true,
                              .timeouts = true,
                              .bounded = true,
                              .priorities = true,
                              .timers = true,
                              .stops = true,
                              .failures = true,
                              .looks = true,
                              .watched = true,
                              .stalls = true,
                              .messages_max = 20};

std::string to_text(const sim::Outcome& outcome) {
  std::string text = fmt::format("{} steps {} operations {} ns {} reduced {}\n", to_hex(outcome.trace_hash),
                                 outcome.steps, outcome.operations, outcome.virtual_time.count(), outcome.reduced);
  text += orrery_describe(outcome.ledger) + '\n';
  for (const auto& [kind, count, index] : outcome.decisions) {
    text += fmt::format("{}:{}/{} ", static_cast<int>(kind), index, count);
  }
  for (const std::uint64_t key : outcome.order) text += fmt::format("{:x} ", key);
  for (const auto& [name, was_true] : outcome.sometimes) text += fmt::format("\n{} {}", name, was_true);
  for (const sim::Event& event : outcome.events) {
    text += '\n' + to_string(event);
    for (const auto& [name, value] : event.after) text += fmt::format(" {}={}", name, value);
  }
  if (outcome.finding) {
    text += fmt::format("\n{}: {}\n{}\nat step {}", sim::headline(outcome.finding->kind), outcome.finding->name,
                        outcome.finding->detail, outcome.finding->step);
  }
  return text;
}

struct Go {};
struct Say {
  int what;
};
struct Hear {
  std::vector<int> heard;
  void handle(Say m) { heard.push_back(m.what); }
};
struct Sleeper {
  void handle(Go, Context& context) {
    (void)context.spawn(Hear{}).tell(Say{1});
    context.every(*this, 1s, Go{});
    context.sleep(1h);
  }
};
struct Speaker {
  std::array<Ref<Hear>, 3> to;
  void handle(Go) {
    for (int i = 0; i < 6; ++i) to[static_cast<std::size_t>(i) % 3].tell(Say{i});
  }
};
struct Endless {
  Ref<Hear> to;
  void handle(Go) {
    while (true) (void)to.tell(Say{0});
  }
};

/// Everything that a run can leave behind, in eight variations. Returns: what a body can see of slots and generations.
std::string leave_things_behind(World& w, std::uint64_t number) {
  std::string handles;
  std::array<Ref<Hear>, 3> hearers;
  for (auto& hearer : hearers) hearer = w.spawn(Hear{});
  w.stop(hearers[2]);
  w.run();
  hearers[2] = w.spawn("named", Hear{});
  for (const auto& hearer : hearers) {
    handles +=
        fmt::format("{} is {}.{} ", w.path_of(hearer.handle()), hearer.handle().slot, hearer.handle().generation);
  }
  if (number % 2 == 0) {
    w.always("nobody hears a 5",
             [&] { return w.peek(hearers[2]).heard.size() < 2 || w.peek(hearers[2]).heard[1] != 5; });
    w.sometimes("a 3 is heard", [&] { return !w.peek(hearers[0]).heard.empty(); });
  }
  for (int i = 0; i < 3; ++i) w.spawn(Speaker{hearers}).tell(Go{});
  w.spawn(Sleeper{}).tell(Go{});
  if (number % 8 == 3) w.spawn(Endless{hearers[0]}).tell(Go{});
  if (number % 8 != 5) w.run_for(1500ms);
  if (number % 8 == 7) throw std::runtime_error{"in the middle"};
  return handles;
}

/// The run with that number, told.
std::string told(std::uint64_t number) {
  sim::RunOptions options;
  options.record_events = number % 3 == 0;
  options.reduce = number % 5 != 0;
  options.operations_max = number % 7 == 0 ? 20 : 400;
  if (number % 2 == 0) {
    Entropy entropy{number, 12};
    Features features = everything;
    features.per_pair = number % 4 == 0;
    const auto [text, outcome] = one_outcome(draw_program(entropy, features), random_walk(number), options);
    return text + '\n' + to_text(outcome);
  }
  options.mode = number % 3 == 1 ? sim::Mode::per_pair : sim::Mode::causal;
  std::string handles;
  const auto outcome =
      sim::execute([&](World& w) { handles += leave_things_behind(w, number / 2); }, random_walk(number), options);
  return handles + to_text(outcome);
}

TEST(Reuse, a_thousand_runs_after_each_other_are_what_each_is_on_its_own) {
  for (std::uint64_t number = 0; number < 1'000; ++number) {
    const std::string after_others = told(number);
    std::string alone;
    std::thread{[&] { alone = told(number); }}.join();
    ASSERT_EQ(after_others, alone) << "run " << number;
  }
}

TEST(Reuse, a_reference_from_an_earlier_run_reaches_nobody) {
  Ref<Hear> earlier;
  run_calmly([&](World& w) { earlier = w.spawn(Hear{}); });
  run_calmly([&](World& w) {
    const auto hearer = w.spawn(Hear{});
    EXPECT_EQ(hearer.handle(), earlier.handle()) << "slots begin again with every run";
    EXPECT_EQ(text_of(earlier.tell(Say{1})), "actor_not_found");
    w.run();
    EXPECT_TRUE(w.peek(hearer).heard.empty());
  });
}

TEST(Reuse, worlds_of_different_sizes_follow_each_other) {
  for (const std::uint32_t actors_max : {5U, 3'000U, 1U, 1U << 20U, 5U}) {
    sim::RunOptions options = no_faults();
    options.runtime.actors_max = actors_max;
    run_calmly(
        [&](World& w) {
          const std::uint32_t wanted = std::min(actors_max, 2'000U);
          for (std::uint32_t i = 0; i < wanted; ++i) (void)w.spawn(Hear{});
          if (wanted == actors_max) {
            const auto refused = w.spawn("one_more", Hear{});
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error(), SpawnError::no_capacity);
          }
          w.run();
          EXPECT_EQ(w.living(), wanted);
        },
        options);
  }
}

}  // namespace
}  // namespace orrery::testing
