// little_programs.hpp: random programs of two to four actors, small enough that every schedule can be tried.
// Why:  a rule that leaves out schedules is right when no outcome is lost, for every program; so programs are drawn.
// How:  a program is a tree of at most a handful of messages. Whoever handles a message does that message's steps in order:
//       it tells, asks (with and without timeout, one or two at a time), arms timers, stops others or itself, throws, looks.
//       What an actor sees goes into a log of its own; the logs together with the dead letters are the outcome.
#pragma once
#include "orrery/core/entropy.hpp"
#include "orrery/sim/run.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace orrery::testing {

struct Step {
  enum class Kind : std::uint8_t {
    tell,     ///< message `child` to `target`
    ask,      ///< as tell, and waits for the answer, for `seconds` if not 0
    ask_any,  ///< asks `child` of `target` and `other_child` of `other_target`, waits for either
    timer,    ///< `child` to itself after `seconds`
    cancel,   ///< the timer that it armed last
    stop,     ///< actor `target`
    kill,     ///< actor `target`
    stop_self,
    fail,
    fail_first,   ///< unless the message has failed before
    depth,        ///< looks how much mail waits
    sleep,        ///< `seconds`
    offload,      ///< work that tells `child` to `target`
    offload_ask,  ///< work that asks it, and waits for the answer
  };
  Kind kind = Kind::tell;
  int child = -1;
  int other_child = -1;
  int target = 0;
  int other_target = 0;
  int seconds = 0;
};

struct Program {
  struct Actor {
    MailboxOptions mailbox;
    bool restarts = false;
    MailOnRestart mail_on_restart = MailOnRestart::keep;
  };
  struct Mail {
    Priority priority = Priority::normal;  ///< normal or high
    Delivery delivery = Delivery::at_most_once;
    std::vector<Step> steps;
  };
  std::vector<Actor> actors;
  std::vector<Mail> mail;
  std::vector<Step> roots;  ///< what the body of the test does: tell, ask, stop
  bool watched = false;     ///< an invariant looks at the first two actors
  sim::Mode mode = sim::Mode::causal;
  int stalls = 0;
};

/// What may occur in a program; each is drawn with a small chance where it is allowed.
struct Features {
  bool asks = false;
  bool timeouts = false;
  bool bounded = false;
  bool priorities = false;
  bool timers = false;
  bool stops = false;
  bool failures = false;
  bool assured = false;  ///< messages of all delivery classes
  bool looks = false;
  bool watched = false;
  bool offloads = false;
  bool stalls = false;
  bool per_pair = false;
  int messages_max = 7;
};

[[nodiscard]] Program draw_program(Entropy& entropy, const Features& features);
[[nodiscard]] std::string to_text(const Program& program);

struct Outcomes {
  std::set<std::string> all;
  std::uint64_t runs = 0;
  bool complete = true;
};
/// Runs the program under every schedule.
[[nodiscard]] Outcomes all_outcomes(const Program& program, bool reduce, std::uint64_t runs_max);
/// Runs the program once for every order of conflicting operations.
[[nodiscard]] Outcomes traced_outcomes(const Program& program, std::uint64_t runs_max);
/// Returns: the outcome of one run, and whether it was made with reductions.
[[nodiscard]] std::pair<std::string, sim::Outcome> one_outcome(const Program& program,
                                                               const sim::MakeStrategy& strategy,
                                                               sim::RunOptions options);

}  // namespace orrery::testing
