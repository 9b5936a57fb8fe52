// Goal:   a histogram forgets the order of what it is given and little else: quantiles within 3 %, counts exact at powers of
//         two, sums of histograms as if everything had been recorded in one.
#include "orrery/core/histogram.hpp"

#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace orrery {
namespace {

using test_support::Random;

TEST(Histogram, has_one_bucket_for_every_value_and_they_are_in_order) {
  EXPECT_EQ(HistogramBuckets::least(0), 0U);
  for (std::size_t i = 0; i < HistogramBuckets::count; ++i) {
    const std::uint64_t least = HistogramBuckets::least(i);
    const std::uint64_t most = HistogramBuckets::most(i);
    ASSERT_LE(least, most);
    ASSERT_EQ(HistogramBuckets::of(least), i);
    ASSERT_EQ(HistogramBuckets::of(most), i);
    ASSERT_EQ(HistogramBuckets::of(least + (most - least) / 2), i);
    if (i + 1 < HistogramBuckets::count) {
      ASSERT_EQ(HistogramBuckets::least(i + 1), most + 1) << "nothing lies in between";
    }
    ASSERT_LE((most - least) * 32, least) << "no wider than 1/32 of what it holds";
  }
  EXPECT_EQ(HistogramBuckets::most(HistogramBuckets::count - 1), UINT64_MAX);
}

/// A value of any size, small ones as often as great ones.
std::uint64_t any_value(Random& random) { return random.below(UINT64_MAX) >> random.below(64); }

TEST(Histogram, finds_quantiles_within_three_percent) {
  Random random{1};
  for (int round = 0; round < test_support::scaled(400); ++round) {
    HistogramCounts counts;
    std::vector<std::uint64_t> values(1 + random.below(3'000));
    const std::uint64_t widest = 1 + any_value(random);
    for (std::uint64_t& value : values) {
      value = round % 2 == 0 ? any_value(random) : random.below(widest);
      counts.add(value);
    }
    std::ranges::sort(values);
    ASSERT_EQ(counts.count(), values.size());
    for (const auto& [part, of] : {std::pair{1U, 2U}, {95U, 100U}, {99U, 100U}, {999U, 1'000U}, {1U, 1U}, {0U, 1U}}) {
      // The least value that so many of all do not exceed.
      const std::size_t place = std::max<std::size_t>((values.size() * part + of - 1) / of, 1);
      const std::uint64_t truth = values[place - 1];
      const std::uint64_t found = counts.quantile(part, of);
      const std::uint64_t error = found > truth ? found - truth : truth - found;
      ASSERT_LE(error, truth / 64) << part << "/" << of << " of " << values.size() << ": " << found << " for " << truth;
      ASSERT_LE(found, values.back());
    }
  }
}

TEST(Histogram, is_exact_below_64_and_for_a_single_value) {
  HistogramCounts counts;
  EXPECT_EQ(counts.quantile(1, 2), 0U) << "of nothing";
  for (std::uint64_t value = 0; value < 64; ++value) counts.add(value);
  for (std::uint32_t part = 1; part <= 64; ++part) EXPECT_EQ(counts.quantile(part, 64), part - 1);
  HistogramCounts one;
  one.add(1'000'000'007);
  EXPECT_LE(one.quantile(1, 2), 1'000'000'007U);
  EXPECT_EQ(one.greatest, 1'000'000'007U);
  EXPECT_EQ(one.sum, 1'000'000'007U);
}

TEST(Histogram, counts_exactly_up_to_powers_of_two) {
  Random random{2};
  HistogramCounts counts;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(i < 192 ? (std::uint64_t{1} << (i / 3)) - 1 + static_cast<std::uint64_t>(i % 3)
                             : any_value(random));
    counts.add(values.back());
  }
  for (unsigned power = 0; power < 64; ++power) {
    const std::uint64_t limit = (std::uint64_t{1} << power) - 1;
    const auto truth = std::ranges::count_if(values, [&](std::uint64_t value) { return value <= limit; });
    EXPECT_EQ(counts.count_up_to(limit), static_cast<std::uint64_t>(truth)) << limit;
  }
  EXPECT_EQ(counts.count_up_to(UINT64_MAX), values.size());
}

TEST(Histogram, adds_up_to_what_one_would_have_recorded) {
  Random random{3};
  HistogramCounts whole;
  HistogramCounts sum;
  for (int part = 0; part < 5; ++part) {
    Histogram live;
    HistogramCounts plain;
    for (int i = 0; i < 1'000; ++i) {
      const std::uint64_t value = any_value(random) >> 8;
      whole.add(value);
      if (part % 2 == 0) {
        live.add(value);
      } else {
        plain.add(value);
      }
    }
    live.add_to(sum);
    sum += plain;
  }
  EXPECT_EQ(sum, whole);
}

TEST(Histogram, can_be_read_while_it_is_written) {
  Histogram live;
  std::atomic<bool> is_done{false};
  const int values = test_support::scaled(2'000'000);
  std::thread writer{[&] {
    for (int i = 0; i < values; ++i) live.add(static_cast<std::uint64_t>(i));
    is_done = true;
  }};
  std::uint64_t before = 0;
  while (!is_done) {
    HistogramCounts seen;
    live.add_to(seen);
    ASSERT_GE(seen.count(), before);
    ASSERT_LE(seen.greatest, static_cast<std::uint64_t>(values));
    before = seen.count();
  }
  writer.join();
  HistogramCounts all;
  live.add_to(all);
  EXPECT_EQ(all.count(), static_cast<std::uint64_t>(values));
}

}  // namespace
}  // namespace orrery
