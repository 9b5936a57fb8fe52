// options.hpp: what can be chosen about a simulated run before it starts.
#pragma once
#include "orrery/actor/options.hpp"
#include "orrery/core/time.hpp"

#include <cstdint>

namespace orrery::sim {

/// What the simulated world can do. `causal`: what threads of one process can do, no false alarm. `per_pair`: every
/// (sender, receiver) pair is a channel of its own, what a network can do.
enum class Mode : std::uint8_t { causal, per_pair };

/// Which faults a run may contain. `local`: time may pass while work waits (a busy core, a preempted thread), which
/// production can always do. `none`: it may not. `heavy`: as local, and handlers fail in the place of doing their work, as
/// by an exception of their own; mailboxes refuse mail as if they were full; there is no memory for a message; an actor
/// stands still while others go on. With both, fault points in user code go wrong (Context::fault_point).
enum class FaultProfile : std::uint8_t { none, local, heavy };

/// How finely choices are offered. `fine`: wherever the order of two operations may matter. `coarse`: an actor also goes on
/// through what rarely matters: takes of roomy bounded mailboxes and of supervised actors, and sends to an actor that
/// nobody else has sent to so far in this run. A coarse run is one of the fine ones.
enum class Grain : std::uint8_t { fine, coarse };

/// What becomes of user code that reaches for a clock, entropy, a thread or a blocking wait of the machine's
/// (docs/leak-guard.md). `virtualised`: what has a meaning in the simulated world gets it, the rest is a finding. `forbidden`:
/// all of it is a finding. `off`: nobody looks.
enum class Leaks : std::uint8_t { virtualised, forbidden, off };

struct RunOptions {
  RuntimeOptions runtime{.actors_max = 1U << 20, .mailbox_depth_warning = 0};
  Mode mode = Mode::causal;
  FaultProfile faults = FaultProfile::local;
  Grain grain = Grain::fine;
  Leaks leaks = Leaks::virtualised;
  std::uint64_t operations_max = 10'000;  ///< of one run; more is the finding "no progress"
  int stalls_max = 2;                     ///< per run, with FaultProfile::local
  Duration stall_max = std::chrono::seconds{10};
  std::uint64_t stall_reach = 64;       ///< a stall comes within so many operations; runs are short
  int crashes_max = 2;                  ///< per run, with FaultProfile::heavy
  std::uint64_t crash_reach = 64;       ///< a crash comes within so many handled messages
  int refusals_max = 2;                 ///< per run, with FaultProfile::heavy
  std::uint64_t refusal_reach = 16;     ///< a refusal comes within so many messages to mailboxes that may refuse them
  int allocations_max = 1;              ///< per run, with FaultProfile::heavy
  std::uint64_t allocation_reach = 32;  ///< memory is short within so many messages that handlers send
  int slows_max = 1;                    ///< per run, with FaultProfile::heavy
  std::uint64_t slow_reach = 64;        ///< somebody becomes slow within so many operations
  /// Offer no choice where none can matter (docs/simulation.md). Off: for the tests that check just that.
  bool reduce = true;
  /// A run goes on when an `always` is broken, and is found guilty of the first one at its end: for who counts schedules, of
  /// which a run that ends early has only a part.
  bool past_invariants = false;
  /// In a build with ThreadSanitizer: let it judge accesses of different actors to the same memory (races.hpp). Elsewhere it
  /// changes nothing.
  bool find_races = false;
  /// Keep the text of every event, for a report.
  bool record_events = false;
};

}  // namespace orrery::sim
