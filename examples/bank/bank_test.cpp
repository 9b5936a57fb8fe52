// bank_test.cpp: the property test of the bank that is right.
#include "bank_property.hpp"

namespace {

TEST(Bank, MoneyIsConserved) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<bank::Op>& ops) {
    bank::money_is_conserved<bank::Account, bank::Teller>(w, ops);
  });
}

}  // namespace
