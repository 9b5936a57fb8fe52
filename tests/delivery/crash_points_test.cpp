// Goal:   under a crash of the receiver at every point, at_most_once begins at most once, at_least_once and exactly_once end
//         at least and exactly once, and nobody's order is lost.
// Method: three senders of one class each, a receiver whose handler has three points, and a fault: the handler throws at one
//         of its points, another message throws, a stranger kills it at any time. Every schedule of each.
#include "tests/delivery/delivery_fixture.hpp"

#include <orrery/supervision.hpp>

namespace orrery::testing {
namespace {

enum class Fault { at_its_start, while_it_waits, at_its_end, in_another_message, killed_by_another };

struct Nudge {
  using Reply = void;
};
/// Answers, so that others can wait for it.
struct Friend {
  void handle(Nudge) {}
};
struct Bomb {};

struct Victim {
  Book* book;
  Ref<Friend> of;
  Fault fault;
  bool is_last = true;

  template <Delivery D>
  void handle(Job<D>) = delete;
  int handle(Plain job, Context& context) { return work(job.what, context); }
  int handle(Assured job, Context& context) { return work(job.what, context); }
  int handle(Once job, Context& context) { return work(job.what, context); }
  void handle(Bomb) { throw std::runtime_error{"bomb"}; }

  int work(int what, Context& context) {
    book->begun.push_back({what, context.attempt(), context.now()});
    if (fault == Fault::at_its_start && book->shall_fail(what)) throw std::runtime_error{"start"};
    (void)of.ask(Nudge{}, no_timeout);
    if (fault == Fault::while_it_waits && book->shall_fail(what)) throw std::runtime_error{"wait"};
    book->ended.push_back(what);  // the effect
    if (fault == Fault::at_its_end && book->shall_fail(what)) {
      book->ended.pop_back();  // which does not outlive a crash before its handler's end
      throw std::runtime_error{"end"};
    }
    return 0;
  }
};

template <Delivery D>
struct Sender {
  struct Go {};
  Ref<Victim> to;
  int first;
  void handle(Go) {
    (void)to.tell(Job<D>{first}, ignore_reply);
    (void)to.tell(Job<D>{first + 1}, ignore_reply);
  }
};
struct Foe {
  struct Go {};
  Ref<Victim> to;
  bool kills;
  void handle(Go, Context& context) {
    if (kills) {
      context.exit(to, ExitReason::killed());
    } else {
      to.tell(Bomb{});
    }
  }
};

template <Delivery D>
void expect_class_holds(Fault fault, MailOnRestart mail) {
  SCOPED_TRACE(::testing::Message() << "fault " << static_cast<int>(fault) << " mail " << static_cast<int>(mail));
  const Texts texts = all_texts(
      [fault, mail](World& w, std::string& text) {
        Book book;
        book.fail(1, 1);
        book.fail(2, 1);
        const auto of = w.spawn(Friend{});
        const auto up = start_supervisor(
            w, "up",
            {.intensity = 10, .children = {child("victim", Victim{&book, of, fault}, {.mail_on_restart = mail})}});
        ASSERT_TRUE(up);
        const auto victim = *w.find<Victim>("up/victim");
        const auto sender = w.spawn(Sender<D>{victim, 1});
        sender.tell(typename Sender<D>::Go{});
        if (fault >= Fault::in_another_message) {
          w.spawn(Foe{victim, fault == Fault::killed_by_another}).tell(Foe::Go{});
        }
        w.run();
        expect_settled(w);
        const bool in_order = std::ranges::find(book.ended, 2) == book.ended.end() ||
                              std::ranges::find(book.ended, 1) < std::ranges::find(book.ended, 2) ||
                              D == Delivery::at_most_once;
        const auto begun_once = [&](int what) { return std::ranges::count(book.begun_as(), what) <= 1; };
        switch (D) {
          case Delivery::at_most_once:
            text = begun_once(1) && begun_once(2) ? "holds" : "begun twice";
            break;
          case Delivery::at_least_once:
            text = book.times_ended(1) >= 1 && book.times_ended(2) >= 1 && in_order ? "holds" : "lost";
            break;
          case Delivery::exactly_once:
            text = book.times_ended(1) == 1 && book.times_ended(2) == 1 && in_order ? "holds" : "not once";
            break;
        }
        for (const int what : {1, 2}) {  // the mark: 0, 1, 2 ... whenever it came
          const auto attempts = book.attempts_of(what);
          for (std::uint32_t i = 0; i < attempts.size(); ++i) {
            if (attempts[i] != i) text += " and unmarked";
          }
        }
      },
      without_jitter());
  EXPECT_EQ(texts, Texts{"holds"});
}

template <Delivery D>
void expect_class_holds() {
  for (const auto fault : {Fault::at_its_start, Fault::while_it_waits, Fault::at_its_end, Fault::in_another_message,
                           Fault::killed_by_another}) {
    for (const auto mail : {MailOnRestart::keep, MailOnRestart::drop}) expect_class_holds<D>(fault, mail);
  }
}

TEST(CrashPoints, at_most_once_is_never_begun_twice) { expect_class_holds<Delivery::at_most_once>(); }
TEST(CrashPoints, at_least_once_is_never_lost) { expect_class_holds<Delivery::at_least_once>(); }
TEST(CrashPoints, exactly_once_is_done_once) { expect_class_holds<Delivery::exactly_once>(); }

}  // namespace
}  // namespace orrery::testing
