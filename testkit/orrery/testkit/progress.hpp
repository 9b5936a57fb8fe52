// progress.hpp: what a person sees while a campaign is made, and how he ends it.
// How:  on a terminal one line on stderr that is written over and over, elsewhere one line every ten seconds. Ctrl-C lets
//       the runs that are being made come to their end, so that there is a report; a second one ends the process.
// Source:  UX section 3.
#pragma once
#include "orrery/testkit/loop.hpp"

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

namespace orrery::testkit {

/// Returns: "Bank.* 412/1000 runs · 9.8k steps/s · 0 failed · sometimes 3/4 · ETA 6 s".
[[nodiscard]] std::string progress_text(const std::string& test, const Progress& progress, std::uint64_t runs,
                                        std::chrono::duration<double> elapsed, const Progress& from,
                                        std::optional<std::chrono::milliseconds> time);

class ProgressLine {
 public:
  ProgressLine(std::string test, std::uint64_t runs, std::optional<std::chrono::milliseconds> time, Progress from);
  /// Wipes the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void update(const Progress& progress);
  /// Wipes the line, so that something else can be printed.
  void clear();
  [[nodiscard]] std::chrono::duration<double> elapsed() const { return Clock::now() - began_; }

 private:
  using Clock = std::chrono::steady_clock;
  std::string test_;
  std::uint64_t runs_;
  std::optional<std::chrono::milliseconds> time_;
  Progress from_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point next_;
  bool is_terminal_;
  bool is_shown_ = false;
};

/// Takes Ctrl-C for as long as it lives. One at a time: a second one does nothing.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  /// Returns: whether somebody has pressed it, in this or an earlier watch.
  [[nodiscard]] static bool is_interrupted() noexcept;

 private:
  bool is_first_;
  struct sigaction before_{};
};

}  // namespace orrery::testkit
