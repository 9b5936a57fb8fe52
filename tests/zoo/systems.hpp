// systems.hpp: what the programs of the inside of a process have in common, and who adds them.
#pragma once
#include "orrery/sim/run.hpp"
#include "tests/zoo/zoo.hpp"

#include <vector>

namespace orrery::zoo {

/// Begin with what you are for.
struct Go {};

template <class... Actors>
void start(const Actors&... actors) {
  (actors.tell(Go{}), ...);
}

/// The same for actors that are spawned in its place: Start{w.spawn(A{}), w.spawn(B{})}. Braces, because the arguments of a
/// function are evaluated in an order of the compiler's choice, and then actors would have other names with another one.
struct Start {
  template <class... Actors>
  explicit Start(const Actors&... actors) {
    start(actors...);
  }
};

/// Takes `steps` steps, each of which others may go before, and then starts somebody.
struct Usher {
  int steps = 0;
  Recipient<Go> guest;
  void handle(Go m, Context& context) {
    if (steps-- > 0) {
      context.self(*this).tell(m);
    } else {
      guest.tell(m);
    }
  }
};

/// Starts `actor` when others that are started at the same time have taken some `steps` steps: a race between equals is
/// lost by the calm run, too.
template <class A>
void start_late(sim::World& world, int steps, const Ref<A>& actor) {
  world.spawn(Usher{steps, actor}).tell(Go{});
}
template <class A>
void start_late(sim::World& world, int steps, const Spawned<A>& actor) {
  start_late(world, steps, actor.value());
}

/// As the default, but no time passes while work waits: for programs whose asks have no business with timeouts.
inline sim::RunOptions without_stalls(sim::RunOptions options = {}) {
  options.faults = sim::FaultProfile::none;
  return options;
}

void add_lost_update(std::vector<Program>& programs);
void add_reorder(std::vector<Program>& programs);
void add_late_reply(std::vector<Program>& programs);
void add_locks(std::vector<Program>& programs);
void add_waits(std::vector<Program>& programs);
void add_brokers(std::vector<Program>& programs);
void add_queues(std::vector<Program>& programs);
void add_services(std::vector<Program>& programs);
void add_timeouts(std::vector<Program>& programs);
void add_exclusion(std::vector<Program>& programs);
void add_lives(std::vector<Program>& programs);
void add_answers(std::vector<Program>& programs);
void add_mail(std::vector<Program>& programs);
void add_puzzles(std::vector<Program>& programs);
void add_supervision(std::vector<Program>& programs);

}  // namespace orrery::zoo
