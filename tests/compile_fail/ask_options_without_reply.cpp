// expect: THIS_MESSAGE_HAS_NO_Reply_USE_tell
// names:  Ref<Account>, Tick
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

bool send(orrery::Ref<Account> account) {
  return account.ask(Tick{}, {.priority = orrery::Priority::high}).has_value();  // refused
}
