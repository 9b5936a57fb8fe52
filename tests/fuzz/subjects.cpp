// Subjects and patterns of topics: the grammar, and the routing table against a plain list.
// Input: lines. `+PATTERN`, `-PATTERN` subscribe and unsubscribe (the byte before the pattern says who, of which type and in
// which group); any other line is a subject that is published on.
#include "orrery/broker/routes.hpp"
#include "orrery/broker/subject.hpp"
#include "tests/broker/route_model.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace orrery::fuzz {

namespace {

using Words = std::vector<std::string_view>;

Words tokens_of(std::string_view text) {
  Words all;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    all.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

/// The grammar at the top of subject.hpp, word for word.
bool is_valid(std::string_view text, bool is_pattern) {
  const Words tokens = tokens_of(text);
  if (text.empty() || text.size() > subject_bytes_max || tokens.size() > subject_tokens_max) return false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].empty()) return false;
    if (is_pattern && (tokens[i] == "*" || (tokens[i] == ">" && i + 1 == tokens.size()))) continue;
    for (const char c : tokens[i]) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= 0x20 || byte == 0x7f || c == '*' || c == '>') return false;
    }
  }
  return true;
}

/// What a pattern selects, token by token from behind the front.
bool selects(const Words& pattern, const Words& subject, std::size_t at = 0) {
  if (at < pattern.size() && pattern[at] == ">") return at < subject.size();
  if (at == pattern.size() || at == subject.size()) return pattern.size() == subject.size();
  return (pattern[at] == "*" || pattern[at] == subject[at]) && selects(pattern, subject, at + 1);
}

void check_grammar(std::string_view text) {
  const auto as_subject = check_subject(text);
  const auto as_pattern = check_pattern(text);
  require(as_subject.has_value() != is_valid(text, false), "what a subject is stands in the grammar");
  require(as_pattern.has_value() != is_valid(text, true), "what a pattern is stands in the grammar");
  for (const auto& error : {as_subject, as_pattern}) {
    if (!error) continue;
    require_clear_line(to_string(*error));
    require(error->position <= text.size(), "the fault is in the text");
  }
  if (as_subject) return;
  require(!as_pattern && matches(text, text), "a subject is a pattern, which matches itself (J2)");
  const auto subject = Subject::parse(text);
  std::string joined;
  for (std::size_t i = 0; i < subject->size(); ++i) joined.append(i == 0 ? "" : ".").append(subject->token(i));
  require(joined == text, "the tokens of a subject are all of it");
}

void check(std::string_view input) {
  Routes routes;
  broker_test::RouteModel model;
  MatchBuffer buffer;
  std::uint64_t draw = 0;
  for (int lines = 0; !input.empty() && lines < 200; ++lines) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    const bool is_change = line.size() > 2 && (line.front() == '+' || line.front() == '-');
    if (!is_change) {
      check_grammar(line);
      if (!is_valid(line, false)) continue;
      const Words subject = tokens_of(line);
      for (const auto& listed : model.all) {
        require(matches(listed.pattern, line) == selects(tokens_of(listed.pattern), subject),
                "a pattern selects what the grammar says: " + listed.pattern);
      }
      const auto parsed = Subject::parse(line);
      ++draw;
      for (std::size_t type = 0; type < 2; ++type) {
        require(broker_test::ids_of(routes.match(*parsed, broker_test::type(type), draw, buffer)) ==
                    model.match(line, type, draw),
                "the table hands out who is subscribed");
      }
      require(broker_test::ids_of(routes.listeners(*parsed, buffer)) == model.listeners(line),
              "the table knows all who listen");
      continue;
    }
    const auto who = static_cast<unsigned char>(line[1]);
    const std::string_view text = line.substr(2);
    check_grammar(text);
    const auto pattern = Pattern::parse(text);
    if (!pattern) continue;
    const broker_test::Listed listed{std::string{text}, who % 2U, (who & 2U) != 0 ? "g" : "", 1U + who / 4U % 8U};
    const bool changes = line.front() == '+' ? model.add(listed) : model.remove(listed);
    const std::uint64_t before = routes.version();
    routes = line.front() == '+' ? routes.with(*pattern, listed.subscription())
                                 : routes.without(*pattern, listed.subscription());
    require((routes.version() != before) == changes, "a change of the table is a change of what is subscribed");
    require(routes.subscription_count() == model.all.size(), "the table counts its subscriptions");
  }
}

std::vector<std::string> seeds() {
  std::string many_patterns;
  for (int i = 0; i < 190; ++i) {
    many_patterns += "+" + std::string(1, static_cast<char>('0' + i % 40)) + "a.*.c" + std::to_string(i % 20) + "\n";
  }
  return {"+0orders.*.created\n+4orders.>\n+0>\norders.eu.created\n-4orders.>\norders.eu.created\norders\n",
          "+2a.b\n+6a.b\n+:a.*\na.b\na.b\na.b\n-6a.b\na.b\n",
          "a..b\n.a\na.\n*\n>\na.*b\na b\na.>.b\n\xc3\xa9.x\n",
          many_patterns + "a.b.c3\na.b.c4\n",
          repeated("a.", 40) + "a",
          repeated("a", many),
          "+0" + repeated("*.", 31) + ">\n" + repeated("x.", 31) + "x\n"};
}

const Registered registered{{"subjects", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
