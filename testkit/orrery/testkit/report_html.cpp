#include "orrery/testkit/report_html.hpp"

#include "orrery/sim/strategies/portfolio.hpp"
#include "orrery/testkit/detail/viewer_page.hpp"
#include "orrery/testkit/report.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace orrery::testkit {

namespace {

std::string array_of(const std::vector<std::string>& elements) {
  std::string text;
  for (const std::string& element : elements) text += (text.empty() ? "" : ",") + element;
  return "[" + text + "]";
}

std::string fact(std::string_view name, std::string_view value, bool can_be_copied = false) {
  JsonObject object;
  object.add("name", name).add("value", value);
  if (can_be_copied) object.add("copy", true);
  return object.text();
}

/// By RFC 8259: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
bool is_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - first;
  };
  const auto is_at = [&](std::string_view any) { return at < text.size() && any.contains(text[at]); };
  if (is_at("-")) ++at;
  const bool begins_with_zero = is_at("0");
  const std::size_t whole = digits();
  if (whole == 0 || (begins_with_zero && whole > 1)) return false;
  if (is_at(".") && (++at, digits() == 0)) return false;
  if (is_at("eE")) {
    ++at;
    if (is_at("+-")) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

std::string run_of(std::string_view title, const std::string& input, const sim::Outcome& outcome) {
  std::vector<std::string> events;
  for (const sim::Event& event : outcome.events)
    events.push_back(trace_line(event, is_guilty(outcome, event) ? std::string_view{outcome.finding->name} : ""));
  JsonObject run;
  run.add("title", title);
  if (!input.empty()) run.add("input", input);
  if (outcome.finding) run.add("finding", outcome.finding->name);
  return run.add_raw("events", array_of(events)).text();
}

std::string stage_of(std::string_view title, std::size_t run) {
  return JsonObject{}.add("title", title).add("run", std::uint64_t{run}).text();
}

/// Stages between the first and the last one are left out beyond this: a page has to open at once.
constexpr std::size_t stages_bytes_max = std::size_t{8} << 20;

std::string text_of(std::string_view title, std::string_view text) {
  return JsonObject{}.add("title", title).add("text", text).text();
}

/// The runs, and what the slider and the comparison make of them.
void add_runs(JsonObject& document, const Failure& failure, std::vector<std::string>& texts) {
  std::vector<std::string> runs;
  std::vector<std::string> stages;
  const std::size_t last = failure.history.empty() ? 0 : failure.history.size() - 1;
  std::size_t bytes = 0;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < last; ++i) {
    const ShrinkStage& stage = failure.history[i];
    const std::string which = i == 0 ? "as it was found" : fmt::format("on the way, {} of {}", i, last - 1);
    std::string run = run_of(which, stage.input, stage.outcome);
    if (i != 0 && bytes + run.size() > stages_bytes_max) {
      ++left_out;
      continue;
    }
    bytes += run.size();
    stages.push_back(stage_of(fmt::format("{}: {}, {} not first come, first served", which,
                                          count_of(stage.outcome.steps, "step"), stage.choices.schedule_uncalm),
                              runs.size()));
    runs.push_back(std::move(run));
  }
  if (left_out != 0)
    texts.push_back(
        text_of("Left out", count_of(left_out, "stage") + " of shrinking, which would make this page too large"));
  const std::size_t smallest = runs.size();
  stages.push_back(
      stage_of(fmt::format("the smallest: {}, {} not first come, first served", count_of(failure.outcome.steps, "step"),
                           count_choices(failure.outcome.decisions).schedule_uncalm),
               smallest));
  const bool is_unstable = failure.finding.kind == sim::FindingKind::non_determinism;
  runs.push_back(run_of(is_unstable ? "one execution" : "the smallest failing run", failure.input, failure.outcome));
  document.add("shown", std::uint64_t{smallest});
  const auto compare_with = [&](std::string_view title, const sim::Outcome& other, const std::string& note) {
    document.add_raw("compare", JsonObject{}
                                    .add("left", std::uint64_t{smallest})
                                    .add("right", std::uint64_t{runs.size()})
                                    .add("note", note)
                                    .text());
    runs.push_back(run_of(title, failure.input, other));
  };
  if (failure.explanation.nearest_passing) {
    compare_with("the nearest passing run", *failure.explanation.nearest_passing,
                 failure.explanation.nearest_words.empty()
                     ? "The right run passes."
                     : fmt::format("The right run passes. One thing is not so in it: {}.",
                                   in_one_line(failure.explanation.nearest_words)));
  } else if (failure.other) {
    compare_with("the other execution", *failure.other, "Two executions of one run, which should be the same.");
  }
  document.add_raw("runs", array_of(runs));
  if (stages.size() > 1) document.add_raw("stages", array_of(stages));
}

std::string_view said_of(const Flip& flip) {
  switch (flip.became) {
    case Flip::Became::passes:
      return "passes: it matters";
    case Flip::Became::same:
      return "fails all the same";
    case Flip::Became::otherwise:
      return "otherwise";
  }
  return "";
}

void add_explanation(JsonObject& document, const Explanation& explanation) {
  std::vector<std::string> flips;
  for (const Flip& flip : explanation.flips) {
    const std::string said = flip.became == Flip::Became::otherwise
                                 ? fmt::format("{} of {} pass{}", flip.passed, count_of(flip.tried, "run"),
                                               flip.finding.empty() ? "" : "; another failure: " + flip.finding)
                                 : std::string{said_of(flip)};
    flips.push_back(JsonObject{}.add("text", "not: " + flip.words).add("said", said).text());
  }
  for (const std::string& what : explanation.left_out) {
    flips.push_back(JsonObject{}.add("text", what).add("said", "not tried").text());
  }
  if (!flips.empty()) document.add_raw("flips", array_of(flips));
}

std::string profile_name(std::uint8_t profile) {
  constexpr std::string_view names[] = {"none", "local", "heavy"};
  return profile < std::size(names) ? std::string{names[profile]} : std::to_string(profile);
}

std::string strategy_of(const Token& token) {
  const auto names = sim::strategy_names();
  if (token.strategy == swarm_strategy) return "swarm";
  return token.strategy < names.size() ? std::string{names[token.strategy]} : std::to_string(token.strategy);
}

std::vector<std::string> facts_of(const Failure& failure, const Reproduction& reproduction) {
  const Record& record = failure.record;
  std::vector<std::string> facts;
  facts.push_back(fact("test", record.test));
  if (!reproduction.token.empty()) facts.push_back(fact("token", reproduction.token, true));
  facts.push_back(fact("seed", fmt::format("{:#x}, run {}", record.token.seed, record.token.run)));
  facts.push_back(fact("strategy", strategy_of(record.token)));
  facts.push_back(fact("faults", profile_name(record.token.profile)));
  if (failure.finding.kind != sim::FindingKind::non_determinism) {
    const ChoiceCounts counts = count_choices(failure.outcome.decisions);
    facts.push_back(fact("choices", fmt::format("{} → {} ({} not first come, first served)", failure.original_choices,
                                                counts.schedule, counts.schedule_uncalm)));
  }
  if (failure.explanation.all != 0) {
    facts.push_back(
        fact("fails in", fmt::format("{} of its {}{} schedules", failure.explanation.failing,
                                     failure.explanation.all_counted ? "" : "first ", failure.explanation.all)));
  }
  if (!failure.finding.file.empty())
    facts.push_back(fact("at", fmt::format("{}:{}", base_name(failure.finding.file), failure.finding.line)));
  if (!record.build.empty()) facts.push_back(fact("build", cut(record.build, 16)));
#if defined(__clang__)
  facts.push_back(fact("compiler", __VERSION__));
#else
  facts.push_back(fact("compiler", "g++ " __VERSION__));
#endif
  return facts;
}

std::string verdict_of(std::string_view headline, std::string_view name, std::string_view detail) {
  return JsonObject{}.add("headline", headline).add("name", name).add("detail", detail).text();
}

std::string property(std::string_view kind, std::string_view name, std::string_view said) {
  return JsonObject{}.add("kind", kind).add("name", name).add("said", said).text();
}

/// "<" cannot begin a tag, an end tag or a comment any more; outside of texts JSON has none.
std::string without_tags(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string to_text(const Json& json) {
  if (std::holds_alternative<std::nullptr_t>(json.value)) return "null";
  if (const auto* const truth = std::get_if<bool>(&json.value)) return *truth ? "true" : "false";
  if (const auto* const digits = std::get_if<Json::Number>(&json.value))
    return is_number(digits->text) ? digits->text : json_text(digits->text);
  if (const auto* const text = std::get_if<std::string>(&json.value)) return json_text(*text);
  if (const auto* const array = std::get_if<Json::Array>(&json.value)) {
    std::vector<std::string> elements;
    for (const Json& element : *array) elements.push_back(to_text(element));
    return array_of(elements);
  }
  JsonObject object;
  for (const auto& [name, value] : std::get<Json::Object>(json.value)) object.add_raw(name, to_text(value));
  return object.text();
}

std::string report_json(const Failure& failure, const Reproduction& reproduction) {
  const sim::Finding& finding = failure.finding;
  JsonObject document;
  document.add("format", "orrery-report").add("version", report_version).add("title", failure.record.test);
  document.add_raw("verdict", verdict_of(sim::headline(finding.kind), finding.name, finding.detail));
  document.add_raw("facts", array_of(facts_of(failure, reproduction)));
  if (!reproduction.command.empty()) document.add("command", reproduction.command);

  std::vector<std::string> properties;
  if (finding.kind == sim::FindingKind::invariant_violated)
    properties.push_back(property("always", finding.name, fmt::format("violated after step {}", finding.step)));
  for (const auto& [name, hit] : failure.outcome.sometimes)
    properties.push_back(property("sometimes", name, hit ? "happened" : "did not happen"));
  document.add_raw("properties", array_of(properties));

  std::vector<std::string> faults;
  for (const auto& [name, armed, fired, effects] : failure.outcome.faults) {
    faults.push_back(JsonObject{}
                         .add("name", name)
                         .add("planned", std::uint64_t{armed})
                         .add("happened", std::uint64_t{fired})
                         .add("effects", std::uint64_t{effects})
                         .text());
  }
  document.add_raw("faults", array_of(faults));

  std::vector<std::string> texts;
  const auto add_text = [&](std::string_view title, const std::string& text) {
    if (!text.empty()) texts.push_back(text_of(title, text));
  };
  add_text("Input", failure.input);
  if (failure.original_input != failure.input) add_text("Input as it was found", failure.original_input);
  std::vector<std::string> histories;
  for (const auto& [name, text] : failure.outcome.attachments) {
    const auto history = name.starts_with(history_prefix) ? parse_json(text) : std::unexpected(std::string{});
    if (history) {
      histories.push_back(to_text(*history));
    } else {
      add_text(name, text);
    }
  }
  if (!histories.empty()) document.add_raw("histories", array_of(histories));
  add_explanation(document, failure.explanation);
  add_runs(document, failure, texts);
  document.add_raw("texts", array_of(texts));
  return document.text();
}

TraceReport report_json_of_trace(std::string_view lines, const TraceFacts& facts) {
  TraceReport report;
  std::vector<std::string> events;
  std::string finding;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    const std::string_view line = lines.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto json = parse_json(line);
    if (!json || !std::holds_alternative<Json::Object>(json->value)) {
      ++report.left_out;
      continue;
    }
    if (const std::string_view found = (*json)["finding"].text(); !found.empty()) finding = found;
    events.push_back(to_text(*json));
  }
  report.events = events.size();

  JsonObject document;
  document.add("format", "orrery-report").add("version", report_version).add("title", facts.title);
  if (!facts.headline.empty()) {
    document.add_raw("verdict", verdict_of(facts.headline, facts.name, facts.detail));
  } else if (!finding.empty()) {
    document.add_raw("verdict", verdict_of("FAILED", finding, facts.detail));
  }
  std::vector<std::string> all;
  for (const auto& [name, value] : facts.facts) all.push_back(fact(name, value, name == "token"));
  if (report.left_out != 0)
    all.push_back(fact("left out", count_of(report.left_out, "line") + " that are no JSON objects"));
  document.add_raw("facts", array_of(all));
  if (!facts.command.empty()) document.add("command", facts.command);
  document.add("shown", std::uint64_t{0});
  const std::string run = JsonObject{}.add("title", "the run").add_raw("events", array_of(events)).text();
  document.add_raw("runs", array_of({run}));
  report.json = document.text();
  return report;
}

std::string report_page(std::string_view json) {
  std::string page = detail::viewer_page();
  const std::size_t at = page.find(detail::viewer_data_mark);
  page.replace(at, detail::viewer_data_mark.size(), without_tags(json));
  return page;
}

std::expected<std::string, std::string> json_of_page(std::string_view page) {
  constexpr std::string_view begin = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = page.find(begin);
  const std::size_t end = at == std::string_view::npos ? at : page.find("</script>", at);
  if (end == std::string_view::npos) return std::unexpected("it is no report of Orrery");
  const std::string_view text = page.substr(at + begin.size(), end - at - begin.size());
  const auto json = parse_json(text);
  if (!json) return std::unexpected("the data in it: " + json.error());
  if ((*json)["format"].text() != "orrery-report") return std::unexpected("it is no report of Orrery");
  return to_text(*json);
}

}  // namespace orrery::testkit
