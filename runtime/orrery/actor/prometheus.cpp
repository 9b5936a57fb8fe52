#include "orrery/actor/prometheus.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string_view>

namespace orrery {

namespace {

class Text {
 public:
  [[nodiscard]] std::string take() { return std::move(out_); }

  void add(const MetricList::Family& family) {
    constexpr std::string_view kinds[] = {"counter", "gauge", "histogram"};
    fmt::format_to(std::back_inserter(out_), "# HELP {} ", family.name);
    add_escaped(family.help, false);
    fmt::format_to(std::back_inserter(out_), "\n# TYPE {} {}\n", family.name,
                   kinds[static_cast<std::size_t>(family.kind)]);
    for (const MetricList::Sample& sample : family.samples) {
      if (const auto* const whole = std::get_if<std::uint64_t>(&sample.value); whole != nullptr) {
        add_line(family.name, "", sample.labels, "", fmt::to_string(*whole));
      } else if (const auto* const number = std::get_if<double>(&sample.value); number != nullptr) {
        add_line(family.name, "", sample.labels, "", text_of(*number));
      } else {
        add(family.name, sample.labels, std::get<MetricList::Distribution>(sample.value));
      }
    }
  }

 private:
  void add(std::string_view name, const MetricLabels& labels, const MetricList::Distribution& values) {
    for (const auto& [limit, count] : values.up_to) {
      add_line(name, "_bucket", labels, text_of(limit), fmt::to_string(count));
    }
    add_line(name, "_bucket", labels, "+Inf", fmt::to_string(values.count));
    add_line(name, "_sum", labels, "", text_of(values.sum));
    add_line(name, "_count", labels, "", fmt::to_string(values.count));
  }

  /// `limit`: what stands in the label le, which comes last; empty: there is none.
  void add_line(std::string_view name, std::string_view suffix, const MetricLabels& labels, std::string_view limit,
                std::string_view value) {
    out_.append(name).append(suffix);
    char before = '{';
    const auto add_label = [&](std::string_view label, std::string_view text) {
      out_ += before;
      out_.append(label).append("=\"");
      add_escaped(text, true);
      out_ += '"';
      before = ',';
    };
    for (const auto& [label, text] : labels) add_label(label, text);
    if (!limit.empty()) add_label("le", limit);
    if (before == ',') out_ += '}';
    out_.append(" ").append(value).append("\n");
  }

  void add_escaped(std::string_view text, bool is_quoted) {
    for (const char c : text) {
      if (c == '\\') {
        out_ += "\\\\";
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (c == '"' && is_quoted) {
        out_ += "\\\"";
      } else {
        out_ += c;
      }
    }
  }

  /// The shortest text that reads back as the same number.
  static std::string text_of(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", number);
  }

  std::string out_;
};

}  // namespace

std::string prometheus_text(const MetricList& list) {
  Text text;
  for (const MetricList::Family& family : list.families()) text.add(family);
  return text.take();
}

}  // namespace orrery
