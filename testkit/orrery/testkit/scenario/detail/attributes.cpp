#include "orrery/testkit/scenario/detail/attributes.hpp"

#include "orrery/testkit/scenario/parse.hpp"
#include "orrery/testkit/scenario/print.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>

namespace orrery::scenario {

namespace {

using namespace std::string_view_literals;

constexpr std::array strategies = {"one_for_one"sv, "one_for_all"sv, "rest_for_one"sv, "simple_one_for_one"sv};
constexpr std::array autos = {"never"sv, "any_significant"sv, "all_significant"sv};
constexpr std::array restarts = {"permanent"sv, "transient"sv, "temporary"sv};
constexpr std::array bits = {"0"sv, "1"sv};
constexpr std::array truths = {"false"sv, "true"sv};

constexpr unsigned on_supervisor = 1;
constexpr unsigned on_worker = 2;  // and on a template
constexpr unsigned on_all = on_supervisor | on_worker;

/// Which value of the list `text` is, or a sentence that names them all.
template <std::size_t n>
std::expected<std::size_t, std::string> read_word(std::string_view name, std::string_view text,
                                                  const std::array<std::string_view, n>& words) {
  const auto found = std::ranges::find(words, text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string all;
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0) all += i + 1 == n ? " or " : ", ";
    all += words[i];
  }
  return std::unexpected(fmt::format("{}={} must be {}", name, text, all));
}

/// Stores a word's place in the list, which is its enumerator.
template <class Value, std::size_t n>
std::string store_word(Value& out, std::string_view name, std::string_view text,
                       const std::array<std::string_view, n>& words) {
  const auto place = read_word(name, text, words);
  if (!place) return place.error();
  out = static_cast<Value>(*place);
  return {};
}

std::string store_number(std::int64_t& out, std::string_view name, std::string_view text, std::int64_t min,
                         std::int64_t max) {
  const auto number = detail::read_number(fmt::format("{}={}", name, text), text, min, max);
  if (!number) return number.error();
  out = *number;
  return {};
}

std::string store_shutdown(Shutdown& out, std::string_view text) {
  if (text == "infinity" || text == "brutal_kill") {
    out = {.how = text == "infinity" ? Shutdown::How::infinity : Shutdown::How::brutal_kill};
    return {};
  }
  if (text.empty() || text.find_first_not_of("-0123456789") != std::string_view::npos) {
    return fmt::format("shutdown={} must be a number of milliseconds, infinity or brutal_kill", text);
  }
  out.how = Shutdown::How::timed;
  return store_number(out.ms, "shutdown", text, 0, milliseconds_max);
}

/// What an attribute is called and where it stands; take and tell switch over the rest.
struct Rule {
  std::string_view name;
  unsigned on;
};
/// In the order of enum Attribute.
constexpr std::array<Rule, 12> rules = {{
    {"strategy", on_supervisor},
    {"intensity", on_supervisor},
    {"period", on_supervisor},
    {"auto", on_supervisor},
    {"restart", on_all},
    {"shutdown", on_all},
    {"significant", on_all},
    {"trap", on_worker},
    {"slow", on_worker},
    {"stubborn", on_worker},
    {"exit", on_worker},
    {"plan", on_all},
}};

std::string take_value(Declaration& out, Attribute attribute, std::string_view text) {
  const std::string_view name = rules[static_cast<std::size_t>(attribute)].name;
  switch (attribute) {
    case Attribute::strategy:
      return store_word(out.strategy, name, text, strategies);
    case Attribute::intensity:
      return store_number(out.intensity, name, text, -intensity_max, intensity_max);
    case Attribute::period:
      return store_number(out.period, name, text, -seconds_max, seconds_max);
    case Attribute::auto_shutdown:
      return store_word(out.auto_shutdown, name, text, autos);
    case Attribute::restart:
      return store_word(out.restart, name, text, restarts);
    case Attribute::shutdown:
      return store_shutdown(out.shutdown, text);
    case Attribute::significant:
      return store_word(out.significant, name, text, truths);
    case Attribute::trap:
      return store_word(out.trap, name, text, bits);
    case Attribute::slow:
      return store_number(out.slow, name, text, 0, milliseconds_max);
    case Attribute::stubborn:
      return store_word(out.stubborn, name, text, bits);
    case Attribute::exit:
      out.exit = text;
      return {};
    case Attribute::plan:
      if (!is_plan(text)) return fmt::format("plan={} must be letters of o, e, x and i, with * only at the end", text);
      out.plan = text;
      return {};
  }
  return {};
}

std::string value_text(const Declaration& declaration, Attribute attribute) {
  switch (attribute) {
    case Attribute::strategy:
      return std::string{to_string(declaration.strategy)};
    case Attribute::intensity:
      return fmt::format("{}", declaration.intensity);
    case Attribute::period:
      return fmt::format("{}", declaration.period);
    case Attribute::auto_shutdown:
      return std::string{to_string(declaration.auto_shutdown)};
    case Attribute::restart:
      return std::string{to_string(declaration.restart)};
    case Attribute::shutdown:
      return to_string(declaration.shutdown);
    case Attribute::significant:
      return declaration.significant ? "true" : "false";
    case Attribute::trap:
      return declaration.trap ? "1" : "0";
    case Attribute::slow:
      return fmt::format("{}", declaration.slow);
    case Attribute::stubborn:
      return declaration.stubborn ? "1" : "0";
    case Attribute::exit:
      return declaration.exit;
    case Attribute::plan:
      return declaration.plan;
  }
  return {};
}

}  // namespace

std::string_view to_string(Strategy strategy) { return strategies[static_cast<std::size_t>(strategy)]; }
std::string_view to_string(AutoShutdown auto_shutdown) { return autos[static_cast<std::size_t>(auto_shutdown)]; }
std::string_view to_string(Restart restart) { return restarts[static_cast<std::size_t>(restart)]; }
std::string to_string(Shutdown shutdown) {
  if (shutdown.how == Shutdown::How::timed) return fmt::format("{}", shutdown.ms);
  return shutdown.how == Shutdown::How::infinity ? "infinity" : "brutal_kill";
}

namespace detail {

std::expected<std::int64_t, std::string> read_number(std::string_view what, std::string_view text, std::int64_t min,
                                                     std::int64_t max) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = end == text.data() + text.size();
  if (!whole || error == std::errc::invalid_argument) {
    return std::unexpected(fmt::format("{} must be a whole number", what));
  }
  if (error == std::errc::result_out_of_range || number < min || number > max) {
    return std::unexpected(fmt::format("{} must be between {} and {}", what, min, max));
  }
  return number;
}

std::string complaint_about_id(std::string_view id, bool may_be_instance) {
  std::string_view base = id;
  if (may_be_instance && !split_instance(id).base.empty()) base = split_instance(id).base;
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (base.empty() || base == no_parent || base.find_first_not_of(allowed) != std::string_view::npos) {
    return fmt::format("{} is no id: ids are letters, digits, _ and -{}", id.empty() ? "nothing" : id,
                       may_be_instance ? ", of an instance with .K behind them" : "");
  }
  return {};
}

std::string take_attribute(Declaration& declaration, std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return fmt::format("{} is no attribute: attributes are k=v", word);
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  const auto rule = std::ranges::find(rules, name, &Rule::name);
  if (rule == rules.end()) {
    std::string all;
    for (const Rule& known : rules) all.append(all.empty() ? "" : ", ").append(known.name);
    return fmt::format("unknown attribute {}: there are {}", name, all);
  }
  const bool supervisor = declaration.kind == Kind::supervisor;
  if ((rule->on & (supervisor ? on_supervisor : on_worker)) == 0) {
    return fmt::format("{}= is for {}, and {} is {}", name, supervisor ? "workers" : "supervisors", declaration.id,
                       supervisor                                    ? "a supervisor"
                       : declaration.kind == Kind::instance_template ? "a template"
                                                                     : "a worker");
  }
  const auto attribute = static_cast<Attribute>(rule - rules.begin());
  if (declaration.given.has(attribute)) return fmt::format("{}= is given twice", name);
  if (value.empty()) return fmt::format("{}= has no value", name);
  declaration.given.add(attribute);
  return take_value(declaration, attribute, value);
}

std::string attributes_text(const Declaration& declaration) {
  std::string out;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto attribute = static_cast<Attribute>(i);
    if (!declaration.given.has(attribute)) continue;
    out += fmt::format(" {}={}", rules[i].name, value_text(declaration, attribute));
  }
  return out;
}

}  // namespace detail

}  // namespace orrery::scenario
