// soak.cpp: soak [SECONDS] [THREADS] [SEED]: a System under random load for as long as wanted, and then once more.
// Method: bursts from several foreign threads, in which actors do whatever actors can (troupe.hpp); silence after each,
//         so that workers sleep and steal anew; now and then the end of all actors. Whenever everything rests the
//         accounts are checked (checks.hpp). The seed decides what is done, the machine decides when.
// Exit code: 0; 1 when a promise was broken or nothing moves, with seed and state on stderr; 2 for bad arguments.
#include "tests/soak/checks.hpp"
#include "tests/support/scale.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstdio>
#include <random>
#include <string_view>

namespace soak {
namespace {

using test_support::Random;

constexpr std::size_t roamers_at_once = 200;
constexpr std::uint64_t phases_per_life = 8;
constexpr std::size_t foreign_threads = 3;

/// Lets everybody step on the stage.
void populate(System& system, Cast& cast, Random& random) {
  const Life life{cast.tally};
  cast.sinks.clear();
  cast.sinks.push_back(system.spawn(Sink{life, false}));
  for (const auto policy : {Overflow::suspend, Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest}) {
    cast.sinks.push_back(system.spawn(Sink{life, true}, {.mailbox = bounded(sink_capacity, policy)}));
  }
  cast.streamers.clear();
  for (std::uint32_t i = 0; i < streamers_max; ++i) {
    cast.streamers.push_back(system.spawn(Streamer{life, i, cast.sinks}));
  }
  std::vector<Ref<Roamer>> roamers;
  for (std::size_t i = 0; i < roamers_at_once; ++i) {
    SpawnOptions options;
    // No suspend: senders that wait for each other in a ring would wait for ever.
    constexpr std::array policies{Overflow::reject, Overflow::drop_newest, Overflow::drop_oldest};
    if (i % 4 == 0) options.mailbox = bounded(8, policies[random.below(policies.size())]);
    if (i % 3 == 0) options.restart = Restart{.intensity = 5, .period = 1s};
    if (i % 6 == 0) options.mail_on_restart = MailOnRestart::drop;
    roamers.push_back(system.spawn(Roamer{life, &cast}, options));
  }
  const std::lock_guard guard{cast.mutex};
  cast.roamers = std::move(roamers);
}

/// What one foreign thread does in a burst.
void drive(System& system, Cast& cast, std::uint64_t seed, std::chrono::steady_clock::time_point until) {
  Random random{seed};
  const Life life{cast.tally};
  while (std::chrono::steady_clock::now() < until) {
    const std::uint64_t place = random.below(roamers_at_once);
    const auto roamer = cast.roamer(place);
    switch (random.below(8)) {
      case 0: {
        const AskScope scope{cast.tally};
        count(cast.tally, place, roamer.ask(Question{place, 3}, 5ms));
        break;
      }
      case 1: {
        const AskScope scope{cast.tally};
        const auto& sink = cast.sinks[random.below(cast.sinks.size())];
        count(cast.tally, place, sink.ask(Question{place, 0}, no_timeout));
        break;
      }
      case 2:
        for (int i = 0; i < 100; ++i) (void)cast.sinks[random.below(cast.sinks.size())].tell(Load{});
        break;
      case 3:
        (void)cast.streamers[random.below(streamers_max)].tell(Stream{20});
        break;
      case 4: {
        const AskScope scope{cast.tally};
        auto pending = roamer.ask_async(Question{place, 1}, 2ms);
        if (random.below(2) == 0) count(cast.tally, place, pending.get());
        break;
      }
      default: {
        const auto told = roamer.tell(Roam{12});
        if (!told && told.error() == TellError::actor_stopped) {
          cast.replace(place, roamer, system.spawn(Roamer{life, &cast}));
        }
        break;
      }
    }
  }
}

void burst(System& system, Cast& cast, Random& random) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{20 + random.below(150)};
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < foreign_threads; ++i) {
    threads.emplace_back([&, seed = random.below(~0ULL)] { drive(system, cast, seed, until); });
  }
}

void end_everybody(System& system) {
  // Those whom nobody names any more too. Who is about to end may still spawn somebody: hence once more, at rest.
  for (int round = 0; round < 3 && system.living() != 0; ++round) {
    std::vector<Handle> all;
    system.for_each_cell([&](const Cell& cell) { all.push_back(cell.handle()); });
    for (const Handle who : all) (void)system.stop(Ref<Roamer>{system.index(), who});
    check_at_rest();
  }
}

int run(std::chrono::seconds duration, std::uint32_t threads, std::uint64_t seed) {
  Cast cast;
  Report& run = report();
  run.seed = seed;
  run.threads = threads;
  run.cast = &cast;
  fmt::print("soak: seed {}, {} threads, {} s\n", seed, threads, duration.count());
  const std::uint64_t blocks_before = BlockPool::live_blocks();
  System system{{.threads = threads,
                 .runtime = {.mailbox_depth_warning = 0},
                 .draw_seed = seed == 0 ? 1 : seed,
                 .report_to = [](std::string_view, const std::string&) {},
                 .read_environment = false}};
  run.system = &system;
  Random random{seed};
  MemoryWatch memory;
  const ProgressWatch progress;
  auto next_line = run.began + 10s;
  while (std::chrono::steady_clock::now() < run.began + duration) {
    run.phase = "populating";
    populate(system, cast, random);
    for (std::uint64_t i = 0; i < phases_per_life; ++i) {
      run.phase = "in a burst";
      burst(system, cast, random);
      run.phase = "coming to rest";
      check_at_rest();
      memory.look();
      run.phase = "silent";
      std::this_thread::sleep_for(std::chrono::milliseconds{random.below(20)});
      ++run.phases;
      if (std::chrono::steady_clock::now() >= next_line) {
        next_line += 10s;
        fmt::print("soak: {}\n", state());
        std::fflush(stdout);
      }
    }
    run.phase = "ending everybody";
    if (random.below(2) == 0) {  // under load
      for (int i = 0; i < 200; ++i) (void)cast.roamer(random.below(roamers_at_once)).tell(Roam{12});
    }
    end_everybody(system);
    check_that_nothing_is_left(blocks_before);
  }
  run.phase = "over";
  fmt::print("soak: {}\nsoak: {}\n", state(), orrery_describe(system.ledger()));
  const StopReport stopped = system.shutdown(60s);
  if (!stopped.is_complete) fail("shutdown: " + orrery_describe(stopped));
  fmt::print("soak: all promises kept\n");
  return 0;
}

/// Returns: whether `text` is a number, and then puts it into `number`.
bool read(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace
}  // namespace soak

int main(int argc, char** argv) {
  std::uint64_t seconds = 60;
  std::uint64_t threads = std::max(std::thread::hardware_concurrency(), 1U);
  std::random_device source;
  std::uint64_t seed = source();
  bool is_good = argc <= 4;
  if (argc > 1) is_good = is_good && soak::read(argv[1], seconds) && seconds >= 1 && seconds <= 1'000'000;
  if (argc > 2) is_good = is_good && soak::read(argv[2], threads) && threads >= 1 && threads <= 1'024;
  if (argc > 3) is_good = is_good && soak::read(argv[3], seed);
  if (!is_good) {
    fmt::print(stderr, "usage: soak [SECONDS] [THREADS] [SEED]\n");
    return 2;
  }
  return soak::run(std::chrono::seconds{seconds}, static_cast<std::uint32_t>(threads), seed);
}
