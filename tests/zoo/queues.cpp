// queues.cpp: things that are put in and taken out by several, where looking and taking are two messages.
#include "tests/zoo/systems.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace orrery::zoo {

namespace {

/// Whatever is done twice, or not at all, shows here.
struct Ran {
  int task = 0;
};
struct Tally {
  sim::World* world;
  std::vector<int> ran{};
  void handle(Ran m) {
    if (std::ranges::find(ran, m.task) != ran.end()) world->fail("a task ran twice");
    ran.push_back(m.task);
  }
};

// ---- a deque from whose one end the owner works while thieves take from the other --------------------------------------

struct GetTop {
  using Reply = int;
};
struct GetBottom {
  using Reply = int;
};
struct GetTask {
  using Reply = int;
  int at = 0;
};
struct SetBottom {
  int value = 0;
};
struct SetTop {
  int value = 0;
};
struct MoveTop {
  using Reply = bool;
  int expected = 0;
};

/// Tasks stand in [top, bottom).
struct Deque {
  int top = 0;
  int bottom = 0;
  int handle(GetTop) const { return top; }
  int handle(GetBottom) const { return bottom; }
  int handle(GetTask m) const { return m.at; }  // the task's number is its place
  void handle(SetBottom m) { bottom = m.value; }
  void handle(SetTop m) { top = m.value; }
  bool handle(MoveTop m) {
    if (top != m.expected) return false;
    ++top;
    return true;
  }
};
struct Owner {
  Ref<Deque> deque;
  Ref<Tally> tally;
  bool compares = false;
  void handle(Go) const {
    for (int task = 0; task < 2; ++task) deque.tell(SetBottom{task + 1});
    for (;;) {
      const int bottom = deque.ask(GetBottom{}, no_timeout).value() - 1;
      deque.tell(SetBottom{bottom});
      const int top = deque.ask(GetTop{}, no_timeout).value();
      if (top > bottom) {
        deque.tell(SetBottom{bottom + 1});
        return;
      }
      if (top == bottom) {  // the last one: a thief may be at it
        const bool won = !compares || deque.ask(MoveTop{top}, no_timeout).value();
        if (won) tally.tell(Ran{bottom});
        deque.tell(SetBottom{top + 1});
        if (!compares) deque.tell(SetTop{top + 1});
        return;
      }
      tally.tell(Ran{deque.ask(GetTask{bottom}, no_timeout).value()});
    }
  }
};
struct Thief {
  Ref<Deque> deque;
  Ref<Tally> tally;
  bool compares = false;
  void handle(Go) const {
    const int top = deque.ask(GetTop{}, no_timeout).value();
    if (top >= deque.ask(GetBottom{}, no_timeout).value()) return;
    const int task = deque.ask(GetTask{top}, no_timeout).value();
    if (compares) {
      if (!deque.ask(MoveTop{top}, no_timeout).value()) return;
    } else {
      deque.tell(SetTop{top + 1});
    }
    tally.tell(Ran{task});
  }
};

sim::Body steal(bool compares) {
  return [compares](sim::World& w) {
    const auto deque = w.spawn("deque", Deque{});
    const auto tally = w.spawn("tally", Tally{&w});
    start(w.spawn(Owner{deque, tally, compares}));
    start_late(w, 8, w.spawn(Thief{deque, tally, compares}));
    w.run();
    if (w.peek(tally).ran.size() != 2) w.fail("a task did not run");
  };
}

// ---- a stack whose top is read in one message and moved in another -----------------------------------------------------

struct Read {
  using Reply = int;
};
struct Move {
  using Reply = bool;
  int from = 0;
  int to = 0;
};
struct Stack {
  bool compares = false;
  int top = 0;
  int handle(Read) const { return top; }
  bool handle(Move m) {
    if (compares && top != m.from) return false;
    top = m.to;
    return true;
  }
};
/// Pops one item; items are numbered from the bottom, and handled by the tally.
struct Popper {
  Ref<Stack> stack;
  Ref<Tally> tally;
  void handle(Go) const {
    for (;;) {
      const int top = stack.ask(Read{}, no_timeout).value();
      if (top == 0) return;
      if (!stack.ask(Move{top, top - 1}, no_timeout).value()) continue;
      tally.tell(Ran{top});
      return;
    }
  }
};

sim::Body pop(bool compares) {
  return [compares](sim::World& w) {
    const auto stack = w.spawn("stack", Stack{compares, 3});
    const auto tally = w.spawn("tally", Tally{&w});
    for (int i = 0; i < 3; ++i) start_late(w, 4 * i, w.spawn(Popper{stack, tally}));
    w.run();
  };
}

// ---- a buffer whose consumers wait until there is something, and do not look again -------------------------------------

struct Put {
  int item = 0;
};
struct AwaitItem {
  using Reply = void;
};
struct TakeItem {
  using Reply = std::optional<int>;
};
struct Buffer {
  std::deque<int> items{};
  std::vector<OpenAsk<AwaitItem>> waiting{};
  void handle(Put m) {
    items.push_back(m.item);
    for (OpenAsk<AwaitItem>& one : std::exchange(waiting, {})) one.answer();
  }
  void handle(AwaitItem, Context& context) {
    if (items.empty()) waiting.push_back(context.open_ask<AwaitItem>());
  }
  std::optional<int> handle(TakeItem) {
    if (items.empty()) return std::nullopt;
    const int item = items.front();
    items.pop_front();
    return item;
  }
};
struct Consumer {
  sim::World* world;
  Ref<Buffer> buffer;
  bool looks_again = false;
  int taken = 0;
  void handle(Go) {
    while (taken == 0) {
      (void)buffer.ask(AwaitItem{}, no_timeout);
      if (buffer.ask(TakeItem{}, no_timeout).value()) {
        ++taken;
      } else if (!looks_again) {
        return world->fail("there was nothing to take");
      }
    }
  }
};
struct Producer {
  Ref<Buffer> buffer;
  int items = 0;
  void handle(Go) const {
    for (int i = 0; i < items; ++i) buffer.tell(Put{i});
  }
};

sim::Body bounded_buffer(bool looks_again) {
  return [looks_again](sim::World& w) {
    const Ref<Buffer> buffer = w.spawn<Buffer>();
    start(w.spawn(Producer{buffer, 2}));
    start_late(w, 3, w.spawn(Consumer{&w, buffer, looks_again}));
    start_late(w, 6, w.spawn(Consumer{&w, buffer, looks_again}));
    w.run();
  };
}

// ---- the end, which takes another way than the last item ---------------------------------------------------------------

struct Item {
  int number = 0;
};
struct End {};
struct Sink {
  int items = 0;
  bool closed = false;
  void handle(Item) { items += closed ? 0 : 1; }
  void handle(End) { closed = true; }
};
struct Stage {
  Ref<Sink> sink;
  void handle(Item m) const { sink.tell(m); }
  void handle(End m) const { sink.tell(m); }
};
struct TidyUp {};
struct Source {
  Ref<Stage> stage;
  Ref<Sink> sink;
  bool ends_in_line = false;
  void handle(Go, Context& context) const {
    for (int i = 0; i < 3; ++i) stage.tell(Item{i});
    context.self(*this).tell(TidyUp{});
  }
  void handle(TidyUp) const {
    if (ends_in_line) {
      stage.tell(End{});
    } else {
      sink.tell(End{});
    }
  }
};

sim::Body shut_down(bool ends_in_line) {
  return [ends_in_line](sim::World& w) {
    const auto sink = w.spawn("sink", Sink{});
    const auto stage = w.spawn("stage", Stage{sink});
    start(w.spawn("source", Source{stage, sink, ends_in_line}));
    w.run();
    if (w.peek(sink).items != 3) w.fail("the last item is lost");
  };
}

}  // namespace

void add_queues(std::vector<Program>& programs) {
  programs.push_back(
      {.name = "steal",
       .bug = "the owner pops the last task while a thief steals it",
       .source = "SCTBench WorkStealQueue (D. Leijen's and Chase-Lev deques), without its compare-exchange",
       .found = "a task ran twice",
       .body = steal(false)});
  programs.push_back({.name = "steal_compared",
                      .bug = "",
                      .source = "control of steal: who moves the top has the last task",
                      .found = "",
                      .body = steal(true)});
  programs.push_back({.name = "stack",
                      .bug = "two poppers read the same top",
                      .source = "SCTBench CS.stack_bad",
                      .found = "a task ran twice",
                      .body = pop(false)});
  programs.push_back({.name = "stack_compared",
                      .bug = "",
                      .source = "control of stack: the top is moved only from where it was read",
                      .found = "",
                      .body = pop(true)});
  programs.push_back({.name = "bounded_buffer",
                      .bug = "two consumers are told of one item, and the second takes what is not there",
                      .source = "SCTBench boundedBuffer: if in place of while",
                      .found = "there was nothing to take",
                      .body = bounded_buffer(false)});
  programs.push_back({.name = "bounded_buffer_while",
                      .bug = "",
                      .source = "control of bounded_buffer: looks again",
                      .found = "",
                      .body = bounded_buffer(true)});
  programs.push_back({.name = "last_item",
                      .bug = "the end of a stream goes straight to the sink and overtakes the last item",
                      .source = "producer and consumer: shutdown",
                      .found = "the last item is lost",
                      .body = shut_down(false)});
  programs.push_back({.name = "last_item_in_line",
                      .bug = "",
                      .source = "control of last_item: the end goes through the stage, too",
                      .found = "",
                      .body = shut_down(true)});
}

}  // namespace orrery::zoo
