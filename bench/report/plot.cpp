// plot.cpp: the rows that have peers as bars, for a page that may be light or dark.
// How:  horizontal bars on a logarithmic scale, shorter is better; each bar carries its name and figure, so that no colour
//       has to be told from another. The ground is transparent; the grey of the text can be read on white and on black,
//       and where a page says which it is, a stronger one is used.
#include "bench/report/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <set>
#include <string_view>

namespace orrery::bench {

namespace {

constexpr double width = 820.0;
constexpr double names_until = 84.0;  ///< the names of bars end here
constexpr double bars_until = 720.0;  ///< the longest bar; its figure comes behind it
constexpr double bar_height = 15.0;
constexpr double bar_step = 18.0;
constexpr double title_height = 26.0;

struct Title {
  std::string_view row;
  std::string_view text;
};
constexpr std::array titles{
    Title{"F1a", "tell to handled, one worker"},     Title{"F1b", "tell to handled, two workers"},
    Title{"F1e", "one hop in a ring of 503 actors"}, Title{"F2a", "ask and its answer"},
    Title{"F3a", "spawn, one message, stop"},        Title{"F5", "one delivery of a published message"},
};

struct Bar {
  std::string name;
  std::string kind;  ///< the class in the style sheet
  double figure;
};

std::vector<Bar> bars_of(const Row& row) {
  std::vector<Bar> bars{{"orrery", "ours", *row.ours}};
  for (const auto& [peer, figure] : row.peers) bars.push_back({peer, "peer", figure});
  std::ranges::sort(bars.begin() + 1, bars.end(), {}, [](const Bar& bar) { return std::pair{bar.figure, bar.name}; });
  if (row.limit) bars.insert(bars.begin(), {"limit", "limit", *row.limit});
  return bars;
}

std::string figure_text(double ns) {
  if (ns < 9.95) return fmt::format("{:.1f} ns", ns);
  return ns < 9'950.0 ? fmt::format("{:.0f} ns", ns) : fmt::format("{:.1f} µs", ns / 1e3);
}

}  // namespace

std::string plot(const Report& report) {
  std::vector<std::pair<std::string, std::vector<Bar>>> groups;
  std::set<std::string> seen;
  double longest = 1.0;
  std::size_t bars = 0;
  for (const Row& row : report.rows) {
    if (row.peers.empty() || !row.ours || !seen.insert(row.spec.peers).second) continue;
    const auto title = std::ranges::find(titles, row.spec.peers, &Title::row);
    groups.emplace_back(title == titles.end() ? row.spec.id : fmt::format("{}  {}", title->row, title->text),
                        bars_of(row));
    bars += groups.back().second.size();
    for (const Bar& bar : groups.back().second) longest = std::max(longest, bar.figure);
  }
  const double decades = std::max(1.0, std::log10(longest) + 0.05);
  const auto length = [&](double ns) {
    return std::max(2.0, (bars_until - names_until) * std::log10(std::max(ns, 1.0)) / decades);
  };
  const double bottom =
      34.0 + static_cast<double>(groups.size()) * (title_height + 8.0) + static_cast<double>(bars) * bar_step;

  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" role="img" aria-label="Orrery, its peers and the limits of the machine; shorter is better">
<style>
text {{ font: 12px ui-sans-serif, system-ui, sans-serif; fill: #6e7781 }}
.title {{ font-weight: 600; font-size: 13px }}
.name {{ text-anchor: end }}
.axis {{ text-anchor: middle; font-size: 11px }}
.ours {{ fill: #2f81f7 }}
.peer {{ fill: #8b949e }}
.limit {{ fill: none; stroke: #8b949e; stroke-dasharray: 3 2 }}
.grid {{ stroke: #8b949e; stroke-opacity: .25 }}
@media (prefers-color-scheme: light) {{ text {{ fill: #424a53 }} }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #c9d1d9 }} }}
</style>
)",
      width, bottom + 34.0);
  auto out = std::back_inserter(svg);
  for (int decade = 0; decade <= static_cast<int>(decades); ++decade) {
    const double x = names_until + (bars_until - names_until) * decade / decades;
    fmt::format_to(out, "<line class=\"grid\" x1=\"{0:.1f}\" y1=\"8\" x2=\"{0:.1f}\" y2=\"{1:.1f}\"/>\n", x,
                   bottom - 6.0);
    fmt::format_to(out, "<text class=\"axis\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x, bottom + 8.0,
                   decade < 3 ? fmt::format("{:.0f} ns", std::pow(10, decade))
                              : fmt::format("{:.0f} µs", std::pow(10, decade - 3)));
  }
  double y = 8.0;
  for (const auto& [title, group] : groups) {
    y += title_height;
    fmt::format_to(out, "<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", names_until + 4.0, y - 8.0,
                   title);
    for (const Bar& bar : group) {
      const double text_y = y + bar_height - 3.5;
      fmt::format_to(out, "<text class=\"name\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", names_until - 6.0, text_y,
                     bar.name);
      fmt::format_to(out,
                     "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\"/>\n",
                     bar.kind, names_until, y, length(bar.figure), bar_height);
      fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", names_until + length(bar.figure) + 6.0, text_y,
                     figure_text(bar.figure));
      y += bar_step;
    }
    y += 8.0;
  }
  fmt::format_to(
      out,
      "<text class=\"axis\" x=\"{:.1f}\" y=\"{:.1f}\">time per item, logarithmic: shorter is better; medians of "
      "one run; limit: what the bare machine takes for the parts</text>\n",
      width / 2.0, bottom + 26.0);
  return svg + "</svg>\n";
}

}  // namespace orrery::bench
