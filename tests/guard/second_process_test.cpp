// Goal:   what repeats itself in one process and still depends on where objects lie, or on memory that was never written,
//         is found by making the run once more in a process of its own; a program that does not is left alone.
// Method: the program keeps what it depends on from run to run, so that two runs in one process always agree.
#include "orrery/testkit/second_process.hpp"
#include "orrery/testkit/check.hpp"
#include "orrery/testkit/settings.hpp"
#include "tests/guard/guard_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <source_location>
#include <unordered_map>

namespace orrery::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testkit::DeterminismCheck;

struct Number {
  std::uint64_t value = 0;
};

struct Listener {
  std::uint64_t sum = 0;
  void handle(Number number) { sum = sum * 31 + number.value; }
};

struct SecondProcess : ::testing::Test {
  SecondProcess() { set.out = folder.string(); }
  ~SecondProcess() override {
    testkit::set_settings(before);
    std::filesystem::remove_all(folder);
  }

  /// Runs a check with settings of its own and keeps what it reports and prints.
  template <class F>
  void run(F body, DeterminismCheck check = DeterminismCheck::automatic) {
    set.check_determinism = check;
    set.runs = 5;
    testkit::set_settings(set);
    if (testkit::is_second_process()) return sim::check(std::move(body));
    ::testing::internal::CaptureStdout();
    {
      ::testing::ScopedFakeTestPartResultReporter reporter{
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &reported};
      sim::check(std::move(body));
    }
    printed = ::testing::internal::GetCapturedStdout();
  }
  [[nodiscard]] std::string story() const {
    return reported.size() == 0 ? "nothing" : reported.GetTestPartResult(0).message();
  }

  testkit::Settings before = testkit::settings();
  testkit::Settings set;
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("orrery_second_process_test_{}", ::getpid());
  ::testing::TestPartResultArray reported;
  std::string printed;
};

/// Tells a listener about objects in the order of their addresses.
void tell_by_address(World& world) {
  struct Item {
    std::uint64_t id;
    std::uint64_t weight;
  };
  static const std::vector<std::unique_ptr<Item>> items = [] {
    std::vector<std::unique_ptr<Item>> made;
    for (std::uint64_t i = 0; i < 8; ++i) made.push_back(std::make_unique<Item>(Item{i, i}));
    return made;
  }();
  std::set<const Item*> by_address;
  for (const auto& item : items) by_address.insert(item.get());
  const auto listener = world.spawn(Listener{});
  for (const Item* const item : by_address) listener.tell(Number{item->id});
  world.run();
}

/// Tells a listener what stands in a field that nobody has written.
void tell_what_was_never_written(World& world) {
  struct Record {
    std::uint64_t before[4];
    std::uint64_t balance;
  };
  static const volatile Record* const record = static_cast<Record*>(::operator new(sizeof(Record)));
  const auto listener = world.spawn(Listener{});
  listener.tell(Number{record->balance});
  world.run();
}

TEST_F(SecondProcess, finds_an_order_of_addresses_although_the_first_run_holds) {
  run([](World& world) { tell_by_address(world); }, DeterminismCheck::process);
  EXPECT_THAT(story(), HasSubstr("NON-DETERMINISM  \"run 0 differs in another process\""));
  EXPECT_THAT(story(), HasSubstr("equal, then they differ:"));
  EXPECT_THAT(story(), HasSubstr("first :"));
  EXPECT_THAT(story(), HasSubstr("second:"));
  EXPECT_THAT(story(), HasSubstr("Number"));
}

TEST_F(SecondProcess, finds_an_order_of_addresses_in_a_run_that_fails) {
  run([](World& world) {
    tell_by_address(world);
    EXPECT_TRUE(false);
  });
  EXPECT_THAT(story(), HasSubstr("NON-DETERMINISM  \"run 0 differs in another process\""));
}

TEST_F(SecondProcess, finds_the_order_of_a_hash_table_of_addresses) {
  run(
      [](World& world) {
        static const std::vector<std::unique_ptr<int>> items = [] {
          std::vector<std::unique_ptr<int>> made;
          for (int i = 0; i < 8; ++i) made.push_back(std::make_unique<int>(i));
          return made;
        }();
        std::unordered_map<const int*, int> by_address;
        for (const auto& item : items) by_address.emplace(item.get(), *item);
        const auto listener = world.spawn(Listener{});
        for (const auto& [address, value] : by_address) listener.tell(Number{static_cast<std::uint64_t>(value)});
        world.run();
      },
      DeterminismCheck::process);
  EXPECT_THAT(story(), HasSubstr("differs in another process"));
}

TEST_F(SecondProcess, finds_memory_that_was_never_written) {
  run([](World& world) { tell_what_was_never_written(world); }, DeterminismCheck::process);
  EXPECT_THAT(story(), HasSubstr("NON-DETERMINISM  \"run 0 differs in another process\""));
}

TEST_F(SecondProcess, finds_a_run_that_only_there_is_killed) {
  run([](World& world) {
    if (testkit::is_second_process()) ::raise(SIGKILL);
    world.spawn(Listener{}).tell(Number{1});
    world.run();
    EXPECT_TRUE(false);
  });
  EXPECT_THAT(story(), HasSubstr("second: it was killed by signal 9"));
}

TEST_F(SecondProcess, says_nothing_of_a_program_that_repeats_itself_there) {
  const auto body = [](World& world) {
    const auto listener = world.spawn(Listener{});
    for (std::uint64_t i = 0; i < 8; ++i) listener.tell(Number{i});
    world.run();
  };
  run(body, DeterminismCheck::process);
  EXPECT_EQ(story(), "nothing");
  EXPECT_THAT(printed, HasSubstr("5 runs held"));
  EXPECT_THAT(printed, Not(HasSubstr("not repeated")));
}

TEST_F(SecondProcess, leaves_a_failure_that_repeats_itself_there_as_it_is) {
  run([](World& world) {
    world.spawn(Listener{}).tell(Number{1});
    world.run();
    EXPECT_TRUE(false);
  });
  EXPECT_THAT(story(), HasSubstr("ASSERTION FAILED"));
  EXPECT_THAT(printed, Not(HasSubstr("not repeated")));
}

TEST_F(SecondProcess, is_asked_for_the_check_that_failed_not_for_the_first) {
  run([](World& world) { tell_what_was_never_written(world); });
  EXPECT_EQ(story(), "nothing");
  run([](World& world) {
    world.spawn(Listener{}).tell(Number{2});
    world.run();
    EXPECT_TRUE(false);
  });
  EXPECT_THAT(story(), HasSubstr("ASSERTION FAILED"));
  EXPECT_THAT(printed, Not(HasSubstr("not repeated")));
}

TEST_F(SecondProcess, that_does_not_reach_the_check_proves_nothing_and_is_mentioned) {
  if (testkit::is_second_process()) return;
  run([](World& world) {
    world.spawn(Listener{}).tell(Number{1});
    world.run();
    EXPECT_TRUE(false);
  });
  EXPECT_THAT(story(), HasSubstr("ASSERTION FAILED"));
  EXPECT_THAT(printed, HasSubstr("run 0 was not repeated in another process: it did not reach the check"));
}

TEST_F(SecondProcess, is_not_started_when_it_is_switched_off) {
  run(
      [](World& world) {
        tell_by_address(world);
        EXPECT_TRUE(false);
      },
      DeterminismCheck::off);
  EXPECT_THAT(story(), HasSubstr("ASSERTION FAILED"));
}

TEST_F(SecondProcess, makes_the_same_choices_and_draws) {
  run(
      [](World& world) {
        const auto listener = world.spawn(Listener{});
        for (int i = 0; i < 3; ++i) {
          const auto sender = world.spawn(Doer{[listener](Context& context) {
            context.sleep(1ms * (std::rand() % 3));
            listener.tell(Number{static_cast<std::uint64_t>(std::rand())});
          }});
          sender.tell(Go{});
        }
        world.run();
      },
      DeterminismCheck::process);
  EXPECT_EQ(story(), "nothing");
  EXPECT_THAT(printed, Not(HasSubstr("not repeated")));
}

}  // namespace
}  // namespace orrery::testing
