// What a campaign leaves behind and reads again: events, states, kept failures, traces.
#include "orrery/core/hash.hpp"
#include "orrery/testkit/events.hpp"
#include "orrery/testkit/failure_folder.hpp"
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/progress.hpp"
#include "orrery/testkit/regressions.hpp"
#include "orrery/testkit/report.hpp"
#include "orrery/testkit/state.hpp"
#include "orrery/testkit/wire.hpp"
#include "tests/testkit/little_properties.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <filesystem>
#include <set>

namespace orrery::testing {
namespace {

using sim::FindingKind;
using testkit::parse_json;

using Amounts = std::vector<std::uint32_t>;

/// A folder of its own for a test, gone afterwards.
struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "orrery-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no folder"};
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

// ---- JSON -----------------------------------------------------------------------------------------------------------

TEST(Json, reads_what_it_writes) {
  const std::string text = "a \"quoted\" \\ line\nwith\ttabs, \x01, \x7f and \xe2\x86\x92";
  const auto json = parse_json(testkit::JsonObject{}.add("text", text).add("n", UINT64_MAX).add("b", true).text());
  ASSERT_TRUE(json) << json.error();
  EXPECT_EQ((*json)["text"].text(), text);
  EXPECT_EQ((*json)["n"].number(), UINT64_MAX);
  EXPECT_TRUE(std::get<bool>((*json)["b"].value));
  EXPECT_TRUE((*json)["none"]["deeper"].text().empty());
}

TEST(Json, writes_valid_text_whatever_the_bytes) {
  EXPECT_EQ(testkit::json_text("\xff\xc3(\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(Json, reads_documents_and_refuses_what_is_none) {
  const auto json = parse_json(R"( {"a": [1, -2.5e3, "A\u00e9\ud83d\ude00", null, {}], "b": {"c": false}} )");
  ASSERT_TRUE(json) << json.error();
  EXPECT_EQ((*json)["a"].elements().size(), 5U);
  EXPECT_EQ((*json)["a"].elements()[1].text(), "-2.5e3");
  EXPECT_EQ((*json)["a"].elements()[2].text(), "A\xc3\xa9\xf0\x9f\x98\x80");
  for (const char* const text :
       {"", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "\"a", "\"\n\"", "tru", "1 2", "\"\\x\"", "\"\\u12\""}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_FALSE(parse_json(std::string(1'000, '[')));
}

TEST(Json, takes_only_numbers_and_characters_that_are_whole) {
  for (const char* const text : {"-", "+1", "01", "1.", ".5", "1e", "1e+", "--1", "1-2", "1.2.3", R"("\ud800")",
                                 R"("\udc00")", R"("\ud800\u0041")", R"("\ud800\ud800")"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  for (const char* const text : {"0", "-0", "0.5", "1E-7", "10e+3", "18446744073709551616"}) {
    ASSERT_TRUE(parse_json(text)) << text;
    EXPECT_EQ(parse_json(text)->text(), text);
  }
}

// ---- what processes hand to each other ------------------------------------------------------------------------------

TEST(Wire, hands_over_a_whole_failure) {
  const Failure failure = failure_of(make_property("Wire", last_writer_is_two));
  testkit::WireWriter out;
  write(out, failure);
  const auto read = testkit::read_failure(out.bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(testkit::to_text(read->record), testkit::to_text(failure.record));
  EXPECT_EQ(testkit::trace_lines(read->outcome), testkit::trace_lines(failure.outcome));
  EXPECT_TRUE(testkit::is_same(read->outcome, failure.outcome));
  EXPECT_EQ(read->finding.detail, failure.finding.detail);
  EXPECT_EQ(read->shrink_runs, failure.shrink_runs);
  ASSERT_EQ(read->history.size(), failure.history.size());
  for (std::size_t i = 0; i < read->history.size(); ++i) {
    EXPECT_EQ(read->history[i].input, failure.history[i].input);
    EXPECT_EQ(read->history[i].choices.schedule, failure.history[i].choices.schedule);
    EXPECT_TRUE(testkit::is_same(read->history[i].outcome, failure.history[i].outcome));
    EXPECT_EQ(testkit::trace_lines(read->history[i].outcome), testkit::trace_lines(failure.history[i].outcome));
  }
}

TEST(Wire, notices_that_bytes_are_missing) {
  const Failure failure = failure_of(make_property("Wire", last_writer_is_two));
  testkit::WireWriter out;
  write(out, failure);
  for (std::size_t size = 0; size < out.bytes().size(); size += 7) {
    EXPECT_FALSE(testkit::read_failure(std::string_view{out.bytes()}.substr(0, size))) << size;
  }
}

TEST(Wire, believes_no_count_and_no_enumerator_that_a_dying_process_has_left) {
  testkit::WireWriter twenty;
  for (int i = 0; i < 8; ++i) twenty.put(std::uint64_t{20});
  testkit::WireReader reader{twenty.bytes()};
  EXPECT_EQ(reader.count(11), 0U) << "twenty times eleven numbers are not in 56 bytes";
  EXPECT_TRUE(reader.failed());
  testkit::WireReader same{twenty.bytes()};
  EXPECT_EQ(same.count(1), 0U);
  testkit::RunNote note;
  note.finding = sim::Finding{};
  note.finding->kind = static_cast<sim::FindingKind>(200);
  testkit::WireWriter out;
  write(out, note);
  EXPECT_FALSE(testkit::read_note(out.bytes()));
  note.finding->kind = sim::FindingKind::leak;
  testkit::WireWriter right;
  write(right, note);
  EXPECT_TRUE(testkit::read_note(right.bytes()));
  EXPECT_FALSE(testkit::read_note(right.bytes() + "x")) << "what follows belongs to nothing";
}

// ---- the state of an exploration ------------------------------------------------------------------------------------

testkit::CampaignState some_state() {
  testkit::CampaignState state;
  state.test = "Suite.Test";
  state.seed = 0xfeed;
  state.options = "faults local";
  state.progress.next_run = 12'345;
  state.progress.steps = 99;
  state.progress.virtual_time = 7s;
  state.progress.sometimes = {{"two\nlines", 3}, {"never", 0}};
  state.progress.groups.push_back(
      {.finding = {.kind = FindingKind::stuck, .name = "a \"b\"", .detail = {}, .file = "x.cpp", .line = 7},
       .first_run = 17,
       .count = 4});
  return state;
}

TEST(CampaignState, is_read_as_it_was_written) {
  const std::string text = testkit::to_text(some_state());
  const auto read = testkit::parse_state(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(testkit::to_text(*read), text);
  EXPECT_EQ(read->progress.next_run, 12'345U);
  EXPECT_EQ(read->progress.virtual_time, 7s);
  EXPECT_EQ(read->progress.sometimes, some_state().progress.sometimes);
  ASSERT_EQ(read->progress.groups.size(), 1U);
  EXPECT_TRUE(testkit::is_same_failure(read->progress.groups[0].finding, some_state().progress.groups[0].finding));
  EXPECT_EQ(read->progress.groups[0].count, 4U);
}

TEST(CampaignState, is_refused_when_cut_off_or_changed) {
  const std::string text = testkit::to_text(some_state());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(testkit::parse_state(text.substr(0, size)));
  std::string changed = text;
  changed[changed.find("12345")] = '9';
  EXPECT_FALSE(testkit::parse_state(changed));
}

TEST(CampaignState, is_refused_when_a_line_is_about_something_else) {
  for (const char* const line : {"{}", "{\"group\":1}", "{\"group\":\"x\",\"kind\":77}", "{\"sometimes\":null}"}) {
    std::string text = testkit::to_text(some_state());
    text = text.substr(0, text.rfind("end ")) + line + "\n";
    text += fmt::format("end {:016x}\n", hash_text(text));
    EXPECT_FALSE(testkit::parse_state(text)) << line;
  }
}

// ---- kept failures --------------------------------------------------------------------------------------------------

struct KeptFailure : ::testing::Test {
  void keep(const std::string& name, const testkit::Record& record) const {
    ASSERT_TRUE(testkit::write_file(folder.path + "/" + name, testkit::to_text(record)));
  }
  [[nodiscard]] testkit::Replayed replay(const Property& property) const {
    return testkit::replay_kept(property, {}, folder.path);
  }
  Folder folder;
};

TEST_F(KeptFailure, that_still_fails_is_the_failure) {
  const auto property = make_property("Kept", last_writer_is_two);
  const Failure failure = failure_of(property);
  keep("a.orrery", failure.record);
  const auto replayed = replay(property);
  ASSERT_TRUE(replayed.failure);
  EXPECT_TRUE(testkit::is_same_failure(replayed.failure->finding, failure.finding));
  EXPECT_EQ(testkit::to_text(replayed.failure->record), testkit::to_text(failure.record));
  ASSERT_EQ(replayed.lines.size(), 1U);
  EXPECT_TRUE(replayed.lines[0].ends_with(" fails still")) << replayed.lines[0];
}

TEST_F(KeptFailure, that_passes_now_is_told_and_so_is_one_that_does_not_fit) {
  bool is_wrong = true;
  const auto property = make_property("Kept", [&](World& w, const Amounts& amounts) {
    const auto adder = add_all(w, amounts);
    w.run();
    EXPECT_TRUE(!is_wrong || w.peek(adder).messages < 3);
  });
  keep("a.orrery", failure_of(property).record);
  is_wrong = false;
  const auto passes = replay(property);
  EXPECT_FALSE(passes.failure);
  ASSERT_EQ(passes.lines.size(), 1U);
  EXPECT_TRUE(passes.lines[0].ends_with(" passes now")) << passes.lines[0];

  const auto changed = replay(make_property("Kept", [](World& w) { w.run(); }));
  EXPECT_FALSE(changed.failure);
  ASSERT_EQ(changed.lines.size(), 1U);
  EXPECT_NE(changed.lines[0].find("no longer fits"), std::string::npos) << changed.lines[0];
}

TEST_F(KeptFailure, of_another_test_is_left_out_and_an_unreadable_one_is_named) {
  keep("a.orrery", failure_of(make_property("Other", last_writer_is_two)).record);
  const auto property = make_property("Kept", last_writer_is_two);
  EXPECT_FALSE(replay(property).failure);
  ASSERT_TRUE(testkit::write_file(folder.path + "/b.orrery", "orrery-record 4\n"));
  const auto replayed = replay(property);
  ASSERT_TRUE(replayed.bad_file);
  EXPECT_NE(replayed.bad_file->find("b.orrery: the record is truncated"), std::string::npos) << *replayed.bad_file;
}

// ---- the folders of failures ----------------------------------------------------------------------------------------

struct FailureFolders : ::testing::Test {
  /// Puts a failure there that is `age` old.
  void add(const std::string& name, std::chrono::hours age) const {
    const std::string report = folder.path + "/out/" + name + "/report.txt";
    ASSERT_TRUE(testkit::write_file(report, "story"));
    std::filesystem::last_write_time(report, std::filesystem::file_time_type::clock::now() - age);
  }
  void prune(const std::string& written) const {
    testkit::prune_failures(folder.path + "/out", folder.path + "/out/" + written, folder.path + "/kept", 4);
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path + "/out"})
      names.insert(entry.path().filename().string());
    return names;
  }
  Folder folder;
};

TEST_F(FailureFolders, are_pruned_from_the_oldest_on) {
  for (int i = 1; i <= 6; ++i) add("t" + std::to_string(i), std::chrono::hours{10 - i});
  prune("t6");
  EXPECT_EQ(names(), (std::set<std::string>{"t3", "t4", "t5", "t6"}));
}

TEST_F(FailureFolders, stay_when_they_were_kept_are_new_or_are_none) {
  add("kept-1", 90h);
  add("kept-1-loose", 91h);
  ASSERT_TRUE(testkit::write_file(folder.path + "/kept/kept-1.orrery", "record"));
  ASSERT_TRUE(testkit::write_file(folder.path + "/out/mine/notes.txt", "mine"));
  ASSERT_TRUE(testkit::write_file(folder.path + "/out/campaign.state", "state"));
  add("old", 50h);
  add("first", 80h);
  prune("first");  // what this process writes, however old it says to be
  for (int i = 1; i <= 5; ++i) add("t" + std::to_string(i), std::chrono::hours{i});
  prune("t1");
  EXPECT_EQ(names(), (std::set<std::string>{"kept-1", "kept-1-loose", "mine", "campaign.state", "first", "t1"}));
}

TEST(ReproScript, goes_by_the_record_beside_it_or_by_the_token) {
  Failure failure;
  failure.record.test = "Bank.It's#2";
  failure.finding = {.kind = FindingKind::stuck, .name = "two\nlines", .detail = {}, .file = {}};
  testkit::ReproCommand command{.program = "/bin/a test", .working_folder = "/a b", .variables = "X=1 "};
  const std::string script = testkit::repro_script(failure, command);
  EXPECT_NE(script.find("# Bank.It's#2: STUCK \"two lines\"\n"), std::string::npos) << script;
  EXPECT_NE(script.find("cd -- '/a b' || exit 2\n"), std::string::npos) << script;
  EXPECT_TRUE(
      script.ends_with("exec env X=1 ORRERY_REPLAY=\"$here/failure.orrery\" '/bin/a test' "
                       "'--gtest_filter=Bank.It'\\''s' \"$@\"\n"))
      << script;
  command.has_record = false;
  EXPECT_NE(testkit::repro_script(failure, command).find(" ORRERY_REPLAY=" + to_string(failure.record.token) + " "),
            std::string::npos);
}

// ---- for people and for CI ------------------------------------------------------------------------------------------

TEST(ProgressText, says_how_far_and_how_long) {
  testkit::Progress from;
  from.next_run = 12;
  from.steps = 1'000;
  testkit::Progress progress;
  progress.next_run = 412;
  progress.steps = 20'600;
  progress.sometimes = {{"a", 1}, {"b", 2}, {"c", 9}, {"d", 0}};
  const std::chrono::duration<double> elapsed{2};
  EXPECT_EQ(testkit::progress_text("Bank.*", progress, 1'000, elapsed, from, std::nullopt),
            "Bank.* 412/1000 runs · 9.8k steps/s · 0 failed · sometimes 3/4 · ETA 3 s");
  progress.groups = {{.finding = {}, .first_run = 1, .count = 3}, {.finding = {}, .first_run = 2, .count = 4}};
  EXPECT_EQ(testkit::progress_text("B", progress, UINT64_MAX, elapsed, from, std::chrono::hours{8}),
            "B 412 runs · 9.8k steps/s · 7 failed in 2 ways · sometimes 3/4 · ETA 8.0 h");
}

TEST(GithubAnnotation, is_one_line_that_the_runner_understands) {
  const sim::Finding finding{.kind = FindingKind::stuck, .name = "100% stuck", .detail = "two\nlines", .file = {}};
  EXPECT_EQ(testkit::github_annotation("A.B", finding, "a,b.cpp", 7, "x"),
            "::error file=a%2Cb.cpp,line=7,title=A.B::STUCK  \"100%25 stuck\"%0Atwo%0Alines%0AREPRODUCE  x");
  EXPECT_TRUE(
      testkit::github_annotation("A.B", finding, "../../tests/b.cpp", 7, "x").starts_with("::error file=tests/b.cpp,"))
      << "a path is one from the repository's root, whatever the compiler was told";
}

}  // namespace
}  // namespace orrery::testing
