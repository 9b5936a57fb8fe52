// puzzles.cpp: programs whose bug is one outcome among very many: each side has to be held up several times, just so.
#include "tests/zoo/systems.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace orrery::zoo {

namespace {

// ---- two numbers, each of which grows by the other ---------------------------------------------------------------------

struct Grow {
  bool first = false;
};
struct Numbers {
  int first = 1;
  int second = 1;
  void handle(Grow m) {
    if (m.first) {
      first += second;
    } else {
      second += first;
    }
  }
};
struct Grower {
  Ref<Numbers> numbers;
  bool first = false;
  int times = 0;
  void handle(Go) const {
    for (int i = 0; i < times; ++i) numbers.tell(Grow{first});
  }
};

/// Only strict turns reach the largest number: the Fibonacci number with the index 2 * times + 2.
sim::Body fibonacci(int times, int limit) {
  return [times, limit](sim::World& w) {
    const auto numbers = w.spawn("numbers", Numbers{});
    start(w.spawn(Grower{numbers, true, times}));
    start_late(w, 2, w.spawn(Grower{numbers, false, times}));
    w.run();
    if (std::max(w.peek(numbers).first, w.peek(numbers).second) >= limit) w.fail("the limit is reached");
  };
}

// ---- six increments of which two remain --------------------------------------------------------------------------------

struct Get {
  using Reply = int;
};
struct Set {
  int value = 0;
};
struct Counter {
  int value = 0;
  int handle(Get) const { return value; }
  void handle(Set m) { value = m.value; }
};
struct Incrementer {
  Ref<Counter> counter;
  int times = 0;
  void handle(Go) const {
    for (int i = 0; i < times; ++i) counter.tell(Set{counter.ask(Get{}, no_timeout).value() + 1});
  }
};

sim::Body down_to_two(int times, int least) {
  return [times, least](sim::World& w) {
    const auto counter = w.spawn("counter", Counter{});
    Start{w.spawn(Incrementer{counter, times}), w.spawn(Incrementer{counter, times})};
    w.run();
    if (w.peek(counter).value < least) w.fail("nearly all increments are lost");
  };
}

// ---- a ring of asks that needs everybody at the same time --------------------------------------------------------------

struct Check {
  using Reply = int;
  int hops = 0;
};
struct Service;
struct Neighbour {
  Ref<Service> next;
};
struct Service {
  std::optional<Ref<Service>> next{};
  void handle(Neighbour m) { next = m.next; }
  int handle(Check m) const { return m.hops == 0 ? 0 : next->ask(Check{m.hops - 1}, no_timeout).value_or(0) + 1; }
};
struct Visitor {
  Ref<Service> service;
  void handle(Go) const { (void)service.ask(Check{1}, no_timeout); }
};

sim::Body ring_of(int services) {
  return [services](sim::World& w) {
    std::vector<Ref<Service>> ring;
    for (int i = 0; i < services; ++i) ring.push_back(w.spawn("service" + std::to_string(i), Service{}));
    for (std::size_t i = 0; i < ring.size(); ++i) ring[i].tell(Neighbour{ring[(i + 1) % ring.size()]});
    w.run();
    for (std::size_t i = 0; i < ring.size(); ++i) start_late(w, 2 * static_cast<int>(i), w.spawn(Visitor{ring[i]}));
    w.run();
  };
}

}  // namespace

void add_puzzles(std::vector<Program>& programs) {
  programs.push_back({.name = "fibonacci_4",
                      .bug = "two numbers that grow by each other reach 55, by strict turns only",
                      .source = "SCTBench CS.fib_bench_bad, with four steps each",
                      .found = "the limit is reached",
                      .body = fibonacci(4, 55)});
  programs.push_back({.name = "fibonacci_5",
                      .bug = "two numbers that grow by each other reach 144, by strict turns only",
                      .source = "SCTBench CS.fib_bench_bad",
                      .found = "the limit is reached",
                      .body = fibonacci(5, 144)});
  programs.push_back({.name = "fibonacci_5_bound",
                      .bug = "",
                      .source = "control of fibonacci_5: one more than can be reached",
                      .found = "",
                      .body = fibonacci(5, 145)});
  programs.push_back({.name = "down_to_two",
                      .bug = "of two times three increments, two remain",
                      .source = "M. Ben-Ari's counter: each side keeps an old value over most of the other's work",
                      .found = "nearly all increments are lost",
                      .body = down_to_two(3, 3)});
  programs.push_back({.name = "down_to_two_bound",
                      .bug = "",
                      .source = "control of down_to_two: fewer than two cannot remain",
                      .found = "",
                      .body = down_to_two(3, 2)});
  programs.push_back({.name = "six_services",
                      .bug = "six services ask each other in a ring, if all are asked at the same time",
                      .source = "ring of asks that closes under few orders",
                      .found = "service0 --ask Check--> service1",
                      .body = ring_of(6),
                      .options = without_stalls()});
}

}  // namespace orrery::zoo
