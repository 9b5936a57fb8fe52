// expect: THE_handle_OVERLOAD_DOES_NOT_RETURN_Message_Reply
// names:  Ref<Account>, Deposit
#include <orrery/actor.hpp>

#include <string>

struct Deposit {
  using Reply = int;
  int amount;
};
struct Account {
  orrery::Answer<std::string> handle(Deposit) { return orrery::elsewhere; }
};

int send(orrery::Ref<Account> account) {
  return account.ask(Deposit{1}).value_or(0);  // refused
}
