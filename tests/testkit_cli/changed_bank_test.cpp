// The wrong bank after a change: its tests have the names of the old ones, so that it can be given an old record.
#include "examples/bank/bank_property.hpp"
#include "examples/bank/naive_bank.hpp"

namespace {

/// One more actor, one more message.
TEST(NaiveBank, MoneyIsConserved) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<bank::Op>& ops) {
    const orrery::Ref<bank::Account> vault = w.spawn("vault", bank::Account{});
    vault.tell(bank::Deposit{1}, orrery::ignore_reply);
    bank::money_is_conserved<bank::TrustingAccount, bank::NaiveTeller>(w, ops);
  });
}

/// The test that is not meant: it must not run beside a replay.
TEST(Other, IsLeftOutOfAReplay) {
  orrery::sim::check([](orrery::sim::World& w) { w.run(); });
}

}  // namespace
