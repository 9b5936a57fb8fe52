#include "tests/zoo/zoo.hpp"

namespace orrery::zoo {

void add_protocols(std::vector<Program>&) {}

}  // namespace orrery::zoo
