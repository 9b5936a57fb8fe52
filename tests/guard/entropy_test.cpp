// Goal:   what user code draws behind the framework's back is part of the run: the same in every execution of it, another
//         in other runs, recorded and replayed.
#include "tests/guard/guard_fixture.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <random>
#include <span>
#include <vector>

namespace orrery::testing {
namespace {

using Bytes = std::array<unsigned char, 16>;

std::uint64_t as_number(const Bytes& bytes) {
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value * 257 + byte;
  return value;
}

struct Source {
  const char* name;
  std::function<std::uint64_t()> draw;
};

const std::vector<Source>& sources() {
  static const std::vector<Source> all = {
      {"random_device", [] { return std::uint64_t{std::random_device{}()}; }},
      {"random_device of a file", [] { return std::uint64_t{std::random_device{"/dev/urandom"}()}; }},
      {"rand", [] { return static_cast<std::uint64_t>(std::rand()); }},
      {"random", [] { return static_cast<std::uint64_t>(::random()); }},
      {"arc4random", [] { return std::uint64_t{::arc4random()}; }},
      {"arc4random_uniform", [] { return std::uint64_t{::arc4random_uniform(1'000'000'007)}; }},
      {"arc4random_buf",
       [] {
         Bytes bytes{};
         ::arc4random_buf(bytes.data(), bytes.size());
         return as_number(bytes);
       }},
      {"getrandom",
       [] {
         Bytes bytes{};
         EXPECT_EQ(::getrandom(bytes.data(), bytes.size(), 0), 16);
         return as_number(bytes);
       }},
      {"getentropy",
       [] {
         Bytes bytes{};
         EXPECT_EQ(::getentropy(bytes.data(), bytes.size()), 0);
         return as_number(bytes);
       }},
      {"syscall",
       [] {
         Bytes bytes{};
         EXPECT_EQ(::syscall(SYS_getrandom, bytes.data(), bytes.size(), 0), 16);
         return as_number(bytes);
       }},
      {"ifstream",
       [] {
         Bytes bytes{};
         std::ifstream file{"/dev/urandom", std::ios::binary};
         file.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
         EXPECT_TRUE(file.good());
         return as_number(bytes);
       }},
      {"fopen",
       [] {
         Bytes bytes{};
         std::FILE* const file = std::fopen("/dev/random", "rb");
         EXPECT_EQ(std::fread(bytes.data(), 1, bytes.size(), file), 16U);
         std::fclose(file);
         return as_number(bytes);
       }},
      {"open",
       [] {
         Bytes bytes{};
         const int file = ::open("/dev/urandom", O_RDONLY);
         EXPECT_EQ(::read(file, bytes.data(), bytes.size()), 16);
         ::close(file);
         return as_number(bytes);
       }},
      {"openat", [] {
         Bytes bytes{};
         const int file = ::openat(AT_FDCWD, "/dev/urandom", O_RDONLY);
         EXPECT_EQ(::read(file, bytes.data(), bytes.size()), 16);
         ::close(file);
         return as_number(bytes);
       }}};
  return all;
}

using Numbers = std::vector<std::uint64_t>;

/// Returns: three draws that alice makes in one run.
Numbers three(const Source& source, const sim::MakeStrategy& strategy, sim::Outcome* outcome = nullptr) {
  Numbers drawn;
  const sim::Outcome made = sim::execute(alice_does([&](Context&) {
                                           drawn.clear();
                                           for (int i = 0; i < 3; ++i) drawn.push_back(source.draw());
                                         }),
                                         strategy, no_faults());
  EXPECT_FALSE(made.finding) << source.name << ": " << made.finding->name;
  EXPECT_FALSE(made.divergence) << source.name << ": " << *made.divergence;
  if (outcome != nullptr) *outcome = made;
  return drawn;
}

TEST(GuardedEntropy, is_a_function_of_the_seed) {
  for (const Source& source : sources()) {
    EXPECT_EQ(three(source, random_walk(1)), three(source, random_walk(1))) << source.name;
    EXPECT_NE(three(source, random_walk(1)), three(source, random_walk(2))) << source.name;
  }
}

TEST(GuardedEntropy, is_recorded_and_replayed) {
  for (const Source& source : sources()) {
    sim::Outcome outcome;
    const Numbers drawn = three(source, random_walk(7), &outcome);
    EXPECT_GE(outcome.decisions.size(), 3U) << source.name;
    sim::Outcome again;
    EXPECT_EQ(three(source, strict_replay(outcome.decisions), &again), drawn) << source.name;
    EXPECT_EQ(again.trace_hash, outcome.trace_hash) << source.name;
  }
}

// A loop until something new comes, as for an id that is not in use, ends in the calmest run, too.
TEST(GuardedEntropy, differs_from_draw_to_draw_in_the_calm_run) {
  for (const Source& source : sources()) {
    const Numbers drawn = three(source, calm());
    EXPECT_NE(drawn[0], drawn[1]) << source.name;
    EXPECT_NE(drawn[1], drawn[2]) << source.name;
  }
}

TEST(GuardedEntropy, of_the_body_and_of_offloaded_work_is_the_runs_too) {
  const auto run = [](std::uint64_t seed) {
    Numbers drawn;
    const auto outcome = sim::execute(
        [&](World& world) {
          drawn = {std::random_device{}()};
          const auto alice =
              world.spawn("alice", Doer{[&](Context& context) {
                            drawn.push_back(context.offload([] { return std::uint64_t{std::random_device{}()}; }));
                          }});
          alice.value().tell(Go{});
          world.run();
        },
        random_walk(seed), no_faults());
    EXPECT_FALSE(outcome.finding);
    return drawn;
  };
  EXPECT_EQ(run(3), run(3));
  EXPECT_EQ(run(3).size(), 2U);
  EXPECT_NE(run(3).front(), run(4).front());
  EXPECT_NE(run(3).back(), run(4).back());
}

TEST(GuardedEntropy, can_be_met_in_an_exhaustive_search) {
  const auto searched =
      sim::search_all(alice_does([](Context&) { (void)std::rand(); }), no_faults(), 10, [](const sim::Outcome&) {});
  EXPECT_EQ(searched.runs, 10U);
  EXPECT_FALSE(searched.complete);
}

TEST(GuardedEntropy, in_a_predicate_is_a_finding) {
  const std::string what = found([](World& world) {
    world.always("dice", [] { return std::rand() >= 0; });
    world.spawn("alice", Doer{[](Context&) {}}).value().tell(Go{});
    world.run();
  });
  EXPECT_EQ(what, "LEAK rand in a predicate");
}

TEST(GuardedEntropy, leaves_other_files_and_other_modes_alone) {
  const std::string path = ::testing::TempDir() + "orrery_guard_test" + std::to_string(::getpid());
  run_calmly(alice_does([&](Context&) {
    const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC, 0600);
    ASSERT_GE(file, 0);
    EXPECT_EQ(::write(file, "x", 1), 1);
    ::close(file);
    std::ifstream in{path};
    EXPECT_EQ(in.get(), 'x');
  }));
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace orrery::testing
