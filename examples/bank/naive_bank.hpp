// naive_bank.hpp: the teller of every tutorial, wrong on purpose: it checks, and then it acts.
#pragma once
#include "bank.hpp"

namespace bank {

/// Trusts its callers to have looked at the balance first.
struct TrustingAccount {
  Cents balance = 0;
  Cents handle(Deposit m) { return balance += m.amount; }
  Withdraw::Reply handle(Withdraw m) { return balance -= m.amount; }
  Cents handle(GetBalance) { return balance; }
};

/// Between its two questions, another teller can ask the same.
struct NaiveTeller {
  orrery::Ref<TrustingAccount> from;
  orrery::Ref<TrustingAccount> to;
  Transfer::Reply handle(Transfer m) {
    const auto balance = from.ask(GetBalance{}, orrery::no_timeout);
    if (!balance || *balance < m.amount) return std::unexpected(Refused{balance.value_or(0)});
    if (!from.ask(Withdraw{m.amount}, orrery::no_timeout)) return std::unexpected(Refused{0});
    to.tell(Deposit{m.amount}, orrery::ignore_reply);
    return {};
  }
};

}  // namespace bank
