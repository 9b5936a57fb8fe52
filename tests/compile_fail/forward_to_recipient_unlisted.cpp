// expect: THIS_RECIPIENT_DOES_NOT_LIST_THIS_MESSAGE
// names:  Recipient<Tick>, Deposit
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
  orrery::Recipient<Tick> account;
  int handle(Deposit message, orrery::Context& context) {
    context.forward(message, account);  // refused
    return 0;
  }
};
int use(orrery::Runtime& runtime) { return static_cast<int>(runtime.spawn(Desk{}).handle().slot); }
