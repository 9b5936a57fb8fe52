// eh_globals.hpp: the thread's record of exceptions in flight, which belongs to the fiber instead.
// Why:  the C++ runtime keeps two facts per thread: the stack of exceptions being handled (what `throw;`
//       rethrows and the end of a catch block pops) and the number being thrown. Both describe frames, and
//       frames move with their fiber. A fiber that parks inside a catch block and resumes elsewhere would
//       pop a stranger's exception.
// How:  the record is swapped at every switch. Its address is fetched once per adopted thread and then
//       handed on from the running fiber to the next one: whoever runs on a thread got the address from the
//       fiber before it there, so a switch costs no lookup and a stale thread-local address cannot arise.
// Not chosen:   asking the runtime at every switch. Its headers declare the function `const`; a compiler
//               then merges the call before a switch with the call after it, and the merged address is
//               wrong once the fiber has moved.
// Source:       Itanium C++ ABI: Exception Handling, section 2.2.2 "Caught Exception Stack".
#pragma once

namespace orrery::fiber::detail {

/// The ABI's __cxa_eh_globals. Its owner writes it under another type, hence may_alias.
struct __attribute__((may_alias)) EhGlobals {
  void* caught_exceptions = nullptr;
  unsigned int uncaught_exceptions = 0;
};

/// Returns: the calling thread's record. Its address is stable and names the thread while the thread lives.
[[nodiscard]] EhGlobals* eh_globals_of_this_thread() noexcept;

}  // namespace orrery::fiber::detail
