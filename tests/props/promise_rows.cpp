// promise_rows.cpp: systems that keep, and do not keep, what is promised about messages one by one.
#include "orrery/props/faults.hpp"
#include "orrery/props/letters.hpp"
#include "orrery/props/promises.hpp"
#include "orrery/props/watched.hpp"
#include "orrery/props/workload.hpp"

#include "tests/props/property_table.hpp"

#include <array>
#include <memory>
#include <set>

namespace orrery::props_tests {
namespace {

using namespace std::chrono_literals;
using props::Faults;
using props::MessageLog;
using props::Watch;
using props::Watched;
using Log = MessageLog<std::uint64_t>;
using Load = props::Workload<Deposit, props::WorkloadLimits{.senders = 3, .targets = 2, .burst = 3, .pause_ms = 5}>;
using CrashesAndPauses = props::FaultsWithin<props::FaultLimits{.faults = 2, .nth = 6, .slow_ms = 20, .kinds = 2}>;
using Crashes = props::FaultsWithin<props::FaultLimits{.faults = 2, .nth = 6, .kinds = 1}>;

inline constexpr Restart often{.intensity = 100, .period = 1h};

// ---- order --------------------------------------------------------------------------------------------------------------

testing::AssertionResult two_accounts_in_order(Runtime& rt, const Load& load) {
  const Log log;
  const Watch watch{log};
  const std::vector accounts{props::spawn_watched(rt, "alice", make_account, watch),
                             props::spawn_watched(rt, "bob", make_account, watch)};
  props::start(rt, load, accounts, log);
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::in_pair_order(log);
}

/// Passes on to one of two, in turn.
template <class To>
struct Balancer {
  std::array<To, 2> to;
  std::size_t next = 0;
  void handle(Deposit m, Context& context) { (void)context.forward(m, to[next++ % 2]); }
};
struct Relay {
  Recipient<Deposit> to;
  void handle(Deposit m, Context& context) { (void)context.forward(m, to); }
};
testing::AssertionResult order_through_a_balancer(Runtime& rt, const Load& load) {
  const Log log;
  const Watch watch{log};
  const auto account = props::spawn_watched(rt, "alice", make_account, watch);
  const auto one = rt.spawn(Relay{account});
  const auto two = rt.spawn(Relay{account});
  const auto balancer = rt.spawn("balancer", Balancer<Ref<Relay>>{{one, two}});
  props::start(rt, load, std::vector{balancer.value()}, log);
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::in_pair_order(log);
}

/// Books two deposits together, the second first.
struct Batcher {
  Log log;
  std::vector<Deposit> batch;
  void handle(Deposit m, Context& context) {
    batch.push_back(m);
    if (batch.size() < 2) return;
    for (; !batch.empty(); batch.pop_back()) log.begun(batch.back().number, context);
  }
};
testing::AssertionResult order_in_a_batch(Runtime& rt, const Load& load) {
  const Log log;
  const auto account = rt.spawn("alice", Batcher{log, {}});
  props::start(rt, load, std::vector{account.value()}, log);
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::in_pair_order(log);
}

// ---- at most once -------------------------------------------------------------------------------------------------------

struct Transfer {
  using Reply = void;
  std::uint32_t number = 0;
};
/// A teller at another bank: now and then it takes a while.
struct SlowBank {
  void handle(Transfer m, Context& context) { context.sleep(std::chrono::milliseconds{m.number % 3 * 4}); }
};
struct GiveOrders {
  std::uint32_t count;
};
template <bool sends_again>
struct Customer {
  Ref<Watched<SlowBank>> bank;
  Log log;
  void handle(GiveOrders m, Context& context) {
    for (std::uint32_t i = 0; i < m.count; ++i) {
      const auto done = log.ask(context, bank, Transfer{i}, i, 6ms);
      if (!done && sends_again) (void)log.ask(context, bank, Transfer{i}, i, 1s);
    }
  }
};
template <bool sends_again>
testing::AssertionResult transfers_happen_once(Runtime& rt, props::Between<1, 4> orders) {
  const Log log;
  const auto bank = props::spawn_watched(rt, "bank", [] { return SlowBank{}; }, Watch{log});
  rt.spawn(Customer<sends_again>{bank, log}).tell(GiveOrders{static_cast<std::uint32_t>(orders)});
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::at_most_once(log);
}

// ---- at least once ------------------------------------------------------------------------------------------------------

template <Delivery how>
struct Order {
  static constexpr Delivery delivery = how;
  std::uint32_t number = 0;
};
template <Delivery how>
struct Shop {
  std::uint64_t orders = 0;
  void handle(Order<how>) { ++orders; }
};
template <Delivery how, int intensity>
testing::AssertionResult orders_arrive(Runtime& rt, const props::Workload<Order<how>>& load,
                                       const CrashesAndPauses& faults) {
  const Log log;
  const Watch watch{log};
  watch.follow(faults.on({"shop"}), "shop");
  const auto shop =
      props::spawn_watched(rt, "shop", [] { return Shop<how>{}; }, watch, {.restart = Restart{intensity, 1h}});
  props::start(rt, load, std::vector{shop}, log);
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::at_least_once(log);
}

// ---- one effect ---------------------------------------------------------------------------------------------------------

using Entry = Order<Delivery::at_least_once>;
/// Writes each entry once. What it knows of is in a store that outlives it, or is forgotten with it.
template <bool remembers>
struct Book {
  Log effects;
  std::shared_ptr<std::set<std::uint32_t>> store;  ///< stands for a disk
  std::set<std::uint32_t> own;
  void handle(Entry m, Context& context) {
    if (!(remembers ? *store : own).insert(m.number).second) return;
    effects.handled(m.number, context);
  }
};
template <bool remembers>
testing::AssertionResult entries_are_written_once(Runtime& rt, const props::Workload<Entry>& load,
                                                  props::Between<0, 5> fails) {
  const Log effects;
  const Watch watch;
  watch.crash_on(static_cast<std::uint64_t>(fails), props::Place::after);
  const auto store = std::make_shared<std::set<std::uint32_t>>();
  const auto book =
      props::spawn_watched(rt, "book", [=] { return Book<remembers>{effects, store, {}}; }, watch, {.restart = often});
  props::start(rt, load, std::vector{book}, effects);
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::exactly_one_effect(effects);
}

// ---- acknowledged is kept -----------------------------------------------------------------------------------------------

struct Put {
  using Reply = void;
  std::uint32_t number = 0;
};
/// Keeps what it is given; `batch` at a time go to the disk.
struct Store {
  std::shared_ptr<std::set<std::uint64_t>> disk;
  std::size_t batch;
  std::vector<std::uint64_t> memory;
  void handle(Put m) {
    memory.push_back(m.number);
    if (memory.size() < batch) return;
    disk->insert(memory.begin(), memory.end());
    memory.clear();
  }
  void on_stop(Context&) { disk->insert(memory.begin(), memory.end()); }
};
struct Putter {
  Ref<Watched<Store>> store;
  Log log;
  void handle(GiveOrders m, Context& context) {
    for (std::uint32_t i = 0; i < m.count; ++i) (void)log.ask(context, store, Put{i}, i, no_timeout);
  }
};
template <std::size_t batch>
testing::AssertionResult puts_survive(Runtime& rt, props::Between<1, 8> puts, const Crashes& faults) {
  const Log log;
  const Watch watch{log};
  watch.follow(faults.on({"store"}), "store");
  const auto disk = std::make_shared<std::set<std::uint64_t>>();
  const auto store =
      props::spawn_watched(rt, "store", [=] { return Store{disk, batch, {}}; }, watch, {.restart = often});
  rt.spawn(Putter{store, log}).tell(GiveOrders{static_cast<std::uint32_t>(puts)});
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  (void)rt.stop(store);  // an orderly end: what is in memory goes to the disk
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::acknowledged_is_kept(log, [&](std::uint64_t number) { return disk->contains(number); });
}
/// Says yes before it writes.
struct Eager {
  Log log;
  std::optional<Put> later;
  struct Write {};
  void handle(Put m, Context& context) {
    later = m;
    context.self(*this).tell(Write{});
  }
  void handle(Write, Context& context) {
    if (later) log.handled(later->number, context);
  }
};
struct EagerPutter {
  Ref<Eager> store;
  Log log;
  void handle(GiveOrders m, Context& context) {
    for (std::uint32_t i = 0; i < m.count; ++i) (void)log.ask(context, store, Put{i}, i, no_timeout);
  }
};
testing::AssertionResult eager_puts(Runtime& rt, props::Between<1, 4> puts) {
  const Log log;
  const auto store = rt.spawn(Eager{log, {}});
  rt.spawn(EagerPutter{store, log}).tell(GiveOrders{static_cast<std::uint32_t>(puts)});
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::acknowledged_is_kept(log);
}

// ---- dead letters -------------------------------------------------------------------------------------------------------

/// Ends after so many deposits.
struct ShortLived {
  std::uint32_t left;
  void handle(Deposit, Context& context) {
    if (left-- == 1) context.stop();
  }
};
testing::AssertionResult what_comes_too_late(Runtime& rt, const Load& load, props::Between<1, 10> life) {
  const Log log;
  const auto account =
      props::spawn_watched(rt, "alice", [life] { return ShortLived{static_cast<std::uint32_t>(life)}; }, Watch{log});
  props::start(rt, load, std::vector{account}, log);
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::letters_are_complete(log, rt, props::number_in_letter<Deposit>("number"));
}
/// A guard in front of an account that sheds load, and says so to nobody.
struct Guard {
  Recipient<Deposit> to;
  Instant newest{};
  std::uint32_t together = 0;
  void handle(Deposit m, Context& context) {
    together = context.now() == newest ? together + 1 : 0;
    newest = context.now();
    if (together < 3) (void)context.forward(m, to);
  }
};
testing::AssertionResult what_a_guard_sheds(Runtime& rt, const Load& load) {
  const Log log;
  const auto account = props::spawn_watched(rt, "alice", make_account, Watch{log});
  const auto guard = rt.spawn("guard", Guard{account});
  props::start(rt, load, std::vector{guard.value()}, log);
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::letters_are_complete(log, rt, props::number_in_letter<Deposit>("number"));
}

}  // namespace

std::vector<Row> promise_rows() {
  std::vector<Row> rows;
  rows.push_back({"in_pair_order",
                  make_case("accounts are told directly", two_accounts_in_order),
                  {make_case("a balancer stands between", order_through_a_balancer),
                   make_case("an account books in batches, newest first", order_in_a_batch)}});
  rows.push_back({"at_most_once",
                  make_case("who asks in vain gives up", transfers_happen_once<false>),
                  {make_case("who asks in vain asks again", transfers_happen_once<true>)}});
  rows.push_back({"at_least_once",
                  make_case("orders are at_least_once", orders_arrive<Delivery::at_least_once, 100>),
                  {make_case("orders are at_most_once", orders_arrive<Delivery::at_most_once, 100>),
                   make_case("the shop may be restarted only once", orders_arrive<Delivery::at_least_once, 1>)}});
  rows.push_back({"exactly_one_effect",
                  make_case("the book remembers in its store", entries_are_written_once<true>),
                  {make_case("the book forgets when it fails", entries_are_written_once<false>)}});
  rows.push_back({"acknowledged_is_kept",
                  make_case("the store writes before it answers", puts_survive<1>),
                  {make_case("the store writes two at a time", puts_survive<2>),
                   make_case("the store answers, and writes later", eager_puts)}});
  rows.push_back({"letters_are_complete",
                  make_case("an account ends with mail waiting", what_comes_too_late),
                  {make_case("a guard sheds load in silence", what_a_guard_sheds)}});
  return rows;
}

}  // namespace orrery::props_tests
