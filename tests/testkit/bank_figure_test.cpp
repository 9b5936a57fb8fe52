// The bank of the examples, as a measure: how fast the wrong one is found and how short its story is, and how often the
// right one is tried without a false alarm.
#include "examples/bank/bank_property.hpp"
#include "examples/bank/naive_bank.hpp"
#include "tests/support/scale.hpp"

#include <orrery/testkit/story.hpp>
#include <cstdlib>
#include <string_view>

namespace orrery::testing {
namespace {

using testkit::Property;

template <class AccountType, class TellerType>
Property bank_property(const char* name) {
  return testkit::make_property(name, [](sim::World& w, const std::vector<bank::Op>& ops) {
    bank::money_is_conserved<AccountType, TellerType>(w, ops);
  });
}
const Property naive = bank_property<bank::TrustingAccount, bank::NaiveTeller>("NaiveBank.MoneyIsConserved");
const Property right = bank_property<bank::Account, bank::Teller>("Bank.MoneyIsConserved");

std::uint64_t runs_of_the_right_bank() { return test_support::is_short() ? 5'000 : 100'000; }

// A run of the wrong bank fails with probability of about one in ten once it has two transfers or more, so that all of 1,000
// runs hold with a probability far below 1 in 10^20.
TEST(BankFigure, the_wrong_bank_fails_in_every_campaign_with_a_story_of_at_most_nine_steps) {
  for (std::uint64_t campaign = 0; campaign < 20; ++campaign) {
    const auto result = testkit::run_campaign(naive, {.runs = 1'000}, campaign);
    ASSERT_TRUE(result.failure) << "campaign " << campaign;
    EXPECT_EQ(result.failure->finding.kind, sim::FindingKind::invariant_violated);
    EXPECT_EQ(result.failure->finding.name, "balance never negative");
    EXPECT_LE(result.failure->outcome.steps, 9U) << testkit::tell_steps(result.failure->outcome);
    EXPECT_LE(result.runs, 200U) << "campaign " << campaign;
  }
}

TEST(BankFigure, the_right_bank_holds_in_every_run) {
  const auto result = testkit::run_campaign(right, {.runs = runs_of_the_right_bank()}, testkit::default_seed);
  EXPECT_EQ(result.runs, runs_of_the_right_bank());
  if (result.failure) ADD_FAILURE() << testkit::tell_story(*result.failure, {});
}

}  // namespace
}  // namespace orrery::testing
