#include "orrery/testkit/check.hpp"

#include "orrery/core/check.hpp"
#include "orrery/testkit/build_id.hpp"
#include "orrery/testkit/crash.hpp"
#include "orrery/testkit/diverged.hpp"
#include "orrery/testkit/events.hpp"
#include "orrery/testkit/loose.hpp"
#include "orrery/testkit/modes.hpp"
#include "orrery/testkit/onlooker.hpp"
#include "orrery/testkit/progress.hpp"
#include "orrery/testkit/regressions.hpp"
#include "orrery/testkit/replay_words.hpp"
#include "orrery/testkit/report.hpp"
#include "orrery/testkit/second_process.hpp"
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/short_log.hpp"
#include "orrery/testkit/state.hpp"
#include "orrery/testkit/story.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace orrery::testkit::detail {

namespace {

CheckOptions::OtherProcess other_process_of(DeterminismCheck check) {
  if (check == DeterminismCheck::off || ::testing::UnitTest::GetInstance()->current_test_info() == nullptr) {
    return CheckOptions::OtherProcess::none;
  }
  return check == DeterminismCheck::process ? CheckOptions::OtherProcess::first_and_failing_run
                                            : CheckOptions::OtherProcess::failing_run;
}

std::string_view name_of(sim::FaultProfile profile) {
  switch (profile) {
    case sim::FaultProfile::none:
      return "none";
    case sim::FaultProfile::local:
      return "local";
    case sim::FaultProfile::heavy:
      return "heavy";
  }
  return "unknown";
}

/// What ORRERY_REPLAY asks for.
struct Wanted {
  std::string text;
  std::optional<Record> record;  ///< of a file
  Token token;
};

[[noreturn]] void refuse_setting(const std::string& why) { exit_with_usage_error(why); }
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
  if (CheckOptions options; !put_plan(options, wanted.token)) {
    refuse_replay(fmt::format("{} asks for faults or a strategy that this program does not know", text));
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

/// Reports a failure, and its short log where ORRERY_LOG asks for it.
void tell_failure(const Failure& failure, std::source_location where, std::string_view variant = {}) {
  if (settings().log == LogForm::brief) fmt::print("{}", short_log(trace_events(failure.outcome)));
  report_failure(failure, where, variant);
}

/// Reports a failure that was made again; what ORRERY_UNTIL says ends the story there, and nothing is written.
void report_again(const Property& property, const CheckOptions& options, const Failure& failure,
                  std::source_location where, std::string_view variant = {}) {
  if (!settings().until) return tell_failure(failure, where, variant);
  sim::Outcome shown = failure.outcome;
  std::erase_if(shown.events, [](const sim::Event& event) { return event.step >= *settings().until; });
  fmt::print("STEPS\n{}\nACTORS before step {}\n{}\n", tell_steps(shown, StoryLength::whole), *settings().until,
             actors_before(property, options, failure.record, *settings().until));
  GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()), "", ::testing::TestPartResult::kNonFatalFailure)
      << fmt::format("the steps from {} on are left out; {}\n", *settings().until, to_string(failure.finding));
}

void replay_token(const Property& property, CheckOptions options, const Wanted& wanted, std::source_location where) {
  (void)put_plan(options, wanted.token);
  TokenWatch watch{property.name, command_for(property.name)};
  watch.enter(wanted.token);
  const auto failure = investigate(property, options, wanted.token.seed, wanted.token.run);
  if (!failure) {
    say(fmt::format("replay {}: run {} of {} passes now", wanted.text, wanted.token.run, property.name));
    return;
  }
  if (failure->finding.kind != sim::FindingKind::non_determinism) {
    say(fmt::format("replay {}: reproduced (run {}, {} after shrinking, trace {})", wanted.text, wanted.token.run,
                    count_of(failure->outcome.steps, "step"), to_hex(failure->outcome.trace_hash)));
  } else {
    const sim::Outcome& first = failure->other ? *failure->other : failure->outcome;
    say(fmt::format("replay {}: run {} {} (traces {} and {})", wanted.text, wanted.token.run, does_not_repeat_itself,
                    to_hex(first.trace_hash), to_hex(failure->outcome.trace_hash)));
  }
  report_again(property, options, *failure, where);
}

[[noreturn]] void exit_diverged_because(const Wanted& wanted, std::string_view why) {
  std::fflush(stdout);
  fmt::print(stderr, "REPLAY DIVERGED  {}: {}\n", wanted.text, why);
  std::fflush(stderr);
  std::_Exit(exit_diverged);
}

sim::Outcome follow(const Property& property, const CheckOptions& options, const Record& record, std::string& input) {
  if (settings().break_at) return replay_until_break(property, options, record, *settings().break_at);
  return replay_record(property, options, record, input);
}

/// Tells what following the record has come to.
void report_replay(const Property& property, const CheckOptions& options, const Wanted& wanted,
                   const sim::Outcome& outcome, const std::string& input, std::source_location where) {
  const Record& record = *wanted.record;
  const auto what =
      outcome.trace_hash == record.trace_hash
          ? fmt::format("{}/{} steps identical, trace {}", outcome.steps, record.steps, to_hex(record.trace_hash))
          : fmt::format("another trace, {}", count_of(outcome.steps, "step"));
  if (!outcome.finding) {
    say(fmt::format("replay {}: {}, but nothing is found any more; recorded: {}", wanted.text, what, record.finding));
    return;
  }
  say(fmt::format("replay {}: reproduced ({})", wanted.text, what));
  const bool is_same = outcome.trace_hash == record.trace_hash;
  Failure failure = failure_of_replay(record, outcome, input);
  const bool is_looked_at_otherwise = settings().break_at || settings().until;
  if (options.explain && is_same && !is_looked_at_otherwise && failure.finding.kind != sim::FindingKind::crash)
    explain_failure(failure, property, options);
  report_again(property, options, failure, where, is_same ? "" : "-loose");
}

void replay_file(const Property& property, const CheckOptions& options, const Wanted& wanted,
                 std::source_location where) {
  const Record& record = *wanted.record;
  TokenWatch watch{property.name, command_for(property.name)};
  watch.enter(record.token);
  if (settings().verbose && !settings().break_at) {
    fmt::print("EVENTS, as they happen\n");
    tell_as_it_happens(property, options, record, std::cout);
  }
  std::string input;
  sim::Outcome outcome = follow(property, options, record, input);
  if (is_run_of(outcome, record)) return report_replay(property, options, wanted, outcome, input, where);
  std::string why = where_it_diverged(record, outcome);
  if (record.build != build_id()) why += fmt::format(" (recorded by build {}, this is {})", record.build, build_id());
  if (settings().mode != Mode::loose) exit_diverged_because(wanted, why);
  say(fmt::format("replay {}: followed loosely, since {}", wanted.text, why));
  const LooseReplay loose = replay_loosely(property, options, record);
  say(fmt::format("replay {}: {}", wanted.text, describe(loose)));
  if (loose.failure) report_again(property, options, *loose.failure, where, "-loose");
}

/// Writes all events of the run to a file.
void trace_run(const Property& property, CheckOptions options, const Wanted& wanted) {
  if (!settings().trace_file) refuse_setting("ORRERY_MODE=trace needs ORRERY_TRACE_FILE");
  (void)put_plan(options, wanted.token);
  std::string input;
  const sim::Outcome outcome = wanted.record ? replay_record(property, options, *wanted.record, input)
                                             : make_run(property, options, wanted.token.seed, wanted.token.run, true);
  if (outcome.divergence)
    exit_diverged_because(wanted, wanted.record ? where_it_diverged(*wanted.record, outcome) : *outcome.divergence);
  if (const auto written = write_file(*settings().trace_file, trace_lines(outcome)); !written) {
    refuse_setting("ORRERY_TRACE_FILE: " + written.error());
  }
}

void shrink_file(const Property& property, const CheckOptions& options, const Wanted& wanted,
                 std::source_location where) {
  if (!wanted.record) refuse_replay("shrinking further takes a record, not a token");
  const auto begin = std::chrono::steady_clock::now();
  const auto time = settings().time.value_or(std::chrono::seconds{10});
  std::string why;
  const auto failure = shrink_further(
      property, options, *wanted.record, [&] { return std::chrono::steady_clock::now() - begin >= time; }, why);
  if (!failure) exit_diverged_because(wanted, why);
  say(fmt::format("shrunk {}: {} -> {}, {} of {} taken", wanted.text, count_of(wanted.record->steps, "step"),
                  count_of(failure->outcome.steps, "step"), failure->shrink_steps,
                  count_of(failure->shrink_runs, "run")));
  tell_failure(*failure, where);
}

/// Somebody decides the schedule of the wanted run, or of the campaign's last size of input.
void step_run(const Property& property, CheckOptions options, const Wanted* wanted, std::source_location where) {
  const std::uint64_t seed = wanted != nullptr ? wanted->token.seed : settings().seed.value_or(default_seed);
  const std::uint64_t run = wanted != nullptr ? wanted->token.run : 2;  // a small input, but not the empty one
  const bool has_record = wanted != nullptr && wanted->record.has_value();
  options.swarm = false;
  const InputOrigin origin = has_record ? wanted->record->origin : origin_of_run(seed, run, options.commands_max);
  if (has_record) options.run.grain = wanted->record->grain;
  const std::vector<std::size_t> path = has_record ? wanted->record->path : std::vector<std::size_t>{};
  sim::Outcome outcome = step_through(property, options, origin, path, seed_of_run(seed, run), std::cin, std::cout,
                                      settings().mode == Mode::step_json);
  if (outcome.divergence) exit_diverged_because(*wanted, *outcome.divergence);
  std::cout << std::flush;
  if (!outcome.finding) {
    say(fmt::format("{}, nothing found", count_of(outcome.steps, "step")));
    fmt::print("{}", tell_steps(outcome, StoryLength::whole));
    return;
  }
  Failure failure = failure_of_run(property, options, seed, run);
  failure.finding = *outcome.finding;
  failure.record.origin = origin;
  failure.record.path = path;
  failure.record.grain = options.run.grain;
  put_outcome(failure.record, outcome);
  failure.input = failure.original_input = input_of(property, origin, path)->describe();
  failure.outcome = std::move(outcome);
  tell_failure(failure, where, "-by-hand");
}

void do_what_is_wanted(const Property& property, const CheckOptions& options, const Wanted& wanted,
                       std::source_location where) {
  switch (settings().mode) {
    case Mode::trace:
      return trace_run(property, options, wanted);
    case Mode::shrink:
      return shrink_file(property, options, wanted, where);
    case Mode::step:
    case Mode::step_json:
      return step_run(property, options, &wanted, where);
    case Mode::check:
    case Mode::loose:
      return wanted.record ? replay_file(property, options, wanted, where)
                           : replay_token(property, options, wanted, where);
  }
}

std::string budget_text(const CheckOptions& options) {
  std::string text = options.runs == UINT64_MAX ? "" : count_of(options.runs, "run");
  if (settings().time) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", format_duration(Duration{*settings().time}));
  }
  if (settings().jobs > 1) text += fmt::format(" by {}", count_of(settings().jobs, "worker"));
  return text;
}

/// What the runs of a campaign depend on besides its seed.
std::string line_of(const CheckOptions& options) {
  return fmt::format("faults {}, strategy {}, grain {}, operations {}, commands {}", name_of(options.run.faults),
                     strategy_name(options), static_cast<int>(options.grain), options.run.operations_max,
                     options.commands_max);
}

std::string state_path(const Property& property) {
  return fmt::format("{}/{}/campaign.state", settings().out, property.name);
}

/// Returns: where an earlier exploration has ended.
Progress take_up(const Property& property, const CheckOptions& options, std::uint64_t seed) {
  const std::string path = state_path(property);
  const auto text = read_file(path);
  if (!text) {
    say(fmt::format("nothing to resume: {}", text.error()));
    return {};
  }
  auto state = parse_state(*text);
  if (!state) refuse_setting(fmt::format("{}: {}", path, state.error()));
  if (state->test != property.name || state->seed != seed || state->options != line_of(options)) {
    refuse_setting(fmt::format("{} is of {}, seed {:#x}, {}: remove it, or ask for the same", path, state->test,
                               state->seed, state->options));
  }
  say(fmt::format("resumed after {}, {}", count_of(state->progress.next_run, "run"),
                  count_of(state->progress.groups.size(), "group")));
  return std::move(state->progress);
}

void run_the_campaign(const Property& property, const CheckOptions& options, std::uint64_t seed,
                      std::source_location where) {
  const Settings& set = settings();
  Loop loop;
  loop.jobs = set.jobs;
  loop.isolate = set.explore;
  loop.time = set.time;
  loop.explore = set.explore;
  loop.stop_after = set.stop_after;
  loop.command = command_for(property.name);
  if (set.explore && set.resume) loop.from = take_up(property, options, seed);
  loop.is_interrupted = &InterruptWatch::is_interrupted;
  const InterruptWatch interrupts;
  ProgressLine line{property.name, options.runs, set.time, loop.from};
  const auto save = [&](const Progress& progress) {
    if (!set.explore) return;
    const CampaignState state{.test = property.name, .seed = seed, .options = line_of(options), .progress = progress};
    if (const auto written = write_whole_file(state_path(property), to_text(state)); !written) say(written.error());
  };
  auto saved = std::chrono::steady_clock::now();
  loop.on_progress = [&](const Progress& progress) {
    line.update(progress);
    if (!set.explore || std::chrono::steady_clock::now() - saved < std::chrono::seconds{5}) return;
    saved = std::chrono::steady_clock::now();
    save(progress);
  };
  loop.on_group = [&](const Failure& failure) {
    line.clear();
    tell_failure(failure, where);
  };
  emit(event_object("run_started")
           .add("test", property.name)
           .add("seed", fmt::format("{:#x}", seed))
           .add("runs", options.runs)
           .add("from", loop.from.next_run)
           .add("faults", name_of(options.run.faults))
           .add("strategy", strategy_name(options))
           .add("jobs", std::uint64_t{set.jobs})
           .add("explore", set.explore));
  const LoopResult result = run_loop(property, options, seed, loop);
  line.clear();
  save(result.progress);
  if (result.failure) {
    const Failure& failure = *result.failure;
    if (failure.finding.kind != sim::FindingKind::non_determinism && failure.shrink_runs != 0) {
      say(fmt::format("run {} failed; shrunk in {} ({}); repeated from its record: identical", failure.run,
                      count_of(failure.shrink_steps, "step"), count_of(failure.shrink_runs, "run")));
    }
    tell_failure(failure, where);
  } else if (set.explore) {
    report_explored(property.name, result, seed, where);
  } else {
    report_held(property.name, result, where);
  }
  emit_done(property.name, result, line.elapsed());
}

/// Returns: whether a kept failure still fails.
bool a_kept_failure_fails(const Property& property, const CheckOptions& options, std::source_location where) {
  const Replayed replayed = replay_kept(property, options, fmt::format("{}/{}", settings().regressions, property.name));
  for (const std::string& text : replayed.lines) say(text);
  if (replayed.bad_file) refuse_setting("a kept failure: " + *replayed.bad_file);
  if (!replayed.failure) return false;
  tell_failure(*replayed.failure, where, replayed.fits ? "" : "-loose");
  LoopResult result;
  result.ended = Ended::failed;
  emit_done(property.name, result, {});
  return true;
}

/// Counts the checks of a test; a repeated test (--gtest_repeat) begins again. Ends the process as UX wants it.
struct Listener final : ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo&) override { checks = 0; }
  /// The tests that would follow are not begun. Here, since a test gives the flags back that it has changed.
  void OnTestEnd(const ::testing::TestInfo&) override {
    if (InterruptWatch::is_interrupted()) GTEST_FLAG_SET(fail_fast, true);
  }
  void OnTestProgramEnd(const ::testing::UnitTest& tests) override {
    emit(event_object("summary")
             .add("tests", static_cast<std::uint64_t>(tests.test_to_run_count()))
             .add("passed", static_cast<std::uint64_t>(tests.successful_test_count()))
             .add("failed", static_cast<std::uint64_t>(tests.failed_test_count()))
             .add("skipped", static_cast<std::uint64_t>(tests.skipped_test_count()))
             .add("interrupted", InterruptWatch::is_interrupted()));
    if (!InterruptWatch::is_interrupted()) return;
    std::fflush(nullptr);
    std::_Exit(exit_interrupted);
  }
  int checks = 0;
};

}  // namespace

std::string name_next_check() {
  const ::testing::TestInfo* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  if (info == nullptr) return "unnamed";
  static Listener* const counter = [] {
    auto* const made = new Listener;  // GoogleTest owns its listeners
    ::testing::UnitTest::GetInstance()->listeners().Append(made);
    return made;
  }();
  const int check = ++counter->checks;
  const std::string test = fmt::format("{}.{}", info->test_suite_name(), info->name());
  return check == 1 ? test : fmt::format("{}#{}", test, check);
}

void check_property(const Property& property, CheckOptions options, std::source_location where) {
  const Settings& set = settings();
  if (InterruptWatch::is_interrupted()) GTEST_SKIP() << "interrupted";
  if (set.time) options.runs = UINT64_MAX;
  options.runs = set.runs.value_or(options.runs);
  options.run.faults = set.faults.value_or(options.run.faults);
  options.run.operations_max = set.max_steps.value_or(options.run.operations_max);
  options.strategy = set.strategy.value_or(options.strategy);
  options.grain = set.grain.value_or(options.grain);
  options.swarm = set.swarm;
  options.explain = set.explain;
  const std::uint64_t seed = set.seed.value_or(default_seed);
  ORRERY_CHECK(options.runs > 0, "{} is checked with no run at all", property.name);
  if (is_second_process()) return answer_from_second_process(property, options);
  options.other_process = other_process_of(set.check_determinism);
  if (set.replay) {
    const Wanted& wanted = wanted_replay();
    const std::string test = property.name.substr(0, property.name.find('#'));
    if (!belongs_to(wanted, test)) GTEST_SKIP() << "ORRERY_REPLAY is for another test";
    if (!wanted.record || wanted.record->test == property.name) {
      do_what_is_wanted(property, options, wanted, where);
    } else {
      say(fmt::format("{} is left out: the record is of {}", property.name, wanted.record->test));
    }
    return;
  }
  if (set.mode == Mode::step || set.mode == Mode::step_json) return step_run(property, options, nullptr, where);
  if (set.mode != Mode::check) refuse_setting("ORRERY_MODE needs ORRERY_REPLAY");
  if (a_kept_failure_fails(property, options, where)) return;
  say(fmt::format("seed {:#x}, {}, strategy {}, faults {}", seed, budget_text(options), strategy_name(options),
                  name_of(options.run.faults)));
  run_the_campaign(property, options, seed, where);
}

}  // namespace orrery::testkit::detail

namespace orrery::testkit {

void check_replay() {
  if (settings().replay) (void)detail::wanted_replay();
}

}  // namespace orrery::testkit
