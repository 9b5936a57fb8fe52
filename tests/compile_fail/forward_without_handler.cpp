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

struct Desk {
  orrery::Ref<Account> account;
  int handle(Close message, orrery::Context& context) {
    context.forward(message, account);  // refused
    return 0;
  }
};
int use(orrery::Runtime& runtime) { return static_cast<int>(runtime.spawn(Desk{}).handle().slot); }
