// answers.cpp: answers that are put together, kept, or undone in the wrong order.
#include "tests/zoo/systems.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

namespace orrery::zoo {

namespace {

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

void add_answers(std::vector<Program>& programs) {
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
