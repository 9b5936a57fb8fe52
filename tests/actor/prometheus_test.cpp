// Goal:   what prometheus_text() writes is what the text format 0.0.4 allows, whatever names, labels and values there are.
// Method: a parser that accepts nothing else reads it back; the values must be those that were put in.
#include "orrery/actor/prometheus.hpp"

#include "tests/support/prometheus_parser.hpp"
#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace orrery {
namespace {

using Parser = test_support::PrometheusParser;

TEST(Prometheus, writes_help_type_and_one_line_per_sample) {
  MetricList list;
  list.counter("orders_total", "Orders taken.", {{"shop", "west"}, {"kind", "big"}}, 3);
  list.gauge("depth", "How deep.", {}, -1.5);
  list.counter("orders_total", "Orders taken.", {{"shop", "east"}, {"kind", "big"}}, 18'446'744'073'709'551'615U);
  EXPECT_EQ(prometheus_text(list),
            "# HELP orders_total Orders taken.\n"
            "# TYPE orders_total counter\n"
            "orders_total{kind=\"big\",shop=\"west\"} 3\n"
            "orders_total{kind=\"big\",shop=\"east\"} 18446744073709551615\n"
            "# HELP depth How deep.\n"
            "# TYPE depth gauge\n"
            "depth -1.5\n");
  EXPECT_EQ(prometheus_text(MetricList{}), "");
}

TEST(Prometheus, writes_histograms_cumulatively_with_their_sum_and_count) {
  HistogramCounts values;
  for (const std::uint64_t value : {0U, 1U, 2U, 3U, 4U, 100U}) values.add(value);
  MetricList list;
  list.histogram("size", "Sizes.", {{"of", "it"}}, values, {.per_unit = 2, .first = 1, .last = 3});
  EXPECT_EQ(prometheus_text(list),
            "# HELP size Sizes.\n"
            "# TYPE size histogram\n"
            "size_bucket{of=\"it\",le=\"0.5\"} 2\n"
            "size_bucket{of=\"it\",le=\"1.5\"} 4\n"
            "size_bucket{of=\"it\",le=\"3.5\"} 5\n"
            "size_bucket{of=\"it\",le=\"+Inf\"} 6\n"
            "size_sum{of=\"it\"} 55\n"
            "size_count{of=\"it\"} 6\n");
}

TEST(Prometheus, shows_nanoseconds_as_seconds_with_exact_limits) {
  HistogramCounts values;
  values.add(255);
  values.add(256);
  values.add(17'000'000'000);
  MetricList list;
  list.histogram("wait_seconds", "Waits.", {}, values, MetricScale::seconds());
  const auto families = Parser::parse(prometheus_text(list));
  const auto& lines = families.at("wait_seconds").lines;
  ASSERT_EQ(lines.size(), 27U + 3U);
  EXPECT_EQ(lines[0].labels.at("le"), "2.55e-07");
  EXPECT_EQ(lines[0].value, 1);
  EXPECT_EQ(lines[1].value, 2);
  EXPECT_EQ(lines[26].labels.at("le"), "17.179869183");
  EXPECT_EQ(lines[26].value, 3);
}

TEST(Prometheus, writes_any_text_and_any_number_so_that_it_reads_back) {
  test_support::Random random{7};
  const auto any_text = [&] {
    constexpr std::string_view some = "ab\\\"\n{},=# é";
    std::string text;
    for (std::uint64_t i = random.below(8); i > 0; --i) text += some[random.below(some.size())];
    return text;
  };
  for (int round = 0; round < test_support::scaled(2'000); ++round) {
    MetricList list;
    std::map<std::string, std::pair<std::string, std::map<Parser::Labels, double>>> truth;
    for (int family = 0; family < 3; ++family) {
      const std::string name = "m_" + std::to_string(family);
      auto& [help, samples] = truth[name];
      help = any_text();
      for (int i = 0; i < 3; ++i) {
        MetricLabels labels{{"number", std::to_string(i)}, {"text", any_text()}};
        const double numbers[] = {0.0,    -0.1, 1e300,        5e-324, std::numeric_limits<double>::infinity(),
                                  -1e-10, 1e16, 123456789.125};
        const double value = numbers[random.below(std::size(numbers))];
        samples[Parser::Labels(labels.begin(), labels.end())] = value;
        list.gauge(name, help, std::move(labels), value);
      }
    }
    const auto families = Parser::parse(prometheus_text(list));
    ASSERT_EQ(families.size(), truth.size());
    for (const auto& [name, family] : families) {
      ASSERT_EQ(family.help, truth[name].first);
      std::map<Parser::Labels, double> read;
      for (const auto& line : family.lines) read[line.labels] = line.value;
      ASSERT_EQ(read, truth[name].second);
    }
  }
  MetricList list;
  list.gauge("strange", "", {}, std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(std::isnan(Parser::parse(prometheus_text(list)).at("strange").lines.at(0).value));
}

TEST(Prometheus, parser_of_these_tests_refuses_what_the_format_forbids) {
  const std::string_view good = "# HELP a b\n# TYPE a counter\na 1\n";
  EXPECT_NO_THROW(Parser::parse(good));
  for (const std::string_view bad :
       {"a 1\n", "# HELP a b\na 1\n", "# HELP a b\n# TYPE a counter\n", "# HELP a b\n# TYPE a counter\na 1",
        "# HELP a b\n# TYPE a counter\na -1\n", "# HELP a b\n# TYPE a counter\na{x=\"\\q\"} 1\n",
        "# HELP a b\n# TYPE a counter\na{x=\"1\",x=\"2\"} 1\n", "# HELP a b\n# TYPE a counter\na 1\na 2\n",
        "# HELP a b\n# TYPE a counter\nb 1\n", "# HELP a b\n# TYPE a counter\na 1x\n",
        "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        "# HELP a b\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
        "# HELP a b\n# TYPE a counter\na 1\n# HELP c d\n# TYPE c gauge\nc 1\n# HELP a b\n# TYPE a counter\na{x=\"1\"} "
        "1\n"}) {
    EXPECT_THROW(Parser::parse(bad), std::runtime_error) << bad;
  }
}

using MetricListDeathTest = testing::Test;

TEST(MetricListDeathTest, names_a_name_or_a_label_that_cannot_be) {
  const auto put = [](const char* name, const MetricLabels& labels) {
    MetricList list;
    list.counter("known_total", "Help.", {{"a", "1"}}, 1);
    list.counter(name, "Help.", labels, 1);
  };
  put("known_total", {{"a", "2"}});
  EXPECT_DEATH(put("9lives", {}), "9lives");
  EXPECT_DEATH(put("with space", {}), "with space");
  EXPECT_DEATH(put("fine", {{"__own", "1"}}), "__own");
  EXPECT_DEATH(put("fine", {{"a", "1"}, {"a", "2"}}), "label a twice");
  EXPECT_DEATH(put("known_total", {{"a", "1"}}), "twice with the same labels");
  EXPECT_DEATH(
      {
        MetricList list;
        list.counter("known_total", "Help.", {}, 1);
        list.gauge("known_total", "Help.", {}, 1);
      },
      "two kinds");
}

}  // namespace
}  // namespace orrery
