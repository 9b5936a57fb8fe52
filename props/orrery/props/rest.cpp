#include "orrery/props/rest.hpp"

#include "orrery/sim/world.hpp"
#include "orrery/system.hpp"

#include <string>

namespace orrery::props {

testing::AssertionResult comes_to_rest(Runtime& runtime, Duration limit) {
  if (auto* const world = dynamic_cast<sim::World*>(&runtime)) {
    world->run();
    return testing::AssertionSuccess();
  }
  auto* const system = dynamic_cast<System*>(&runtime);
  if (system == nullptr) return testing::AssertionFailure() << "this runtime is neither a World nor a System";
  if (system->await_quiescence(limit)) return testing::AssertionSuccess();
  std::string text = "broken: the system comes to rest";
  for (const Activity& one : system->activity()) text += "\n  " + one.actor + " " + one.doing;
  return testing::AssertionFailure() << text;
}

testing::AssertionResult account_adds_up(const Runtime& runtime) {
  const Ledger account = runtime.ledger();
  if (account.adds_up() && account.queued == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "broken: the account of messages adds up\n  " << orrery_describe(account);
}

bool settle_for_now(Runtime& runtime) {
  if (auto* const world = dynamic_cast<sim::World*>(&runtime)) {
    world->run_for(std::chrono::seconds{1});
    return true;
  }
  auto* const system = dynamic_cast<System*>(&runtime);
  return system != nullptr && system->await_quiescence(patience);
}

}  // namespace orrery::props
