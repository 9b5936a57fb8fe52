// expect: AN_ACTOR_IS_A_MOVABLE_STRUCT
// names:  Account
#include <orrery/actor.hpp>

#include <mutex>

struct Tick {};
struct Account {
  std::mutex mutex;
  void handle(Tick) {}
};

bool wire(orrery::Runtime& runtime) {
  return runtime.spawn_n<Account>(3, [](std::size_t) { return Account{}; }).empty();  // refused
}
