#include "orrery/testkit/cli/bench_compare.hpp"

#include "orrery/testkit/json.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

namespace orrery::cli {

namespace {

std::optional<double> number_of(const testkit::Json& json) {
  if (!std::holds_alternative<testkit::Json::Number>(json.value)) return std::nullopt;
  const std::string_view text = json.text();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<double> nanoseconds_per(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return 1e9;
  return std::nullopt;
}

std::optional<std::string> add_repetition(std::vector<BenchRow>& rows, const testkit::Json& one) {
  if (one["run_type"].text() == "aggregate") return std::nullopt;  // medians and the like are made here
  const std::string name{(one["run_name"].text().empty() ? one["name"] : one["run_name"]).text()};
  if (name.empty()) return "a benchmark has no name";
  if (std::holds_alternative<bool>(one["error_occurred"].value) && std::get<bool>(one["error_occurred"].value))
    return fmt::format("{} has failed: {}", name, one["error_message"].text());
  const bool is_real = name.ends_with("/real_time") || name.ends_with("/manual_time") || one["threads"].number() > 1;
  const auto time = number_of(one[is_real ? "real_time" : "cpu_time"]);
  const auto unit = nanoseconds_per(one["time_unit"].text());
  if (!time || !unit || *time < 0) return fmt::format("{} has no time", name);
  auto row = std::ranges::find(rows, name, &BenchRow::name);
  if (row == rows.end()) row = rows.insert(rows.end(), {.name = name, .nanoseconds = {}});
  row->nanoseconds.push_back(*time * *unit);
  return std::nullopt;
}

/// Returns: the ways to get each U from 0 to a * b, as probabilities.
std::vector<double> distribution_of_u(std::size_t a, std::size_t b) {
  // f(a, b, u) = a / (a + b) f(a - 1, b, u - b) + b / (a + b) f(a, b - 1, u): who has the largest value of all.
  std::vector<std::vector<double>> row(b + 1);  // of the present a, by b
  for (std::size_t j = 0; j <= b; ++j) row[j] = {1.0};
  for (std::size_t i = 1; i <= a; ++i) {
    std::vector<std::vector<double>> next(b + 1);
    next[0] = {1.0};
    for (std::size_t j = 1; j <= b; ++j) {
      next[j].assign(i * j + 1, 0);
      const double share = static_cast<double>(i) / static_cast<double>(i + j);
      for (std::size_t u = 0; u < row[j].size(); ++u) next[j][u + j] += share * row[j][u];
      for (std::size_t u = 0; u < next[j - 1].size(); ++u) next[j][u] += (1 - share) * next[j - 1][u];
    }
    row = std::move(next);
  }
  return row[b];
}

std::string time_text(double nanoseconds) {
  if (nanoseconds >= 1e9) return fmt::format("{:.2f} s", nanoseconds / 1e9);
  if (nanoseconds >= 1e6) return fmt::format("{:.2f} ms", nanoseconds / 1e6);
  if (nanoseconds >= 1e3) return fmt::format("{:.2f} us", nanoseconds / 1e3);
  return fmt::format("{:.2f} ns", nanoseconds);
}

std::string_view word_of(BenchVerdict verdict) {
  switch (verdict) {
    case BenchVerdict::same:
      return "same";
    case BenchVerdict::faster:
      return "faster";
    case BenchVerdict::slower:
      return "SLOWER";
    case BenchVerdict::unclear:
      return "unclear";
    case BenchVerdict::added:
      return "new";
    case BenchVerdict::gone:
      return "gone";
  }
  return "";
}

}  // namespace

std::expected<BenchFile, std::string> read_bench_file(std::string_view text) {
  const auto json = testkit::parse_json(text);
  if (!json) return std::unexpected(json.error());
  const testkit::Json& benchmarks = (*json)["benchmarks"];
  if (!std::holds_alternative<testkit::Json::Array>(benchmarks.value))
    return std::unexpected("is no file of --benchmark_out: it has no list \"benchmarks\"");
  BenchFile file;
  if (const auto* const context = std::get_if<testkit::Json::Object>(&(*json)["context"].value)) {
    for (const auto& [key, value] : *context) {
      if (!value.text().empty()) file.context.emplace_back(key, value.text());
    }
  }
  for (const testkit::Json& one : benchmarks.elements()) {
    if (auto wrong = add_repetition(file.rows, one)) return std::unexpected(std::move(*wrong));
  }
  return file;
}

std::string join_bench_files(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) {
    constexpr std::string_view begin = "\"benchmarks\": [";
    const auto at = text.find(begin);
    const auto end = text.rfind(']');
    if (at == std::string::npos || end == std::string::npos || end < at) continue;
    std::string_view inside{text.data() + at + begin.size(), end - at - begin.size()};
    while (!inside.empty() && (inside.back() == '\n' || inside.back() == ' ')) inside.remove_suffix(1);
    if (joined.empty()) {
      joined = text.substr(0, at + begin.size()).append(inside);
    } else if (!inside.empty()) {
      joined.append(joined.back() == '[' ? "" : ",").append(inside);
    }
  }
  return joined.empty() ? "{\"context\": {}, \"benchmarks\": []}\n" : joined + "\n  ]\n}\n";
}

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double mann_whitney_p(const std::vector<double>& a, const std::vector<double>& b) {
  double u = 0;  // how often a value of a lies above one of b
  std::map<double, std::size_t> counts;
  for (const double x : a) {
    ++counts[x];
    for (const double y : b) u += x > y ? 1 : x == y ? 0.5 : 0;
  }
  for (const double y : b) ++counts[y];
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  const double least = std::min(u, n * m - u);
  const bool has_ties = counts.size() != a.size() + b.size();
  if (!has_ties && a.size() <= 50 && b.size() <= 50) {
    const std::vector<double> chances = distribution_of_u(a.size(), b.size());
    double below = 0;
    for (std::size_t i = 0; i <= static_cast<std::size_t>(least); ++i) below += chances[i];
    return std::min(1.0, 2 * below);
  }
  double ties = 0;
  for (const auto& [value, count] : counts) {
    const auto t = static_cast<double>(count);
    ties += t * t * t - t;
  }
  const double both = n + m;
  const double variance = n * m / 12 * ((both + 1) - ties / (both * (both - 1)));
  if (variance <= 0) return 1;  // all values are equal
  const double z = std::max(0.0, n * m / 2 - least - 0.5) / std::sqrt(variance);
  return std::erfc(z / std::sqrt(2.0));
}

std::vector<BenchChange> compare_bench(const BenchFile& before, const BenchFile& after, double threshold) {
  std::vector<BenchChange> changes;
  for (const BenchRow& row : after.rows) {
    BenchChange change{.name = row.name, .after = median_of(row.nanoseconds)};
    const auto old = std::ranges::find(before.rows, row.name, &BenchRow::name);
    if (old == before.rows.end()) {
      change.verdict = BenchVerdict::added;
      changes.push_back(std::move(change));
      continue;
    }
    change.before = median_of(old->nanoseconds);
    change.p = mann_whitney_p(old->nanoseconds, row.nanoseconds);
    const bool is_large = std::abs(change.after - change.before) > threshold * change.before;
    const bool is_short = std::min(old->nanoseconds.size(), row.nanoseconds.size()) < bench_repetitions_min;
    if (is_large && is_short) change.verdict = BenchVerdict::unclear;
    if (is_large && !is_short && change.p < bench_p_max)
      change.verdict = change.after > change.before ? BenchVerdict::slower : BenchVerdict::faster;
    changes.push_back(std::move(change));
  }
  for (const BenchRow& row : before.rows) {
    if (std::ranges::find(after.rows, row.name, &BenchRow::name) != after.rows.end()) continue;
    changes.push_back({.name = row.name, .before = median_of(row.nanoseconds), .verdict = BenchVerdict::gone});
  }
  std::ranges::sort(changes, {}, &BenchChange::name);  // interleaved repetitions come in any order
  return changes;
}

std::string bench_table(const std::vector<BenchChange>& changes, double threshold) {
  std::size_t width = 9;
  for (const BenchChange& change : changes) width = std::max(width, change.name.size());
  std::string out = fmt::format("{:<{}}  {:>11}  {:>11}  {:>8}  {:>6}  verdict\n", "benchmark", width, "before",
                                "after", "change", "p");
  std::array<std::size_t, 6> counts{};
  for (const BenchChange& change : changes) {
    const BenchVerdict verdict = change.verdict;
    ++counts[static_cast<std::size_t>(verdict)];
    const bool has_both = verdict != BenchVerdict::added && verdict != BenchVerdict::gone;
    const double ratio = has_both && change.before > 0 ? 100 * (change.after / change.before - 1) : 0;
    out += fmt::format("{:<{}}  {:>11}  {:>11}  {:>8}  {:>6}  {}\n", change.name, width,
                       verdict == BenchVerdict::added ? "-" : time_text(change.before),
                       verdict == BenchVerdict::gone ? "-" : time_text(change.after),
                       has_both ? fmt::format("{:+.1f} %", ratio) : "-",
                       has_both ? fmt::format("{:.3f}", change.p) : "-", word_of(verdict));
  }
  const auto count = [&](BenchVerdict verdict) { return counts[static_cast<std::size_t>(verdict)]; };
  out += fmt::format(
      "{} slower, {} faster, {} same, {} unclear, {} new, {} gone (a change counts above {:g} %, with p < {:g})\n",
      count(BenchVerdict::slower), count(BenchVerdict::faster), count(BenchVerdict::same), count(BenchVerdict::unclear),
      count(BenchVerdict::added), count(BenchVerdict::gone), 100 * threshold, bench_p_max);
  return out;
}

std::vector<std::string> bench_differences(const BenchFile& before, const BenchFile& after) {
  std::vector<std::string> different;
  for (const std::string_view key : {"host_name", "num_cpus", "cores", "library_build_type", "build", "compiler"}) {
    const auto value = [&](const BenchFile& file) -> std::string {
      const auto at = std::ranges::find(file.context, key, &std::pair<std::string, std::string>::first);
      return at == file.context.end() ? "" : at->second;
    };
    if (!value(before).empty() && !value(after).empty() && value(before) != value(after))
      different.push_back(fmt::format("{} was {}, now {}", key, value(before), value(after)));
  }
  return different;
}

}  // namespace orrery::cli
