// expect: THIS_MESSAGE_HAS_NO_Reply_USE_tell
// names:  Ref<Account>, Tick
#include <orrery/actor.hpp>

#include <vector>

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

std::size_t ask(const std::vector<orrery::Ref<Account>>& accounts) {
  return orrery::ask_all(accounts, Tick{}).size();  // refused
}
