// bench_compare.hpp: two files of measurements side by side, and whether a difference is more than noise.
// How:  of each benchmark the repetitions are two samples. A difference counts when it is both unlikely to be chance and large
//       enough to matter:
//         unlikely  Mann-Whitney's U test, two-sided, p < 1 %: exact where no two values are equal, else by the normal
//                   distribution with the correction for ties. With fewer than 5 repetitions on a side it can never be.
//         large     the medians differ by more than the threshold (5 %, unless said otherwise)
//       What is compared is the processor time of an iteration; of a benchmark whose name ends in /real_time or
//       /manual_time, or that runs on several threads, the time that passed or that it measured itself.
// Not chosen:   a threshold alone (a busy machine moves medians by 10 %); a t test (times have a long tail on one side);
//               p < 5 % as compare.py has it (of 100 unchanged benchmarks it would accuse five).
// Source:       H. Mann and D. Whitney, 1947; the recurrence for the exact distribution there, equation (5). Google Benchmark's
//               tools/compare.py, which prints the same p.
#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::cli {

/// One benchmark: a time for each repetition.
struct BenchRow {
  std::string name;
  std::vector<double> nanoseconds;
};

struct BenchFile {
  std::vector<std::pair<std::string, std::string>> context;  ///< what it was measured on and with
  std::vector<BenchRow> rows;                                ///< in the order of the file
};

/// Reads what --benchmark_out writes. Returns: the rows, or one sentence that says what is wrong.
[[nodiscard]] std::expected<BenchFile, std::string> read_bench_file(std::string_view text);

/// Joins the texts of several such files: the context of the first, the benchmarks of all.
[[nodiscard]] std::string join_bench_files(const std::vector<std::string>& texts);

/// Returns: how likely two samples of one distribution are to lie so far apart, or farther: 0 to 1.    Pre: none is empty.
[[nodiscard]] double mann_whitney_p(const std::vector<double>& a, const std::vector<double>& b);

[[nodiscard]] double median_of(std::vector<double> values);

enum class BenchVerdict : std::uint8_t { same, faster, slower, unclear, added, gone };

struct BenchChange {
  std::string name;
  double before = 0;  ///< medians
  double after = 0;
  double p = 1;
  BenchVerdict verdict = BenchVerdict::same;
};

inline constexpr double bench_p_max = 0.01;
inline constexpr std::size_t bench_repetitions_min = 5;  ///< from here on p can be so small

/// Returns: a change for each benchmark of either file, by name.    Pre: threshold > 0, a ratio: 0.05 is 5 %.
[[nodiscard]] std::vector<BenchChange> compare_bench(const BenchFile& before, const BenchFile& after, double threshold);

/// Returns: a table, and a line that sums it up.
[[nodiscard]] std::string bench_table(const std::vector<BenchChange>& changes, double threshold);

/// Returns: in what the two were measured otherwise, a sentence for each; the commit may differ.
[[nodiscard]] std::vector<std::string> bench_differences(const BenchFile& before, const BenchFile& after);

}  // namespace orrery::cli
