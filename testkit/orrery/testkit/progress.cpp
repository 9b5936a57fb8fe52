#include "orrery/testkit/progress.hpp"

#include "orrery/core/signal_safe.hpp"
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace orrery::testkit {

namespace {

/// 9832.1 as "9.8k".
std::string short_number(double number) {
  if (number < 1'000) return fmt::format("{:.0f}", number);
  if (number < 1e6) return fmt::format("{:.1f}k", number / 1e3);
  return fmt::format("{:.1f}M", number / 1e6);
}

std::string short_time(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6'000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3'600);
}

volatile std::sig_atomic_t interrupts = 0;
bool watching_interrupts = false;

void on_interrupt(int) {
  interrupts = interrupts + 1;
  if (interrupts > 1) _exit(exit_interrupted);
  write_all(STDERR_FILENO, "\norrery: interrupted; what has begun is finished and reported (once more: at once)\n");
}

}  // namespace

std::string progress_text(const std::string& test, const Progress& progress, std::uint64_t runs,
                          std::chrono::duration<double> elapsed, const Progress& from,
                          std::optional<std::chrono::milliseconds> time) {
  const bool has_end = runs != UINT64_MAX;
  std::string out = has_end ? fmt::format("{} {}/{} runs", test, progress.next_run, runs)
                            : fmt::format("{} {} runs", test, progress.next_run);
  if (elapsed.count() > 0)
    out +=
        fmt::format(" · {} steps/s", short_number(static_cast<double>(progress.steps - from.steps) / elapsed.count()));
  std::uint64_t failed = 0;
  for (const Group& group : progress.groups) failed += group.count;
  out += fmt::format(" · {} failed", failed);
  if (progress.groups.size() > 1) out += fmt::format(" in {} ways", progress.groups.size());
  if (!progress.sometimes.empty()) {
    const auto hit = std::ranges::count_if(progress.sometimes, [](const auto& one) { return one.second != 0; });
    out += fmt::format(" · sometimes {}/{}", hit, progress.sometimes.size());
  }
  std::optional<double> left;
  if (const std::uint64_t made = progress.next_run - from.next_run; has_end && made != 0) {
    left = elapsed.count() * static_cast<double>(runs - progress.next_run) / static_cast<double>(made);
  }
  if (time) {
    const double of_time = std::max(0.0, std::chrono::duration<double>{*time}.count() - elapsed.count());
    left = std::min(left.value_or(of_time), of_time);
  }
  if (left) out += fmt::format(" · ETA {}", short_time(*left));
  return out;
}

ProgressLine::ProgressLine(std::string test, std::uint64_t runs, std::optional<std::chrono::milliseconds> time,
                           Progress from)
    : test_{std::move(test)},
      runs_{runs},
      time_{time},
      from_{std::move(from)},
      is_terminal_{isatty(STDERR_FILENO) == 1} {
  next_ = began_ + (is_terminal_ ? std::chrono::milliseconds{500} : std::chrono::seconds{10});
}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::update(const Progress& progress) {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + (is_terminal_ ? std::chrono::milliseconds{200} : std::chrono::seconds{10});
  const std::string text = progress_text(test_, progress, runs_, now - began_, from_, time_);
  if (is_terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", cut(text, report_columns));
    std::fflush(stderr);
    is_shown_ = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

void ProgressLine::clear() {
  if (!is_shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  is_shown_ = false;
}

InterruptWatch::InterruptWatch() : is_first_{!watching_interrupts} {
  if (!is_first_) return;
  watching_interrupts = true;
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, nullptr, &before_);
  if (before_.sa_handler != SIG_IGN) sigaction(SIGINT, &action, nullptr);
}

InterruptWatch::~InterruptWatch() {
  if (!is_first_) return;
  watching_interrupts = false;
  sigaction(SIGINT, &before_, nullptr);
}

bool InterruptWatch::is_interrupted() noexcept { return interrupts != 0; }

}  // namespace orrery::testkit
