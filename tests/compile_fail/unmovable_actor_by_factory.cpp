// expect: AN_ACTOR_IS_A_MOVABLE_STRUCT
// names:  Account
#include <orrery/actor.hpp>

#include <mutex>

struct Tick {};
struct Account {
  std::mutex mutex;
  void handle(Tick) {}
};

void wire(orrery::Runtime& runtime) {
  runtime.spawn<Account>("alice", [] { return Account{}; });  // refused
}
