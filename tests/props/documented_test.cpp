// Goal:   every line of docs/properties.md compiles and holds.
// Method: the same lines, on the actors that the page begins with, in both worlds.
#include "orrery/broker.hpp"
#include "orrery/props/properties.hpp"
#include "orrery/test.hpp"

#include <gtest/gtest.h>

#include <set>

namespace orrery::documented {
namespace {

using namespace std::chrono_literals;

// The page begins with these.
struct Deposit {
  std::uint32_t number = 0;
  std::uint32_t amount = 0;
};
struct Account {
  std::uint64_t balance = 0;
  void handle(Deposit m) { balance += m.amount; }
};
Account make_account() { return {}; }
SpawnOptions account_options() {
  return {.mailbox = bounded(4, Overflow::reject), .restart = Restart{.intensity = 3, .period = 10s}};
}

constexpr std::uint64_t few = 100;

TEST(Documented, messages_one_by_one) {
  props::check_in_both_worlds(
      [](Runtime& rt, const props::Workload<Deposit>& load) {
        const props::MessageLog<std::uint64_t> log;
        const auto alice = props::spawn_watched(rt, "alice", make_account, props::Watch{log});
        props::start(rt, load, std::vector{alice}, log);
        EXPECT_TRUE(props::comes_to_rest(rt));
        EXPECT_TRUE(props::in_pair_order(log));
        EXPECT_TRUE(props::at_most_once(log));
        EXPECT_TRUE(props::at_least_once(log));
        EXPECT_TRUE(props::exactly_one_effect(log));
        EXPECT_TRUE(props::acknowledged_is_kept(log));
        EXPECT_TRUE(props::letters_are_complete(log, rt, props::number_in_letter<Deposit>("number")));
        EXPECT_TRUE(props::account_adds_up(rt));
      },
      {.runs = few}, {.rounds = 5});
}

TEST(Documented, mailboxes) {
  const props::Stress brief{.rounds = 5};
  const auto check = [&](auto body) { props::check_in_both_worlds(body, {.runs = few}, brief); };
  const auto waiting = SpawnOptions{.mailbox = bounded(4, Overflow::suspend)};
  const std::vector<Priority> mixed{Priority::low, Priority::high, Priority::normal};
  check([](Runtime& rt) { return props::keeps_its_bound<Deposit>(rt, make_account, account_options()); });
  check([=](Runtime& rt) { return props::releases_its_senders<Deposit>(rt, make_account, waiting); });
  check([=](Runtime& rt) { return props::takes_by_priority<Deposit>(rt, make_account, {}, mixed); });
}

TEST(Documented, restarts) {
  const props::Stress brief{.rounds = 5};
  const auto check = [&](auto body) { props::check_in_both_worlds(body, {.runs = few}, brief); };
  const auto dropping = SpawnOptions{.restart = Restart{}, .mail_on_restart = MailOnRestart::drop};
  check([](Runtime& rt) { return props::restart_keeps_mail<Deposit>(rt, make_account, account_options()); });
  check([=](Runtime& rt) { return props::restart_drops_mail<Deposit>(rt, make_account, dropping); });
  check([](Runtime& rt) { return props::restart_resets_state<Deposit>(rt, make_account, account_options()); });
  check([](Runtime& rt) {
    return props::keeps_its_intensity(rt, make_account, account_options(), std::vector<Duration>(5));
  });
}

TEST(Documented, many_together) {
  props::check_in_both_worlds(
      [](Runtime& rt) {
        const props::MessageLog<int> log;
        log.published(1, "press", {"alice", "bob"});
        log.begun(1, "alice");
        log.begun(1, "bob");
        EXPECT_TRUE(props::reaches_everybody(log));
        const std::vector nodes{rt.spawn(make_account()), rt.spawn(make_account()), rt.spawn(make_account())};
        EXPECT_TRUE(props::converges(rt, nodes, 2, [](const auto& survivors) { return survivors.size() >= 2; }));
      },
      {.runs = few}, {.rounds = 5});
}

TEST(Documented, inputs) {
  sim::check(
      [](sim::World& w, const props::Workload<Deposit>& load, const props::Faults& faults,
         props::Between<1, 3> tellers) {
        const props::MessageLog<std::uint64_t> log;
        std::vector<Ref<Account>> accounts;
        for (std::int64_t i = 0; i < tellers; ++i) accounts.push_back(w.spawn(make_account()));
        w.arm(faults.on({"sender-0", "sender-1"}));
        props::start(w, load, accounts, log);
        w.run();
        EXPECT_TRUE(props::in_pair_order(log));
      },
      {.runs = few});
  sim::check(
      [](sim::World& w, const props::Cluster& shape) {
        const auto server = w.spawn(make_account());
        const auto to_server = props::link<Deposit>(w, shape, 0, 1, server);
        EXPECT_TRUE(to_server.tell(Deposit{}));
        w.run();
      },
      {.runs = few});
}

}  // namespace
}  // namespace orrery::documented
