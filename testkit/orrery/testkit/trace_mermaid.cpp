#include "orrery/testkit/text.hpp"
#include "orrery/testkit/trace_drawing.hpp"

#include <fmt/core.h>

namespace orrery::testkit {

namespace {

constexpr std::size_t text_columns = 80;

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// W2: what Mermaid or HTML might take for something becomes an entity, which Mermaid writes with # and decimal digits;
/// and so does the word "end", which would end a block.
std::string escaped(std::string_view any) {
  const std::string text = cut(plain_line(any), text_columns);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins_word = i == 0 || !is_letter_or_digit(text[i - 1]);
    const bool is_end = begins_word && text.size() - i >= 3 && (c == 'e' || c == 'E') &&
                        (text[i + 1] == 'n' || text[i + 1] == 'N') && (text[i + 2] == 'd' || text[i + 2] == 'D') &&
                        (i + 3 == text.size() || !is_letter_or_digit(text[i + 3]));
    const bool is_plain = is_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
                          std::string_view{" _{}=,.()[]/+*!?'-|"}.contains(c);
    if (is_plain && !is_end) {
      out += c;
    } else {
      out += fmt::format("#{};", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out.empty() ? "#32;" : out;
}

std::string reply_line(const Drawing& drawing, std::size_t taken) {
  return fmt::format("  p{}-->>p{}: {}\n", drawing.to[taken], drawing.from[taken],
                     escaped(drawing.events[taken].reply));
}

std::string lines_of(const Drawing& drawing, std::size_t i) {
  const TraceEvent& event = drawing.events[i];
  const std::size_t from = drawing.from[i];
  const std::size_t to = drawing.to[i];
  const std::string what = escaped(what_happens(drawing, i));
  std::string out;
  switch (shape_of(event)) {
    case Shape::handled:
      out = fmt::format("  p{}->>p{}: {} {}\n", from, to, event.step, what);
      if (drawing.reply_arrives[i] == i) out += reply_line(drawing, i);
      return out;
    case Shape::going_on:
      for (const std::size_t taken : drawing.replies[i]) out += reply_line(drawing, taken);
      return out;
    case Shape::caused:
      if (event.kind == "spawn") return {};  // its participant says it
      return fmt::format("  p{}-)p{}: {}\n", from, to, what);
    case Shape::undelivered:
      return fmt::format("  p{}{}p{}: {}\n", from, event.kind == "late reply" ? "--x" : "-x", to, what);
    case Shape::moment:
      return fmt::format("  Note over p{}: {}\n", from, what);
  }
  return out;
}

}  // namespace

std::string draw_mermaid(const Drawing& drawing) {
  std::string out = "sequenceDiagram\n";
  for (std::size_t i = 0; i < drawing.actors.size(); ++i) {
    out += fmt::format("  participant p{} as {}\n", i, escaped(drawing.actors[i]));
  }
  if (drawing.left_out != 0 && !drawing.actors.empty())
    out += fmt::format("  Note over p0: {} earlier events are left out\n", drawing.left_out);
  for (std::size_t i = 0; i < drawing.events.size(); ++i) {
    const TraceEvent& event = drawing.events[i];
    if (event.finding.empty()) {
      out += lines_of(drawing, i);
    } else {
      out += fmt::format("  rect rgb(255, 214, 214)\n{}  Note over p{}: X step {}#58; {}\n  end\n",
                         lines_of(drawing, i), drawing.to[i], event.step, escaped(event.finding));
    }
  }
  return out;
}

}  // namespace orrery::testkit
