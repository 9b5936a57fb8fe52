// Goal:   whoever runs a system learns of mail that piles up, asks that nobody answers, restarts without end and stacks that
//         run short, by name, and sees the same in its metrics.
// Method: handlers that are held by gates, until the report is there; so no test depends on how long anything takes.
#include "tests/support/prometheus_parser.hpp"
#include "tests/threads/reports.hpp"

#include "orrery/actor/prometheus.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace orrery {
namespace {

SystemOptions inspecting(Reports& reports) {
  SystemOptions options = quiet(reports);
  options.inspect_period = 5ms;
  options.runtime.mailbox_depth_warning = 0;
  return options;
}

std::map<std::string, test_support::PrometheusParser::Family> metrics_of(const System& system) {
  MetricList list;
  system.append_metrics(list);
  return test_support::PrometheusParser::parse(prometheus_text(list));
}
double value_of(const System& system, const std::string& name, const std::map<std::string, std::string>& labels) {
  const auto metrics = metrics_of(system);
  const auto family = metrics.find(name);
  if (family == metrics.end()) return -1;
  for (const auto& line : family->second.lines) {
    if (line.labels == labels) return line.value;
  }
  return -1;
}

/// Waits on its fiber, not on its thread, until the gate opens.
struct Sleeper_ {
  int handled = 0;
  void handle(Block m, Context& context) {
    context.offload([gate = std::move(m.gate)] { gate->pass(); });
  }
  void handle(Note) { ++handled; }
};

TEST_F(SystemTest, mail_that_piles_up_behind_a_handler_that_waits_is_told_by_depth_and_age) {
  Reports reports;
  SystemOptions options = inspecting(reports);
  options.runtime.mailbox_depth_warning = 10;
  options.mail_age = 1ms;
  std::mutex mutex;
  std::vector<AlarmNotice> notices;
  options.on_alarm = [&](const AlarmNotice& notice) {
    const std::lock_guard guard{mutex};
    notices.push_back(notice);
  };
  System& sys = start(2, options);
  const auto gate = std::make_shared<Gate>();
  const auto sleepy = sys.spawn("sleepy", Sleeper_{});
  ASSERT_TRUE(sleepy->tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(sleepy->tell(Note{i}));
  EXPECT_EQ(reports.await("mailbox depth"), "sleepy has 11 messages waiting");
  (void)reports.await("old mail", "sleepy has handled none of its ");
  EXPECT_EQ(value_of(sys, "orrery_mailbox_depth", {{"type", "Sleeper_"}}), 11);
  gate->open();
  EXPECT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(reports.of("mailbox depth").size(), 1U);
  EXPECT_TRUE(eventually([&] { return value_of(sys, "orrery_mailbox_depth", {{"type", "Sleeper_"}}) == 0; }));
  EXPECT_EQ(value_of(sys, "orrery_mailbox_depth_highwater", {{"type", "Sleeper_"}}), 11);
  EXPECT_EQ(value_of(sys, "orrery_alarms_total", {{"kind", "mailbox depth"}}), 1);
  finish();  // nobody is told any more
  const auto deep = std::ranges::find(notices, alarm::mailbox_depth, &AlarmNotice::kind);
  ASSERT_NE(deep, notices.end());
  EXPECT_EQ(deep->actor, "sleepy");
  EXPECT_EQ(deep->count, 11U);
}

TEST_F(SystemTest, mail_of_an_actor_that_runs_all_the_time_is_counted_by_itself) {
  Reports reports;
  SystemOptions options = inspecting(reports);
  options.runtime.mailbox_depth_warning = 100;
  System& sys = start(1, options);
  const auto is_over = std::make_shared<std::atomic<bool>>(false);
  struct Flooded {
    std::shared_ptr<std::atomic<bool>> is_over;
    void handle(Note m, Context& context) {
      if (!is_over->load()) context.self(*this).tell(m);
    }
  };
  const auto flooded = sys.spawn("flooded", Flooded{is_over});
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(flooded->tell(Note{i}));
  EXPECT_TRUE(reports.await("mailbox depth").starts_with("flooded has "));
  is_over->store(true);
}

TEST_F(SystemTest, mail_in_a_bounded_mailbox_is_told_while_its_actor_blocks_its_worker) {
  Reports reports;
  SystemOptions options = inspecting(reports);
  options.runtime.mailbox_depth_warning = 5;
  System& sys = start(1, options);
  const auto gate = std::make_shared<Gate>();
  const auto busy = sys.spawn("busy", Recorder{}, {.mailbox = bounded(8)});
  ASSERT_TRUE(busy->tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(busy->tell(Note{i}));
  const std::string report = reports.await("mailbox depth");
  gate->open();
  EXPECT_TRUE(report.starts_with("busy has ")) << report;
}

TEST_F(SystemTest, a_message_that_was_timed_and_had_waited_for_long_is_told_when_it_is_taken) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.runtime.time_one_in = 1;
  options.mail_age = 1ms;
  System& sys = start(1, options);
  const auto gate = std::make_shared<Gate>();
  const auto busy = sys.spawn("busy", Recorder{});
  ASSERT_TRUE(busy->tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));
  ASSERT_TRUE(busy->tell(Note{1}));
  std::this_thread::sleep_for(5ms);  // at least
  gate->open();
  EXPECT_TRUE(reports.await("old mail", "busy has taken a Note that had waited for ").ends_with("ms"));
}

TEST_F(SystemTest, an_ask_that_times_out_is_told_with_what_its_target_does) {
  Reports reports;
  System& sys = start(2, quiet(reports));
  struct Busy {
    void handle(Block m) { m.gate->pass(); }
    int handle(Add m) { return m.amount; }
  };
  struct Asker {
    Ref<Busy> whom;
    int handle(Get) { return whom.ask(Add{1}, 1ms).value_or(-1); }
  };
  const auto gate = std::make_shared<Gate>();
  const auto busy = sys.spawn("busy", Busy{}, {.mailbox = bounded(8)});
  const auto asker = sys.spawn("asker", Asker{*busy});
  ASSERT_TRUE(busy->tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));
  EXPECT_EQ(asker->ask(Get{}, patience), -1);
  const std::string report = reports.await("ask timeout");
  EXPECT_TRUE(report.starts_with("asker has waited 1ms for the reply to its Add from busy, which ")) << report;
  EXPECT_TRUE(report.ends_with(" in its handler of Block, 1 queued")) << report;
  EXPECT_FALSE(busy->ask(Add{1}, 1ms));
  EXPECT_TRUE(
      reports.await("ask timeout", "somebody outside has waited 1ms for the reply to its Add").ends_with(", 2 queued"));
  gate->open();
}

TEST_F(SystemTest, an_ask_that_times_out_at_an_actor_that_waits_says_for_whom) {
  Reports reports;
  System& sys = start(2, quiet(reports));
  struct Source {
    void handle(Block m, Context& context) {
      context.offload([gate = std::move(m.gate)] { gate->pass(); });
    }
    int handle(Get) { return 1; }
  };
  struct Middle {
    Ref<Source> whom;
    int handle(Get) { return whom.ask(Get{}, no_timeout).value_or(-1); }
  };
  const auto gate = std::make_shared<Gate>();
  const auto source = sys.spawn("source", Source{});
  const auto middle = sys.spawn("middle", Middle{*source});
  ASSERT_TRUE(source->tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached(); }));
  ASSERT_TRUE(middle->tell(Get{}, ignore_reply));
  // Until it has been seen waiting: at first it may not have begun to.
  const auto is_told = [&] {
    EXPECT_FALSE(middle->ask(Get{}, 1ms));
    return std::ranges::any_of(reports.of("ask timeout"), [](const std::string& text) {
      return text.find(" from middle, which waits for source, ") != std::string::npos && text.ends_with(" queued") &&
             !text.ends_with(", 0 queued");
    });
  };
  EXPECT_TRUE(eventually(is_told)) << testing::PrintToString(reports.of("ask timeout"));
  gate->open();
}

TEST_F(SystemTest, an_ask_of_oneself_that_times_out_is_a_self_ask) {
  Reports reports;
  System& sys = start(1, quiet(reports));
  struct Narcissus {
    int handle(Get, Context& context) { return context.self(*this).ask(Get{}, 1ms).value_or(-1); }
  };
  const auto narcissus = sys.spawn("narcissus", Narcissus{});
  (void)narcissus->ask(Get{}, 20ms);
  EXPECT_TRUE(reports.await("self-ask").ends_with("from narcissus, and waits for itself"));
}

TEST_F(SystemTest, asks_that_time_out_are_not_told_where_that_is_off) {
  Reports reports;
  SystemOptions options = quiet(reports);
  options.report_ask_timeouts = false;
  System& sys = start(1, options);
  const auto gate = std::make_shared<Gate>();
  const auto sleepy = sys.spawn<Sleeper_>();
  ASSERT_TRUE(sleepy.tell(Block{gate}));
  const auto counter = sys.spawn(Counter{});
  (void)counter.ask(Add{1}, 0ms);
  gate->open();
  EXPECT_TRUE(reports.of("ask timeout").empty());
}

struct Ping {
  using Reply = int;
};
struct Know {
  Ref<struct Peer> next;
};
struct Peer {
  Ref<Peer> next;
  void handle(Know m) { next = m.next; }
  void handle(Note) { (void)next.ask(Ping{}, no_timeout); }
  int handle(Ping) { return next.ask(Ping{}, no_timeout).value_or(0); }
};

TEST_F(SystemTest, a_ring_of_asks_is_told_while_others_go_on) {
  Reports reports;
  SystemOptions options = inspecting(reports);
  options.ring_watch = 5ms;
  System& sys = start(2, options);
  const auto is_over = std::make_shared<std::atomic<bool>>(false);
  struct Restless {
    std::shared_ptr<std::atomic<bool>> is_over;
    void handle(Note m, Context& context) {
      if (!is_over->load()) context.self(*this).tell(m);
    }
  };
  ASSERT_TRUE(sys.spawn(Restless{is_over}).tell(Note{1}));  // the system never stands still
  const auto a = sys.spawn("a", Peer{});
  const auto b = sys.spawn("b", Peer{*a});
  ASSERT_TRUE(a->tell(Know{*b}));
  ASSERT_TRUE(a->tell(Note{1}));
  EXPECT_EQ(reports.await("ask cycle"), "a --ask Ping--> b --ask Ping--> a");
  is_over->store(true);
}

TEST_F(SystemTest, restarts_without_end_are_a_storm_that_names_who) {
  Reports reports;
  SystemOptions options = inspecting(reports);
  options.restarts_per_minute = 5;
  System& sys = start(1, options);
  struct Phoenix {
    void handle(Note) { throw std::runtime_error{"again"}; }
  };
  const auto phoenix = sys.spawn("phoenix", Restart{.intensity = 100}, Phoenix{});
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(phoenix->tell(Note{i}));
    ASSERT_TRUE(eventually([&] { return sys.restarts() >= static_cast<std::uint64_t>(i) + 1; }));
  }
  const std::string report = reports.await("restart storm");
  EXPECT_NE(report.find(" restarts in the last minute; most often phoenix, which is in life "), std::string::npos)
      << report;
  EXPECT_EQ(value_of(sys, "orrery_restarts_total", {{"type", "Phoenix"}, {"policy", "own"}}), 8);
  EXPECT_EQ(value_of(sys, "orrery_failures_total", {{"type", "Phoenix"}}), 8);
}

TEST_F(SystemTest, a_stack_that_is_nearly_used_up_is_told_with_its_actor) {
  if (under_asan || under_tsan) GTEST_SKIP() << "frames are elsewhere, or touch more";
  Reports reports;
  SystemOptions options = inspecting(reports);
  options.stack_bytes = 64 * 1024;
  System& sys = start(1, options);
  struct Deep {
    static int use(int left) {
      volatile char room[1'024];
      for (std::size_t i = 0; i < sizeof room; i += 256) room[i] = static_cast<char>(left);
      const int below = left == 0 ? 0 : use(left - 1);
      return below + room[0];
    }
    void handle(Block m, Context& context) {
      (void)use(48);
      context.offload([gate = std::move(m.gate)] { gate->pass(); });
    }
  };
  const auto gate = std::make_shared<Gate>();
  const auto deep = sys.spawn("deep", Deep{});
  const auto flat = sys.spawn("flat", Sleeper_{});
  ASSERT_TRUE(flat->tell(Block{gate}));
  ASSERT_TRUE(deep->tell(Block{gate}));
  const std::string report = reports.await("fiber stack");
  EXPECT_TRUE(report.starts_with("the stack of deep has been used to ")) << report;
  EXPECT_GE(value_of(sys, "orrery_fiber_stack_highwater_bytes", {{"type", "Deep"}}), 48 * 1024);
  gate->open();
  EXPECT_TRUE(sys.await_quiescence(patience));
  EXPECT_EQ(reports.of("fiber stack").size(), 1U);
}

// ---- numbers and text ----

TEST_F(SystemTest, metrics_say_what_workers_and_types_of_actors_do) {
  SystemOptions options;
  options.runtime.time_one_in = 1;
  System& sys = start(2, options);
  const auto counter = sys.spawn(Counter{});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(counter.ask(Add{1}, patience));
  sys.stop(sys.spawn(Recorder{}));
  const auto gate = std::make_shared<Gate>();
  const auto sleepy = sys.spawn(Sleeper_{});
  ASSERT_TRUE(sleepy.tell(Block{gate}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached() && sys.living() == 2; }));
  // Somebody may have been answered while the handler that did so has not returned yet.
  const auto becomes = [&](const char* name, const std::map<std::string, std::string>& labels, double wanted) {
    return eventually([&] { return value_of(sys, name, labels) == wanted; });
  };
  EXPECT_TRUE(becomes("orrery_actors", {{"type", "Sleeper_"}, {"state", "waiting"}}, 1));
  EXPECT_TRUE(becomes("orrery_actors", {{"type", "Counter"}, {"state", "ready"}}, 1));
  EXPECT_TRUE(becomes("orrery_messages_processed_total", {{"type", "Counter"}}, 100));
  EXPECT_TRUE(eventually([&] {
    return std::ranges::any_of(metrics_of(sys).at("orrery_handler_seconds").lines, [](const auto& line) {
      return line.name == "orrery_handler_seconds_count" && line.labels.at("type") == "Counter" &&
             line.labels.at("message") == "Add" && line.value == 100;
    });
  }));
  const auto metrics = metrics_of(sys);
  EXPECT_EQ(value_of(sys, "orrery_actors", {{"type", "Recorder"}, {"state", "ready"}}), 0);
  EXPECT_EQ(metrics.at("orrery_scheduler_steals_total").lines.size(), 2U);
  EXPECT_EQ(metrics.at("orrery_scheduler_parked_seconds_total").type, "counter");
  EXPECT_EQ(metrics.at("orrery_scheduler_run_queue_depth").lines.at(1).labels.at("worker"), "1");
  EXPECT_EQ(metrics.at("orrery_build_info").lines.at(0).value, 1);
  EXPECT_NE(metrics.at("orrery_build_info").lines.at(0).labels.at("version"), "unknown");
  EXPECT_TRUE(metrics.contains("orrery_mailbox_wait_seconds"));
  EXPECT_EQ(metrics.at("orrery_message_latency_quantile_seconds").lines.size(), 4U);
  gate->open();
}

TEST_F(SystemTest, one_of_many_messages_is_timed_or_none) {
  SystemOptions options;
  options.runtime.time_one_in = 10;
  {
    System& sys = start(2, options);
    struct Loop {
      void handle(Note m, Context& context) {
        if (m.value > 0) context.self(*this).tell(Note{m.value - 1});
      }
    };
    ASSERT_TRUE(sys.spawn(Loop{}).tell(Note{20'000}));
    EXPECT_TRUE(sys.await_quiescence(patience));
    const auto times = sys.metrics().message_times;
    ASSERT_NE(times, nullptr);
    EXPECT_GT(times->latency.count(), 1'500U);  // 2,000 on average, and the same every time
    EXPECT_LT(times->latency.count(), 2'500U);
    finish();
  }
  options.runtime.time_one_in = 0;
  EXPECT_EQ(start(1, options).metrics().message_times, nullptr);
}

TEST_F(SystemTest, sources_that_were_added_take_part_in_metrics) {
  System& sys = start(1);
  {
    const auto part = sys.add_metrics([](MetricList& list) { list.gauge("shop_doors", "Doors.", {}, 3); });
    EXPECT_EQ(value_of(sys, "shop_doors", {}), 3);
  }
  EXPECT_EQ(value_of(sys, "shop_doors", {}), -1) << "it has gone";
  MetricSources::Part late;
  {
    System other{{.threads = 1, .read_environment = false}};
    late = other.add_metrics([](MetricList& list) { list.gauge("shop_doors", "Doors.", {}, 3); });
  }
}

TEST_F(SystemTest, its_actors_are_described_with_what_they_do) {
  System& sys = start(2);
  const auto gate = std::make_shared<Gate>();
  const auto sleepy = sys.spawn("sleepy", Sleeper_{});
  const auto busy = sys.spawn("busy", Recorder{}, {.mailbox = bounded(8)});
  (void)sys.spawn("calm", Counter{});
  const auto other = std::make_shared<Gate>();
  ASSERT_TRUE(sleepy->tell(Block{gate}));
  ASSERT_TRUE(busy->tell(Block{other}));
  ASSERT_TRUE(eventually([&] { return gate->is_reached() && other->is_reached(); }));
  ASSERT_TRUE(sleepy->tell(Note{1}));
  ASSERT_TRUE(busy->tell(Note{1}));
  const auto shows = [&](const char* what) {
    return eventually([&] { return sys.describe_actors().find(what) != std::string::npos; });
  };
  EXPECT_TRUE(shows("3 actors live\n"));
  EXPECT_TRUE(shows("  sleepy  Sleeper_, life 1, 0 handled: in Block it waits for offloaded work, 1 queued\n"));
  EXPECT_TRUE(shows(" in its handler of Block, 1 queued\n"));
  EXPECT_TRUE(shows("  calm  Counter, life 1, 0 handled: ready\n")) << sys.describe_actors();
  gate->open();
  other->open();
}

}  // namespace
}  // namespace orrery
