// brokers.cpp: mail that is acknowledged, repeated, dropped, overtaken, or counted for one who has left.
#include "tests/zoo/systems.hpp"

#include <orrery/broker.hpp>
#include <orrery/supervision.hpp>

#include <optional>
#include <set>
#include <string>

namespace orrery::zoo {

namespace {

// ---- acknowledged, and not yet written down ----------------------------------------------------------------------------

struct Append {
  using Reply = void;
  int number = 0;
};
struct Length {
  using Reply = std::size_t;
};
struct Log {
  std::set<int> numbers{};
  std::size_t handle(Length) const { return numbers.size(); }
  void handle(Append m) { numbers.insert(m.number); }
};
struct Offer {
  using Reply = bool;
  int number = 0;
};
struct Queue {
  Ref<Log> log;
  bool writes_first = false;
  Answer<bool> handle(Offer m, Context& context) const {
    auto offer = context.open_ask<Offer>();
    if (!writes_first) offer.answer(true);
    if (log.ask(Length{}, no_timeout).value() < 10) (void)log.ask(Append{m.number}, no_timeout);
    if (writes_first) offer.answer(true);
    return elsewhere;
  }
};
struct Producer {
  Ref<Queue> queue;
  int number = 0;
  bool acknowledged = false;
  void handle(Go) { acknowledged = queue.ask(Offer{number}, no_timeout).value_or(false); }
};
struct Killer {
  Ref<Queue> queue;
  void handle(Go, Context& context) const { context.runtime().kill(queue); }
};

sim::Body acknowledge(bool writes_first) {
  return [writes_first](sim::World& w) {
    const auto log = w.spawn("log", Log{});
    const auto queue = w.spawn("queue", Queue{log, writes_first});
    std::vector<Ref<Producer>> producers;
    for (int i = 0; i < 2; ++i) producers.push_back(w.spawn(Producer{queue, i}));
    for (const auto& producer : producers) start(producer);
    start_late(w, 8, w.spawn(Killer{queue}));
    w.run();
    for (const auto& producer : producers) {
      const Producer& one = w.peek(producer);
      if (one.acknowledged && !w.peek(log).numbers.contains(one.number)) w.fail("an acknowledged message is lost");
    }
  };
}

// ---- handled again, and applied again ----------------------------------------------------------------------------------

struct Pay {
  static constexpr auto delivery = Delivery::at_least_once;
  int order = 0;
};
struct Charge {
  using Reply = void;
  int order = 0;
};
struct Card {
  bool remembers = false;
  std::set<int> seen{};
  int charges = 0;
  void handle(Charge m) {
    if (seen.insert(m.order).second || !remembers) ++charges;
  }
};
struct Payments {
  Ref<Card> card;
  void handle(Pay m) const { (void)card.ask(Charge{m.order}, no_timeout); }
};
struct Cashier {
  Ref<Payments> payments;
  void handle(Go) const { payments.tell(Pay{1}); }
};
/// Has the payments fail in the middle of what they do.
struct Trouble {
  Ref<Payments> payments;
  void handle(Go, Context& context) const { context.exit(payments, ExitReason::custom("trouble")); }
};

sim::Body pay(bool remembers) {
  return [remembers](sim::World& w) {
    const auto card = w.spawn("card", Card{remembers});
    (void)start_supervisor(w, "till", {.children = {child("payments", Payments{card})}});
    const auto payments = w.find<Payments>("till/payments").value();
    start(w.spawn(Cashier{payments}));
    start_late(w, 4, w.spawn(Trouble{payments}));
    w.run();
    if (w.peek(card).charges > 1) w.fail("charged twice");
  };
}

// ---- a subscriber that has left ----------------------------------------------------------------------------------------

struct Vote {};
struct Close {
  using Reply = int;
};
struct Voters {
  Broker broker;
  bool looks = false;
  std::optional<TopicSubscription> subscription{};
  int votes = 0;
  bool closed = false;
  void on_start(Context& context) { subscription = broker.subscribe<Vote>("votes", context.self(*this)).value(); }
  void handle(Vote) {
    if (!looks || !closed) ++votes;
  }
  int handle(Close) {
    broker.unsubscribe(*subscription);
    closed = true;
    return votes;
  }
};
struct Voter {
  Broker broker;
  void handle(Go) { (void)broker.publish("votes", Vote{}); }
};
struct Chair {
  Ref<Voters> voters;
  std::optional<int> result{};
  void handle(Go) { result = voters.ask(Close{}, no_timeout).value(); }
};

sim::Body election(bool looks) {
  return [looks](sim::World& w) {
    const Broker broker{w};
    const auto voters = w.spawn("voters", Voters{broker, looks});
    w.run();
    const auto chair = w.spawn("chair", Chair{voters});
    Start{w.spawn(Voter{broker}), w.spawn(Voter{broker}), chair};
    w.run();
    if (w.peek(voters).votes != w.peek(chair).result) w.fail("a vote was counted after the end");
  };
}

// ---- a full mailbox that drops the wrong thing -------------------------------------------------------------------------

struct Prepare {};
struct Commit {};
struct Sample {};
struct Participant {
  int prepared = 0;
  int committed = 0;
  void handle(Prepare) { ++prepared; }
  void handle(Commit) { ++committed; }
  void handle(Sample) {}
};
struct Coordinator {
  Ref<Participant> participant;
  bool assured = false;
  void handle(Go) const {
    participant.tell(Prepare{});
    participant.tell(Commit{}, {.delivery = assured ? Delivery::at_least_once : Delivery::at_most_once});
  }
};
struct Meter {
  Ref<Participant> participant;
  void handle(Go) const {
    for (int i = 0; i < 3; ++i) participant.tell(Sample{});
  }
};

sim::Body commit(bool assured) {
  return [assured](sim::World& w) {
    const auto participant = w.spawn("participant", Participant{}, {.mailbox = bounded(3, Overflow::drop_oldest)});
    Start{w.spawn(Coordinator{participant, assured}), w.spawn(Meter{participant})};
    w.run();
    if (w.peek(participant).committed == 0) w.fail("the commit is lost");
  };
}

// ---- an urgent message that comes before what it is to end ---------------------------------------------------------------

struct Deposit {};
struct PayOut {
  static constexpr auto priority = Priority::critical;
};
struct PayOutInTurn {};
struct Account {
  int balance = 0;
  std::optional<int> paid_out{};
  void handle(Deposit) { ++balance; }
  void handle(PayOut) { paid_out = balance; }
  void handle(PayOutInTurn) { paid_out = balance; }
};
struct Saver {
  Ref<Account> account;
  bool in_turn = false;
  void handle(Go) const {
    account.tell(Deposit{});
    if (in_turn) {
      account.tell(PayOutInTurn{});
    } else {
      account.tell(PayOut{});
    }
  }
};

sim::Body pay_out(bool in_turn) {
  return [in_turn](sim::World& w) {
    const auto account = w.spawn("account", Account{});
    start(w.spawn(Saver{account, in_turn}));
    w.run();
    if (w.peek(account).paid_out != 1) w.fail("a deposit was overtaken");
  };
}

}  // namespace

void add_brokers(std::vector<Program>& programs) {
  programs.push_back({.name = "acknowledged_early",
                      .bug = "a queue acknowledges a message before it has written it down, and is killed in between",
                      .source = "acknowledgement before persistence",
                      .found = "an acknowledged message is lost",
                      .body = acknowledge(false)});
  programs.push_back({.name = "acknowledged_late",
                      .bug = "",
                      .source = "control of acknowledged_early: written down first",
                      .found = "",
                      .body = acknowledge(true)});
  programs.push_back({.name = "charged_twice",
                      .bug = "a payment that failed half-way is handled again, and charges again",
                      .source = "at_least_once without deduplication",
                      .found = "charged twice",
                      .body = pay(false)});
  programs.push_back({.name = "charged_once",
                      .bug = "",
                      .source = "control of charged_twice: the card remembers what it was charged for",
                      .found = "",
                      .body = pay(true)});
  programs.push_back({.name = "late_vote",
                      .bug = "a vote that lay in the mailbox at the end of the subscription is counted",
                      .source = "unsubscribe does not take mail back",
                      .found = "a vote was counted after the end",
                      .body = election(false)});
  programs.push_back({.name = "commit_dropped",
                      .bug = "samples push a commit out of a full mailbox",
                      .source = "drop_oldest knows no importance",
                      .found = "the commit is lost",
                      .body = commit(false)});
  programs.push_back({.name = "commit_assured",
                      .bug = "",
                      .source = "control of commit_dropped: the commit is sent at_least_once",
                      .found = "",
                      .body = commit(true)});
  programs.push_back({.name = "urgent_pay_out",
                      .bug = "an urgent order to pay out overtakes the deposit before it",
                      .source = "priorities and order",
                      .found = "a deposit was overtaken",
                      .body = pay_out(false)});
}

}  // namespace orrery::zoo
