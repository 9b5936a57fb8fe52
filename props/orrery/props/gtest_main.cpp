// gtest_main.cpp: main for tests: flags and environment are checked before any test runs.
#include "orrery/testkit/settings.hpp"

#include <gtest/gtest.h>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  auto settings = orrery::testkit::settings_from_environment();
  if (!settings) orrery::testkit::exit_with_usage_error(settings.error());
  if (const auto taken = orrery::testkit::take_flags(*settings, argc, argv); !taken) {
    orrery::testkit::exit_with_usage_error(taken.error());
  }
  if (argc > 1) orrery::testkit::exit_with_usage_error(std::string{"unknown argument "} + argv[1]);
  orrery::testkit::set_settings(std::move(*settings));
  return RUN_ALL_TESTS();
}
