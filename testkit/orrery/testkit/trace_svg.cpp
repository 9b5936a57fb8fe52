#include "orrery/core/time.hpp"
#include "orrery/testkit/text.hpp"
#include "orrery/testkit/trace_drawing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace orrery::testkit {

namespace {

// Pixels, all of them whole, so that every machine draws the same.
constexpr std::size_t margin = 120;  // for the time and the step
constexpr std::size_t lane_width = 180;
constexpr std::size_t header_height = 56;
constexpr std::size_t row_height = 24;
constexpr std::size_t gap_height = 18;  // for virtual time that passes, however long
constexpr std::size_t character_width = 7;
constexpr std::size_t name_columns = 22;
constexpr std::size_t alone_columns = 48;
constexpr std::string_view red = "#c00000";
constexpr std::string_view black = "#222222";

/// W2
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : plain_line(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

struct Stroke {
  std::string_view color = black;
  std::string_view dashes;  ///< empty: solid
};
constexpr std::string_view reply_dashes = "6 4";
constexpr std::string_view caused_dashes = "2 3";

class Svg {
 public:
  explicit Svg(const Drawing& drawing) : drawing_{drawing} {}

  std::string text() {
    for (std::size_t i = 0; i < drawing_.events.size(); ++i) add(i);
    const std::size_t width = margin + std::max<std::size_t>(drawing_.actors.size(), 1) * lane_width + lane_width;
    const std::size_t height = y_ + row_height;
    std::string lanes;
    for (std::size_t i = 0; i < drawing_.actors.size(); ++i) {
      lanes += fmt::format(
          "<g><title>{}</title><text x=\"{}\" y=\"44\" text-anchor=\"middle\" font-weight=\"bold\">{}"
          "</text></g>\n<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#bbbbbb\"/>\n",
          escaped(drawing_.actors[i]), x_of(i), escaped(cut(plain_line(drawing_.actors[i]), name_columns)), x_of(i),
          header_height, x_of(i), height);
    }
    if (drawing_.left_out != 0) {
      lanes += fmt::format("<text x=\"8\" y=\"20\" fill=\"{}\">{} earlier events are left out</text>\n", red,
                           drawing_.left_out);
    }
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" "
        "font-family=\"monospace\" font-size=\"11\" role=\"img\">\n<title>{}</title>\n"
        "<rect width=\"{}\" height=\"{}\" fill=\"#ffffff\"/>\n{}{}</svg>\n",
        width, height, width, height, count_of(drawing_.events.size(), "event"), width, height, lanes, out_);
  }

 private:
  static std::size_t x_of(std::size_t actor) { return margin + lane_width / 2 + actor * lane_width; }

  /// Down by one row, and by a break where time has passed.
  void next_row(const TraceEvent& event) {
    if (event.nanoseconds != time_) {
      y_ += gap_height;
      out_ += fmt::format(
          "<text x=\"8\" y=\"{}\" fill=\"#666666\">t={}</text>\n<line x1=\"8\" y1=\"{}\" x2=\"{}\" y2=\"{}\" "
          "stroke=\"#cccccc\" stroke-dasharray=\"1 4\"/>\n",
          y_ + 4, format_duration(std::chrono::nanoseconds{event.nanoseconds}), y_ + 8,
          x_of(std::max<std::size_t>(drawing_.actors.size(), 1) - 1), y_ + 8);
      time_ = event.nanoseconds;
    }
    y_ += row_height;
  }

  void label(std::size_t x, std::string_view anchor, std::string_view color, std::string_view text) {
    out_ += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"{}\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"3\" "
        "paint-order=\"stroke\">{}</text>\n",
        x, y_ - 4, anchor, color, escaped(text));
  }

  void arrow(std::size_t from, std::size_t to, const Stroke& stroke, std::string_view text) {
    if (from == to) return label(x_of(to) + 10, "start", stroke.color, cut(plain_line(text), alone_columns));
    const std::size_t x1 = x_of(from);
    const std::size_t x2 = x_of(to);
    const bool is_right = x2 > x1;
    const std::size_t tip = is_right ? x2 - 6 : x2 + 6;
    const std::size_t back = is_right ? tip - 8 : tip + 8;
    const std::string dashes =
        stroke.dashes.empty() ? std::string{} : fmt::format(" stroke-dasharray=\"{}\"", stroke.dashes);
    out_ += fmt::format(
        "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\"{}/>\n<polygon points=\"{},{} {},{} {},{}\" "
        "fill=\"{}\"/>\n",
        x1, y_, back, y_, stroke.color, dashes, tip, y_, back, y_ - 4, back, y_ + 4, stroke.color);
    const std::size_t room = (is_right ? x2 - x1 : x1 - x2) / character_width - 3;
    label((x1 + x2) / 2, "middle", stroke.color, cut(plain_line(text), room));
  }

  void box(std::size_t actor, std::string_view color) {
    out_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{}\" stroke=\"{}\"/>\n",
                        x_of(actor) - 6, y_ - 6, color == red ? red : std::string_view{"#dde8f5"}, color);
  }

  void cross(std::size_t actor, std::string_view color) {
    const std::size_t x = x_of(actor);
    out_ += fmt::format("<path d=\"M{} {} L{} {} M{} {} L{} {}\" stroke=\"{}\" stroke-width=\"2\"/>\n", x - 5, y_ - 5,
                        x + 5, y_ + 5, x - 5, y_ + 5, x + 5, y_ - 5, color);
  }

  void reply(std::size_t taken) {
    arrow(drawing_.to[taken], drawing_.from[taken], {.color = black, .dashes = reply_dashes},
          drawing_.events[taken].reply);
  }

  void add(std::size_t i) {
    const TraceEvent& event = drawing_.events[i];
    const std::size_t from = drawing_.from[i];
    const std::size_t to = drawing_.to[i];
    const bool has_failed = !event.finding.empty();
    const std::string_view color = has_failed ? red : black;
    const std::string what = what_happens(drawing_, i);
    const std::string where = event.file.empty() ? std::string{} : fmt::format("   {}:{}", event.file, event.line);
    for (const std::size_t taken : drawing_.replies[i]) {
      next_row(event);
      reply(taken);
    }
    next_row(event);
    out_ += fmt::format("<g><title>{}</title>\n",
                        escaped(fmt::format("{}{}{}", what, event.reply.empty() ? "" : " = " + event.reply, where)));
    switch (shape_of(event)) {
      case Shape::handled:
        arrow(from, to, {.color = color, .dashes = {}}, what);
        box(to, color);
        break;
      case Shape::going_on:
        label(x_of(from) + 10, "start", color, cut(plain_line(what), alone_columns));
        box(from, color);
        break;
      case Shape::caused:
        arrow(from, to, {.color = "#777777", .dashes = caused_dashes}, what);
        break;
      case Shape::undelivered:
        arrow(from, to, {.color = red, .dashes = reply_dashes}, what);
        cross(to, red);
        break;
      case Shape::moment:
        label(x_of(from) + 10, "start", color, cut(plain_line(what), alone_columns));
        if (event.kind == "finish") {
          box(from, color);
        } else {
          cross(from, event.kind == "restart" ? black : red);
        }
        break;
    }
    const bool has_number = event.kind == "take" || event.kind == "resume" || event.kind == "finish";
    if (has_number) {
      out_ += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{}\">{}{}</text>\n", margin - 10, y_ + 4,
                          color, has_failed ? "X " : "", event.step);
    }
    out_ += "</g>\n";
    if (has_failed) {
      y_ += row_height;
      label(x_of(to) + 10, "start", red, "X " + event.finding);
    }
    if (drawing_.reply_arrives[i] == i) {
      next_row(event);
      reply(i);
    }
  }

  const Drawing& drawing_;
  std::size_t y_ = header_height;
  std::uint64_t time_ = 0;
  std::string out_;
};

}  // namespace

std::string draw_svg(const Drawing& drawing) { return Svg{drawing}.text(); }

}  // namespace orrery::testkit
