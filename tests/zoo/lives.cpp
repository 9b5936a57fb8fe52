// lives.cpp: actors that are looked up, watched, replaced or left while they come and go.
#include "tests/zoo/systems.hpp"

#include <orrery/broker.hpp>

#include <optional>
#include <vector>

namespace orrery::zoo {

namespace {

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
}

}  // namespace orrery::zoo
