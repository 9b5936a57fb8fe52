// reorder.cpp: a pair of values that is written by two messages, and read in between.
#include "tests/zoo/systems.hpp"

#include <utility>
#include <vector>

namespace orrery::zoo {

namespace {

struct SetFirst {
  int value = 0;
};
struct SetSecond {
  int value = 0;
};
struct SetBoth {
  int value = 0;
};
struct GetFirst {
  using Reply = int;
};
struct GetSecond {
  using Reply = int;
};
struct GetBoth {
  using Reply = std::pair<int, int>;
};

struct Pair {
  int first = 0;
  int second = 0;
  void handle(SetFirst m) { first = m.value; }
  void handle(SetSecond m) { second = m.value; }
  void handle(SetBoth m) { first = second = m.value; }
  int handle(GetFirst) const { return first; }
  int handle(GetSecond) const { return second; }
  std::pair<int, int> handle(GetBoth) const { return {first, second}; }
};

struct Setter {
  Ref<Pair> pair;
  bool at_once = false;
  void handle(Go) const {
    if (at_once) {
      pair.tell(SetBoth{1});
    } else {
      pair.tell(SetFirst{1});
      pair.tell(SetSecond{1});
    }
  }
};

struct Checker {
  sim::World* world;
  Ref<Pair> pair;
  void handle(Go) const {
    const auto [first, second] = pair.ask(GetBoth{}, no_timeout).value();
    if (first != second) world->fail("half a pair was read");
  }
};

sim::Body reorder(int setters, bool at_once) {
  return [setters, at_once](sim::World& w) {
    const auto pair = w.spawn("pair", Pair{});
    start(w.spawn("checker", Checker{&w, pair}));
    for (int i = 0; i < setters; ++i) start(w.spawn(Setter{pair, at_once}));
    w.run();
  };
}

/// Starts one after the other, as threads are created.
struct Starter {
  std::vector<Recipient<Go>> all;
  void handle(Go m) const {
    for (const Recipient<Go>& one : all) one.tell(m);
  }
};

sim::Body reorder_in_turn(int setters) {
  return [setters](sim::World& w) {
    const auto pair = w.spawn("pair", Pair{});
    std::vector<Recipient<Go>> all;
    for (int i = 0; i < setters; ++i) all.push_back(w.spawn(Setter{pair}));
    all.push_back(w.spawn(Checker{&w, pair}));
    start(w.spawn(Starter{all}));
    w.run();
  };
}

/// The second value is made from the first one, which has to be read for it.
struct Writer {
  Ref<Pair> pair;
  void handle(Go) const {
    pair.tell(SetFirst{1});
    pair.tell(SetSecond{pair.ask(GetFirst{}, no_timeout).value() + 1});
  }
};
struct Reader {
  sim::World* world;
  Ref<Pair> pair;
  void handle(Go) const {
    const int first = pair.ask(GetFirst{}, no_timeout).value();
    if (first == 0) return;  // nobody has begun
    if (pair.ask(GetSecond{}, no_timeout).value() != first + 1) world->fail("the second stage is missing");
  }
};

sim::Body two_stage_in_turn(int writers) {
  return [writers](sim::World& w) {
    const auto pair = w.spawn("pair", Pair{});
    std::vector<Recipient<Go>> all;
    for (int i = 0; i < writers; ++i) all.push_back(w.spawn(Writer{pair}));
    all.push_back(w.spawn(Reader{&w, pair}));
    start(w.spawn(Starter{all}));
    w.run();
  };
}

sim::Body two_stage(int writers) {
  return [writers](sim::World& w) {
    const auto pair = w.spawn("pair", Pair{});
    start(w.spawn("reader", Reader{&w, pair}));
    for (int i = 0; i < writers; ++i) start(w.spawn(Writer{pair}));
    w.run();
  };
}

}  // namespace

void add_reorder(std::vector<Program>& programs) {
  const auto add_reorder_of = [&](std::string_view name, int setters) {
    programs.push_back({.name = name,
                        .bug = "setters write a pair by two messages, a checker reads between them",
                        .source = "SCTBench CS.reorder_N, with as many setters as the name says",
                        .found = "half a pair was read",
                        .body = reorder(setters, false)});
  };
  add_reorder_of("reorder_3", 3);
  add_reorder_of("reorder_10", 10);
  add_reorder_of("reorder_20", 20);
  const auto add_in_turn = [&](std::string_view name, int setters) {
    programs.push_back(
        {.name = name,
         .bug = "setters write a pair by two messages; they begin one after the other, and the checker begins last",
         .source = "SCTBench CS.reorder_N, where one thread creates the others",
         .found = "half a pair was read",
         .body = reorder_in_turn(setters)});
  };
  add_in_turn("reorder_5_in_turn", 5);
  add_in_turn("reorder_10_in_turn", 10);
  add_in_turn("reorder_20_in_turn", 20);
  add_in_turn("reorder_50_in_turn", 50);
  programs.push_back({.name = "reorder_10_one_message",
                      .bug = "",
                      .source = "control of reorder_10: both values in one message",
                      .found = "",
                      .body = reorder(10, true)});
  programs.push_back({.name = "twostage",
                      .bug = "a reader sees the first value of a pair and not the second, which is made from it",
                      .source = "SCTBench CS.twostage_bad",
                      .found = "the second stage is missing",
                      .body = two_stage(1)});
  programs.push_back({.name = "twostage_20",
                      .bug = "as twostage, with 20 writers, the first of which makes the pair whole for good",
                      .source = "SCTBench CS.twostage_N",
                      .found = "the second stage is missing",
                      .body = two_stage(20)});
  programs.push_back({.name = "twostage_20_in_turn",
                      .bug = "as twostage_20, but the writers begin one after the other, and the reader last",
                      .source = "SCTBench CS.twostage_N, where one thread creates the others",
                      .found = "the second stage is missing",
                      .body = two_stage_in_turn(20)});
}

}  // namespace orrery::zoo
