// gtest_main.cpp: main for tests: flags and environment are checked before any test runs.
#include "orrery/testkit/check.hpp"
#include "orrery/testkit/self_test.hpp"
#include "orrery/testkit/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

namespace testkit = orrery::testkit;

/// By this the tool `orrery` knows a program that it may ask for its tests.
[[gnu::used]] constinit const char mark[] = "orrery test program 1";

/// GoogleTest knows which tests will run only when it has begun.
class ReplayIsKnown final : public ::testing::EmptyTestEventListener {
  void OnTestProgramStart(const ::testing::UnitTest&) override { testkit::check_replay(); }
};

bool asks_for_help(std::string_view argument) {
  return argument == "--help" || argument == "-h" || argument == "-?" || argument == "/?";
}

}  // namespace

int main(int argc, char** argv) {
  const char* const no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0' && std::getenv("GTEST_COLOR") == nullptr) GTEST_FLAG_SET(color, "no");
  ::testing::InitGoogleMock(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (!asks_for_help(argv[i])) continue;
    const std::string_view help = testkit::help();
    std::printf("\n%.*s", static_cast<int>(help.size()), help.data());
    return 0;
  }
  if (argc == 2 && argv[1] == std::string_view{"--orrery_self_test"}) return testkit::print_self_test();
  auto settings = testkit::settings_from_environment();
  if (!settings) testkit::exit_with_usage_error(settings.error());
  if (const auto taken = testkit::take_flags(*settings, argc, argv); !taken) {
    testkit::exit_with_usage_error(taken.error());
  }
  if (argc > 1) testkit::exit_with_usage_error(std::string{"unknown argument "} + argv[1]);
  testkit::set_settings(std::move(*settings));
  ::testing::UnitTest::GetInstance()->listeners().Append(new ReplayIsKnown);
  return RUN_ALL_TESTS();
}
