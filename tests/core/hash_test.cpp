#include "orrery/core/hash.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace orrery {
namespace {
Hash128 hash_of(std::initializer_list<std::uint64_t> words) {
  TraceHasher hasher;
  for (const std::uint64_t word : words) hasher.add(word);
  return hasher.value();
}

Hash128 hash_of_bytes(std::string_view text) {
  TraceHasher hasher;
  hasher.add_bytes(text);
  return hasher.value();
}

TEST(HashText, is_mixed_fnv1a) {
  // The 64-bit FNV-1a values published for "", "a" and "foobar".
  static_assert(hash_text("") == mix64(0xcbf29ce484222325));
  EXPECT_EQ(hash_text("a"), mix64(0xaf63dc4c8601ec8c));
  EXPECT_EQ(hash_text("foobar"), mix64(0x85944171f73967e8));
}

TEST(HashText, has_known_answers_for_bytes_beyond_ascii) {
  EXPECT_EQ(hash_text("Withdraw"), 0x42d7d8e774b9d724u);
  EXPECT_EQ(hash_text("\xff\x80"), 0xce476189e98c0818u);  // char is signed on some CPUs
}

TEST(Hash128Text, prints_and_parses_the_same_value) {
  const Hash128 hash{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(to_hex(hash), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(parse_hash128(to_hex(hash)), hash);
  EXPECT_EQ(parse_hash128("0123456789ABCDEFfedcba9876543210"), hash);
  EXPECT_EQ(to_hex(Hash128{}), std::string(32, '0'));
}

TEST(Hash128Text, refuses_everything_that_is_not_32_digits) {
  const std::string good(32, 'a');
  EXPECT_TRUE(parse_hash128(good));
  EXPECT_FALSE(parse_hash128(""));
  EXPECT_FALSE(parse_hash128(good.substr(1)));
  EXPECT_FALSE(parse_hash128(good + "a"));
  for (const char wrong : {'g', 'G', '/', ':', '@', '`', ' ', '\0'}) {
    std::string text = good;
    text[17] = wrong;
    EXPECT_FALSE(parse_hash128(text)) << wrong;
  }
}

TEST(Hash128, is_ordered_as_one_number) {
  EXPECT_LT((Hash128{0, 9}), (Hash128{1, 0}));
  EXPECT_LT((Hash128{1, 0}), (Hash128{1, 1}));
  EXPECT_EQ((Hash128{1, 1}), (Hash128{1, 1}));
}

// Goal: H3, the hash of a trace is the same on every machine and for ever.
TEST(TraceHasher, has_known_answers) {
  EXPECT_EQ(to_hex(TraceHasher{}.value()), "dc241460868d829d5dc3f64b2b4df1fe");
  EXPECT_EQ(to_hex(hash_of({0})), "608dd8f3e0e5a897f3a4b743be1f11ac");
  EXPECT_EQ(to_hex(hash_of({1, 2, 3})), "87ad749ce0c8bb39c277110be0f6356f");
  EXPECT_EQ(to_hex(hash_of({UINT64_MAX})), "2766cf3709bc3b9c90ec438a2ed13d33");
  EXPECT_EQ(to_hex(hash_of_bytes("Withdraw{amount=100}")), "d39a6ff618752c7da355928f3ea8c7ae");
  static_assert([] {
    TraceHasher hasher;
    hasher.add(1);
    hasher.add_bytes("ab");
    return hasher.value();
  }() == *parse_hash128("2b94847b0b3116bc6be9e166867c0d88"));
}

TEST(TraceHasher, adds_bytes_as_length_and_little_endian_words) {
  EXPECT_EQ(hash_of_bytes(""), hash_of({0}));
  EXPECT_EQ(hash_of_bytes("\x01"), hash_of({1, 0x01}));
  EXPECT_EQ(hash_of_bytes("\x01\x02\x03\x04\x05\x06\x07\x88"), hash_of({8, 0x8807060504030201}));
  EXPECT_EQ(hash_of_bytes("\x01\x02\x03\x04\x05\x06\x07\x88\xff"), hash_of({9, 0x8807060504030201, 0xff}));
}

TEST(TraceHasher, tells_apart_where_texts_end) {
  const auto both = [](std::string_view first, std::string_view second) {
    TraceHasher hasher;
    hasher.add_bytes(first);
    hasher.add_bytes(second);
    return hasher.value();
  };
  EXPECT_NE(both("ab", "c"), both("a", "bc"));
  EXPECT_NE(both("", "abc"), both("abc", ""));
  EXPECT_NE(hash_of_bytes(std::string(1, '\0')), hash_of_bytes(std::string(2, '\0')));
}

TEST(TraceHasher, depends_on_the_order_and_on_what_came_before_a_checkpoint) {
  EXPECT_NE(hash_of({1, 2}), hash_of({2, 1}));
  TraceHasher hasher;
  hasher.add(1);
  TraceHasher copy = hasher;
  EXPECT_EQ(copy.value(), hasher.value());
  EXPECT_EQ(hasher.value(), hash_of({1}));  // reading changes nothing
  copy.add(2);
  EXPECT_EQ(copy.value(), hash_of({1, 2}));
}

// Goal: both halves, each alone, tell short sequences of awkward words apart.
// Method: all sequences of up to 4 words of which each has one or no bit set, at the ends and in the middle.
TEST(TraceHasher, sequences_of_awkward_words_do_not_collide_in_either_half) {
  const std::vector<std::uint64_t> words{
      0, 1, 2, 1u << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 62, std::uint64_t{1} << 63, UINT64_MAX};
  std::set<std::uint64_t> hi;
  std::set<std::uint64_t> lo;
  std::size_t sequences = 0;
  std::vector<TraceHasher> level(1);
  for (int length = 0; length <= 4; ++length) {
    std::vector<TraceHasher> next;
    for (const TraceHasher& hasher : level) {
      hi.insert(hasher.value().hi);
      lo.insert(hasher.value().lo);
      ++sequences;
      for (const std::uint64_t word : words) next.emplace_back(hasher).add(word);
    }
    level = std::move(next);
  }
  EXPECT_EQ(sequences, 1u + 8 + 64 + 512 + 4096);
  EXPECT_EQ(hi.size(), sequences);
  EXPECT_EQ(lo.size(), sequences);
}

// 256 samples of a flipped bit, each changing binomial(128, 1/2) bits: 16384 with deviation 90.5 for the sum.
TEST(TraceHasher, every_bit_of_a_word_changes_half_of_the_value) {
  for (int bit = 0; bit < 64; ++bit) {
    int changed = 0;
    for (std::uint64_t sample = 0; sample < 256; ++sample) {
      const Hash128 before = hash_of({sample, 5});
      const Hash128 after = hash_of({sample ^ std::uint64_t{1} << bit, 5});
      changed += std::popcount(before.hi ^ after.hi) + std::popcount(before.lo ^ after.lo);
    }
    EXPECT_NEAR(changed, 256 * 64, 6 * 91) << "bit " << bit;
  }
}
}  // namespace
}  // namespace orrery
