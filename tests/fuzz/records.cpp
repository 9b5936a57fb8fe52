// Records of failing runs, and what an exploration leaves to be taken up again: files with a checksum in their last line.
#include "orrery/core/hash.hpp"
#include "orrery/testkit/record.hpp"
#include "orrery/testkit/state.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace orrery::fuzz {

namespace {

/// Almost no mutation hits a checksum; with the right one in its last line, what is in the file is read.
std::string with_checksum(std::string_view input) {
  const auto last = input.rfind("\nend ");
  std::string text{last == std::string_view::npos ? input : input.substr(0, last + 1)};
  if (!text.ends_with('\n')) text += '\n';
  return text + fmt::format("end {:016x}\n", hash_text(text));
}

template <class Parse>
void check_one(const std::string& text, Parse parse) {
  const auto read = parse(text);
  if (!read) return require_clear_line(read.error());
  const std::string printed = to_text(*read);
  require(std::ranges::count(printed, '\n') == std::ranges::count(text, '\n'), "no line of the file is passed over");
  const auto again = parse(printed);
  require(again.has_value(), "what was written can be read");
  require(to_text(*again) == printed, "what was read and written is the same");
}

void check(std::string_view input) {
  for (const std::string& text : {std::string{input}, with_checksum(input)}) {
    check_one(text, testkit::parse_record);
    check_one(text, testkit::parse_state);
  }
}

std::vector<std::string> seeds() {
  testkit::Record record;
  record.test = "Bank.NeverOverdrawn#2";
  record.origin = {.seed = 7, .commands = 20, .values = 100};
  record.path = {1, 0, 3};
  record.operations_max = 10'000;
  record.build = "0123456789abcdef";
  record.decisions = {
      {sim::DecisionKind::schedule, 3, 1}, {sim::DecisionKind::draw, 0, UINT64_MAX}, {sim::DecisionKind::fault, 2, 0}};
  record.deviations.held = {{.op = 1, .until = 2}};
  record.held_names = {"bank takes Withdraw{amount=5}"};
  record.deviations.draws = {{.stream = 1, .counter = 2, .value = 3}};
  record.finding = "INVARIANT VIOLATED \"balance\"";
  record.steps = 12;
  const std::string small = testkit::to_text(record);
  record.decisions.assign(100'000, {sim::DecisionKind::schedule, UINT64_MAX, 1});
  record.path.assign(100'000, 1);
  testkit::CampaignState state{.test = "Bank.\"quoted\"", .seed = 1, .options = "faults=heavy", .progress = {}};
  state.progress.next_run = 10;
  state.progress.sometimes = {{"refused", 3}};
  state.progress.faults = {{.name = "crash", .armed = 1, .fired = 2, .effects = 3}};
  state.progress.groups.resize(1);
  state.progress.groups[0].finding.name = "balance";
  const std::string head = small.substr(0, small.find("decisions "));
  return {small, testkit::to_text(record), to_text(state), head + "decisions 18446744073709551615\n",
          "orrery-record 4\ntest " + repeated("x", many)};
}

const Registered registered{{"records", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
