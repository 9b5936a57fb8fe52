// Goal:   a bounded mailbox keeps its promises under every schedule: its policy, its order, and nothing lost in silence.
#include "tests/sim/sim_fixture.hpp"

#include <algorithm>

namespace orrery::testing {
namespace {

struct Go {};
struct Note {
  char letter = '?';
};
struct Tick {};
struct Collector {
  std::string log;
  void handle(Note note) { log += note.letter; }
};
struct Sender {
  Ref<Collector> to;
  std::string letters;
  std::string results;
  void handle(Go) {
    for (const char letter : letters) results += text_of(to.tell(Note{letter})) == "ok" ? letter : '-';
  }
};

/// One sender of "abc" to a mailbox of `capacity`; what was handled, and what the sender was told.
Texts one_sender(Overflow policy, std::uint32_t capacity) {
  return all_texts([=](World& w, std::string& text) {
    const auto c = w.spawn("c", Collector{}, {.mailbox = bounded(capacity, policy)});
    const auto sender = w.spawn(Sender{c, "abc", {}});
    sender.tell(Go{});
    w.run();
    text = w.peek(*c).log + "/" + w.peek(sender).results;
    if (policy == Overflow::drop_oldest || policy == Overflow::drop_newest) {
      text += fmt::format("/{}", w.dead_letters().count(DeadLetterReason::mailbox_full));
    }
  });
}

TEST(Bounded, reject_refuses_what_finds_no_place) {
  EXPECT_EQ(one_sender(Overflow::reject, 1), (Texts{"abc/abc", "ab/ab-", "ac/a-c", "a/a--"}));
  EXPECT_EQ(one_sender(Overflow::reject, 2), (Texts{"abc/abc", "ab/ab-"}));
}

TEST(Bounded, drop_newest_tells_the_sender_and_keeps_a_dead_letter) {
  EXPECT_EQ(one_sender(Overflow::drop_newest, 1), (Texts{"abc/abc/0", "ab/ab-/1", "ac/a-c/1", "a/a--/2"}));
}

TEST(Bounded, drop_oldest_takes_every_message_and_drops_the_oldest) {
  EXPECT_EQ(one_sender(Overflow::drop_oldest, 1), (Texts{"abc/abc/0", "bc/abc/1", "ac/abc/1", "c/abc/2"}));
  EXPECT_EQ(one_sender(Overflow::drop_oldest, 2), (Texts{"abc/abc/0", "bc/abc/1"}));
}

TEST(Bounded, suspend_loses_nothing) { EXPECT_EQ(one_sender(Overflow::suspend, 1), Texts{"abc/abc"}); }

TEST(Bounded, waiting_senders_get_their_places_in_the_order_in_which_they_began_to_wait) {
  // Every sender's first message either finds the place or waits; nobody who comes later may enter before it.
  sim::RunOptions options = no_faults();
  options.record_events = true;
  int waits = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::string log;
    const auto outcome = sim::execute(
        [&](World& w) {
          const auto c = w.spawn("c", Collector{}, {.mailbox = bounded(1, Overflow::suspend)});
          for (const char letter : std::string{"abcd"}) w.spawn(Sender{c, std::string{letter}, {}}).tell(Go{});
          w.run();
          log = w.peek(*c).log;
        },
        random_walk(seed), options);
    ASSERT_FALSE(outcome.finding);
    std::string order;  // in which they began to wait
    for (const auto& event : outcome.events) {
      if (event.kind != sim::EventKind::wait_for_place) continue;
      const auto at = event.message.find('\'');
      order += at == std::string::npos ? event.message[event.message.find('=') + 1] : event.message[at + 1];
      ++waits;
    }
    std::string handled;
    std::ranges::copy_if(log, std::back_inserter(handled), [&](char letter) { return order.contains(letter); });
    ASSERT_EQ(handled, order) << "handled " << log << ", seed " << seed;
    ASSERT_EQ(log.size(), 4U);
  }
  EXPECT_GT(waits, 300);
}

TEST(Bounded, whoever_comes_while_others_wait_for_the_low_mark_waits_behind_them) {
  struct Slow {
    std::string log;
    void handle(Note note, Context& context) {
      log += note.letter;
      context.sleep(1s);
    }
  };
  struct OneNote {
    Ref<Slow> to;
    char letter;
    void handle(Go) { to.tell(Note{letter}); }
  };
  run_calmly([](World& w) {
    const auto slow = w.spawn("slow", Slow{}, {.mailbox = bounded(3, Overflow::suspend, /*resume_at=*/1)});
    const auto send = [&](char letter) { w.spawn(OneNote{slow, letter}).tell(Go{}); };
    send('a');
    w.run_for(100ms);  // handled
    send('b');
    send('c');
    send('d');
    send('e');
    w.run_for(1s);  // b is handled now: there is a place, but e waits until there are two
    send('f');
    w.run();
    EXPECT_EQ(w.peek(*slow).log, "abcdef");
  });
}

TEST(Bounded, the_death_of_the_target_wakes_every_waiting_sender) {
  struct Napper {
    void handle(Note, Context& context) { context.sleep(100s); }
  };
  struct NapSender {
    Ref<Napper> to;
    std::string result;
    void handle(Go) { result = text_of(to.tell(Note{})); }
  };
  run_calmly([](World& w) {
    const auto napper = w.spawn("napper", Napper{}, {.mailbox = bounded(1, Overflow::suspend)});
    std::vector<Ref<NapSender>> senders;
    for (int i = 0; i < 5; ++i) {
      senders.push_back(w.spawn(NapSender{napper, {}}));
      senders.back().tell(Go{});
    }
    w.run_for(1s);  // one is handled, one is queued, three wait
    w.kill(*napper);
    w.run();
    std::vector<std::string> results;
    for (const auto& sender : senders) results.push_back(w.peek(sender).result);
    EXPECT_EQ(std::ranges::count(results, "ok"), 2);
    EXPECT_EQ(std::ranges::count(results, "actor_stopped"), 3);
    EXPECT_EQ(w.now().time_since_epoch(), 1s);
  });
}

struct Talker {
  int pings = 0;
  std::string result;
  void handle(Note, Context& context) {
    result = text_of(context.self(*this).tell(Go{}));
    result += " " + text_of(context.self(*this).tell(Go{}));
  }
  void handle(Go) { ++pings; }
};

TEST(Bounded, a_tell_to_oneself_never_waits_but_is_refused) {
  run_calmly([](World& w) {
    const auto talker = w.spawn("talker", Talker{}, {.mailbox = bounded(1, Overflow::suspend)});
    talker.tell(Note{});
    w.run();
    EXPECT_EQ(w.peek(*talker).result, "ok mailbox_full");
    EXPECT_EQ(w.peek(*talker).pings, 1);
  });
}

struct Ticker {
  int ticks = 0;
  int notes = 0;
  void handle(Go, Context& context) {
    context.every(*this, 1s, Tick{});
    context.sleep(10s);
  }
  void handle(Tick) { ++ticks; }
  void handle(Note) { ++notes; }
};

TEST(Bounded, a_timer_is_never_refused_and_has_one_undelivered_tick) {
  for (const auto policy : {Overflow::reject, Overflow::drop_oldest, Overflow::drop_newest, Overflow::suspend}) {
    run_calmly([policy](World& w) {
      const auto ticker = w.spawn("ticker", Ticker{}, {.mailbox = bounded(1, policy)});
      ticker.tell(Go{});
      w.run_for(500ms);
      EXPECT_TRUE(ticker.tell(Note{}).has_value());  // the only place is taken
      w.run_for(5s);
      EXPECT_EQ(w.ledger_of(ticker.handle())->queued, 2U) << "the note and one tick";
      w.run_for(4600ms);
      EXPECT_EQ(w.peek(*ticker).notes, 1);
      EXPECT_EQ(w.peek(*ticker).ticks, 1) << "at 10 s the one that fell due at 1 s; the next falls due at 11 s";
      w.kill(*ticker);
      w.run();
    });
  }
}

TEST(Bounded, the_body_of_the_test_waits_for_a_place_too) {
  run_calmly([](World& w) {
    const auto c = w.spawn("c", Collector{}, {.mailbox = bounded(1, Overflow::suspend)});
    for (const char letter : std::string{"abc"}) EXPECT_TRUE(c.tell(Note{letter}).has_value());
    w.run();
    EXPECT_EQ(w.peek(*c).log, "abc");
  });
}

// ---- rings -----------------------------------------------------------------------------------------------------------

struct Ring {
  Ref<Ring> next;
  void handle(Go) {
    next.tell(Go{});
    next.tell(Go{});
  }
  struct Join {
    Ref<Ring> next;
  };
  void handle(Join join) { next = join.next; }
};

TEST(Bounded, a_ring_of_senders_that_wait_for_each_other_is_a_finding_with_names) {
  const auto found = find([](World& w) {
    const auto a = w.spawn("a", Ring{}, {.mailbox = bounded(1, Overflow::suspend)});
    const auto b = w.spawn("b", Ring{*a}, {.mailbox = bounded(1, Overflow::suspend)});
    a.tell(Ring::Join{*b});
    w.run();
    a.tell(Go{});
    w.run();
  });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, FindingKind::ask_cycle);
  EXPECT_NE(found->name.find("a --waits to send Go--> b"), std::string::npos) << found->name;
  EXPECT_NE(found->name.find("--waits to send Go--> a"), std::string::npos) << found->name;
}

}  // namespace
}  // namespace orrery::testing
