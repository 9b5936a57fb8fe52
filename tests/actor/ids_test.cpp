// Goal:   an ActorId's text is exact: what is printed is parsed back, and nothing else is parsed.
#include "orrery/core/ids.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <unordered_set>

namespace orrery {
namespace {

constexpr std::uint32_t top = std::numeric_limits<std::uint32_t>::max();

TEST(ActorId, prints_its_four_numbers) {
  EXPECT_EQ(to_string(ActorId{}), "@0.0.0.0");
  EXPECT_EQ(to_string(ActorId{1, 20, 300, 4'000}), "@1.20.300.4000");
  EXPECT_EQ(orrery_describe(ActorId{1, 2, 3, 4}), "@1.2.3.4");
  EXPECT_EQ(to_string(ActorId{top, top, top, top}), "@4294967295.4294967295.4294967295.4294967295");
}

TEST(ActorId, is_parsed_back_from_what_it_prints) {
  std::mt19937_64 random{5};
  const auto number = [&] { return static_cast<std::uint32_t>(random() >> (random() % 64)); };
  for (int i = 0; i < 2'000; ++i) {
    ActorId id;
    id.node = number();
    id.slot = number();
    id.generation = number();
    id.incarnation = number();
    ASSERT_EQ(parse_actor_id(to_string(id)), id) << to_string(id);
  }
  EXPECT_EQ(parse_actor_id("@4294967295.0.4294967295.0"), (ActorId{top, 0, top, 0}));
}

TEST(ActorId, nothing_else_is_parsed) {
  for (const char* const text : {"",
                                 "@",
                                 "1.2.3.4",
                                 "@1.2.3",
                                 "@1.2.3.",
                                 "@1.2.3.4.",
                                 "@1.2.3.4.5",
                                 "@1.2.3.4 ",
                                 " @1.2.3.4",
                                 "@1..3.4",
                                 "@.1.2.3",
                                 "@-1.2.3.4",
                                 "@+1.2.3.4",
                                 "@1.2.3.x",
                                 "@1.2.3.4x",
                                 "@0x1.2.3.4",
                                 "@1,2,3,4",
                                 "@@1.2.3.4",
                                 "@1. 2.3.4",
                                 "@4294967296.0.0.0",
                                 "@0.0.0.99999999999999999999",
                                 "@01.2.3.4",
                                 "@1.2.3.00"}) {
    EXPECT_EQ(parse_actor_id(text), std::nullopt) << '"' << text << '"';
  }
  using namespace std::string_view_literals;
  EXPECT_EQ(parse_actor_id("@1.2.3.4\0"sv), std::nullopt);
}

TEST(ActorId, is_ordered_by_node_slot_generation_incarnation) {
  const ActorId id{5, 5, 5, 5};
  EXPECT_LT(id, (ActorId{6, 0, 0, 0}));
  EXPECT_LT(id, (ActorId{5, 6, 0, 0}));
  EXPECT_LT(id, (ActorId{5, 5, 6, 0}));
  EXPECT_LT(id, (ActorId{5, 5, 5, 6}));
  EXPECT_EQ(id, (ActorId{5, 5, 5, 5}));
  EXPECT_EQ(id.handle(), (Handle{5, 5}));
}

TEST(ActorId, hashes_of_neighbours_differ) {
  std::set<std::size_t> hashes;
  for (std::uint32_t slot = 0; slot < 16; ++slot) {
    for (std::uint32_t generation = 0; generation < 16; ++generation) {
      for (std::uint32_t incarnation = 0; incarnation < 16; ++incarnation) {
        hashes.insert(std::hash<ActorId>{}({0, slot, generation, incarnation}));
      }
    }
  }
  EXPECT_EQ(hashes.size(), 16u * 16u * 16u);
  EXPECT_NE(std::hash<ActorId>{}({1, 2, 3, 4}), std::hash<ActorId>{}({2, 2, 3, 4}));
}

TEST(Handle, names_somebody_once_it_has_a_generation) {
  EXPECT_FALSE(Handle{}.is_set());
  EXPECT_FALSE((Handle{9, 0}).is_set());
  EXPECT_TRUE((Handle{0, 1}).is_set());
  EXPECT_LT((Handle{1, 9}), (Handle{2, 1}));
}

}  // namespace
}  // namespace orrery
