// expect: THIS_ACTOR_HAS_NO_handle_OVERLOAD_FOR_THIS_MESSAGE
// names:  Ref<Account>, Close
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
  account.tell(Close{}, orrery::ignore_reply);  // refused
}
