// expect: THIS_MESSAGE_HAS_NO_Reply_LEAVE_orrery_ignore_reply_OUT
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

void send(orrery::Ref<Account> account) {
  account.tell(Tick{}, orrery::ignore_reply);  // refused
}
