// Goal:   the table of `./dev bench --peers` says of each target what its rule says, and of each wrong run that it is wrong.
// Method: made-up rows and figures.
#include "bench/report/figures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace orrery::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Report report_of(const std::string& rows, const std::string& measured) {
  std::istringstream rows_in{rows};
  std::istringstream measured_in{measured};
  return evaluate(read_rows(rows_in), read_measured(measured_in));
}
/// The first row's verdicts when `ours` is measured and everything else is as here: the limit takes 10 where it took 5
/// when the targets were set, and a peer takes 100.
std::pair<Verdict, Verdict> verdicts(const std::string& target, const std::string& ours,
                                     const std::string& scale = "atom=5") {
  const Report report = report_of("A where name per_item atom " + scale + " A - " + target + "\n",
                                  "ours A " + ours + " -\nlimit atom 10 -\npeer A 100 -\n");
  EXPECT_THAT(report.complaints, IsEmpty());
  return {report.rows.at(0).met, report.rows.at(0).met_ratio};
}
constexpr std::pair both_met{Verdict::met, Verdict::met};
constexpr std::pair both_missed{Verdict::missed, Verdict::missed};
constexpr std::pair only_as_ratio{Verdict::missed, Verdict::met};

TEST(BenchReport, an_absolute_target_is_met_at_its_edge_and_stretched_by_what_the_limit_takes_here) {
  EXPECT_EQ(verdicts("ours<=12", "12"), both_met);
  EXPECT_EQ(verdicts("ours<=12", "12.1"), only_as_ratio);
  EXPECT_EQ(verdicts("ours<=12", "24"), only_as_ratio);
  EXPECT_EQ(verdicts("ours<=12", "24.1"), both_missed);
  EXPECT_EQ(verdicts("ours<=12", "24", "-"), both_missed);
}

TEST(BenchReport, a_limit_far_from_what_it_was_stretches_nothing) {
  EXPECT_EQ(verdicts("ours<=12", "13", "atom=2.5"), only_as_ratio);
  EXPECT_EQ(verdicts("ours<=12", "13", "atom=2.4"), std::pair(Verdict::missed, Verdict::open));
  EXPECT_EQ(verdicts("ours<=12", "13", "atom=41"), std::pair(Verdict::missed, Verdict::open));
}

TEST(BenchReport, a_ratio_is_met_at_its_edge) {
  EXPECT_EQ(verdicts("ours/limit<=1.3", "13"), both_met);
  EXPECT_EQ(verdicts("ours/limit<=1.3", "13.1"), both_missed);
  EXPECT_EQ(verdicts("limit/ours>=1.25", "8"), both_met);
  EXPECT_EQ(verdicts("limit/ours>=1.25", "8.1"), both_missed);
}

TEST(BenchReport, a_stated_ratio_to_a_peer_that_ran_decides_the_ratio) {
  EXPECT_EQ(verdicts("ours<=12,peer/ours>=2", "50"), only_as_ratio);
  EXPECT_EQ(verdicts("ours<=12,peer/ours>=2", "51"), both_missed);
  EXPECT_EQ(verdicts("ours<=12,absent/ours>=2", "12"), std::pair(Verdict::open, Verdict::open));
  EXPECT_EQ(verdicts("ours<=12,absent/ours>=2", "25"), both_missed);
}

TEST(BenchReport, a_row_is_compared_with_an_earlier_one_by_the_medians_of_both) {
  const std::string rows = "A/1 where name per_item - - - - -\nB where name per_item @A/1 - - - ours/@A/1<=1.5\n";
  const std::string first = "ours A/1 1 -\nours A/1 10 -\nours A/1 12 -\n";
  EXPECT_EQ(report_of(rows, first + "ours B 15 -\n").rows.at(1).met, Verdict::met);
  const Row missed = report_of(rows, first + "ours B 14 -\nours B 18 -\n").rows.at(1);
  EXPECT_EQ(missed.met, Verdict::missed);
  EXPECT_EQ(missed.limit, 10.0);
  EXPECT_EQ(missed.ours, 16.0);
  EXPECT_EQ(missed.spread_percent, 25.0);
}

TEST(BenchReport, a_wrong_checksum_is_complained_about_whoever_computed_it) {
  const std::string rows = "A where name per_item - - A 7 -\nB where name per_item - - - same -\n";
  EXPECT_THAT(report_of(rows, "ours A 1 7\npeer A 1 7.0\nours B 1 3\nours B 1 3\n").complaints, IsEmpty());
  EXPECT_THAT(report_of(rows, "ours A 1 7\npeer A 1 8\nours B 1 3\nours B 1 4\n").complaints,
              ElementsAre(HasSubstr("peer A: checksum 8, expected 7"), HasSubstr("ours B: checksum 4, expected 3")));
  EXPECT_THAT(report_of(rows, "ours A 1 -\nours B 1 3\n").complaints, ElementsAre(HasSubstr("ours A: checksum -")));
}

TEST(BenchReport, what_was_not_measured_is_complained_about_and_left_open) {
  const Report report =
      report_of("A where name per_item atom - - - ours<=1\nB - - - - - - - ours<=1\n", "peer X 1 -\n");
  EXPECT_THAT(report.complaints, ElementsAre("there is no limit_atom", "A was not measured"));
  EXPECT_EQ(report.rows.at(0).met, Verdict::open);
  EXPECT_THAT(table(report), HasSubstr("comes with its feature"));
}

TEST(BenchReport, a_line_that_cannot_be_read_is_an_error) {
  EXPECT_THROW(report_of("A where name per_item - - - -\n", ""), std::runtime_error);
  EXPECT_THROW(report_of("A where name per_item - - - - - -\n", ""), std::runtime_error);
  EXPECT_THROW(report_of("", "ours A fast -\n"), std::runtime_error);
  EXPECT_THROW(report_of("A where name per_item - - - - ours=1\n", "ours A 1 -\n"), std::runtime_error);
}

TEST(BenchReport, json_has_a_row_a_line_with_null_for_what_is_not_known) {
  const Report report = report_of("A where name per_item atom - A - ours<=12\nB - - - - - - - -\n",
                                  "ours A 12 -\nlimit atom 10 -\nquick A 30 -\nslow A 40 -\n");
  EXPECT_EQ(
      json(report),
      "[\n"
      R"(  {"id": "A", "unit": "ns", "ours": 12.000, "spread_percent": 0.0, "limit": 10.000, "best_peer": 30.000, )"
      R"("best_peer_name": "quick", "target": "ours<=12", "stretch": null, "met": true, "met_ratio": true, )"
      R"("peers": {"quick": 30.000, "slow": 40.000}},)"
      "\n"
      R"(  {"id": "B", "unit": "ns", "ours": null, "spread_percent": 0.0, "limit": null, "best_peer": null, )"
      R"("best_peer_name": null, "target": null, "stretch": null, "met": null, "met_ratio": null})"
      "\n]\n");
}

TEST(BenchReport, the_plot_shows_each_peer_row_once_with_ours_limit_and_peers) {
  const std::string rows =
      "A where name per_item atom - A - -\nA/2 where name per_item - - A - -\nB where name per_item - - - - -\n";
  const std::string svg =
      plot(report_of(rows, "ours A 12 -\nours A/2 12 -\nours B 5 -\nlimit atom 2 -\nquick A 1500 -\n"));
  std::size_t bars = 0;
  for (auto at = svg.find("<rect"); at != std::string::npos; at = svg.find("<rect", at + 1)) ++bars;
  EXPECT_EQ(bars, 3U);
  EXPECT_THAT(svg, HasSubstr(">1500 ns<"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
}

TEST(BenchReport, the_rows_of_the_repository_can_be_read_and_name_earlier_rows_only) {
  std::ifstream file{"bench/rows.txt"};
  ASSERT_TRUE(file);
  std::vector<std::string> ids;
  for (const RowSpec& row : read_rows(file)) {
    EXPECT_THAT(ids, testing::Not(testing::Contains(row.id)));
    if (row.limit.starts_with('@')) {
      EXPECT_THAT(ids, testing::Contains(row.limit.substr(1)));
    }
    ids.push_back(row.id);
  }
  EXPECT_GE(ids.size(), 60U);
}

}  // namespace
}  // namespace orrery::bench
