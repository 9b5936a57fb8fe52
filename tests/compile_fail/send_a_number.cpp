// expect: THIS_IS_NOT_A_MESSAGE_SEND_A_MOVABLE_STRUCT
// names:  Ref<Account>, int
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
  account.tell(5);  // refused
}
