// expect: THIS_MESSAGE_HAS_NO_Reply_USE_tell
// names:  Spawned<Account>, Tick
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

bool send(orrery::Runtime& runtime) {
  const auto account = runtime.spawn("alice", Account{});
  return account.ask(Tick{}).has_value();  // refused
}
