// story_programs.hpp: a small program for each kind of failure, for the golden stories of story_test.cpp, which contain the
// line numbers of this file.
#pragma once
#include "tests/testkit/little_properties.hpp"

namespace orrery::testing::story {

struct Withdraw {
  using Reply = std::int64_t;
  std::int64_t amount;
};
struct Account {
  std::int64_t balance = 100;
  std::int64_t handle(Withdraw m) { return balance -= m.amount; }
};
struct Teller {
  Ref<Account> from;
  void handle(Add m) { (void)from.ask(Withdraw{m.amount}, no_timeout); }
};

inline void invariant(World& w) {
  const Ref<Account> alice = w.spawn("alice", Account{});
  const Ref<Teller> teller = w.spawn("teller", Teller{alice});
  w.always("balance never negative", [&] { return w.peek(alice).balance >= 0; });
  teller.tell(Add{30});
  teller.tell(Add{71});
  w.run();
}

struct Picky {
  void handle(Add m) { EXPECT_LT(m.amount, 10U) << "too much"; }
};
inline void assertion_in_actor(World& w) {
  const Ref<Picky> picky = w.spawn("picky", Picky{});
  picky.tell(Add{1});
  picky.tell(Add{10});
  w.run();
}

inline void assertion_in_body(World& w, const std::vector<std::uint32_t>& amounts) {
  const Ref<Adder> adder = w.spawn("adder", Adder{});
  for (const std::uint32_t amount : amounts) adder.tell(Add{amount});
  w.run();
  EXPECT_LT(w.peek(adder).messages, 2U);
}

inline void exception(World& w) {
  w.spawn("adder", Adder{}).tell(Add{1});
  w.run();
  throw std::runtime_error{"the bank is closed"};
}

struct Question {
  using Reply = int;
};
struct Peer;
struct Meet {
  Ref<Peer> other;
};
/// Asks its peer whatever it is asked.
struct Peer {
  Ref<Peer> other;
  void handle(Meet meet);
  int handle(Question);
};
inline void Peer::handle(Meet meet) { other = meet.other; }
inline int Peer::handle(Question) { return other.ask(Question{}, no_timeout).value_or(0); }
inline void ask_cycle(World& w) {
  const Ref<Peer> a = w.spawn("a", Peer{});
  const Ref<Peer> b = w.spawn("b", Peer{});
  a.tell(Meet{b});
  b.tell(Meet{a});
  w.run();
  a.tell(Question{}, ignore_reply);
  w.run();
}

/// Puts every question aside and never takes it up again.
struct Hoarder {
  int handle(Question question, Context& context) {
    context.stash(question);
    return 0;
  }
};
struct Client {
  Ref<Hoarder> hoarder;
  void handle(Go) { (void)hoarder.ask(Question{}, no_timeout); }
};
inline void stuck(World& w) {
  const Ref<Hoarder> hoarder = w.spawn("hoarder", Hoarder{});
  w.spawn("client", Client{hoarder}).tell(Go{});
  w.run();
}

struct Ping {};
/// Sends itself a message for every message.
struct Restless {
  std::uint64_t turns = 0;
  void handle(Ping, Context& context) {
    ++turns;
    context.self(*this).tell(Ping{});
  }
};
inline void no_progress(World& w) {
  w.spawn("restless", Restless{}).tell(Ping{});
  w.run();
}

struct Alarm {
  int rings = 0;
  void handle(Go, Context& context) { context.after(*this, 90s, Ping{}); }
  void handle(Ping) { ++rings; }
};
inline void after_a_while(World& w) {
  const Ref<Alarm> alarm = w.spawn("alarm", Alarm{});
  w.always("silence", [&] { return w.peek(alarm).rings == 0; });
  alarm.tell(Go{});
  w.run();
}

/// One message more every time.
inline void differs(World& w, std::uint32_t& counter) {
  const Ref<Adder> adder = w.spawn("adder", Adder{});
  for (std::uint32_t i = 0; i < counter; ++i) adder.tell(Add{7});
  ++counter;
  w.run();
}

struct GetBalance {
  using Reply = std::int64_t;
};
struct Purse {
  std::int64_t balance = 100;
  std::int64_t handle(GetBalance) const { return balance; }
  std::int64_t handle(Withdraw m) { return balance -= m.amount; }
};
/// Looks, and acts on what it has seen.
struct Spender {
  Ref<Purse> from;
  void handle(Add m) {
    if (from.ask(GetBalance{}, no_timeout).value_or(0) < m.amount) return;
    (void)from.ask(Withdraw{m.amount}, no_timeout);
  }
};
inline void race(World& w) {
  const Ref<Purse> purse = w.spawn("purse", Purse{});
  w.always("balance never negative", [&] { return w.peek(purse).balance >= 0; });
  w.spawn("ann", Spender{purse}).tell(Add{60});
  w.spawn("ben", Spender{purse}).tell(Add{50});
  w.run();
}

/// Passes a question on to the hoarder, and waits for the answer.
struct Middle {
  Ref<Hoarder> hoarder;
  int handle(Question) { return hoarder.ask(Question{}, no_timeout).value_or(0); }
};
inline void stuck_behind_another(World& w) {
  struct Asker {
    Ref<Middle> middle;
    void handle(Go) { (void)middle.ask(Question{}, no_timeout); }
  };
  const Ref<Hoarder> hoarder = w.spawn("hoarder", Hoarder{});
  const Ref<Middle> middle = w.spawn("middle", Middle{hoarder});
  w.spawn("client", Asker{middle}).tell(Go{});
  w.run();
}

struct Prompt {
  int handle(Question) const { return 7; }
};
/// Gives up after a second.
struct Impatient {
  Ref<Prompt> prompt;
  bool gave_up = false;
  void handle(Go) { gave_up = !prompt.ask(Question{}, 1s); }
};
inline void too_late(World& w) {
  const Ref<Prompt> prompt = w.spawn("prompt", Prompt{});
  const Ref<Impatient> client = w.spawn("client", Impatient{prompt});
  w.always("answered", [&] { return !w.peek(client).gave_up; });
  client.tell(Go{});
  w.run();
}

}  // namespace orrery::testing::story
