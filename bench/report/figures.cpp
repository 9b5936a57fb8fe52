#include "bench/report/figures.hpp"

#include <algorithm>
#include <istream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace orrery::bench {

namespace {

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

std::string unit_of(const std::string& figure) {
  if (figure.starts_with("bytes_")) return "B";
  if (figure.ends_with("_percent")) return "%";
  return "ns";
}

/// Everything that is known while the rows are gone through in order.
class Evaluation {
 public:
  explicit Evaluation(const Measured& measured) : measured_{measured} {}

  std::optional<double> median_of(const std::string& who, const std::string& row) const {
    const auto found = measured_.find({who, row});
    if (found == measured_.end()) return std::nullopt;
    std::vector<double> figures;
    for (const Sample& sample : found->second) figures.push_back(sample.figure);
    return median(std::move(figures));
  }

  /// A sum of limits, or @ID. Empty if any part was not measured.
  std::optional<double> limit_of(const std::string& text) {
    if (text == "-") return std::nullopt;
    if (text.starts_with('@')) return median_of("ours", text.substr(1));
    double sum = 0.0;
    for (const std::string& name : split(text, '+')) {
      const auto one = median_of("limit", name);
      if (!one) {
        complain("there is no limit_" + name);
        return std::nullopt;
      }
      sum += *one;
    }
    return sum;
  }

  Row row(const RowSpec& spec, const std::vector<std::string>& peers) {
    Row row;
    row.spec = spec;
    row.unit = unit_of(spec.figure);
    row.limit = limit_of(spec.limit);
    if (spec.where != "-") {
      row.ours = median_of("ours", spec.id);
      if (!row.ours) complain(spec.id + " was not measured");
    }
    if (row.ours) {
      check("ours", spec.id, spec.checksum);
      const auto& samples = measured_.at({"ours", spec.id});
      const auto [least, most] = std::ranges::minmax_element(samples, {}, &Sample::figure);
      row.spread_percent = *row.ours > 0.0 ? (most->figure - least->figure) / *row.ours * 100.0 : 0.0;
    }
    for (const std::string& peer : peers) {
      if (spec.peers == "-") break;
      const auto theirs = median_of(peer, spec.peers);
      if (!theirs) {
        complain(peer + " has no row " + spec.peers);
        continue;
      }
      check(peer, spec.peers, spec.checksum);
      row.peers[peer] = *theirs;
      if (row.best_peer && *row.best_peer <= *theirs) continue;
      row.best_peer = theirs;
      row.best_peer_name = peer;
    }
    if (spec.scale != "-") {
      const auto parts = split(spec.scale, '=');
      const auto here = limit_of(parts.at(0));
      if (here) row.stretch = *here / std::stod(parts.at(1));
    }
    row.met = verdict(row, false);
    row.met_ratio = verdict(row, true);
    return row;
  }

  std::vector<std::string> complaints() { return std::move(complaints_); }

 private:
  void complain(std::string text) {
    if (std::ranges::find(complaints_, text) == complaints_.end()) complaints_.push_back(std::move(text));
  }

  void check(const std::string& who, const std::string& row, const std::string& expected) {
    if (expected == "-") return;
    const auto& samples = measured_.at({who, row});
    for (const Sample& sample : samples) {
      const bool right = expected == "same"
                             ? sample.checksum == samples.front().checksum
                             : sample.checksum != "-" && std::stod(sample.checksum) == std::stod(expected);
      if (right) continue;
      complain(who + " " + row + ": checksum " + sample.checksum + ", expected " +
               (expected == "same" ? samples.front().checksum : expected));
    }
  }

  std::optional<double> value_of(const Row& row, const std::string& name) const {
    if (name == "ours") return row.ours;
    if (name == "limit") return row.limit;
    if (name.starts_with('@')) return median_of("ours", name.substr(1));
    const auto found = row.peers.find(name);
    return found == row.peers.end() ? std::nullopt : std::optional{found->second};
  }

  /// One condition, "ours<=X", "A/B<=X" or "A/B>=X". An @ID may hold slashes, so B begins behind the first one, and A
  /// is never an @ID.
  Verdict holds(const Row& row, const std::string& condition, double stretch) const {
    const auto at = condition.find_first_of("<>");
    if (at == std::string::npos || condition.substr(at + 1, 1) != "=") {
      throw std::runtime_error{row.spec.id + ": cannot read the target " + condition};
    }
    const std::string left = condition.substr(0, at);
    double bound = std::stod(condition.substr(at + 2));
    const auto slash = left.find('/');
    auto value = value_of(row, left.substr(0, slash));
    if (slash == std::string::npos) {
      if (stretch > stretch_max || stretch < 1.0 / stretch_max) return Verdict::open;  // V2
      bound *= stretch;
    } else if (const auto below = value_of(row, left.substr(slash + 1)); value && below) {
      value = *value / *below;
    } else {
      value.reset();
    }
    if (!value) return Verdict::open;
    return (condition[at] == '<' ? *value <= bound : *value >= bound) ? Verdict::met : Verdict::missed;
  }

  /// Whether the condition compares with a peer that ran.
  bool is_about_peer(const Row& row, const std::string& condition) const {
    return row.peers.contains(condition.substr(0, condition.find('/')));
  }

  Verdict verdict(const Row& row, bool as_ratio) const {
    if (row.spec.target == "-") return Verdict::none;
    if (!row.ours) return Verdict::open;  // V1
    auto conditions = split(row.spec.target, ',');
    if (as_ratio && std::ranges::any_of(conditions, [&](const auto& one) { return is_about_peer(row, one); })) {
      std::erase_if(conditions, [&](const auto& one) { return !is_about_peer(row, one); });
    }
    bool open = false;
    for (const std::string& condition : conditions) {
      const Verdict one = holds(row, condition, as_ratio ? row.stretch.value_or(1.0) : 1.0);
      if (one == Verdict::missed) return one;
      open |= one == Verdict::open;
    }
    return open ? Verdict::open : Verdict::met;
  }

  const Measured& measured_;
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<RowSpec> read_rows(std::istream& in) {
  std::vector<RowSpec> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::istringstream fields{line};
    RowSpec row;
    std::string rest;
    if (!(fields >> row.id >> row.where >> row.benchmark >> row.figure >> row.limit >> row.scale >> row.peers >>
          row.checksum >> row.target) ||
        fields >> rest) {
      throw std::runtime_error{"a row has nine fields, not so: " + line};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Measured read_measured(std::istream& in) {
  Measured measured;
  std::string who;
  std::string row;
  Sample sample;
  while (in >> who >> row >> sample.figure >> sample.checksum) measured[{who, row}].push_back(sample);
  if (!in.eof()) throw std::runtime_error{"cannot read the figure of " + who + " " + row};
  return measured;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

Report evaluate(const std::vector<RowSpec>& specs, const Measured& measured) {
  Report report;
  for (const auto& [key, samples] : measured) {
    const std::string& who = key.first;
    if (who != "ours" && who != "limit" && std::ranges::find(report.peers, who) == report.peers.end()) {
      report.peers.push_back(who);
    }
  }
  Evaluation evaluation{measured};
  for (const RowSpec& spec : specs) report.rows.push_back(evaluation.row(spec, report.peers));
  report.complaints = evaluation.complaints();
  return report;
}

}  // namespace orrery::bench
