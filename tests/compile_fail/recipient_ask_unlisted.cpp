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

bool send(orrery::Recipient<Tick, Deposit> account) {
  return account.ask(Close{}).has_value();  // refused
}
