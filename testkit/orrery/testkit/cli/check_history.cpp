// check-history: operation histories of other systems, checked for linearizability.
#include "orrery/testkit/cli/commands.hpp"
#include "orrery/testkit/history_models.hpp"
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace orrery::cli {
namespace {

using testkit::grouped;
using testkit::Linearizable;

template <class Number>
Number whole_number(const Arguments& arguments, const std::string& flag, Number otherwise) {
  if (!arguments.has(flag)) return otherwise;
  const std::string text = arguments.value(flag);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    refuse(fmt::format("{}={} is not a whole number", flag, text));
  }
  return number;
}

testkit::HistoryModel model_of(const Arguments& arguments) {
  const auto names = testkit::history_model_names();
  const auto all = [&] {
    std::string list;
    for (const std::string_view name : names) list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
    return list;
  };
  testkit::HistoryModel model{.name = arguments.value("--model")};
  if (model.name.empty()) refuse(fmt::format("check-history needs --model ({})", all()));
  if (std::ranges::find(names, model.name) == names.end()) {
    const std::string_view meant = nearest(model.name, names);
    refuse(fmt::format("unknown model {}{}", model.name,
                       meant.empty() ? fmt::format(" ({})", all()) : fmt::format("; is {} meant?", meant)));
  }
  if (arguments.has("--init")) {
    if (!model.name.ends_with("register")) refuse("--init is for register and cas-register");
    model.initial.kind = testkit::EdnValue::Kind::integer;
    model.initial.integer = whole_number<std::int64_t>(arguments, "--init", 0);
  }
  if (arguments.has("--nil-read")) {
    if (arguments.value("--nil-read") != "any") refuse("--nil-read takes any");
    model.nil_is_unknown = true;
  }
  return model;
}

/// A file that was read; `error` says "FILE:LINE: why" when it cannot be.
struct Input {
  std::string name;
  testkit::HistoryFile file;
  std::string error;
};

Input read(const std::string& name) {
  Input input{name, {}, {}};
  std::ifstream stream{name, std::ios::binary};
  std::ostringstream text;
  if (std::error_code none; !stream || std::filesystem::is_directory(name, none)) {
    input.error = fmt::format("{}: cannot be read", name);
    return input;
  }
  text << stream.rdbuf();
  auto file = testkit::parse_history(text.view());
  if (file) {
    input.file = std::move(*file);
  } else {
    input.error = fmt::format("{}:{}: {}", name, file.error().line, file.error().reason);
  }
  return input;
}

std::string given_up(const testkit::LinearizabilityVerdict& verdict) {
  for (const testkit::KeyVerdict& key : verdict.keys) {
    if (key.given_up != testkit::GivenUp::no) return std::string{to_string(key.given_up)};
  }
  return {};
}

void print_text(const Input& input, const testkit::CheckedHistory& checked) {
  const auto& verdict = checked.verdict;
  std::string facts = testkit::count_of(checked.operations, "operation");
  if (checked.unknown != 0) facts += fmt::format(", {} of unknown end", grouped(checked.unknown));
  if (verdict.keys.size() > 1) facts += ", " + testkit::count_of(verdict.keys.size(), "key");
  facts += ", " + testkit::count_of(verdict.steps, "step");
  if (verdict.verdict == Linearizable::unknown) facts += ", " + given_up(verdict);
  fmt::print("{}: {} ({})\n", input.name, to_string(verdict.verdict), facts);
  if (verdict.verdict != Linearizable::violated) return;
  fmt::print("{}    invoked in line {}, returned in line {}\n", checked.explanation, checked.invoked_in_line,
             checked.returned_in_line);
}

void print_json(const Input& input, const testkit::HistoryModel& model, const testkit::CheckedHistory& checked) {
  const auto& verdict = checked.verdict;
  testkit::JsonObject line;
  line.add_raw("schema", "1").add("event", "history").add("file", input.name).add("model", model.name);
  line.add("verdict", std::string{to_string(verdict.verdict)}).add("operations", std::uint64_t{checked.operations});
  line.add("unknown_end", std::uint64_t{checked.unknown}).add("keys", std::uint64_t{verdict.keys.size()});
  line.add("steps", verdict.steps);
  if (verdict.verdict == Linearizable::unknown) line.add("given_up", given_up(verdict));
  if (verdict.verdict == Linearizable::violated) {
    std::string prefix;
    for (std::size_t i = 0; i < checked.prefix.size(); ++i) {
      testkit::JsonObject step;
      step.add("operation", checked.prefix[i]).add("state", checked.states[i]);
      prefix += (i == 0 ? "" : ",") + step.text();
    }
    line.add("key", verdict.keys[verdict.violation->key].key).add_raw("prefix", "[" + prefix + "]");
    line.add("first_illegal", checked.first_illegal).add("invoked_in_line", std::uint64_t{checked.invoked_in_line});
    line.add("returned_in_line", std::uint64_t{checked.returned_in_line});
  }
  fmt::print("{}\n", line.text());
}

}  // namespace

int check_histories(const Arguments& arguments) {
  if (arguments.words.empty()) refuse("check-history takes FILE... (orrery help check-history says more)");
  const testkit::HistoryModel model = model_of(arguments);
  testkit::LinearizabilityBudget budget;
  budget.steps_max = whole_number<std::uint64_t>(arguments, "--steps", budget.steps_max);
  std::chrono::milliseconds time{0};
  if (arguments.has("--time")) {
    const auto parsed = testkit::parse_time(arguments.value("--time"));
    if (!parsed) refuse(fmt::format("--time={} is not a time, as 60s", arguments.value("--time")));
    time = *parsed;
  }
  const auto deadline = std::chrono::steady_clock::now() + time;
  if (arguments.has("--time")) budget.give_up = [deadline] { return std::chrono::steady_clock::now() >= deadline; };

  std::vector<Input> inputs;
  for (const std::string& name : arguments.words) inputs.push_back(read(name));
  std::uint64_t counts[3] = {};
  bool is_unreadable = false;
  for (Input& input : inputs) {
    if (input.error.empty()) {
      const auto checked = testkit::check_history(input.file, model, budget);
      if (checked) {
        ++counts[static_cast<std::size_t>(checked->verdict.verdict)];
        arguments.has("--json") ? print_json(input, model, *checked) : print_text(input, *checked);
        continue;
      }
      input.error = fmt::format("{}:{}: {}", input.name, checked.error().line, checked.error().reason);
    }
    is_unreadable = true;
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", input.error);
  }
  const auto [ok, violated, unknown] = counts;
  const int code = is_unreadable   ? exit_usage
                   : violated != 0 ? exit_falsified
                   : unknown != 0  ? exit_inconclusive
                                   : exit_held;
  if (arguments.has("--json")) {
    testkit::JsonObject summary;
    summary.add_raw("schema", "1").add("event", "summary").add("files", std::uint64_t{inputs.size()}).add("ok", ok);
    summary.add("violated", violated).add("unknown", unknown);
    summary.add("unreadable", std::uint64_t{inputs.size()} - ok - violated - unknown);
    fmt::print("{}\n", summary.add("exit_code", static_cast<std::uint64_t>(code)).text());
  } else {
    fmt::print("orrery: files {}, ok {}, violated {}, unknown {}, unreadable {}, exit code {}\n", inputs.size(), ok,
               violated, unknown, inputs.size() - ok - violated - unknown, code);
  }
  return code;
}

}  // namespace orrery::cli
