// workers.hpp: the runs of a campaign, made by several processes.
// Why:  processes, because a test's static variables are then its own in each of them, and because one that crashes takes
//       nothing with it: the crash is a finding of the run that it was in.
// How:  each worker is forked from this process, takes the next run that nobody has taken, and puts a note of what came out
//       into a ring that it shares with the parent, who puts the notes back into the order of the runs. What a worker is
//       doing stands in shared memory, so that its death loses nothing: its ring is read to the end, another one is
//       forked in its place, and the run that it was in is a crash, or, if somebody has killed it, made once more.
// Always true:  (K1) notes come out in the order of the runs, each run once, without a gap, however many workers there are
//               (K2) a run that was begun is delivered: noted, or as the crash of whoever made it
//               (K3) no worker outlives the parent
// Not chosen:   fixed shares (run i by worker i mod J): with them every worker must be as fast as the slowest for K1 to hold
//               when time is up. Threads: no isolation.
// Source:       SPEC X2, X7.
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace orrery::testkit {

inline constexpr unsigned jobs_max = 256;

/// Who makes the runs: a copy of it in every worker.
class NoteMaker {
 public:
  virtual ~NoteMaker() = default;
  /// Makes run `run`, and keeps in `where` which run is being made just now, plus one: others may have to come before it.
  [[nodiscard]] virtual RunNote make(std::uint64_t run, std::atomic<std::uint64_t>& where) = 0;
  /// Called in the parent: run `run` has crashed when another one needed it.
  virtual void leave_out(std::uint64_t run) { static_cast<void>(run); }
};

class Workers {
 public:
  /// Forks `jobs` workers, who make the runs `first` to `end` - 1.
  ///
  /// Pre: 1 <= jobs <= jobs_max; first <= end. `maker` outlives this.
  Workers(unsigned jobs, NoteMaker& maker, std::uint64_t first, std::uint64_t end);
  /// Kills those that are left.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Waits for the note of the next run (K1). `on_wait` is called now and then while there is none.
  ///
  /// Returns: nothing when all runs are delivered, or all that were begun before stop().
  std::optional<RunNote> next(const std::function<void()>& on_wait = [] {});

  /// No further run is begun. Those that were are delivered still (K2).
  void stop() noexcept;

  /// Returns: the processes that are at work, for tests.
  [[nodiscard]] std::vector<pid_t> processes() const;

 private:
  struct Shared;
  struct Slot;
  struct Worker {
    pid_t process = 0;
    Slot* slot = nullptr;
    std::string bytes;       ///< read from its ring, not yet a whole note
    std::uint64_t todo = 0;  ///< a run that it shall make first, plus one
    bool is_done = false;
  };

  void start(Worker& worker);
  [[noreturn]] void work(Worker& worker);
  void read_ring(Worker& worker);
  /// Returns: whether somebody has died.
  bool reap();
  void bury(Worker& worker, int status);
  [[nodiscard]] bool is_known(std::uint64_t run) const { return run < next_ || notes_.contains(run); }

  NoteMaker& maker_;
  std::uint64_t next_;  ///< the run whose note is delivered next
  std::uint64_t end_;
  Shared* shared_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::vector<Worker> workers_;
  std::map<std::uint64_t, RunNote> notes_;  ///< that came before their turn
  std::map<std::uint64_t, int> killed_;     ///< runs whose worker somebody has killed, how often
};

/// What became of a process that was to make something.
struct Made {
  std::optional<std::string> result;  ///< nothing: it died
  std::string died_of;                ///< a signal, or an exit code
  std::string last_words;             ///< what `on_crash` said, if it still could
};
/// What a process of its own may do.
struct ApartOptions {
  bool is_quiet = false;     ///< what it prints is dropped, a sanitizer's report above all
  unsigned seconds_max = 0;  ///< then it dies of SIGALRM; 0 is no limit
};
/// Runs `make` in a process of its own, and hands over what it returns; or what `on_crash` returns, which is called in a
/// signal handler and may fail, if `make` crashes.
[[nodiscard]] Made make_in_a_process(const std::function<std::string()>& make,
                                     const std::function<std::string(std::string_view signal)>& on_crash,
                                     ApartOptions options = {});

/// execute_here() in a process of its own. Returns: of a run that crashes, all that happened up to there, with the crash as
/// its finding; of one that could say nothing any more, only how it died.
[[nodiscard]] MadeRun execute_apart(const Property& property, const Input& input,
                                    const sim::MakeStrategy& make_strategy, const sim::RunOptions& options,
                                    bool wants_labels);

/// investigate() in a process of its own: shrinking makes runs that nobody has made before, and one may crash.
///
/// Returns: as investigate(); of a run whose shrinking crashes, a failure that was not shrunk and says so.
[[nodiscard]] std::optional<Failure> investigate_apart(const Property& property, const CheckOptions& options,
                                                       std::uint64_t campaign_seed, Runs& runs, const RunNote& note);
/// Makes the run that crashed once more, in a process of its own, to find out where; and shrinks it, each run in a process
/// of its own, for ten seconds at most.
///
/// Returns: the failure with all that happened up to the crash; when it does not crash any more, or could not be shrunk, the
/// finding says so.
[[nodiscard]] Failure investigate_crash(const Property& property, const CheckOptions& options,
                                        std::uint64_t campaign_seed, Runs& runs, const RunNote& note);

}  // namespace orrery::testkit
