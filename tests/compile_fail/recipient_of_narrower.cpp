// expect: THIS_RECIPIENT_DOES_NOT_LIST_THIS_MESSAGE
// names:  Deposit, Tick
#include <orrery/actor.hpp>

struct Deposit {
  using Reply = int;
  int amount;
};
struct Tick {};
struct Close {
  using Reply = int;
};

void keep(orrery::Recipient<Tick, Deposit>);

void send(orrery::Recipient<Close, Tick> account) {
  keep(account);  // refused
}
