// expect: THIS_DROPS_THE_REPLY_SAY_orrery_ignore_reply_OR_USE_ask
// names:  Account, Deposit
#include <orrery/actor.hpp>

struct Deposit {
  using Reply = int;
  int amount;
};
struct Account {
  int handle(Deposit deposit) { return deposit.amount; }
};
void send(orrery::Ref<Account> account) {
  account.tell(Deposit{1}, {.delivery = orrery::Delivery::exactly_once});  // refused
}
