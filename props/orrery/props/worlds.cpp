#include "orrery/props/worlds.hpp"

namespace orrery::props::detail {

bool goes_on(const Stress& stress, std::uint64_t round, std::chrono::steady_clock::time_point began) {
  return stress.time ? std::chrono::steady_clock::now() - began < *stress.time : round < stress.rounds;
}

void end_round(System& system, std::source_location where) {
  const StopReport report = system.shutdown(patience);
  if (!report.is_complete) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << orrery_describe(report);
    return;
  }
  if (const auto account = account_adds_up(system); !account) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << account.message();
  }
}

}  // namespace orrery::props::detail
