// mail.cpp: mail that is sent again, undone, or put aside, and means something else by then.
#include "tests/zoo/systems.hpp"

#include <string>
#include <vector>

namespace orrery::zoo {

namespace {

using namespace std::chrono_literals;

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

void add_mail(std::vector<Program>& programs) {
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
