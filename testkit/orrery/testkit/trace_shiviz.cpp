#include "orrery/testkit/trace_drawing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::testkit {

namespace {

/// W2: a host is a word without spaces; bytes that might be none of one become %XX, and different names stay different.
std::string host_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          std::string_view{"_-/#.:@+="}.contains(c);
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out.empty() ? "%" : out;
}

using Clock = std::vector<std::uint64_t>;

class ShiViz {
 public:
  explicit ShiViz(const Drawing& drawing)
      : drawing_{drawing}, clocks_(drawing.actors.size(), Clock(drawing.actors.size())) {
    for (const std::string& actor : drawing.actors) hosts_.push_back(host_of(actor));
  }

  std::string text() {
    // W3: a log has no place for a remark, so it is an event.
    if (drawing_.left_out != 0)
      tick(drawing_.from.front(), fmt::format("{} earlier events are left out", drawing_.left_out));
    for (std::size_t i = 0; i < drawing_.events.size(); ++i) add(i);
    return std::move(out_);
  }

 private:
  /// Something happens to `actor`.
  void tick(std::size_t actor, std::string_view what) {
    Clock& clock = clocks_[actor];
    ++clock[actor];
    std::string fields;
    for (std::size_t i = 0; i < clock.size(); ++i) {
      if (clock[i] != 0) fields += fmt::format("{}{}:{}", fields.empty() ? "" : ",", json_text(hosts_[i]), clock[i]);
    }
    out_ += fmt::format("{} {{{}}}\n{}\n", hosts_[actor], fields, plain_line(what));
  }
  /// `to` hears what `from` knows.
  void hear(std::size_t from, std::size_t to) {
    for (std::size_t i = 0; i < clocks_[to].size(); ++i) clocks_[to][i] = std::max(clocks_[to][i], clocks_[from][i]);
  }

  void add(std::size_t i) {
    const TraceEvent& event = drawing_.events[i];
    const std::size_t from = drawing_.from[i];
    const std::size_t to = drawing_.to[i];
    const bool has_failed = !event.finding.empty();
    const std::string what =
        fmt::format("{}{} {}", has_failed ? "X " + event.finding + ": " : "", event.step, what_happens(drawing_, i));
    switch (shape_of(event)) {
      case Shape::handled:
      case Shape::caused: {
        const bool is_told = event.kind == "take";
        if (from != to) {
          tick(from, fmt::format("{} {}{}", is_told ? "tells" : event.kind, drawing_.actors[to],
                                 event.kind == "spawn" ? "" : ": " + what_happens(drawing_, i)));
          hear(from, to);
        }
        tick(to, event.reply.empty() ? what : what + " = " + event.reply);
        break;
      }
      case Shape::going_on:
        for (const std::size_t taken : drawing_.replies[i]) {
          const std::size_t answerer = drawing_.to[taken];
          if (answerer == from) continue;
          tick(answerer, fmt::format("replies {} to {}", drawing_.events[taken].reply, drawing_.actors[from]));
          hear(answerer, from);
        }
        tick(from, what);
        break;
      case Shape::undelivered:
      case Shape::moment:
        tick(from, what);
        break;
    }
  }

  const Drawing& drawing_;
  std::vector<Clock> clocks_;
  std::vector<std::string> hosts_;
  std::string out_;
};

}  // namespace

std::string draw_shiviz(const Drawing& drawing) { return ShiViz{drawing}.text(); }

}  // namespace orrery::testkit
