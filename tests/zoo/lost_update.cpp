// lost_update.cpp: who reads in one message and writes in another has nobody's word that nothing came in between.
#include "tests/zoo/systems.hpp"

#include <map>
#include <optional>

namespace orrery::zoo {

namespace {

// ---- a counter that two clients count up -------------------------------------------------------------------------------

struct Get {
  using Reply = int;
};
struct Set {
  int value = 0;
};
struct CompareAndSet {
  using Reply = bool;
  int expected = 0;
  int value = 0;
};

struct Counter {
  int value = 0;
  int handle(Get) const { return value; }
  void handle(Set m) { value = m.value; }
  bool handle(CompareAndSet m) {
    if (value != m.expected) return false;
    value = m.value;
    return true;
  }
};

struct Increment {
  Ref<Counter> counter;
  bool compares = false;
  void handle(Go) const {
    bool done = false;
    while (!done) {
      const int value = counter.ask(Get{}, no_timeout).value();
      if (compares) {
        done = counter.ask(CompareAndSet{value, value + 1}, no_timeout).value();
      } else {
        counter.tell(Set{value + 1});
        done = true;
      }
    }
  }
};

sim::Body count_up(int clients, bool compares) {
  return [clients, compares](sim::World& w) {
    const auto counter = w.spawn("counter", Counter{});
    for (int i = 0; i < clients; ++i) start_late(w, 4 * i, w.spawn(Increment{counter, compares}));
    w.run();
    if (w.peek(counter).value != clients) w.fail("an update is lost");
  };
}

// ---- an account that is not to be overdrawn ----------------------------------------------------------------------------

struct Withdraw {
  int amount = 0;
};

struct Account {
  bool checks = false;
  int balance = 100;
  int handle(Get) const { return balance; }
  void handle(Withdraw m) {
    if (!checks || m.amount <= balance) balance -= m.amount;
  }
};

struct Customer {
  Ref<Account> account;
  void handle(Go) const {
    if (account.ask(Get{}, no_timeout).value() >= 60) account.tell(Withdraw{60});
  }
};

sim::Body overdraw(bool checks) {
  return [checks](sim::World& w) {
    const auto account = w.spawn("account", Account{checks});
    w.always("the balance is not negative", [&] { return w.peek(account).balance >= 0; });
    start(w.spawn(Customer{account}));
    start_late(w, 4, w.spawn(Customer{account}));
    w.run();
  };
}

// ---- transfers that are summed up while they are under way -------------------------------------------------------------

struct Deposit {
  int amount = 0;
};
struct Purse {
  int balance = 100;
  void handle(Deposit m) { balance += m.amount; }
  int handle(Get) const { return balance; }
};

/// Everybody who moves or counts money has the vault's key meanwhile, or not.
struct TakeKey {
  using Reply = void;
};
struct GiveKey {};
struct Vault {
  bool taken = false;
  std::vector<OpenAsk<TakeKey>> waiting;
  void handle(TakeKey, Context& context) {
    waiting.push_back(context.open_ask<TakeKey>());
    next();
  }
  void handle(GiveKey) {
    taken = false;
    next();
  }
  void next() {
    if (taken || waiting.empty()) return;
    taken = true;
    OpenAsk<TakeKey> first = std::move(waiting.front());
    waiting.erase(waiting.begin());
    first.answer();
  }
};

struct Transfer {
  Ref<Purse> from;
  Ref<Purse> to;
  std::optional<Ref<Vault>> vault;
  void handle(Go) const {
    if (vault) (void)vault->ask(TakeKey{}, no_timeout);
    from.tell(Deposit{-30});
    to.tell(Deposit{30});
    if (vault) vault->tell(GiveKey{});
  }
};

struct Auditor {
  sim::World* world;
  std::vector<Ref<Purse>> purses;
  std::optional<Ref<Vault>> vault;
  void handle(Go) const {
    if (vault) (void)vault->ask(TakeKey{}, no_timeout);
    int sum = 0;
    for (const Ref<Purse>& purse : purses) sum += purse.ask(Get{}, no_timeout).value();
    if (vault) vault->tell(GiveKey{});
    if (sum != 300) world->fail("the sum is wrong");
  }
};

sim::Body audit(bool locked) {
  return [locked](sim::World& w) {
    const auto a = w.spawn("a", Purse{});
    const auto b = w.spawn("b", Purse{});
    const auto c = w.spawn("c", Purse{});
    const Ref<Vault> vault = w.spawn<Vault>();
    const auto key = locked ? std::optional{vault} : std::nullopt;
    Start{w.spawn(Transfer{a, b, key}), w.spawn(Transfer{b, c, key}), w.spawn(Auditor{&w, {a, b, c}, key})};
    w.run();
  };
}

// ---- one of a kind, made by whoever comes first ------------------------------------------------------------------------

struct Find {
  using Reply = bool;
};
struct Publish {};
struct FindOrClaim {
  using Reply = bool;
};
struct Made {};

struct Singletons {
  bool is_there = false;
  bool handle(Find) const { return is_there; }
  void handle(Publish) { is_there = true; }
  bool handle(FindOrClaim) { return std::exchange(is_there, true); }
};
struct Factory {
  sim::World* world;
  int made = 0;
  void handle(Made) {
    if (++made > 1) world->fail("made twice");
  }
};
struct User {
  Ref<Singletons> singletons;
  Ref<Factory> factory;
  bool claims = false;
  void handle(Go) const {
    if (claims) {
      if (!singletons.ask(FindOrClaim{}, no_timeout).value()) factory.tell(Made{});
    } else if (!singletons.ask(Find{}, no_timeout).value()) {
      if (singletons.ask(Find{}, no_timeout).value()) return;  // looking again does not help
      factory.tell(Made{});
      singletons.tell(Publish{});
    }
  }
};

sim::Body initialise(bool claims) {
  return [claims](sim::World& w) {
    const auto singletons = w.spawn("singletons", Singletons{});
    const auto factory = w.spawn("factory", Factory{&w});
    for (int i = 0; i < 2; ++i) start_late(w, 6 * i, w.spawn(User{singletons, factory, claims}));
    w.run();
  };
}

}  // namespace

void add_lost_update(std::vector<Program>& programs) {
  programs.push_back({.name = "lost_update",
                      .bug = "two clients ask for a counter and set it to one more",
                      .source = "SCTBench CS.account_bad",
                      .found = "an update is lost",
                      .body = count_up(2, false)});
  programs.push_back({.name = "lost_update_compared",
                      .bug = "",
                      .source = "control of lost_update: compares and sets, until it succeeds; three clients",
                      .found = "",
                      .body = count_up(3, true)});
  programs.push_back({.name = "overdraft",
                      .bug = "two customers look at a balance before they withdraw; the account does not",
                      .source = "check-then-act; SCTBench CS.account_bad",
                      .found = "the balance is not negative",
                      .body = overdraw(false)});
  programs.push_back({.name = "overdraft_checked",
                      .bug = "",
                      .source = "control of overdraft: the account looks, too",
                      .found = "",
                      .body = overdraw(true)});
  programs.push_back({.name = "audit",
                      .bug = "money is summed up while a transfer has left one purse and not reached the other",
                      .source = "non-atomic snapshot; SCTBench CS.stringbuffer has the same form",
                      .found = "the sum is wrong",
                      .body = audit(false)});
  programs.push_back({.name = "audit_locked",
                      .bug = "",
                      .source = "control of audit: whoever moves or counts money holds a key",
                      .found = "",
                      .body = audit(true)});
  programs.push_back({.name = "double_init",
                      .bug = "two users find that something is not there, look again, and make it",
                      .source = "double-checked initialisation, re-expressed with messages",
                      .found = "made twice",
                      .body = initialise(false)});
  programs.push_back({.name = "double_init_claimed",
                      .bug = "",
                      .source = "control of double_init: finding and claiming is one message",
                      .found = "",
                      .body = initialise(true)});
}

}  // namespace orrery::zoo
