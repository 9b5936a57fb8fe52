#include "orrery/testkit/short_log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <vector>

namespace orrery::testkit {

namespace {

constexpr std::size_t names_columns_max = 70;  // wider than that, and the names stand in a list of their own

constexpr char idle = '.', running = '*', waiting = '?', down = '#', full = 'F', unborn = ' ';

bool is_crash(const TraceEvent& event) { return event.message.starts_with("failed") || event.message == "killed"; }

char letter_of(const TraceEvent& event) {
  const std::string_view kind = event.kind;
  if (!event.finding.empty()) return 'X';
  if (kind == "take") return '>';
  if (kind == "resume") return '<';
  if (kind == "finish") return 'o';
  if (kind == "refuse" || kind == "wait for place") return 'F';
  if (kind == "exit") return is_crash(event) ? '!' : '-';
  if (kind == "restart") return '^';
  if (kind == "late reply") return 'x';
  if (kind == "dead letter") return '%';
  if (kind == "stall") return '~';
  if (kind == "fire") return 'T';
  if (kind == "signal") return 's';
  if (kind != "fault") return ' ';
  const std::string_view what = event.message;
  return what.starts_with("is killed") || what.contains("crash") ? '!' : what.starts_with("does nothing") ? '~' : 'f';
}

bool is_step(const TraceEvent& event) {
  return event.kind == "take" || event.kind == "resume" || event.kind == "finish";
}

class Log {
 public:
  explicit Log(std::span<const TraceEvent> events) : events_{events} {
    find_actors();
    find_waits();
  }

  [[nodiscard]] std::string text() {
    std::string out = head();
    for (std::size_t i = 0; i < events_.size(); ++i) add_line(out, i);
    return out;
  }

 private:
  /// Whoever is born, runs or ends in it has a column; the clock and the dead letters have none.
  void find_actors() {
    for (const TraceEvent& event : events_) {
      if (event.kind != "spawn" && !is_step(event) && event.kind != "exit" && event.kind != "restart") continue;
      if (!columns_.emplace(event.to, names_.size()).second) continue;
      names_.push_back(plain_line(event.to));
      status_.push_back(event.kind == "spawn" ? unborn : idle);
    }
    std::size_t width = 0;
    for (const std::string& name : names_) width += name.size() + 1;
    is_narrow_ = width > names_columns_max;
  }

  /// After which steps their actor waits: those whose actor goes on later, and does nothing else before; and of those that do
  /// nothing more, those who have asked: a run that ends with a failure ends before they go on.
  void find_waits() {
    waits_after_.assign(events_.size(), false);
    std::map<std::string_view, bool> goes_on;
    for (std::size_t i = events_.size(); i-- > 0;) {
      const TraceEvent& event = events_[i];
      if (event.kind == "take" && !event.reply.empty()) goes_on.try_emplace(event.from, true);
      if (event.kind == "resume" || event.kind == "take") {
        waits_after_[i] = goes_on[event.to];
        goes_on[event.to] = event.kind == "resume";
      } else if (event.kind == "exit" || event.kind == "restart") {
        goes_on[event.to] = false;
      }
    }
  }

  [[nodiscard]] std::size_t column_of(const std::string& name) const {
    const auto found = columns_.find(name);
    return found == columns_.end() ? names_.size() : found->second;
  }
  [[nodiscard]] std::size_t width_of(std::size_t column) const { return is_narrow_ ? 1 : names_[column].size(); }

  [[nodiscard]] std::string head() const {
    std::string out;
    for (std::size_t i = 0; is_narrow_ && i < names_.size(); ++i) {
      out += fmt::format("{}{}: {}", i % 6 == 0 ? (i == 0 ? "columns " : "\n        ") : "  ", i + 1, names_[i]);
    }
    out += fmt::format("{} step    t(ms)  ev", is_narrow_ ? "\n" : "");
    for (std::size_t i = 0; i < names_.size(); ++i) {
      out += ' ';
      out += is_narrow_ ? std::string(1, static_cast<char>('0' + (i + 1) % 10)) : names_[i];
    }
    return out + "  detail\n";
  }

  void add_line(std::string& out, std::size_t index) {
    const TraceEvent& event = events_[index];
    const std::size_t who = column_of(event.to);
    if (event.kind == "spawn") {
      if (who < names_.size()) status_[who] = idle;
      return;
    }
    if (who < names_.size()) {
      if (is_step(event)) status_[who] = running;
      if (event.kind == "exit") status_[who] = down;
      if (event.kind == "restart") status_[who] = idle;
    }
    std::string line = fmt::format("{:>5} {:>8}  {} ", event.step, milliseconds(event.nanoseconds), letter_of(event));
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const bool is_full = i == who && (event.kind == "refuse" || event.kind == "wait for place");
      line += fmt::format(" {:<{}}", is_full ? full : status_[i], width_of(i));
    }
    line += "  " + detail_of(event);
    out += line + "\n";
    if (who < names_.size() && is_step(event)) status_[who] = waits_after_[index] ? waiting : idle;
  }

  static std::string milliseconds(std::uint64_t nanoseconds) {
    return fmt::format("{}.{:03}", nanoseconds / 1'000'000, nanoseconds / 1'000 % 1'000);
  }

  static std::string detail_of(const TraceEvent& event) {
    std::string text = event.from;
    if (event.kind == "take") {
      text += fmt::format(" -> {} {}", event.to, event.message);
    } else if (event.kind == "resume") {
      text += " goes on";
    } else if (event.kind == "refuse" || event.kind == "wait for place") {
      text += fmt::format(" -> {} {} {}", event.to, event.message,
                          event.kind == "refuse" ? "refused" : "waits for a place");
    } else if (event.kind == "exit") {
      text += " ends: " + event.message;
    } else if (event.kind == "restart") {
      text += " restarted, " + event.message;
    } else {
      text += fmt::format("{} {}", event.to == event.from || event.to.empty() ? "" : " -> " + event.to, event.message);
    }
    if (!event.reply.empty()) text += " = " + event.reply;
    if (!event.finding.empty()) text += fmt::format("   X {}", event.finding);
    return plain_line(text);
  }

  std::span<const TraceEvent> events_;
  std::map<std::string, std::size_t, std::less<>> columns_;
  std::vector<std::string> names_;
  std::vector<char> status_;
  std::vector<bool> waits_after_;
  bool is_narrow_ = false;
};

}  // namespace

std::string short_log(std::span<const TraceEvent> events) { return Log{events}.text(); }

}  // namespace orrery::testkit
