// bank_property.hpp: what must hold in any bank, whatever is transferred and whoever runs first.
#pragma once
#include "bank.hpp"

#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <vector>

namespace bank {

struct Op {
  std::uint8_t teller;
  std::uint8_t amount;
};

template <class AccountType, class TellerType>
void money_is_conserved(orrery::sim::World& w, const std::vector<Op>& ops) {
  const auto bank = wire<AccountType, TellerType>(w);
  w.always("balance never negative", [&] { return w.peek(bank.alice).balance >= 0; });
  w.sometimes("alice is emptied", [&] { return w.peek(bank.alice).balance == 0; });
  for (const Op& op : ops) bank.teller[op.teller & 1].tell(Transfer{op.amount}, orrery::ignore_reply);
  w.run();
  EXPECT_EQ(w.peek(bank.alice).balance + w.peek(bank.bob).balance, 100);
}

}  // namespace bank
