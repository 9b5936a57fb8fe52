// Goal:   `orrery bench --compare` calls slower what is slower, and nothing else; and says of a broken file that it is broken.
// Method: made-up files, samples whose p is known, and the exact distribution against counting all orders.
#include "orrery/testkit/cli/bench_compare.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace orrery::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string line(const std::string& name, double time, const std::string& unit = "ns", const std::string& more = {}) {
  return fmt::format(R"({{"name": "{0}", "run_name": "{0}", "run_type": "iteration", "threads": 1, "real_time": {1},
    "cpu_time": {1}, "time_unit": "{2}"{3}}})",
                     name, time, unit, more);
}
std::string file_of(const std::vector<std::string>& lines, const std::string& context = R"("num_cpus": 2)") {
  std::string text;
  for (const std::string& one : lines) text += (text.empty() ? "\n    " : ",\n    ") + one;
  return fmt::format("{{\n  \"context\": {{ {} }},\n  \"benchmarks\": [{}\n  ]\n}}\n", context, text);
}
BenchFile read(const std::string& text) {
  auto file = read_bench_file(text);
  EXPECT_TRUE(file.has_value()) << file.error();
  return file.value_or(BenchFile{});
}
BenchFile measured(const std::string& name, const std::vector<double>& times) {
  return {.context = {}, .rows = {{.name = name, .nanoseconds = times}}};
}
BenchVerdict verdict(const std::vector<double>& before, const std::vector<double>& after, double threshold = 0.05) {
  return compare_bench(measured("a", before), measured("a", after), threshold).at(0).verdict;
}
const std::vector<double> steady{100, 101, 102, 103, 104};

TEST(BenchCompare, repetitions_of_a_name_are_one_row_in_nanoseconds) {
  const BenchFile file = read(file_of({line("BM_a", 5, "us"), line("BM_b", 7), line("BM_a", 6, "us")}));
  ASSERT_EQ(file.rows.size(), 2U);
  EXPECT_EQ(file.rows[0].name, "BM_a");
  EXPECT_THAT(file.rows[0].nanoseconds, ElementsAre(5'000, 6'000));
  EXPECT_THAT(file.rows[1].nanoseconds, ElementsAre(7));
}

TEST(BenchCompare, aggregates_are_no_repetitions) {
  const std::string median =
      R"({"name": "BM_a_median", "run_name": "BM_a", "run_type": "aggregate", "real_time": 1, "cpu_time": 1, "time_unit": "ns"})";
  EXPECT_THAT(read(file_of({line("BM_a", 5), median})).rows.at(0).nanoseconds, ElementsAre(5));
}

TEST(BenchCompare, the_time_that_passed_counts_where_the_name_or_threads_say_so) {
  const auto with = [](const std::string& name, int threads) {
    return read(file_of(
                    {fmt::format(R"({{"name": "{}", "threads": {}, "real_time": 9, "cpu_time": 2, "time_unit": "ns"}})",
                                 name, threads)}))
        .rows.at(0)
        .nanoseconds;
  };
  EXPECT_THAT(with("BM_a", 1), ElementsAre(2));
  EXPECT_THAT(with("BM_a/real_time", 1), ElementsAre(9));
  EXPECT_THAT(with("BM_a/manual_time", 1), ElementsAre(9));
  EXPECT_THAT(with("BM_a/threads:2", 2), ElementsAre(9));
}

TEST(BenchCompare, a_broken_file_is_refused_with_its_reason) {
  const auto why = [](const std::string& text) {
    const auto file = read_bench_file(text);
    return file ? std::string{"was read"} : file.error();
  };
  EXPECT_THAT(why("{\"context\": {}, \"bench"), Not(HasSubstr("was read")));
  EXPECT_THAT(why(""), Not(HasSubstr("was read")));
  EXPECT_THAT(why("[1, 2]"), HasSubstr("no list \"benchmarks\""));
  EXPECT_THAT(why("{\"benchmarks\": 3}"), HasSubstr("no list \"benchmarks\""));
  EXPECT_THAT(why(file_of({R"({"real_time": 1, "cpu_time": 1, "time_unit": "ns"})"})), HasSubstr("no name"));
  EXPECT_THAT(why(file_of({R"({"name": "BM_a", "real_time": 1, "time_unit": "ns"})"})), HasSubstr("BM_a has no time"));
  EXPECT_THAT(why(file_of({R"({"name": "BM_a", "cpu_time": "fast", "time_unit": "ns"})"})),
              HasSubstr("BM_a has no time"));
  EXPECT_THAT(why(file_of({line("BM_a", 1, "fortnights")})), HasSubstr("BM_a has no time"));
  EXPECT_THAT(why(file_of({line("BM_a", -1)})), HasSubstr("BM_a has no time"));
  EXPECT_THAT(why(file_of({line("BM_a", 1, "ns", R"(, "error_occurred": true, "error_message": "no memory")")})),
              HasSubstr("BM_a has failed: no memory"));
  EXPECT_THAT(why(file_of({})), HasSubstr("was read"));
}

// All ways in which the ranks of a can lie among those of both, counted.
double p_by_counting(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> all = a;
  all.insert(all.end(), b.begin(), b.end());
  const double middle = static_cast<double>(a.size() * b.size()) / 2;
  const auto distance = [&](const std::vector<double>& x, const std::vector<double>& y) {
    double u = 0;
    for (const double one : x)
      for (const double other : y) u += one > other ? 1 : 0;
    return std::abs(u - middle);
  };
  std::vector<int> is_in_a(all.size(), 0);
  std::fill_n(is_in_a.rbegin(), a.size(), 1);
  double as_far = 0;
  double ways = 0;
  do {
    std::vector<double> x;
    std::vector<double> y;
    for (std::size_t i = 0; i < all.size(); ++i) (is_in_a[i] != 0 ? x : y).push_back(all[i]);
    ++ways;
    as_far += distance(x, y) >= distance(a, b) ? 1 : 0;
  } while (std::ranges::next_permutation(is_in_a).found);
  return as_far / ways;
}

TEST(BenchCompare, the_exact_p_is_what_counting_all_orders_gives) {
  const std::vector<double> a{1, 4, 5, 9, 12};
  for (const std::vector<double>& b : {std::vector<double>{2, 3, 6, 7}, {13, 14, 15}, {0.5, 11, 10, 8, 6, 3}}) {
    EXPECT_NEAR(mann_whitney_p(a, b), p_by_counting(a, b), 1e-12);
    EXPECT_NEAR(mann_whitney_p(b, a), p_by_counting(a, b), 1e-12);
  }
}

TEST(BenchCompare, values_of_tables_are_met) {
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}), 2.0 / 252, 1e-12);
  EXPECT_EQ(mann_whitney_p({1, 1, 1}, {1, 1, 1}), 1);
  // With ties, by hand: U = 2 of 25, of which the deviation is 4.729; so z = (12.5 - 2 - 0.5) / 4.729.
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4, 5}, {5, 5, 6, 7, 4.5}), 0.0345, 0.0002);
}

TEST(BenchCompare, slower_is_what_is_both_unlikely_and_large) {
  EXPECT_EQ(verdict(steady, {120, 121, 122, 123, 124}), BenchVerdict::slower);
  EXPECT_EQ(verdict({120, 121, 122, 123, 124}, steady), BenchVerdict::faster);
  EXPECT_EQ(verdict(steady, {105, 106, 107, 107.1, 108}, 0.05), BenchVerdict::same);  // unlikely, but 4.9 %
  EXPECT_EQ(verdict(steady, {105, 106, 107, 107.1, 108}, 0.04), BenchVerdict::slower);
  EXPECT_EQ(verdict({80, 90, 100, 200, 300}, {85, 95, 190, 250, 280}), BenchVerdict::same);  // large, but chance
}

TEST(BenchCompare, too_few_repetitions_accuse_nobody) {
  EXPECT_EQ(verdict({100, 101, 102, 103}, {200, 201, 202, 203}), BenchVerdict::unclear);
  EXPECT_EQ(verdict({100}, {200}), BenchVerdict::unclear);
  EXPECT_EQ(verdict({100}, {101}), BenchVerdict::same);
}

TEST(BenchCompare, what_is_in_one_file_only_is_told_and_is_no_regression) {
  BenchFile before = measured("a", steady);
  before.rows.push_back({.name = "old", .nanoseconds = steady});
  BenchFile after = measured("a", steady);
  after.rows.push_back({.name = "new", .nanoseconds = steady});
  const auto changes = compare_bench(before, after, 0.05);
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[1].name, "new");
  EXPECT_EQ(changes[1].verdict, BenchVerdict::added);
  EXPECT_EQ(changes[2].verdict, BenchVerdict::gone);
  const std::string table = bench_table(changes, 0.05);
  EXPECT_THAT(table, HasSubstr("0 slower, 0 faster, 1 same, 0 unclear, 1 new, 1 gone"));
  EXPECT_THAT(table, HasSubstr("a change counts above 5 %, with p < 0.01"));
}

TEST(BenchCompare, files_are_joined_in_their_order) {
  const std::string joined =
      join_bench_files({file_of({line("a", 1), line("b", 2)}), file_of({}), file_of({line("c", 3)})});
  const BenchFile file = read(joined);
  ASSERT_EQ(file.rows.size(), 3U);
  EXPECT_EQ(file.rows[2].name, "c");
  EXPECT_THAT(file.context, ElementsAre(std::pair<std::string, std::string>{"num_cpus", "2"}));
  EXPECT_EQ(read(join_bench_files({file_of({}), file_of({line("c", 3)})})).rows.size(), 1U);
  EXPECT_THAT(read(join_bench_files({})).rows, IsEmpty());
}

TEST(BenchCompare, another_machine_is_warned_of) {
  const BenchFile here = read(file_of({}, R"("num_cpus": 2, "commit": "a")"));
  EXPECT_THAT(bench_differences(here, read(file_of({}, R"("num_cpus": 2, "commit": "b")"))), IsEmpty());
  EXPECT_THAT(bench_differences(here, read(file_of({}, R"("num_cpus": 64)"))), ElementsAre("num_cpus was 2, now 64"));
}

}  // namespace
}  // namespace orrery::cli
