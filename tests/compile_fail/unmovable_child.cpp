// expect: AN_ACTOR_IS_A_MOVABLE_STRUCT
// names:  Account
#include <orrery/actor.hpp>

#include <mutex>

struct Tick {};
struct Account {
  std::mutex mutex;
  void handle(Tick) {}
};

void wire(orrery::Context& context) {
  context.spawn("alice", Account{});  // refused
}
