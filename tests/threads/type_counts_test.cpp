// Goal:   each type has one row, also where hashes meet; and what finds none is counted all the same.
#include "orrery/actor/type_counts.hpp"
#include "orrery/actor/cell.hpp"

#include <gtest/gtest.h>

#include <array>

namespace orrery {
namespace {

TEST(TypeTable, gives_each_type_its_row_and_the_rest_one_together) {
  static std::array<ActorType, TypeTable::many + 50> types{};
  TypeTable table;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < types.size(); ++i) table.of(types[i], i / 8).ended.add();  // eight of each hash
  }
  std::uint64_t rows = 0;
  std::uint64_t all = 0;
  std::uint64_t others = 0;
  table.for_each([&](const ActorType* type, const TypeCounts& counts) {
    all += counts.ended.get();
    if (type == nullptr) {
      others = counts.ended.get();
      return;
    }
    ++rows;
    EXPECT_EQ(counts.ended.get(), 3U);
  });
  EXPECT_EQ(all, 3 * types.size());
  EXPECT_EQ(others, all - 3 * rows);
  EXPECT_GT(rows, 32U);
  EXPECT_GT(others, 0U);
}

}  // namespace
}  // namespace orrery
