// expect: AN_ACTOR_THAT_WATCHES_NEEDS_A_handle_OVERLOAD_FOR_orrery_Down
// names:  Account, Down
#include <orrery/actor.hpp>

struct Account {
  orrery::Ref<Account> other;
  void on_start(orrery::Context& context) {
    context.watch(*this, other);  // refused
  }
};
