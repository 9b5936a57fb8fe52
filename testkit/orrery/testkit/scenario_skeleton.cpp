#include "orrery/testkit/scenario_skeleton.hpp"

#include "orrery/actor/runtime.hpp"
#include "orrery/testkit/trace_drawing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace orrery::testkit {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_outside(std::string_view who) { return who == "outside" || who == "test" || who.empty(); }

std::string_view name_of(std::string_view message) { return message.substr(0, message.find('{')); }

/// Returns: what may stand behind `//`: on one line, and not continued on the next one.
std::string comment(std::string_view text) {
  std::string line = plain_line(text);
  std::ranges::replace(line, '\\', '/');
  return line;
}

/// Gives out names that C++ takes, each once.
class Identifiers {
 public:
  /// Returns: `text` as an identifier that nobody has.
  std::string make(std::string_view text) {
    std::string name;
    for (const char c : text) {
      const bool is_good = is_letter(c) || is_digit(c);
      if (is_good) name += c;
      if (!is_good && !name.empty() && name.back() != '_') name += '_';  // never two, which are the compiler's
    }
    while (!name.empty() && name.back() == '_') name.pop_back();
    if (name.empty()) name = "unnamed";
    if (!is_letter(name.front())) name.insert(0, "n");
    std::string unique = name;
    for (int i = 2; std::ranges::binary_search(keywords, unique) || !used_.insert(unique).second; ++i) {
      unique = fmt::format("{}_{}", name, i);
    }
    return unique;
  }

 private:
  // Sorted. And what the file itself calls by its name.
  static constexpr auto keywords = std::to_array<std::string_view>({"EXPECT_EQ", "NULL",      "RUN_ALL_TESTS",
                                                                    "TEST",      "alignas",   "alignof",
                                                                    "and",       "and_eq",    "asm",
                                                                    "assert",    "auto",      "bitand",
                                                                    "bitor",     "bool",      "break",
                                                                    "case",      "catch",     "char",
                                                                    "class",     "co_await",  "co_return",
                                                                    "co_yield",  "compl",     "concept",
                                                                    "const",     "consteval", "constexpr",
                                                                    "constinit", "continue",  "decltype",
                                                                    "default",   "delete",    "do",
                                                                    "double",    "else",      "enum",
                                                                    "errno",     "explicit",  "export",
                                                                    "extern",    "false",     "float",
                                                                    "for",       "friend",    "goto",
                                                                    "if",        "inline",    "int",
                                                                    "linux",     "long",      "mutable",
                                                                    "namespace", "new",       "noexcept",
                                                                    "not",       "not_eq",    "nullptr",
                                                                    "operator",  "or",        "or_eq",
                                                                    "orrery",    "private",   "protected",
                                                                    "public",    "register",  "requires",
                                                                    "return",    "short",     "signed",
                                                                    "sizeof",    "static",    "std",
                                                                    "stderr",    "stdin",     "stdout",
                                                                    "struct",    "switch",    "template",
                                                                    "testing",   "this",      "throw",
                                                                    "true",      "try",       "typedef",
                                                                    "typeid",    "typename",  "union",
                                                                    "unix",      "unsigned",  "using",
                                                                    "virtual",   "void",      "volatile",
                                                                    "wchar_t",   "while",     "world",
                                                                    "xor",       "xor_eq"});
  static_assert(std::ranges::is_sorted(keywords));
  std::set<std::string> used_;
};

/// As a path says nothing of a type: "bank/teller#1" is a Teller.
std::string type_of_path(std::string_view path) {
  std::string type{path.substr(path.rfind('/') + 1)};
  type.resize(std::min(type.size(), type.find('#')));
  if (!type.empty() && type.front() >= 'a' && type.front() <= 'z') type.front() = static_cast<char>(type.front() - 32);
  return type;
}

struct Handling {
  std::size_t count = 0;
  std::map<std::pair<std::string, std::string>, std::size_t> sent;  ///< message and receiver: how often
};
struct ActorKind {
  std::string identifier;
  std::map<std::string, Handling> handled;  ///< by the message's name
  std::vector<std::string> paths;
};
struct Send {
  std::string to;
  std::string message;  ///< as the trace has it
};

/// What the lines say, sorted.
struct Scenario {
  std::map<std::string, ActorKind> kinds;
  std::map<std::string, std::string> kind_of;  ///< path: type
  std::map<std::string, std::size_t> messages;
  std::vector<Send> sends;
  std::string ended;  ///< how it went wrong
};

Scenario understand(std::span<const Json> lines) {
  Scenario scenario;
  std::map<std::string, std::string> handles;  // path: the message it handled last
  for (const Json& line : lines) {
    const TraceEvent event = trace_event(line);
    if (!event.finding.empty()) scenario.ended = event.finding;
    const std::string message{name_of(event.message)};
    if (event.kind == "take" && !is_outside(event.to) && !message.empty()) {
      const std::string_view said = line["type"].text();
      const auto [at, is_new] =
          scenario.kind_of.try_emplace(event.to, said.empty() ? type_of_path(event.to) : std::string{said});
      ActorKind& kind = scenario.kinds[at->second];
      if (is_new) kind.paths.push_back(event.to);
      ++kind.handled[message].count;
      ++scenario.messages[message];
      handles[event.to] = message;
      if (is_outside(event.from)) scenario.sends.push_back({event.to, event.message});
    } else if (event.kind == "enqueue" && handles.contains(event.from)) {
      ++scenario.kinds[scenario.kind_of[event.from]].handled[handles[event.from]].sent[{message, event.to}];
    }
  }
  return scenario;
}

}  // namespace

std::string scenario_skeleton(std::span<const Json> lines, std::string_view source) {
  Scenario scenario = understand(lines);
  Identifiers identifiers;
  std::map<std::string, std::string> message_identifiers;
  for (const auto& [name, count] : scenario.messages) message_identifiers[name] = identifiers.make(name);
  for (auto& [name, kind] : scenario.kinds) kind.identifier = identifiers.make(name);

  std::string out = fmt::format(
      "// A test in the simulator, made of {} by `orrery trace --to scenario`{}.\n"
      "// Its structs stand for the program's own, by the names that the trace has: include those instead, build the "
      "actors\n"
      "// as the program does, give the messages their fields, and say what must hold.\n"
      "#include <gtest/gtest.h>\n\n#include <orrery/test.hpp>\n\nnamespace {{\n\n",
      comment(source), scenario.ended.empty() ? "" : ", which ends with " + comment(scenario.ended));
  for (const auto& [name, count] : scenario.messages) {
    out += fmt::format("struct {} {{}};  // {}handled {}x\n", message_identifiers[name],
                       message_identifiers[name] == name ? "" : comment(name) + ", ", count);
  }
  for (const auto& [name, kind] : scenario.kinds) {
    out += fmt::format("\nstruct {} {{  //", kind.identifier);
    constexpr std::size_t paths_named_max = 5;
    for (std::size_t i = 0; i < std::min(kind.paths.size(), paths_named_max); ++i) {
      out += fmt::format("{} {}", i == 0 ? "" : ",", comment(kind.paths[i]));
    }
    if (kind.paths.size() > paths_named_max) out += fmt::format(" and {} more", kind.paths.size() - paths_named_max);
    out += "\n";
    for (const auto& [message, handling] : kind.handled) {
      if (!handling.sent.empty()) {
        out += "  // Sent";
        bool is_first = true;
        for (const auto& [what, times] : handling.sent) {
          out += fmt::format("{} {} to {} {}x", is_first ? "" : ",", comment(what.first), comment(what.second), times);
          is_first = false;
        }
        out += ":\n";
      }
      out += fmt::format("  void handle({}) {{}}\n", message_identifiers[message]);
    }
    out += "};\n";
  }

  out += "\nTEST(FromTrace, HoldsWhoeverRunsFirst) {\n  orrery::sim::check([](orrery::sim::World& world) {\n";
  std::map<std::string, std::string> variables;
  for (const auto& [path, type] : scenario.kind_of) {
    const std::string& variable = variables[path] = identifiers.make(path);
    const std::string& actor = scenario.kinds[type].identifier;
    const std::string name = is_actor_name(path) ? path : variable;
    out += fmt::format("    [[maybe_unused]] const orrery::Ref<{}> {} = world.spawn(\"{}\", {}{{}});\n", actor,
                       variable, name, actor);
  }
  const std::size_t left_out = scenario.sends.size() - std::min(scenario.sends.size(), scenario_sends_max);
  if (left_out != 0) out += fmt::format("    // {} earlier messages are left out\n", left_out);
  for (std::size_t i = left_out; i < scenario.sends.size(); ++i) {
    const Send& send = scenario.sends[i];
    const std::string name{name_of(send.message)};
    out += fmt::format("    {}.tell({}{{}});{}\n", variables[send.to], message_identifiers[name],
                       name.size() == send.message.size() ? "" : "  // " + comment(send.message));
  }
  return out + "    world.run();\n  });\n}\n\n}  // namespace\n";
}

}  // namespace orrery::testkit
