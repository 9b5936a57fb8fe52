// text.cpp: a report as a table for people and as JSON for programs.
#include "bench/report/figures.hpp"

#include <fmt/format.h>

#include <iterator>

namespace orrery::bench {

namespace {

std::string shown(std::optional<double> value) {
  if (!value) return "-";
  if (*value < 0.1) return fmt::format("{:.3f}", *value);
  return *value < 100.0 ? fmt::format("{:.1f}", *value) : fmt::format("{:.0f}", *value);
}
std::optional<double> ratio(std::optional<double> a, std::optional<double> b) {
  if (!a || !b || *b == 0.0) return std::nullopt;
  return *a / *b;
}
std::string shown_ratio(std::optional<double> value) { return value ? fmt::format("{:.2f}", *value) : "-"; }

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::met:
      return "yes";
    case Verdict::missed:
      return "NO";
    case Verdict::open:
      return "open";
    case Verdict::none:
      return "-";
  }
  return "-";
}

std::string number(std::optional<double> value) { return value ? fmt::format("{:.3f}", *value) : "null"; }
std::string quoted(const std::string& text) {  // none of our names holds a quote or a backslash
  return text.empty() || text == "-" ? "null" : fmt::format("\"{}\"", text);
}
const char* truth(Verdict verdict) {
  return verdict == Verdict::met ? "true" : verdict == Verdict::missed ? "false" : "null";
}

}  // namespace

std::string table(const Report& report) {
  std::string text =
      fmt::format("{:<15} {:>8} {:>7} {:>8} {:>10} {:>14} {:>9}  {:<28} {:<5} {}\n", "id", "ours", "spread", "limit",
                  "ours/limit", "best peer", "peer/ours", "target", "met", "met_ratio");
  auto out = std::back_inserter(text);
  int met = 0;
  int met_ratio = 0;
  int targets = 0;
  for (const Row& row : report.rows) {
    if (row.spec.where == "-") {
      fmt::format_to(out, "{:<15} {:>8} {:>7} {:>8} {:>10} {:>14} {:>9}  {:<28} comes with its feature\n", row.spec.id,
                     "-", "-", shown(row.limit), "-", "-", "-", row.spec.target);
      continue;
    }
    const std::string unit = row.unit == "ns" ? "" : " " + row.unit;
    const std::string peer = row.best_peer ? row.best_peer_name + " " + shown(row.best_peer) : "-";
    const std::string stretched =
        row.stretch && row.met_ratio != Verdict::none ? fmt::format(" (x{:.2f})", *row.stretch) : "";
    fmt::format_to(out, "{:<15} {:>8} {:>6.0f}% {:>8} {:>10} {:>14} {:>9}  {:<28} {:<5} {}\n", row.spec.id,
                   shown(row.ours) + unit, row.spread_percent, shown(row.limit),
                   shown_ratio(ratio(row.ours, row.limit)), peer, shown_ratio(ratio(row.best_peer, row.ours)),
                   row.spec.target, word(row.met), word(row.met_ratio) + stretched);
    if (row.met == Verdict::none) continue;
    ++targets;
    met += row.met == Verdict::met ? 1 : 0;
    met_ratio += row.met_ratio == Verdict::met ? 1 : 0;
  }
  fmt::format_to(out,
                 "\n{} targets: {} met as written, {} met as ratios (xN: the absolute target was stretched by N)\n",
                 targets, met, met_ratio);
  if (!report.peers.empty()) {
    fmt::format_to(out, "\n{:<15}", "peers");
    for (const std::string& peer : report.peers) fmt::format_to(out, " {:>10}", peer);
    fmt::format_to(out, "\n");
    for (const Row& row : report.rows) {
      if (row.peers.empty()) continue;
      fmt::format_to(out, "{:<15}", row.spec.id);
      for (const std::string& peer : report.peers) {
        const auto found = row.peers.find(peer);
        fmt::format_to(out, " {:>10}", found == row.peers.end() ? "-" : shown(found->second));
      }
      fmt::format_to(out, "\n");
    }
  }
  return text;
}

std::string json(const Report& report) {
  std::string text = "[";
  auto out = std::back_inserter(text);
  for (const Row& row : report.rows) {
    fmt::format_to(out, "{}\n  {{\"id\": {}, \"unit\": {}, \"ours\": {}, \"spread_percent\": {:.1f}, \"limit\": {}, ",
                   text.size() == 1 ? "" : ",", quoted(row.spec.id), quoted(row.unit), number(row.ours),
                   row.spread_percent, number(row.limit));
    fmt::format_to(
        out,
        "\"best_peer\": {}, \"best_peer_name\": {}, \"target\": {}, \"stretch\": {}, \"met\": {}, \"met_ratio\": {}",
        number(row.best_peer), quoted(row.best_peer_name), quoted(row.spec.target), number(row.stretch), truth(row.met),
        truth(row.met_ratio));
    if (!row.peers.empty()) {
      fmt::format_to(out, ", \"peers\": {{");
      const char* comma = "";
      for (const auto& [peer, figure] : row.peers) {
        fmt::format_to(out, "{}\"{}\": {}", comma, peer, number(figure));
        comma = ", ";
      }
      fmt::format_to(out, "}}");
    }
    fmt::format_to(out, "}}");
  }
  return text + "\n]\n";
}

}  // namespace orrery::bench
