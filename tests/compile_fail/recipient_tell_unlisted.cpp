// expect: THIS_RECIPIENT_DOES_NOT_LIST_THIS_MESSAGE
// names:  Recipient<Tick, Deposit>, Close
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

void send(orrery::Recipient<Tick, Deposit> account) {
  account.tell(Close{});  // refused
}
