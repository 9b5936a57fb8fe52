#include "tests/zoo/zoo.hpp"

#include <algorithm>

namespace orrery::zoo {

const std::vector<Program>& programs() {
  static const std::vector<Program> all = [] {
    std::vector<Program> made;
    add_protocols(made);
    add_systems(made);
    std::ranges::stable_partition(made, [](const Program& program) { return !program.bug.empty(); });
    return made;
  }();
  return all;
}

const Program* find(std::string_view name) {
  const auto at = std::ranges::find(programs(), name, &Program::name);
  return at == programs().end() ? nullptr : &*at;
}

}  // namespace orrery::zoo
