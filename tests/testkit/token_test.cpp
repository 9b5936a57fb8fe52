#include "orrery/testkit/token.hpp"

#include "orrery/core/entropy.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace orrery::testkit {
namespace {

constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/// Tokens of all lengths: run numbers and seeds from one digit to sixteen.
Token random_token(Entropy& entropy) {
  Token token;
  token.run = entropy.next() >> entropy.below(64);
  if (entropy.below(2) == 0) token.seed = entropy.next() >> entropy.below(64);
  token.profile = static_cast<std::uint8_t>(entropy.below(4));
  if (entropy.below(2) == 0) token.strategy = static_cast<std::uint8_t>(entropy.below(32));
  if (entropy.below(2) == 0) token.grain = static_cast<std::uint8_t>(entropy.below(4));
  token.test_hash = static_cast<std::uint16_t>(entropy.below(1 << 12));
  return token;
}

TEST(Token, is_what_it_was_after_printing_and_reading) {
  Entropy entropy{1, 1};
  for (int i = 0; i < 20'000; ++i) {
    const Token token = random_token(entropy);
    const auto read = parse_token(to_string(token));
    ASSERT_TRUE(read) << read.error();
    ASSERT_EQ(*read, token) << to_string(token);
  }
}

TEST(Token, holds_the_largest_numbers) {
  const Token token{
      .seed = UINT64_MAX, .run = UINT64_MAX, .profile = 3, .strategy = 31, .grain = 3, .test_hash = 0xfff};
  const auto read = parse_token(to_string(token));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, token);
}

// The texts are part of the product: a token in last week's log must mean the same run today.
TEST(Token, has_the_same_spelling_for_ever) {
  EXPECT_EQ(to_string({}), "2900-000");
  EXPECT_EQ(to_string({.run = 9, .profile = 1, .test_hash = hash_of_test("NaiveBank.MoneyIsConserved")}), "qy1r-pk0");
  EXPECT_EQ(to_string({.seed = 0x123456789, .run = 1'000'000, .profile = 1, .test_hash = 0xabc}),
            "vh9y-a195-9zjh-fdb9-7530");
}

TEST(Token, is_short_with_the_default_seed) {
  EXPECT_EQ(to_string({.run = 15}).size(), 8U);
  EXPECT_LE(to_string({.run = 4'095}).size(), 11U);
}

// T2, for one character: the whole neighbourhood of 300 tokens, about 180,000 texts.
TEST(Token, recognises_every_change_of_one_character) {
  Entropy entropy{2, 1};
  std::uint64_t tried = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string right = to_string(random_token(entropy));
    for (std::size_t at = 0; at < right.size(); ++at) {
      for (const char c : std::string{alphabet} + "-iloABZ ~") {
        if (c == right[at]) continue;
        std::string wrong = right;
        wrong[at] = c;
        ++tried;
        ASSERT_FALSE(parse_token(wrong)) << wrong << " for " << right;
      }
    }
  }
  EXPECT_GT(tried, 100'000U);
}

TEST(Token, recognises_every_change_of_two_neighbours_and_every_swap_of_them) {
  Entropy entropy{3, 1};
  for (int i = 0; i < 10; ++i) {
    const std::string right = to_string(random_token(entropy));
    for (std::size_t at = 0; at + 1 < right.size(); ++at) {
      // The next character, past a dash.
      const std::size_t other = right[at + 1] == '-' ? at + 2 : at + 1;
      if (right[at] == '-') continue;
      for (const char a : alphabet) {
        for (const char b : alphabet) {
          std::string wrong = right;
          wrong[at] = a;
          wrong[other] = b;
          if (wrong == right) continue;
          ASSERT_FALSE(parse_token(wrong)) << wrong << " for " << right;
        }
      }
    }
  }
}

TEST(Token, recognises_every_change_of_two_bits_anywhere) {
  Entropy entropy{6, 1};
  for (int i = 0; i < 20; ++i) {
    const std::string right = to_string(random_token(entropy));
    std::vector<std::pair<std::size_t, unsigned>> bits;
    for (std::size_t at = 0; at < right.size(); ++at) {
      for (unsigned bit = 0; right[at] != '-' && bit < 5; ++bit) bits.emplace_back(at, bit);
    }
    const auto flip = [](std::string& text, std::pair<std::size_t, unsigned> bit) {
      text[bit.first] = alphabet[alphabet.find(text[bit.first]) ^ (1U << bit.second)];
    };
    for (std::size_t a = 0; a < bits.size(); ++a) {
      for (std::size_t b = a + 1; b < bits.size(); ++b) {
        std::string wrong = right;
        flip(wrong, bits[a]);
        flip(wrong, bits[b]);
        ASSERT_FALSE(parse_token(wrong)) << wrong << " for " << right;
      }
    }
  }
}

TEST(Token, takes_about_one_random_text_in_a_thousand) {
  Entropy entropy{4, 1};
  int taken = 0;
  constexpr int tries = 100'000;
  for (int i = 0; i < tries; ++i) {
    std::string text = "0000-000";
    for (char& c : text) {
      if (c != '-') c = alphabet[entropy.below(alphabet.size())];
    }
    taken += parse_token(text) ? 1 : 0;
  }
  EXPECT_LT(taken, tries / 1'024 * 3 / 2);
}

TEST(Token, is_refused_when_it_is_cut_or_goes_on) {
  Entropy entropy{5, 1};
  for (int i = 0; i < 200; ++i) {
    const std::string right = to_string(random_token(entropy));
    for (std::size_t length = 0; length < right.size(); ++length) {
      ASSERT_FALSE(parse_token(right.substr(0, length))) << right.substr(0, length);
    }
    for (const char c : std::string{alphabet} + "-") {
      ASSERT_FALSE(parse_token(right + c));
      ASSERT_FALSE(parse_token(c + right));
    }
  }
}

TEST(Token, says_what_is_wrong_in_one_line) {
  EXPECT_EQ(parse_token("2900-001").error(),
            "\"2900-001\" is no token: its checksum does not fit (cut off, or a typing error?)");
  EXPECT_EQ(parse_token("").error(), "\"\" is no token: its checksum does not fit (cut off, or a typing error?)");
  EXPECT_EQ(parse_token("b7k2\n").error(), "\"b7k2\\n\" is no token: it holds a character that none has");
}

TEST(Token, tells_tests_apart_but_not_the_checks_of_one) {
  EXPECT_NE(hash_of_test("Bank.MoneyIsConserved"), hash_of_test("NaiveBank.MoneyIsConserved"));
  EXPECT_EQ(hash_of_test("Bank.MoneyIsConserved"), hash_of_test("Bank.MoneyIsConserved#2"));
}

}  // namespace
}  // namespace orrery::testkit
