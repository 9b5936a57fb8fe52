// Goal:   what prometheus_text() writes is what the text format 0.0.4 allows, whatever names, labels and values there are.
// Method: a parser that accepts nothing else reads it back; the values must be those that were put in.
#include "orrery/actor/prometheus.hpp"

#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace orrery {
namespace {

/// Reads the text format and throws at the first thing that it does not allow, or that a scraper would warn of.
class Parser {
 public:
  using Labels = std::map<std::string, std::string>;
  struct Line {
    std::string name;
    Labels labels;
    double value;
  };
  struct Family {
    std::string help;
    std::string type;
    std::vector<Line> lines;
  };

  static std::map<std::string, Family> parse(std::string_view text) {
    Parser parser{text};
    parser.parse_all();
    return std::move(parser.families_);
  }

 private:
  explicit Parser(std::string_view text) : text_{text} {}

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error{what + " at: " + std::string{text_.substr(at_, 40)}};
  }
  void need(bool condition, const char* what) const {
    if (!condition) fail(what);
  }
  [[nodiscard]] bool is_next(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void take(std::string_view what) {
    need(is_next(what), "something else was expected");
    at_ += what.size();
  }
  std::string take_name(bool colons) {
    const auto fits = [&](char c, bool first) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':') ||
             (!first && c >= '0' && c <= '9');
    };
    const std::size_t begin = at_;
    while (at_ < text_.size() && fits(text_[at_], at_ == begin)) ++at_;
    need(at_ > begin, "a name was expected");
    return std::string{text_.substr(begin, at_ - begin)};
  }
  std::string take_escaped(char end, bool quotes) {
    std::string out;
    for (;; ++at_) {
      need(at_ < text_.size(), "the text ends within a line");
      if (text_[at_] == end) return out;
      need(text_[at_] != '\n', "a line ends within quotes");
      if (text_[at_] != '\\') {
        out += text_[at_];
        continue;
      }
      ++at_;
      if (is_next("n")) {
        out += '\n';
      } else if (is_next("\\") || (quotes && is_next("\""))) {
        out += text_[at_];
      } else {
        fail("no such escape");
      }
    }
  }
  double take_number() {
    const std::size_t end = text_.find('\n', at_);
    need(end != text_.npos, "the last line must end");
    const std::string_view number = text_.substr(at_, end - at_);
    at_ = end;
    return to_number(number);
  }
  double to_number(std::string_view text) const {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    if (text == "-Inf") return -std::numeric_limits<double>::infinity();
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    need(error == std::errc{} && end == text.data() + text.size() && !text.empty(), "no number");
    return value;
  }

  void parse_all() {
    while (at_ < text_.size()) parse_family();
  }
  void parse_family() {
    take("# HELP ");
    const std::string name = take_name(true);
    take(" ");
    need(!families_.contains(name), "a family is split");
    Family& family = families_[name];
    family.help = take_escaped('\n', false);
    take("\n# TYPE " + name + " ");
    family.type = take_name(false);
    need(family.type == "counter" || family.type == "gauge" || family.type == "histogram", "no such type");
    take("\n");
    while (at_ < text_.size() && !is_next("#")) family.lines.push_back(parse_line(name, family.type));
    need(!family.lines.empty(), "a family without samples");
    if (family.type == "histogram") check_histogram(name, family);
  }
  Line parse_line(const std::string& family, const std::string& type) {
    Line line{take_name(true), {}, 0};
    const bool is_part = type == "histogram" && (line.name == family + "_bucket" || line.name == family + "_sum" ||
                                                 line.name == family + "_count");
    need(type == "histogram" ? is_part : line.name == family, "a line of another family");
    if (is_next("{")) {
      do {
        ++at_;
        const std::string label = take_name(false);
        take("=\"");
        need(line.labels.emplace(label, take_escaped('"', true)).second, "a label twice");
        take("\"");
      } while (is_next(","));
      take("}");
    }
    take(" ");
    line.value = take_number();
    take("\n");
    need(seen_.emplace(line.name, line.labels).second, "the same sample twice");
    need(type != "counter" || line.value >= 0, "a counter below zero");
    return line;
  }
  void check_histogram(const std::string& name, const Family& family) const {
    struct Parts {
      double limit = -std::numeric_limits<double>::infinity();
      double count = 0;
      std::optional<double> sum, all;
    };
    std::map<Labels, Parts> series;
    for (const Line& line : family.lines) {
      Labels labels = line.labels;
      labels.erase("le");
      Parts& parts = series[labels];
      if (line.name == name + "_bucket") {
        need(line.labels.contains("le"), "a bucket without a limit");
        const double limit = to_number(line.labels.at("le"));
        need(limit > parts.limit && line.value >= parts.count, "limits and counts grow");
        need(!parts.sum && !parts.all, "buckets come first");
        parts.limit = limit;
        parts.count = line.value;
      } else {
        need(!line.labels.contains("le"), "only buckets have limits");
        (line.name == name + "_sum" ? parts.sum : parts.all) = line.value;
      }
    }
    for (const auto& [labels, parts] : series) {
      need(std::isinf(parts.limit), "the last limit is +Inf");
      need(parts.sum && parts.all && *parts.all == parts.count, "sum and count are there, and count is all");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::map<std::string, Family> families_;
  std::set<std::pair<std::string, Labels>> seen_;
};

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
