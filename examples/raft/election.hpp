// election.hpp: a candidate's votes, and how long a server waits before it becomes one.
#pragma once
#include "types.hpp"

#include <orrery/actor.hpp>
#include <set>

namespace raft {

/// The votes of one candidate in one term.
class Election {
 public:
  void begin(ServerId me) { voters_ = {me}; }
  /// The same server's second vote is the first one come twice.
  void add(ServerId voter) { voters_.insert(voter); }
  [[nodiscard]] std::size_t votes() const noexcept { return voters_.size(); }

 private:
  std::set<ServerId> voters_;
};

/// Returns: another time for everybody, and at every try, so that two candidates who take the votes from each other do not do so
/// again.    Source: 5.2.
inline std::chrono::milliseconds draw_patience(orrery::Context& context, const Options& options) {
  const auto least = static_cast<std::uint64_t>(options.patience.count());
  return options.patience + std::chrono::milliseconds{context.draw("patience", least)};
}

}  // namespace raft
