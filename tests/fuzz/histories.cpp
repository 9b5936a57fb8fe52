// Histories of operations that other systems wrote: EDN, and lines that jepsen.util logs.
#include "orrery/testkit/edn.hpp"
#include "orrery/testkit/history_file.hpp"
#include "orrery/testkit/history_models.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace orrery::fuzz {

namespace {

using testkit::HistoryEvent;

void check_error(const testkit::EdnError& error, std::string_view input) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(input, '\n')) + 1;
  require(error.line >= 1 && error.line <= lines, "an error names a line of the text");
  require_clear_line(error.reason);
}

void check_edn(std::string_view input) {
  const auto read = testkit::parse_edn(input);
  if (!read) return check_error(read.error(), input);
  std::string printed;
  for (const testkit::EdnValue& value : *read) printed += orrery_describe(value) + "\n";
  const auto again = testkit::parse_edn(printed);
  require(again.has_value(), "what is printed can be read: " + printed.substr(0, 200));
  require(*again == *read, "what was read and printed is the same");
}

std::string as_edn(const HistoryEvent& event) {
  constexpr std::string_view types[] = {"invoke", "ok", "fail", "info"};
  return fmt::format("{{:process {}, :type :{}, :f :{}, :value {}, :key {}}}\n", event.process,
                     types[static_cast<std::size_t>(event.type)], event.function, orrery_describe(event.value),
                     orrery_describe(event.key));
}

/// F1 and F2, looked at from outside.
void check_events(const testkit::HistoryFile& file) {
  std::map<std::uint64_t, std::string> open;
  std::string text;
  for (const HistoryEvent& event : file.events) {
    const bool is_open = open.contains(event.process);
    if (event.type == HistoryEvent::Type::invoke) {
      require(!is_open, "a process has one operation open");
      open[event.process] = event.function;
    } else {
      require(is_open && open[event.process] == event.function, "a completion follows its invocation");
      open.erase(event.process);
    }
    text += as_edn(event);
  }
  const auto again = testkit::parse_history(text);
  require(again.has_value() && again->events.size() == file.events.size(), "events that were written can be read");
  for (std::size_t i = 0; i < file.events.size(); ++i) {
    require(as_edn(again->events[i]) == as_edn(file.events[i]), "events that were written and read are the same");
  }
}

void check(std::string_view input) {
  check_edn(input);
  const auto file = testkit::parse_history(input);
  if (!file) return check_error(file.error(), input);
  check_events(*file);
  if (file->events.size() > 200) return;
  for (const std::string_view name : testkit::history_model_names()) {
    testkit::LinearizabilityBudget budget;
    budget.steps_max = 1'000;
    budget.bytes_max = std::size_t{8} << 20;
    const testkit::HistoryModel model{.name = std::string{name}, .nil_is_unknown = input.size() % 2 == 0};
    if (const auto checked = testkit::check_history(*file, model, budget); !checked) {
      check_error(checked.error(), input);
    }
  }
}

std::vector<std::string> seeds() {
  const std::string log =
      "INFO  jepsen.util - 4\t:invoke\t:read\tnil\nINFO  jepsen.util - 4\t:ok\t:read\t[1 2]\n"
      "INFO  jepsen.util - :nemesis\t:info\t:start\tnil\nINFO  jepsen.util - 2\t:invoke\t:cas\t[0 3]\n"
      "INFO  jepsen.util - 2\t:info\t:cas\t:timed-out\n";
  std::string crossed;
  for (int i = 0; i < 20'000; ++i) crossed += fmt::format("{{:process {} :type :invoke :f :read}}\n", i);
  return {
      "[{:process 0, :type :invoke, :f :write, :value 1}\n{:process 1 :type :invoke :f :read :value nil}\n"
      "{:process 0, :type :ok, :f :write, :value 1}{:process 1 :type :ok :f :read :value 1}]",
      R"({:process 0 :type :invoke :f :put :key "x" :value "a\u00e9\n"} {:process 0 :type :fail :f :put :key "x"})",
      "#jepsen.history.Op{:process 3, :type :invoke, :f :enqueue, :value 1} ; a comment\n#_ (1 2) ^:m {:process "
      ":nemesis}",
      R"([1 -2N +3 99999999999999999999 4.5 true \a \newline ##Inf #{1 2} #inst "2020" ("x" [])])",
      log,
      crossed,
      repeated("[", many),
      repeated("#_", many / 2),
      repeated("^", many),
      repeated("9", many),
      "\"" + repeated("x", many),
      repeated("{:process 0 :type :invoke :f :read}{:process 0 :type :ok :f :read :value 1}\n", 5'000),
  };
}

const Registered registered{{"histories", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
