#include "tests/broker/route_model.hpp"
#include "tests/support/scale.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace orrery {
namespace {

using namespace broker_test;
using testing::ElementsAre;
using testing::IsEmpty;

Subscription plain(std::uint64_t id) { return {.type = type(0), .subscriber = {.id = id}}; }

std::string topic(std::uint64_t number) { return "orders." + std::to_string(number) + ".created"; }

// Goal:   B9, what is looked at for one topic does not grow with the others.
// Method: nodes are counted, not time. Three tokens are four nodes; a branch has up to 64 slots, so among 100,000
//         siblings there are at most 5 above a node, unless hashes agree in 30 bits (of any two of 100,000: 5 pairs in all).
TEST(RoutesScale, looks_at_a_handful_of_nodes_among_100000_topics) {
  const auto count = static_cast<std::uint64_t>(test_support::scaled(100'000));
  Routes routes;
  for (std::uint64_t i = 0; i < count; ++i) routes = routes.with(pattern(topic(i)), plain(i));
  ASSERT_EQ(routes.subscription_count(), count);
  MatchBuffer buffer;
  std::size_t most = 0;
  std::size_t sum = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string name = topic(i);
    ASSERT_THAT(ids_of(routes.match(subject(name), type(0), 0, buffer)), ElementsAre(i));
    most = std::max(most, buffer.visited());
    sum += buffer.visited();
  }
  EXPECT_LE(most, 4u + 6u);
  EXPECT_LE(sum, (4 + 4) * count);
  EXPECT_THAT(ids_of(routes.match(subject("orders.x.created"), type(0), 0, buffer)), IsEmpty());
  EXPECT_LE(buffer.visited(), 4u + 6u);
  // And what went leaves nothing behind.
  for (std::uint64_t i = 1; i < count; ++i) routes = routes.without(pattern(topic(i)), plain(i));
  EXPECT_THAT(ids_of(routes.match(subject(topic(0)), type(0), 0, buffer)), ElementsAre(0));
  EXPECT_EQ(buffer.visited(), 4u);  // K1: as if there had never been others
}

TEST(RoutesScale, does_not_look_at_other_types_or_wildcards_elsewhere) {
  Routes routes = Routes{}.with(pattern("a.b"), plain(1));
  MatchBuffer buffer;
  (void)routes.match(subject("a.b"), type(0), 0, buffer);
  const std::size_t alone = buffer.visited();
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::string token = std::to_string(i);
    routes = routes.with(pattern("a.b." + token + ".>"), plain(i));
    routes = routes.with(pattern("a.b.*." + token), plain(i));
    routes = routes.with(pattern("*.*." + token), {.type = type(1), .group = token, .subscriber = {.id = i}});
  }
  EXPECT_THAT(ids_of(routes.match(subject("a.b"), type(0), 0, buffer)), ElementsAre(1));
  EXPECT_EQ(buffer.visited(), alone);
}

// Goal:   the subscribers of the only pattern that matches are handed out as they stand: what two buffers are given is the
//         same memory, so it is in neither of them.
TEST(RoutesScale, copies_nothing_when_one_pattern_matches) {
  for (const std::uint64_t count : {1u, 256u, 257u, 1000u}) {
    Routes routes;
    for (std::uint64_t i = 0; i < count; ++i) routes = routes.with(pattern("news.>"), plain(i));
    MatchBuffer first;
    MatchBuffer second;
    const Matched one = routes.match(subject("news.today"), type(0), 0, first);
    const Matched two = routes.match(subject("news.today"), type(0), 0, second);
    EXPECT_EQ(one.data(), two.data());
    ASSERT_EQ(one.size(), (count + 255) / 256);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].data(), two[i].data());
    EXPECT_EQ(count_of(one), count);
  }
}

// Goal:   many subscribers of one pattern come and go in any order, and neither order nor anybody is lost where their
//         chunks end or are put together.
TEST(RoutesScale, keeps_order_over_chunks_that_fill_and_empty) {
  test_support::Random random{1};
  Routes routes;
  Ids expected;
  MatchBuffer buffer;
  std::uint64_t next = 0;
  std::size_t pieces_most = 0;
  for (const bool grows : {true, false, true, false}) {
    for (int step = 0; step < 1500; ++step) {
      if (random.below(10) < (grows ? 9U : 1U) || expected.empty()) {
        routes = routes.with(pattern("news"), plain(next));
        expected.push_back(next++);
      } else {
        const auto gone = expected.begin() + static_cast<std::ptrdiff_t>(random.below(expected.size()));
        routes = routes.without(pattern("news"), plain(*gone));
        expected.erase(gone);
      }
      if (step % 10 == 0) {
        ASSERT_EQ(ids_of(routes.match(subject("news"), type(0), 0, buffer)), expected);
      }
    }
    const Matched matched = routes.match(subject("news"), type(0), 0, buffer);
    ASSERT_EQ(ids_of(matched), expected);
    pieces_most = std::max(pieces_most, matched.size());
    EXPECT_LE(matched.size(), expected.size() / 32 + 2);  // any two neighbours hold more than 128, but for the newest
  }
  EXPECT_GE(pieces_most, 4u);
  // All at once, merged with another pattern of half of them.
  for (std::uint64_t id = 0; id < next; id += 2) routes = routes.with(pattern("*"), plain(id));
  for (std::uint64_t id = 0; id < next; id += 2) {
    if (std::ranges::find(expected, id) == expected.end()) expected.push_back(id);
  }
  EXPECT_EQ(ids_of(routes.match(subject("news"), type(0), 0, buffer)), expected);
}

std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return word;
}
std::string text_of(std::uint64_t word) {
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) text += static_cast<char>((word >> (8 * i)) & 0xff);
  return text;
}
std::uint64_t hash_of(std::string_view token) { return subject(token).hash(0); }

/// Two tokens with one hash. Of two words the hasher mixes the first into the second, so the second can make up for it;
/// tried until no byte of it is one that a token may not have.
std::pair<std::string, std::string> tokens_of_one_hash(test_support::Random& random) {
  for (;;) {
    std::string first;
    std::string other;
    for (int i = 0; i < 16; ++i) first += static_cast<char>('a' + random.below(26));
    for (int i = 0; i < 8; ++i) other += static_cast<char>('a' + random.below(26));
    const std::uint64_t makes_up = mix64(word_of(first)) ^ mix64(word_of(other));
    other += text_of(word_of(std::string_view{first}.substr(8)) ^ makes_up);
    if (!check_subject(other) && Subject::parse(other)->size() == 1) return {first, other};
  }
}

TEST(RoutesScale, tells_tokens_of_one_hash_apart) {
  test_support::Random random{1};
  for (int round = 0; round < 20; ++round) {
    const auto [one, other] = tokens_of_one_hash(random);
    ASSERT_NE(one, other);
    ASSERT_EQ(hash_of(one), hash_of(other));
    MatchBuffer buffer;
    const Routes alone = Routes{}.with(pattern(one), plain(1));
    EXPECT_THAT(ids_of(alone.match(subject(other), type(0), 0, buffer)), IsEmpty());
    const Routes both = alone.with(pattern(other), plain(2)).with(pattern("x"), plain(3));
    EXPECT_THAT(ids_of(both.match(subject(one), type(0), 0, buffer)), ElementsAre(1));
    EXPECT_GT(buffer.visited(), 10u);  // they part where the hash has ended
    EXPECT_THAT(ids_of(both.match(subject(other), type(0), 0, buffer)), ElementsAre(2));
    EXPECT_THAT(ids_of(both.match(subject("x"), type(0), 0, buffer)), ElementsAre(3));
    const Routes rest = both.without(pattern(one), plain(1));
    EXPECT_THAT(ids_of(rest.match(subject(one), type(0), 0, buffer)), IsEmpty());
    EXPECT_THAT(ids_of(rest.match(subject(other), type(0), 0, buffer)), ElementsAre(2));
    EXPECT_LE(buffer.visited(), 2u + 2u);
    const Routes only = rest.without(pattern("x"), plain(3));
    EXPECT_THAT(ids_of(only.match(subject(other), type(0), 0, buffer)), ElementsAre(2));
    EXPECT_EQ(buffer.visited(), 2u);
  }
}

}  // namespace
}  // namespace orrery
