#include "orrery/testkit/check.hpp"

#include "orrery/core/check.hpp"
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/story.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace orrery::testkit::detail {

namespace {

constexpr std::uint64_t few_runs = 100;  ///< with fewer, it says little that something never happened

void say(const std::string& text) {
  fmt::print("[   SIM    ] {}\n", text);
  std::fflush(stdout);
}

std::string this_program() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "<this test>";
  const auto relative = std::filesystem::proximate(path, error);
  return error ? path.string() : (relative.string().starts_with("..") ? path.string() : "./" + relative.string());
}

std::string_view name_of(sim::FaultProfile profile) { return profile == sim::FaultProfile::none ? "none" : "local"; }

/// What is pasted into a shell in the directory in which the test ran: the repository's root, for our own tests.
std::string command_for(const Failure& failure, const std::string& token) {
  std::string command = fmt::format("ORRERY_REPLAY={}", token);
  if (settings().max_steps) command += fmt::format(" ORRERY_MAX_STEPS={}", *settings().max_steps);
  const std::string test = failure.record.test.substr(0, failure.record.test.find('#'));
  return fmt::format("{} {} {}", command, shell_word(this_program()), shell_word("--gtest_filter=" + test));
}

void report_failure(const Failure& failure, std::source_location where) {
  Reproduction reproduction;
  reproduction.token = to_string(failure.record.token);
  reproduction.command = command_for(failure, reproduction.token);
  const std::string folder = fmt::format("{}/{}/{}", settings().out, failure.record.test, reproduction.token);
  reproduction.report_path = folder + "/report.txt";
  std::expected<void, std::string> written;
  if (failure.finding.kind != sim::FindingKind::non_determinism) {
    reproduction.record_path = folder + "/failure.orrery";
    written = write_file(reproduction.record_path, to_text(failure.record));
  }
  if (written) written = write_file(reproduction.report_path, tell_story(failure, reproduction, StoryLength::whole));
  if (!written) {
    say(written.error());
    reproduction.record_path.clear();
    reproduction.report_path.clear();
  }
  const bool has_line = !failure.finding.file.empty();
  // ADD_FAILURE_AT without its word "Failed" between the place and the story.
  GTEST_MESSAGE_AT_(has_line ? failure.finding.file.c_str() : where.file_name(),
                    static_cast<int>(has_line ? failure.finding.line : where.line()), "",
                    ::testing::TestPartResult::kNonFatalFailure)
      << tell_story(failure, reproduction, StoryLength::terminal);
}

/// What ORRERY_REPLAY asks for.
struct Wanted {
  std::string text;
  std::optional<Record> record;  ///< of a file
  Token token;
};

[[noreturn]] void refuse_replay(const std::string& why) { exit_with_usage_error("ORRERY_REPLAY: " + why); }

Wanted read_wanted(const std::string& text) {
  Wanted wanted;
  wanted.text = text;
  if (text.contains('/') || text.ends_with(".orrery")) {
    const auto file = read_file(text);
    if (!file) refuse_replay(file.error());
    auto record = parse_record(*file);
    if (!record) refuse_replay(fmt::format("{}: {}", text, record.error()));
    wanted.token = record->token;
    wanted.record = std::move(*record);
  } else {
    const auto token = parse_token(text);
    if (!token) refuse_replay(token.error());
    wanted.token = *token;
  }
  if (wanted.token.profile > static_cast<std::uint8_t>(sim::FaultProfile::local)) {
    refuse_replay(fmt::format("{} asks for faults that this program does not know", text));
  }
  if (wanted.token.strategy >= sim::strategy_kinds ||
      wanted.token.grain > static_cast<std::uint8_t>(sim::GrainSetting::coarse)) {
    refuse_replay(fmt::format("{} asks for a strategy that this program does not know", text));
  }
  return wanted;
}

/// Returns: whether the run belongs to a check of the test `test`.
bool belongs_to(const Wanted& wanted, std::string_view test) {
  if (wanted.record) return wanted.record->test.substr(0, wanted.record->test.find('#')) == test;
  return wanted.token.test_hash == hash_of_test(test);
}

std::string name_of_test(const ::testing::TestSuite& suite, const ::testing::TestInfo& info) {
  return fmt::format("{}.{}", suite.name(), info.name());
}

/// Read once: every check asks.
const Wanted& wanted_replay() {
  static const Wanted wanted = [] {
    Wanted read = read_wanted(*settings().replay);
    const ::testing::UnitTest& tests = *::testing::UnitTest::GetInstance();
    bool any_runs = false;
    for (int s = 0; s < tests.total_test_suite_count(); ++s) {
      const ::testing::TestSuite& suite = *tests.GetTestSuite(s);
      for (int t = 0; t < suite.total_test_count(); ++t) {
        const ::testing::TestInfo& info = *suite.GetTestInfo(t);
        if (!info.should_run()) continue;
        any_runs = true;
        if (belongs_to(read, name_of_test(suite, info))) return read;
      }
    }
    if (any_runs) {
      refuse_replay(read.record ? fmt::format("{} belongs to {}, which does not run here", read.text, read.record->test)
                                : fmt::format("the token {} belongs to no test that runs here", read.text));
    }
    return read;
  }();
  return wanted;
}

void replay_token(const Property& property, CheckOptions options, const Wanted& wanted, std::source_location where) {
  options.run.faults = static_cast<sim::FaultProfile>(wanted.token.profile);
  options.strategy = static_cast<sim::StrategyKind>(wanted.token.strategy);
  options.grain = static_cast<sim::GrainSetting>(wanted.token.grain);
  const auto failure = investigate(property, options, wanted.token.seed, wanted.token.run);
  if (!failure) {
    say(fmt::format("replay {}: run {} of {} passes now", wanted.text, wanted.token.run, property.name));
    return;
  }
  if (failure->finding.kind != sim::FindingKind::non_determinism) {
    say(fmt::format("replay {}: reproduced (run {}, {} after shrinking, trace {})", wanted.text, wanted.token.run,
                    count_of(failure->outcome.steps, "step"), to_hex(failure->outcome.trace_hash)));
  }
  report_failure(*failure, where);
}

void replay_file(const Property& property, const CheckOptions& options, const Wanted& wanted,
                 std::source_location where) {
  const Record& record = *wanted.record;
  Failure failure;
  failure.outcome = replay_record(property, options, record, failure.input);
  if (failure.outcome.divergence || failure.outcome.trace_hash != record.trace_hash) {
    std::fflush(stdout);
    fmt::print(
        stderr, "REPLAY DIVERGED  {}: {}\n", wanted.text,
        failure.outcome.divergence.value_or("the same decisions lead to another trace: the program has changed"));
    std::fflush(stderr);
    std::_Exit(exit_diverged);
  }
  const auto identical =
      fmt::format("{}/{} steps identical, trace {}", failure.outcome.steps, record.steps, to_hex(record.trace_hash));
  if (!failure.outcome.finding) {
    say(fmt::format("replay {}: {}, but nothing is found any more; recorded: {}", wanted.text, identical,
                    record.finding));
    return;
  }
  say(fmt::format("replay {}: reproduced ({})", wanted.text, identical));
  failure.finding = *failure.outcome.finding;
  failure.original_input = failure.input;
  failure.record = record;
  failure.run = record.token.run;
  failure.original_choices = count_choices(record.decisions).schedule;
  report_failure(failure, where);
}

void report_held(const CampaignResult& result) {
  std::string coverage;
  for (const auto& [name, hits] : result.sometimes) {
    if (hits != 0) {
      coverage += fmt::format("; sometimes \"{}\" in {}", name, count_of(hits, "run"));
    } else if (result.runs < few_runs) {
      say(fmt::format("NEVER HAPPENED   sometimes \"{}\": 0 of {}, which are few", name, count_of(result.runs, "run")));
    } else {
      say(fmt::format("NEVER HAPPENED   sometimes \"{}\": 0 of {} (warning)", name, count_of(result.runs, "run")));
    }
  }
  std::string time;
  if (result.virtual_time != Duration{}) time = fmt::format(", {} virtual", format_duration(result.virtual_time));
  say(fmt::format("{} held, {}{}{}", count_of(result.runs, "run"), count_of(result.steps, "step"), time, coverage));
}

}  // namespace

std::string name_next_check() {
  const ::testing::TestInfo* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  if (info == nullptr) return "unnamed";
  /// Counts the checks of a test; a repeated test (--gtest_repeat) begins again.
  struct Counter final : ::testing::EmptyTestEventListener {
    void OnTestStart(const ::testing::TestInfo&) override { checks = 0; }
    int checks = 0;
  };
  static Counter* const counter = [] {
    auto* const made = new Counter;  // GoogleTest owns its listeners
    ::testing::UnitTest::GetInstance()->listeners().Append(made);
    return made;
  }();
  const int check = ++counter->checks;
  const std::string test = fmt::format("{}.{}", info->test_suite_name(), info->name());
  return check == 1 ? test : fmt::format("{}#{}", test, check);
}

void check_property(const Property& property, CheckOptions options, std::source_location where) {
  const Settings& set = settings();
  options.runs = set.runs.value_or(options.runs);
  options.run.faults = set.faults.value_or(options.run.faults);
  options.run.operations_max = set.max_steps.value_or(options.run.operations_max);
  options.strategy = set.strategy.value_or(options.strategy);
  options.grain = set.grain.value_or(options.grain);
  const std::uint64_t seed = set.seed.value_or(default_seed);
  ORRERY_CHECK(options.runs > 0, "{} is checked with no run at all", property.name);
  if (set.replay) {
    const Wanted& wanted = wanted_replay();
    const std::string test = property.name.substr(0, property.name.find('#'));
    if (!belongs_to(wanted, test)) GTEST_SKIP() << "ORRERY_REPLAY is for another test";
    if (!wanted.record) {
      replay_token(property, options, wanted, where);
    } else if (wanted.record->test == property.name) {
      replay_file(property, options, wanted, where);
    } else {
      say(fmt::format("{} is left out: the record is of {}", property.name, wanted.record->test));
    }
    return;
  }
  say(fmt::format("seed {:#x}, {}, strategy {}, faults {}", seed, count_of(options.runs, "run"),
                  sim::name_of(options.strategy), name_of(options.run.faults)));
  const CampaignResult result = run_campaign(property, options, seed);
  if (result.failure) {
    const Failure& failure = *result.failure;
    if (failure.finding.kind != sim::FindingKind::non_determinism) {
      say(fmt::format("run {} failed; shrunk in {} ({}); repeated from its record: identical", failure.run,
                      count_of(failure.shrink_steps, "step"), count_of(failure.shrink_runs, "run")));
    }
    report_failure(failure, where);
    return;
  }
  report_held(result);
}

}  // namespace orrery::testkit::detail

namespace orrery::testkit {

void check_replay() {
  if (settings().replay) (void)detail::wanted_replay();
}

}  // namespace orrery::testkit
