#include "orrery/testkit/record.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <unistd.h>  // getpid

#include <filesystem>
#include <string>

namespace orrery::testkit {
namespace {

Record some_record() {
  Record record;
  record.test = "Bank.MoneyIsConserved";
  record.token = {.seed = 7, .run = 12, .profile = 1, .test_hash = 0x123};
  record.origin = {.seed = UINT64_MAX, .commands = 3, .values = 100};
  record.path = {0, 4, 17};
  record.operations_max = 10'000;
  record.reduced = false;
  record.decisions = {
      {sim::DecisionKind::fault, 3, 0}, {sim::DecisionKind::schedule, 2, 1}, {sim::DecisionKind::draw, 0, UINT64_MAX}};
  record.deviations = {.held = {{0xfeed, 0xbeef}, {1, UINT64_MAX}},
                       .draws = {{0xd1ce, 4, 637}},
                       .faults = {{0x57a11, 0, 1}, {0x57a11, 1, 17}}};
  record.held_names = {"one -> register Wrote #1 waits for two -> register Wrote #1", "a\nb"};
  record.build = "0123abcd";
  record.finding = "INVARIANT VIOLATED \"balance\nnever negative\"";
  record.steps = 9;
  record.trace_hash = {.hi = 1, .lo = 0xabcdef};
  record.told = {"Add{amount=1} from test to adder", "adder\ngoes on"};
  return record;
}

/// The record's text with one line changed, and a checksum that fits again: what only a bug or malice can write.
std::string with_line(std::string_view from, std::string_view to) {
  std::string text = to_text(some_record());
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  text.erase(text.rfind("end "));
  return text + fmt::format("end {:016x}\n", hash_text(text));
}

TEST(Record, is_what_it_was_after_writing_and_reading) {
  const Record record = some_record();
  const auto read = parse_record(to_text(record));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->test, record.test);
  EXPECT_EQ(read->token, record.token);
  EXPECT_EQ(read->origin, record.origin);
  EXPECT_EQ(read->path, record.path);
  EXPECT_EQ(read->operations_max, record.operations_max);
  EXPECT_EQ(read->reduced, record.reduced);
  EXPECT_EQ(read->decisions, record.decisions);
  EXPECT_EQ(read->deviations, record.deviations);
  EXPECT_EQ(read->held_names[0], record.held_names[0]);
  EXPECT_EQ(read->held_names[1], "a b");
  EXPECT_EQ(read->build, record.build);
  EXPECT_EQ(read->finding, "INVARIANT VIOLATED \"balance never negative\"");
  EXPECT_EQ(read->steps, record.steps);
  EXPECT_EQ(read->trace_hash, record.trace_hash);
  EXPECT_EQ(read->told, (std::vector<std::string>{"Add{amount=1} from test to adder", "adder goes on"}));
  EXPECT_EQ(to_text(*read), to_text(record));
}

TEST(Record, can_be_without_path_and_decisions) {
  Record record = some_record();
  record.path.clear();
  record.decisions.clear();
  record.deviations = {};
  record.held_names.clear();
  record.build.clear();
  const auto read = parse_record(to_text(record));
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->path.empty());
  EXPECT_EQ(read->deviations, sim::Deviations{});
  EXPECT_EQ(read->build, "unknown");
  EXPECT_TRUE(read->decisions.empty());
}

TEST(Record, of_version_3_tells_no_steps_and_is_understood) {
  std::string text = to_text(some_record());
  text.replace(text.find("record 4"), 8, "record 3");
  text.erase(text.find("told 2\n"));
  const auto read = parse_record(text + fmt::format("end {:016x}\n", hash_text(text)));
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->told.empty());
  EXPECT_EQ(read->trace_hash, some_record().trace_hash);
  EXPECT_EQ(read->decisions, some_record().decisions);
}

TEST(Record, tells_no_more_steps_than_it_may) {
  Record record = some_record();
  record.told.assign(told_max + 1, "again");
  const auto read = parse_record(to_text(record));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->told.size(), told_max);
}

TEST(Record, is_refused_at_every_length_but_its_own) {
  const std::string text = to_text(some_record());
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto read = parse_record(text.substr(0, length));
    ASSERT_FALSE(read) << length;
    const std::string expected =
        length < 16 ? "line 1: \"orrery-record 4\" is expected: this is no record, or one of another version"
                    : "the record is truncated: its last line must be \"end\" with a checksum";
    ASSERT_EQ(read.error(), expected) << length;
  }
  EXPECT_FALSE(parse_record(text + "\n"));
  EXPECT_FALSE(parse_record(text + text));
}

TEST(Record, is_refused_when_any_byte_was_changed) {
  const std::string text = to_text(some_record());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : {'0', '1', 'x', '\n', '\r', ' '}) {
      if (text[at] == c) continue;
      std::string changed = text;
      changed[at] = c;
      ASSERT_FALSE(parse_record(changed)) << at << " to " << static_cast<int>(c);
    }
  }
}

TEST(Record, names_the_line_that_is_wrong) {
  EXPECT_EQ(parse_record(with_line("test Bank", "tset Bank")).error(), "line 2: \"test\" is expected");
  EXPECT_EQ(parse_record(with_line("token ", "token 0")).error().substr(0, 8), "line 3: ");
  const auto expect_error = [](std::string_view from, std::string_view to, std::string_view error) {
    const auto read = parse_record(with_line(from, to));
    ASSERT_FALSE(read) << to;
    EXPECT_EQ(read.error(), error) << to;
  };
  expect_error("\ninput 18446744073709551615 3 100", "\ninput 18446744073709551616 3 100",
               "line 4: three numbers are expected");
  expect_error(" 3 100\n", " -3 100\n", "line 4: three numbers are expected");
  expect_error(" 3 100\n", " 3\n", "line 4: three numbers are expected");
  expect_error(" 3 100\n", " 3 100 1\n", "line 4: three numbers are expected");
  expect_error("path 0 4 17", "path 0 x 17", "line 5: numbers are expected");
  expect_error("operations 10000", "operations many", "line 6: a number is expected");
  expect_error("reduced 0", "reduced 2", "line 8: 0 or 1 is expected");
  expect_error("decisions 3", "decisions 99999999999", "line 9: a number is expected");
  expect_error("decisions 3", "decisions 4", "line 13: a decision is expected: s, d or f, the options, the choice");
  expect_error("decisions 3", "decisions 2", "line 12: \"held\" is expected");
  expect_error("s 2 1", "s 2 2", "line 11: a decision is expected: s, d or f, the options, the choice");
  expect_error("s 2 1", "q 2 1", "line 11: a decision is expected: s, d or f, the options, the choice");
  expect_error("s 2 1", "s 2 1 0", "line 11: a decision is expected: s, d or f, the options, the choice");
  const std::string_view held =
      "line 14: two operations are expected, 16 hexadecimal digits each, and what they are called";
  expect_error("held 2", "held two", "line 13: a number is expected");
  expect_error("held 2", "held 99999999999", "line 13: a number is expected");
  expect_error("held 2", "held 1", "line 15: \"draws\" is expected");
  expect_error("000000000000feed", "00000000000feed", held);
  expect_error("000000000000feed", "000000000000feeg", held);
  expect_error("000000000000beef one", "000000000000beefone", held);
  expect_error("draws 1", "draws -1", "line 16: a number is expected");
  const std::string_view draw = "line 17: 16 hexadecimal digits, a number and a value are expected";
  expect_error("000000000000d1ce 4 637", "d1ce 4 637", draw);
  expect_error("000000000000d1ce 4 637", "000000000000d1ce 4", draw);
  expect_error("000000000000d1ce 4 637", "000000000000d1ce 4 637 1", draw);
  expect_error("faults 2", "faults x", "line 18: a number is expected");
  expect_error("faults 2", "faults 1", "line 20: \"build\" is expected");
  expect_error("57a11 0 1", "57a11 0 x", "line 19: 16 hexadecimal digits, a number and a value are expected");
  expect_error("build 0123abcd", "build", "line 21: a build id is expected");
  expect_error("build 0123abcd\n", "", "line 21: \"build\" is expected");
  expect_error("steps 9", "steps nine", "line 23: a number is expected");
  expect_error("trace 0", "trace g", "line 24: 32 hexadecimal digits are expected");
  expect_error("steps 9\n", "steps 9\nmore\n", "line 24: \"trace\" is expected");
}

TEST(Record, is_written_into_folders_that_are_not_there_yet_and_read_again) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("orrery_record_test_{}", ::getpid());
  const std::string path = (folder / "a" / "b" / "failure.orrery").string();
  const std::string text = to_text(some_record());
  ASSERT_TRUE(write_file(path, text));
  const auto read = read_file(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, text);
  std::filesystem::remove_all(folder);
}

TEST(Record, names_the_path_that_cannot_be_read_or_written) {
  EXPECT_EQ(read_file("/nowhere/failure.orrery").error(), "cannot read /nowhere/failure.orrery");
  EXPECT_EQ(read_file("/").error(), "cannot read /");
  EXPECT_EQ(write_file("/proc/nowhere/failure.orrery", "").error(), "cannot write /proc/nowhere/failure.orrery");
}

}  // namespace
}  // namespace orrery::testkit
