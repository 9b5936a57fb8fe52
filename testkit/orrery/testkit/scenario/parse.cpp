#include "orrery/testkit/scenario/parse.hpp"

#include "orrery/testkit/scenario/detail/attributes.hpp"
#include "orrery/testkit/scenario/detail/statements.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace orrery::scenario {

namespace {

using detail::Words;

/// Reads line after line. What is wrong is a sentence, nothing is an empty one.
///
///   header --scenario--> declarations --run--> events --end--> done
///                                               |  ^ n lines
///                                               +--+ batch
class Parser {
 public:
  std::expected<Scenario, ParseError> read(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++line_;
      if (const std::string wrong = read_line(line); !wrong.empty()) return error(line_, wrong);
    }
    if (phase_ != Phase::done) return error(std::max(line_, 1), what_is_missing());
    if (const detail::Misuse misuse = detail::find_misuse(scenario_); misuse.line != 0) {
      return error(misuse.line, misuse.reason);
    }
    return std::move(scenario_);
  }

 private:
  enum class Phase : std::uint8_t { header, declarations, events, done };

  static std::unexpected<ParseError> error(int line, std::string_view reason) {
    return std::unexpected(ParseError{.line = line, .reason = testkit::error_line(reason)});
  }

  std::string read_line(std::string_view line) {
    const auto split = detail::split_words(line);
    if (!split) return split.error();
    const Words words = *split;
    if (words.empty()) return {};
    switch (phase_) {
      case Phase::header:
        return read_header(words);
      case Phase::declarations:
        return read_declaration(words);
      case Phase::events:
        return read_event(words);
      case Phase::done:
        return "nothing may follow end";
    }
    return {};
  }

  std::string read_header(Words words) {
    if (words[0] != "scenario") return "a scenario begins with: scenario NAME";
    if (words.size() != 2) return "scenario takes NAME";
    scenario_.name = words[1];
    phase_ = Phase::declarations;
    return {};
  }

  std::string read_declaration(Words words) {
    if (words[0] == "tags") return read_tags(words);
    if (words[0] == "run") {
      if (words.size() != 1) return "run stands alone";
      if (scenario_.declarations.empty()) return "there is no root: declare a supervisor with parent=-";
      phase_ = Phase::events;
      return {};
    }
    if (words[0] == "sup") return read_actor(Kind::supervisor, words);
    if (words[0] == "work") return read_actor(Kind::worker, words);
    if (words[0] == "tmpl") return read_actor(Kind::instance_template, words);
    return fmt::format("unknown statement {}: before run there are sup, work, tmpl and tags", words[0]);
  }

  std::string read_tags(Words words) {
    if (words.size() > 2) return "tags takes a,b";
    if (!scenario_.tags.empty() || !scenario_.declarations.empty()) return "tags stands once, before the declarations";
    if (words.size() == 1) return {};  // none
    for (std::string_view rest = words[1]; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (comma == 0 || comma + 1 == rest.size()) return "tags takes a,b: no tag is empty";
      scenario_.tags.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return {};
  }

  std::string read_actor(Kind kind, Words words) {
    if (words.size() < 3) return fmt::format("{} takes ID parent=P [k=v...]", words[0]);
    if (std::string wrong = detail::complaint_about_id(words[1], false); !wrong.empty()) return wrong;
    Declaration made = declare(kind, std::string{words[1]}, {});
    made.line = line_;
    for (const std::string_view word : words.subspan(2)) {
      if (word.starts_with("parent=")) {
        if (!made.parent.empty()) return "parent= is given twice";
        made.parent = word.substr(std::string_view{"parent="}.size());
        if (made.parent.empty()) return "parent= has no value";
      } else if (std::string wrong = detail::take_attribute(made, word); !wrong.empty()) {
        return wrong;
      }
    }
    if (std::string wrong = fit_in(made); !wrong.empty()) return wrong;
    first_of_.try_emplace(made.id, scenario_.declarations.size());
    scenario_.declarations.push_back(std::move(made));
    return {};
  }

  /// Scenario::find, without looking at all of them: a scenario may have many.
  [[nodiscard]] const Declaration* find(std::string_view id) const {
    const auto found = first_of_.find(id);
    return found == first_of_.end() ? nullptr : &scenario_.declarations[found->second];
  }

  /// Finds the place of a declaration in the tree so far.
  std::string fit_in(Declaration& made) const {
    if (made.parent.empty()) return fmt::format("{} needs a parent=", made.id);
    const Declaration* const namesake = find(made.id);
    if (namesake != nullptr && namesake->parent != made.parent) {
      return fmt::format("{} is declared in line {}, under another parent", made.id, namesake->line);
    }
    if (made.parent == no_parent) {
      if (!scenario_.declarations.empty()) return fmt::format("{} is a second root", made.id);
      return made.kind == Kind::supervisor ? std::string{} : fmt::format("the root {} must be a sup", made.id);
    }
    const Declaration* const parent = find(made.parent);
    if (parent == nullptr) return fmt::format("parent={} is not declared before {}", made.parent, made.id);
    if (parent->kind != Kind::supervisor) return fmt::format("parent={} is no supervisor", made.parent);
    const bool simple = parent->strategy == Strategy::simple_one_for_one;
    if (simple && made.kind == Kind::supervisor) {
      return fmt::format("{} is under {}, which is simple_one_for_one and has one tmpl", made.id, made.parent);
    }
    if (simple) made.kind = Kind::instance_template;  // whichever word it was declared with, it is started by spawn
    if (!simple && made.kind == Kind::instance_template) {
      return fmt::format("{} is a template, and parent={} is not simple_one_for_one", made.id, made.parent);
    }
    return {};
  }

  std::string read_event(Words words) {
    if (words[0] == "end") {
      if (open_operations_ > 0) return missing_operations();
      if (words.size() != 1) return "end stands alone";
      phase_ = Phase::done;
      return {};
    }
    std::int64_t operations = 0;
    auto action = detail::read_action(words, operations);
    if (!action) return action.error();
    if (auto* const add = std::get_if<AddChild>(&*action)) add->child.line = line_;
    Event event{.action = std::move(*action), .text = detail::join_words(words), .line = line_};
    if (open_operations_ > 0) {
      if (std::holds_alternative<Batch>(event.action)) return "a batch holds no batch";
      std::get<Batch>(scenario_.events.back().action).operations.push_back(std::move(event));
      --open_operations_;
    } else {
      scenario_.events.push_back(std::move(event));
      open_operations_ = operations;
    }
    return {};
  }

  [[nodiscard]] std::string missing_operations() const {
    const Event& batch = scenario_.events.back();
    const std::size_t have = std::get<Batch>(batch.action).operations.size();
    return fmt::format("{} in line {} has only {} operation{}", batch.text, batch.line, have, have == 1 ? "" : "s");
  }

  [[nodiscard]] std::string what_is_missing() const {
    if (phase_ == Phase::header) return "a scenario begins with: scenario NAME";
    if (phase_ == Phase::declarations) return "run is missing";
    return open_operations_ > 0 ? missing_operations() : "end is missing";
  }

  Scenario scenario_;
  std::map<std::string, std::size_t, std::less<>> first_of_;  // of an id, in the declarations
  Phase phase_ = Phase::header;
  int line_ = 0;
  std::int64_t open_operations_ = 0;
};

}  // namespace

std::expected<Scenario, ParseError> parse(std::string_view text) { return Parser{}.read(text); }

std::string to_string(const ParseError& error) { return fmt::format("line {}: {}", error.line, error.reason); }

}  // namespace orrery::scenario
