// Goal:   SIGUSR1 asks every system that wants it, and belongs to the process again when they have gone.
#include "orrery/threads/dump_signal.hpp"
#include "tests/threads/system_fixture.hpp"

#include <csignal>

namespace orrery {
namespace {

std::atomic<int> elsewhere{0};

TEST(DumpSignal, calls_all_who_want_it_and_nobody_once_they_have_gone) {
  elsewhere = 0;
  struct sigaction own{};
  struct sigaction before{};
  own.sa_handler = [](int) { ++elsewhere; };
  ASSERT_EQ(sigaction(SIGUSR1, &own, &before), 0);
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  {
    const DumpSignal one{[&] { ++first; }};
    {
      const DumpSignal two{[&] { ++second; }};
      ASSERT_EQ(raise(SIGUSR1), 0);
      EXPECT_TRUE(eventually([&] { return first == 1 && second == 1; }));
    }
    ASSERT_EQ(raise(SIGUSR1), 0);
    EXPECT_TRUE(eventually([&] { return first == 2; }));
    EXPECT_EQ(second, 1);
  }
  EXPECT_EQ(elsewhere, 0);
  ASSERT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(elsewhere, 1) << "as it was before";
  EXPECT_EQ(first, 2);
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(DumpSignal, writes_the_actors_of_a_system_that_asked_for_it) {
  ::testing::internal::CaptureStderr();
  {
    System system{{.threads = 1, .dump_on_sigusr1 = true, .read_environment = false}};
    (void)system.spawn("calm", Counter{});
    ASSERT_EQ(raise(SIGUSR1), 0);
  }  // what it was asked it does before it ends
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("1 actors live\n  calm  Counter, life 1, 0 handled: ready\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace orrery
