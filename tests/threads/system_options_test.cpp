// Where a system's options come from, and what becomes of a bad one.
#include "orrery/threads/system.hpp"

#include <gtest/gtest.h>

#include <map>

namespace orrery {
namespace {

using namespace std::chrono_literals;
using testing::ExitedWithCode;

using Environment = std::map<std::string, std::string>;

std::expected<ResolvedOptions, std::string> resolve(std::vector<std::string_view> arguments,
                                                    const Environment& environment = {}, SystemOptions given = {}) {
  return resolve_options(given, arguments, [&](const char* name) {
    const auto at = environment.find(name);
    return at == environment.end() ? nullptr : at->second.c_str();
  });
}

TEST(SystemOptions, the_flag_wins_over_the_environment_over_the_program_over_the_default) {
  EXPECT_GE(resolve({})->options.threads, 1U);
  EXPECT_EQ(resolve({}, {}, {.threads = 3})->options.threads, 3U);
  EXPECT_EQ(resolve({}, {{"ORRERY_THREADS", "5"}}, {.threads = 3})->options.threads, 5U);
  EXPECT_EQ(resolve({"--threads", "7"}, {{"ORRERY_THREADS", "5"}}, {.threads = 3})->options.threads, 7U);
  EXPECT_EQ(resolve({"--orrery_threads=9"})->options.threads, 9U);
}

TEST(SystemOptions, every_option_can_be_set_by_its_name) {
  const Environment environment{{"ORRERY_ASK_TIMEOUT_MS", "250"},
                                {"ORRERY_MAILBOX_DEPTH_WARNING", "0"},
                                {"ORRERY_DEAD_LETTERS_MAX", "7"},
                                {"ORRERY_BATCH", "8"},
                                {"ORRERY_ACTORS_MAX", "99"},
                                {"ORRERY_STACK_KB", "128"},
                                {"ORRERY_STACK_GUARDS", "0"},
                                {"ORRERY_GUARDED_STACKS_MAX", "10"},
                                {"ORRERY_SPIN_US", "11"},
                                {"ORRERY_TIMER_TICK_BITS", "20"},
                                {"ORRERY_WATCH_PERIOD_MS", "13"},
                                {"ORRERY_STOP_TIMEOUT_MS", "14"},
                                {"ORRERY_REPORTS_PER_MINUTE", "15"},
                                {"ORRERY_DRAW_SEED", "18446744073709551615"}};
  const SystemOptions options = resolve({}, environment)->options;
  EXPECT_EQ(options.runtime.ask_timeout, 250ms);
  EXPECT_EQ(options.runtime.mailbox_depth_warning, 0U);
  EXPECT_EQ(options.runtime.dead_letters.records_max, 7U);
  EXPECT_EQ(options.runtime.batch, 8U);
  EXPECT_EQ(options.runtime.actors_max, 99U);
  EXPECT_EQ(options.stack_bytes, 131'072U);
  EXPECT_FALSE(options.stack_guards);
  EXPECT_EQ(options.guarded_stacks_max, 10U);
  EXPECT_EQ(options.spin, 11us);
  EXPECT_EQ(options.timer_tick_bits, 20U);
  EXPECT_EQ(options.watch_period, 13ms);
  EXPECT_EQ(options.stop_timeout, 14ms);
  EXPECT_EQ(options.reports_per_minute, 15U);
  EXPECT_EQ(options.draw_seed, UINT64_MAX);
}

TEST(SystemOptions, a_bad_value_is_named_and_never_ignored) {
  for (const char* const bad : {"", "x", "-1", "257", "3 ", "0x2", "99999999999999999999"}) {
    const auto flag = resolve({"--threads", bad});
    ASSERT_FALSE(flag) << bad;
    EXPECT_EQ(flag.error(),
              std::string{"--threads: '"} + bad +
                  "' is not a whole number from 0 to 256 (worker threads; 0: as many as the machine has)");
    EXPECT_TRUE(resolve({}, {{"ORRERY_THREADS", bad}}).error().starts_with("ORRERY_THREADS: '")) << bad;
  }
  EXPECT_TRUE(resolve({"--threads", "1\n2"}).error().starts_with("--threads: '1?2' is not a whole number"));
  EXPECT_LT(resolve({"--threads", std::string(1'000'000, '9').c_str()}).error().size(), 300U);
  EXPECT_EQ(resolve({"--threads"}).error(), "--threads: needs a value");
  EXPECT_EQ(resolve({"--config=1"}).error(), "--config: takes no value");
  EXPECT_EQ(resolve({"--orrery_thread=1"}).error(), "--orrery_thread: unknown flag; try --config");
  EXPECT_EQ(resolve({"--orrery-threads=1"}).error(), "--orrery-threads: unknown flag; try --config");
  EXPECT_TRUE(resolve({}, {}, {.threads = 1000}).error().starts_with("threads: the program sets 1000"));
}

TEST(SystemOptions, what_is_not_ours_is_left_alone) {
  const auto resolved = resolve({"--verbose", "--threads=2", "--batch", "x", "--", "--threads=nonsense"});
  ASSERT_TRUE(resolved) << resolved.error();
  EXPECT_EQ(resolved->used, (std::vector<std::size_t>{1}));
  EXPECT_EQ(resolved->options.runtime.batch, RuntimeOptions{}.batch);
  EXPECT_TRUE(resolve({}, {{"ORRERY_SEED", "not ours"}}));
  EXPECT_EQ(resolve({}, {{"ORRERY_THREADS", "x"}}, {.threads = 2, .read_environment = false})->options.threads, 2U);
}

TEST(SystemOptions, describe_prints_every_option_with_value_and_origin) {
  const auto resolved = resolve({"--threads=2"}, {{"ORRERY_BATCH", "8"}}, {.timer_tick_bits = 20});
  const std::string text = describe(*resolved);
  const auto line = [&](std::string_view name) {
    const auto at = text.find(std::string{name} + ' ');
    return text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(line("threads"),
            "threads                = 2          command line  worker threads; 0: as many as the machine has");
  EXPECT_NE(line("batch").find("= 8          environment"), std::string::npos) << text;
  EXPECT_NE(line("timer_tick_bits").find("= 20         program"), std::string::npos) << text;
  EXPECT_NE(line("stack_kb").find("= 64         default"), std::string::npos) << text;
  EXPECT_NE(describe(SystemOptions{}).find("stop_timeout_ms        = 10000"), std::string::npos);
}

TEST(SystemOptions, the_constructor_takes_its_flags_out_of_the_command_line) {
  std::string words[] = {"program", "--threads", "1", "--mine", "--orrery_batch=3", "file"};
  char* argv[7] = {};
  for (int i = 0; i < 6; ++i) argv[i] = words[i].data();
  int argc = 6;
  System system{argc, argv, {.read_environment = false}};
  EXPECT_EQ(system.options().threads, 1U);
  EXPECT_EQ(system.runtime_options().batch, 3U);
  ASSERT_EQ(argc, 3);
  EXPECT_STREQ(argv[1], "--mine");
  EXPECT_STREQ(argv[2], "file");
  EXPECT_EQ(argv[3], nullptr);
}

void make_system_with(std::string word) {
  std::string program = "program";
  char* argv[] = {program.data(), word.data(), nullptr};
  int argc = 2;
  const System system{argc, argv};
}

TEST(SystemOptionsDeathTest, a_bad_flag_exits_with_2_and_config_with_0) {
  EXPECT_EXIT(make_system_with("--threads=many"), ExitedWithCode(2),
              "^orrery: --threads: 'many' is not a whole number");
  EXPECT_EXIT(make_system_with("--orrery_nonsense"), ExitedWithCode(2), "^orrery: --orrery_nonsense: unknown flag");
  EXPECT_EXIT(make_system_with("--config"), ExitedWithCode(0), "");
}

}  // namespace
}  // namespace orrery
