// lives.cpp: actors that are looked up, watched, replaced or left while they come and go.
#include "tests/zoo/systems.hpp"

#include <orrery/broker.hpp>
#include <orrery/supervision.hpp>

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace orrery::zoo {

namespace {

using namespace std::chrono_literals;

// ---- a job whose end came before anybody watched it --------------------------------------------------------------------

struct Ran {
  int job = 0;
};
struct Ledger {
  sim::World* world;
  int runs = 0;
  void handle(Ran) {
    if (++runs > 1) world->fail("the job ran twice");
  }
};
struct Job {
  Ref<Ledger> ledger;
  int steps = 3;
  void handle(Go m, Context& context) {
    if (--steps > 0) {
      context.self(*this).tell(m);
      return;
    }
    ledger.tell(Ran{1});
    context.stop();
  }
};
struct Runner {
  Ref<Ledger> ledger;
  bool knows_noproc = false;
  int attempts = 0;
  void handle(Go, Context& context) { begin(context); }
  void begin(Context& context) {
    if (++attempts > 2) return;
    const auto job = context.spawn(Job{ledger});
    start(job);
    context.watch(*this, job);
  }
  void handle(const Down& m, Context& context) {
    const bool ended_well = m.reason == ExitReason::normal() ||
                            (knows_noproc && m.reason == ExitReason::custom("noproc"));  // ended before the watch
    if (!ended_well) begin(context);
  }
};

sim::Body watched_late(bool knows_noproc) {
  return [knows_noproc](sim::World& w) {
    const auto ledger = w.spawn("ledger", Ledger{&w});
    start(w.spawn("runner", Runner{ledger, knows_noproc}));
    w.run();
  };
}

// ---- a name that is looked up, and taken when it is free ---------------------------------------------------------------

struct Service {
  int requests = 0;
  void handle(Ran) { ++requests; }
};
struct Client {
  bool takes_no_for_an_answer = false;
  void handle(Go, Context& context) const {
    Runtime& runtime = context.runtime();
    auto service = runtime.find<Service>("service");
    if (!service) {
      const auto spawned = runtime.spawn("service", Service{});
      if (!spawned && takes_no_for_an_answer) {
        service = runtime.find<Service>("service");
      } else {
        service = spawned.value();  // throws if somebody was faster
      }
    }
    service->tell(Ran{});
  }
};

sim::Body find_then_spawn(bool takes_no_for_an_answer) {
  return [takes_no_for_an_answer](sim::World& w) {
    const auto one = w.spawn("one", Client{takes_no_for_an_answer});
    const auto other = w.spawn("other", Client{takes_no_for_an_answer});
    start(one);
    start_late(w, 3, other);
    w.run();
    if (!w.is_living(one) || !w.is_living(other)) w.fail("a client died of a name");
  };
}

// ---- a member that leaves its group with mail in its box ---------------------------------------------------------------

struct Order {
  int number = 0;
};
struct Depart {};
struct LastOne {};
struct Member {
  Broker broker;
  Ref<Service> desk;
  bool drains = false;
  std::optional<TopicSubscription> subscription{};
  void on_start(Context& context) {
    subscription = broker.subscribe<Order>("orders", context.self(*this), "clerks").value();
  }
  void handle(Order) const { desk.tell(Ran{}); }
  void handle(Depart, Context& context) {
    broker.unsubscribe(*subscription);
    if (drains) {
      context.self(*this).tell(LastOne{});
    } else {
      context.stop();
    }
  }
  void handle(LastOne, Context& context) const { context.stop(); }
};
struct Shop {
  Broker broker;
  int sent = 0;
  void handle(Go) {
    for (int i = 0; i < 3; ++i) sent += broker.publish("orders", Order{i}).delivered > 0 ? 1 : 0;
  }
};
struct Manager {
  Ref<Member> member;
  void handle(Go) const { member.tell(Depart{}); }
};

sim::Body leave_group(bool drains) {
  return [drains](sim::World& w) {
    const Broker broker{w};
    const auto desk = w.spawn("desk", Service{});
    const auto shop = w.spawn("shop", Shop{broker});
    std::vector<Ref<Member>> members;
    for (const char* name : {"a", "b"}) members.push_back(w.spawn(name, Member{broker, desk, drains}));
    w.run();
    start(shop);
    start_late(w, 1, w.spawn(Manager{members[0]}));
    w.run();
    if (w.peek(desk).requests != w.peek(shop).sent) w.fail("an order left with its clerk");
  };
}

// ---- a request that is repeated under another name ---------------------------------------------------------------------

struct Transfer {
  static constexpr auto delivery = Delivery::exactly_once;
  using Reply = int;
  int amount = 0;
};
struct Account {
  int balance = 0;
  int handle(Transfer m) { return balance += m.amount; }
};
struct Payer {
  Ref<Account> account;
  bool keeps_its_id = false;
  void handle(Go) const {
    for (int attempt = 0; attempt < 5; ++attempt) {
      const int name = keeps_its_id ? 0 : attempt;
      if (account.ask(Transfer{10}, {.id = message_id_of("transfer " + std::to_string(name))}, 1s)) return;
    }
  }
};
struct Customer {
  Ref<Account> account;
  void handle(Go) const { account.tell(Transfer{1}, ignore_reply); }
};

sim::Body repeat(bool keeps_its_id) {
  return [keeps_its_id](sim::World& w) {
    const auto account = w.spawn("account", Account{});
    start(w.spawn(Payer{account, keeps_its_id}));
    for (int i = 0; i < 2; ++i) start(w.spawn(Customer{account}));
    w.run();
    if (w.peek(account).balance != 12) w.fail("transferred twice");
  };
}

// ---- a cancellation that is faster than what it cancels ------------------------------------------------------------------

struct Book {
  int trip = 0;
};
struct Cancel {
  int trip = 0;
};
struct Refused {};
struct Hotel {
  bool remembers = false;
  bool booked = false;
  bool cancelled = false;
  void handle(Book) { booked = !(remembers && cancelled); }
  void handle(Cancel) {
    booked = false;
    cancelled = true;
  }
};
struct Agent {
  Ref<Hotel> hotel;
  void handle(Book m) const { hotel.tell(m); }
};
struct Trip;
struct Fly {
  Ref<Trip> trip;
};
struct Airline {
  void handle(Fly m) const;
};
struct Trip {
  Ref<Agent> agent;
  Ref<Hotel> hotel;
  Ref<Airline> airline;
  void handle(Go, Context& context) const {
    agent.tell(Book{1});
    airline.tell(Fly{context.self(*this)});
  }
  void handle(Refused) const { hotel.tell(Cancel{1}); }
};
void Airline::handle(Fly m) const { m.trip.tell(Refused{}); }

sim::Body cancel_a_trip(bool remembers) {
  return [remembers](sim::World& w) {
    const auto hotel = w.spawn("hotel", Hotel{remembers});
    const auto agent = w.spawn("agent", Agent{hotel});
    const auto airline = w.spawn("airline", Airline{});
    start(w.spawn("trip", Trip{agent, hotel, airline}));
    w.run();
    if (w.peek(hotel).booked) w.fail("a cancelled trip is booked");
  };
}

// ---- mail that is put aside --------------------------------------------------------------------------------------------

struct Open {};
struct Number {
  int value = 0;
};
struct Gate {
  bool stashes = false;
  bool open = false;
  std::vector<Number> aside{};
  std::vector<int> seen{};
  void handle(Number m, Context& context) {
    if (open) return seen.push_back(m.value);
    if (stashes) {
      context.stash(m);
    } else {
      aside.push_back(m);
    }
  }
  void handle(Open, Context& context) {
    open = true;
    if (stashes) return context.unstash_all();
    for (const Number& m : aside) context.self(*this).tell(m);  // behind what has come meanwhile
  }
};
struct Counter {
  Ref<Gate> gate;
  void handle(Go) const {
    for (int i = 0; i < 4; ++i) gate.tell(Number{i});
  }
};
struct Opener {
  Ref<Gate> gate;
  void handle(Go) const { gate.tell(Open{}); }
};

sim::Body put_aside(bool stashes) {
  return [stashes](sim::World& w) {
    const auto gate = w.spawn("gate", Gate{stashes});
    start(w.spawn(Counter{gate}));
    start_late(w, 4, w.spawn(Opener{gate}));
    w.run();
    if (w.peek(gate).seen != std::vector{0, 1, 2, 3}) w.fail("the order is lost");
  };
}

}  // namespace

void add_lives(std::vector<Program>& programs) {
  programs.push_back(
      {.name = "watched_late",
       .bug = "a job that has ended well before it was watched is taken for a failed one, and runs again",
       .source = "Erlang's noproc",
       .found = "the job ran twice",
       .body = watched_late(false)});
  programs.push_back({.name = "watched_late_known",
                      .bug = "",
                      .source = "control of watched_late: knows what noproc means",
                      .found = "",
                      .body = watched_late(true)});
  programs.push_back({.name = "find_then_spawn",
                      .bug = "two clients find no service, and both spawn one under its name",
                      .source = "proc_reg (K. Claessen et al., Finding Race Conditions in Erlang, ICFP 2009)",
                      .found = "a client died of a name",
                      .body = find_then_spawn(false)});
  programs.push_back({.name = "find_then_spawn_looks_again",
                      .bug = "",
                      .source = "control of find_then_spawn: who comes too late looks again",
                      .found = "",
                      .body = find_then_spawn(true)});
  programs.push_back({.name = "leaving_member",
                      .bug = "a member of a queue group leaves, and what was sent to it leaves, too",
                      .source = "rebalancing of consumer groups",
                      .found = "an order left with its clerk",
                      .body = leave_group(false)});
  programs.push_back({.name = "leaving_member_drains",
                      .bug = "",
                      .source = "control of leaving_member: handles what it has before it ends",
                      .found = "",
                      .body = leave_group(true)});
  programs.push_back({.name = "id_per_attempt",
                      .bug = "a transfer is tried again under a new id, and so it is no repetition",
                      .source = "idempotency keys; needs a stall",
                      .found = "transferred twice",
                      .body = repeat(false)});
  programs.push_back({.name = "id_kept",
                      .bug = "",
                      .source = "control of id_per_attempt: the same id",
                      .found = "",
                      .body = repeat(true)});
  programs.push_back({.name = "cancel_overtakes",
                      .bug = "a cancellation goes straight to the hotel, and the booking through an agent",
                      .source = "sagas (H. Garcia-Molina, K. Salem, 1987): compensation before the action",
                      .found = "a cancelled trip is booked",
                      .body = cancel_a_trip(false)});
  programs.push_back({.name = "cancel_remembered",
                      .bug = "",
                      .source = "control of cancel_overtakes: the hotel remembers cancellations",
                      .found = "",
                      .body = cancel_a_trip(true)});
  programs.push_back({.name = "put_aside",
                      .bug = "what was put aside is told again, behind what has come meanwhile",
                      .source = "deferred messages without a stash",
                      .found = "the order is lost",
                      .body = put_aside(false)});
  programs.push_back({.name = "put_aside_stashed",
                      .bug = "",
                      .source = "control of put_aside: stash and unstash_all",
                      .found = "",
                      .body = put_aside(true)});
}

}  // namespace orrery::zoo
