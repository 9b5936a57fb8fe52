#include "orrery/testkit/settings.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace orrery::testkit {
namespace {

/// Sets a variable for as long as it lives; the test runner's own are put back.
class Variable {
 public:
  Variable(std::string name, const char* value) : name_{std::move(name)} {
    if (const char* const before = std::getenv(name_.c_str())) before_ = before;
    if (value != nullptr) {
      setenv(name_.c_str(), value, 1);
    } else {
      unsetenv(name_.c_str());
    }
  }
  ~Variable() {
    if (before_) {
      setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      unsetenv(name_.c_str());
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

/// Nothing is set, whatever the caller of the tests has set.
struct Environment : ::testing::Test {
  Variable seed{"ORRERY_SEED", nullptr};
  Variable runs{"ORRERY_RUNS", nullptr};
  Variable replay{"ORRERY_REPLAY", nullptr};
  Variable faults{"ORRERY_FAULTS", nullptr};
  Variable max_steps{"ORRERY_MAX_STEPS", nullptr};
  Variable out{"ORRERY_OUT", nullptr};
  Variable ci{"ORRERY_CI", nullptr};
  Variable github{"GITHUB_ACTIONS", nullptr};

  static std::string error_of(const std::string& name, const char* value) {
    const Variable variable{name, value};
    const auto read = settings_from_environment();
    return read ? "no error" : read.error();
  }
};
using SettingsFromEnvironment = Environment;
using Flags = Environment;

TEST_F(SettingsFromEnvironment, are_empty_when_nothing_is_set) {
  const auto read = settings_from_environment();
  ASSERT_TRUE(read) << read.error();
  EXPECT_FALSE(read->seed || read->runs || read->replay || read->faults || read->max_steps);
  EXPECT_EQ(read->out, "orrery-out");
}

TEST_F(SettingsFromEnvironment, take_every_variable) {
  const Variable a{"ORRERY_SEED", "0x5EED"};
  const Variable b{"ORRERY_RUNS", "18446744073709551615"};
  const Variable c{"ORRERY_REPLAY", "b7k2-9f3c"};
  const Variable d{"ORRERY_FAULTS", "none"};
  const Variable e{"ORRERY_MAX_STEPS", "1"};
  const Variable f{"ORRERY_OUT", "/tmp/x"};
  const auto read = settings_from_environment();
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->seed, 0x5eedU);
  EXPECT_EQ(read->runs, UINT64_MAX);
  EXPECT_EQ(read->replay, "b7k2-9f3c");
  EXPECT_EQ(read->faults, sim::FaultProfile::none);
  EXPECT_EQ(read->max_steps, 1U);
  EXPECT_EQ(read->out, "/tmp/x");
}

TEST_F(SettingsFromEnvironment, know_decimal_and_hexadecimal_seeds_and_local_faults) {
  for (const auto& [text, number] : std::vector<std::pair<const char*, std::uint64_t>>{
           {"0", 0}, {"42", 42}, {"0x10", 16}, {"0XfF", 255}, {"0xffffffffffffffff", UINT64_MAX}}) {
    const Variable variable{"ORRERY_SEED", text};
    EXPECT_EQ(settings_from_environment()->seed, number) << text;
  }
  const Variable variable{"ORRERY_FAULTS", "local"};
  EXPECT_EQ(settings_from_environment()->faults, sim::FaultProfile::local);
}

TEST_F(SettingsFromEnvironment, refuse_a_number_that_is_none) {
  for (const char* const text :
       {"", " ", "x", "0x", "-1", "+1", "1.5", "1e3", "12 ", " 12", "0xg", "99999999999999999999"}) {
    for (const std::string name : {"ORRERY_SEED", "ORRERY_RUNS", "ORRERY_MAX_STEPS"}) {
      const std::string least = name == "ORRERY_SEED" ? "0" : "1";
      EXPECT_EQ(error_of(name, text), name + "=\"" + text + "\" is not a whole number of at least " + least +
                                          " (decimal, or hexadecimal with 0x)");
    }
  }
  EXPECT_NE(error_of("ORRERY_RUNS", "0"), "no error");
  EXPECT_NE(error_of("ORRERY_JOBS", "0"), "no error");
  EXPECT_EQ(error_of("ORRERY_JOBS", "1000"), "ORRERY_JOBS=\"1000\" is more than 256");
  EXPECT_NE(error_of("ORRERY_MAX_STEPS", "0"), "no error");
}

TEST_F(SettingsFromEnvironment, say_what_is_wrong_in_one_line_whatever_it_is) {
  EXPECT_EQ(error_of("ORRERY_FAULTS", "a\r\nb\x1b[2J"),
            "ORRERY_FAULTS=\"a??b?[2J\" is not a fault profile: none, local or heavy");
  EXPECT_LT(error_of("ORRERY_RUNS", std::string(100'000, '9').c_str()).size(), 500U);
}

TEST_F(SettingsFromEnvironment, refuse_unknown_faults_and_empty_names) {
  EXPECT_EQ(error_of("ORRERY_FAULTS", "gentle"),
            "ORRERY_FAULTS=\"gentle\" is not a fault profile: none, local or heavy");
  EXPECT_EQ(error_of("ORRERY_FAULTS", ""), "ORRERY_FAULTS=\"\" is not a fault profile: none, local or heavy");
  EXPECT_EQ(error_of("ORRERY_REPLAY", ""), "ORRERY_REPLAY is empty");
  EXPECT_EQ(error_of("ORRERY_OUT", ""), "ORRERY_OUT is empty");
}

TEST_F(SettingsFromEnvironment, take_what_a_campaign_is_made_by) {
  const Variable jobs{"ORRERY_JOBS", "4"};
  const Variable time{"ORRERY_TIME", "90s"};
  const Variable explore{"ORRERY_EXPLORE", "1"};
  const Variable stop{"ORRERY_STOP_AFTER", "3"};
  const Variable resume{"ORRERY_RESUME", "1"};
  const Variable kept{"ORRERY_REGRESSIONS", "/tmp/kept"};
  const Variable json{"ORRERY_JSON", "/tmp/events"};
  const Variable service{"ORRERY_CI", "github"};
  const Variable mode{"ORRERY_MODE", "shrink"};
  const auto read = settings_from_environment();
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->jobs, 4U);
  EXPECT_EQ(read->time, std::chrono::seconds{90});
  EXPECT_TRUE(read->explore && read->resume && read->github);
  EXPECT_EQ(read->stop_after, 3U);
  EXPECT_EQ(read->regressions, "/tmp/kept");
  EXPECT_EQ(read->json, "/tmp/events");
  EXPECT_EQ(read->mode, Mode::shrink);
}

TEST_F(SettingsFromEnvironment, know_times_and_refuse_what_is_none) {
  EXPECT_EQ(parse_time("1500ms"), std::chrono::milliseconds{1'500});
  EXPECT_EQ(parse_time("90"), std::chrono::seconds{90});
  EXPECT_EQ(parse_time("10m"), std::chrono::minutes{10});
  EXPECT_EQ(parse_time("8h"), std::chrono::hours{8});
  for (const char* const text :
       {"", "s", "0", "0s", "-1s", "1.5h", "1 h", "8 hours", "99999999999999999999s", "9999999h"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
  EXPECT_EQ(error_of("ORRERY_TIME", "soon"),
            "ORRERY_TIME=\"soon\" is not a time: a whole number and ms, s, m or h, at most a year, such as 90s");
}

TEST_F(SettingsFromEnvironment, refuse_switches_modes_and_services_that_they_do_not_know) {
  EXPECT_EQ(error_of("ORRERY_EXPLORE", "yes"), "ORRERY_EXPLORE=\"yes\" is neither 0 nor 1");
  EXPECT_EQ(error_of("ORRERY_MODE", "fast"),
            "ORRERY_MODE=\"fast\" is not a mode: check, loose, shrink, step, step-json or trace");
  EXPECT_EQ(error_of("ORRERY_CI", "jenkins"), "ORRERY_CI=\"jenkins\" is not known: auto, github or off");
  EXPECT_EQ(error_of("ORRERY_STOP_AFTER", "-1").substr(0, 22), "ORRERY_STOP_AFTER=\"-1\"");
}

TEST_F(SettingsFromEnvironment, annotate_on_github_unless_that_is_switched_off) {
  const Variable runner{"GITHUB_ACTIONS", "true"};
  EXPECT_TRUE(settings_from_environment()->github);
  const Variable off{"ORRERY_CI", "off"};
  EXPECT_FALSE(settings_from_environment()->github);
}

TEST_F(SettingsFromEnvironment, refuse_a_variable_that_is_nearly_one_of_ours) {
  EXPECT_EQ(error_of("ORRERY_RUN", "5"), "unknown variable ORRERY_RUN; is ORRERY_RUNS meant?");
  EXPECT_EQ(error_of("ORRERY_SEDE", "5"), "unknown variable ORRERY_SEDE; is ORRERY_SEED meant?");
  EXPECT_EQ(error_of("ORRERY_MAXSTEPS", "5"), "unknown variable ORRERY_MAXSTEPS; is ORRERY_MAX_STEPS meant?");
  EXPECT_EQ(error_of("ORRERY_TEST_SCALE", "short"), "no error");
  EXPECT_EQ(error_of("ORRERY_THREADS", "2"), "no error");
  EXPECT_EQ(error_of("OTHER_SEED", "x"), "no error");
}

/// A command line as main gets it.
struct CommandLine {
  explicit CommandLine(std::vector<std::string> all) : words{std::move(all)} {
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    count = static_cast<int>(words.size());
  }
  std::vector<std::string> words;
  std::vector<char*> pointers;
  int count = 0;
};

TEST_F(Flags, win_over_the_environment_and_are_taken_out) {
  const Variable a{"ORRERY_SEED", "1"};
  const Variable b{"ORRERY_RUNS", "2"};
  auto settings = settings_from_environment();
  ASSERT_TRUE(settings);
  CommandLine line{{"program", "first", "--orrery_seed=0x3", "second", "--orrery_max_steps=5", "--orrery_out=a=b",
                    "--orrery_replay=t", "--orrery_faults=none"}};
  ASSERT_TRUE(take_flags(*settings, line.count, line.pointers.data()));
  EXPECT_EQ(settings->seed, 3U);
  EXPECT_EQ(settings->runs, 2U);
  EXPECT_EQ(settings->max_steps, 5U);
  EXPECT_EQ(settings->out, "a=b");
  EXPECT_EQ(settings->replay, "t");
  EXPECT_EQ(settings->faults, sim::FaultProfile::none);
  ASSERT_EQ(line.count, 3);
  EXPECT_STREQ(line.pointers[1], "first");
  EXPECT_STREQ(line.pointers[2], "second");
  EXPECT_EQ(line.pointers[3], nullptr);
}

TEST_F(Flags, are_refused_when_unknown_or_without_a_good_value) {
  const auto error_of_flag = [](const std::string& flag) {
    Settings settings;
    CommandLine line{{"program", flag}};
    const auto taken = take_flags(settings, line.count, line.pointers.data());
    return taken ? std::string{"no error"} : taken.error();
  };
  EXPECT_EQ(error_of_flag("--orrery_x=1"), "unknown flag --orrery_x; is --orrery_ci meant? (--help lists them)");
  EXPECT_EQ(error_of_flag("--orrery_=1").substr(0, 12), "unknown flag");
  EXPECT_EQ(error_of_flag("--orrery_seed"), "--orrery_seed needs a value: --orrery_seed=...");
  EXPECT_EQ(error_of_flag("--orrery_seed=x"),
            "--orrery_seed=\"x\" is not a whole number of at least 0 (decimal, or hexadecimal with 0x)");
  EXPECT_EQ(error_of_flag("--orrery_runs=0").substr(0, 19), "--orrery_runs=\"0\" i");
  EXPECT_EQ(error_of_flag("--gtest_filter=*"), "no error");
}

TEST_F(Flags, may_be_none_and_a_program_may_have_no_name) {
  Settings settings;
  CommandLine nameless{{}};
  EXPECT_TRUE(take_flags(settings, nameless.count, nameless.pointers.data()));
  EXPECT_EQ(nameless.count, 0);
}

}  // namespace
}  // namespace orrery::testkit
