// expect: AN_ACTOR_IS_A_MOVABLE_STRUCT
// names:  int
#include <orrery/actor.hpp>

void wire(orrery::Runtime& runtime) {
  runtime.spawn("five", 5);  // refused
}
