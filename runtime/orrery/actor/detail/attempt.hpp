// attempt.hpp: running a piece of user code on behalf of a cell, so that nothing that it throws gets further.
// Source:  SPEC S9.
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/actor/execution.hpp"
#include "orrery/actor/race_scope.hpp"

#include <exception>
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
    user_code_.begin(&cell);
  }
  OnBehalfOf(Cell& cell, Envelope* message) noexcept : OnBehalfOf{*current_execution(), cell, message} {}
  OnBehalfOf(const OnBehalfOf&) = delete;
  OnBehalfOf& operator=(const OnBehalfOf&) = delete;
  ~OnBehalfOf() {
    user_code_.end();
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
  [[no_unique_address]] UserScope user_code_;
};

/// Thrown in the place of a handler that a simulation lets fail.
struct InjectedCrash final : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "injected crash"; }
};

/// How a piece of user code ended.
struct Attempt {
  Observer::Ended how = Observer::Ended::handled;
  std::unique_ptr<ExitReason> reason;  ///< of a failure
};

[[gnu::cold, gnu::noinline]] void note_unwound(Attempt& attempt);
[[gnu::cold, gnu::noinline]] void note_failed(Attempt& attempt, const ExitReason& reason);
[[gnu::cold, gnu::noinline]] void note_failed(Attempt& attempt, const char* what);

/// Runs user code; nothing that it throws gets past this place. (Every kind of exception has its own clause here: finding
/// out behind a `catch (...)` takes a second throw, which costs as much as the first.)
template <class F>
[[gnu::always_inline]] inline void attempt(Attempt& attempt, F&& user_code) {
  try {
    user_code();
  } catch (const std::exception& error) {  // the usual one first: clauses are tried in order
    note_failed(attempt, error.what());
  } catch (const ExitWith& exit) {
    note_failed(attempt, exit.reason);
  } catch (const Unwind&) {
    note_unwound(attempt);
  } catch (...) {
    note_failed(attempt, "exception of a type that is not a std::exception");
  }
}

}  // namespace orrery::detail
