// Goal:   dead letters are part of a run that can be repeated: what is kept of them changes no trace, who looks at them sees
//         what can have happened, and sending them again is an act like any other.
#include "tests/actor/letters_fixture.hpp"
#include "tests/sim/sim_fixture.hpp"

#include <set>

namespace orrery::testing {
namespace {

using letters::Guest;
using letters::Hold;
using letters::Host;
using letters::Meet;
using letters::Note;
using letters::Operator;
using letters::Seen;

struct Look {};
/// Looks at the letters in its handler.
struct Looker {
  std::size_t found = 0;
  void handle(Look, Context& context) { found = context.runtime().dead_letters().query().size(); }
};

void some_deaths(World& w) {
  const auto guest = w.spawn("guest", Guest{});
  const auto host = w.spawn("host", Host{});
  const auto narrow = w.spawn("narrow", Host{}, {.mailbox = bounded(1, Overflow::drop_oldest)});
  const auto looker = w.spawn(Looker{});
  host->tell(Meet{*guest, 0, 3, Meet::stop});
  narrow->tell(Meet{*guest, 10, 3, Meet::go_on, std::make_shared<int>(0)});
  looker.tell(Look{});
  w.run();
}

TEST(Letters, leave_the_same_trace_whatever_is_kept_of_them) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::set<std::string> traces;
    for (const DeadLetterOptions& options :
         {DeadLetterOptions{}, DeadLetterOptions{.records_max = 0}, DeadLetterOptions{.text_bytes_max = 0},
          DeadLetterOptions{.records_max = 2, .overflow = DeadLetterOverflow::drop_newest},
          DeadLetterOptions{.kept_max = 3}}) {
      sim::RunOptions run_options = no_faults();
      run_options.runtime.dead_letters = options;
      const auto outcome = sim::execute(some_deaths, random_walk(seed), run_options);
      ASSERT_FALSE(outcome.finding) << outcome.finding->name;
      traces.insert(fmt::format("{:x}{:x}", outcome.trace_hash.hi, outcome.trace_hash.lo));
    }
    EXPECT_EQ(traces.size(), 1U) << "seed " << seed;
  }
}

TEST(Letters, are_the_same_ones_in_every_run_of_a_seed) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::set<std::string> told;
    for (int i = 0; i < 2; ++i) {
      std::string text;
      (void)sim::execute(
          [&](World& w) {
            some_deaths(w);
            text.clear();
            for (const DeadLetter& letter : w.dead_letters().query()) {
              text += fmt::format("{} at {}\n", orrery_describe(letter), letter.when.time_since_epoch().count());
            }
          },
          random_walk(seed), {});
      told.insert(text);
    }
    EXPECT_EQ(told.size(), 1U) << "seed " << seed;
    EXPECT_NE(told.begin()->find("Note{number=2} from guest to host: actor_stopped"), std::string::npos);
  }
}

TEST(Letters, are_seen_by_a_handler_before_and_after_they_come) {
  const Texts seen = all_texts([](World& w, std::string& text) {
    const auto guest = w.spawn(Guest{});
    const auto host = w.spawn(Host{});
    const auto looker = w.spawn(Looker{});
    host.tell(Meet{guest, 0, 1, Meet::stop});
    looker.tell(Look{});
    w.run();
    text = fmt::format("{}", w.peek(looker).found);
  });
  EXPECT_EQ(seen, (Texts{"0", "1"}));
}

struct Tell {
  Ref<Host> to;
};
struct Teller {
  void handle(const Tell& tell) { tell.to.tell(Note{100}); }
};

/// An actor sends letters again while another one tells their target something.
TEST(Letters, that_are_sent_again_by_an_actor_mix_with_mail_in_every_way_that_keeps_their_order) {
  sim::RunOptions options = no_faults();
  options.runtime.dead_letters.kept_max = 10;
  for (const sim::Mode mode : {sim::Mode::causal, sim::Mode::per_pair}) {
    options.mode = mode;
    const Texts seen = all_texts(
        [](World& w, std::string& text) {
          const auto guest = w.spawn(Guest{});
          const auto first = w.spawn("host", Host{});
          first->tell(Meet{guest, 0, 2, Meet::stop});
          w.run();
          const auto heir = w.spawn("host", Host{});
          w.spawn(Operator{}).tell(Operator::Redrive{}, ignore_reply);
          w.spawn(Teller{}).tell(Tell{*heir});
          w.run();
          for (const std::string& one : w.peek(*heir).seen) text += one.substr(0, one.find(' ')) + " ";
        },
        options);
    EXPECT_EQ(seen, (Texts{"0 1 100 ", "0 100 1 ", "100 0 1 "})) << (mode == sim::Mode::causal ? "causal" : "per pair");
  }
}

TEST(Letters, in_hand_when_the_world_ends_are_destroyed_and_accounted_for) {
  const auto owned = std::make_shared<int>(0);
  sim::RunOptions options = no_faults();
  options.runtime.dead_letters.kept_max = 10;
  int ended_within = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::size_t kept = 0;
    const auto outcome = sim::execute(
        [&](World& w) {
          const auto guest = w.spawn(Guest{});
          w.spawn("host", Host{})->tell(Meet{guest, 0, 4, Meet::stop, owned});
          w.run();
          const auto heir = w.spawn("host", Host{});
          w.spawn(Operator{}).tell(Operator::Redrive{}, ignore_reply);
          w.always("fewer than two", [&] {
            kept = w.dead_letters().kept();
            return w.peek(*heir).seen.size() < 2;
          });
          w.run();
        },
        random_walk(seed), options);
    ASSERT_TRUE(outcome.finding) << "it finds four";
    EXPECT_TRUE(outcome.ledger.adds_up()) << orrery_describe(outcome.ledger);
    EXPECT_EQ(outcome.ledger.queued, 0U);
    EXPECT_EQ(owned.use_count(), 1) << "seed " << seed;
    // While a redrive is under way none of its letters is in the queue.
    ended_within += outcome.steps < 8 && kept == 0 ? 1 : 0;
  }
  EXPECT_GT(ended_within, 0);
}

TEST(Letters, can_be_asserted_on_by_a_predicate) {
  const auto finding = find([](World& w) {
    const auto guest = w.spawn(Guest{});
    w.always("nothing is lost", [&] { return w.dead_letters().query().empty(); });
    w.spawn(Host{}).tell(Meet{guest, 0, 1, Meet::stop});
    w.run();
  });
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->name, "nothing is lost");
}

}  // namespace
}  // namespace orrery::testing
