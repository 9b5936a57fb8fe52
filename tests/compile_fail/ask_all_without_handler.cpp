// expect: THIS_ACTOR_HAS_NO_handle_OVERLOAD_FOR_THIS_MESSAGE
// names:  Ref<Account>, Close
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
  return orrery::ask_all(accounts, Close{}).size();  // refused
}
