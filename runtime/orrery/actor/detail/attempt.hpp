// attempt.hpp: running a piece of user code on behalf of a cell, so that nothing that it throws gets further.
// Source:  SPEC S9.
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/actor/execution.hpp"

#include <memory>

namespace orrery::detail {

/// Says on whose behalf the thread runs, while it runs user code of a cell.
class OnBehalfOf {
 public:
  OnBehalfOf(Execution& execution, Cell& cell, Envelope* message) noexcept
      : cell_{cell}, execution_{execution}, suspensions_{cell.suspensions} {
    execution.cell = &cell;
    execution.message = message;
    cell.in_handler = true;
  }
  OnBehalfOf(Cell& cell, Envelope* message) noexcept : OnBehalfOf{*current_execution(), cell, message} {}
  OnBehalfOf(const OnBehalfOf&) = delete;
  OnBehalfOf& operator=(const OnBehalfOf&) = delete;
  ~OnBehalfOf() {
    // Only a suspension can have moved us to another thread.
    Execution& execution = cell_.suspensions == suspensions_ ? execution_ : *current_execution();
    execution.cell = nullptr;
    execution.message = nullptr;
    cell_.in_handler = false;
  }

 private:
  Cell& cell_;
  Execution& execution_;
  std::uint32_t suspensions_;
};

/// How a piece of user code ended.
struct Attempt {
  Observer::Ended how = Observer::Ended::handled;
  std::unique_ptr<ExitReason> reason;  ///< of a failure
};

/// What the exception being handled means.
[[gnu::cold, gnu::noinline]] void note_exception(Attempt& attempt);

/// Runs user code; nothing that it throws gets past this place.
template <class F>
void attempt(Attempt& attempt, F&& user_code) {
  try {
    user_code();
  } catch (...) {
    note_exception(attempt);
  }
}

}  // namespace orrery::detail
