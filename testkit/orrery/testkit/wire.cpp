#include "orrery/testkit/wire.hpp"

#include <algorithm>
#include <cstring>

namespace orrery::testkit {

std::uint64_t WireReader::number() noexcept {
  std::uint64_t number = 0;
  if (rest_.size() < sizeof number) {
    failed_ = true;
    rest_ = {};
    return 0;
  }
  std::memcpy(&number, rest_.data(), sizeof number);
  rest_.remove_prefix(sizeof number);
  return number;
}

std::string WireReader::text() {
  const std::uint64_t size = number();
  if (rest_.size() < size) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  std::string text{rest_.substr(0, size)};
  rest_.remove_prefix(size);
  return text;
}

std::uint64_t WireReader::count() noexcept {
  const std::uint64_t count = number();
  if (count <= rest_.size()) return count;
  failed_ = true;
  return 0;
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
  finding.kind = static_cast<sim::FindingKind>(in.number());
  finding.name = in.text();
  finding.detail = in.text();
  finding.file = in.text();
  finding.line = static_cast<std::uint32_t>(in.number());
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
  std::vector<std::pair<std::string, bool>> sometimes(in.count());
  for (auto& [name, held] : sometimes) {
    name = in.text();
    held = in.number() != 0;
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
  std::vector<sim::FaultCount> faults(in.count());
  for (sim::FaultCount& fault : faults) {
    fault.name = in.text();
    fault.armed = in.number();
    fault.fired = in.number();
    fault.effects = in.number();
  }
  return faults;
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
  for (std::uint64_t left = in.count(); left != 0; --left) {
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
  if (in.number() == 0) return std::nullopt;
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
  if (in.failed()) return std::nullopt;
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
}

sim::Event read_event(WireReader& in) {
  sim::Event event;
  event.kind = static_cast<sim::EventKind>(in.number());
  event.step = in.number();
  event.at = Instant{read_duration(in)};
  for (std::string* text : {&event.from, &event.to, &event.message, &event.reply, &event.file}) *text = in.text();
  event.before = read_fields(in);
  event.after = read_fields(in);
  event.line = static_cast<std::uint32_t>(in.number());
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
  outcome.reduced = in.number() != 0;
  outcome.sometimes = read_sometimes(in);
  outcome.faults = read_faults(in);
  outcome.events.resize(in.count());
  for (sim::Event& event : outcome.events) event = read_event(in);
  outcome.decisions.resize(in.count());
  for (auto& [kind, count, index] : outcome.decisions) {
    kind = static_cast<sim::DecisionKind>(in.number());
    count = in.number();
    index = in.number();
  }
  return outcome;
}

void write_drawn(WireWriter& out, const std::vector<sim::Deviations::Drawn>& list) {
  out.put(std::uint64_t{list.size()});
  for (const auto& [stream, counter, value] : list) {
    for (const std::uint64_t number : {stream, counter, value}) out.put(number);
  }
}
std::vector<sim::Deviations::Drawn> read_drawn(WireReader& in) {
  std::vector<sim::Deviations::Drawn> list(in.count());
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
  label.kind = static_cast<sim::OpKind>(in.number());
  for (std::uint64_t* const number : {&label.agent, &label.object, &label.detail}) *number = in.number();
  label.number = static_cast<std::uint32_t>(in.number());
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
  const bool has_diverged = in.number() != 0;
  if (std::string why = in.text(); has_diverged) made.outcome.divergence = std::move(why);
  sim::Followed& notes = made.notes;
  notes.order.resize(in.count());
  for (auto& [name, where, was_choice] : notes.order) {
    name = in.number();
    where = static_cast<std::uint32_t>(in.number());
    was_choice = in.number() != 0;
  }
  notes.hurried = in.number();
  notes.switches = in.number();
  notes.deviations.held.resize(in.count());
  for (auto& [op, until] : notes.deviations.held) {
    op = in.number();
    until = in.number();
  }
  notes.deviations.draws = read_drawn(in);
  notes.deviations.faults = read_drawn(in);
  notes.labels.resize(in.count());
  for (auto& [held, until] : notes.labels) {
    held = read_label(in);
    until = read_label(in);
  }
  if (in.failed()) return std::nullopt;
  return made;
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
  if (in.failed()) return std::nullopt;
  return failure;
}

}  // namespace orrery::testkit
