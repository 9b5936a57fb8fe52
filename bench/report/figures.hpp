// figures.hpp: from what bench/table.sh measured to rows with verdicts.
// Why:  one machine differs from another and from itself an hour later, so that a figure means something only beside a
//       limit or a peer measured in the same run. Which comparison decides is written down here and nowhere else.
// How:  a verdict is given twice. `met` takes the target as it is written. `met_ratio` is about this machine: where the
//       target names a ratio to a peer that ran, that ratio decides; else an absolute target is stretched by what the
//       row's `scale` took here over what it took where the target was set; a ratio to a limit is a ratio already.
//       A target of which a part cannot be told is `open`, unless another part is missed.
// Always true:  (V1) a row without figures has no verdict but `open`
//               (V2) a limit that took more than four times as long as there, or less than a quarter, was disturbed or
//                    is another thing: it stretches nothing, and the ratio is `open`
#pragma once
#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::bench {

/// A line of rows.txt, which says what its fields mean.
struct RowSpec {
  std::string id, where, benchmark, figure, limit, scale, peers, checksum, target;
};

struct Sample {
  double figure = 0.0;
  std::string checksum;
};
/// By who (ours, limit, or a peer) and row: one sample for each repetition.
using Measured = std::map<std::pair<std::string, std::string>, std::vector<Sample>>;

enum class Verdict : std::uint8_t { none, met, missed, open };

struct Row {
  RowSpec spec;
  std::string unit;
  std::optional<double> ours, limit, best_peer, stretch;  ///< medians; `stretch`: limit here over limit there
  double spread_percent = 0.0;                            ///< (largest - smallest) / median
  std::string best_peer_name;
  std::map<std::string, double> peers;  ///< medians
  Verdict met = Verdict::none;
  Verdict met_ratio = Verdict::none;
};

struct Report {
  std::vector<std::string> peers;  ///< names, sorted
  std::vector<Row> rows;
  std::vector<std::string> complaints;  ///< wrong checksums and missing figures
};

inline constexpr double stretch_max = 4.0;  // V2

/// Returns: the rows of rows.txt; throws std::runtime_error for a line that does not have nine fields.
[[nodiscard]] std::vector<RowSpec> read_rows(std::istream& in);
/// Reads lines "WHO ROW FIGURE CHECKSUM".
[[nodiscard]] Measured read_measured(std::istream& in);
/// Returns: the median. Pre: not empty.
[[nodiscard]] double median(std::vector<double> values);
[[nodiscard]] Report evaluate(const std::vector<RowSpec>& specs, const Measured& measured);

[[nodiscard]] std::string table(const Report& report);
[[nodiscard]] std::string json(const Report& report);
/// Returns: an SVG picture of the rows that have peers: ours, limit and peers as bars on a logarithmic scale. It has its
/// own colours for light and dark pages, and is a function of the figures, to three digits.
[[nodiscard]] std::string plot(const Report& report);

}  // namespace orrery::bench
