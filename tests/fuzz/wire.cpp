// What processes of a test program hand to each other: the writer may have crashed in the middle of it, or written over it.
#include "orrery/testkit/wire.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace orrery::fuzz {

namespace {

template <class Value>
std::string bytes_of(const Value& value) {
  testkit::WireWriter out;
  write(out, value);
  return out.bytes();
}

template <class Read>
void check_one(std::string_view input, Read read, std::string_view what) {
  const auto value = read(input);
  if (!value) return;
  const std::string bytes = bytes_of(*value);
  const auto again = read(bytes);
  require(again.has_value(), std::string{what} + ": what was written can be read");
  require(bytes_of(*again) == bytes, std::string{what} + ": what was read and written is the same");
  require(bytes.size() <= input.size(), std::string{what} + ": nothing is read that is not there");
  for (const std::size_t size : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
    require(!read(std::string_view{bytes}.substr(0, size)), std::string{what} + ": what was cut off is told");
  }
}

void check(std::string_view input) {
  check_one(input, testkit::read_note, "a note");
  check_one(input, testkit::read_made_run, "a run");
  check_one(input, testkit::read_failure, "a failure");
}

sim::Outcome an_outcome() {
  sim::Outcome outcome;
  outcome.finding = sim::Finding{
      .kind = sim::FindingKind::crash, .name = "bank", .detail = "SIGSEGV", .file = "bank.cpp", .line = 7, .step = 3};
  outcome.trace_hash = {.hi = 1, .lo = 2};
  outcome.steps = 3;
  outcome.sometimes = {{"refused", true}};
  outcome.faults = {{.name = "crash", .armed = 1, .fired = 1, .effects = 0}};
  sim::Event event;
  event.kind = sim::EventKind::take;
  event.step = 3;
  event.from = "alice";
  event.to = "bank";
  event.message = "Withdraw{amount=5}";
  event.before = {{"balance", "3"}};
  event.after = {{"balance", "-2"}};
  outcome.events = {event, event};
  outcome.decisions = {{sim::DecisionKind::schedule, 3, 1}, {sim::DecisionKind::draw, 0, 7}};
  return outcome;
}

std::vector<std::string> seeds() {
  testkit::RunNote note;
  note.run = 7;
  note.steps = 20;
  note.finding = an_outcome().finding;
  note.sometimes = {{"refused", false}};
  note.faults = {{.name = "crash", .armed = 1, .fired = 1, .effects = 0}};
  testkit::MadeRun made;
  made.outcome = an_outcome();
  made.notes.order.resize(2);
  made.notes.deviations.held = {{.op = 1, .until = 2}};
  made.notes.deviations.draws = {{.stream = 1, .counter = 2, .value = 3}};
  made.notes.labels.resize(1);
  made.notes.labels[0].first.kind = made.notes.labels[0].second.kind = sim::OpKind::take;
  testkit::Failure failure;
  failure.finding = *an_outcome().finding;
  failure.outcome = an_outcome();
  failure.record.test = "Bank.X";
  failure.input = "{1, 2}";
  testkit::WireWriter numbers;
  for (int i = 0; i < 100'000; ++i) numbers.put(std::uint64_t{1});
  return {bytes_of(note), bytes_of(made), bytes_of(failure), numbers.bytes(), std::string(many, '\0')};
}

const Registered registered{{"wire", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
