#include "tests/conformance/programs.hpp"

#include <fmt/core.h>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace conformance {

namespace {

void (*pause_between_acts)() = nullptr;

}  // namespace

void set_pause(void (*pause)()) { pause_between_acts = pause; }
void between_acts() {
  if (pause_between_acts != nullptr) pause_between_acts();
}

namespace {

using namespace orrery;
using namespace std::chrono_literals;

// ---- actors used by several programs ----------------------------------------------------------------------------------

struct Note {
  char what;
};
struct HighNote {
  static constexpr auto priority = Priority::high;
  char what;
};
struct GetLog {
  using Reply = std::string;
};
struct Go {};

/// Writes down what it is told, in order.
struct Logger {
  std::string log;
  void handle(Note note) {
    log += note.what;
    between_acts();
  }
  void handle(HighNote note) { log += note.what; }
  std::string handle(GetLog) { return log; }
};

std::string log_of(const Ref<Logger>& logger) { return logger.ask(GetLog{}, 10s).value_or("?"); }

/// Sends a word to a logger, letter by letter.
struct Speller {
  Ref<Logger> to;
  std::string word;
  void handle(Go) {
    for (const char letter : word) {
      between_acts();
      to.tell(Note{letter});
    }
  }
};

struct Relay {
  Ref<Logger> to;
  void handle(Note note) {
    between_acts();
    to.tell(note);
  }
};

// ---- order ---------------------------------------------------------------------------------------------------------------

struct TwoWays {
  Ref<Relay> b;
  Ref<Logger> c;
  void handle(Go) {
    b.tell(Note{'1'});
    between_acts();
    c.tell(Note{'2'});
  }
};

/// A sends to B and then to C, B forwards to C: both orders at C are possible, since B may act between A's two sends.
std::string around_the_corner(Runtime& rt, const Settle& settle) {
  const auto c = rt.spawn(Logger{});
  const auto b = rt.spawn(Relay{c});
  rt.spawn(TwoWays{b, c}).tell(Go{});
  settle();
  return log_of(c);
}

/// Two senders, two messages each: all six shuffles that keep each sender's order, and no other.
std::string two_senders(Runtime& rt, const Settle& settle) {
  const auto to = rt.spawn(Logger{});
  const auto x = rt.spawn(Speller{to, "ab"});
  const auto y = rt.spawn(Speller{to, "xy"});
  x.tell(Go{});
  y.tell(Go{});
  settle();
  return log_of(to);
}

/// Three senders of one message each.
std::string three_senders(Runtime& rt, const Settle& settle) {
  const auto to = rt.spawn(Logger{});
  std::vector<Ref<Speller>> senders;
  for (const char* word : {"a", "b", "c"}) senders.push_back(rt.spawn(Speller{to, word}));
  for (const auto& sender : senders) sender.tell(Go{});
  settle();
  return log_of(to);
}

/// High priority overtakes what waits, never what was taken.
struct Urgent {
  Ref<Logger> to;
  void handle(Go) {
    to.tell(Note{'a'});
    between_acts();
    to.tell(Note{'b'});
    between_acts();
    to.tell(HighNote{'H'});
  }
};
std::string priorities(Runtime& rt, const Settle& settle) {
  const auto to = rt.spawn(Logger{});
  rt.spawn(Urgent{to}).tell(Go{});
  settle();
  return log_of(to);
}

// ---- asks ------------------------------------------------------------------------------------------------------------------

struct Get {
  using Reply = int;
};
struct Set {
  using Reply = void;
  int value;
};
struct Cell_ {
  int value = 0;
  int handle(Get) { return value; }
  void handle(Set m) { value = m.value; }
};
struct Incrementer {
  Ref<Cell_> cell;
  void handle(Go) {
    between_acts();
    const int value = cell.ask(Get{}, no_timeout).value();
    between_acts();
    (void)cell.ask(Set{value + 1}, no_timeout);
  }
};

/// Read, then write: an update can be lost.
std::string lost_update(Runtime& rt, const Settle& settle) {
  const auto cell = rt.spawn(Cell_{});
  const auto a = rt.spawn(Incrementer{cell});
  const auto b = rt.spawn(Incrementer{cell});
  a.tell(Go{});
  b.tell(Go{});
  settle();
  return fmt::format("{}", cell.ask(Get{}, 10s).value());
}

struct Both {
  Ref<Cell_> left;
  Ref<Cell_> right;
  Ref<Logger> log;
  void handle(Go) {
    between_acts();
    auto a = left.ask_async(Get{}, no_timeout);
    between_acts();
    auto b = right.ask_async(Get{}, no_timeout);
    const auto [x, y] = wait_all(a, b);
    log.tell(Note{static_cast<char>('0' + x.value() + y.value())});
  }
};
struct Writer {
  Ref<Cell_> cell;
  int value;
  void handle(Go) {
    between_acts();
    cell.tell(Set{value}, ignore_reply);
  }
};
/// Two asks in flight against two writers: every combination of seen and not seen.
std::string wait_for_both(Runtime& rt, const Settle& settle) {
  const auto left = rt.spawn(Cell_{});
  const auto right = rt.spawn(Cell_{});
  const auto log = rt.spawn(Logger{});
  const auto reader = rt.spawn(Both{left, right, log});
  const auto first = rt.spawn(Writer{left, 1});
  const auto second = rt.spawn(Writer{right, 2});
  reader.tell(Go{});
  first.tell(Go{});
  second.tell(Go{});
  settle();
  return log_of(log);
}

struct Either {
  Ref<Cell_> left;
  Ref<Cell_> right;
  Ref<Logger> log;
  void handle(Go) {
    between_acts();
    auto a = left.ask_async(Get{}, no_timeout);
    between_acts();
    auto b = right.ask_async(Get{}, no_timeout);
    const std::size_t first = wait_any(a, b);
    log.tell(Note{first == 0 ? 'L' : 'R'});
  }
};
/// Whichever of two answers first.
std::string wait_for_either(Runtime& rt, const Settle& settle) {
  const auto left = rt.spawn(Cell_{});
  const auto right = rt.spawn(Cell_{});
  const auto log = rt.spawn(Logger{});
  rt.spawn(Either{left, right, log}).tell(Go{});
  settle();
  return log_of(log);
}

// ---- mailboxes ----------------------------------------------------------------------------------------------------------------

struct Tells {
  using Reply = std::string;
};
/// Remembers what became of each of its sends: o for accepted, f for full, s for stopped.
struct Careful {
  Ref<Logger> to;
  std::string word;
  std::string results;
  void handle(Go) {
    for (const char letter : word) {
      between_acts();
      const auto sent = to.tell(Note{letter});
      results += sent ? 'o' : sent.error() == TellError::mailbox_full ? 'f' : 's';
    }
  }
  std::string handle(Tells) { return results; }
};

template <Overflow Policy>
std::string full_mailbox(Runtime& rt, const Settle& settle) {
  const auto to = rt.spawn(Logger{}, {.mailbox = bounded(1, Policy)});
  const auto a = rt.spawn(Careful{to, "ab", {}});
  const auto b = rt.spawn(Careful{to, "x", {}});
  a.tell(Go{});
  b.tell(Go{});
  settle();
  return log_of(to) + " " + a.ask(Tells{}, 10s).value_or("?") + " " + b.ask(Tells{}, 10s).value_or("?");
}

// ---- endings ---------------------------------------------------------------------------------------------------------------------

struct Stopper {
  Ref<Logger> victim;
  void handle(Go, Context& context) {
    between_acts();
    context.stop(victim);
  }
};
/// A stop overtakes queued mail; later sends are refused.
std::string stop_between(Runtime& rt, const Settle& settle) {
  const auto victim = rt.spawn(Logger{});
  const auto sender = rt.spawn(Careful{victim, "ab", {}});
  const auto stopper = rt.spawn(Stopper{victim});
  sender.tell(Go{});
  stopper.tell(Go{});
  settle();
  return sender.ask(Tells{}, 10s).value_or("?") + (victim.tell(Note{'z'}) ? " alive" : " gone");
}

struct Bomb {
  using Reply = int;
};
struct Fragile {
  int handled = 0;
  int handle(Bomb) { throw std::runtime_error{"bomb"}; }
  int handle(Get) { return ++handled; }
};
struct Bomber {
  Ref<Fragile> target;
  std::string result;
  void handle(Go) {
    between_acts();
    const auto reply = target.ask(Bomb{}, no_timeout);
    result = std::string{to_string(reply.error())};
  }
  std::string handle(GetLog) { return result; }
};
struct Asker {
  Ref<Fragile> target;
  std::string result;
  void handle(Go) {
    between_acts();
    const auto reply = target.ask(Get{}, no_timeout);
    result = reply ? fmt::format("{}", *reply) : std::string{to_string(reply.error())};
  }
  std::string handle(GetLog) { return result; }
};
/// A handler that throws: its asker learns it; without a restart the actor has ended, with one its state is fresh.
template <bool Restarts>
std::string failing_handler(Runtime& rt, const Settle& settle) {
  SpawnOptions options;
  if (Restarts) options.restart = Restart{.intensity = 3, .period = 5s};
  const auto target = rt.spawn(Fragile{}, options);
  const auto bomber = rt.spawn(Bomber{target, {}});
  const auto one = rt.spawn(Asker{target, {}});
  const auto two = rt.spawn(Asker{target, {}});
  bomber.tell(Go{});
  one.tell(Go{});
  two.tell(Go{});
  settle();
  return bomber.ask(GetLog{}, 10s).value_or("?") + " " + one.ask(GetLog{}, 10s).value_or("?") + " " +
         two.ask(GetLog{}, 10s).value_or("?");
}

struct Never {
  using Reply = int;
};
/// Never answers: it waits for an answer of its own, from somebody who ends without giving one.
struct Waiter_ {
  Ref<Fragile> target;
  Ref<Logger> log;
  struct OnExit {
    Ref<Logger> log;
    ~OnExit() { log.tell(Note{'u'}); }
  };
  void handle(Go) {
    const OnExit on_exit{log};
    between_acts();
    const auto reply = target.ask(Bomb{}, no_timeout);
    log.tell(Note{reply ? 'r' : reply.error() == AskError::actor_failed ? 'f' : 's'});
  }
};
struct WaiterStopper {
  Ref<Waiter_> victim;
  void handle(Go, Context& context) {
    between_acts();
    context.stop(victim);
  }
};
/// A handler that waits is unwound by a stop, its destructors run, or it is answered first.
std::string unwinding(Runtime& rt, const Settle& settle) {
  const auto log = rt.spawn(Logger{});
  const auto target = rt.spawn(Fragile{});
  const auto waiter = rt.spawn(Waiter_{target, log});
  const auto stopper = rt.spawn(WaiterStopper{waiter});
  waiter.tell(Go{});
  stopper.tell(Go{});
  settle();
  return log_of(log);
}

struct Guard {
  Ref<Logger> watched;
  Ref<Logger> log;
  void handle(Go, Context& context) {
    between_acts();
    context.watch(*this, watched);
  }
  void handle(Down down) { log.tell(Note{down.reason == ExitReason::custom("noproc") ? 'n' : 'd'}); }
};
/// Exactly one Down, whether the watch or the end came first.
std::string watching(Runtime& rt, const Settle& settle) {
  const auto log = rt.spawn(Logger{});
  const auto watched = rt.spawn(Logger{});
  const auto guard = rt.spawn(Guard{watched, log});
  const auto stopper = rt.spawn(Stopper{watched});
  guard.tell(Go{});
  stopper.tell(Go{});
  settle();
  return log_of(log);
}

// ---- offloaded work -------------------------------------------------------------------------------------------------

struct OffloadingSpeller {
  Ref<Logger> to;
  void handle(Go, Context& context) {
    between_acts();
    const char last = context.offload([to = to] {
      between_acts();
      to.tell(Note{'1'});
      between_acts();
      to.tell(Note{'2'});
      return '3';
    });
    between_acts();
    to.tell(Note{last});
  }
};
/// Work has its place between what its actor does before and after it; others may act anywhere.
std::string offloaded_tells(Runtime& rt, const Settle& settle) {
  const auto to = rt.spawn(Logger{});
  const auto speller = rt.spawn(OffloadingSpeller{to});
  const auto other = rt.spawn(Speller{to, "x"});
  speller.tell(Go{});
  other.tell(Go{});
  settle();
  return log_of(to);
}

struct OffloadingIncrementer {
  Ref<Cell_> cell;
  void handle(Go, Context& context) {
    context.offload([cell = cell] {
      between_acts();
      const int value = cell.ask(Get{}, no_timeout).value();
      between_acts();
      (void)cell.ask(Set{value + 1}, no_timeout);
    });
  }
};
/// Two pieces of work that read and then write, by asking: an update can be lost.
std::string offloaded_lost_update(Runtime& rt, const Settle& settle) {
  const auto cell = rt.spawn(Cell_{});
  const auto a = rt.spawn(OffloadingIncrementer{cell});
  const auto b = rt.spawn(OffloadingIncrementer{cell});
  a.tell(Go{});
  b.tell(Go{});
  settle();
  return fmt::format("{}", cell.ask(Get{}, 10s).value());
}

struct OffloadingVictim {
  Ref<Logger> log;
  void handle(Go, Context& context) {
    const Waiter_::OnExit on_exit{log};
    between_acts();
    try {
      context.offload([log = log] {
        between_acts();
        log.tell(Note{'w'});
        throw std::runtime_error{"as written"};
      });
    } catch (const std::runtime_error&) {
      log.tell(Note{'c'});
    }
  }
};
struct OffloadingStopper {
  Ref<OffloadingVictim> victim;
  void handle(Go, Context& context) {
    between_acts();
    context.stop(victim);
  }
};
/// A stop unwinds who waits for work that throws, before or after; the work is done all the same.
std::string offloaded_stop(Runtime& rt, const Settle& settle) {
  const auto log = rt.spawn(Logger{});
  const auto victim = rt.spawn(OffloadingVictim{log});
  const auto stopper = rt.spawn(OffloadingStopper{victim});
  victim.tell(Go{});
  stopper.tell(Go{});
  settle();
  return log_of(log);
}

// ---- delivery classes -----------------------------------------------------------------------------------------------

struct SureNote {
  static constexpr auto delivery = Delivery::at_least_once;
  char what;
};
struct SureLogger : Logger {
  using Logger::handle;
  void handle(SureNote note) { Logger::handle(Note{note.what}); }
};
struct SureSpeller {
  Ref<SureLogger> to;
  std::string word;
  void handle(Go) {
    for (const char letter : word) {
      between_acts();
      to.tell(SureNote{letter});
    }
  }
};
/// Two senders to one place, nobody waits and nobody is refused: all shuffles that keep each sender's order, and no other.
template <Overflow policy>
std::string assured_full_mailbox(Runtime& rt, const Settle& settle) {
  const auto to = rt.spawn(SureLogger{}, {.mailbox = bounded(1, policy)});
  const auto x = rt.spawn(SureSpeller{to, "ab"});
  const auto y = rt.spawn(SureSpeller{to, "xy"});
  x.tell(Go{});
  y.tell(Go{});
  settle();
  return to.ask(GetLog{}, 10s).value_or("?");
}

struct Stubborn {
  static constexpr auto delivery = Delivery::at_least_once;
  using Reply = int;
};
/// Answers only who comes again.
struct Deaf {
  int handled = 0;
  int handle(Stubborn, Context& context) {
    between_acts();
    if (context.attempt() == 0) throw std::runtime_error{"what?"};
    return 7;
  }
  int handle(Get) { return 1; }
};
template <class M>
struct Caller {
  Ref<Deaf> deaf;
  std::string result;
  void handle(Go) {
    between_acts();
    const auto reply = deaf.ask(M{}, no_timeout);
    result = reply ? fmt::format("{}", *reply) : std::string{to_string(reply.error())};
  }
  std::string handle(GetLog) { return result; }
};
/// Assured asks are answered although the first attempt of each fails, and plain ones in between too.
std::string assured_asks(Runtime& rt, const Settle& settle) {
  const auto deaf = rt.spawn(Deaf{}, {.restart = Restart{.intensity = 10}});
  const auto one = rt.spawn(Caller<Stubborn>{deaf, {}});
  const auto two = rt.spawn(Caller<Stubborn>{deaf, {}});
  const auto plain = rt.spawn(Caller<Get>{deaf, {}});
  one.tell(Go{});
  two.tell(Go{});
  plain.tell(Go{});
  settle();
  return one.ask(GetLog{}, 10s).value_or("?") + two.ask(GetLog{}, 10s).value_or("?") +
         plain.ask(GetLog{}, 10s).value_or("?");
}

struct OnceNote {
  static constexpr auto delivery = Delivery::exactly_once;
  char what;
};
/// Passes on what it is told, and then fails if that did not come again.
struct FailingRelay {
  Ref<Logger> to;
  void handle(OnceNote note, Context& context) {
    to.tell(Note{note.what});
    between_acts();
    if (context.attempt() == 0) throw std::runtime_error{"as written"};
    to.tell(Note{'.'});
  }
};
struct OnceSpeller {
  Ref<FailingRelay> to;
  void handle(Go) {
    for (const char letter : {'a', 'b'}) {
      between_acts();
      to.tell(OnceNote{letter}, {.id = message_id_of(std::string(1, letter))});
    }
  }
};
/// Two senders say the same, with the same ids, to somebody who always fails first: it is passed on once, and in order.
std::string said_twice_done_once(Runtime& rt, const Settle& settle) {
  const auto log = rt.spawn(Logger{});
  const auto relay = rt.spawn(FailingRelay{log}, {.restart = Restart{.intensity = 10}});
  const auto x = rt.spawn(OnceSpeller{relay});
  const auto y = rt.spawn(OnceSpeller{relay});
  x.tell(Go{});
  y.tell(Go{});
  settle();
  return log_of(log);
}

// ---- the rest -----------------------------------------------------------------------------------------------------------------------

struct Founder {
  std::string name;
  std::string result;
  void handle(Go, Context& context) {
    between_acts();
    result = context.runtime().spawn(name, Logger{}) ? "founded" : "taken";
  }
  std::string handle(GetLog) { return result; }
};
/// One name, two founders: exactly one gets it.
std::string one_name(Runtime& rt, const Settle& settle) {
  const auto a = rt.spawn(Founder{"the-name", {}});
  const auto b = rt.spawn(Founder{"the-name", {}});
  a.tell(Go{});
  b.tell(Go{});
  settle();
  std::string outcome = a.ask(GetLog{}, 10s).value_or("?") + " " + b.ask(GetLog{}, 10s).value_or("?");
  if (const auto named = rt.find<Logger>("the-name")) rt.stop(*named);
  settle();
  return outcome + (rt.find<Logger>("the-name") ? " kept" : " freed");
}

struct Open {};
/// Puts notes aside until it is opened.
struct Door {
  bool is_open = false;
  std::string log;
  void handle(Note note, Context& context) {
    if (!is_open) return context.stash(note);
    log += note.what;
  }
  void handle(Open, Context& context) {
    is_open = true;
    log += '|';
    context.unstash_all();
  }
  std::string handle(GetLog) { return log; }
};
struct DoorSpeller {
  Ref<Door> to;
  void handle(Go) {
    between_acts();
    to.tell(Note{'a'});
    between_acts();
    to.tell(Note{'b'});
  }
};
struct Opener {
  Ref<Door> to;
  void handle(Go) {
    between_acts();
    to.tell(Open{});
  }
};
/// What was stashed comes first, in its order, and nothing is lost.
std::string stashing(Runtime& rt, const Settle& settle) {
  const auto door = rt.spawn(Door{});
  const auto speller = rt.spawn(DoorSpeller{door});
  const auto opener = rt.spawn(Opener{door});
  speller.tell(Go{});
  opener.tell(Go{});
  settle();
  return door.ask(GetLog{}, 10s).value_or("?");
}

}  // namespace

const std::vector<Program>& programs() {
  static const std::vector<Program> all = [] {
    std::vector<Program> listed = {
        {"around_the_corner", &around_the_corner, 2},
        {"two_senders", &two_senders, 6},
        {"three_senders", &three_senders, 6},
        {"priorities", &priorities, 0},
        {"lost_update", &lost_update, 2},
        {"wait_for_both", &wait_for_both, 4},
        {"wait_for_either", &wait_for_either, 0},
        {"full_mailbox_reject", &full_mailbox<Overflow::reject>, 0},
        {"full_mailbox_drop_newest", &full_mailbox<Overflow::drop_newest>, 0},
        {"full_mailbox_drop_oldest", &full_mailbox<Overflow::drop_oldest>, 0},
        {"full_mailbox_suspend", &full_mailbox<Overflow::suspend>, 3},
        {"stop_between", &stop_between, 3},
        {"failing_handler", &failing_handler<false>, 0},
        {"failing_handler_restarts", &failing_handler<true>, 0},
        {"unwinding", &unwinding, 0},
        {"watching", &watching, 2},
        {"offloaded_tells", &offloaded_tells, 4},
        {"offloaded_lost_update", &offloaded_lost_update, 2},
        {"offloaded_stop", &offloaded_stop, 4},
        {"assured_full_mailbox_reject", &assured_full_mailbox<Overflow::reject>, 6},
        {"assured_full_mailbox_drop_newest", &assured_full_mailbox<Overflow::drop_newest>, 6},
        {"assured_full_mailbox_drop_oldest", &assured_full_mailbox<Overflow::drop_oldest>, 6},
        {"assured_full_mailbox_suspend", &assured_full_mailbox<Overflow::suspend>, 6},
        {"assured_asks", &assured_asks, 1},
        {"said_twice_done_once", &said_twice_done_once, 1},
        {"one_name", &one_name, 2},
        {"stashing", &stashing, 0},
    };
    for (const Program& program : forwarding_programs()) listed.push_back(program);
    return listed;
  }();
  return all;
}

}  // namespace conformance
