// A program to be looked at in a debugger: actors that stand in all the states that gdb's commands tell apart, in the world
// that its argument names.
#include <orrery/actor.hpp>
#include <orrery/sim/run.hpp>
#include <orrery/sim/strategy.hpp>
#include <orrery/sim/world.hpp>
#include <orrery/supervision.hpp>
#include <orrery/system.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace subject {

using namespace std::chrono_literals;
using namespace orrery;

struct GetBalance {
  using Reply = int;
};
struct Deposit {
  int amount;
  std::string from;
};
struct Open {};

/// Sleeps in its handler, so that mail gathers.
struct Account {
  int balance = 0;
  int handle(GetBalance, Context& context) {
    context.sleep(24h);
    return balance;
  }
  void handle(Deposit m) { balance += m.amount; }
};

struct Teller {
  Ref<Account> account;
  int asked = 0;
  int ask_for_balance() {
    ++asked;
    const auto balance = account.ask(GetBalance{}, 48h);
    return balance.value_or(-1);
  }
  void handle(Open) { asked += ask_for_balance(); }
};

/// Waits for a place in the mailbox of the full one.
struct Pusher {
  Ref<Account> full;
  void handle(Open) { (void)full.tell(Deposit{.amount = 7, .from = "pusher"}); }
};

struct Idle {
  bool is_idle = true;
  void handle(Open) {}
};

/// Stands before its send while its twin is run, in a simulation that wants it so.
struct Twin {
  Ref<Idle> idle;
  void handle(Open) { (void)idle.tell(Open{}); }
};

/// Where the debugger stops.
[[gnu::noinline]] void settled() { asm volatile("" ::: "memory"); }

void wire(Runtime& runtime) {
  const auto account = runtime.spawn("account", Account{.balance = 100}).value();
  const auto teller = runtime.spawn("teller", Teller{.account = account}).value();
  (void)teller.tell(Open{});
  const auto idle = runtime.spawn("idle", Idle{}).value();
  for (const auto* name : {"left", "right"}) (void)runtime.spawn(name, Twin{.idle = idle}).value().tell(Open{});
}

void fill(Runtime& runtime) {
  const auto account = runtime.find<Account>("account").value();
  (void)account.tell(Deposit{.amount = 1, .from = "a"});
  (void)account.tell(Deposit{.amount = 2, .from = "b"});
  const auto full = runtime.spawn("full", Account{}, {.mailbox = bounded(1, Overflow::suspend)}).value();
  const auto asker = runtime.spawn(Teller{.account = full});
  (void)asker.tell(Open{});
}

void push(Runtime& runtime) {
  const auto full = runtime.find<Account>("full").value();
  (void)full.tell(Deposit{.amount = 3, .from = "c"});
  const auto pusher = runtime.spawn("pusher", Pusher{.full = full}).value();
  (void)pusher.tell(Open{});
  (void)start_supervisor(runtime, "bank", {.children = {child("vault", Idle{})}});
}

}  // namespace subject

int main(int argc, char** argv) {
  using namespace subject;
  const std::string_view world = argc > 1 ? argv[1] : "";
  if (world == "threads") {
    System system{{.threads = 2}};
    // Until so many handlers wait, and nobody runs.
    const auto await_waiting = [&](std::size_t handlers) {
      const auto is_waiting = [](const Activity& one) { return !one.doing.starts_with("in "); };
      while (true) {
        const auto activity = system.activity();
        if (activity.size() == handlers && std::ranges::all_of(activity, is_waiting)) return;
        std::this_thread::sleep_for(1ms);
      }
    };
    wire(system);
    await_waiting(2);
    fill(system);
    await_waiting(4);
    push(system);
    await_waiting(5);
    settled();
    std::_Exit(0);
  }
  if (world == "sim") {
    const auto body = [](sim::World& w) {
      wire(w);
      w.run_for(1ms);
      fill(w);
      w.run_for(1ms);
      push(w);
      w.run_for(1ms);
      settled();
      std::_Exit(0);
    };
    (void)sim::execute(body, [] { return std::make_unique<sim::RandomWalk>(1); }, {});
  }
  std::fputs("subject threads|sim\n", stderr);
  return 2;
}
