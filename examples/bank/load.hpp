// load.hpp: customers who keep all tellers busy, to see the bank at full load in production.
#pragma once
#include "bank.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bank {

struct GoShopping {};
struct HowMany {
  struct Reply {
    std::uint64_t transfers;
    std::uint64_t refused;
  };
};

/// Asks for one transfer after the other until it is stopped: a new round for each message that it sends itself.
struct Customer {
  orrery::Ref<Teller> there;
  orrery::Ref<Teller> back;
  HowMany::Reply count{};
  void handle(GoShopping, orrery::Context& context) {
    constexpr int transfers_per_round = 100;
    for (int i = 0; i < transfers_per_round; ++i) {
      const auto& teller = i % 2 == 0 ? there : back;
      const auto result = teller.ask(Transfer{1}, orrery::no_timeout);
      ++(result ? count.transfers : count.refused);
    }
    context.self(*this).tell(GoShopping{});
  }
  HowMany::Reply handle(HowMany) { return count; }
};

/// One bank whose money goes back and forth between two accounts.
struct Branch {
  orrery::Ref<Account> alice;
  orrery::Ref<Account> bob;
  std::vector<orrery::Ref<Customer>> customers;
};

inline Branch open_branch(orrery::Runtime& rt, std::size_t customers) {
  const auto alice = rt.spawn(Account{.balance = 100});
  const auto bob = rt.spawn(Account{.balance = 100});
  const auto there = rt.spawn(Teller{alice, bob});
  const auto back = rt.spawn(Teller{bob, alice});
  Branch branch{alice, bob, {}};
  for (std::size_t i = 0; i < customers; ++i) branch.customers.push_back(rt.spawn(Customer{there, back}));
  return branch;
}

}  // namespace bank
