#include "orrery/actor/race_scope.hpp"

#if defined(ORRERY_RACE_SCOPES)

#include "orrery/actor/execution.hpp"

#include <sanitizer/tsan_interface.h>

// ThreadSanitizer's dynamic annotations, which have no header of their own.
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
}

// What stands here is written by every context, and no actor's business.
#define ORRERY_UNJUDGED __attribute__((no_sanitize("thread")))

namespace orrery {

namespace {

struct State {
  bool separates = false;
  bool in_runtime = false;  // R1
  void* body = nullptr;     ///< the context of the body of the test
  char begins = 0;          ///< its address: what the body has done, for everybody
  char ends = 0;            ///< what everybody has done, for the body
};

[[gnu::noinline]] ORRERY_UNJUDGED State& state() noexcept {  // never kept across a switch: see thread_slot.hpp
  static constinit thread_local State instance;
  return instance;
}

void look_away() noexcept {
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
}

void look_again() noexcept {
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

ORRERY_UNJUDGED bool is_body(const State& here) noexcept { return __tsan_get_current_fiber() == here.body; }

ORRERY_UNJUDGED void release(const void* place) noexcept { __tsan_release(const_cast<void*>(place)); }
ORRERY_UNJUDGED void acquire(const void* place) noexcept { __tsan_acquire(const_cast<void*>(place)); }

/// Pre: the tool looks.
ORRERY_UNJUDGED void tell_others(State& here) noexcept { release(is_body(here) ? &here.begins : &here.ends); }
ORRERY_UNJUDGED void hear_of_others(State& here, const void* actor) noexcept {
  acquire(is_body(here) ? &here.ends : &here.begins);
  if (actor != nullptr) acquire(actor);
}

}  // namespace

ORRERY_UNJUDGED bool detail::enter_runtime() noexcept {
  State& here = state();
  if (!here.separates || here.in_runtime) return false;
  tell_others(here);
  here.in_runtime = true;
  look_away();
  return true;
}

ORRERY_UNJUDGED void detail::leave_runtime() noexcept {
  State& here = state();
  look_again();
  here.in_runtime = false;
  const Execution* const execution = current_execution();
  hear_of_others(here, execution == nullptr ? nullptr : execution->cell);
}

ORRERY_UNJUDGED bool detail::enter_user_code(const void* actor) noexcept {
  State& here = state();
  if (!here.separates || !here.in_runtime) return false;
  look_again();
  here.in_runtime = false;
  hear_of_others(here, actor);
  return true;
}

ORRERY_UNJUDGED void detail::leave_user_code() noexcept {
  State& here = state();
  tell_others(here);
  here.in_runtime = true;
  look_away();
}

ORRERY_UNJUDGED void release_to(const void* place) noexcept {
  const State& here = state();
  if (!here.separates) return;
  if (here.in_runtime) AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  release(place);
  if (here.in_runtime) AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
}

ORRERY_UNJUDGED void acquire_from(const void* place) noexcept {
  const State& here = state();
  if (!here.separates) return;
  if (here.in_runtime) AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  acquire(place);
  if (here.in_runtime) AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
}

ORRERY_UNJUDGED void separate_actors(bool separate) noexcept {
  State& here = state();
  here.separates = separate;
  here.body = __tsan_get_current_fiber();
}

ORRERY_UNJUDGED void begin_in_runtime() noexcept {
  if (state().separates) look_away();
}

ORRERY_UNJUDGED void end_in_runtime() noexcept {
  if (state().separates) look_again();
}

}  // namespace orrery

#endif
