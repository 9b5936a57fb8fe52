// Goal:   an entry says who said what, where and while handling which message; in both worlds; and costs nothing when nobody
//         listens.
#include "tests/flight/allocations.hpp"
#include "tests/flight/two_worlds.hpp"

#include <orrery/testkit/json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace orrery;
using namespace std::chrono_literals;

/// What a sink was given, as lines.
struct Heard {
  std::mutex mutex;
  std::vector<testkit::Json> lines;
  std::vector<std::string> texts;

  LogSink sink() {
    return [this](const LogEntry& entry) {
      auto json = testkit::parse_json(to_json(entry));
      ASSERT_TRUE(json.has_value()) << to_json(entry);
      const std::lock_guard guard{mutex};
      lines.push_back(std::move(*json));
      texts.push_back(to_text(entry));
    };
  }
  void clear() {
    lines.clear();
    texts.clear();
  }
};

struct Price {
  int cents;
};
struct Costly {
  static inline int described = 0;
  friend std::string orrery_describe(const Costly&) {
    ++described;
    return "costly";
  }
};
struct Say {
  int amount;
};
struct SayNothing {
  using Reply = std::size_t;
};
struct Fail {};
struct Speaker {
  void handle(Say m, Context& context) {
    context.log(LogLevel::debug, "not heard", field("amount", m.amount));
    context.log(LogLevel::warning, "refused \"it\"", field("amount", m.amount), field("who", "al\nice"),
                field("price", Price{7}), field("last", true));
  }
  std::size_t handle(SayNothing, Context& context) {
    const Costly costly;
    const std::size_t before = allocations();
    context.log(LogLevel::debug, "nobody listens", field("costly", costly), field("who", "alice"), field("n", 3));
    return allocations() - before;
  }
  void handle(Fail) { throw std::runtime_error{"broken"}; }
};

TEST(Log, says_who_said_what_and_while_handling_what_in_both_worlds) {
  Heard heard;
  RuntimeOptions options;
  options.log.sink = heard.sink();
  in_two_worlds(options, [&](Runtime& runtime, const auto& settle) {
    heard.clear();
    const Ref<Speaker> speaker = runtime.spawn("speaker", Speaker{});
    speaker.tell(Say{5});
    settle();
    ASSERT_EQ(heard.lines.size(), 1U);
    const testkit::Json& line = heard.lines.front();
    EXPECT_EQ(line["schema"].number(), 1U);
    EXPECT_EQ(line["kind"].text(), "log");
    EXPECT_EQ(line["from"].text(), "speaker");
    EXPECT_EQ(line["to"].text(), "");
    EXPECT_EQ(line["message"].text(),
              "warning: refused \"it\" {amount=5, who=al\nice, price=Price{cents=7}, last=true}");
    EXPECT_EQ(line["level"].text(), "warning");
    EXPECT_EQ(line["type"].text(), "Speaker");
    EXPECT_EQ(line["gen"].number(), 1U);
    EXPECT_EQ(line["msg"].text(), "Say");
    EXPECT_EQ(line["text"].text(), "refused \"it\"");
    EXPECT_EQ(line["fields"]["amount"].number(), 5U);
    EXPECT_EQ(line["fields"]["who"].text(), "al\nice");
    EXPECT_EQ(line["fields"]["price"].text(), "Price{cents=7}");
    EXPECT_TRUE(std::holds_alternative<bool>(line["fields"]["last"].value));
    EXPECT_TRUE(line["file"].text().ends_with("log_test.cpp"));
    EXPECT_NE(line["line"].number(), 0U);
    EXPECT_EQ(line["trace_id"].text(), "");
    EXPECT_EQ(heard.texts.front().find('\n'), std::string::npos);
    EXPECT_NE(heard.texts.front().find(" warning speaker (Say) refused \"it\" {amount=5"), std::string::npos);
  });
}

TEST(Log, takes_main_for_outside) {
  Heard heard;
  RuntimeOptions options;
  options.log.sink = heard.sink();
  in_two_worlds(options, [&](Runtime& runtime, const auto&) {
    heard.clear();
    runtime.log(LogLevel::info, "begins");
    ASSERT_EQ(heard.lines.size(), 1U);
    EXPECT_EQ(heard.lines.front()["from"].text(), runtime.path_of({}));
    EXPECT_EQ(heard.lines.front()["message"].text(), "info: begins");
    EXPECT_EQ(heard.lines.front()["type"].text(), "");
  });
}

TEST(Log, evaluates_and_allocates_nothing_below_its_level) {
  Heard heard;
  RuntimeOptions options;
  options.log.sink = heard.sink();
  in_two_worlds(options, [&](Runtime& runtime, const auto&) {
    Costly::described = 0;
    const Ref<Speaker> speaker = runtime.spawn(Speaker{});
    EXPECT_EQ(speaker.ask(SayNothing{}, no_timeout).value(), 0U);
    EXPECT_EQ(Costly::described, 0);
    runtime.set_log_level(LogLevel::debug);
    EXPECT_EQ(speaker.ask(SayNothing{}, no_timeout).value() > 0, counts_allocations);
    EXPECT_EQ(Costly::described, 1);
    runtime.set_log_level(LogLevel::info);
  });
}

TEST(Log, holds_back_what_is_too_much_and_says_how_much_that_was) {
  Heard heard;
  {
    SystemOptions options;
    options.threads = 2;
    options.read_environment = false;
    options.runtime.log = {.sink = heard.sink(), .per_place_max = 3};
    System system{options};
    const Ref<Speaker> speaker = system.spawn(Speaker{});
    for (int i = 0; i < 100; ++i) speaker.tell(Say{i});
    ASSERT_TRUE(system.await_quiescence(60s));
    EXPECT_EQ(system.logs_held_back() + heard.lines.size(), 100U);
    EXPECT_LT(heard.lines.size(), 100U);
    EXPECT_GE(heard.lines.size(), 3U);
    system.log(LogLevel::info, "another place is not held back");
    EXPECT_EQ(heard.lines.back()["from"].text(), "outside");
  }
  std::uint64_t told = 0;
  std::uint64_t said = 0;
  for (const testkit::Json& line : heard.lines) {
    told += line["held_back"].number();
    said += line["from"].text().starts_with("Speaker#") ? 1 : 0;
  }
  EXPECT_EQ(told + said, 100U);
}

TEST(Log, tells_of_lives_and_dead_letters_when_that_is_wanted) {
  Heard heard;
  {
    SystemOptions options;
    options.threads = 1;
    options.read_environment = false;
    options.slow_handler = options.blocked_worker = {};  // which a busy machine can make of any handler
    options.runtime.log = {.level = LogLevel::debug, .sink = heard.sink(), .runtime_events = true};
    System system{options};
    const Ref<Speaker> speaker = system.spawn("speaker", Restart{.intensity = 1, .period = 1min}, Speaker{});
    speaker.tell(Fail{});
    speaker.tell(Fail{});
    speaker.tell(Say{1});
    ASSERT_TRUE(system.await_quiescence(60s));
  }
  std::vector<std::string> all;
  for (const testkit::Json& line : heard.lines) {
    all.push_back(std::string{line["kind"].text()} + " " + std::string{line["from"].text()} + ">" +
                  std::string{line["to"].text()} + " " + std::string{line["message"].text()});
  }
  ASSERT_EQ(all.size(), 4U) << testing::PrintToString(all);
  EXPECT_EQ(all[0], "spawn outside>speaker debug: ");
  EXPECT_EQ(all[1], "restart speaker> warning: failed: broken");
  EXPECT_EQ(all[2], "exit speaker> warning: failed: broken");
  EXPECT_TRUE(all[3].starts_with("dead letter outside>")) << all[3];
}

TEST(Log, may_be_written_by_an_actor_whose_mailbox_is_full) {
  struct Line {
    std::string text;
  };
  struct Writer {
    std::shared_ptr<std::atomic<bool>> may_write;
    void handle(const Line&) {
      while (!may_write->load()) std::this_thread::yield();
    }
  };
  const auto may_write = std::make_shared<std::atomic<bool>>(false);
  std::optional<Ref<Writer>> writer;
  std::atomic<int> heard{0};
  SystemOptions options;
  options.threads = 2;
  options.read_environment = false;
  options.slow_handler = options.blocked_worker = {};
  options.runtime.log = {.level = LogLevel::info,
                         .sink =
                             [&](const LogEntry& entry) {
                               ++heard;
                               if (writer) (void)writer->tell(Line{to_text(entry)});
                             },
                         .runtime_events = true};
  {
    System system{options};
    writer =
        system.spawn(Writer{may_write}, {.mailbox = bounded(2, Overflow::drop_newest)});  // what it drops is a letter
    for (int i = 0; i < 10; ++i) system.log(LogLevel::info, "a line");
    EXPECT_EQ(heard.load(), 10) << "not what became of the lines";
    may_write->store(true);
    ASSERT_TRUE(system.await_quiescence(60s));
  }
}

TEST(Log, is_an_event_of_a_simulated_run_at_its_virtual_time_and_changes_no_run) {
  struct Wake {};
  struct Sleeper {
    bool talks = false;
    void handle(Wake, Context& context) {
      context.sleep(5s);
      if (talks) context.log(LogLevel::info, "awake", field("n", 1));
    }
  };
  const auto run = [](bool talks, bool records, std::uint64_t seed) {
    sim::RunOptions options;
    options.record_events = records;
    return sim::execute(
        [&](sim::World& world) {
          for (int i = 0; i < 3; ++i) world.spawn(Sleeper{talks}).tell(Wake{});
          world.run();
        },
        [&] { return std::make_unique<sim::RandomWalk>(seed); }, options);
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const sim::Outcome talking = run(true, true, seed);
    EXPECT_EQ(std::ranges::count(talking.events, sim::EventKind::log, &sim::Event::kind), 3);
    const auto said = std::ranges::find(talking.events, sim::EventKind::log, &sim::Event::kind);
    ASSERT_NE(said, talking.events.end());
    EXPECT_EQ(said->message, "info: awake {n=1}");
    EXPECT_TRUE(said->from.starts_with("Sleeper#")) << said->from;
    EXPECT_GE(said->at.time_since_epoch(), 5s);
    EXPECT_TRUE(said->file.ends_with("log_test.cpp"));
    EXPECT_EQ(talking.decisions, run(true, false, seed).decisions);
    EXPECT_EQ(talking.trace_hash.lo, run(true, false, seed).trace_hash.lo);
    EXPECT_EQ(talking.operations, run(false, true, seed).operations);
  }
}

}  // namespace
