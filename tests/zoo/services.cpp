// services.cpp: little services that lose track of who has asked, who is within, and what is old.
#include "tests/zoo/systems.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>

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
  bool has = false;
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

sim::Body token_ring(bool looks_twice) {
  return [looks_twice](sim::World& w) {
    std::vector<Ref<Node>> nodes;
    std::optional<Ref<Node>> next;
    for (int i = 0; i < 4; ++i) nodes.push_back(*(next = w.spawn(Node{false, next})));
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

// ---- questions that are put to many at the same time -------------------------------------------------------------------

struct Query {
  using Reply = int;
  int number = 0;
};
struct Gatherer;
struct PartOf {
  int query = 0;
  Ref<Gatherer> gatherer;
};
struct Part {
  int query = 0;
  int value = 0;
};
struct Shard {
  void handle(PartOf m) const;
};
struct Gatherer {
  std::vector<Ref<Shard>> shards;
  bool correlates = false;
  struct Open {
    int number = 0;
    OpenAsk<Query> ask;
    std::vector<int> parts{};
  };
  std::deque<Open> open{};
  Answer<int> handle(Query m, Context& context) {
    open.push_back({m.number, context.open_ask<Query>()});
    for (const Ref<Shard>& shard : shards) shard.tell(PartOf{m.number, context.self(*this)});
    return elsewhere;
  }
  void handle(Part m) {
    auto at = open.begin();
    if (correlates) at = std::ranges::find(open, m.query, &Open::number);
    at->parts.push_back(m.value);
    if (at->parts.size() < shards.size()) return;
    Open done = std::move(*at);
    open.erase(at);
    int sum = 0;
    for (const int part : done.parts) sum += part;
    done.ask.answer(sum);
  }
};
void Shard::handle(PartOf m) const { m.gatherer.tell(Part{m.query, m.query}); }
struct Searcher {
  sim::World* world;
  Ref<Gatherer> gatherer;
  int number = 0;
  void handle(Go) const {
    if (gatherer.ask(Query{number}, no_timeout).value() != 2 * number) world->fail("parts of two answers");
  }
};

sim::Body scatter(bool correlates) {
  return [correlates](sim::World& w) {
    const std::vector<Ref<Shard>> shards{w.spawn(Shard{}), w.spawn(Shard{})};
    const Ref<Gatherer> gatherer = w.spawn<Gatherer>(shards, correlates);
    start(w.spawn(Searcher{&w, gatherer, 1}));
    start_late(w, 5, w.spawn(Searcher{&w, gatherer, 100}));
    w.run();
  };
}

// ---- a cache that is filled with what was read before it was made void ---------------------------------------------------

struct Versioned {
  int value = 0;
  int version = 0;
};
struct Read {
  using Reply = Versioned;
};
struct Write {
  using Reply = int;
  int value = 0;
};
struct Get {
  using Reply = std::optional<int>;
};
struct Fill {
  Versioned what;
};
struct Invalidate {
  int version = 0;
};
struct Database {
  Versioned row{};
  Versioned handle(Read) const { return row; }
  int handle(Write m) {
    row = {m.value, row.version + 1};
    return row.version;
  }
};
struct Cache {
  bool compares = false;
  std::optional<int> value{};
  int void_before = 0;
  std::optional<int> handle(Get) const { return value; }
  void handle(Fill m) {
    if (!compares || m.what.version >= void_before) value = m.what.value;
  }
  void handle(Invalidate m) {
    value.reset();
    void_before = m.version;
  }
};
struct Reader {
  Ref<Database> database;
  Ref<Cache> cache;
  void handle(Go) const {
    if (cache.ask(Get{}, no_timeout).value()) return;
    cache.tell(Fill{database.ask(Read{}, no_timeout).value()});
  }
};
struct Writer {
  Ref<Database> database;
  Ref<Cache> cache;
  void handle(Go) const { cache.tell(Invalidate{database.ask(Write{7}, no_timeout).value()}); }
};

sim::Body stale_fill(bool compares) {
  return [compares](sim::World& w) {
    const auto database = w.spawn("database", Database{});
    const auto cache = w.spawn("cache", Cache{compares});
    start(w.spawn(Reader{database, cache}));
    start_late(w, 4, w.spawn(Writer{database, cache}));
    w.run();
    if (w.peek(cache).value.value_or(7) != 7) w.fail("the cache is stale");
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
      {.name = "token_ring",
       .bug = "a guardian that goes round the ring misses a token that comes towards it, and makes another",
       .source = "SCTBench CS.token_ring_bad; inconsistent snapshots",
       .found = "two tokens",
       .body = token_ring(false)});
  programs.push_back({.name = "token_ring_twice",
                      .bug = "",
                      .source = "control of token_ring: looks twice, and whether anything has moved in between",
                      .found = "",
                      .body = token_ring(true)});
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
  programs.push_back({.name = "scatter_gather",
                      .bug = "what the shards say to two questions is put together in the order of arrival",
                      .source = "scatter-gather without correlation",
                      .found = "parts of two answers",
                      .body = scatter(false)});
  programs.push_back({.name = "scatter_gather_correlated",
                      .bug = "",
                      .source = "control of scatter_gather: each part names its question",
                      .found = "",
                      .body = scatter(true)});
  programs.push_back({.name = "stale_fill",
                      .bug = "a cache is made void between the read and the fill, and keeps the old value for ever",
                      .source = "stale sets (R. Nishtala et al., Scaling Memcache at Facebook, NSDI 2013)",
                      .found = "the cache is stale",
                      .body = stale_fill(false)});
  programs.push_back(
      {.name = "stale_fill_compared",
       .bug = "",
       .source = "control of stale_fill: the fill is refused if it is older than the last that was made void",
       .found = "",
       .body = stale_fill(true)});
}

}  // namespace orrery::zoo
