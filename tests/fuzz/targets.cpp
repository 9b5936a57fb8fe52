#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

namespace orrery::fuzz {

namespace {

std::vector<Target>& all() {
  static std::vector<Target> list;
  return list;
}

}  // namespace

const std::vector<Target>& targets() {
  std::ranges::sort(all(), {}, &Target::name);
  return all();
}

Registered::Registered(const Target& target) { all().push_back(target); }

}  // namespace orrery::fuzz
