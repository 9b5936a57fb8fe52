#include "orrery/props/rapidcheck.hpp"

#include "tests/testkit/little_properties.hpp"

#include <array>
#include <chrono>
#include <map>
#include <set>
#include <tuple>

namespace orrery::testing {

enum class Colour : std::uint8_t { red, green = 3, blue };
struct Point {
  std::int32_t x;
  std::int32_t y;
};
struct Everything {
  Point point;
  std::vector<Point> points;
  std::optional<std::uint16_t> maybe;
  std::string text;
  std::map<std::uint8_t, bool> map;
  Colour colour;
  std::pair<char, std::uint64_t> pair;
  std::array<std::uint8_t, 2> both;
};
struct Even {
  std::uint32_t number;
};

}  // namespace orrery::testing

/// The user's own word on how one of his types is generated.
template <>
struct rc::Arbitrary<orrery::testing::Even> {
  static rc::Gen<orrery::testing::Even> arbitrary() {
    return rc::gen::map(rc::gen::inRange<std::uint32_t>(0, 1'000),
                        [](std::uint32_t half) { return orrery::testing::Even{half * 2}; });
  }
};

namespace orrery::testing {
namespace {

using testkit::Arbitrary;
using testkit::InputOrigin;
using testkit::Sample;

template <class T>
T generated(std::uint64_t seed_of_input, int commands = 10, int values = 100) {
  return Arbitrary<T>::generate({.seed = seed_of_input, .commands = commands, .values = values})->value();
}

/// Follows the first child until there is none.
template <class T>
T smallest(std::unique_ptr<Sample<T>> sample) {
  for (int depth = 0; depth < 10'000; ++depth) {
    auto child = sample->simpler(0);
    if (child == nullptr) return sample->value();
    sample = std::move(child);
  }
  ADD_FAILURE() << "the tree of simpler values does not end";
  return sample->value();
}

TEST(Input, is_the_same_for_the_same_origin_and_path) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    const InputOrigin origin{
        .seed = mix64(i), .commands = static_cast<int>(i % 20), .values = static_cast<int>(i % 101)};
    auto a = Arbitrary<Everything>::generate(origin);
    auto b = Arbitrary<Everything>::generate(origin);
    for (std::size_t depth = 0; depth < 20; ++depth) {
      ASSERT_EQ(describe(a->value()), describe(b->value()));
      auto next_a = a->simpler(depth % 3);
      auto next_b = b->simpler(depth % 3);
      ASSERT_EQ(next_a == nullptr, next_b == nullptr);
      if (next_a == nullptr) break;
      a = std::move(next_a);
      b = std::move(next_b);
    }
  }
}

TEST(Input, of_another_seed_is_another_one) {
  std::set<std::string> texts;
  for (std::uint64_t i = 0; i < 100; ++i) texts.insert(describe(generated<Everything>(i)));
  EXPECT_GT(texts.size(), 95U);
}

TEST(Input, takes_every_part_of_a_struct_apart) {
  bool some = false;
  bool none = false;
  bool negative = false;
  bool large = false;
  std::set<Colour> colours;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const auto value = generated<Everything>(mix64(i));
    some = some || value.maybe.has_value();
    none = none || !value.maybe.has_value();
    negative = negative || value.point.x < 0;
    large = large || value.point.y > 1'000'000;
    colours.insert(value.colour);
  }
  EXPECT_TRUE(some && none && negative && large);
  EXPECT_EQ(colours, (std::set{Colour::red, Colour::green, Colour::blue}));
}

TEST(Input, holds_at_most_so_many_commands_in_every_list_map_and_string) {
  for (int commands : {0, 1, 5, 20}) {
    std::size_t longest = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
      const auto value = generated<Everything>(mix64(i), commands);
      for (const std::size_t size : {value.points.size(), value.text.size(), value.map.size()}) {
        longest = std::max(longest, size);
      }
      longest = std::max(longest, generated<std::vector<std::vector<int>>>(mix64(i), commands).size());
      longest = std::max(longest, generated<std::deque<Point>>(mix64(i), commands).size());
    }
    EXPECT_EQ(longest, static_cast<std::size_t>(commands));
  }
}

TEST(Input, has_small_numbers_when_small_values_are_asked_for) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    const auto value = generated<std::vector<Point>>(mix64(i), 20, 5);
    for (const Point& point : value) ASSERT_LT(std::abs(point.x), 32);
  }
}

TEST(Input, shrinks_to_what_is_empty_and_zero) {
  const auto value = smallest(Arbitrary<Everything>::generate({.seed = 5, .commands = 20, .values = 100}));
  EXPECT_EQ(value.point.x, 0);
  EXPECT_TRUE(value.points.empty());
  EXPECT_FALSE(value.maybe);
  EXPECT_TRUE(value.text.empty());
  EXPECT_TRUE(value.map.empty());
  EXPECT_EQ(value.colour, Colour::red);
  EXPECT_EQ(value.both, (std::array<std::uint8_t, 2>{0, 0}));
}

TEST(Input, leaves_a_type_with_its_own_arbitrary_to_it) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(generated<Even>(i).number % 2, 0U);
    for (const Even& even : generated<std::vector<Even>>(i)) EXPECT_EQ(even.number % 2, 0U);
  }
}

// The numbers are part of what a token names: another compiler must generate the same ones.
TEST(Input, is_the_same_on_every_compiler) {
  EXPECT_EQ(describe(generated<std::tuple<Point, std::vector<std::uint8_t>, Colour>>(1, 4)),
            "(Point{x=-476207131, y=-154035140}, [96, 66, 80], red)");
}

TEST(Property, gets_one_or_several_inputs_or_none) {
  std::string seen;
  const auto record = [&seen](const auto&... values) { seen = describe(std::make_tuple(values...)); };
  const auto none = make_property("None", [&](World&) { record(); });
  const auto one = make_property("One", [&](World&, std::uint8_t a) { record(a); });
  const auto three =
      make_property("Three", [&](World&, const std::vector<Point>& a, std::string b, bool c) { record(a, b, c); });
  for (std::uint64_t run = 0; run < 30; ++run) {
    (void)testkit::make_run(none, {}, seed, run, false);
    EXPECT_EQ(seen, "()");
    EXPECT_EQ(none.make_input({})->describe(), "");
    (void)testkit::make_run(one, {}, seed, run, false);
    EXPECT_EQ(seen, "(" + one.make_input(testkit::origin_of_run(seed, run, 20))->describe() + ")");
    (void)testkit::make_run(three, {}, seed, run, false);
    EXPECT_EQ(seen, three.make_input(testkit::origin_of_run(seed, run, 20))->describe());
  }
}

}  // namespace
}  // namespace orrery::testing
