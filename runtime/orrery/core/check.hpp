// check.hpp: the one way to say "this cannot happen", and to stop when it does.
// Why:  a broken invariant that runs on shows itself later and elsewhere. Here it stops at the line that
//       states it, with the run it belongs to (seed, step, virtual time), so that the failure can be
//       replayed.
// How:  the macro tests one condition; all else (text, context, abort) is out of line and cold, so a check
//       that holds costs one compare and one branch that is not taken.
// Always true:  (C1) a check is on in every build
//               (C2) the failed condition is printed before anything else is tried, so a broken context
//                    provider cannot hide it
//               (C3) a failed check never returns and never throws: std::abort ends the process
// Not chosen:   assert (off in release builds); an exception (the state is broken, unwinding would act on
//               it).
#pragma once
#include <fmt/core.h>

#include <string>

namespace orrery {
/// Names who adds a line to the report of a check that fails on this thread; nullptr takes the provider away.
///
/// Pre:     `provider` may run while invariants are broken: it only reads, and appends one line to `out`.
/// Threads: each thread has its own provider.    Blocks: nothing.
void set_check_context(void (*provider)(void* user, std::string& out), void* user);

namespace detail {
struct CheckSite {
  const char* file;
  int line;
  const char* condition;
};

[[noreturn, gnu::cold]] void check_failed(const CheckSite& site);
[[noreturn, gnu::cold]] void check_failed_text(const CheckSite& site, fmt::string_view text, fmt::format_args args);

template <class... Args>
[[noreturn, gnu::cold, gnu::noinline]] void check_failed(const CheckSite& site, fmt::format_string<const Args&...> text,
                                                         const Args&... args) {
  check_failed_text(site, text, fmt::make_format_args(args...));
}
}  // namespace detail
}  // namespace orrery

/// Stops the process unless `condition` holds. Optional: a literal format text and its arguments, evaluated
/// only when the check fails. Usable in constexpr functions, where a failed check is a compile error.
///
/// Cost: the condition and one branch.
#define ORRERY_CHECK(condition, ...)                                                          \
  (static_cast<bool>(condition) ? static_cast<void>(0)                                        \
                                : ::orrery::detail::check_failed(::orrery::detail::CheckSite{ \
                                      __FILE__, __LINE__, #condition} __VA_OPT__(, ) __VA_ARGS__))
