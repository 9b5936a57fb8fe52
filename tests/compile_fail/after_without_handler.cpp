// expect: THIS_ACTOR_HAS_NO_handle_OVERLOAD_FOR_THIS_MESSAGE
// names:  Account, Tick
#include <orrery/actor.hpp>

#include <chrono>

struct Tick {};
struct Account {
  void on_start(orrery::Context& context) {
    context.after(*this, std::chrono::seconds{1}, Tick{});  // refused
  }
};
