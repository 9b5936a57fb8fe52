// race_scope.hpp: which accesses ThreadSanitizer judges when one thread simulates many actors.
// Why:  actors that share memory without a message race in production, yet a simulation runs them on one thread, where
//       everything is ordered. Under ThreadSanitizer each actor can be given a context of its own, so that the tool
//       takes it for a thread. Then only what orders actors in production may order them here: messages, replies, spawns.
//       The runtime's own tables, counters and atomics order everything with everything, and must not.
// How:  runtime code that user code can call begins with a RuntimeScope, and user code runs in a UserScope. In between, in
//       the runtime and the simulator, the tool looks at nothing and atomics order nothing. release_to() and acquire_from()
//       draw the edges that count. The body of the test is ordered with everybody, in both directions: it runs alone.
// Always true:  (R1) at a switch of fibers both sides are in runtime code, so one flag for the thread is enough
//               (R2) in a build without ThreadSanitizer, and where separate_actors() was not called, all of this is nothing
// Source:       dynamic annotations of ThreadSanitizer (K. Serebryany, T. Iskhodzhanov, 2009); SPEC Z11.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define ORRERY_RACE_SCOPES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ORRERY_RACE_SCOPES 1
#endif
#endif

namespace orrery {

#if defined(ORRERY_RACE_SCOPES)

inline constexpr bool has_race_scopes = true;

namespace detail {
[[nodiscard]] bool enter_runtime() noexcept;
void leave_runtime() noexcept;
[[nodiscard]] bool enter_user_code(const void* actor) noexcept;
void leave_user_code() noexcept;
}  // namespace detail

/// Runtime code that user code has called, until its end.
class RuntimeScope {
 public:
  RuntimeScope() noexcept : entered_{detail::enter_runtime()} {}
  RuntimeScope(const RuntimeScope&) = delete;
  RuntimeScope& operator=(const RuntimeScope&) = delete;
  ~RuntimeScope() {
    if (entered_) detail::leave_runtime();
  }

 private:
  bool entered_;
};

/// User code that the runtime calls on behalf of `actor` (its cell), or of nobody (null), between begin() and end().
class UserScope {
 public:
  void begin(const void* actor) noexcept { entered_ = detail::enter_user_code(actor); }
  void end() noexcept {
    if (entered_) detail::leave_user_code();
  }

 private:
  bool entered_ = false;
};

/// What the calling context has done so far happens before whatever a context does that has called acquire_from().
void release_to(const void* place) noexcept;
void acquire_from(const void* place) noexcept;

/// From here on the calling thread, which runs the body of a test, simulates actors whose fibers are contexts of their own;
/// and not any more.
void separate_actors(bool separate) noexcept;
/// The first thing that a new fiber of a simulation does: it is in runtime code.
void begin_in_runtime() noexcept;
/// The last thing that it does.
void end_in_runtime() noexcept;

#else

inline constexpr bool has_race_scopes = false;

class [[maybe_unused]] RuntimeScope {};
class UserScope {
 public:
  constexpr void begin(const void*) noexcept {}
  constexpr void end() noexcept {}
};
constexpr void release_to(const void*) noexcept {}
constexpr void acquire_from(const void*) noexcept {}
constexpr void separate_actors(bool) noexcept {}
constexpr void begin_in_runtime() noexcept {}
constexpr void end_in_runtime() noexcept {}

#endif

}  // namespace orrery
