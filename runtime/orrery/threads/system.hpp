// system.hpp: actors on real threads: what main() makes.
// Why:  one object that starts the production world, stops it in order, and says why when it cannot.
// How:  a Runtime whose world is threads. The end of its scope stops every actor, waits until the last handler has
//       returned, and checks the account of all messages.
//
//         int main(int argc, char** argv) {
//           orrery::System system{argc, argv};
//           wire(system);
//           return system.run_until_signal();
//         }
//
// Always true:  (Y1) after a complete stop no actor lives, no fiber is suspended, and offered = refused + handled +
//                    failed + dead-lettered, with nothing queued (checked)
//               (Y2) the destructor returns only when no handler runs any more; user objects are always destroyed
// Source:       SPEC A15, R1 to R10, S4, S10.
#pragma once
#include "orrery/actor/runtime.hpp"
#include "orrery/threads/metric_sources.hpp"
#include "orrery/threads/system_options.hpp"
#include "orrery/threads/threaded_world.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orrery {

class DumpSignal;
class MetricList;
class MetricsPort;

/// An actor that is in a handler, or has ended and left work behind, and what that does.
struct Activity {
  std::string actor;  ///< its path
  std::string doing;  ///< "in handler Withdraw", "waits for alice", "its work offloaded at x.cpp:7 has run for 2s"
};

/// How a stop went.
struct StopReport {
  bool is_complete = true;         ///< no actor lives, no worker is busy, no offloaded work runs
  std::size_t living = 0;          ///< actors that have not ended
  std::vector<Activity> activity;  ///< of those in a handler when the deadline passed, and of those that refuse to end
};
/// Returns: "2 actors still live; alice: in handler Withdraw; bob: waits for alice".
[[nodiscard]] std::string orrery_describe(const StopReport& report);

namespace detail {
/// Comes before the Runtime that runs in it.
struct SystemParts {
  explicit SystemParts(SystemOptions options);
  SystemOptions settings_;
  ThreadedWorld threads_;
};
}  // namespace detail

class System : private detail::SystemParts, public Runtime {
 public:
  /// Starts the threads. The environment may override `options` (system_options.hpp says how).
  ///
  /// A bad value ends the process with one sentence on stderr and exit code 2.
  explicit System(SystemOptions options = {});

  /// The same with the command line, from which the flags that are ours are removed; --config prints what the
  /// system would run with, and ends the process with exit code 0.
  System(int& argc, char** argv, SystemOptions options = {});

  /// Stops as shutdown(stop_timeout) does. When the deadline passes it says who is still alive and waits once more as long;
  /// then it kills them, and goes on waiting: a running handler cannot be stopped, and must not find its world gone.
  ~System() override;

  /// Stops every actor and waits until the last has ended, all workers sleep and all offloaded work is done. Supervision
  /// trees end first, one after the other, the last started before the others, while the rest of the system lives on; then
  /// all other actors together. From then on new actors are refused, and nobody is restarted.
  ///
  /// Returns: what was left when `deadline` had passed; is_complete if nothing was.
  /// Pre:     other threads have stopped sending (checked through the account).
  /// Threads: no worker.    Blocks: the thread.
  StopReport shutdown(Duration deadline);

  /// Waits for SIGINT or SIGTERM and then shuts down within stop_timeout; a second signal ends the process at
  /// once.
  ///
  /// Returns: the exit code for main: 0, or 1 when somebody was still alive (said on stderr).
  [[nodiscard]] int run_until_signal();

  /// For tests: waits until nothing runs or is runnable, no offloaded work is unfinished, and no timer is to come except periodic ones and
  /// receive timeouts. Handlers that wait for something that cannot come are allowed.
  ///
  /// Returns: false when that was not reached within `limit`.    Threads: no worker.    Blocks: the thread.
  [[nodiscard]] bool await_quiescence(Duration limit);

  /// Returns: what the handlers that run or wait do right now. A moment's picture for reports.
  /// Threads: no worker.    Cost: O(cells), and a millisecond for each busy worker; wakes nobody.
  [[nodiscard]] std::vector<Activity> activity();

  /// Writes what the workers did last into a file, in the schema of trace.jsonl, replacing it: `orrery trace` opens it. A
  /// crash writes the same by itself, into orrery-crash-PID.jsonl (flight_recorder.hpp).
  ///
  /// Returns: a sentence when the recorder is off (SystemOptions::flight) or the file cannot be written.
  /// Threads: any, a handler too.    Blocks: the thread, on the file.
  [[nodiscard]] std::expected<void, std::string> dump_flight_recorder(const std::string& path) const;

  /// Appends all that is known of the system in numbers: Runtime::metrics(), what its workers, stacks and watchdogs say,
  /// which build it is, and what sources that were added say.    Threads: any.    Cost: as Runtime::metrics().
  void append_metrics(MetricList& list) const;
  /// Takes part in append_metrics, hence also in what the metrics port serves: a broker, numbers of the application's own.
  /// `source` is called on any thread, one at a time.    Returns: what keeps it; when that goes, the source does.
  MetricSources::Part add_metrics(std::function<void(MetricList&)> source) { return sources_.add(std::move(source)); }

  /// Returns: all actors as text, a line each: indented below their supervisors, with type, state, mail that waits where
  /// that can be counted, life, how many messages it has handled, and what its handler does. A moment's picture, on
  /// request by SIGUSR1 too (dump_on_sigusr1).
  /// Threads: no worker.    Cost: O(cells); wakes nobody.
  [[nodiscard]] std::string describe_actors();

  /// Returns: the port at which metrics are served on 127.0.0.1; 0: none.
  [[nodiscard]] std::uint16_t metrics_port() const noexcept;

  [[nodiscard]] const SystemOptions& options() const noexcept { return settings_; }
  /// Returns: `live` counts the fibers of workers and of suspended handlers, and those kept for the next
  /// ones.
  [[nodiscard]] fiber::StackCounts fibers() const { return threads_.fibers(); }
  /// Returns: how many threads there are for offloaded work at present.
  [[nodiscard]] std::size_t offload_threads() const { return threads_.offloads().threads(); }

 private:
  void begin();
  [[nodiscard]] StopReport report_living();
  void check_account();

  std::unique_ptr<FlightRecorder> flight_;  // null: it is off
  MetricSources sources_;
  std::unique_ptr<MetricsPort> metrics_port_;  ///< null: none
  std::unique_ptr<DumpSignal> dump_signal_;    ///< null: SIGUSR1 is not ours
};

}  // namespace orrery
