// Goal:   what a system wrote down last can be read while it runs, and after it has crashed.
// Method: every file is read as JSON, and compared with what the actors did. A crash happens in a child process.
#include <orrery/system.hpp>
#include <orrery/testkit/json.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace orrery;
using namespace std::chrono_literals;
using testkit::Json;

struct Add {
  using Reply = int;
  int amount;
};
struct Break {};
struct Relay {
  using Reply = int;
  int amount;
};
struct Counter {
  int sum = 0;
  int handle(Add m) { return sum += m.amount; }
  void handle(Break) { throw std::runtime_error{"broken"}; }
};
struct Clerk {
  Ref<Counter> counter;
  int handle(Relay m) { return counter.ask(Add{m.amount}, no_timeout).value_or(-1); }
};

std::string folder() {
  const auto made = std::filesystem::path{testing::TempDir()} / ("orrery-flight-" + std::to_string(getpid()));
  std::filesystem::create_directories(made);
  return made.string();
}

std::vector<Json> read_lines(const std::string& path) {
  std::ifstream file{path};
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) {
    auto json = testkit::parse_json(line);
    EXPECT_TRUE(json.has_value()) << line;
    if (json) lines.push_back(std::move(*json));
  }
  return lines;
}

/// Returns: "kind from>to message" of each line, without spawns and exits.
std::vector<std::string> story(const std::vector<Json>& lines, bool with_lives = false) {
  std::vector<std::string> all;
  for (const Json& line : lines) {
    const std::string kind{line["kind"].text()};
    if (!with_lives && (kind == "spawn" || kind == "exit")) continue;
    const auto part = [&](std::string_view key) { return std::string{line[key].text()}; };
    all.push_back(kind + " " + part("from") + ">" + part("to") + " " + part("message"));
  }
  return all;
}

SystemOptions recording(std::uint32_t entries = 64) {
  SystemOptions options;
  options.threads = 1;
  options.flight.entries = entries;
  options.flight.crash_folder.clear();
  options.read_environment = false;
  options.report_to = [](std::string_view, const std::string&) {};
  return options;
}

TEST(FlightRecorder, writes_what_was_sent_handled_and_resumed_in_the_schema_of_a_trace) {
  const std::string path = folder() + "/dump.jsonl";
  {
    System system{recording()};
    const Ref<Counter> counter = system.spawn("counter", Counter{});
    const Ref<Clerk> clerk = system.spawn("clerk", Clerk{counter});
    EXPECT_EQ(clerk.ask(Relay{7}, no_timeout).value(), 7);
    ASSERT_TRUE(system.await_quiescence(60s));
    ASSERT_TRUE(system.dump_flight_recorder(path).has_value());
  }
  const std::vector<Json> lines = read_lines(path);
  EXPECT_EQ(story(lines), (std::vector<std::string>{"take outside>clerk Relay", "enqueue clerk>counter Add",
                                                    "take clerk>counter Add", "resume clerk> "}));
  std::uint64_t before = 0;
  for (const Json& line : lines) {
    EXPECT_EQ(line["schema"].number(), 1U);
    EXPECT_GE(line["t_ns"].number(), before);
    before = line["t_ns"].number();
  }
  const Json& take = lines[lines.size() - 2];
  EXPECT_EQ(take["type"].text(), "Counter");
  EXPECT_EQ(take["gen"].number(), 1U);
  EXPECT_EQ(take["step"].number(), 2U);
  EXPECT_TRUE(take["file"].text().ends_with("recorder_test.cpp"));
  EXPECT_NE(take["line"].number(), 0U);
  EXPECT_LT(before, 60'000'000'000U);  // since the system began, by a clock that counts nanoseconds
}

TEST(FlightRecorder, writes_lives_refusals_and_dead_letters) {
  const std::string path = folder() + "/lives.jsonl";
  {
    System system{recording()};
    struct Go {};
    struct Parent {
      void handle(Go, Context& context) {
        const Ref<Counter> child =
            context.spawn("child", Counter{}, {.restart = Restart{.intensity = 1, .period = 1min}}).value();
        child.tell(Break{});
        child.tell(Break{});
        child.tell(Add{1}, ignore_reply);
      }
    };
    const Ref<Parent> parent = system.spawn("parent", Parent{});
    parent.tell(Go{});
    ASSERT_TRUE(system.await_quiescence(60s));
    ASSERT_TRUE(system.dump_flight_recorder(path).has_value());
  }
  const std::vector<std::string> all = story(read_lines(path), true);
  EXPECT_EQ(all[0], "take outside>parent Go");
  EXPECT_TRUE(all[1].starts_with("spawn parent>gone#")) << all[1];  // it has ended since
  const auto count = [&](std::string_view begin) {
    return std::ranges::count_if(all, [&](const std::string& one) { return one.starts_with(begin); });
  };
  EXPECT_EQ(count("enqueue parent>gone#"), 3);
  EXPECT_EQ(count("take parent>gone#"), 2);
  EXPECT_EQ(count("restart gone#"), 1);
  EXPECT_EQ(count("exit gone#"), 1);
  EXPECT_EQ(count("dead letter parent>gone#"), 1);
}

TEST(FlightRecorder, keeps_payloads_when_they_are_wanted) {
  const std::string path = folder() + "/payloads.jsonl";
  SystemOptions options = recording();
  options.flight.text_bytes = 100;
  System system{options};
  const Ref<Counter> counter = system.spawn("counter", Counter{});
  EXPECT_EQ(counter.ask(Add{7}, no_timeout).value(), 7);
  ASSERT_TRUE(system.dump_flight_recorder(path).has_value());
  EXPECT_EQ(story(read_lines(path)), (std::vector<std::string>{"take outside>counter Add{amount=7}"}));
}

TEST(FlightRecorder, can_be_read_while_all_go_on) {
  const std::string path = folder() + "/load.jsonl";
  SystemOptions options = recording(1'000);
  options.threads = 3;
  System system{options};
  struct Ping {
    int left;
  };
  struct Player {
    Ref<Counter> counter;
    void handle(Ping m, Context& context) {
      counter.tell(Add{1}, ignore_reply);
      if (m.left > 0) context.self(*this).tell(Ping{m.left - 1});
    }
  };
  const Ref<Counter> counter = system.spawn("counter", Counter{});
  for (int i = 0; i < 3; ++i) system.spawn("player#" + std::to_string(i), Player{counter}).value().tell(Ping{20'000});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(system.dump_flight_recorder(path).has_value());
    std::uint64_t before = 0;
    for (const Json& line : read_lines(path)) {
      EXPECT_GE(line["t_ns"].number(), before);
      before = line["t_ns"].number();
    }
  }
  ASSERT_TRUE(system.await_quiescence(60s));
}

TEST(FlightRecorder, tells_what_several_workers_did_in_the_order_of_time) {
  SystemOptions options;
  options.read_environment = false;
  System system{options};
  FlightRecorder recorder{{.entries = 16, .text_bytes = 0, .crash_folder = ""}, system, 3};
  alignas(16) std::array<std::byte, Envelope::header_bytes + sizeof(Add)> block{};
  auto* const envelope = ::new (block.data())
      Envelope{detail::operations<Counter, Add>, Priority::normal, 0, sizeof block, std::source_location::current()};
  ::new (envelope->payload()) Add{1};
  const std::string path = folder() + "/merged.jsonl";
  std::vector<std::string> expected;
  for (std::uint32_t i = 0; i < 12; ++i) {
    recorder.ring((i * i) % 3).sent(nullptr, {1'000'000 + i, 1}, *envelope);  // nobody lives there
    expected.push_back("enqueue outside>gone#" + std::to_string(1'000'000 + i) + ".1 Add");
  }
  ASSERT_TRUE(recorder.dump(path).has_value());
  EXPECT_EQ(story(read_lines(path)), expected);
}

TEST(FlightRecorder, is_off_unless_somebody_asks_for_it) {
  struct sigaction before{};
  sigaction(SIGSEGV, nullptr, &before);
  SystemOptions options;
  options.read_environment = false;
  System system{options};
  const auto dumped = system.dump_flight_recorder(folder() + "/none.jsonl");
  ASSERT_FALSE(dumped.has_value());
  EXPECT_TRUE(dumped.error().starts_with("the flight recorder is off"));
  struct sigaction now{};
  sigaction(SIGSEGV, nullptr, &now);
  EXPECT_EQ(now.sa_sigaction, before.sa_sigaction);
}

TEST(FlightRecorder, says_when_its_file_cannot_be_written) {
  System system{recording()};
  EXPECT_FALSE(system.dump_flight_recorder("/nowhere/at/all").has_value());
}

TEST(FlightRecorder, leaves_the_handlers_of_signals_as_they_were) {
  struct sigaction before{};
  sigaction(SIGSEGV, nullptr, &before);
  {
    SystemOptions options = recording();
    options.flight.crash_folder = folder();
    System first{options};
    System second{options};
    struct sigaction mine{};
    sigaction(SIGSEGV, nullptr, &mine);
    EXPECT_NE(mine.sa_sigaction, before.sa_sigaction);
  }
  struct sigaction after{};
  sigaction(SIGSEGV, nullptr, &after);
  EXPECT_EQ(after.sa_sigaction, before.sa_sigaction);
}

// ---- crashes ------------------------------------------------------------------------------------------------------

struct Crash {
  int how;
};
struct Victim {
  [[gnu::noinline]] static int dive(int depth) {  // no tail call, and no end that the compiler sees
    volatile char room[512];
    room[0] = static_cast<char>(depth);
    return depth < 0 ? 0 : dive(depth + 1) + room[0];
  }
  static void throw_on() noexcept { fail(); }
  [[gnu::noinline]] static void fail() { throw std::runtime_error{"nobody catches it"}; }
  /// Nowhere is not known to the compiler, which may otherwise leave out what cannot be. (UBSan would end the process by itself,
  /// before the processor notices.)
  [[gnu::no_sanitize("undefined")]] [[gnu::noinline]] static void write_nowhere() {
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
  }
  void handle(Crash m) {
    switch (m.how) {
      case 0:
        write_nowhere();
        break;
      case 1:
        ORRERY_CHECK(m.how == 0, "this cannot happen");
        break;
      case 2:
        throw_on();
        break;
      default:
        dive(0);
    }
  }
};
struct Starter {
  Ref<Victim> victim;
  void handle(Crash m) { victim.tell(m); }
};

constexpr const char* way_variable = "FLIGHT_TEST_WAY";  // in which way the child process is to die
constexpr const char* folder_variable = "FLIGHT_TEST_FOLDER";

/// What the child process does. Executed anew, since a sanitizer lets no copy of a process start threads.
TEST(FlightRecorderChild, DISABLED_dies) {
  const char* const way = std::getenv(way_variable);
  const char* const where = std::getenv(folder_variable);
  if (way == nullptr || where == nullptr) return;
  (void)std::freopen("/dev/null", "w", stderr);
  SystemOptions options = recording();
  options.flight.crash_folder = where;
  options.threads = 2;
  System system{options};
  const Ref<Victim> victim = system.spawn("victim", Victim{});
  const Ref<Starter> starter = system.spawn("starter", Starter{victim});
  starter.tell(Crash{std::atoi(way)});
  for (;;) pause();
}

/// Returns: what a process that crashes in that way leaves behind.
std::vector<Json> crash(int how) {
  const std::string where = folder();
  const std::string way = std::to_string(how);
  setenv(way_variable, way.c_str(), 1);
  setenv(folder_variable, where.c_str(), 1);
  const pid_t child = fork();
  if (child == 0) {
    (void)std::freopen("/dev/null", "w", stdout);
    execl("/proc/self/exe", "flight_test", "--gtest_also_run_disabled_tests",
          "--gtest_filter=FlightRecorderChild.DISABLED_dies", nullptr);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  unsetenv(way_variable);
  unsetenv(folder_variable);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return read_lines(where + "/orrery-crash-" + std::to_string(child) + ".jsonl");
}

class FlightRecorderCrash : public testing::TestWithParam<int> {};

TEST_P(FlightRecorderCrash, leaves_a_file_that_ends_with_who_was_doing_what) {
  const std::vector<Json> lines = crash(GetParam());
  ASSERT_FALSE(lines.empty());
  const std::vector<std::string> all = story(lines);
  ASSERT_GE(all.size(), 4U);
  EXPECT_EQ(all[all.size() - 4], "take outside>starter Crash");
  EXPECT_EQ(all[all.size() - 3], "enqueue starter>victim Crash");
  EXPECT_EQ(all[all.size() - 2], "take starter>victim Crash");
  EXPECT_EQ(all[all.size() - 1], "crash victim> Crash");
  EXPECT_EQ(lines.back()["finding"].text(), GetParam() == 0 || GetParam() == 3 ? "SIGSEGV" : "SIGABRT");
  EXPECT_EQ(lines.back()["type"].text(), "Victim");
}

const char* name_of_way(int how) {
  return how == 0 ? "null" : how == 1 ? "check" : how == 2 ? "terminate" : "end_of_stack";
}
INSTANTIATE_TEST_SUITE_P(Ways, FlightRecorderCrash, testing::Values(0, 1, 2, 3),
                         [](const auto& way) { return std::string{name_of_way(way.param)}; });

}  // namespace
