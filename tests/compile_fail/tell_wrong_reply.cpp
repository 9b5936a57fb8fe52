// expect: THE_handle_OVERLOAD_DOES_NOT_RETURN_Message_Reply
// names:  Ref<Account>, Deposit
#include <orrery/actor.hpp>

struct Deposit {
  using Reply = int;
  int amount;
};
struct Account {
  long handle(Deposit message) { return message.amount; }
};

void send(orrery::Ref<Account> account) {
  account.tell(Deposit{1}, orrery::ignore_reply);  // refused
}
