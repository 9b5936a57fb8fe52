// What is left out of a scenario that shows a failure, to see whether it still does.
#include "orrery/testkit/scenario/parse.hpp"
#include "orrery/testkit/scenario/print.hpp"
#include "tests/scenario/generate.hpp"
#include "tests/scenario/model.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace orrery::scenario {

namespace {

class Simplifier {
 public:
  explicit Simplifier(const Scenario& scenario) : from_{scenario} {}

  std::vector<Scenario> all() && {
    cut_events();
    cut_operations();
    cut_declarations();
    cut_levels();
    cut_attributes();
    cut_plans();
    return std::move(out_);
  }

 private:
  /// Keeps a candidate that is still a scenario and says something.
  void offer(Scenario candidate) {
    const auto again = parse(print(candidate));
    if (again && *again == candidate && run_model(candidate, false).undefined.empty()) {
      out_.push_back(std::move(candidate));
    }
  }

  template <class Items>
  static void erase(Items& items, std::size_t from, std::size_t count) {
    const auto first = items.begin() + static_cast<std::ptrdiff_t>(from);
    items.erase(first, first + static_cast<std::ptrdiff_t>(std::min(count, items.size() - from)));
  }

  void cut_events() {
    for (std::size_t length = from_.events.size(); length > 0; length /= 2) {
      for (std::size_t at = 0; at < from_.events.size(); at += length) {
        Scenario candidate = from_;
        erase(candidate.events, at, length);
        offer(std::move(candidate));
      }
    }
  }

  void cut_operations() {
    for (std::size_t i = 0; i < from_.events.size(); ++i) {
      const auto* const batch = std::get_if<Batch>(&from_.events[i].action);
      if (batch == nullptr) continue;
      for (std::size_t at = 0; at < batch->operations.size(); ++at) {
        Batch shorter = *batch;
        erase(shorter.operations, at, 1);
        Scenario candidate = from_;
        candidate.events[i] = make_event(std::move(shorter));
        offer(std::move(candidate));
      }
    }
  }

  /// A declaration with all that is below it.
  void cut_declarations() {
    for (std::size_t at = from_.declarations.size(); at-- > 1;) {
      Scenario candidate = from_;
      std::vector<std::string> gone{candidate.declarations[at].id};
      erase(candidate.declarations, at, 1);
      for (std::size_t i = at; i < candidate.declarations.size();) {
        const Declaration& below = candidate.declarations[i];
        if (std::ranges::find(gone, below.parent) == gone.end()) {
          ++i;
          continue;
        }
        gone.push_back(below.id);
        erase(candidate.declarations, i, 1);
      }
      offer(std::move(candidate));
    }
  }

  /// A supervisor whose children go to its parent.
  void cut_levels() {
    for (std::size_t at = 1; at < from_.declarations.size(); ++at) {
      const Declaration& level = from_.declarations[at];
      if (level.kind != Kind::supervisor || level.strategy == Strategy::simple_one_for_one) continue;
      Scenario candidate = from_;
      for (Declaration& below : candidate.declarations) {
        if (below.parent == level.id) below.parent = level.parent;
      }
      erase(candidate.declarations, at, 1);
      offer(std::move(candidate));
    }
  }

  void cut_attributes() {
    for (std::size_t at = 0; at < from_.declarations.size(); ++at) {
      for (unsigned i = 0; i <= static_cast<unsigned>(Attribute::plan); ++i) {
        const auto attribute = static_cast<Attribute>(i);
        if (!from_.declarations[at].given.has(attribute)) continue;
        Scenario candidate = from_;
        reset(candidate.declarations[at], attribute);
        offer(std::move(candidate));
      }
    }
  }

  static void reset(Declaration& declaration, Attribute attribute) {
    const Declaration fresh = declare(declaration.kind, {}, {});
    declaration.given.remove(attribute);
    switch (attribute) {
      case Attribute::strategy:
        declaration.strategy = fresh.strategy;
        return;
      case Attribute::intensity:
        declaration.intensity = fresh.intensity;
        return;
      case Attribute::period:
        declaration.period = fresh.period;
        return;
      case Attribute::auto_shutdown:
        declaration.auto_shutdown = fresh.auto_shutdown;
        return;
      case Attribute::restart:
        declaration.restart = fresh.restart;
        return;
      case Attribute::shutdown:
        declaration.shutdown = fresh.shutdown;
        return;
      case Attribute::significant:
        declaration.significant = fresh.significant;
        return;
      case Attribute::trap:
        declaration.trap = fresh.trap;
        return;
      case Attribute::slow:
        declaration.slow = fresh.slow;
        return;
      case Attribute::stubborn:
        declaration.stubborn = fresh.stubborn;
        return;
      case Attribute::exit:
        declaration.exit = fresh.exit;
        return;
      case Attribute::plan:
        declaration.plan = fresh.plan;
        return;
    }
  }

  void cut_plans() {
    for (std::size_t at = 0; at < from_.declarations.size(); ++at) {
      if (from_.declarations[at].plan.size() < 2) continue;
      Scenario candidate = from_;
      candidate.declarations[at].plan.pop_back();
      offer(std::move(candidate));
    }
  }

  const Scenario& from_;
  std::vector<Scenario> out_;
};

}  // namespace

std::vector<Scenario> simpler_scenarios(const Scenario& scenario) { return Simplifier{scenario}.all(); }

}  // namespace orrery::scenario
