// Goal:   a runtime's metrics are its account of actors and messages, exact at rest and never going back meanwhile.
#include "orrery/actor/prometheus.hpp"

#include "tests/actor/letters_fixture.hpp"
#include "tests/support/prometheus_parser.hpp"

#include <thread>

namespace orrery::letters {
namespace {

TEST(Metrics, count_what_actors_and_messages_did) {
  in_both_worlds({.kept_max = 1}, [](const Stage& stage) {
    Runtime& runtime = stage.runtime;
    const auto guest = runtime.spawn(Guest{});
    stage.meet(runtime.spawn(Host{}), guest, 0, 3, Meet::stop);  // three letters
    const auto phoenix = runtime.spawn("phoenix", Restart{.intensity = 5}, Host{});
    stage.meet(*phoenix, guest, 0, 2, Meet::fail);  // fails, comes back, handles two
    const auto full = runtime.spawn(Host{}, {.mailbox = bounded(1, Overflow::reject)});
    stage.meet(full, guest, 0, 4, Meet::go_on);  // one place, three refused
    const RuntimeMetrics now = runtime.metrics();
    EXPECT_EQ(now.spawned, 4U);
    EXPECT_EQ(now.stopped, 1U);
    EXPECT_EQ(now.living, 3U);
    EXPECT_EQ(now.restarts, 1U);
    EXPECT_EQ(now.offered, 3U + 3U + (3U + 2U + 4U));  // Meet, Fill, Note
    EXPECT_EQ(now.refused, 3U);
    EXPECT_EQ(now.handled, 2U + 3U + (2U + 1U));
    EXPECT_EQ(now.failed, 1U);
    EXPECT_EQ(now.dead_lettered, 3U);
    EXPECT_EQ(now.queued, 0U);
    ASSERT_EQ(now.letters.size(), 1U);
    EXPECT_EQ(now.letters[0].message, "Note");
    EXPECT_EQ(now.letters[0].reason, DeadLetterReason::actor_stopped);
    EXPECT_EQ(now.letters[0].count, 3U);
    EXPECT_EQ(now.letters_kept, 1U);
    EXPECT_EQ(now.letters_dropped, 0U);
    const Ledger ledger = runtime.ledger();
    EXPECT_EQ(now.offered, ledger.offered);
    EXPECT_EQ(now.handled, ledger.handled);
    EXPECT_EQ(now.dead_lettered, ledger.dead_lettered);
  });
}

TEST(Metrics, tell_types_of_actors_apart_also_of_those_that_are_gone) {
  in_both_worlds({}, [](const Stage& stage) {
    Runtime& runtime = stage.runtime;
    const auto guest = runtime.spawn(Guest{});
    for (int i = 0; i < 3; ++i) stage.meet(runtime.spawn(Host{}), guest, 0, 2, Meet::stop);  // three end, with letters
    const auto phoenix = runtime.spawn("phoenix", Restart{.intensity = 5}, Host{});
    stage.meet(*phoenix, guest, 0, 2, Meet::fail);  // comes back, handles two
    const auto look = [&](std::uint64_t living, const char* type) {
      const RuntimeMetrics now = runtime.metrics();
      const auto at = std::ranges::find(now.types, type, &TypeMetrics::type);
      EXPECT_NE(at, now.types.end());
      EXPECT_EQ(at->living, living);
      return *at;
    };
    for (const std::uint64_t living : {1U, 0U}) {  // the same when it has ended
      const TypeMetrics host = look(living, "Host");
      EXPECT_EQ(host.ended, 4U - living);
      EXPECT_EQ(host.handled, 3U + 2U);
      EXPECT_EQ(host.failed, 1U);
      EXPECT_EQ(host.dead_lettered, 6U);
      EXPECT_EQ(host.own_restarts, 1U);
      EXPECT_EQ(host.supervised_restarts, 0U);
      EXPECT_EQ(host.waiting, 0U);
      EXPECT_EQ(look(1, "Guest").handled, 4U);
      runtime.stop(*phoenix);
      stage.rest();
    }
    EXPECT_EQ(runtime.metrics().restarts, 1U);
  });
}

TEST(Metrics, time_no_message_of_a_simulation) {
  in_simulation({}, [](const Stage& stage) {
    stage.meet(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 0, 3, Meet::go_on);
    EXPECT_EQ(stage.runtime.metrics().message_times, nullptr);
  });
}

TEST(Metrics, are_read_by_prometheus) {
  in_simulation({}, [](const Stage& stage) {
    stage.meet(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 0, 3, Meet::stop);
    MetricList list;
    stage.runtime.metrics().append_to(list, {{"system", "one"}});
    const std::string text = prometheus_text(list);
    for (const char* line :
         {"orrery_actors{state=\"ready\",system=\"one\",type=\"Guest\"} 1\n",
          "orrery_messages_offered_total{system=\"one\"} 5\n",
          "orrery_dead_letters_total{message=\"Note\",reason=\"actor_stopped\",system=\"one\"} 3\n",
          "# TYPE orrery_actors_spawned_total counter\norrery_actors_spawned_total{system=\"one\"} 2\n"}) {
      EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
  });
}

struct Doze {
  using Reply = int;
  Duration how_long{};
};
struct Dozer {
  int handle(Doze m, Context& context) {
    if (m.how_long == Duration::zero()) throw std::runtime_error{"wide awake"};
    context.sleep(m.how_long);
    return 1;
  }
};

TEST(Metrics, say_why_messages_were_refused_and_asks_failed) {
  in_both_worlds({}, [](const Stage& stage) {
    Runtime& runtime = stage.runtime;
    const auto guest = runtime.spawn(Guest{});
    const auto full = runtime.spawn(Host{}, {.mailbox = bounded(1, Overflow::reject)});
    stage.meet(full, guest, 0, 4, Meet::go_on);  // one ask; one place, three refused
    const auto gone = runtime.spawn(Host{});
    stage.meet(gone, guest, 0, 0, Meet::stop);  // one ask
    EXPECT_FALSE(gone.tell(Note{1}));
    EXPECT_EQ(gone.ask(Question{}, no_timeout), std::unexpected(AskError::actor_stopped));
    const Ref<Host> nobody{runtime.index(), Handle{4'000'000, 1}};
    EXPECT_FALSE(nobody.tell(Note{1}));
    EXPECT_EQ(nobody.ask(Question{}, no_timeout), std::unexpected(AskError::actor_not_found));
    const auto dozer = runtime.spawn(Dozer{});
    EXPECT_EQ(dozer.ask(Doze{24h}, 1ms), std::unexpected(AskError::timeout));
    runtime.stop(dozer);  // unwinds the handler, whose asker waits no more
    stage.rest();
    EXPECT_EQ(runtime.spawn(Dozer{}).ask(Doze{}, no_timeout), std::unexpected(AskError::actor_failed));
    stage.rest();

    const RuntimeMetrics now = runtime.metrics();
    EXPECT_EQ(now.of(TellError::mailbox_full), 3U);
    EXPECT_EQ(now.of(TellError::actor_stopped), 2U);
    EXPECT_EQ(now.of(TellError::actor_not_found), 2U);
    EXPECT_EQ(now.refused, 7U);
    EXPECT_EQ(now.asks, 6U);
    EXPECT_EQ(now.of(AskError::timeout), 1U);
    EXPECT_EQ(now.of(AskError::actor_stopped), 1U);
    EXPECT_EQ(now.of(AskError::actor_not_found), 1U);
    EXPECT_EQ(now.of(AskError::actor_failed), 1U);
    EXPECT_EQ(now.of(AskError::mailbox_full), 0U);
    EXPECT_EQ(now.waiting_handlers, 0U);
    EXPECT_EQ(now.ask_times, nullptr) << "nobody asked for them";

    MetricList list;
    now.append_to(list, {{"system", "a \"b\"\n"}});
    const auto text = test_support::PrometheusParser::parse(prometheus_text(list));
    const auto value_of = [&](const char* name, const char* error) {
      for (const auto& line : text.at(name).lines) {
        EXPECT_EQ(line.labels.at("system"), "a \"b\"\n");
        if (line.labels.at("error") == error) return line.value;
      }
      return -1.0;
    };
    EXPECT_EQ(value_of("orrery_messages_refused_total", "mailbox_full"), 3);
    EXPECT_EQ(value_of("orrery_messages_refused_total", "actor_stopped"), 2);
    EXPECT_EQ(value_of("orrery_asks_failed_total", "timeout"), 1);
    EXPECT_EQ(value_of("orrery_asks_failed_total", "actor_failed"), 1);
    EXPECT_EQ(value_of("orrery_asks_failed_total", "routing_failed"), -1) << "no runtime says so";
    EXPECT_EQ(text.at("orrery_asks_total").lines.at(0).value, 6);
  });
}

TEST(Metrics, see_what_waits) {
  in_simulation({}, [](const Stage& stage) {
    const auto first = stage.runtime.spawn(Host{}, {.mailbox = bounded(10)});
    const auto second = stage.runtime.spawn(Host{}, {.mailbox = bounded(10)});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(first.tell(Note{i}));
    EXPECT_TRUE(second.tell(Note{3}));
    EXPECT_EQ(stage.runtime.metrics().deepest_mailbox, 3U) << "the body of the test runs alone";
    EXPECT_EQ(stage.runtime.metrics().queued, 4U);
    const auto dozer = stage.runtime.spawn(Dozer{});
    EXPECT_EQ(dozer.ask(Doze{1h}, 1ms), std::unexpected(AskError::timeout));
    EXPECT_EQ(stage.runtime.metrics().waiting_handlers, 1U);
    stage.rest();
    const RuntimeMetrics now = stage.runtime.metrics();
    EXPECT_EQ(now.waiting_handlers, 0U);
    EXPECT_EQ(now.deepest_mailbox, 0U);
    EXPECT_EQ(now.queued, 0U);
  });
}

struct Relay {
  Ref<Dozer> to;
  int handle(Doze m) { return to.ask(m, no_timeout).value_or(0); }
};

TEST(Metrics, say_how_long_asks_take_where_that_is_wanted) {
  sim::RunOptions options{.faults = sim::FaultProfile::none};
  options.runtime.measure_asks = true;
  const auto run = sim::execute(
      [](sim::World& world) {
        const auto dozer = world.spawn(Dozer{});
        const auto relay = world.spawn(Relay{dozer});
        EXPECT_TRUE(dozer.ask(Doze{5ms}, no_timeout));
        EXPECT_TRUE(relay.ask(Doze{3ms}, no_timeout));  // two asks: from an actor, and from outside
        EXPECT_FALSE(dozer.ask(Doze{1h}, 1ms));
        const auto times = world.metrics().ask_times;
        ASSERT_NE(times, nullptr);
        EXPECT_EQ(times->count(), 3U) << "of those that got a reply";
        EXPECT_EQ(times->sum, 11'000'000U) << "of virtual nanoseconds";
        EXPECT_EQ(times->greatest, 5'000'000U);
        MetricList list;
        world.metrics().append_to(list);
        const auto text = test_support::PrometheusParser::parse(prometheus_text(list));
        const auto& lines = text.at("orrery_ask_seconds").lines;
        EXPECT_EQ(lines.at(lines.size() - 2).value, 0.011);
        EXPECT_EQ(lines.back().value, 3);
      },
      [] { return std::make_unique<sim::RandomWalk>(1); }, options);
  EXPECT_FALSE(run.finding) << run.finding->name << " " << run.finding->detail;

  SystemOptions system_options{.threads = 2, .read_environment = false};
  system_options.runtime.measure_asks = true;
  System system{system_options};
  const auto relay = system.spawn(Relay{system.spawn(Dozer{})});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(relay.ask(Doze{1us}, no_timeout));
  const auto times = system.metrics().ask_times;
  ASSERT_NE(times, nullptr);
  EXPECT_EQ(times->count(), 20U);
  EXPECT_GE(times->sum, 20'000U) << "no sleep is too short";
}

/// Spawns children that do a little and end, for ever.
struct Breeder {
  Ref<Guest> guest;
  int left = 0;
  void handle(Note note, Context& context) {
    const auto child = context.spawn(Host{});
    child.tell(Note{1});
    child.tell(Note{2});
    (void)context.stop(child);
    child.tell(Note{3});
    if (note.number > 0) context.self(*this).tell(Note{note.number - 1});
  }
};

TEST(Metrics, never_go_back_while_actors_come_and_go) {
  System system{{.threads = 2, .report_to = [](std::string_view, const std::string&) {}, .read_environment = false}};
  const auto guest = system.spawn(Guest{});
  const int generations = 20'000;
  for (int i = 0; i < 4; ++i) system.spawn(Breeder{guest}).tell(Note{generations});
  RuntimeMetrics before;
  do {
    const RuntimeMetrics now = system.metrics();
    ASSERT_GE(now.spawned, before.spawned);
    ASSERT_GE(now.stopped, before.stopped);
    ASSERT_GE(now.offered, before.offered);
    ASSERT_GE(now.refused, before.refused);
    ASSERT_GE(now.handled, before.handled);
    ASSERT_GE(now.dead_lettered, before.dead_lettered);
    ASSERT_GE(now.offered, now.handled + now.dead_lettered + now.failed + now.refused) << "what went has come before";
    ASSERT_LE(now.living, now.spawned);
    before = now;
  } while (before.spawned < 4 * (generations + 1) + 5);
  ASSERT_TRUE(system.await_quiescence(60s));
  const RuntimeMetrics now = system.metrics();
  const Ledger ledger = system.ledger();
  EXPECT_EQ(now.handled, ledger.handled);
  EXPECT_EQ(now.dead_lettered, ledger.dead_lettered);
  EXPECT_EQ(now.queued, 0U);
  EXPECT_EQ(now.living, 5U);
}

}  // namespace
}  // namespace orrery::letters
