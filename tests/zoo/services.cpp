// services.cpp: little services that lose track of who is within, who has passed, and who has what.
#include "tests/zoo/systems.hpp"

#include <array>
#include <optional>
#include <vector>

namespace orrery::zoo {

namespace {

// ---- a driver that is stopped while requests come in ---------------------------------------------------------------------

struct IsStopping {
  using Reply = bool;
};
struct Begin {};
struct BeginUnlessStopping {
  using Reply = bool;
};
struct Use {};
struct Finish {};
struct Stop {};
struct AwaitIdle {
  using Reply = void;
};
struct Halt {};

struct Driver {
  sim::World* world;
  int pending = 1;  ///< one for the driver itself
  bool stopping = false;
  bool stopped = false;
  std::optional<OpenAsk<AwaitIdle>> waiting{};
  bool handle(IsStopping) const { return stopping; }
  void handle(Begin) { ++pending; }
  bool handle(BeginUnlessStopping) {
    if (stopping) return false;
    ++pending;
    return true;
  }
  void handle(Use) const {
    if (stopped) world->fail("used after it was stopped");
  }
  void handle(Finish) {
    --pending;
    answer();
  }
  void handle(Stop) {
    stopping = true;
    --pending;
  }
  void handle(AwaitIdle, Context& context) {
    waiting = context.open_ask<AwaitIdle>();
    answer();
  }
  void handle(Halt) { stopped = true; }
  void answer() {
    if (pending > 0 || !waiting) return;
    OpenAsk<AwaitIdle> asker = std::move(*waiting);
    waiting.reset();
    asker.answer();
  }
};
struct Request {
  Ref<Driver> driver;
  bool at_once = false;
  void handle(Go) const {
    if (at_once) {
      if (!driver.ask(BeginUnlessStopping{}, no_timeout).value()) return;
    } else {
      if (driver.ask(IsStopping{}, no_timeout).value()) return;
      driver.tell(Begin{});
    }
    driver.tell(Use{});
    driver.tell(Finish{});
  }
};
struct Unplug {
  Ref<Driver> driver;
  void handle(Go) const {
    driver.tell(Stop{});
    (void)driver.ask(AwaitIdle{}, no_timeout);
    driver.tell(Halt{});
  }
};

sim::Body bluetooth(bool at_once) {
  return [at_once](sim::World& w) {
    const Ref<Driver> driver = w.spawn<Driver>(&w);
    for (int i = 0; i < 2; ++i) start(w.spawn(Request{driver, at_once}));
    start_late(w, 4, w.spawn(Unplug{driver}));
    w.run();
  };
}

// ---- a guardian that makes a new token when it has seen none -----------------------------------------------------------

struct Token {};
struct Pass {};
struct Look {
  struct Reply {
    bool has = false;
    int passed = 0;  ///< how often it has passed one on
  };
};
struct Node {
  std::optional<Ref<Node>> next{};
  int passed = 0;
  int tokens = 0;
  void handle(Token) { ++tokens; }
  void handle(Pass) {
    if (tokens == 0) return;
    --tokens;
    ++passed;
    next->tell(Token{});
  }
  Look::Reply handle(Look) const { return {tokens > 0, passed}; }
};
struct Holder {
  std::vector<Ref<Node>> nodes;
  void handle(Go) const {
    for (const Ref<Node>& node : nodes) node.tell(Pass{});
  }
};
struct Guardian {
  std::vector<Ref<Node>> nodes;
  bool looks_twice = false;
  /// Returns: how often tokens have been passed on; nothing if there is one.
  [[nodiscard]] std::optional<int> look() const {
    int passed = 0;
    for (const Ref<Node>& node : nodes) {
      const Look::Reply seen = node.ask(Look{}, no_timeout).value();
      if (seen.has) return std::nullopt;
      passed += seen.passed;
    }
    return passed;
  }
  void handle(Go) const {
    const auto first = look();
    if (!first || (looks_twice && look() != first)) return;
    nodes.front().tell(Token{});
  }
};

sim::Body token_guardian(bool looks_twice) {
  return [looks_twice](sim::World& w) {
    std::vector<Ref<Node>> nodes;
    std::optional<Ref<Node>> next;
    for (int i = 0; i < 4; ++i) nodes.push_back(*(next = w.spawn(Node{next})));
    nodes.back().tell(Token{});
    w.run();
    const std::vector<Ref<Node>> downwards{nodes.rbegin(), nodes.rend() - 1};
    start(w.spawn(Guardian{nodes, looks_twice}));
    start_late(w, 5, w.spawn(Holder{downwards}));
    w.run();
    int tokens = 0;
    for (const Ref<Node>& node : nodes) tokens += w.peek(node).tokens;
    if (tokens != 1) w.fail("two tokens");
  };
}

// ---- a barrier that is tidied up when it has let everybody through -----------------------------------------------------

struct Arrive {
  using Reply = void;
};
struct Reset {};
struct Barrier {
  bool resets_first = false;
  int count = 0;
  std::vector<OpenAsk<Arrive>> waiting{};
  void handle(Arrive, Context& context) {
    waiting.push_back(context.open_ask<Arrive>());
    if (++count < 3) return;
    const bool is_last = count == 3;
    if (resets_first) count = 0;
    for (OpenAsk<Arrive>& one : std::exchange(waiting, {})) one.answer();
    if (is_last && !resets_first) context.self(*this).tell(Reset{});
  }
  void handle(Reset) { count -= 3; }
};
struct Arrived {
  std::size_t round = 0;
};
struct Passed {
  std::size_t round = 0;
};
struct Board {
  sim::World* world;
  std::array<int, 2> arrived{};
  void handle(Arrived m) { ++arrived[m.round]; }
  void handle(Passed m) const {
    if (arrived[m.round] < 3) world->fail("passed before all had arrived");
  }
};
struct Party {
  Ref<Barrier> barrier;
  Ref<Board> board;
  void handle(Go) const {
    for (std::size_t round = 0; round < 2; ++round) {
      board.tell(Arrived{round});
      (void)barrier.ask(Arrive{}, no_timeout);
      board.tell(Passed{round});
    }
  }
};

sim::Body barrier_reused(bool resets_first) {
  return [resets_first](sim::World& w) {
    const Ref<Barrier> barrier = w.spawn<Barrier>(resets_first);
    const auto board = w.spawn("board", Board{&w});
    for (int i = 0; i < 3; ++i) start(w.spawn(Party{barrier, board}));
    w.run();
  };
}

}  // namespace

void add_services(std::vector<Program>& programs) {
  programs.push_back({.name = "bluetooth_driver",
                      .bug = "a driver is stopped between a request's look at it and its beginning",
                      .source = "SCTBench CS.bluetooth_driver_bad (S. Qadeer, D. Wu, KISS, PLDI 2004)",
                      .found = "used after it was stopped",
                      .body = bluetooth(false)});
  programs.push_back({.name = "bluetooth_driver_at_once",
                      .bug = "",
                      .source = "control of bluetooth_driver: looking and beginning is one message",
                      .found = "",
                      .body = bluetooth(true)});
  programs.push_back(
      {.name = "token_guardian",
       .bug = "a guardian that goes round the ring misses a token that comes towards it, and makes another",
       .source = "SCTBench CS.token_ring_bad; inconsistent snapshots",
       .found = "two tokens",
       .body = token_guardian(false)});
  programs.push_back({.name = "token_guardian_twice",
                      .bug = "",
                      .source = "control of token_guardian: looks twice, and whether anything has moved in between",
                      .found = "",
                      .body = token_guardian(true)});
  programs.push_back({.name = "barrier",
                      .bug = "a fast party is back at the barrier before it was reset, and is let through alone",
                      .source = "reuse of a barrier (A. Downey, The Little Book of Semaphores)",
                      .found = "passed before all had arrived",
                      .body = barrier_reused(false)});
  programs.push_back({.name = "barrier_reset_first",
                      .bug = "",
                      .source = "control of barrier: reset before anybody is let through",
                      .found = "",
                      .body = barrier_reused(true)});
}

}  // namespace orrery::zoo
