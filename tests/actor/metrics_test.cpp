// Goal:   a runtime's metrics are its account of actors and messages, exact at rest and never going back meanwhile.
#include "orrery/actor/prometheus.hpp"

#include "tests/actor/letters_fixture.hpp"

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

TEST(Metrics, are_read_by_prometheus) {
  in_simulation({}, [](const Stage& stage) {
    stage.meet(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 0, 3, Meet::stop);
    MetricList list;
    stage.runtime.metrics().append_to(list, {{"system", "one"}});
    const std::string text = prometheus_text(list);
    for (const char* line :
         {"orrery_actors{system=\"one\"} 1\n", "orrery_messages_offered_total{system=\"one\"} 5\n",
          "orrery_dead_letters_total{message=\"Note\",reason=\"actor_stopped\",system=\"one\"} 3\n",
          "# TYPE orrery_actors_spawned_total counter\norrery_actors_spawned_total{system=\"one\"} 2\n"}) {
      EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
  });
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
