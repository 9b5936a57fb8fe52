#include "orrery/testkit/history_models.hpp"

#include "orrery/testkit/linearizability_report.hpp"
#include "orrery/testkit/models.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <map>
#include <utility>

namespace orrery::testkit {
namespace {

using Kind = EdnValue::Kind;
template <class T>
using Meant = std::expected<T, std::string>;

constexpr std::string_view names[] = {"register", "cas-register", "kv", "queue", "set", "mutex"};

std::unexpected<std::string> means_nothing(const HistoryEvent& event, std::string_view functions) {
  return std::unexpected{fmt::format("the model has no :{} ({})", event.function, functions)};
}
/// A value that an operation can have: no map, no number with a point, and so on, also inside.
Meant<EdnValue> plain(const EdnValue& value) {
  if (value.kind == Kind::map || value.kind == Kind::other) {
    return std::unexpected{fmt::format("{} is no nil, integer, text, keyword or vector of them", describe(value))};
  }
  for (const EdnValue& item : value.items) {
    if (auto is_plain = plain(item); !is_plain) return is_plain;
  }
  return value;
}

/// What `make` makes of a plain value.
template <class Make>
auto of_plain(const EdnValue& value, Make make) -> Meant<decltype(make(value))> {
  auto is_plain = plain(value);
  if (!is_plain) return std::unexpected{std::move(is_plain.error())};
  return make(*std::move(is_plain));
}

/// For each model: the input of an invocation, and what an `ok` says of it.
struct Registers {
  using Model = Register<EdnValue>;
  const HistoryModel& how;
  bool is_log;

  Model initial() const { return {how.initial}; }
  Meant<Model::Input> input(const HistoryEvent& event) const {
    if (event.function == "read") return Model::read();
    if (event.function == "write") return of_plain(event.value, Model::write);
    if (event.function != "cas") return means_nothing(event, ":read, :write, :cas");
    const auto pair = plain(event.value);
    if (!pair) return std::unexpected{pair.error()};
    if (pair->kind != Kind::vector || pair->items.size() != 2) return std::unexpected{"the value of :cas is [old new]"};
    return Model::cas(pair->items[0], pair->items[1]);
  }
  Meant<std::optional<Model::Output>> output(const HistoryEvent& event) const {
    if (event.function == "cas") return Model::Output{{}, true};
    if (event.function != "read") return std::nullopt;
    if (event.value.kind == Kind::nil && how.nil_is_unknown && !is_log) return std::nullopt;
    const auto value = plain(event.value);
    if (!value) return std::unexpected{value.error()};
    return Model::Output{*value, true};
  }
};

struct KeyValues {
  using Model = KeyValue;
  const HistoryModel& how;
  bool is_log;
  std::map<std::string, Kind> kinds{};  // of keys, so that 3 and "3" are not taken for each other

  static Model initial() { return {}; }
  Meant<Model::Input> input(const HistoryEvent& event) {
    if (event.function != "get" && event.function != "put" && event.function != "append") {
      return means_nothing(event, ":get, :put, :append");
    }
    const EdnValue& key = event.key;
    if (key.kind != Kind::text && key.kind != Kind::keyword && key.kind != Kind::integer) {
      return std::unexpected{fmt::format("the event has no :key that is a text, a keyword or an integer")};
    }
    const std::string name = key.kind == Kind::text ? key.text : describe(key);
    if (kinds.try_emplace(name, key.kind).first->second != key.kind) {
      return std::unexpected{fmt::format("the key {} is also written in another way", describe(key))};
    }
    if (event.function == "get") return Model::get(name);
    if (event.value.kind != Kind::text) {
      return std::unexpected{fmt::format("the value of :{} is a text, not {}", event.function, describe(event.value))};
    }
    return event.function == "put" ? Model::put(name, event.value.text) : Model::append(name, event.value.text);
  }
  Meant<std::optional<Model::Output>> output(const HistoryEvent& event) const {
    if (event.function != "get") return std::nullopt;
    if (event.value.kind == Kind::nil) {
      if (how.nil_is_unknown && !is_log) return std::nullopt;
      return Model::Output{};
    }
    if (event.value.kind == Kind::text) return Model::Output{event.value.text, true};
    return std::unexpected{fmt::format("the value of :get is a text or nil, not {}", describe(event.value))};
  }
};

struct Queues {
  using Model = FifoQueue<EdnValue>;
  static Model initial() { return {}; }
  static Meant<Model::Input> input(const HistoryEvent& event) {
    if (event.function == "dequeue") return Model::dequeue();
    if (event.function != "enqueue") return means_nothing(event, ":enqueue, :dequeue");
    if (event.value.kind == Kind::nil) return std::unexpected{"nil cannot be enqueued: it says that a queue was empty"};
    return of_plain(event.value, Model::enqueue);
  }
  static Meant<std::optional<Model::Output>> output(const HistoryEvent& event) {
    if (event.function != "dequeue") return std::nullopt;
    if (event.value.kind == Kind::nil) return Model::Output{};
    const auto value = plain(event.value);
    if (!value) return std::unexpected{value.error()};
    return Model::Output{*value};
  }
};

struct Sets {
  using Model = Set<EdnValue>;
  const HistoryModel& how;
  bool is_log;
  static Model initial() { return {}; }
  static Meant<Model::Input> input(const HistoryEvent& event) {
    if (event.function == "read") return Model::read();
    if (event.function == "add") return of_plain(event.value, Model::add);
    if (event.function == "remove") return of_plain(event.value, Model::remove);
    return means_nothing(event, ":add, :remove, :read");
  }
  Meant<std::optional<Model::Output>> output(const HistoryEvent& event) const {
    if (event.function != "read") return std::nullopt;
    if (event.value.kind == Kind::nil) {
      if (how.nil_is_unknown && !is_log) return std::nullopt;
      return Model::Output{};
    }
    const auto all = plain(event.value);
    if (!all) return std::unexpected{all.error()};
    if (all->kind != Kind::vector) return std::unexpected{"the value of :read is a vector of what is in the set"};
    return Model::Output{std::nullopt, {all->items.begin(), all->items.end()}};
  }
};

struct Mutexes {
  using Model = Mutex;
  static Model initial() { return {}; }
  static Meant<Model::Input> input(const HistoryEvent& event) {
    if (event.function == "acquire") return Model::Input::acquire;
    if (event.function == "release") return Model::Input::release;
    return means_nothing(event, ":acquire, :release");
  }
  static Meant<std::optional<Model::Output>> output(const HistoryEvent&) { return std::nullopt; }
};

template <class Meaning>
std::expected<CheckedHistory, EdnError> check_as(Meaning meaning, const HistoryFile& file,
                                                 const LinearizabilityBudget& budget) {
  using Model = typename Meaning::Model;
  History<typename Model::Input, typename Model::Output> history;
  struct Lines {
    std::size_t invoked = 0, returned = 0;
  };
  std::vector<Lines> lines;  // of operations
  for (const HistoryEvent& event : file.events) {
    const auto refused = [&](const std::string& reason) {
      return std::unexpected{EdnError{event.line, error_line(reason)}};
    };
    if (event.type == HistoryEvent::Type::invoke) {
      auto input = meaning.input(event);
      if (!input) return refused(input.error());
      history.invoke(event.process, std::move(*input));
      lines.push_back({event.line, 0});
      continue;
    }
    lines[history.open_operation(event.process)].returned = event.line;
    if (event.type == HistoryEvent::Type::fail) {
      history.fail(event.process);
    } else if (event.type == HistoryEvent::Type::info) {
      history.info(event.process);
    } else {
      auto output = meaning.output(event);
      if (!output) return refused(output.error());
      *output ? history.ok(event.process, std::move(**output)) : history.ok(event.process);
    }
  }
  CheckedHistory checked;
  checked.operations = history.operations().size();
  for (const auto& operation : history.operations()) checked.unknown += operation.ending == Ending::unknown ? 1 : 0;
  checked.verdict = check_linearizable(meaning.initial(), history, budget);
  if (!checked.verdict.violation) return checked;
  const auto& violation = *checked.verdict.violation;
  checked.explanation = explain(meaning.initial(), history.operations(), checked.verdict);
  checked.states = states_along(meaning.initial(), history.operations(), violation.prefixes.front());
  for (const std::size_t index : violation.prefixes.front()) {
    checked.prefix.push_back(describe_operation(history.operations()[index]));
  }
  checked.first_illegal = describe_operation(history.operations()[violation.first_illegal]);
  checked.invoked_in_line = lines[violation.first_illegal].invoked;
  checked.returned_in_line = lines[violation.first_illegal].returned;
  return checked;
}

}  // namespace

std::span<const std::string_view> history_model_names() { return names; }

std::expected<CheckedHistory, EdnError> check_history(const HistoryFile& file, const HistoryModel& model,
                                                      const LinearizabilityBudget& budget) {
  if (model.name == "kv") return check_as(KeyValues{model, file.is_log}, file, budget);
  if (model.name == "queue") return check_as(Queues{}, file, budget);
  if (model.name == "set") return check_as(Sets{model, file.is_log}, file, budget);
  if (model.name == "mutex") return check_as(Mutexes{}, file, budget);
  ORRERY_CHECK(model.name == "register" || model.name == "cas-register");
  return check_as(Registers{model, file.is_log}, file, budget);
}

}  // namespace orrery::testkit
