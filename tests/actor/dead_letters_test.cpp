// Goal:   what nobody handled is on record, bounded, and where it was kept can be sent once more, in its order, and is then
//         accounted for like any message (SPEC B7, Q7; SEMANTICS P4, P16, P17).
// Method: one body for both worlds; the messages die in the same way in every schedule (letters_fixture.hpp).
#include "tests/actor/letters_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

namespace orrery::letters {
namespace {

using Strings = std::vector<std::string>;

std::vector<std::string> texts(const std::vector<DeadLetter>& letters) {
  std::vector<std::string> all;
  for (const DeadLetter& letter : letters) all.push_back(letter.text);
  return all;
}

TEST(DeadLetters, say_what_was_sent_to_whom_from_whom_why_and_when) {
  in_both_worlds({}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn("guest", Guest{});
    const auto host = stage.runtime.spawn("host", Host{});
    EXPECT_TRUE(host->tell(Meet{.guest = *guest, .first = 7, .count = 1, .then = Meet::stop, .urgent = true}));
    stage.rest();
    const auto letters = stage.letters().query();
    ASSERT_EQ(letters.size(), 2U);
    // What ends finds its mail by priority, and in the order of arrival within one.
    const DeadLetter& urgent = letters[0].message == "Urgent" ? letters[0] : letters[1];
    const DeadLetter& note = letters[0].message == "Urgent" ? letters[1] : letters[0];
    EXPECT_EQ(note.message, "Note");
    EXPECT_EQ(note.text, "Note{number=7}");
    EXPECT_EQ(note.target, host->handle());
    EXPECT_EQ(note.target_path, "host") << "although it has ended";
    EXPECT_EQ(note.sender, guest->handle());
    EXPECT_EQ(note.sender_path, "guest");
    EXPECT_EQ(note.reason, DeadLetterReason::actor_stopped);
    EXPECT_EQ(note.priority, Priority::normal);
    EXPECT_EQ(urgent.priority, Priority::high);
    EXPECT_EQ(note.attempts, 1U);
    EXPECT_FALSE(note.is_kept);
    EXPECT_TRUE(std::string_view{note.where.file_name()}.ends_with("letters_fixture.hpp"));
    EXPECT_LE(note.when, stage.runtime.now());
    EXPECT_EQ(orrery_describe(note), "Note{number=7} from guest to host: actor_stopped");
  });
}

TEST(DeadLetters, name_an_anonymous_target_by_its_type_when_it_has_ended) {
  in_both_worlds({}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn(Guest{});
    stage.meet(stage.runtime.spawn(Host{}), guest, 0, 1, Meet::stop);
    const auto letters = stage.letters().query();
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_TRUE(letters[0].target_path.starts_with("Host#")) << letters[0].target_path;
    EXPECT_TRUE(letters[0].sender_path.starts_with("Guest#")) << letters[0].sender_path;
  });
}

TEST(DeadLetters, of_a_late_reply_are_the_reply_from_the_replier_to_the_asker) {
  struct Asker {
    void handle(Meet meet, Context& context) {
      // The guest answers by and by; nobody waits for it.
      auto pending = meet.guest.ask_async(Guest::Fill{context.runtime().spawn(Host{}), 0, 0}, no_timeout);
    }
  };
  in_both_worlds({}, [](const Stage& stage) {
    const auto asker = stage.runtime.spawn("asker", Asker{});
    const auto guest = stage.runtime.spawn("guest", Guest{});
    EXPECT_TRUE(asker->tell(Meet{*guest}));
    stage.rest();
    const auto letters = stage.letters().query({.reason = DeadLetterReason::late_reply});
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0].message, "Fill");
    EXPECT_EQ(letters[0].text, "true");
    EXPECT_EQ(letters[0].sender_path, "guest");
    EXPECT_EQ(letters[0].target_path, "asker");
  });
}

struct Speech {
  std::string text;
};
struct Sulky {
  friend std::string orrery_describe(const Sulky&) { throw std::runtime_error{"not now"}; }
  friend void orrery_hash(TraceHasher&, const Sulky&) {}
};
struct Begin {
  std::string text;
};
struct Sulker {
  void handle(const Begin&, Context& context) {
    context.self(*this).tell(Sulky{});
    context.stop();
  }
  void handle(Sulky) {}
};
/// Dies with a speech in its mailbox.
struct Speaker {
  void handle(const Begin& begin, Context& context) {
    context.self(*this).tell(Speech{begin.text});
    context.stop();
  }
  void handle(Speech) {}
};

TEST(DeadLetters, cut_a_long_text_between_two_characters) {
  for (std::uint32_t most = 0; most < 60; ++most) {
    in_simulation({.text_bytes_max = most}, [&](const Stage& stage) {
      stage.runtime.spawn(Speaker{}).tell(Begin{"aé€😀aé€😀aé€😀aé€😀"});
      stage.rest();
      const auto letters = stage.letters().query();
      ASSERT_EQ(letters.size(), 1U);
      std::string_view text = letters[0].text;
      const std::string whole = "Speech{text=\"aé€😀aé€😀aé€😀aé€😀\"}";
      ASSERT_LE(text.size(), most);
      if (most >= whole.size()) {
        EXPECT_EQ(text, whole);
      } else if (most >= 3) {
        ASSERT_TRUE(text.ends_with("…")) << text;
        text.remove_suffix(3);
        EXPECT_TRUE(whole.starts_with(text));
        EXPECT_NE(static_cast<unsigned char>(whole[text.size()]) & 0xC0U, 0x80U) << "half a character is left";
        EXPECT_GT(text.size() + 7, most) << "no more is cut than must be";
      }
    });
  }
}

TEST(DeadLetters, survive_a_description_that_throws) {
  in_both_worlds({}, [](const Stage& stage) {
    stage.runtime.spawn(Sulker{}).tell(Begin{});
    stage.rest();
    const auto letters = stage.letters().query();
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0].message, "Sulky");
    EXPECT_EQ(letters[0].text, "…");
  });
}

TEST(DeadLetters, are_found_by_reason_target_sender_type_time_and_whatever_else_is_asked) {
  in_both_worlds({}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn("guest", Guest{});
    const auto alice = stage.runtime.spawn("alice", Host{});
    const auto bob = stage.runtime.spawn("bob", Host{}, {.mailbox = bounded(2, Overflow::drop_newest)});
    stage.meet(*alice, *guest, 0, 3, Meet::stop);
    stage.meet(*bob, *guest, 10, 5, Meet::go_on);
    const DeadLetters& letters = stage.letters();
    EXPECT_EQ(letters.query().size(), 6U);
    EXPECT_EQ(texts(letters.query({.reason = DeadLetterReason::actor_stopped})),
              (Strings{"Note{number=0}", "Note{number=1}", "Note{number=2}"}));
    EXPECT_EQ(texts(letters.query({.target = bob->handle()})),
              (Strings{"Note{number=12}", "Note{number=13}", "Note{number=14}"}));
    EXPECT_EQ(letters.query({.target_path = "bob"}).size(), 3U);
    EXPECT_EQ(letters.query({.target_path = "bo"}).size(), 0U);
    EXPECT_EQ(letters.query({.sender = guest->handle()}).size(), 6U);
    EXPECT_EQ(letters.query({.sender = bob->handle()}).size(), 0U);
    EXPECT_EQ(letters.query({.message = "Note"}).size(), 6U);
    EXPECT_EQ(letters.query({.message = "Token"}).size(), 0U);
    EXPECT_EQ(letters.query({.kept_only = true}).size(), 0U);
    EXPECT_EQ(texts(letters.query({.accepts = [](const DeadLetter& one) { return one.text.ends_with("3}"); }})),
              (Strings{"Note{number=13}"}));
    EXPECT_EQ(texts(letters.query({.count_max = 1})), (Strings{"Note{number=0}"}));
    const Instant last = letters.query().back().when;
    for (const DeadLetter& letter : letters.query({.since = last})) EXPECT_GE(letter.when, last);
    EXPECT_EQ(letters.query({.since = last}).size() + letters.query({.before = last}).size(), 6U);
    EXPECT_EQ(letters.query({.since = last + 1ns}).size(), 0U);
  });
}

TEST(DeadLetters, are_bounded_and_the_oldest_go_first_unless_the_newest_are_to) {
  for (const auto overflow : {DeadLetterOverflow::drop_oldest, DeadLetterOverflow::drop_newest}) {
    in_both_worlds({.records_max = 4, .overflow = overflow}, [&](const Stage& stage) {
      const auto guest = stage.runtime.spawn(Guest{});
      stage.meet(stage.runtime.spawn(Host{}), guest, 0, 3, Meet::stop);
      EXPECT_EQ(stage.letters().dropped(), 0U);
      stage.meet(stage.runtime.spawn(Host{}), guest, 3, 4, Meet::stop);
      EXPECT_EQ(texts(stage.letters().query()),
                overflow == DeadLetterOverflow::drop_oldest
                    ? (Strings{"Note{number=3}", "Note{number=4}", "Note{number=5}", "Note{number=6}"})
                    : (Strings{"Note{number=0}", "Note{number=1}", "Note{number=2}", "Note{number=3}"}));
      EXPECT_EQ(stage.letters().count(), 7U);
      EXPECT_EQ(stage.letters().dropped(), 3U);
      EXPECT_EQ(stage.letters().clear({.count_max = 1}), 1U);
      EXPECT_EQ(stage.letters().query().size(), 3U) << "what was dropped does not come back";
      EXPECT_EQ(stage.letters().dropped(), 3U) << "nor does what was cleared count as dropped";
      EXPECT_EQ(stage.letters().count(), 7U);
    });
  }
}

TEST(DeadLetters, are_only_counted_where_no_record_is_wanted) {
  in_both_worlds({.records_max = 0, .kept_max = 10}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn(Guest{});
    const auto owned = std::make_shared<int>(0);
    stage.meet_tokens(stage.runtime.spawn(Host{}), guest, 5, owned, Meet::stop);
    EXPECT_EQ(owned.use_count(), 1);
    EXPECT_EQ(stage.letters().count(DeadLetterReason::actor_stopped), 5U);
    EXPECT_EQ(stage.letters().dropped(), 5U);
    EXPECT_TRUE(stage.letters().query().empty());
    EXPECT_EQ(stage.letters().redrive(), Redriven{});
  });
}

TEST(DeadLetters, are_counted_by_type_and_reason) {
  in_both_worlds({}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn(Guest{});
    stage.meet(stage.runtime.spawn(Host{}), guest, 0, 3, Meet::stop);
    stage.meet(stage.runtime.spawn(Host{}, {.mailbox = bounded(1, Overflow::drop_newest)}), guest, 0, 3, Meet::go_on);
    stage.meet_tokens(stage.runtime.spawn(Host{}), guest, 1, std::make_shared<int>(0), Meet::stop);
    std::string text;
    for (const auto& [message, reason, count] : stage.letters().counts()) {
      text += fmt::format("{} {} {};", message, to_string(reason), count);
    }
    EXPECT_EQ(text, "Note actor_stopped 3;Note mailbox_full 2;Token actor_stopped 1;");
  });
}

// ---- keeping ------------------------------------------------------------------------------------------------------

TEST(DeadLetters, keep_no_message_unless_asked_to) {
  in_both_worlds({}, [](const Stage& stage) {
    const auto owned = std::make_shared<int>(0);
    stage.meet_tokens(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 3, owned, Meet::stop);
    EXPECT_EQ(stage.letters().count(), 3U);
    EXPECT_EQ(owned.use_count(), 1);
    EXPECT_EQ(stage.letters().kept(), 0U);
    EXPECT_EQ(stage.letters().redrive(), Redriven{});
  });
}

TEST(DeadLetters, keep_messages_up_to_a_number_and_destroy_what_must_go) {
  for (const auto overflow : {DeadLetterOverflow::drop_oldest, DeadLetterOverflow::drop_newest}) {
    in_both_worlds({.overflow = overflow, .kept_max = 2}, [&](const Stage& stage) {
      const auto owned = std::make_shared<int>(0);
      stage.meet_tokens(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 5, owned, Meet::stop);
      EXPECT_EQ(owned.use_count(), 3);
      EXPECT_EQ(stage.letters().kept(), 2U);
      const auto letters = stage.letters().query();
      ASSERT_EQ(letters.size(), 5U) << "the records stay";
      const bool oldest = overflow == DeadLetterOverflow::drop_newest;
      for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(letters[i].is_kept, oldest ? i < 2 : i >= 3) << i;
      EXPECT_EQ(stage.letters().clear({.kept_only = true}), 2U);
      EXPECT_EQ(owned.use_count(), 1);
    });
  }
}

TEST(DeadLetters, keep_messages_up_to_so_many_bytes) {
  in_both_worlds({.kept_max = 1'000, .kept_bytes_max = 3 * (Envelope::header_bytes + sizeof(Token))},
                 [](const Stage& stage) {
                   const auto owned = std::make_shared<int>(0);
                   stage.meet_tokens(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 9, owned, Meet::stop);
                   EXPECT_EQ(owned.use_count(), 4);
                 });
}

TEST(DeadLetters, let_a_message_go_with_its_record) {
  in_both_worlds({.records_max = 2, .kept_max = 10}, [](const Stage& stage) {
    const auto owned = std::make_shared<int>(0);
    stage.meet_tokens(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 5, owned, Meet::stop);
    EXPECT_EQ(owned.use_count(), 3);
    EXPECT_EQ(stage.letters().kept(), 2U);
  });
}

TEST(DeadLetters, keep_neither_asks_nor_ticks_nor_notices) {
  struct Busy {
    Ref<Guest> guest;
    void handle(Note) {}
    void handle(Down) {}
    int handle(Question) { return 1; }
    void handle(Meet meet, Context& context) {
      const auto other = context.spawn(Host{});
      context.watch(*this, other);
      context.after(*this, 0s, Note{});
      (void)context.stop(other);
      auto asked = context.self(*this).ask_async(Question{}, no_timeout);
      (void)guest.ask(Guest::Fill{other, 0, 0}, no_timeout);
      context.sleep(1ms);  // the tick is in the mailbox
      static_cast<void>(meet);
      context.stop();
    }
  };
  in_both_worlds({.kept_max = 10}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn(Guest{});
    EXPECT_TRUE(stage.runtime.spawn(Busy{guest}).tell(Meet{guest}));
    stage.rest();
    EXPECT_GE(stage.letters().count(), 2U);
    EXPECT_EQ(stage.letters().kept(), 0U);
  });
}

TEST(DeadLetters, destroy_what_they_keep_when_the_world_ends) {
  const auto owned = std::make_shared<int>(0);
  in_both_worlds({.kept_max = 10}, [&](const Stage& stage) {
    stage.meet_tokens(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 3, owned, Meet::stop);
    EXPECT_EQ(owned.use_count(), 4);
  });
  EXPECT_EQ(owned.use_count(), 1);
}

// ---- sending once more ----------------------------------------------------------------------------------------------

TEST(DeadLetters, are_sent_again_in_their_order_to_who_has_the_name_now) {
  in_both_worlds({.kept_max = 100}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn("guest", Guest{});
    stage.meet(*stage.runtime.spawn("host", Host{}), *guest, 0, 4, Meet::stop);
    EXPECT_EQ(stage.letters().redrive(), (Redriven{.accepted = 0, .refused = 1, .held_back = 3})) << "nobody is there";
    EXPECT_EQ(texts(stage.letters().query({.kept_only = true})).size(), 4U);
    const auto heir = stage.runtime.spawn("host", Host{});
    EXPECT_EQ(stage.letters().redrive(), (Redriven{.accepted = 4, .refused = 0, .held_back = 0}));
    stage.rest();
    EXPECT_EQ(stage.seen(*heir), (Strings{"0 from an actor again 1", "1 from an actor again 1",
                                          "2 from an actor again 1", "3 from an actor again 1"}));
    EXPECT_TRUE(stage.letters().query().empty()) << "they are no letters any more";
    EXPECT_EQ(stage.letters().dropped(), 0U);
    EXPECT_EQ(stage.letters().count(), 4U) << "but they were";
    EXPECT_EQ(stage.letters().redrive(), Redriven{});
    const Ledger ledger = stage.runtime.ledger();
    EXPECT_EQ(ledger.refused, 1U);
    EXPECT_EQ(ledger.dead_lettered, 4U);
  });
}

TEST(DeadLetters, do_not_go_to_another_type_that_took_the_name) {
  in_both_worlds({.kept_max = 100}, [](const Stage& stage) {
    stage.meet(*stage.runtime.spawn("host", Host{}), stage.runtime.spawn(Guest{}), 0, 1, Meet::stop);
    const auto other = stage.runtime.spawn("host", Understudy{});
    EXPECT_EQ(stage.letters().redrive(), (Redriven{.accepted = 0, .refused = 1, .held_back = 0}));
    EXPECT_EQ(stage.seen(*other), Strings{});
  });
}

TEST(DeadLetters, of_a_restart_go_to_the_same_actor_again) {
  in_both_worlds({.kept_max = 100}, [](const Stage& stage) {
    const auto host =
        stage.runtime.spawn("host", Restart{.intensity = 3}, Host{}, {.mail_on_restart = MailOnRestart::drop});
    stage.meet(*host, stage.runtime.spawn(Guest{}), 0, 2, Meet::fail);
    EXPECT_EQ(stage.letters().count(DeadLetterReason::restart_dropped), 2U);
    EXPECT_EQ(stage.letters().redrive().accepted, 2U);
    stage.rest();
    EXPECT_EQ(stage.seen(*host), (Strings{"0 from an actor again 1", "1 from an actor again 1"}));
  });
}

TEST(DeadLetters, can_be_sent_to_another_actor_of_the_type) {
  in_both_worlds({.kept_max = 100}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn(Guest{});
    const auto gone = stage.runtime.spawn(Host{});
    stage.meet(gone, guest, 0, 2, Meet::stop);
    stage.meet_tokens(stage.runtime.spawn(Host{}), guest, 1, std::make_shared<int>(0), Meet::stop);
    const auto heir = stage.runtime.spawn(Host{});
    EXPECT_EQ(stage.letters().redrive({}, stage.runtime.spawn(Understudy{})), Redriven{});
    EXPECT_EQ(stage.letters().redrive({.target = gone.handle()}, heir).accepted, 2U);
    EXPECT_EQ(stage.letters().redrive({}, heir).accepted, 1U);
    stage.rest();
    EXPECT_EQ(stage.seen(heir), (Strings{"0 from an actor again 1", "1 from an actor again 1", "token"}));
  });
}

TEST(DeadLetters, can_be_sent_to_whoever_handles_such_messages) {
  in_both_worlds({.kept_max = 100}, [](const Stage& stage) {
    const auto guest = stage.runtime.spawn(Guest{});
    const auto owned = std::make_shared<int>(0);
    stage.meet_tokens(stage.runtime.spawn(Host{}), guest, 1, owned, Meet::stop);
    stage.meet(stage.runtime.spawn(Host{}), guest, 0, 2, Meet::stop);
    const auto understudy = stage.runtime.spawn(Understudy{});
    EXPECT_EQ(stage.letters().redrive({}, Recipient<Note>{understudy}).accepted, 2U);
    stage.rest();
    EXPECT_EQ(stage.seen(understudy), (Strings{"0", "1"}));
    EXPECT_EQ(stage.letters().kept(), 1U) << "the token, which it does not handle";
    EXPECT_EQ(owned.use_count(), 2);
    EXPECT_EQ(stage.letters().redrive({}, Recipient<Note>{}), Redriven{}) << "a recipient that names nobody";
  });
}

TEST(DeadLetters, that_are_refused_stay_where_they_were_and_hold_back_what_came_later) {
  for (const auto overflow : {Overflow::reject, Overflow::suspend, Overflow::drop_newest}) {
    in_both_worlds({.kept_max = 100}, [&](const Stage& stage) {
      const auto guest = stage.runtime.spawn(Guest{});
      stage.meet(*stage.runtime.spawn("narrow", Host{}), guest, 0, 3, Meet::stop);
      stage.meet(*stage.runtime.spawn("wide", Host{}), guest, 10, 2, Meet::stop);
      const auto narrow = *stage.runtime.spawn("narrow", Host{}, {.mailbox = bounded(1, overflow)});
      const auto wide = *stage.runtime.spawn("wide", Host{});
      const auto redriven = narrow.ask(Hold{stage.runtime.spawn(Operator{})}, no_timeout);
      EXPECT_EQ(redriven.value_or(Redriven{}), (Redriven{.accepted = 3, .refused = 1, .held_back = 1}));
      stage.rest();
      EXPECT_EQ(stage.seen(wide), (Strings{"10 from an actor again 1", "11 from an actor again 1"}));
      const bool was_dropped = overflow == Overflow::drop_newest;  // then it was accepted, and died a second time
      const auto letters = stage.letters().query();
      ASSERT_EQ(texts(letters), (Strings{"Note{number=1}", "Note{number=2}"}));
      EXPECT_EQ(letters[0].attempts, was_dropped ? 2U : 1U);
      EXPECT_EQ(letters[0].reason, was_dropped ? DeadLetterReason::mailbox_full : DeadLetterReason::actor_stopped);
      EXPECT_EQ(letters[1].attempts, 1U);
      EXPECT_EQ(stage.letters().count(), was_dropped ? 6U : 5U);
      EXPECT_EQ(stage.letters().dropped(), 0U);
      expect_accounts_agree(stage.runtime);
      for (int i = 0; i < 10 && stage.letters().kept() > 0; ++i) {
        (void)stage.letters().redrive();
        stage.rest();
      }
      const Strings seen = stage.seen(narrow);
      ASSERT_EQ(seen.size(), 3U);
      EXPECT_EQ(seen[0], "0 from an actor again 1");
      EXPECT_TRUE(seen[1].starts_with("1 from an actor again ")) << seen[1];
      EXPECT_TRUE(seen[2].starts_with("2 from an actor again ")) << seen[2];
    });
  }
}

TEST(DeadLetters, can_be_sent_again_a_few_at_a_time) {
  in_both_worlds({.kept_max = 100}, [](const Stage& stage) {
    stage.meet(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 0, 5, Meet::stop);
    const auto heir = stage.runtime.spawn(Host{});
    EXPECT_EQ(stage.letters().redrive({.count_max = 2}, heir).accepted, 2U);
    EXPECT_EQ(stage.letters().kept(), 3U);
    EXPECT_EQ(stage.letters().redrive({}, heir).accepted, 3U);
    stage.rest();
    const Strings seen = stage.seen(heir);
    ASSERT_EQ(seen.size(), 5U);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(seen[static_cast<std::size_t>(i)].starts_with(fmt::format("{} ", i)));
  });
}

TEST(DeadLetters, that_die_again_are_letters_again_with_one_attempt_more) {
  in_both_worlds({.kept_max = 100}, [](const Stage& stage) {
    const auto worker = stage.runtime.spawn(Operator{});
    stage.meet(*stage.runtime.spawn("host", Host{}), stage.runtime.spawn(Guest{}), 0, 2, Meet::stop);
    const auto heir = stage.runtime.spawn("host", Host{});
    EXPECT_EQ(heir->ask(Hold{worker, true}, no_timeout).value_or(Redriven{}).accepted, 2U);
    stage.rest();
    const auto letters = stage.letters().query();
    ASSERT_EQ(texts(letters), (Strings{"Note{number=0}", "Note{number=1}"}));
    for (const DeadLetter& letter : letters) {
      EXPECT_TRUE(letter.is_kept);
      EXPECT_EQ(letter.attempts, 2U);
      EXPECT_EQ(letter.target, heir->handle());
    }
    EXPECT_EQ(stage.letters().count(), 4U);
    const auto second = stage.runtime.spawn("host", Host{});
    EXPECT_EQ(stage.letters().redrive().accepted, 2U);
    stage.rest();
    EXPECT_EQ(stage.seen(*second), (Strings{"0 from an actor again 2", "1 from an actor again 2"}));
  });
}

// ---- who hears of it ------------------------------------------------------------------------------------------------

/// Remembers what it hears, and tells somebody whose mailbox is always full.
class Listener final : public DeadLetterSink {
 public:
  void hear(const DeadLetter& letter) noexcept override {
    {
      const std::lock_guard guard{mutex_};
      heard_.push_back(letter.text);
    }
    if (to_) (void)to_->tell(Note{-1});
  }
  void tell(const Ref<Host>& to) { to_ = to; }
  [[nodiscard]] Strings heard() {
    const std::lock_guard guard{mutex_};
    return heard_;
  }

 private:
  std::mutex mutex_;
  Strings heard_;
  std::optional<Ref<Host>> to_;
};

TEST(DeadLetters, are_heard_by_a_sink_each_and_at_once) {
  const auto expect_heard = [](const Stage& stage, Listener& listener) {
    stage.meet(stage.runtime.spawn(Host{}), stage.runtime.spawn(Guest{}), 0, 4, Meet::stop);
    EXPECT_EQ(listener.heard(), (Strings{"Note{number=0}", "Note{number=1}", "Note{number=2}", "Note{number=3}"}));
  };
  // A sink for each world, since it hears what dies at the end of each.
  for (const std::uint32_t records_max : {0U, 2U, 100U}) {
    std::shared_ptr<Listener> listener = std::make_shared<Listener>();
    in_simulation(
        {.records_max = records_max, .sink = listener}, [&](const Stage& stage) { expect_heard(stage, *listener); }, 1);
    listener = std::make_shared<Listener>();
    System system{{.threads = 2,
                   .runtime = {.dead_letters = {.records_max = records_max, .sink = listener}},
                   .report_to = [](std::string_view, const std::string&) {},
                   .read_environment = false}};
    expect_heard({system, [&] { ASSERT_TRUE(system.await_quiescence(60s)); }}, *listener);
  }
}

TEST(DeadLetters, that_a_sink_brings_about_are_recorded_but_not_heard) {
  const auto listener = std::make_shared<Listener>();
  in_simulation(
      {.sink = listener},
      [&](const Stage& stage) {
        const auto full = stage.runtime.spawn(Host{}, {.mailbox = bounded(1, Overflow::drop_newest)});
        listener->tell(full);
        EXPECT_TRUE(full.tell(Note{0}));  // the body of the test runs alone, so this stays where it is
        EXPECT_FALSE(full.tell(Note{1}));
        EXPECT_EQ(listener->heard(), (Strings{"Note{number=1}"}));
        EXPECT_EQ(texts(stage.letters().query({.message = "Note"})).size(), 2U);
        EXPECT_FALSE(full.tell(Note{2}));
        EXPECT_EQ(listener->heard().size(), 2U) << "it hears again afterwards";
      },
      1);
}

}  // namespace
}  // namespace orrery::letters
