// waits.cpp: actors that wait for each other in a ring, and some that never wait and never end.
#include "tests/zoo/systems.hpp"

#include <optional>

namespace orrery::zoo {

namespace {

// ---- three services, each of which asks the next -----------------------------------------------------------------------

/// `hops` more services take part in the answer.
struct Check {
  using Reply = int;
  int hops = 0;
};
struct Service;
struct Neighbour {
  Ref<Service> next;
};
struct Service {
  bool passes_on = false;  ///< lets the next one answer, in place of waiting for it
  std::optional<Ref<Service>> next{};
  void handle(Neighbour m) { next = m.next; }
  Answer<int> handle(Check m, Context& context) {
    if (m.hops == 0) return 1;
    if (passes_on) {
      context.forward(Check{m.hops - 1}, *next);
      return elsewhere;
    }
    return next->ask(Check{m.hops - 1}, no_timeout).value_or(0) + 1;
  }
};
struct Visitor {
  Ref<Service> service;
  void handle(Go) const { (void)service.ask(Check{1}, no_timeout); }
};

sim::Body three_services(bool passes_on) {
  return [passes_on](sim::World& w) {
    std::vector<Ref<Service>> services;
    for (const char* name : {"billing", "orders", "stock"}) services.push_back(w.spawn(name, Service{passes_on}));
    for (std::size_t i = 0; i < 3; ++i) services[i].tell(Neighbour{services[(i + 1) % 3]});
    w.run();
    for (int i = 0; i < 3; ++i) start_late(w, 3 * i, w.spawn(Visitor{services[static_cast<std::size_t>(i)]}));
    w.run();
  };
}

// ---- two that wait for a place in each other's mailbox -----------------------------------------------------------------

struct Parcel {};
struct Depot;
struct Partner {
  Ref<Depot> depot;
};
struct Depot {
  int parcels = 0;
  std::optional<Ref<Depot>> partner{};
  void handle(Partner m) { partner = m.depot; }
  void handle(Parcel) {}
  void handle(Go) const {
    for (int i = 0; i < parcels; ++i) partner->tell(Parcel{});
  }
};

sim::Body full_mailboxes(std::uint32_t capacity) {
  return [capacity](sim::World& w) {
    const SpawnOptions options{.mailbox = bounded(capacity, Overflow::suspend)};
    const auto east = w.spawn("east", Depot{3}, options);
    const auto west = w.spawn("west", Depot{3}, options);
    east.tell(Partner{west});
    west.tell(Partner{east});
    w.run();
    start(east);
    start_late(w, 4, west);
    w.run();
  };
}

// ---- two routers, each of which believes that the other has it ---------------------------------------------------------

struct Router;
struct Peer {
  Ref<Router> router;
};
struct Moved {
  bool here = false;
  int version = 0;
};
struct Packet {};
struct Router {
  bool compares = false;
  bool here = false;
  int version = 0;
  int delivered = 0;
  std::optional<Ref<Router>> peer{};
  void handle(Peer m) { peer = m.router; }
  void handle(Moved m) {
    if (compares && m.version <= version) return;
    here = m.here;
    version = m.version;
  }
  void handle(Packet m) {
    if (here) {
      ++delivered;
    } else {
      peer->tell(m);
    }
  }
};
/// Moves what the packets are for, and says so to both routers.
struct Operator {
  Ref<Router> to;
  Ref<Router> from;
  int version = 0;
  void handle(Go) const {
    to.tell(Moved{true, version});
    from.tell(Moved{false, version});
  }
};
struct Sender {
  Ref<Router> router;
  void handle(Go) const { router.tell(Packet{}); }
};

sim::Body routing_loop(bool compares) {
  return [compares](sim::World& w) {
    const auto a = w.spawn("a", Router{compares, true});
    const auto b = w.spawn("b", Router{compares, false});
    a.tell(Peer{b});
    b.tell(Peer{a});
    w.run();
    Start{w.spawn(Operator{b, a, 1}), w.spawn(Operator{a, b, 2}), w.spawn(Sender{a})};
    w.run();
  };
}

}  // namespace

void add_waits(std::vector<Program>& programs) {
  programs.push_back({.name = "three_services",
                      .bug = "billing asks orders, orders asks stock, stock asks billing, all at the same time",
                      .source = "ring of asks that closes under one order only",
                      .found = "billing --ask Check--> orders",
                      .body = three_services(false),
                      .options = without_stalls()});
  programs.push_back({.name = "three_services_passing_on",
                      .bug = "",
                      .source = "control of three_services: the next one answers in place of who was asked",
                      .found = "",
                      .body = three_services(true)});
  programs.push_back({.name = "full_mailboxes",
                      .bug = "two actors wait for a place in each other's mailbox",
                      .source = "ring of suspended senders",
                      .found = "east --waits to send Parcel--> west",
                      .body = full_mailboxes(2)});
  programs.push_back({.name = "full_mailboxes_with_room",
                      .bug = "",
                      .source = "control of full_mailboxes: one place more",
                      .found = "",
                      .body = full_mailboxes(3)});
  sim::RunOptions short_runs;
  short_runs.operations_max = 200;
  programs.push_back({.name = "routing_loop",
                      .bug = "two moves are heard of in different orders, and a packet goes to and fro for ever",
                      .source = "livelock by routing tables that disagree",
                      .found = "operation budget",
                      .body = routing_loop(false),
                      .options = short_runs});
  programs.push_back({.name = "routing_loop_versions",
                      .bug = "",
                      .source = "control of routing_loop: the newer move counts, whichever is heard of first",
                      .found = "",
                      .body = routing_loop(true),
                      .options = short_runs});
}

}  // namespace orrery::zoo
