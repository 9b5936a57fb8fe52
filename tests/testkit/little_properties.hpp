// little_properties.hpp: small properties whose failures, and smallest failures, are known.
#pragma once
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace orrery::testing {

using namespace std::chrono_literals;
using sim::World;
using testkit::CheckOptions;
using testkit::Failure;
using testkit::make_property;
using testkit::Property;

inline constexpr std::uint64_t seed = testkit::default_seed;

struct Add {
  std::uint32_t amount;
};
/// Counts and sums up what it is sent.
struct Adder {
  std::uint64_t sum = 0;
  std::uint64_t messages = 0;
  void handle(Add m) {
    sum += m.amount;
    ++messages;
  }
};

struct Go {};
struct Wrote {
  int who;
};
/// Remembers who wrote last.
struct Register {
  int last = 0;
  void handle(Wrote m) { last = m.who; }
};
/// Writes when it is told to.
struct Writer {
  Ref<Register> there;
  int id;
  void handle(Go) { there.tell(Wrote{id}); }
};

/// First come, first served, the register ends with 2. Every other order of the two writes is one choice away.
inline void last_writer_is_two(World& w) {
  const Ref<Register> there = w.spawn("register", Register{});
  const Ref<Writer> one = w.spawn("one", Writer{there, 1});
  const Ref<Writer> two = w.spawn("two", Writer{there, 2});
  one.tell(Go{});
  two.tell(Go{});
  w.run();
  EXPECT_EQ(w.peek(there).last, 2);
}

/// Adds everything up.
inline Ref<Adder> add_all(World& w, const std::vector<std::uint32_t>& amounts) {
  const Ref<Adder> adder = w.spawn("adder", Adder{});
  for (const std::uint32_t amount : amounts) adder.tell(Add{amount});
  return adder;
}

/// Returns: the failure of a campaign, which must have one.
inline Failure failure_of(const Property& property, const CheckOptions& options = {}) {
  auto result = testkit::run_campaign(property, options, seed);
  if (!result.failure) throw std::runtime_error{property.name + " holds, but should not"};
  return std::move(*result.failure);
}

}  // namespace orrery::testing
