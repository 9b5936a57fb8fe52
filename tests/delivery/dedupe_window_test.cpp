// Goal:   a window remembers the newest ids within its time, and nothing else.
// Method: its edges; then random lives against a list that knows the rule and no table.
#include "orrery/actor/dedupe_window.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace orrery {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant{since_start}; }
constexpr MessageId id(std::uint64_t number) { return {0, number}; }

TEST(DedupeWindow, remembers_an_id_up_to_and_including_its_last_instant) {
  DedupeWindow window{10, 5s};
  EXPECT_EQ(window.find(id(1), at(0s)), nullptr);
  window.remember(id(1), at(0s), {});
  EXPECT_NE(window.find(id(1), at(5s)), nullptr);
  EXPECT_EQ(window.find(id(1), at(5s + 1ns)), nullptr);
  EXPECT_EQ(window.size(), 0U);
}

TEST(DedupeWindow, forgets_the_oldest_for_a_newer_one_when_it_is_full) {
  DedupeWindow window{2, 1h};
  window.remember(id(1), at(0s), {});
  window.remember(id(2), at(0s), {});
  window.remember(id(3), at(0s), {});
  EXPECT_EQ(window.find(id(1), at(0s)), nullptr);
  EXPECT_NE(window.find(id(2), at(0s)), nullptr);
  EXPECT_NE(window.find(id(3), at(0s)), nullptr);
}

TEST(DedupeWindow, of_no_size_remembers_nothing) {
  DedupeWindow window{0, 1h};
  window.remember(id(1), at(0s), {});
  EXPECT_EQ(window.find(id(1), at(0s)), nullptr);
}

TEST(DedupeWindow, gives_back_what_was_kept) {
  DedupeWindow window{2, 1h};
  window.remember(id(1), at(0s), {nullptr, detail::KeptReply::of(std::string(100, 'x'))});
  const auto* const kept = window.find(id(1), at(0s));
  ASSERT_TRUE(kept != nullptr && kept->reply.is_set());
  alignas(std::string) std::byte room[sizeof(std::string)];
  kept->reply.copy_to(room);
  auto* const copy = std::launder(reinterpret_cast<std::string*>(room));
  EXPECT_EQ(*copy, std::string(100, 'x'));
  std::destroy_at(copy);
}

TEST(DedupeWindowDeathTest, an_id_is_remembered_once) {
  DedupeWindow window{2, 1h};
  window.remember(id(1), at(0s), {});
  EXPECT_DEATH(window.remember(id(1), at(1s), {}), "was handled already");
}

TEST(DedupeWindow, knows_in_any_life_exactly_the_newest_within_its_time) {
  std::mt19937_64 random{41};
  int known = 0, forgotten = 0;
  for (int life = 0; life < 200; ++life) {
    const auto ids_max = static_cast<std::uint32_t>(1 + random() % 6);
    const Duration keep_for{random() % 20};
    DedupeWindow window{ids_max, keep_for};
    std::vector<std::pair<MessageId, Instant>> all;
    Instant now{};
    for (int step = 0; step < 100; ++step) {
      now += Duration{random() % 4};
      const MessageId which = id(random() % 10);
      bool expected = false;
      for (std::size_t i = 0; i < all.size(); ++i) {
        expected |= all[i].first == which && now - all[i].second <= keep_for && all.size() - i <= ids_max;
      }
      ASSERT_EQ(window.find(which, now) != nullptr, expected) << "life " << life << " step " << step;
      (expected ? known : forgotten) += 1;
      if (!expected) {
        window.remember(which, now, {});
        all.emplace_back(which, now);
      }
      ASSERT_LE(window.size(), ids_max);
    }
  }
  EXPECT_GT(known, 1'000);
  EXPECT_GT(forgotten, 1'000);
}

}  // namespace
}  // namespace orrery
