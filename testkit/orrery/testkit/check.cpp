#include "orrery/testkit/check.hpp"

#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/story.hpp"

#include <fmt/core.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

namespace orrery::testkit::detail {

namespace {

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

std::string grouped(std::uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, " ");
  }
  return digits;
}

void report_failure(const Failure& failure, std::source_location where) {
  const std::string token = to_string(failure.record.token);
  Reproduction reproduction;
  reproduction.token = token;
  reproduction.command = fmt::format("ORRERY_REPLAY={} {} --gtest_filter={}", token, this_program(), failure.record.test);
  const std::string path = fmt::format("{}/{}/{}/failure.orrery", settings().out, failure.record.test, token);
  if (failure.finding.kind != sim::FindingKind::non_determinism && write_file(path, to_text(failure.record))) {
    reproduction.record_path = path;
  }
  const bool has_line = !failure.finding.file.empty();
  ADD_FAILURE_AT(has_line ? failure.finding.file.c_str() : where.file_name(),
                 static_cast<int>(has_line ? failure.finding.line : where.line()))
      << tell_story(failure, reproduction);
}

void replay_token(const Property& property, CheckOptions options, const std::string& text, std::source_location where) {
  const auto token = parse_token(text);
  if (!token) exit_with_usage_error(fmt::format("ORRERY_REPLAY: {}", token.error()));
  if (token->test_hash != hash_of_test(property.name)) {
    exit_with_usage_error(fmt::format("ORRERY_REPLAY: token {} belongs to another test than {}", text, property.name));
  }
  options.run.faults = static_cast<sim::FaultProfile>(token->profile);
  const auto failure = investigate(property, options, token->seed, token->run);
  if (!failure) {
    say(fmt::format("replay {}: run {} passes now", text, token->run));
    return;
  }
  say(fmt::format("replay {}: reproduced (run {}, {} steps after shrinking, trace {})", text, token->run,
                  failure->outcome.steps, to_hex(failure->outcome.trace_hash)));
  report_failure(*failure, where);
}

void replay_file(const Property& property, const CheckOptions& options, const std::string& path,
                 std::source_location where) {
  const auto text = read_file(path);
  if (!text) exit_with_usage_error(fmt::format("ORRERY_REPLAY: {}", text.error()));
  const auto record = parse_record(*text);
  if (!record) exit_with_usage_error(fmt::format("ORRERY_REPLAY: {}: {}", path, record.error()));
  if (record->test != property.name) {
    exit_with_usage_error(fmt::format("ORRERY_REPLAY: {} belongs to {}, not to {}", path, record->test, property.name));
  }
  Failure failure;
  failure.outcome = replay_record(property, options, *record, failure.input);
  if (failure.outcome.divergence || (failure.outcome.trace_hash != record->trace_hash)) {
    std::fflush(stdout);
    fmt::print(stderr, "REPLAY DIVERGED  {}: {}\n", path,
               failure.outcome.divergence.value_or("the same decisions lead to another trace: the program has changed"));
    std::_Exit(exit_diverged);
  }
  say(fmt::format("replay {}: reproduced ({}/{} steps identical, trace {})", path, failure.outcome.steps, record->steps,
                  to_hex(record->trace_hash)));
  if (!failure.outcome.finding) return;
  failure.finding = *failure.outcome.finding;
  failure.original_input = failure.input;
  failure.record = *record;
  failure.original_choices = record->decisions.size();
  for (const auto& decision : record->decisions) failure.uncalm += decision.index != 0 ? 1 : 0;
  report_failure(failure, where);
}

}  // namespace

std::string current_test() {
  const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  return info == nullptr ? std::string{"unnamed"} : fmt::format("{}.{}", info->test_suite_name(), info->name());
}

void run_capturing_assertions(sim::World& world, const std::function<void()>& body) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter{
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results};
    body();
  }
  for (int i = 0; i < results.size(); ++i) {
    const ::testing::TestPartResult& result = results.GetTestPartResult(i);
    if (!result.failed()) continue;
    const std::string message = result.message();
    world.internals().report_finding({.kind = sim::FindingKind::assertion_failed,
                                      .name = message.substr(0, message.find('\n')),
                                      .detail = message,
                                      .file = result.file_name() == nullptr ? "" : result.file_name(),
                                      .line = static_cast<std::uint32_t>(std::max(result.line_number(), 0))});
    return;
  }
}

void check_property(const Property& property, CheckOptions options, std::source_location where) {
  const Settings& set = settings();
  options.runs = set.runs.value_or(options.runs);
  options.run.faults = set.faults.value_or(options.run.faults);
  options.run.operations_max = set.max_steps.value_or(options.run.operations_max);
  const std::uint64_t seed = set.seed.value_or(default_seed);
  if (set.replay) {
    const bool is_file = set.replay->contains('/') || set.replay->ends_with(".orrery");
    if (is_file) {
      replay_file(property, options, *set.replay, where);
    } else {
      replay_token(property, options, *set.replay, where);
    }
    return;
  }
  say(fmt::format("seed {:#x}, {} runs, strategy random, faults {}", seed, options.runs, name_of(options.run.faults)));
  const CampaignResult result = run_campaign(property, options, seed);
  if (result.failure) {
    const Failure& failure = *result.failure;
    if (failure.finding.kind != sim::FindingKind::non_determinism) {
      say(fmt::format("run {} failed; shrunk in {} steps ({} runs); replayed twice: identical", failure.run,
                      failure.shrink_steps, failure.shrink_runs));
    }
    report_failure(failure, where);
    return;
  }
  std::string coverage;
  for (const auto& [name, hits] : result.sometimes) {
    if (hits == 0) {
      say(fmt::format("NEVER HAPPENED   sometimes \"{}\": 0 of {} runs (warning)", name, result.runs));
    } else {
      coverage += fmt::format(", sometimes \"{}\" in {} runs", name, hits);
    }
  }
  say(fmt::format("{} runs held, {} steps, {} virtual{}", grouped(result.runs), grouped(result.steps),
                  format_duration(result.virtual_time), coverage));
}

}  // namespace orrery::testkit::detail
