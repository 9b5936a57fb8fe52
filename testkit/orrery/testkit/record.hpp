// record.hpp: the file that holds one run completely, so that it can be sent to somebody.
// How:  lines of text: where the input comes from, every decision, how the run differs from a calm one by the names of its
//       operations, and what came out. The decisions replay it exactly; the names still mean something when the program has
//       changed (loose.hpp); what each step did is told in words, so that a program which does something else is told by
//       step and message (diverged.hpp). The last line carries a hash of everything before it: a truncated or edited file is recognised.
// Source:  SPEC X2, X3.
#pragma once
#include "orrery/core/hash.hpp"
#include "orrery/sim/finding.hpp"
#include "orrery/sim/options.hpp"
#include "orrery/sim/strategies/follow.hpp"
#include "orrery/sim/strategy.hpp"
#include "orrery/testkit/input.hpp"
#include "orrery/testkit/token.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

struct Record {
  std::string test;
  Token token;                       ///< the run in which the failure was found
  InputOrigin origin;                ///< of the generated input
  std::vector<std::size_t> path;     ///< from the generated input to the shrunk one
  std::uint64_t operations_max = 0;  ///< the limit of a run, which "no progress" depends on
  sim::Grain grain = sim::Grain::fine;
  bool reduced = true;
  std::string build;  ///< build_id() of the program that wrote it
  sim::Decisions decisions;
  sim::Deviations deviations;           ///< the same by name
  std::vector<std::string> held_names;  ///< what is held back, for people: one each
  std::string finding;                  ///< headline and name, for people
  std::uint64_t steps = 0;
  Hash128 trace_hash{};
  std::vector<std::string> told;  ///< what its steps did, in order, for people; empty in records of version 3
};
/// So many steps of a run are told in its record.
inline constexpr std::size_t told_max = 10'000;

[[nodiscard]] std::string to_text(const Record& record);
/// Returns: the record, or a sentence with the line number that says what is wrong.
[[nodiscard]] std::expected<Record, std::string> parse_record(std::string_view text);

/// Errors: a sentence that names the path.
[[nodiscard]] std::expected<void, std::string> write_file(const std::string& path, std::string_view text);
[[nodiscard]] std::expected<std::string, std::string> read_file(const std::string& path);

}  // namespace orrery::testkit
