// Goal:   messages are explored at the grain of single sends, and never in an order that the mode excludes.
// Method: tiny programs under every schedule (the set of outcomes is exact), larger ones under random schedules.
#include "tests/sim/sim_fixture.hpp"

namespace orrery::testing {
namespace {

struct Go {};
struct Note {
  char letter = '?';
};
struct Collector {
  std::string log;
  void handle(Note note) { log += note.letter; }
};
struct Relay {
  Ref<Collector> to;
  char letter;
  void handle(Go) { to.tell(Note{letter}); }
};
/// Tells the relay and the collector, in one order or the other.
struct Starter {
  Ref<Relay> relay;
  Ref<Collector> collector;
  bool collector_first;
  void handle(Go) {
    if (collector_first) collector.tell(Note{'a'});
    relay.tell(Go{});
    if (!collector_first) collector.tell(Note{'a'});
  }
};

TextBody triangle(bool collector_first) {
  return [collector_first](World& w, std::string& text) {
    const auto c = w.spawn("c", Collector{});
    const auto b = w.spawn("b", Relay{c, 'b'});
    const auto a = w.spawn("a", Starter{b, c, collector_first});
    a.tell(Go{});
    w.run();
    text = w.peek(*c).log;
  };
}

sim::RunOptions per_pair() {
  sim::RunOptions options = no_faults();
  options.mode = sim::Mode::per_pair;
  return options;
}

TEST(Order, a_send_can_be_overtaken_between_two_sends_of_one_handler) {
  EXPECT_EQ(all_texts(triangle(false)), (Texts{"ab", "ba"}));
}

TEST(Order, in_causal_mode_a_cause_arrives_before_its_effect) { EXPECT_EQ(all_texts(triangle(true)), Texts{"ab"}); }

TEST(Order, in_per_pair_mode_an_effect_may_arrive_before_its_cause) {
  EXPECT_EQ(all_texts(triangle(true), per_pair()), (Texts{"ab", "ba"}));
  EXPECT_EQ(all_texts(triangle(false), per_pair()), (Texts{"ab", "ba"}));
}

TEST(Order, the_search_needs_no_more_runs_than_there_are_orders) {
  std::uint64_t runs = 0;
  const auto body = triangle(false);
  const auto searched = sim::search_all(
      [&](World& w) {
        std::string text;
        body(w, text);
      },
      no_faults(), 1'000, [&](const sim::Outcome&) { ++runs; });
  EXPECT_EQ(searched.runs, runs);
  EXPECT_EQ(runs, 2U);
}

struct Twice {
  Ref<Collector> to;
  char first;
  char second;
  void handle(Go) {
    to.tell(Note{first});
    to.tell(Note{second});
  }
};

TEST(Order, sends_of_two_senders_interleave_in_every_way_and_each_senders_stay_in_order) {
  const TextBody body = [](World& w, std::string& text) {
    const auto c = w.spawn("c", Collector{});
    w.spawn("one", Twice{c, 'a', 'b'}).value().tell(Go{});
    w.spawn("two", Twice{c, 'x', 'y'}).value().tell(Go{});
    w.run();
    text = w.peek(*c).log;
  };
  const Texts interleavings{"abxy", "axby", "axyb", "xaby", "xayb", "xyab"};
  EXPECT_EQ(all_texts(body), interleavings);
  EXPECT_EQ(all_texts(body, per_pair()), interleavings);
}

TEST(Order, what_the_body_of_the_test_sends_before_it_waits_arrives_in_its_order) {
  const TextBody body = [](World& w, std::string& text) {
    const auto c = w.spawn("c", Collector{});
    const auto b = w.spawn("b", Relay{c, 'b'});
    b.tell(Go{});
    c.tell(Note{'1'});
    c.tell(Note{'2'});
    w.run();
    text = w.peek(*c).log;
  };
  EXPECT_EQ(all_texts(body), Texts{"12b"});
}

// ---- many messages -----------------------------------------------------------------------------------------------

struct Numbered {
  int sender = 0;
  int number = 0;
};
struct Sink {
  std::vector<int> last = std::vector<int>(8, -1);
  int handled = 0;
  bool in_order = true;
  void handle(Numbered m) {
    in_order = in_order && m.number == last[static_cast<std::size_t>(m.sender)] + 1;
    last[static_cast<std::size_t>(m.sender)] = m.number;
    ++handled;
  }
};
struct Source {
  Ref<Sink> to;
  int me;
  int sent = 0;
  void handle(Go) {
    for (int i = 0; i < 3; ++i) to.tell(Numbered{me, sent++});
  }
};

class OrderInMode : public ::testing::TestWithParam<sim::Mode> {};

TEST_P(OrderInMode, one_senders_messages_to_one_actor_never_overtake_each_other) {
  sim::RunOptions options = no_faults();
  options.mode = GetParam();
  for (const bool reduce : {true, false}) {
    options.reduce = reduce;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const auto outcome = sim::execute(
          [](World& w) {
            const auto sink = w.spawn(Sink{});
            for (int i = 0; i < 4; ++i) {
              const auto source = w.spawn(Source{sink, i});
              source.tell(Go{});
              source.tell(Go{});
            }
            w.run();
            EXPECT_TRUE(w.peek(sink).in_order);
            EXPECT_EQ(w.peek(sink).handled, 24);
          },
          random_walk(seed), options);
      ASSERT_FALSE(outcome.finding);
      ASSERT_TRUE(outcome.ledger.adds_up());
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Modes, OrderInMode, ::testing::Values(sim::Mode::causal, sim::Mode::per_pair));

TEST(Order, in_per_pair_mode_a_refusal_at_the_target_is_a_dead_letter_and_not_an_error) {
  const auto body = [](World& w) {
    const auto c = w.spawn("c", Collector{}, {.mailbox = bounded(1, Overflow::reject)});
    for (int i = 0; i < 3; ++i) w.spawn(Twice{c, 'a', 'b'}).tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(*c).log.size() + w.dead_letters().count(DeadLetterReason::mailbox_full), 6U);
    EXPECT_EQ(w.ledger().refused, 0U);
  };
  std::uint64_t dropped = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto outcome = sim::execute(body, random_walk(seed), per_pair());
    ASSERT_FALSE(outcome.finding);
    dropped += outcome.ledger.dead_lettered;
  }
  EXPECT_GT(dropped, 0U);
}

struct Doomed {
  int* mail_before_the_stop;
  int handled = 0;
  void handle(Note) { ++handled; }
  void on_stop(Context& context, const ExitReason&) {
    *mail_before_the_stop = handled + static_cast<int>(context.mailbox_depth());
  }
};
struct WritesAndStops {
  Ref<Doomed> to;
  void handle(Go, Context& context) {
    to.tell(Note{'a'});
    to.tell(Note{'b'});
    context.stop(to);
  }
};

TEST(Order, in_per_pair_mode_a_stop_arrives_behind_the_mail_of_its_own_sender) {
  int mail = -1;
  const auto body = [&](World& w) {
    mail = -1;
    const auto doomed = w.spawn(Doomed{&mail});
    w.spawn(WritesAndStops{doomed}).tell(Go{});
    w.run();
  };
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto outcome = sim::execute(body, random_walk(seed), per_pair());
    ASSERT_FALSE(outcome.finding);
    ASSERT_EQ(mail, 2) << "seed " << seed;
  }
}

TEST(Order, in_per_pair_mode_a_mailbox_whose_senders_wait_loses_nothing) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto outcome = sim::execute(
        [](World& w) {
          const auto c = w.spawn("c", Collector{}, {.mailbox = bounded(1, Overflow::suspend)});
          for (int i = 0; i < 3; ++i) w.spawn(Twice{c, 'a', 'b'}).tell(Go{});
          w.run();
          EXPECT_EQ(w.peek(*c).log.size(), 6U);
        },
        random_walk(seed), per_pair());
    ASSERT_FALSE(outcome.finding);
  }
}

struct Leaver {
  void handle(Go, Context& context) { context.stop(); }
  void handle(Note) {}
};
struct Watcher {
  Ref<Leaver> watched;
  int mail;
  int told = 0;
  void handle(Go, Context& context) {
    context.watch(*this, watched);
    for (int i = 0; i < mail; ++i) watched.tell(Note{'a'});
  }
  void handle(Down) {
    ++told;
    watched.tell(Note{'b'});  // the channel to nobody goes on working
  }
};

TEST(Order, in_per_pair_mode_a_watch_that_arrives_too_late_is_answered_once) {
  for (const int mail : {0, 2}) {
    const auto searched = sim::search_all(
        [mail](World& w) {
          const auto leaver = w.spawn(Leaver{});
          const auto watcher = w.spawn(Watcher{leaver, mail});
          leaver.tell(Go{});
          watcher.tell(Go{});
          w.run();
          EXPECT_EQ(w.peek(watcher).told, 1);
        },
        per_pair(), 100'000, [](const sim::Outcome& outcome) { EXPECT_FALSE(outcome.finding); });
    EXPECT_TRUE(searched.complete);
    EXPECT_GT(searched.runs, 1U);
  }
}

// ---- priorities ----------------------------------------------------------------------------------------------------

struct Urgent {
  static constexpr Priority priority = Priority::high;
};
struct Desk {
  std::string log;
  void handle(Note note) { log += note.letter; }
  void handle(Urgent) { log += '!'; }
};
struct Alarm {
  Ref<Desk> desk;
  void handle(Go) {
    desk.tell(Note{'a'});
    desk.tell(Note{'b'});
    desk.tell(Urgent{});
  }
};

TEST(Order, a_higher_priority_overtakes_what_still_waits) {
  EXPECT_EQ(all_texts([](World& w, std::string& text) {
              const auto desk = w.spawn("desk", Desk{});
              w.spawn(Alarm{desk}).tell(Go{});
              w.run();
              text = w.peek(*desk).log;
            }),
            (Texts{"!ab", "a!b", "ab!"}));
}

}  // namespace
}  // namespace orrery::testing
