// supervision.cpp: what a restart, an end, or the news of one can take along.
#include "tests/zoo/systems.hpp"

#include <orrery/supervision.hpp>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>

namespace orrery::zoo {

namespace {

// ---- jobs that were accepted and wait, when their worker is restarted --------------------------------------------------

struct Job {
  int number = 0;
  bool is_poison = false;
};
struct Done {
  int number = 0;
};
struct Ledger {
  std::map<int, int> done{};
  void handle(Done m) { ++done[m.number]; }
};
struct Worker {
  Ref<Ledger> ledger;
  void handle(Job m) const {
    if (m.is_poison) throw std::runtime_error{"poison"};
    ledger.tell(Done{m.number});
  }
};
struct Client {
  Ref<Worker> worker;
  std::vector<Job> jobs{};
  int accepted = 0;
  void handle(Go) {
    for (const Job& job : jobs) accepted += worker.tell(job).has_value() && !job.is_poison ? 1 : 0;
  }
};

sim::Body mail_dropped(MailOnRestart mail) {
  return [mail](sim::World& w) {
    const auto ledger = w.spawn("ledger", Ledger{});
    (void)start_supervisor(w, "pool", {.children = {child("worker", Worker{ledger}, {.mail_on_restart = mail})}});
    const auto worker = w.find<Worker>("pool/worker").value();
    const auto first = w.spawn("first", Client{worker, {{1, false}, {2, false}}});
    const auto second = w.spawn("second", Client{worker, {{3, true}}});
    start(first);
    start_late(w, 4, second);
    w.run();
    if (w.peek(ledger).done.size() != static_cast<std::size_t>(w.peek(first).accepted))
      w.fail("an accepted job is lost");
  };
}

// ---- a child that is restarted and has forgotten what it said it knew --------------------------------------------------

struct Put {
  using Reply = bool;
  int key = 0;
};
struct Get {
  using Reply = bool;
  int key = 0;
};
struct Break {};
struct Save {
  int key = 0;
};
struct Load {
  using Reply = std::vector<int>;
};
struct Disk {
  std::vector<int> keys{};
  void handle(Save m) { keys.push_back(m.key); }
  std::vector<int> handle(Load) const { return keys; }
};
struct Table {
  Ref<Disk> disk;
  bool saves_first = false;
  std::vector<int> keys{};
  void on_start(Context&) { keys = disk.ask(Load{}, no_timeout).value(); }
  bool handle(Put m, Context& context) {
    keys.push_back(m.key);
    if (saves_first) {
      disk.tell(Save{m.key});
    } else {
      context.self(*this).tell(Save{m.key});  // when there is time
    }
    return true;
  }
  void handle(Save m) const { disk.tell(m); }
  bool handle(Get m) const { return std::ranges::find(keys, m.key) != keys.end(); }
  void handle(Break) const { throw std::runtime_error{"broken"}; }
};
struct Owner {
  sim::World* world;
  Ref<Table> table;
  void handle(Go) const {
    if (!table.ask(Put{1}, no_timeout).value_or(false)) return;  // not promised
    if (const auto there = table.ask(Get{1}, no_timeout); there && !*there)
      world->fail("forgotten although acknowledged");
  }
};
struct Vandal {
  Ref<Table> table;
  void handle(Go) const { table.tell(Break{}); }
};

sim::Body forgetful(bool saves_first) {
  return [saves_first](sim::World& w) {
    const auto disk = w.spawn("disk", Disk{});
    (void)start_supervisor(
        w, "data", {.children = {child("table", Table{disk, saves_first}, {.mail_on_restart = MailOnRestart::drop})}});
    const auto table = w.find<Table>("data/table").value();
    Start{w.spawn(Owner{&w, table}), w.spawn(Vandal{table})};
    w.run();
  };
}

// ---- the news of an end that comes after the successor -----------------------------------------------------------------

struct Server;
struct Register {
  using Reply = void;
  ActorId id{};
  Ref<Server> server{};
};
struct Retire {};
struct Registry {
  bool compares = false;
  std::optional<ActorId> holder{};
  void handle(Register m, Context& context);
  void handle(Down m) {
    if (!compares || holder == m.who) holder.reset();
  }
};
struct Server {
  Ref<Registry> registry;
  void handle(Go, Context& context) { (void)registry.ask(Register{context.id(), context.self(*this)}, no_timeout); }
  void handle(Retire, Context& context) { context.stop(); }
};
void Registry::handle(Register m, Context& context) {
  holder = m.id;
  context.watch(*this, m.server);
}
/// Puts the new server in the place of the old one, which it has told to go.
struct Deployer {
  Ref<Server> old;
  Ref<Usher> fresh;
  void handle(Go) const {
    old.tell(Retire{});
    start(fresh);
  }
};

sim::Body stale_watch(bool compares) {
  return [compares](sim::World& w) {
    const auto registry = w.spawn("registry", Registry{compares});
    const auto old = w.spawn("old", Server{registry});
    const auto fresh = w.spawn("fresh", Server{registry});
    start(old);
    w.run();
    start(w.spawn(Deployer{old, w.spawn(Usher{3, Recipient<Go>{fresh.value()}})}));
    w.run();
    if (!w.peek(registry).holder) w.fail("the new server is not registered");
  };
}

// ---- more restarts than the tree allows, if the orders come before what they need --------------------------------------

struct Configure {};
struct Order {};
struct Shop {
  bool configured = false;
  void handle(Configure) { configured = true; }
  void handle(Order) const {
    if (!configured) throw std::runtime_error{"an order before the configuration"};
  }
};
struct Boss {
  std::vector<Ref<Shop>> shops;
  void handle(Go) const {
    for (const Ref<Shop>& shop : shops) shop.tell(Configure{});
  }
};
struct Buyer {
  Ref<Shop> shop;
  void handle(Go) const { shop.tell(Order{}); }
};

sim::Body intensity(int allowed) {
  return [allowed](sim::World& w) {
    const auto tree =
        start_supervisor(
            w, "mall", {.intensity = allowed, .children = {child("a", Shop{}), child("b", Shop{}), child("c", Shop{})}})
            .value();
    std::vector<Ref<Shop>> shops;
    for (const char* name : {"mall/a", "mall/b", "mall/c"}) shops.push_back(w.find<Shop>(name).value());
    start(w.spawn(Boss{shops}));
    for (const Ref<Shop>& shop : shops) start(w.spawn(Buyer{shop}));
    w.run();
    if (!w.is_living(tree)) w.fail("the tree has ended");
  };
}

}  // namespace

void add_supervision(std::vector<Program>& programs) {
  programs.push_back({.name = "mail_dropped",
                      .bug = "a worker that restarts drops the jobs that it had accepted",
                      .source = "OTP's restart: an empty mailbox",
                      .found = "an accepted job is lost",
                      .body = mail_dropped(MailOnRestart::drop)});
  programs.push_back({.name = "mail_kept",
                      .bug = "",
                      .source = "control of mail_dropped: the mail outlives the restart",
                      .found = "",
                      .body = mail_dropped(MailOnRestart::keep)});
  programs.push_back(
      {.name = "forgetful_child",
       .bug = "a table says yes, is restarted before it has written down what, and does not know it any more",
       .source = "acknowledged before durable; state in a supervised child",
       .found = "forgotten although acknowledged",
       .body = forgetful(false)});
  programs.push_back({.name = "remembering_child",
                      .bug = "",
                      .source = "control of forgetful_child: written down before the answer",
                      .found = "",
                      .body = forgetful(true)});
  programs.push_back({.name = "stale_watch",
                      .bug = "the news that the old server has ended removes the registration of the new one",
                      .source = "proc_reg (K. Claessen et al., Finding Race Conditions in Erlang, ICFP 2009)",
                      .found = "the new server is not registered",
                      .body = stale_watch(false)});
  programs.push_back({.name = "stale_watch_compared",
                      .bug = "",
                      .source = "control of stale_watch: looks whose end it is",
                      .found = "",
                      .body = stale_watch(true)});
  programs.push_back({.name = "restart_intensity",
                      .bug = "three children restart once each, and the tree allows two",
                      .source = "OTP supervisor: restart intensity",
                      .found = "the tree has ended",
                      .body = intensity(2)});
  programs.push_back({.name = "restart_intensity_enough",
                      .bug = "",
                      .source = "control of restart_intensity: the tree allows three",
                      .found = "",
                      .body = intensity(3)});
}

}  // namespace orrery::zoo
