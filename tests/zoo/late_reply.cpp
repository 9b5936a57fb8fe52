// late_reply.cpp: an answer that says not which question it answers, and comes after the next question.
#include "tests/zoo/systems.hpp"

#include <optional>

namespace orrery::zoo {

namespace {

using namespace std::chrono_literals;

struct Front;
struct Query {
  int key = 0;
  Ref<Front> front;
};
struct Answered {
  int value = 0;
  std::optional<int> key;  ///< of the question, where the shard is careful
  int of = 0;              ///< the same, for the check
};
/// The question goes through the caches; the last one says that nobody has it.
struct Lookup {
  Ref<Front> front;
};
struct NobodyHasIt {};

struct Shard {
  bool names_its_key = false;
  void handle(Query m) const;
};
struct Cache {
  std::optional<Ref<Cache>> next;
  void handle(Lookup m) const;
};

/// Asks the shard and, meanwhile, the caches; what nobody has given it by the time the caches are through is given up, and
/// the next question is put.
struct Front {
  sim::World* world;
  Ref<Shard> shard;
  Ref<Cache> caches;
  int key = 0;
  bool open = false;
  void handle(Go, Context& context) {
    key = 1;
    open = true;
    shard.tell(Query{key, context.self(*this)});
    caches.tell(Lookup{context.self(*this)});
  }
  void handle(NobodyHasIt, Context& context) {
    if (!open) return;
    ++key;
    shard.tell(Query{key, context.self(*this)});
  }
  void handle(const Answered& m) {
    if (!open || (m.key && *m.key != key)) return;
    open = false;
    if (m.of != key) world->fail("an answer to another question was taken");
  }
};
void Shard::handle(Query m) const {
  m.front.tell(Answered{m.key * 10, names_its_key ? std::optional{m.key} : std::nullopt, m.key});
}
void Cache::handle(Lookup m) const {
  if (next) {
    next->tell(m);
  } else {
    m.front.tell(NobodyHasIt{});
  }
}

sim::Body late_reply(int caches, bool named) {
  return [caches, named](sim::World& w) {
    const auto shard = w.spawn("shard", Shard{named});
    std::optional<Ref<Cache>> first;
    for (int i = 0; i < caches; ++i) first = w.spawn(Cache{first});
    start(w.spawn("front", Front{&w, shard, *first}));
    w.run();
  };
}

// ---- the same by the clock ---------------------------------------------------------------------------------------------

struct GiveUp {
  int key = 0;
};

/// Puts one question after the other, each for a second.
struct Caller;
struct Question {
  int key = 0;
  Ref<Caller> caller;
};
struct Found {
  int of = 0;
};
struct Callee {
  void handle(Question m) const;
};
struct Caller {
  sim::World* world;
  Ref<Callee> callee;
  int key = 0;
  bool open = false;
  std::optional<TimerKey> deadline{};
  void handle(Go, Context& context) { put_next(context); }
  void put_next(Context& context) {
    if (++key > 3) return;
    open = true;
    callee.tell(Question{key, context.self(*this)});
    deadline = context.after(*this, 1s, GiveUp{key});
  }
  void handle(GiveUp m, Context& context) {
    if (open && m.key == key) put_next(context);
  }
  void handle(Found m, Context& context) {
    if (!open) return;
    open = false;
    context.cancel(*deadline);
    if (m.of != key) world->fail("an answer to another question was taken");
    put_next(context);
  }
};
void Callee::handle(Question m) const { m.caller.tell(Found{m.key}); }

void late_by_the_clock(sim::World& w) {
  const auto callee = w.spawn("callee", Callee{});
  start(w.spawn("caller", Caller{&w, callee}));
  w.run();
}

}  // namespace

void add_late_reply(std::vector<Program>& programs) {
  const auto add = [&](std::string_view name, int caches) {
    programs.push_back(
        {.name = name,
         .bug = "a shard's answer that comes after a walk through all caches counts for the next question",
         .source = "replies without correlation; one step must wait for all others",
         .found = "an answer to another question was taken",
         .body = late_reply(caches, false)});
  };
  add("late_reply_10", 10);
  add("late_reply_25", 25);
  programs.push_back({.name = "late_reply_10_named",
                      .bug = "",
                      .source = "control of late_reply_10: the answer names its question",
                      .found = "",
                      .body = late_reply(10, true)});
  programs.push_back({.name = "late_reply_clock",
                      .bug = "a question is given up after a second, and its answer counts for the next one",
                      .source = "replies without correlation; needs a stall",
                      .found = "an answer to another question was taken",
                      .body = late_by_the_clock});
}

}  // namespace orrery::zoo
