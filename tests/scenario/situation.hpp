// situation.hpp: who is alive after the last event, read from the trace's own line.
// Why:  a generator that names only the dead tests nothing, and one that asks the model's inside would have to be changed
//       with it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace orrery::scenario {

struct Situation {
  struct Place {
    std::string id;
    std::string parent;    ///< empty for the root
    bool running = false;  ///< otherwise a spec without an actor
    bool supervisor = false;
  };
  std::vector<Place> places;  ///< in start order, parents first; empty when the root is dead

  [[nodiscard]] bool root_alive() const { return !places.empty(); }
};

/// Pre: `trace` is canonical. Returns: what its last tree shows.
[[nodiscard]] Situation situation_after(std::string_view trace);

}  // namespace orrery::scenario
