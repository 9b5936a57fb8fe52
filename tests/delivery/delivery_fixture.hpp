// delivery_fixture.hpp: what the tests of the delivery classes share: an actor that fails as told, and a book of what it did.
#pragma once
#include "tests/sim/sim_fixture.hpp"

#include <orrery/actor.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace orrery::testing {

/// What outlives an actor's restarts. Written by that actor alone.
struct Book {
  struct Line {
    int what = 0;
    std::uint32_t attempt = 0;
    Instant when{};
    friend bool operator==(const Line&, const Line&) = default;
  };
  std::vector<Line> begun;
  std::vector<int> ended;
  std::map<int, int> failures_left;  ///< of each message, how often its handler shall throw

  void fail(int what, int times) { failures_left[what] = times; }
  [[nodiscard]] bool shall_fail(int what) { return failures_left[what] > 0 && failures_left[what]-- > 0; }
  [[nodiscard]] std::vector<int> begun_as() const {
    std::vector<int> all;
    for (const Line& line : begun) all.push_back(line.what);
    return all;
  }
  [[nodiscard]] std::vector<std::uint32_t> attempts_of(int what) const {
    std::vector<std::uint32_t> all;
    for (const Line& line : begun) {
      if (line.what == what) all.push_back(line.attempt);
    }
    return all;
  }
  [[nodiscard]] int times_ended(int what) const { return static_cast<int>(std::ranges::count(ended, what)); }
};

template <Delivery D>
struct Job {
  static constexpr Delivery delivery = D;
  using Reply = int;
  int what = 0;
};
using Plain = Job<Delivery::at_most_once>;
using Assured = Job<Delivery::at_least_once>;
using Once = Job<Delivery::exactly_once>;

/// Does what it is told, or throws if the book says so.
struct Worker {
  Book* book = nullptr;

  template <Delivery D>
  int handle(Job<D> job, Context& context) {
    book->begun.push_back({job.what, context.attempt(), context.now()});
    if (book->shall_fail(job.what)) throw std::runtime_error{fmt::format("on {}", job.what)};
    book->ended.push_back(job.what);
    return 10 * job.what;
  }
};

/// Sends jobs of one class, in order.
template <Delivery D>
struct Boss {
  struct Go {
    std::vector<int> what;
  };
  Ref<Worker> to;
  void handle(const Go& go) {
    for (const int what : go.what) (void)to.tell(Job<D>{what}, ignore_reply);
  }
};

/// As often as any test here lets it fail.
inline constexpr Restart often{.intensity = 1'000, .period = 1s};

/// For a search of every schedule, which could not try every jitter.
inline sim::RunOptions without_jitter(sim::RunOptions options = no_faults()) {
  options.runtime.delivery.jitter_percent = 0;
  return options;
}

inline void expect_settled(Runtime& runtime) {
  const Ledger ledger = runtime.ledger();
  EXPECT_TRUE(ledger.adds_up()) << orrery_describe(ledger);
  EXPECT_EQ(ledger.queued, 0U) << orrery_describe(ledger);
}

inline std::vector<DeadLetter> letters_of(const Runtime& runtime, DeadLetterReason reason) {
  std::vector<DeadLetter> found;
  for (DeadLetter& letter : runtime.dead_letters().query()) {
    if (letter.reason == reason) found.push_back(std::move(letter));
  }
  return found;
}

}  // namespace orrery::testing
