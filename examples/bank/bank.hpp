// bank.hpp: two accounts and their tellers. The same actors run in the simulator and in production.
#pragma once
#include <orrery/actor.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>

namespace bank {

using Cents = std::int64_t;

struct Refused {
  Cents have;
};
struct Deposit {
  using Reply = Cents;
  Cents amount;
};
struct Withdraw {
  using Reply = std::expected<Cents, Refused>;
  Cents amount;
};
struct GetBalance {
  using Reply = Cents;
};
struct Transfer {
  using Reply = std::expected<void, Refused>;
  Cents amount;
};

/// Refuses what it does not have: the check and the act are one handler, so nobody can come between them.
struct Account {
  Cents balance = 0;
  Cents handle(Deposit m) { return balance += m.amount; }
  Withdraw::Reply handle(Withdraw m) {
    if (m.amount > balance) return std::unexpected(Refused{balance});
    return balance -= m.amount;
  }
  Cents handle(GetBalance) { return balance; }
};

/// Moves money. The asks wait without a deadline: a withdrawal whose answer was given up would be money lost.
struct Teller {
  orrery::Ref<Account> from;
  orrery::Ref<Account> to;
  Transfer::Reply handle(Transfer m) {
    const auto left = from.ask(Withdraw{m.amount}, orrery::no_timeout);
    if (!left) {
      const Refused* const refused = left.error().refused();
      return std::unexpected(refused != nullptr ? *refused : Refused{0});
    }
    to.tell(Deposit{m.amount}, orrery::ignore_reply);
    return {};
  }
};

template <class AccountType, class TellerType>
struct System {
  orrery::Ref<AccountType> alice;
  orrery::Ref<AccountType> bob;
  std::array<orrery::Ref<TellerType>, 2> teller;
};

/// Builds the bank in either world.
template <class AccountType = Account, class TellerType = Teller>
System<AccountType, TellerType> wire(orrery::Runtime& rt) {
  using std::chrono::seconds;
  const orrery::Restart restart{.intensity = 5, .period = seconds{10}};
  const orrery::Ref<AccountType> alice = rt.spawn("alice", restart, AccountType{.balance = 100});
  const orrery::Ref<AccountType> bob = rt.spawn("bob", restart, AccountType{.balance = 0});
  return {alice, bob, {rt.spawn("teller#0", TellerType{alice, bob}), rt.spawn("teller#1", TellerType{alice, bob})}};
}

}  // namespace bank
