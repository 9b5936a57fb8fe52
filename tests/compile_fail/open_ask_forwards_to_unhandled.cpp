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

void pass_on(orrery::OpenAsk<Close>& open, orrery::Ref<Account> account) {
  open.forward(Close{}, account);  // refused
}
