// run_load.hpp: runs the branches on every core for a while and sums up.
#pragma once
#include "load.hpp"

#include <fmt/core.h>

#include <orrery/system.hpp>
#include <chrono>
#include <string>
#include <thread>

namespace bank {

/// Returns: one line about what was done, or an empty one when money was lost or made.
inline std::string run_load(orrery::System& system, std::chrono::milliseconds duration) {
  constexpr std::size_t branches = 64;
  constexpr std::size_t customers = 4;
  std::vector<Branch> open;
  for (std::size_t i = 0; i < branches; ++i) open.push_back(open_branch(system, customers));
  const auto begin = std::chrono::steady_clock::now();
  for (const Branch& branch : open) {
    for (const auto& customer : branch.customers) customer.tell(GoShopping{});
  }
  std::this_thread::sleep_for(duration);

  // A customer answers between two rounds, so its own transfers are complete then; it is stopped behind the answer.
  std::uint64_t transfers = 0;
  std::uint64_t refused = 0;
  for (const Branch& branch : open) {
    for (const auto& customer : branch.customers) {
      const auto counted = customer.ask(HowMany{}, std::chrono::seconds{30});
      if (!counted) return {};
      transfers += counted->transfers;
      refused += counted->refused;
    }
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  for (const Branch& branch : open) {
    for (const auto& customer : branch.customers) system.stop(customer);
  }
  if (!system.await_quiescence(std::chrono::seconds{30})) return {};
  Cents money = 0;
  for (const Branch& branch : open) {
    for (const auto& account : {branch.alice, branch.bob}) money += account.ask(GetBalance{}).value_or(-1'000'000);
  }
  if (money != static_cast<Cents>(branches * 200)) return {};
  // A transfer is an ask to the teller, one to the account, and a deposit: five messages and replies.
  const std::uint64_t per_second =
      elapsed.count() == 0 ? 0 : transfers * 1'000 / static_cast<std::uint64_t>(elapsed.count());
  return fmt::format("{} threads, {} actors, {} transfers in {} ms ({} a second), {} refused, money conserved",
                     system.options().threads, system.living(), transfers, elapsed.count(), per_second, refused);
}

}  // namespace bank
