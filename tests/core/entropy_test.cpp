#include "orrery/core/entropy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace orrery {
namespace {
// Goal: N1, the numbers never change, since tokens of old failures must still replay.
TEST(Mix64, is_the_output_function_of_splitmix64) {
  // The first outputs of SplitMix64 seeded with 0, as in its authors' reference code.
  EXPECT_EQ(mix64(golden_step), 0xe220a8397b1dcdafu);
  EXPECT_EQ(mix64(golden_step * 2), 0x6e789e6aa1b965f4u);
  EXPECT_EQ(mix64(golden_step * 3), 0x06c45d188009454fu);
  static_assert(mix64(0) == 0);
}

TEST(Draw, has_known_answers) {
  static_assert(draw(0, 0, 0) == 0xa1987e7ba9d8ef74);
  EXPECT_EQ(draw(0, 0, 1), 0x35b0ba872c6fb8aeu);
  EXPECT_EQ(draw(1, 0, 0), 0x53e473df9b753b5cu);
  EXPECT_EQ(draw(0, 1, 0), 0xf237f9409acac5acu);
  EXPECT_EQ(draw(0x5eed71, 0xabcdef, 1'000'000), 0x410523bf89517609u);
}

TEST(Entropy, has_known_answers) {
  Entropy entropy(42, 7);
  EXPECT_EQ(entropy.next(), 0xfc7a9e950f04a12cu);
  EXPECT_EQ(entropy.below(6), 3u);
  EXPECT_EQ(entropy.below(1'000'000'007), 993856310u);
  EXPECT_EQ(entropy.between(-100, 100), 86);
  EXPECT_EQ(entropy.chance({1, 3}), false);
  std::array<int, 8> items{0, 1, 2, 3, 4, 5, 6, 7};
  entropy.shuffle(items);
  EXPECT_EQ(items, (std::array{2, 6, 1, 5, 7, 4, 0, 3}));
  EXPECT_EQ(entropy.drawn(), 12u);
}

TEST(Entropy, next_is_the_draw_of_its_counter) {
  Entropy entropy(3, 4);
  for (std::uint64_t counter = 0; counter < 100; ++counter) {
    ASSERT_EQ(entropy.drawn(), counter);
    ASSERT_EQ(entropy.next(), draw(3, 4, counter));
  }
}

TEST(Entropy, streams_and_seeds_are_independent) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::uint64_t stream = 0; stream < 20; ++stream) {
      for (std::uint64_t counter = 0; counter < 20; ++counter) seen.insert(draw(seed, stream, counter));
    }
  }
  EXPECT_EQ(seen.size(), 8000u);  // two of 8000 random 64-bit numbers are equal with probability 2e-12
}

// Goal: each bit of each argument changes each bit of the draw about half of the time.
// Method: 64 x 3 flipped input bits x 256 samples; the count of changed output bits is binomial(16384, 1/2)
// with
//         deviation 64, so 6 deviations are never left by a good mixer and at once by a bad one.
TEST(Draw, every_argument_bit_changes_half_of_the_output_bits) {
  for (int argument = 0; argument < 3; ++argument) {
    for (int bit = 0; bit < 64; ++bit) {
      int changed = 0;
      for (std::uint64_t sample = 0; sample < 256; ++sample) {
        std::array<std::uint64_t, 3> key{sample, sample * 3, sample * 7};
        const std::uint64_t before = draw(key[0], key[1], key[2]);
        key[static_cast<std::size_t>(argument)] ^= std::uint64_t{1} << bit;
        changed += std::popcount(before ^ draw(key[0], key[1], key[2]));
      }
      EXPECT_NEAR(changed, 256 * 32, 6 * 64) << "argument " << argument << " bit " << bit;
    }
  }
}

TEST(Below, stays_below_and_reaches_everything) {
  Entropy entropy(1, 1);
  for (std::uint64_t n = 1; n <= 20; ++n) {
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 400; ++i) seen.insert(entropy.below(n));
    EXPECT_EQ(seen.size(), n);
    EXPECT_EQ(*seen.rbegin(), n - 1);
  }
}

// Goal:   no bias, which only shows for ranges near 2^64.
// Method: for n = 3 * 2^62 a multiplication without rejection returns every multiple of 3 twice as often as
// its
//         neighbours, so half of the draws instead of a third; the deviation of the count is 82.
TEST(Below, rejects_what_would_make_some_numbers_more_likely) {
  Entropy entropy(2, 2);
  constexpr std::uint64_t n = std::uint64_t{3} << 62;
  int multiples = 0;
  constexpr int draws = 30'000;
  for (int i = 0; i < draws; ++i) multiples += entropy.below(n) % 3 == 0 ? 1 : 0;
  EXPECT_NEAR(multiples, draws / 3, 6 * 82);
  EXPECT_GT(entropy.drawn(), draws + draws / 4u);  // a quarter of all draws is surplus and is drawn again
}

TEST(Between, includes_both_ends_and_the_widest_range) {
  Entropy entropy(5, 5);
  std::map<std::int64_t, int> seen;
  for (int i = 0; i < 3000; ++i) ++seen[entropy.between(-1, 1)];
  EXPECT_EQ(seen.size(), 3u);
  for (const auto& [value, count] : seen) EXPECT_NEAR(count, 1000, 6 * 26) << value;
  EXPECT_EQ(entropy.between(INT64_MIN, INT64_MIN), INT64_MIN);
  EXPECT_EQ(entropy.between(INT64_MAX, INT64_MAX), INT64_MAX);
  bool negative = false;
  bool positive = false;
  for (int i = 0; i < 100; ++i) (entropy.between(INT64_MIN, INT64_MAX) < 0 ? negative : positive) = true;
  EXPECT_TRUE(negative && positive);
}

TEST(Chance, meets_its_ratio_and_its_ends) {
  Entropy entropy(6, 6);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) hits += entropy.chance({3, 10}) ? 1 : 0;
  EXPECT_NEAR(hits, 3000, 6 * 46);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(entropy.chance({0, 1}));
    EXPECT_TRUE(entropy.chance({1, 1}));
  }
  EXPECT_EQ(entropy.drawn(), 10'200u);  // a certain answer draws too
}

TEST(Shuffle, makes_all_orders_equally_likely) {
  Entropy entropy(8, 8);
  std::map<std::array<int, 3>, int> orders;
  for (int i = 0; i < 6000; ++i) {
    std::array items{1, 2, 3};
    entropy.shuffle(items);
    ++orders[items];
  }
  EXPECT_EQ(orders.size(), 6u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 1000, 6 * 29);
}

TEST(Shuffle, keeps_the_items_and_takes_spans_and_empty_ranges) {
  Entropy entropy(9, 9);
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  entropy.shuffle(std::span(items).subspan(50));
  EXPECT_TRUE(std::ranges::is_sorted(std::span(items).first(50)));
  EXPECT_FALSE(std::ranges::is_sorted(items));
  std::ranges::sort(items);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)], i);
  std::vector<int> none;
  entropy.shuffle(none);
  EXPECT_TRUE(none.empty());
}

TEST(EntropyDeathTest, refuses_what_has_no_answer) {
  Entropy entropy(1, 1);
  EXPECT_DEATH(static_cast<void>(entropy.below(0)), "n > 0");
  EXPECT_DEATH(static_cast<void>(entropy.between(1, 0)), "between\\(1, 0\\)");
  EXPECT_DEATH(static_cast<void>(entropy.chance({2, 1})), "2 of 1");
  EXPECT_DEATH(static_cast<void>(entropy.chance({0, 0})), "den > 0");
}
}  // namespace
}  // namespace orrery
