#include "orrery/testkit/history_file.hpp"

#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace orrery::testkit {
namespace {

constexpr std::string_view log_mark = "jepsen.util - ";

template <class T>
using Read = std::expected<T, EdnError>;

std::unexpected<EdnError> refused(std::size_t line, std::string_view reason) {
  return std::unexpected{EdnError{line, error_line(reason)}};
}

/// What an event is made of, before it is looked at.
struct Fields {
  std::optional<EdnValue> process, type, function, value, key;
  std::size_t line = 0;
};

class Events {
 public:
  Read<void> add(Fields fields) {
    if (!fields.process) return refused(fields.line, "the event has no :process");
    if (!fields.type) return refused(fields.line, "the event has no :type");
    HistoryEvent event;
    event.line = fields.line;
    if (fields.process->kind == EdnValue::Kind::keyword) {
      ++file_.other_events;
      return {};
    }
    if (fields.process->kind != EdnValue::Kind::integer || fields.process->integer < 0) {
      return refused(fields.line, ":process is neither a number nor a keyword");
    }
    event.process = static_cast<std::uint64_t>(fields.process->integer);
    constexpr std::string_view types[] = {"invoke", "ok", "fail", "info"};
    std::size_t type = 0;
    while (type < 4 && !fields.type->is_keyword(types[type])) ++type;
    if (type == 4) {
      return refused(fields.line,
                     fmt::format("{} is no :type (:invoke, :ok, :fail, :info)", orrery_describe(*fields.type)));
    }
    event.type = static_cast<HistoryEvent::Type>(type);
    if (!fields.function) return refused(fields.line, "the event has no :f");
    if (fields.function->kind != EdnValue::Kind::keyword) return refused(fields.line, ":f is no keyword");
    event.function = fields.function->text;
    if (fields.value) event.value = std::move(*fields.value);
    if (fields.key) event.key = std::move(*fields.key);
    return pair(std::move(event));
  }
  HistoryFile file_{};

 private:
  Read<void> pair(HistoryEvent event) {
    const auto open = open_.find(event.process);
    if (event.type == HistoryEvent::Type::invoke) {
      if (open != open_.end()) {
        return refused(event.line, fmt::format("process {} invokes :{} while its operation of line {} is open",
                                               event.process, event.function, file_.events[open->second].line));
      }
      open_.emplace(event.process, file_.events.size());
    } else {
      if (open == open_.end()) {
        return refused(event.line,
                       fmt::format("process {} completes :{} and has nothing open", event.process, event.function));
      }
      const HistoryEvent& invocation = file_.events[open->second];
      if (invocation.function != event.function) {
        return refused(event.line, fmt::format("process {} completes :{}, but invoked :{} in line {}", event.process,
                                               event.function, invocation.function, invocation.line));
      }
      if (event.key.kind != EdnValue::Kind::nil && event.key != invocation.key) {
        return refused(event.line, fmt::format("process {} completes with another :key than in line {}", event.process,
                                               invocation.line));
      }
      open_.erase(open);
    }
    file_.events.push_back(std::move(event));
    return {};
  }
  std::map<std::uint64_t, std::size_t> open_;
};

Read<Fields> fields_of(EdnValue& map) {
  Fields fields;
  fields.line = map.line;
  const std::pair<std::string_view, std::optional<EdnValue>*> names[] = {{"process", &fields.process},
                                                                         {"type", &fields.type},
                                                                         {"f", &fields.function},
                                                                         {"value", &fields.value},
                                                                         {"key", &fields.key}};
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    for (const auto& [name, field] : names) {
      if (!map.items[i].is_keyword(name)) continue;
      if (*field) return refused(map.items[i].line, fmt::format("the event has two :{}", name));
      *field = std::move(map.items[i + 1]);
    }
  }
  return fields;
}

Read<HistoryFile> parse_maps(std::string_view text) {
  auto values = parse_edn(text);
  if (!values) return std::unexpected{values.error()};
  Events events;
  const auto add = [&](EdnValue& value) -> Read<void> {
    if (value.kind != EdnValue::Kind::map)
      return refused(value.line, "an event is a map, {:process 0, :type :invoke, ...}");
    auto fields = fields_of(value);
    if (!fields) return std::unexpected{fields.error()};
    return events.add(std::move(*fields));
  };
  for (EdnValue& value : *values) {
    if (value.kind != EdnValue::Kind::vector) {
      if (auto added = add(value); !added) return std::unexpected{added.error()};
      continue;
    }
    for (EdnValue& item : value.items) {
      if (auto added = add(item); !added) return std::unexpected{added.error()};
    }
  }
  return std::move(events.file_);
}

/// Returns: the one value of a field of a log line.
Read<EdnValue> one_value(std::string_view text, std::size_t line) {
  auto values = parse_edn(text, line);
  if (!values) return std::unexpected{values.error()};
  if (values->size() != 1)
    return refused(line, fmt::format("one value is expected between the tabs, not {}", values->size()));
  return std::move(values->front());
}

Read<Fields> fields_of_line(std::string_view text, std::size_t line) {
  Fields fields;
  fields.line = line;
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\t', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (parts.size() < 4) return refused(line, "an event is process, type, function and value, separated by tabs");
  std::optional<EdnValue>* const to[] = {&fields.process, &fields.type, &fields.function, &fields.value};
  for (std::size_t i = 0; i < 4; ++i) {
    // What an operation without a known result says of it may be anything.
    if (i == 3 && !fields.type->is_keyword("invoke") && !fields.type->is_keyword("ok")) break;
    if (i == 1 && fields.process->kind == EdnValue::Kind::keyword) {
      fields.type.emplace();  // no client: whatever it says
      break;
    }
    auto value = one_value(parts[i], line);
    if (!value) return std::unexpected{value.error()};
    *to[i] = std::move(*value);
  }
  return fields;
}

/// Calls `function(line, number)` for each line until it says false.
template <class Function>
void for_each_line(std::string_view text, Function function) {
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!function(line, ++number)) return;
    begin = end + 1;
  }
}

/// Returns: what follows the mark; empty when it is not there.
std::string_view behind_mark(std::string_view line) {
  const std::size_t at = line.find(log_mark);
  return at == std::string_view::npos ? std::string_view{} : line.substr(at + log_mark.size());
}

/// Returns: whether the first thing is a map, or a list of maps, behind space and comments.
bool begins_with_a_map(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\f\v,";
  for (bool is_in_list = false;; is_in_list = true) {
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    while (text.starts_with(';')) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
      text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    }
    if (text.starts_with('{')) return true;
    if (is_in_list || !(text.starts_with('[') || text.starts_with('('))) return false;
    text.remove_prefix(1);
  }
}

Read<HistoryFile> parse_log(std::string_view text) {
  Events events;
  std::optional<EdnError> error;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (line.find(log_mark) == std::string_view::npos) return true;
    auto fields = fields_of_line(behind_mark(line), number);
    if (!fields) {
      error = fields.error();
    } else if (auto added = events.add(std::move(*fields)); !added) {
      error = added.error();
    }
    return !error;
  });
  if (error) return std::unexpected{*error};
  events.file_.is_log = true;
  return std::move(events.file_);
}

}  // namespace

std::expected<HistoryFile, EdnError> parse_history(std::string_view text) {
  if (begins_with_a_map(text)) return parse_maps(text);  // whose texts may hold anything, lines of a log too
  bool is_log = false;
  for_each_line(text, [&](std::string_view line, std::size_t) {
    const std::string_view event = behind_mark(line);
    is_log = event.find("\t:") != std::string_view::npos;
    return !is_log;
  });
  return is_log ? parse_log(text) : parse_maps(text);
}

}  // namespace orrery::testkit
