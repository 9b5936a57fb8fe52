// wait.cpp: how a handler waits, and what happens before it goes on. Attention says why no wake-up is lost.
#include "orrery/actor/race_scope.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/core/check.hpp"

namespace orrery {

void Runtime::wait(Wait& wait) {
  [[maybe_unused]] const RuntimeScope inside;
  Execution* execution = current_execution();
  if (execution == nullptr || execution->runtime_index != index_ || execution->cell == nullptr) {
    return wait_otherwise(wait);
  }
  Cell& cell = *execution->cell;
  Envelope* const message = execution->message;
  ORRERY_CHECK(cell.ending != Cell::Ending::unwinding, "{} waits while it is being unwound", path_of(cell.handle()));
  cell.attention.about_to_look();
  if (cell.signals.load(std::memory_order_seq_cst) != nullptr) take_signals(cell);
  if (cell.ending != Cell::Ending::requested) {
    if (wait.ready()) return;
    cell.wait = &wait;
    wait.handling = message;
    if (observer_ != nullptr) observer_->waiting(cell.handle(), wait);
    ++cell.suspensions;
    execution->cell = nullptr;
    execution->message = nullptr;
    world_.suspend(cell);  // until may_continue() says so
    execution = current_execution();
    execution->cell = &cell;
    execution->message = message;
    cell.wait = nullptr;
    if (observer_ != nullptr) observer_->resumed(cell);
    if (execution->flight != nullptr) execution->flight->happened(FlightKind::resume, cell);
    if (cell.ending != Cell::Ending::requested) return;
  }
  cell.ending = Cell::Ending::unwinding;
  throw Unwind{};
}

/// The wait of a thread that is no actor, or of a handler whose tells are held back (assured.hpp): its thread is to serve
/// others meanwhile, and perhaps another one will go on with it.
void Runtime::wait_otherwise(Wait& wait) {
  Execution* const execution = current_execution();
  if (execution == nullptr || execution->runtime != this || execution->cell == nullptr) {
    if (!wait.ready()) world_.block(wait);
    return;
  }
  struct Showing {
    explicit Showing(Runtime& runtime) noexcept { current_execution()->runtime_index = runtime.index(); }
    Showing(const Showing&) = delete;
    Showing& operator=(const Showing&) = delete;
    ~Showing() { current_execution()->runtime_index = 0; }
  } const showing{*this};
  this->wait(wait);
}

void Runtime::parked(Cell& cell) {
  if (!cell.attention.park()) world_.schedule(cell);  // something changed since the wait looked: it must look again
}

bool Runtime::may_continue(Cell& cell) {
  if (cell.signals.load(std::memory_order_seq_cst) != nullptr) take_signals(cell);
  if (cell.ending == Cell::Ending::requested || cell.wait->ready()) return true;
  cell.attention.about_to_look();
  if (cell.signals.load(std::memory_order_seq_cst) != nullptr) take_signals(cell);
  return cell.ending == Cell::Ending::requested || cell.wait->ready();
}

}  // namespace orrery
