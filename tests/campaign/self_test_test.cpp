// orrery doctor's self-test: it holds here, and sees a clock or entropy that goes past the guard.
#include "orrery/testkit/self_test.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace orrery::testing {
namespace {

using testkit::SelfTest;

std::vector<std::string> bad_ones(const testkit::Leaky& leaky) {
  std::vector<std::string> bad;
  for (const SelfTest& one : testkit::self_test(leaky)) {
    if (!one.is_good) bad.push_back(one.says.substr(0, one.says.find(' ')));
  }
  return bad;
}

/// Past the C library, where no guard can see it.
Duration clock_of_the_kernel() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return Duration{std::chrono::seconds{now.tv_sec}} + std::chrono::nanoseconds{now.tv_nsec};
}

TEST(SelfTest, holds_in_a_program_that_is_sealed) {
  const auto all = testkit::self_test();
  EXPECT_EQ(all.size(), 4U);
  for (const SelfTest& one : all) EXPECT_TRUE(one.is_good) << one.says;
}

TEST(SelfTest, names_the_clock_that_goes_past_the_guard) {
  auto leaky = testkit::leaks_of_this_program();
  leaky.steady_clock = clock_of_the_kernel;
  EXPECT_EQ(bad_ones(leaky), std::vector<std::string>{"std::chrono::steady_clock::now"});
  leaky = testkit::leaks_of_this_program();
  leaky.clock_gettime = clock_of_the_kernel;
  EXPECT_EQ(bad_ones(leaky), std::vector<std::string>{"clock_gettime"});
}

TEST(SelfTest, sees_entropy_that_goes_past_the_guard) {
  auto leaky = testkit::leaks_of_this_program();
  std::uint32_t calls = 0;
  leaky.entropy = [&] { return ++calls; };
  EXPECT_EQ(bad_ones(leaky), std::vector<std::string>{"std::random_device"});
}

}  // namespace
}  // namespace orrery::testing
