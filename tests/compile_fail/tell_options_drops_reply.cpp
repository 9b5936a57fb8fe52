// expect: THIS_DROPS_THE_REPLY_SAY_orrery_ignore_reply_OR_USE_ask
// names:  Ref<Account>, Deposit
#include <orrery/actor.hpp>

struct Deposit {
  using Reply = int;
  int amount;
};
struct Tick {};
struct Close {
  using Reply = int;
};
struct Account {
  int handle(Deposit message) { return message.amount; }
  void handle(Tick) {}
};

void send(orrery::Ref<Account> account) {
  account.tell(Deposit{1}, {.priority = orrery::Priority::high});  // refused
}
