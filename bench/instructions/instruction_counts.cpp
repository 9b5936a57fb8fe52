// instruction_counts.cpp: does one operation N times on one worker, for a simulator that counts instructions.
// Why:  times drift by a third within an hour on a shared machine; the number of instructions does not, so that it can
//       be compared with a stored one to within 1 %.
// How:  `instruction_counts OPERATION COUNT...` does the operation COUNT times for each COUNT, between calls of
//       orrery_counting_begins and orrery_counting_ends, at which callgrind empties its counters and writes them down.
//       measure.sh asks for three series and leaves the first one out, which fills pools and tables. What the third
//       takes more than the second, divided by the difference of their counts, is the cost of one operation, free of
//       what begins and ends a series.
// Always true:  (N1) a series repeats instruction by instruction: time stands still (clock_gettime below), so that no
//                    search ends, no watchdog wakes and no timer falls due by the machine's speed; what is counted
//                    happens on one thread, which sleeps when a series begins
// Not chosen:   counting the whole process: where main meets the worker depends on the kernel.
//               Hardware counters: virtual machines seldom have them, and interrupts show in them.
#include <orrery/sim/run.hpp>
#include <orrery/system.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <semaphore>
#include <string_view>
#include <utility>
#include <vector>

// The names that measure.sh tells callgrind. Empty, and still not to be optimised away.
extern "C" {
[[gnu::noinline, gnu::used]] void orrery_counting_begins() { asm volatile("" ::: "memory"); }
[[gnu::noinline, gnu::used]] void orrery_counting_ends() { asm volatile("" ::: "memory"); }

// Takes the place of the C library's. N1: the monotonic clock shows for ever when the program began.
int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (clock != CLOCK_MONOTONIC) return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  static const timespec began = [] {
    timespec now{};
    ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now;
  }();
  *time = began;
  return 0;
}
}

namespace {

using namespace orrery;

struct Number {
  std::uint64_t value;
};
struct Sum {
  using Reply = std::uint64_t;
};
struct Series {
  std::uint64_t count;
};
struct Go {};

struct Adder {
  std::uint64_t sum = 0;
  void handle(Number m) { sum += m.value; }
  std::uint64_t handle(Sum) { return std::exchange(sum, 0); }
};

/// Where main waits for the end of a series.
struct Finish {
  std::binary_semaphore done{0};
  void counting_ends() {
    orrery_counting_ends();
    done.release();
  }
};

SystemOptions one_worker() {
  SystemOptions options;
  options.threads = 1;
  options.spin = Duration{0};                      // N1: a search that ends by the clock would never end
  options.watch_period = std::chrono::minutes{1};  // N1
  options.runtime.mailbox_depth_warning = 0;
  options.draw_seed = 1;
  options.read_environment = false;
  return options;
}

using Counts = std::vector<std::uint64_t>;

/// Does each series by one message to the actor that `make` makes.
template <class Make>
void each_series(const Counts& counts, Make make) {
  Finish finish;
  System system{one_worker()};
  const auto driver = make(system, finish);
  for (const std::uint64_t count : counts) {
    // N1: the worker sleeps, so that it is woken and looks for work in the same way each time.
    if (!system.await_quiescence(std::chrono::minutes{1})) std::abort();
    driver.tell(Series{count});
    finish.done.acquire();
  }
}

// --- operations of the runtime ----------------------------------------------------------------------------------------

/// As F1a: windows of 1,000 and one ask behind each.
struct Teller {
  Finish* finish;
  Ref<Adder> to;
  std::uint64_t total = 0;
  void handle(Series m) {
    constexpr std::uint64_t window = 1'000;
    orrery_counting_begins();
    for (std::uint64_t sent = 0; sent < m.count; sent += window) {
      for (std::uint64_t i = 0; i < window; ++i) to.tell(Number{i});
      total += to.ask(Sum{}, no_timeout).value_or(0);
    }
    finish->counting_ends();
  }
};
void tell(const Counts& counts) {
  each_series(counts,
              [](System& system, Finish& finish) { return system.spawn(Teller{&finish, system.spawn(Adder{})}); });
}
void tell_bounded(const Counts& counts) {
  each_series(counts, [](System& system, Finish& finish) {
    return system.spawn(Teller{&finish, system.spawn(Adder{}, {.mailbox = bounded(2'048)})});
  });
}

struct Asker {
  Finish* finish;
  Ref<Adder> to;
  Duration timeout;
  std::uint64_t total = 0;
  void handle(Series m) {
    orrery_counting_begins();
    for (std::uint64_t i = 0; i < m.count; ++i) total += to.ask(Sum{}, timeout).value_or(0);
    finish->counting_ends();
  }
};
void ask(const Counts& counts) {
  each_series(counts, [](System& system, Finish& finish) {
    return system.spawn(Asker{&finish, system.spawn(Adder{}), no_timeout});
  });
}
void ask_deadline(const Counts& counts) {
  each_series(counts, [](System& system, Finish& finish) {
    return system.spawn(Asker{&finish, system.spawn(Adder{}), std::chrono::seconds{5}});
  });
}

struct Breeder;
struct Brood {
  Ref<Breeder> breeder;
  std::uint64_t left = 0;
};
struct Mayfly {
  Brood* brood;
  void handle(Number, Context& context);
};
/// Spawns a hundred, and the next hundred when the last of them has had its message. (A message to itself would come
/// first: its turn is not over.)
struct Breeder {
  Finish* finish;
  std::unique_ptr<Brood> brood = std::make_unique<Brood>();
  std::uint64_t left = 0;
  void handle(Series m, Context& context) {
    left = m.count;
    brood->breeder = context.self(*this);
    orrery_counting_begins();
    breed(context);
  }
  void handle(Go, Context& context) { breed(context); }

 private:
  void breed(Context& context) {
    if (left == 0) return finish->counting_ends();
    brood->left = 100;
    left -= brood->left;
    for (std::uint64_t i = 0; i < 100; ++i) context.spawn(Mayfly{brood.get()}).tell(Number{i});
  }
};
void Mayfly::handle(Number, Context& context) {
  if (--brood->left == 0) brood->breeder.tell(Go{});
  context.stop();
}
void spawn_tell_stop(const Counts& counts) {
  each_series(counts, [](System& system, Finish& finish) { return system.spawn(Breeder{&finish}); });
}

struct Alarm {
  Finish* finish;
  void handle(Series m, Context& context) {
    orrery_counting_begins();
    for (std::uint64_t i = 0; i < m.count; ++i) context.cancel(context.after(*this, std::chrono::seconds{5}, Go{}));
    finish->counting_ends();
  }
  void handle(Go) {}
};
void timer_arm_cancel(const Counts& counts) {
  each_series(counts, [](System& system, Finish& finish) { return system.spawn(Alarm{&finish}); });
}

/// A ring of 16; the first one also begins and ends a series.
struct Node {
  Finish* finish;
  const std::vector<Ref<Node>>* ring;
  std::uint32_t next;
  std::uint64_t seen = 0;
  void handle(Series m) {
    orrery_counting_begins();
    (*ring)[next].tell(Number{m.count});
  }
  void handle(Number m) {
    ++seen;
    if (m.value == 0) return finish->counting_ends();
    (*ring)[next].tell(Number{m.value - 1});
  }
};
void ring_hop(const Counts& counts) {
  std::vector<Ref<Node>> ring;
  each_series(counts, [&](System& system, Finish& finish) {
    constexpr std::uint32_t size = 16;
    for (std::uint32_t i = 0; i < size; ++i) ring.push_back(system.spawn(Node{&finish, &ring, (i + 1) % size}));
    return ring.front();
  });
}

// --- operations of the simulator --------------------------------------------------------------------------------------

struct Player {
  const std::vector<Ref<Player>>* all;
  std::uint32_t next;
  std::uint64_t seen = 0;
  void handle(Number m) {
    ++seen;
    if (m.value > 0) (*all)[next].tell(Number{m.value - 1});
  }
};
/// One run: `tokens` of them, of `hops` hops each, among `actors`.
void simulate(std::uint32_t actors, std::uint32_t tokens, std::uint64_t hops, std::uint64_t seed) {
  std::vector<Ref<Player>> all;
  const auto outcome = sim::execute(
      [&](sim::World& world) {
        all.clear();
        for (std::uint32_t i = 0; i < actors; ++i) all.push_back(world.spawn(Player{&all, (i + 1) % actors}));
        for (std::uint32_t i = 0; i < tokens; ++i) all[i % actors].tell(Number{hops - 1});
        world.run();
      },
      [&] { return std::make_unique<sim::RandomWalk>(seed); },
      {.faults = sim::FaultProfile::none, .operations_max = 10'000'000});
  if (outcome.finding || outcome.steps != tokens * hops) std::abort();
}
/// A handled message with its enqueue, its decision, its hash and its record: four tokens among ten actors.
void sim_step(const Counts& counts) {
  for (const std::uint64_t count : counts) {
    orrery_counting_begins();
    simulate(10, 4, count / 4, 1);
    orrery_counting_ends();
  }
}
/// As F10: five actors, fifty messages, the whole world set up and torn down.
void sim_run(const Counts& counts) {
  for (const std::uint64_t count : counts) {
    orrery_counting_begins();
    for (std::uint64_t run = 0; run < count; ++run) simulate(5, 5, 10, run);
    orrery_counting_ends();
  }
}

// --- the table --------------------------------------------------------------------------------------------------------

struct Operation {
  std::string_view name;
  void (*series)(const Counts&);
  std::uint64_t small;  ///< the counts that measure.sh uses, multiples of what a series goes in
  std::uint64_t large;
};
constexpr Operation operations[] = {
    {"ask", ask, 500, 2'500},
    {"ask_deadline", ask_deadline, 500, 2'500},
    {"ring_hop", ring_hop, 1'600, 8'000},
    {"sim_run", sim_run, 10, 50},
    {"sim_step", sim_step, 1'000, 5'000},
    {"spawn_tell_stop", spawn_tell_stop, 500, 2'500},
    {"tell", tell, 2'000, 10'000},
    {"tell_bounded", tell_bounded, 2'000, 10'000},
    {"timer_arm_cancel", timer_arm_cancel, 500, 2'500},
};

int complain() {
  std::fputs(
      "instruction_counts OPERATION COUNT...   does it COUNT times for each COUNT; what --list shows is good\n"
      "instruction_counts --list               operations, each with a small and a large count\n"
      "instruction_counts --compiler           what this was compiled with\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--list" && argc == 2) {
    for (const auto& [name, series, small, large] : operations) {
      std::printf("%.*s %ju %ju\n", static_cast<int>(name.size()), name.data(), std::uintmax_t{small},
                  std::uintmax_t{large});
    }
    return 0;
  }
  if (first == "--compiler" && argc == 2) {
#if defined(__clang__)
    std::printf("clang++ %d\n", __clang_major__);
#else
    std::printf("g++ %d.%d.%d\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
    return 0;
  }
  Counts counts;
  for (int i = 2; i < argc; ++i) {
    const std::string_view text = argv[i];
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size() || count == 0) return complain();
    counts.push_back(count);
  }
  for (const auto& operation : operations) {
    if (operation.name != first || counts.empty()) continue;
    operation.series(counts);
    return 0;
  }
  return complain();
}
