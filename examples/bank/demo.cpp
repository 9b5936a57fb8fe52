// demo.cpp: the whole way in one program: find a bug, read its story, replay it, fix it, ship the same actors.
#include "bank_property.hpp"
#include "naive_bank.hpp"
#include "run_load.hpp"

#include <fmt/core.h>

#include <orrery/testkit/story.hpp>
#include <chrono>
#include <cstdio>

namespace {

using orrery::testkit::CheckOptions;
using orrery::testkit::Property;

void headline(const char* text) {
  fmt::print("\n=== {}\n", text);
  std::fflush(stdout);
}

template <class AccountType, class TellerType>
Property money_is_conserved(const char* name) {
  return orrery::testkit::make_property(name, [](orrery::sim::World& w, const std::vector<bank::Op>& ops) {
    bank::money_is_conserved<AccountType, TellerType>(w, ops);
  });
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);  // the property uses EXPECT_EQ
  const CheckOptions options{.runs = 10'000};
  const auto seed = orrery::testkit::default_seed;
  const Property naive = money_is_conserved<bank::TrustingAccount, bank::NaiveTeller>("NaiveBank.MoneyIsConserved");
  const Property right = money_is_conserved<bank::Account, bank::Teller>("Bank.MoneyIsConserved");

  headline("1. A bank that checks and then acts: exploring schedules and inputs");
  const auto found = orrery::testkit::run_campaign(naive, options, seed);
  if (!found.failure) {
    fmt::print("the wrong bank was not caught in {} runs\n", found.runs);
    return 1;
  }
  const auto& failure = *found.failure;
  const std::string token = orrery::testkit::to_string(failure.record.token);
  fmt::print("run {} fails; shrunk from {} to {} scheduling choices with {} runs of the program\n\n", failure.run,
             failure.original_choices, orrery::testkit::count_choices(failure.outcome.decisions).schedule,
             failure.shrink_runs);
  fmt::print("{}", orrery::testkit::tell_story(
                       failure, {.token = token,
                                 .command = fmt::format("ORRERY_REPLAY={} build/release/bin/naive_bank_test", token),
                                 .record_path = {},
                                 .report_path = {},
                                 .picture_path = {}}));

  headline("2. The same run again, from its token alone");
  const auto parsed = orrery::testkit::parse_token(token);
  const auto again = orrery::testkit::investigate(naive, options, parsed->seed, parsed->run);
  if (!again || again->outcome.trace_hash != failure.outcome.trace_hash) {
    fmt::print("the replay differs\n");
    return 1;
  }
  fmt::print("replay {}: reproduced, {} steps, trace {}\n", token, again->outcome.steps,
             to_hex(again->outcome.trace_hash));

  headline("3. The bank that decides where the money is: 10,000 runs");
  const auto held = orrery::testkit::run_campaign(right, options, seed);
  if (held.failure) {
    fmt::print("{}", orrery::testkit::tell_story(*held.failure, {}));
    return 1;
  }
  fmt::print("{} runs held, {} steps\n", held.runs, held.steps);

  headline("4. The very same actors on every core");
  orrery::System system;
  const std::string summary = bank::run_load(system, std::chrono::milliseconds{2'000});
  fmt::print("{}\n", summary.empty() ? "money was lost" : summary);
  return summary.empty() ? 1 : 0;
}
