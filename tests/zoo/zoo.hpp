// zoo.hpp: small actor programs with one bug each, and correct ones beside them, to measure how well bugs are found.
// How:  a program is a body for the simulated world: it spawns, sends, runs, and says with World::always, with a finding
//       of the world itself (stuck, ask cycle, no progress) or with World::fail what must not happen. Nothing in a body
//       depends on anything but the world. A control differs from its bug in a line or two and must never be reported.
// Source:  docs/zoo.md says where each program comes from and what is known of it.
#pragma once
#include "orrery/sim/run.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace orrery::zoo {

struct Program {
  std::string_view name;    ///< snake_case; of a control: what it is the control of, and what differs
  std::string_view bug;     ///< one line: what is wrong; empty for a control
  std::string_view source;  ///< paper, repository, or where the idea comes from
  std::string_view
      found;  ///< the name of the finding that shows the bug (Finding::name begins with it); empty for a control
  sim::Body body;
  sim::RunOptions options{};  ///< mode per_pair for protocols between machines, causal for the inside of a process
  std::uint64_t runs_max = 10'000;  ///< within which the bug should be found
};

/// Returns: all programs, the bugs first; in a fixed order.
[[nodiscard]] const std::vector<Program>& programs();
/// Returns: the program of that name, or null.
[[nodiscard]] const Program* find(std::string_view name);

/// Each adds the programs of its files.
void add_protocols(std::vector<Program>& programs);  ///< between machines: consensus, commit, replication, membership
void add_systems(std::vector<Program>& programs);    ///< within a process: actors, mailboxes, supervisors, brokers

}  // namespace orrery::zoo
