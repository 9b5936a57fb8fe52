// expect: THE_handle_OVERLOAD_RETURNS_A_VALUE_BUT_THE_MESSAGE_HAS_NO_Reply
// names:  Ref<Account>, Tick
#include <orrery/actor.hpp>

struct Tick {};
struct Account {
  int handle(Tick) { return 1; }
};

void send(orrery::Ref<Account> account) {
  account.tell(Tick{});  // refused
}
