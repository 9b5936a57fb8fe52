#include "orrery/fiber/detail/eh_globals.hpp"

namespace orrery::fiber::detail {

// Declared here under a name of our own: the declaration of <cxxabi.h> is `const`, and a call to a `const`
// function may be merged with another one across a switch to a different thread.
extern "C" void* orrery_cxa_get_globals() noexcept __asm__("__cxa_get_globals");

[[gnu::noinline]] EhGlobals* eh_globals_of_this_thread() noexcept {
  auto* const globals = static_cast<EhGlobals*>(orrery_cxa_get_globals());
  __asm__ volatile("" ::: "memory");  // keeps the function from being taken for one without side effects
  return globals;
}

}  // namespace orrery::fiber::detail
