// expect: THIS_MESSAGE_MAY_BE_HANDLED_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE
// names:  Account, Parcels
#include <orrery/actor.hpp>

#include <memory>
#include <vector>

struct Parcels {
  static constexpr auto delivery = orrery::Delivery::exactly_once;
  using Reply = int;
  std::vector<std::unique_ptr<int>> content;
};
struct Account {
  int handle(Parcels) { return 0; }
};
int send(orrery::Ref<Account> account) {
  return account.ask(Parcels{}).value_or(0);  // refused
}
