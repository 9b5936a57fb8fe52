// forwarding_programs.cpp: messages that are passed on, questions that are kept open, and one question to many.
#include "tests/conformance/programs.hpp"

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

namespace conformance {

namespace {

using namespace orrery;
using namespace std::chrono_literals;

struct Go {};
struct GetLog {
  using Reply = std::string;
};
struct Get {
  using Reply = int;
};
struct Set {
  int value;
};
struct Parcel {
  using Reply = int;
  std::unique_ptr<int> content;
};
struct Value {
  int value = 0;
  int handle(Get) {
    between_acts();
    return value;
  }
  void handle(Set m) { value = m.value; }
  int handle(Parcel m) { return *m.content + value; }
};
struct Writer {
  Ref<Value> to;
  void handle(Go) {
    between_acts();
    to.tell(Set{1});
  }
};

std::string text_of(const AskResult<Get>& reply) {
  return reply ? fmt::format("{}", *reply) : std::string{to_string(reply.error())};
}

/// Passes on whatever it is asked.
struct Front {
  Ref<Value> to;
  std::string sends;
  Answer<int> handle(Get m, Context& context) {
    between_acts();
    sends += context.forward(m, to) ? 'o' : 'x';
    return elsewhere;
  }
  Answer<int> handle(Parcel m, Context& context) {
    *m.content += 10;  // passed on as it was changed
    context.forward(std::move(m), to);
    return elsewhere;
  }
  std::string handle(GetLog) const { return sends; }
};
struct Asker {
  Recipient<Get> of;
  std::string result;
  void handle(Go) {
    between_acts();
    result = text_of(of.ask(Get{}, no_timeout));
  }
  std::string handle(GetLog) const { return result; }
};
template <class A>
std::string log_of(const Ref<A>& actor) {
  return actor.ask(GetLog{}, 10s).value_or("?");
}

/// Whoever asked gets the reply of the actor behind, which sees a write or does not.
std::string forwarded_ask(Runtime& rt, const Settle& settle) {
  const auto value = rt.spawn(Value{});
  const auto front = rt.spawn(Front{value, {}});
  const auto far = rt.spawn(Asker{rt.spawn(Front{value, {}}), {}});
  const auto asker = rt.spawn(Asker{front, {}});
  const auto writer = rt.spawn(Writer{value});
  asker.tell(Go{});
  writer.tell(Go{});
  settle();
  far.tell(Go{});
  settle();
  return log_of(asker) + log_of(far) +
         fmt::format(" {}", front.ask(Parcel{std::make_unique<int>(1)}, 10s).value_or(-1));
}

struct Stopper {
  Ref<Value> victim;
  void handle(Go, Context& context) {
    between_acts();
    context.stop(victim);
  }
};
/// The actor behind ends before, or after: the asker learns it, and so does who passes the message on, unless it was in the
/// mailbox by then.
std::string forwarded_to_the_dead(Runtime& rt, const Settle& settle) {
  const auto value = rt.spawn(Value{});
  const auto front = rt.spawn(Front{value, {}});
  const auto asker = rt.spawn(Asker{front, {}});
  const auto stopper = rt.spawn(Stopper{value});
  asker.tell(Go{});
  stopper.tell(Go{});
  settle();
  return log_of(asker) + " " + log_of(front);
}

/// Two asks for one place.
template <Overflow Policy>
std::string forwarded_to_the_full(Runtime& rt, const Settle& settle) {
  const auto value = rt.spawn(Value{}, {.mailbox = bounded(1, Policy)});
  const auto front = rt.spawn(Front{value, {}});
  const auto one = rt.spawn(Asker{front, {}});
  const auto two = rt.spawn(Asker{front, {}});
  one.tell(Go{});
  two.tell(Go{});
  settle();
  return log_of(one) + " " + log_of(two) + " " + log_of(front);
}

struct Note {
  char what;
};
/// Notes letters, in capitals those that another than `author` sent.
struct Notes {
  Handle author;
  std::string log;
  void handle(Note note, Context& context) {
    log += context.sender() == author ? note.what : static_cast<char>(note.what - 'a' + 'A');
  }
  void handle(Set) {}
  std::string handle(GetLog) const { return log; }
};
struct Postman {
  Ref<Notes> to;
  void handle(Note note, Context& context) {
    between_acts();
    context.forward(note, to);
  }
};
struct Begin {
  Ref<Postman> postman;
  Ref<Notes> notes;
};
struct Author {
  void handle(Begin m) {
    m.postman.tell(Note{'a'});
    between_acts();
    m.postman.tell(Note{'b'});
    between_acts();
    m.notes.tell(Note{'c'});
  }
};
/// What is passed on stays its author's, and keeps its order; it can come before or after what he sends himself.
std::string forwarded_tells(Runtime& rt, const Settle& settle) {
  const auto author = rt.spawn(Author{});
  const auto notes = rt.spawn(Notes{author.handle(), {}});
  author.tell(Begin{rt.spawn(Postman{notes}), notes});
  settle();
  return log_of(notes);
}

struct Errand {
  std::vector<OpenAsk<Get>> asks;
};
/// Answers in the place of whoever opened the ask.
struct Clerk {
  void handle(Errand errand) {
    int number = 0;
    for (OpenAsk<Get>& ask : errand.asks) {
      between_acts();
      ask.answer(++number);
    }
  }
};
/// Keeps the first two asks open, and lets a clerk answer both; drops the third.
struct Desk {
  Ref<Clerk> clerk;
  Errand errand;
  Answer<int> handle(Get, Context& context) {
    OpenAsk<Get> ask = context.open_ask<Get>();
    if (sent) return elsewhere;
    errand.asks.push_back(std::move(ask));
    if (errand.asks.size() == 2) sent = static_cast<bool>(clerk.tell(std::move(errand)));
    return elsewhere;
  }
  bool sent = false;
};
/// Three askers: each order of them is one outcome.
std::string open_asks(Runtime& rt, const Settle& settle) {
  Desk desk;
  desk.clerk = rt.spawn(Clerk{});
  const auto at = rt.spawn(std::move(desk));
  std::vector<Ref<Asker>> askers;
  for (int i = 0; i < 3; ++i) askers.push_back(rt.spawn(Asker{at, {}}));
  for (const auto& asker : askers) asker.tell(Go{});
  settle();
  std::string all;
  for (const auto& asker : askers) all += log_of(asker) + " ";
  return all;
}

struct Fails {
  int handle(Get) { throw std::runtime_error{"no"}; }
};
struct Gatherer {
  std::vector<Recipient<Get>> from;
  std::string result;
  void handle(Go) {
    for (const auto& reply : ask_all(from, Get{}, no_timeout)) result += text_of(reply) + " ";
  }
  std::string handle(GetLog) const { return result; }
};
/// All outcomes, in the order of the actors: a value that is being written, a failure, one who is being stopped.
std::string asked_all(Runtime& rt, const Settle& settle) {
  const auto written = rt.spawn(Value{});
  const auto stopped = rt.spawn(Value{7});
  const auto gatherer = rt.spawn(Gatherer{{written, rt.spawn(Fails{}), stopped, {}}, {}});
  const auto writer = rt.spawn(Writer{written});
  const auto stopper = rt.spawn(Stopper{stopped});
  gatherer.tell(Go{});
  writer.tell(Go{});
  stopper.tell(Go{});
  settle();
  return log_of(gatherer);
}

struct Urgent {
  Ref<Notes> to;
  void handle(Go) {
    to.tell(Note{'a'});
    between_acts();
    to.tell(Note{'b'});
    between_acts();
    to.tell(Note{'h'}, {.priority = Priority::high});
  }
};
/// One message of a normal type that is sent as an urgent one overtakes what waits.
std::string one_urgent_send(Runtime& rt, const Settle& settle) {
  const auto notes = rt.spawn(Notes{});
  const auto sender = rt.spawn(Urgent{notes});
  sender.tell(Go{});
  settle();
  return log_of(notes);
}

/// a asks b, b asks c while it handles that: a chain of waits, each answer adding to the next.
struct Link_ {
  Recipient<Get> next;
  int handle(Get) {
    between_acts();
    return 10 * next.ask(Get{}, no_timeout).value_or(-1);
  }
};
std::string pipeline(Runtime& rt, const Settle& settle) {
  const auto value = rt.spawn(Value{});
  const auto asker = rt.spawn(Asker{rt.spawn(Link_{rt.spawn(Link_{value})}), {}});
  const auto writer = rt.spawn(Writer{value});
  asker.tell(Go{});
  writer.tell(Go{});
  settle();
  return log_of(asker);
}

}  // namespace

std::vector<Program> forwarding_programs() {
  return {
      {"forwarded_ask", &forwarded_ask, 2},
      {"forwarded_to_the_dead", &forwarded_to_the_dead, 3},
      {"forwarded_to_the_full_reject", &forwarded_to_the_full<Overflow::reject>, 0},
      {"forwarded_to_the_full_drop_newest", &forwarded_to_the_full<Overflow::drop_newest>, 0},
      {"forwarded_to_the_full_drop_oldest", &forwarded_to_the_full<Overflow::drop_oldest>, 0},
      {"forwarded_to_the_full_suspend", &forwarded_to_the_full<Overflow::suspend>, 1},
      {"forwarded_tells", &forwarded_tells, 3},
      {"open_asks", &open_asks, 6},
      {"asked_all", &asked_all, 4},
      {"one_urgent_send", &one_urgent_send, 3},
      {"pipeline", &pipeline, 2},
  };
}

}  // namespace conformance
