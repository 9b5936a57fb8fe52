// exclusion.cpp: algorithms for shared memory whose words are actors; they are right only as long as their steps keep their order.
#include "tests/zoo/systems.hpp"

#include <array>
#include <optional>
#include <vector>

namespace orrery::zoo {

namespace {

// ---- Peterson's algorithm, of which each process makes one attempt -----------------------------------------------------

struct SetFlag {
  std::size_t who = 0;
  bool value = false;
};
struct SetTurn {
  std::size_t value = 0;
};
struct GetFlag {
  using Reply = bool;
  std::size_t who = 0;
};
struct GetTurn {
  using Reply = std::size_t;
};
struct Words {
  std::array<bool, 2> flags{};
  std::size_t turn = 0;
  void handle(SetFlag m) { flags[m.who] = m.value; }
  void handle(SetTurn m) { turn = m.value; }
  bool handle(GetFlag m) const { return flags[m.who]; }
  std::size_t handle(GetTurn) const { return turn; }
};
struct Enter {
  using Reply = void;
};
struct Leave {};
struct Section {
  sim::World* world;
  int within = 0;
  void handle(Enter) {
    if (++within > 1) world->fail("two are within");
  }
  void handle(Leave) { --within; }
};
struct Process {
  Ref<Words> words;
  Ref<Section> section;
  std::size_t me = 0;
  bool flag_first = false;
  void handle(Go) const {
    const std::size_t other = 1 - me;
    if (flag_first) words.tell(SetFlag{me, true});
    words.tell(SetTurn{other});
    if (!flag_first) words.tell(SetFlag{me, true});
    const bool must_wait =
        words.ask(GetFlag{other}, no_timeout).value() && words.ask(GetTurn{}, no_timeout).value() == other;
    if (!must_wait) {
      (void)section.ask(Enter{}, no_timeout);
      section.tell(Leave{});
    }
    words.tell(SetFlag{me, false});
  }
};

sim::Body peterson(bool flag_first) {
  return [flag_first](sim::World& w) {
    const auto words = w.spawn("words", Words{});
    const auto section = w.spawn("section", Section{&w});
    for (std::size_t me = 0; me < 2; ++me) start(w.spawn(Process{words, section, me, flag_first}));
    w.run();
  };
}

// ---- a list from whose head nodes are taken, and to which they come back ------------------------------------------------

struct Head {
  int node = 0;
  int next = 0;
  int version = 0;
};
struct ReadHead {
  using Reply = Head;
};
struct SwapHead {
  using Reply = bool;
  Head from;
  int to = 0;
};
struct SetNext {
  int node = 0;
  int next = 0;
};
/// Nodes 1 to 3; 0 ends the list.
struct List {
  bool counts = false;
  int head = 1;
  int version = 0;
  std::array<int, 4> next{0, 2, 3, 0};
  Head handle(ReadHead) const { return {head, next[static_cast<std::size_t>(head)], version}; }
  bool handle(SwapHead m) {
    if (head != m.from.node || (counts && version != m.from.version)) return false;
    head = m.to;
    ++version;
    return true;
  }
  void handle(SetNext m) { next[static_cast<std::size_t>(m.node)] = m.next; }
};
struct User {
  Ref<List> list;
  std::vector<int> mine{};
  void take() {
    for (;;) {
      const Head head = list.ask(ReadHead{}, no_timeout).value();
      if (head.node == 0) return;
      if (!list.ask(SwapHead{head, head.next}, no_timeout).value()) continue;
      return mine.push_back(head.node);
    }
  }
  void give_back() {
    const int node = mine.front();
    mine.erase(mine.begin());
    for (;;) {
      const Head head = list.ask(ReadHead{}, no_timeout).value();
      list.tell(SetNext{node, head.node});
      if (list.ask(SwapHead{head, node}, no_timeout).value()) return;
    }
  }
};
struct Taker : User {
  void handle(Go) { take(); }
};
struct Recycler : User {
  void handle(Go) {
    take();
    take();
    if (mine.size() == 2) give_back();
  }
};

sim::Body recycle(bool counts) {
  return [counts](sim::World& w) {
    const auto list = w.spawn("list", List{counts});
    const auto taker = w.spawn("taker", Taker{{list}});
    const auto recycler = w.spawn("recycler", Recycler{{list}});
    start(taker);
    start_late(w, 3, recycler);
    w.run();
    std::vector<int> seen = w.peek(taker).mine;
    for (const int node : w.peek(recycler).mine) seen.push_back(node);
    const List& all = w.peek(list);
    for (int node = all.head; node != 0 && seen.size() < 4; node = all.next[static_cast<std::size_t>(node)]) {
      seen.push_back(node);
    }
    if (seen.size() != 3 || seen[0] + seen[1] + seen[2] != 6) w.fail("a node is in two places");
  };
}

// ---- a sleeper who is not woken ----------------------------------------------------------------------------------------

struct IsEmpty {
  using Reply = bool;
};
struct Sleep {
  using Reply = void;
};
struct Put {};
struct Queue {
  bool looks_again = false;
  int items = 0;
  std::vector<OpenAsk<Sleep>> sleepers{};
  bool handle(IsEmpty) const { return items == 0; }
  void handle(Sleep, Context& context) {
    if (!looks_again || items == 0) sleepers.push_back(context.open_ask<Sleep>());
  }
  void handle(Put) {
    ++items;
    for (OpenAsk<Sleep>& one : std::exchange(sleepers, {})) one.answer();
  }
};
struct Consumer {
  Ref<Queue> queue;
  void handle(Go) const {
    if (queue.ask(IsEmpty{}, no_timeout).value()) (void)queue.ask(Sleep{}, no_timeout);
  }
};
struct Producer {
  Ref<Queue> queue;
  void handle(Go) const { queue.tell(Put{}); }
};

sim::Body lost_wakeup(bool looks_again) {
  return [looks_again](sim::World& w) {
    const Ref<Queue> queue = w.spawn<Queue>(looks_again);
    start(w.spawn("consumer", Consumer{queue}));
    start_late(w, 4, w.spawn(Producer{queue}));
    w.run();
  };
}

}  // namespace

void add_exclusion(std::vector<Program>& programs) {
  programs.push_back({.name = "peterson",
                      .bug = "the turn is given away before the flag is set",
                      .source = "G. L. Peterson (1981), with two steps exchanged",
                      .found = "two are within",
                      .body = peterson(false)});
  programs.push_back({.name = "peterson_in_order",
                      .bug = "",
                      .source = "control of peterson: the flag first",
                      .found = "",
                      .body = peterson(true)});
  programs.push_back({.name = "recycled_node",
                      .bug = "the head of a list is what it was, but the node behind it is not",
                      .source = "ABA (R. K. Treiber's stack, 1986); SafeStack has the same cause",
                      .found = "a node is in two places",
                      .body = recycle(false)});
  programs.push_back({.name = "recycled_node_counted",
                      .bug = "",
                      .source = "control of recycled_node: the head has a version",
                      .found = "",
                      .body = recycle(true)});
  programs.push_back({.name = "lost_wakeup",
                      .bug = "the item comes between the look and the sleep, and nobody wakes the sleeper",
                      .source = "lost wake-up; SCTBench CS.sync01_bad",
                      .found = "consumer --ask Sleep-->",
                      .body = lost_wakeup(false)});
  programs.push_back({.name = "lost_wakeup_looks_again",
                      .bug = "",
                      .source = "control of lost_wakeup: the queue looks before it lets anybody sleep",
                      .found = "",
                      .body = lost_wakeup(true)});
}

}  // namespace orrery::zoo
