// prometheus_parser.hpp: reads the text format of Prometheus 0.0.4, and nothing that it does not allow.
#pragma once
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::test_support {

/// Reads the text format and throws at the first thing that it does not allow, or that a scraper would warn of.
class PrometheusParser {
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
    PrometheusParser parser{text};
    parser.parse_all();
    return std::move(parser.families_);
  }

 private:
  explicit PrometheusParser(std::string_view text) : text_{text} {}

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

}  // namespace orrery::test_support
