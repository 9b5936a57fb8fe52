#include "orrery/testkit/check.hpp"

#include "orrery/testkit/settings.hpp"
#include "tests/testkit/little_properties.hpp"

#include <fmt/core.h>
#include <gtest/gtest-spi.h>
#include <unistd.h>  // getpid

#include <filesystem>
#include <source_location>

namespace orrery::testing {
namespace {

using testkit::Settings;

/// Runs checks with settings of its own, in a folder of its own, and keeps what they report and print.
struct Check : ::testing::Test {
  Check() {
    set.out = folder.string();
    testkit::set_settings(set);
  }
  ~Check() override {
    testkit::set_settings(before);
    std::filesystem::remove_all(folder);
  }

  template <class F>
  void run(F body, CheckOptions options = {}, std::source_location where = std::source_location::current()) {
    testkit::set_settings(set);
    ::testing::internal::CaptureStdout();
    {
      ::testing::ScopedFakeTestPartResultReporter reporter{
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &reported};
      sim::check(std::move(body), options, where);
    }
    printed = ::testing::internal::GetCapturedStdout();
  }
  [[nodiscard]] std::string printed_line(const std::string& part) const {
    const auto at = printed.find(part);
    return at == std::string::npos ? std::string{} : printed.substr(at, printed.find('\n', at) - at);
  }

  Settings before = testkit::settings();
  Settings set;
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("orrery_check_test_{}", ::getpid());
  ::testing::TestPartResultArray reported;
  std::string printed;
};

TEST_F(Check, reports_nothing_when_the_property_holds_and_says_how_much_was_done) {
  run(
      [](World& w, const std::vector<std::uint32_t>& amounts) {
        const auto adder = add_all(w, amounts);
        w.sometimes("ten", [&] { return w.peek(adder).messages == 10; });
        w.run_for(1ms);
      },
      {.runs = 2'100});
  EXPECT_EQ(reported.size(), 0);
  EXPECT_EQ(printed_line("[   SIM    ] seed"),
            "[   SIM    ] seed 0x5eed2026, 2 100 runs, strategy portfolio, faults local");
  EXPECT_EQ(printed_line("[   SIM    ] 2 100 runs held").substr(0, 32), "[   SIM    ] 2 100 runs held, 10");
  EXPECT_NE(printed.find(" steps, 2.1s virtual; sometimes \"ten\" in "), std::string::npos) << printed;
  EXPECT_FALSE(std::filesystem::exists(folder));
}

struct Poke {};
struct Lonely {
  void handle(Poke) {}
};

TEST_F(Check, fails_with_a_fault_that_was_planned_again_and_again_and_never_happened) {
  CheckOptions options{.runs = 100};
  options.run.faults = sim::FaultProfile::heavy;
  const auto body = [](World& w) {
    w.heal();
    (void)w.spawn(Lonely{}).tell(Poke{});
    w.run();
  };
  run(body, options);
  ASSERT_GE(reported.size(), 1);
  EXPECT_NE(std::string{reported.GetTestPartResult(0).message()}.find("and never happened"), std::string::npos)
      << reported.GetTestPartResult(0).message();
}

TEST_F(Check, fails_with_a_fault_that_happened_again_and_again_and_never_had_an_effect) {
  CheckOptions options{.runs = 400};
  options.run.faults = sim::FaultProfile::heavy;
  options.run.crashes_max = 1;
  options.run.crash_reach = 1;
  // It loses its only message: nobody is told, and there was no state yet.
  const auto body = [](World& w) {
    (void)w.spawn(Lonely{}).tell(Poke{});
    w.run();
  };
  run(body, options);
  ASSERT_GE(reported.size(), 1);
  EXPECT_NE(std::string{reported.GetTestPartResult(0).message()}.find("and never had an effect"), std::string::npos)
      << reported.GetTestPartResult(0).message();
}

TEST_F(Check, says_how_often_each_fault_was_planned_happened_and_had_an_effect) {
  CheckOptions options{.runs = 200};
  options.run.faults = sim::FaultProfile::heavy;
  options.run.crash_reach = 4;
  const auto body = [](World& w) {
    const auto lonely = w.spawn(Lonely{});
    for (int i = 0; i < 4; ++i) (void)lonely.tell(Poke{});
    w.run();
  };
  run(body, options);
  EXPECT_NE(printed.find("\"crash\" planned "), std::string::npos) << printed;
  EXPECT_NE(printed.find(", had an effect "), std::string::npos) << printed;
}

TEST_F(Check, says_what_never_happened_and_whether_that_means_much) {
  const auto body = [](World& w) {
    w.sometimes("never", [] { return false; });
    w.run();
  };
  run(body, {.runs = 100});
  EXPECT_EQ(printed_line("NEVER"), "NEVER HAPPENED   sometimes \"never\": 0 of 100 runs (warning)");
  run(body, {.runs = 1});
  EXPECT_EQ(printed_line("NEVER"), "NEVER HAPPENED   sometimes \"never\": 0 of 1 run, which are few");
}

TEST_F(Check, reports_one_failure_at_the_line_of_the_assertion_and_writes_its_record) {
  constexpr int line = __LINE__ + 3;
  run([](World& w, const std::vector<std::uint32_t>& amounts) {
    w.run();
    EXPECT_TRUE(amounts.empty());
  });
  ASSERT_EQ(reported.size(), 1);
  const auto& result = reported.GetTestPartResult(0);
  EXPECT_TRUE(result.nonfatally_failed());
  EXPECT_STREQ(result.file_name(), __FILE__);
  EXPECT_EQ(result.line_number(), line);
  const std::string story = result.message();
  EXPECT_TRUE(story.starts_with(fmt::format("ASSERTION FAILED  \"check_test.cpp:{}\"\n", line))) << story;

  const auto at = story.find("RECORD     ");
  ASSERT_NE(at, std::string::npos) << story;
  const std::string path = story.substr(at + 11, story.find('\n', at) - at - 11);
  const auto text = testkit::read_file(path);
  ASSERT_TRUE(text) << text.error();
  const auto record = testkit::parse_record(*text);
  ASSERT_TRUE(record) << record.error();
  EXPECT_EQ(record->test, "Check.reports_one_failure_at_the_line_of_the_assertion_and_writes_its_record");
  const auto report = testkit::read_file(path.substr(0, path.rfind('/')) + "/report.txt");
  ASSERT_TRUE(report);
  EXPECT_EQ(*report, story);
}

TEST_F(Check, reports_at_its_own_line_when_the_failure_has_none) {
  const int line = __LINE__ + 1;
  run([](World&) { throw std::runtime_error{"no line"}; });
  ASSERT_EQ(reported.size(), 1);
  EXPECT_EQ(reported.GetTestPartResult(0).line_number(), line);
}

TEST_F(Check, reports_a_program_that_differs_from_run_to_run) {
  std::uint32_t counter = 0;
  run([&](World& w) {
    w.spawn(Adder{}).tell(Add{counter++});
    w.run();
  });
  ASSERT_EQ(reported.size(), 1);
  EXPECT_TRUE(std::string{reported.GetTestPartResult(0).message()}.starts_with(
      "NON-DETERMINISM  \"two executions of run 0 differ\"\n"));
}

TEST_F(Check, obeys_the_settings_before_what_the_test_says) {
  int bodies = 0;
  set.runs = 7;
  set.seed = 0xabc;
  set.faults = sim::FaultProfile::none;
  run(
      [&](World& w) {
        w.run();
        ++bodies;
      },
      {.runs = 1'000});
  EXPECT_EQ(bodies, 8);  // the first twice
  EXPECT_EQ(printed_line("[   SIM    ] seed"), "[   SIM    ] seed 0xabc, 7 runs, strategy portfolio, faults none");
}

TEST_F(Check, limits_a_run_by_the_settings_and_says_so_in_the_command) {
  set.max_steps = 5;
  run([](World& w) {
    const auto adder = w.spawn(Adder{});
    for (std::uint32_t i = 0; i < 100; ++i) adder.tell(Add{i});
    w.run();
  });
  ASSERT_EQ(reported.size(), 1);
  const std::string story = reported.GetTestPartResult(0).message();
  EXPECT_TRUE(story.starts_with("NO PROGRESS  ")) << story;
  EXPECT_NE(story.find(" ORRERY_MAX_STEPS=5 "), std::string::npos) << story;
}

TEST_F(Check, prints_a_command_that_names_token_program_and_test) {
  run(last_writer_is_two);
  ASSERT_EQ(reported.size(), 1);
  const std::string story = reported.GetTestPartResult(0).message();
  const auto at = story.find("REPRODUCE  ORRERY_REPLAY=");
  ASSERT_NE(at, std::string::npos) << story;
  const std::string command = story.substr(at + 11, story.find('\n', at) - at - 11);
  EXPECT_TRUE(command.ends_with("testkit_test --gtest_filter=Check.prints_a_command_that_names_token_program_and_test"))
      << command;
  const std::string token = command.substr(14, command.find(' ') - 14);
  EXPECT_TRUE(testkit::parse_token(token)) << token;
}

TEST_F(Check, goes_on_when_the_record_cannot_be_written_and_says_so) {
  set.out = "/proc/nowhere";
  run(last_writer_is_two);
  ASSERT_EQ(reported.size(), 1);
  EXPECT_NE(printed.find("cannot write /proc/nowhere/"), std::string::npos) << printed;
  EXPECT_EQ(std::string{reported.GetTestPartResult(0).message()}.find("RECORD"), std::string::npos);
}

TEST_F(Check, gives_every_check_of_a_test_a_name_of_its_own) {
  for (int check = 0; check < 2; ++check)
    run([](World& w, bool b) {
      w.run();
      EXPECT_FALSE(b);
    });
  const std::string test = "Check.gives_every_check_of_a_test_a_name_of_its_own";
  EXPECT_TRUE(std::filesystem::exists(folder / test));
  EXPECT_TRUE(std::filesystem::exists(folder / (test + "#2")));
  const std::string second = reported.GetTestPartResult(1).message();
  EXPECT_NE(second.find("--gtest_filter=" + test + "\n"), std::string::npos) << second;
}

}  // namespace
}  // namespace orrery::testing
