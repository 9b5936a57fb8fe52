#include "orrery/sim/search.hpp"

#include "orrery/core/check.hpp"
#include "orrery/sim/strategies/dpor.hpp"

namespace orrery::sim {

namespace {

/// A strategy that outlives its run.
class Lent final : public Strategy {
 public:
  explicit Lent(Strategy& lender) : lender_{lender} {}
  [[nodiscard]] std::uint64_t choose(const Point& point) override { return lender_.choose(point); }
  [[nodiscard]] bool watches() const noexcept override { return lender_.watches(); }
  void executed(const Op& op) override { lender_.executed(op); }
  void hurried(const Op& op) override { lender_.hurried(op); }
  void sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) override {
    lender_.sent(who, from, to, ordinal);
  }
  void carried(const Agent& from, const Agent& channel) override { lender_.carried(from, channel); }
  void handles(const Agent& who, const Agent& from, std::uint32_t ordinal) override {
    lender_.handles(who, from, ordinal);
  }
  void wakes(const Agent& by, const Agent& who) override { lender_.wakes(by, who); }
  void spawned(const Agent& child, const Agent& parent) override { lender_.spawned(child, parent); }
  void released(const Op& op) override { lender_.released(op); }
  void withdrawn(const Op& op) override { lender_.withdrawn(op); }
  [[nodiscard]] bool gives_up() const noexcept override { return lender_.gives_up(); }

 private:
  Strategy& lender_;
};

}  // namespace

SearchedTraces search_traces(const Body& body, RunOptions options, std::uint64_t runs_max,
                             const std::function<void(const Outcome&)>& visit) {
  ORRERY_CHECK(options.faults == FaultProfile::none, "a search over traces knows no stalls");
  // Whether reductions apply must be one answer for the whole search, as in search_all().
  for (const bool reduce : {options.reduce, false}) {
    options.reduce = reduce;
    Dpor dpor;
    SearchedTraces searched;
    bool is_reduced = true;
    do {
      if (searched.traces + searched.pruned == runs_max) {
        searched.complete = false;
        return searched;
      }
      const Outcome outcome = execute(body, [&] { return std::make_unique<Lent>(dpor); }, options);
      is_reduced = outcome.reduced;
      if (reduce && !is_reduced) break;
      ++(outcome.pruned ? searched.pruned : searched.traces);
      if (outcome.finding && !outcome.pruned) dpor.cut_short();
      if (!outcome.pruned) visit(outcome);
    } while (dpor.advance());
    if (!reduce || is_reduced) return searched;
  }
  return {};
}

}  // namespace orrery::sim
