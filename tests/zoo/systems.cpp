#include "tests/zoo/zoo.hpp"

namespace orrery::zoo {

void add_systems(std::vector<Program>&) {}

}  // namespace orrery::zoo
