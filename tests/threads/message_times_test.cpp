// Goal:   what is timed is drawn, at the rate that was asked for; stamps are differences that survive the end of their bits;
//         and the counts by type are those of what was added, however many types there are.
#include "orrery/actor/message_times.hpp"
#include "orrery/actor/envelope.hpp"
#include "orrery/actor/type_counts.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <vector>

namespace orrery {
namespace {

using namespace std::chrono_literals;

TEST(MessageTimes, gaps_are_drawn_and_right_on_average) {
  MessageTimes times{100};
  std::uint64_t sum = 0;
  std::set<std::uint64_t> different;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t gap = times.next_gap();
    ASSERT_GE(gap, 1U);
    ASSERT_LE(gap, 199U);
    different.insert(gap);
    sum += gap;
  }
  EXPECT_NEAR(static_cast<double>(sum) / 10'000, 100, 3);
  EXPECT_EQ(different.size(), 199U);
  MessageTimes all{1};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(all.next_gap(), 1U);
}

TEST(MessageTimes, stamps_survive_the_end_of_their_bits) {
  for (const Duration sent : {Duration{0}, Duration{1h}, Duration{(std::int64_t{1} << 39) - 1'000}}) {
    for (const Duration waited : {Duration{0}, Duration{1us}, Duration{1s}, Duration{9min}}) {
      const Duration seen = SentStamp::since(SentStamp::of(Instant{sent}), Instant{sent + waited});
      EXPECT_LE(seen, waited + 128ns);
      EXPECT_GE(seen, waited - 128ns);
    }
  }
}

MessageInfo info_of(std::string_view name, std::uint64_t hash) {
  MessageInfo info{};
  info.name = name;
  info.name_hash = hash;
  return info;
}

TEST(MessageTimes, are_counted_by_type_and_beyond_the_table_together) {
  constexpr std::size_t beyond = 10;
  MessageTimes times{1};
  std::deque<std::string> names;
  std::deque<MessageInfo> infos;
  std::deque<Operations> kinds;
  for (std::size_t i = 0; i < MessageTimes::kinds_max + beyond; ++i) {
    names.push_back("M" + std::to_string(i));
    infos.push_back(info_of(names.back(), i / 2));  // two of each hash
    kinds.push_back({.run = nullptr, .drop = nullptr, .message = &infos.back()});
  }
  for (int round = 0; round < 2; ++round) {
    for (const Operations& kind : kinds) times.add(kind, "Actor", 1us, 3us);
  }
  MessageTimesTotal total;
  times.add_to(total);
  EXPECT_EQ(total.kinds.size(), MessageTimes::kinds_max + 1);
  EXPECT_EQ(total.latency.count(), 2 * kinds.size());
  EXPECT_EQ(total.latency.greatest, 4'000U);
  const auto& first = total.kinds.at({"Actor", "M0"});
  EXPECT_EQ(first.wait.sum, 2'000U);
  EXPECT_EQ(first.handling.sum, 6'000U);
  EXPECT_EQ(first.wait.buckets[10], 2U) << "1,000 has ten bits";
  EXPECT_EQ(total.kinds.at({"other", "other"}).wait.sum, 2'000U * beyond);
}

}  // namespace
}  // namespace orrery
