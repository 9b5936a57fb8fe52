// Replays of one token and of one record, a thousand times, and the trace they must have in every build.
#include "examples/bank/bank_property.hpp"
#include "examples/bank/naive_bank.hpp"
#include "tests/testkit/little_properties.hpp"

#include <orrery/testkit/story.hpp>

namespace orrery::testing {
namespace {

const Property naive = make_property("NaiveBank.MoneyIsConserved", [](World& w, const std::vector<bank::Op>& ops) {
  bank::money_is_conserved<bank::TrustingAccount, bank::NaiveTeller>(w, ops);
});

TEST(Replay, of_a_token_makes_the_same_run_a_thousand_times) {
  const auto found = failure_of(naive);
  const auto token = testkit::parse_token(to_string(found.record.token));
  ASSERT_TRUE(token);
  const auto once = testkit::make_run(naive, {}, token->seed, token->run, false);
  ASSERT_TRUE(once.finding);
  for (int i = 0; i < 1'000; ++i) {
    const auto again = testkit::make_run(naive, {}, token->seed, token->run, false);
    ASSERT_EQ(again.trace_hash, once.trace_hash) << i;
    ASSERT_EQ(again.finding->name, once.finding->name);
  }
}

TEST(Replay, of_a_token_shrinks_to_the_same_record_every_time) {
  const auto found = failure_of(naive);
  for (int i = 0; i < 10; ++i) {
    const auto again = testkit::investigate(naive, {}, found.record.token.seed, found.record.token.run);
    ASSERT_TRUE(again);
    ASSERT_EQ(to_text(again->record), to_text(found.record));
    ASSERT_EQ(testkit::tell_story(*again, {}), testkit::tell_story(found, {}));
  }
}

TEST(Replay, of_a_record_has_all_its_steps_a_thousand_times) {
  const auto found = failure_of(naive);
  const auto record = testkit::parse_record(to_text(found.record));
  ASSERT_TRUE(record);
  for (int i = 0; i < 1'000; ++i) {
    std::string input;
    const auto again = testkit::replay_record(naive, {}, *record, input);
    ASSERT_FALSE(again.divergence) << *again.divergence;
    ASSERT_EQ(again.trace_hash, record->trace_hash) << i;
    ASSERT_EQ(again.steps, record->steps);
    ASSERT_EQ(input, found.input);
  }
}

// ---- the same in every build ------------------------------------------------------------------------------------------------

struct Roll {
  using Reply = std::uint64_t;
  std::uint64_t sides;
};
struct Croupier {
  std::uint64_t rolled = 0;
  std::uint64_t handle(Roll m, Context& context) {
    rolled += context.draw("dice", m.sides);
    if (rolled % 3 == 0) context.sleep(std::chrono::milliseconds{rolled % 7 + 1});
    return rolled;
  }
};
enum class Mood : std::uint8_t { calm, daring };
struct Bet {
  Mood mood;
  std::uint16_t stake;
  std::optional<std::string> note;
};
struct Player {
  Ref<Croupier> croupier;
  std::uint64_t won = 0;
  void handle(Bet m) {
    const auto reply = croupier.ask(Roll{m.mood == Mood::calm ? 6U : 1'000U}, 5ms);
    won += reply ? *reply + m.stake : 1;
  }
};

/// Everything that a trace can hold: generated structs with enums, strings and optionals, draws, timers, asks and stalls.
const Property casino = make_property("Casino", [](World& w, const std::vector<Bet>& bets, std::int32_t extra) {
  const Ref<Croupier> croupier = w.spawn("croupier", Croupier{});
  std::vector<Ref<Player>> players;
  for (int i = 0; i < 3; ++i) players.push_back(w.spawn(Player{croupier}));
  for (std::size_t i = 0; i < bets.size(); ++i) players[i % 3].tell(bets[i]);
  players[0].tell(Bet{Mood::daring, static_cast<std::uint16_t>(extra), "extra"});
  w.run();
});

/// One hash over the traces of many runs.
std::string trace_of(const Property& property, std::uint64_t runs) {
  TraceHasher hasher;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const auto outcome = testkit::make_run(property, {}, seed, run, false);
    hasher.add(outcome.trace_hash.hi);
    hasher.add(outcome.trace_hash.lo);
    hasher.add(outcome.decisions.size());
  }
  return to_hex(hasher.value());
}

// SPEC Z10: every compiler and every optimisation must come to these values, so that a token made by one build is replayed
// by another. They change with the engine's decisions and with what a trace holds; then every stored token and record has
// lost its meaning, too, and that is to be said.
TEST(Replay, has_the_traces_that_are_known_on_every_compiler) {
  EXPECT_EQ(trace_of(casino, 500), "b5c43edfc96421881265815d9f3ec412");
  EXPECT_EQ(trace_of(naive, 500), "43a6d79d953acd13240ddb29a08bbd67");
}

}  // namespace
}  // namespace orrery::testing
