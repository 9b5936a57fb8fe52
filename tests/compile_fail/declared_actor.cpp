// expect: THIS_ACTOR_IS_ONLY_DECLARED_HERE_DEFINE_IT_BEFORE_THIS_LINE
// names:  Ref<Account>, Tick
#include <orrery/actor.hpp>

struct Tick {};
struct Account;

void send(orrery::Ref<Account> account) {
  account.tell(Tick{});  // refused
}
