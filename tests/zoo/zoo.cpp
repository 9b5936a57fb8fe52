#include "tests/zoo/zoo.hpp"

#include <algorithm>
#include <iterator>

namespace orrery::zoo {

const std::vector<Program>& programs() {
  static const std::vector<Program> all = [] {
    std::vector<Program> made;
    add_protocols(made);
    add_systems(made);
    std::vector<Program> sorted;
    for (const bool is_bug : {true, false}) {
      std::ranges::copy_if(made, std::back_inserter(sorted),
                           [&](const Program& program) { return program.bug.empty() != is_bug; });
    }
    return sorted;
  }();
  return all;
}

const Program* find(std::string_view name) {
  const auto at = std::ranges::find(programs(), name, &Program::name);
  return at == programs().end() ? nullptr : &*at;
}

}  // namespace orrery::zoo
