// JSON, as programs of other people write it too, and lines of a trace, which are drawn.
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/trace_drawing.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <cctype>

namespace orrery::fuzz {

namespace {

using testkit::Json;

std::string print(const Json& json) {
  struct Printer {
    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(bool is_true) const { return is_true ? "true" : "false"; }
    std::string operator()(const Json::Number& number) const { return number.text; }
    std::string operator()(const std::string& text) const { return testkit::json_text(text); }
    std::string operator()(const Json::Array& elements) const {
      std::string out;
      for (const Json& element : elements) out += (out.empty() ? "" : ",") + print(element);
      return "[" + out + "]";
    }
    std::string operator()(const Json::Object& fields) const {
      testkit::JsonObject object;
      for (const auto& [name, value] : fields) object.add_raw(name, print(value));
      return object.text();
    }
  };
  return std::visit(Printer{}, json.value);
}

/// RFC 8259: -, then 0 or digits that do not begin with it, then perhaps . and digits, then perhaps e, a sign and digits.
bool is_number(std::string_view text) {
  const auto digits = [&] {
    std::size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

void require_numbers(const Json& json) {
  if (const auto* const number = std::get_if<Json::Number>(&json.value)) {
    require(is_number(number->text), "a number is one of RFC 8259: " + number->text.substr(0, 100));
  }
  for (const Json& element : json.elements()) require_numbers(element);
  if (const auto* const object = std::get_if<Json::Object>(&json.value)) {
    for (const auto& [name, value] : *object) require_numbers(value);
  }
}

/// The parts of XML that a browser needs to be right: brackets and quotes.
void require_markup(std::string_view svg) {
  int open = 0;
  for (std::size_t at = 0; (at = svg.find('<', at)) != std::string_view::npos;) {
    const std::size_t end = svg.find('>', at);
    require(end != std::string_view::npos, "a tag of a picture is closed");
    const std::string_view tag = svg.substr(at + 1, end - at - 1);
    require(tag.find('<') == std::string_view::npos, "no tag of a picture is inside of another");
    if (tag.starts_with('/')) {
      --open;
    } else if (!tag.ends_with('/') && !tag.starts_with('?') && !tag.starts_with('!')) {
      ++open;
    }
    require(open >= 0, "an element of a picture is closed once");
    at = end;
  }
  require(open == 0, "all elements of a picture are closed");
}

void check_drawings(std::string_view input) {
  std::vector<testkit::TraceEvent> events;
  while (!input.empty() && events.size() < 300) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    if (const auto json = testkit::parse_json(input.substr(0, end))) events.push_back(testkit::trace_event(*json));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  if (events.empty()) return;
  const testkit::Drawing drawing = testkit::make_drawing(std::move(events));
  require(testkit::parse_json(testkit::draw_perfetto(drawing)).has_value(), "a drawing for Perfetto is JSON");
  require_markup(testkit::draw_svg(drawing));
  const std::string shiviz = testkit::draw_shiviz(drawing);
  const std::string mermaid = testkit::draw_mermaid(drawing);
  require(mermaid.find("sequenceDiagram") != std::string::npos, "a drawing for Mermaid is a sequence diagram");
  for (std::size_t i = 0; i < drawing.events.size(); ++i) {
    const std::string said = testkit::plain_line(testkit::what_happens(drawing, i));
    require(said.find('\n') == std::string::npos, "what happens is said in one line");
  }
}

void check(std::string_view input) {
  const auto json = testkit::parse_json(input);
  if (json) {
    require_numbers(*json);
    const std::string printed = print(*json);
    const auto again = testkit::parse_json(printed);
    require(again.has_value(), "what is printed can be read: " + printed.substr(0, 200));
    require(print(*again) == printed, "what was read and printed is the same");
  } else {
    require_clear_line(json.error());
  }
  check_drawings(input);
}

std::vector<std::string> seeds() {
  constexpr std::string_view take =
      R"({"schema":1,"step":3,"t_ns":1000,"kind":"take","from":"alice","to":"bank","message":"Withdraw{amount=5}","reply":"true","file":"bank.cpp","line":7})";
  const std::string lines = std::string{take} + "\n" +
                            R"({"step":4,"t_ns":2000,"kind":"resume","from":"alice","to":"bank","message":"Ok"})" +
                            "\n" + R"({"step":4,"kind":"reply","from":"bank","to":"alice","message":"Ok"})" + "\n" +
                            R"({"step":5,"kind":"exit","from":"<bank & co>","message":"killed"})" + "\n" +
                            R"({"step":6,"kind":"spawn","from":"test","to":"w\u00e9","finding":"INVARIANT \"x\" < 0"})";
  return {R"( {"a": [1, -2.5e3, "A\u00e9\ud83d\ude00", null, {}], "b": {"c": false}} )",
          std::string{take},
          lines,
          repeated("[", many),
          repeated("[1,", 50) + "2" + repeated("]", 50),
          repeated("9", many),
          "\"" + repeated("\\u00e9", many / 6) + "\"",
          "[" + repeated("{\"a\":1},", many / 8) + "0]",
          "{" + repeated("\"a\":1,", 20'000) + "\"b\":2}"};
}

const Registered registered{{"traces", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
