// modes.hpp: what a test program does for the tool `orrery`: it alone has the property.
// How:  ORRERY_MODE says what is done with the run that ORRERY_REPLAY names; results go to stdout and to files.
// Source:  SPEC X8; UX section 3.
#pragma once
#include "orrery/sim/strategy.hpp"
#include "orrery/sim/world.hpp"
#include "orrery/testkit/campaign.hpp"

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

namespace orrery::testkit {

/// Returns: "teller#0 sends to alice": what an operation is about to do.
[[nodiscard]] std::string name_of(const sim::Op& op, sim::World& world);

/// A schedule that somebody decides: each choice is printed with the names of its options, and a number is read.
///
/// An empty line takes option 0, `r` the rest at random, `q` ends the run, as does the end of `in`.
class Interactive final : public sim::RandomWalk {
 public:
  Interactive(std::uint64_t seed, std::istream& in, std::ostream& out, bool as_json)
      : RandomWalk{seed}, in_{in}, out_{out}, as_json_{as_json} {}
  [[nodiscard]] bool watches() const noexcept override { return true; }
  [[nodiscard]] bool gives_up() const noexcept override { return gave_up_; }

 private:
  [[nodiscard]] std::uint64_t schedule(const sim::Point& point) override;
  std::istream& in_;
  std::ostream& out_;
  bool as_json_;
  bool at_random_ = false;
  bool gave_up_ = false;
};

/// Makes a run whose schedule somebody decides. Returns: its outcome, with events.
[[nodiscard]] sim::Outcome step_through(const Property& property, const CheckOptions& options,
                                        const InputOrigin& origin, const std::vector<std::size_t>& path,
                                        std::uint64_t seed, std::istream& in, std::ostream& out, bool as_json);

/// Shrinks what `record` holds further, again and again, until nothing gets smaller or `is_over()`.
///
/// Returns: the failure with its new record, or nothing and `why`: the record does not fail any more.
[[nodiscard]] std::optional<Failure> shrink_further(const Property& property, const CheckOptions& options,
                                                    const Record& record, const std::function<bool()>& is_over,
                                                    std::string& why);

/// Makes the run of `record` again and raises SIGTRAP before `step`, for a debugger.
[[nodiscard]] sim::Outcome replay_until_break(const Property& property, const CheckOptions& options,
                                              const Record& record, std::uint64_t step);

}  // namespace orrery::testkit
