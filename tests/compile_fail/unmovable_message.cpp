// expect: THIS_IS_NOT_A_MESSAGE_SEND_A_MOVABLE_STRUCT
// names:  Ref<Account>, Flag
#include <orrery/actor.hpp>

#include <atomic>

struct Flag {
  std::atomic<bool> set;
};
struct Account {
  void handle(const Flag&) {}
};

void send(orrery::Ref<Account> account) {
  account.tell(Flag{});  // refused
}
