// naive_bank_test.cpp: the same property on the wrong bank. It fails; `./dev demo` shows how.
#include "naive_bank.hpp"
#include "bank_property.hpp"

namespace {

TEST(NaiveBank, MoneyIsConserved) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<bank::Op>& ops) {
    bank::money_is_conserved<bank::TrustingAccount, bank::NaiveTeller>(w, ops);
  });
}

}  // namespace
