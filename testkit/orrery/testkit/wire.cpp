#include "orrery/testkit/wire.hpp"

#include <algorithm>
#include <cstring>

namespace orrery::testkit {

std::uint64_t WireReader::number() noexcept {
  std::uint64_t number = 0;
  if (rest_.size() < sizeof number) {
    fail();
    return 0;
  }
  std::memcpy(&number, rest_.data(), sizeof number);
  rest_.remove_prefix(sizeof number);
  return number;
}

std::string WireReader::text() {
  const std::uint64_t size = number();
  if (rest_.size() < size) {
    fail();
    return {};
  }
  std::string text{rest_.substr(0, size)};
  rest_.remove_prefix(size);
  return text;
}

std::uint64_t WireReader::count(std::uint64_t parts_of_each) noexcept {
  const std::uint64_t count = number();
  if (count <= rest_.size() / (parts_of_each * sizeof(std::uint64_t))) return count;
  fail();
  return 0;
}

std::uint64_t WireReader::up_to(std::uint64_t most, std::uint64_t least) noexcept {
  const std::uint64_t number = this->number();
  if (number >= least && number <= most) return number;
  fail();
  return least;
}

void write(WireWriter& out, const sim::Finding& finding) {
  out.put(static_cast<std::uint64_t>(finding.kind));
  out.put(finding.name);
  out.put(finding.detail);
  out.put(finding.file);
  out.put(std::uint64_t{finding.line});
  out.put(finding.step);
}

sim::Finding read_finding(WireReader& in) {
  sim::Finding finding;
  finding.kind = in.one_of(sim::FindingKind::invariant_violated, sim::FindingKind::leak);
  finding.name = in.text();
  finding.detail = in.text();
  finding.file = in.text();
  finding.line = static_cast<std::uint32_t>(in.up_to(UINT32_MAX));
  finding.step = in.number();
  return finding;
}

namespace {

void write_hash(WireWriter& out, Hash128 hash) {
  out.put(hash.hi);
  out.put(hash.lo);
}
Hash128 read_hash(WireReader& in) {
  const std::uint64_t hi = in.number();
  return {.hi = hi, .lo = in.number()};
}

void write_duration(WireWriter& out, Duration duration) { out.put(static_cast<std::uint64_t>(duration.count())); }
Duration read_duration(WireReader& in) { return Duration{static_cast<Duration::rep>(in.number())}; }

void write_sometimes(WireWriter& out, const std::vector<std::pair<std::string, bool>>& sometimes) {
  out.put(std::uint64_t{sometimes.size()});
  for (const auto& [name, held] : sometimes) {
    out.put(name);
    out.put(std::uint64_t{held});
  }
}
std::vector<std::pair<std::string, bool>> read_sometimes(WireReader& in) {
  std::vector<std::pair<std::string, bool>> sometimes(in.count(2));
  for (auto& [name, held] : sometimes) {
    name = in.text();
    held = in.yes_or_no();
  }
  return sometimes;
}

void write_faults(WireWriter& out, const std::vector<sim::FaultCount>& faults) {
  out.put(std::uint64_t{faults.size()});
  for (const sim::FaultCount& fault : faults) {
    out.put(fault.name);
    out.put(fault.armed);
    out.put(fault.fired);
    out.put(fault.effects);
  }
}
std::vector<sim::FaultCount> read_faults(WireReader& in) {
  std::vector<sim::FaultCount> faults(in.count(4));
  for (sim::FaultCount& fault : faults) {
    fault.name = in.text();
    fault.armed = in.number();
    fault.fired = in.number();
    fault.effects = in.number();
  }
  return faults;
}

void write_lost(WireWriter& out, const std::vector<sim::LostMessage>& lost) {
  out.put(std::uint64_t{lost.size()});
  for (const sim::LostMessage& one : lost) {
    for (const std::string* const text : {&one.type, &one.text, &one.from, &one.to, &one.fault}) out.put(*text);
    write_duration(out, one.at.time_since_epoch());
  }
}
std::vector<sim::LostMessage> read_lost(WireReader& in) {
  std::vector<sim::LostMessage> lost(in.count(6));
  for (sim::LostMessage& one : lost) {
    for (std::string* const text : {&one.type, &one.text, &one.from, &one.to, &one.fault}) *text = in.text();
    one.at = Instant{read_duration(in)};
  }
  return lost;
}

void write_fields(WireWriter& out, const ActorType::Fields& fields) {
  out.put(std::uint64_t{fields.size()});
  for (const auto& [name, value] : fields) {
    out.put(name);
    out.put(value);
  }
}
ActorType::Fields read_fields(WireReader& in) {
  ActorType::Fields fields;
  for (std::uint64_t left = in.count(2); left != 0; --left) {
    std::string name = in.text();
    fields.emplace_back(std::move(name), in.text());
  }
  return fields;
}

void write_finding_if_any(WireWriter& out, const std::optional<sim::Finding>& finding) {
  out.put(std::uint64_t{finding.has_value()});
  if (finding) write(out, *finding);
}
std::optional<sim::Finding> read_finding_if_any(WireReader& in) {
  if (!in.yes_or_no()) return std::nullopt;
  return read_finding(in);
}

}  // namespace

void write(WireWriter& out, const RunNote& note) {
  out.put(note.run);
  out.put(note.steps);
  write_duration(out, note.virtual_time);
  write_hash(out, note.trace_hash);
  out.put(note.differs);
  write_finding_if_any(out, note.finding);
  write_sometimes(out, note.sometimes);
  write_faults(out, note.faults);
  write_lost(out, note.lost);
}

std::optional<RunNote> read_note(std::string_view bytes) {
  WireReader in{bytes};
  RunNote note;
  note.run = in.number();
  note.steps = in.number();
  note.virtual_time = read_duration(in);
  note.trace_hash = read_hash(in);
  note.differs = in.text();
  note.finding = read_finding_if_any(in);
  note.sometimes = read_sometimes(in);
  note.faults = read_faults(in);
  note.lost = read_lost(in);
  if (!in.ended_well()) return std::nullopt;
  return note;
}

void write(WireWriter& out, const sim::Event& event) {
  out.put(static_cast<std::uint64_t>(event.kind));
  out.put(event.step);
  write_duration(out, event.at.time_since_epoch());
  for (const std::string* text : {&event.from, &event.to, &event.message, &event.reply, &event.file}) out.put(*text);
  write_fields(out, event.before);
  write_fields(out, event.after);
  out.put(std::uint64_t{event.line});
  out.put(std::uint64_t{event.sent.has_value()});
  if (event.sent) {
    out.put(event.sent->step);
    write_duration(out, event.sent->at.time_since_epoch());
  }
  out.put(event.rivals_count);
  out.put(std::uint64_t{event.rivals.size()});
  for (const std::string& rival : event.rivals) out.put(rival);
}

sim::Event read_event(WireReader& in) {
  sim::Event event;
  event.kind = in.one_of(sim::EventKind::enqueue, sim::EventKind::fault);
  event.step = in.number();
  event.at = Instant{read_duration(in)};
  for (std::string* text : {&event.from, &event.to, &event.message, &event.reply, &event.file}) *text = in.text();
  event.before = read_fields(in);
  event.after = read_fields(in);
  event.line = static_cast<std::uint32_t>(in.up_to(UINT32_MAX));
  if (in.yes_or_no()) {
    event.sent.emplace();
    event.sent->step = in.number();
    event.sent->at = Instant{read_duration(in)};
  }
  event.rivals_count = in.number();
  event.rivals.resize(in.count(1));
  for (std::string& rival : event.rivals) rival = in.text();
  return event;
}

namespace {

void write_outcome(WireWriter& out, const sim::Outcome& outcome) {
  write_finding_if_any(out, outcome.finding);
  write_hash(out, outcome.trace_hash);
  out.put(outcome.steps);
  out.put(outcome.operations);
  write_duration(out, outcome.virtual_time);
  out.put(std::uint64_t{outcome.reduced});
  write_sometimes(out, outcome.sometimes);
  write_faults(out, outcome.faults);
  out.put(std::uint64_t{outcome.events.size()});
  for (const sim::Event& event : outcome.events) write(out, event);
  out.put(std::uint64_t{outcome.attachments.size()});
  for (const auto& [name, text] : outcome.attachments) {
    out.put(name);
    out.put(text);
  }
  out.put(std::uint64_t{outcome.decisions.size()});
  for (const auto& [kind, count, index] : outcome.decisions) {
    out.put(static_cast<std::uint64_t>(kind));
    out.put(count);
    out.put(index);
  }
}

sim::Outcome read_outcome(WireReader& in) {
  sim::Outcome outcome;
  outcome.finding = read_finding_if_any(in);
  outcome.trace_hash = read_hash(in);
  outcome.steps = in.number();
  outcome.operations = in.number();
  outcome.virtual_time = read_duration(in);
  outcome.reduced = in.yes_or_no();
  outcome.sometimes = read_sometimes(in);
  outcome.faults = read_faults(in);
  outcome.events.resize(in.count(14));
  for (sim::Event& event : outcome.events) event = read_event(in);
  outcome.attachments.resize(in.count(2));
  for (auto& [name, text] : outcome.attachments) {
    name = in.text();
    text = in.text();
  }
  outcome.decisions.resize(in.count(3));
  for (auto& [kind, count, index] : outcome.decisions) {
    kind = in.one_of(sim::DecisionKind::schedule, sim::DecisionKind::fault);
    count = in.number();
    index = in.number();
  }
  return outcome;
}

void write_outcome_if_any(WireWriter& out, const std::optional<sim::Outcome>& outcome) {
  out.put(std::uint64_t{outcome.has_value()});
  if (outcome) write_outcome(out, *outcome);
}
std::optional<sim::Outcome> read_outcome_if_any(WireReader& in) {
  if (!in.yes_or_no()) return std::nullopt;
  return read_outcome(in);
}

void write_drawn(WireWriter& out, const std::vector<sim::Deviations::Drawn>& list) {
  out.put(std::uint64_t{list.size()});
  for (const auto& [stream, counter, value] : list) {
    for (const std::uint64_t number : {stream, counter, value}) out.put(number);
  }
}
std::vector<sim::Deviations::Drawn> read_drawn(WireReader& in) {
  std::vector<sim::Deviations::Drawn> list(in.count(3));
  for (auto& [stream, counter, value] : list) {
    for (std::uint64_t* const number : {&stream, &counter, &value}) *number = in.number();
  }
  return list;
}

void write_label(WireWriter& out, const sim::OpLabel& label) {
  out.put(static_cast<std::uint64_t>(label.kind));
  for (const std::uint64_t number : {label.agent, label.object, label.detail, std::uint64_t{label.number}})
    out.put(number);
}
sim::OpLabel read_label(WireReader& in) {
  sim::OpLabel label;
  label.kind = in.one_of(sim::OpKind::take, sim::OpKind::finish);
  for (std::uint64_t* const number : {&label.agent, &label.object, &label.detail}) *number = in.number();
  label.number = static_cast<std::uint32_t>(in.up_to(UINT32_MAX));
  return label;
}

}  // namespace

void write(WireWriter& out, const MadeRun& made) {
  write_outcome(out, made.outcome);
  out.put(std::uint64_t{made.outcome.divergence.has_value()});
  out.put(made.outcome.divergence.value_or(""));
  const sim::Followed& notes = made.notes;
  out.put(std::uint64_t{notes.order.size()});
  for (const auto& [name, where, was_choice] : notes.order) {
    for (const std::uint64_t number : {name, std::uint64_t{where}, std::uint64_t{was_choice}}) out.put(number);
  }
  out.put(notes.hurried);
  out.put(notes.switches);
  out.put(std::uint64_t{notes.deviations.held.size()});
  for (const auto& [op, until] : notes.deviations.held) {
    out.put(op);
    out.put(until);
  }
  write_drawn(out, notes.deviations.draws);
  write_drawn(out, notes.deviations.faults);
  out.put(std::uint64_t{notes.labels.size()});
  for (const auto& [held, until] : notes.labels) {
    write_label(out, held);
    write_label(out, until);
  }
}

std::optional<MadeRun> read_made_run(std::string_view bytes) {
  WireReader in{bytes};
  MadeRun made;
  made.outcome = read_outcome(in);
  const bool has_diverged = in.yes_or_no();
  if (std::string why = in.text(); has_diverged) made.outcome.divergence = std::move(why);
  sim::Followed& notes = made.notes;
  notes.order.resize(in.count(3));
  for (auto& [name, where, was_choice] : notes.order) {
    name = in.number();
    where = static_cast<std::uint32_t>(in.up_to(UINT32_MAX));
    was_choice = in.yes_or_no();
  }
  notes.hurried = in.number();
  notes.switches = in.number();
  notes.deviations.held.resize(in.count(2));
  for (auto& [op, until] : notes.deviations.held) {
    op = in.number();
    until = in.number();
  }
  notes.deviations.draws = read_drawn(in);
  notes.deviations.faults = read_drawn(in);
  notes.labels.resize(in.count(10));
  for (auto& [held, until] : notes.labels) {
    held = read_label(in);
    until = read_label(in);
  }
  if (!in.ended_well()) return std::nullopt;
  return made;
}

void write(WireWriter& out, const Explanation& explanation) {
  out.put(std::uint64_t{explanation.flips.size()});
  for (const Flip& flip : explanation.flips) {
    out.put(static_cast<std::uint64_t>(flip.what));
    out.put(std::uint64_t{flip.steps.size()});
    for (const std::uint64_t step : flip.steps) out.put(step);
    out.put(flip.words);
    out.put(flip.tried);
    out.put(static_cast<std::uint64_t>(flip.became));
    out.put(flip.passed);
    out.put(flip.finding);
  }
  for (const std::uint64_t number :
       {explanation.failing, explanation.passing, explanation.all, std::uint64_t{explanation.all_counted},
        std::uint64_t{explanation.are_orders_tried}})
    out.put(number);
  write_outcome_if_any(out, explanation.nearest_passing);
  out.put(explanation.nearest_words);
  out.put(explanation.runs);
  out.put(std::uint64_t{explanation.left_out.size()});
  for (const std::string& what : explanation.left_out) out.put(what);
}
Explanation read_explanation(WireReader& in) {
  Explanation explanation;
  explanation.flips.resize(in.count(7));
  for (Flip& flip : explanation.flips) {
    flip.what = in.one_of(Flip::What::order, Flip::What::input);
    flip.steps.resize(in.count(1));
    for (std::uint64_t& step : flip.steps) step = in.number();
    flip.words = in.text();
    flip.tried = in.number();
    flip.became = in.one_of(Flip::Became::passes, Flip::Became::otherwise);
    flip.passed = in.number();
    flip.finding = in.text();
  }
  explanation.failing = in.number();
  explanation.passing = in.number();
  explanation.all = in.number();
  explanation.all_counted = in.yes_or_no();
  explanation.are_orders_tried = in.yes_or_no();
  explanation.nearest_passing = read_outcome_if_any(in);
  explanation.nearest_words = in.text();
  explanation.runs = in.number();
  explanation.left_out.resize(in.count(1));
  for (std::string& what : explanation.left_out) what = in.text();
  return explanation;
}

void write(WireWriter& out, const Failure& failure) {
  write(out, failure.finding);
  write_outcome(out, failure.outcome);
  out.put(to_text(failure.record));
  out.put(failure.input);
  out.put(failure.original_input);
  for (const std::uint64_t number :
       {failure.run, failure.original_choices, failure.shrink_runs, failure.shrink_steps}) {
    out.put(number);
  }
  write(out, failure.explanation);
  out.put(std::uint64_t{failure.history.size()});
  for (const auto& [input, choices, outcome] : failure.history) {
    out.put(input);
    for (const std::uint64_t number : {choices.schedule, choices.schedule_uncalm, choices.draws_uncalm})
      out.put(number);
    write_outcome(out, outcome);
  }
  write_outcome_if_any(out, failure.other);
}

std::optional<Failure> read_failure(std::string_view bytes) {
  WireReader in{bytes};
  Failure failure;
  failure.finding = read_finding(in);
  failure.outcome = read_outcome(in);
  auto record = parse_record(in.text());
  if (!record) return std::nullopt;
  failure.record = std::move(*record);
  failure.input = in.text();
  failure.original_input = in.text();
  for (std::uint64_t* number : {&failure.run, &failure.original_choices, &failure.shrink_runs, &failure.shrink_steps}) {
    *number = in.number();
  }
  failure.explanation = read_explanation(in);
  failure.history.resize(in.count(5));
  for (auto& [input, choices, outcome] : failure.history) {
    input = in.text();
    for (std::uint64_t* number : {&choices.schedule, &choices.schedule_uncalm, &choices.draws_uncalm})
      *number = in.number();
    outcome = read_outcome(in);
  }
  failure.other = read_outcome_if_any(in);
  if (!in.ended_well()) return std::nullopt;
  return failure;
}

}  // namespace orrery::testkit
