// expect: THIS_ACTOR_HAS_NO_handle_OVERLOAD_FOR_THIS_MESSAGE
// names:  Account, Close
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

void keep(orrery::Recipient<Close, Tick>);

void send(orrery::Ref<Account> account) {
  keep(account);  // refused
}
