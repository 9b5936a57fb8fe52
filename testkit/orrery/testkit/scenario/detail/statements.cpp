#include "orrery/testkit/scenario/detail/statements.hpp"

#include "orrery/testkit/scenario/detail/attributes.hpp"
#include "orrery/testkit/scenario/parse.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace orrery::scenario::detail {

namespace {

using Read = std::expected<Action, std::string>;

/// What the operands of an event are called, and how many there may be.
struct Form {
  std::string_view verb;
  std::string_view operands;
  std::size_t least;
  std::size_t most;
  bool names_instance;  ///< whether the first operand may be t.K
};
constexpr std::size_t any_number = 1'000'000'000;
constexpr std::array<Form, 15> forms = {{
    {"exit", "W REASON", 2, 2, true},
    {"kill", "X", 1, 1, true},
    {"signal", "X REASON", 2, 2, true},
    {"post", "W MESSAGE...", 2, any_number, true},
    {"stop", "SUP REASON", 2, 2, false},
    {"advance", "SECONDS", 1, 1, false},
    {"plan", "ID LETTERS", 2, 2, true},
    {"terminate", "SUP ID", 2, 2, false},
    {"restart", "SUP ID", 2, 2, false},
    {"delete", "SUP ID", 2, 2, false},
    {"add", "SUP work|sup ID [k=v...]", 3, any_number, false},
    {"spawn", "SUP", 1, 1, false},
    {"count", "SUP", 1, 1, false},
    {"which", "SUP", 1, 1, false},
    {"batch", "SUP N", 2, 2, false},
}};

std::string all_verbs() {
  std::string out;
  for (const Form& form : forms) out.append(out.empty() ? "" : ", ").append(form.verb);
  return out;
}

Read read_post(Words operands) {
  Post post{.target = std::string{operands[0]}, .messages = {}};
  for (const std::string_view word : operands.subspan(1)) {
    const bool exits = word.starts_with('!');
    const std::string_view text = exits ? word.substr(1) : word;
    if (text.empty()) return std::unexpected("! needs the reason to exit with right behind it");
    post.messages.push_back({.text = std::string{text}, .exits = exits});
  }
  return post;
}

Read read_add(Words operands) {
  const std::string_view word = operands[1];
  if (word != "work" && word != "sup") {
    return std::unexpected(fmt::format("{} cannot be added: add is for work and sup", word));
  }
  if (const std::string wrong = complaint_about_id(operands[2], false); !wrong.empty()) return std::unexpected(wrong);
  Declaration child =
      declare(word == "sup" ? Kind::supervisor : Kind::worker, std::string{operands[2]}, std::string{operands[0]});
  for (const std::string_view attribute : operands.subspan(3)) {
    if (attribute.starts_with("parent=")) {
      return std::unexpected(fmt::format("parent= is not for add: {} is the parent", child.parent));
    }
    if (const std::string wrong = take_attribute(child, attribute); !wrong.empty()) return std::unexpected(wrong);
  }
  return AddChild{.child = std::move(child)};
}

}  // namespace

std::expected<std::vector<std::string_view>, std::string> split_words(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t begin = line.find_first_not_of(" \t", at);
    if (begin == std::string_view::npos) break;
    at = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, at - begin));
  }
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
      return std::unexpected(fmt::format("byte 0x{:02x} does not belong into a text", byte));
    }
  }
  return words;
}

std::string join_words(Words words) {
  std::string out;
  for (const std::string_view word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

Read read_action(Words words, std::int64_t& operations_expected) {
  operations_expected = 0;
  const auto form = std::ranges::find(forms, words[0], &Form::verb);
  if (form == forms.end()) {
    return std::unexpected(fmt::format("unknown event {}: there are {}", words[0], all_verbs()));
  }
  const Words operands = words.subspan(1);
  if (operands.size() < form->least || operands.size() > form->most) {
    return std::unexpected(fmt::format("{} takes {}", form->verb, form->operands));
  }
  const std::string first{operands[0]};
  const std::string second = operands.size() > 1 ? std::string{operands[1]} : std::string{};
  if (form->verb == "advance") {
    const auto seconds = read_number(fmt::format("advance {}", first), first, 0, seconds_max);
    if (!seconds) return std::unexpected(seconds.error());
    return Advance{.seconds = *seconds};
  }
  if (const std::string wrong = complaint_about_id(first, form->names_instance); !wrong.empty()) {
    return std::unexpected(wrong);
  }
  switch (form - forms.begin()) {
    case 0:
      return Exit{.target = first, .reason = second};
    case 1:
      return Kill{.target = first};
    case 2:
      return Signal{.target = first, .reason = second};
    case 3:
      return read_post(operands);
    case 4:
      return Stop{.supervisor = first, .reason = second};
    case 6:
      if (!is_plan(second)) {
        return std::unexpected(fmt::format("plan {} must be letters of o, e, x and i, with * only at the end", second));
      }
      return Replan{.target = first, .letters = second};
    case 7:
    case 8:
    case 9:
      if (const std::string wrong = complaint_about_id(second, true); !wrong.empty()) return std::unexpected(wrong);
      if (form->verb == "terminate") return TerminateChild{.supervisor = first, .child = second};
      if (form->verb == "restart") return RestartChild{.supervisor = first, .child = second};
      return DeleteChild{.supervisor = first, .child = second};
    case 10:
      return read_add(operands);
    case 11:
      return Spawn{.supervisor = first};
    case 12:
      return Count{.supervisor = first};
    case 13:
      return Which{.supervisor = first};
    default: {
      const auto lines = read_number(fmt::format("batch {} {}", first, second), second, 0, intensity_max);
      if (!lines) return std::unexpected(lines.error());
      operations_expected = *lines;
      return Batch{.supervisor = first, .operations = {}};
    }
  }
}

}  // namespace orrery::scenario::detail
