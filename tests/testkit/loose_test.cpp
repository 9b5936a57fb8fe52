// loose_test.cpp: a recorded failure is found again in a program that has changed since.
#include "orrery/testkit/loose.hpp"

#include "tests/testkit/little_properties.hpp"

#include "orrery/testkit/build_id.hpp"

namespace orrery::testing {
namespace {

using testkit::LooseReplay;
using testkit::Record;

struct Roll {};
struct Line {
  std::uint64_t number;
};
/// What an edit adds: somebody who writes lines.
struct Log {
  std::vector<std::uint64_t> lines{};
  void handle(Line m) { lines.push_back(m.number); }
};

struct Chatter {
  Ref<Log> log;
  void handle(Go, Context& context) {
    log.tell(Line{context.draw("chatter", 100)});
    log.tell(Line{context.draw("chatter", 100)});
  }
};

/// Writes what it has drawn.
struct Gambler {
  Ref<Register> there;
  int at_least;
  void handle(Go, Context& context) {
    const auto drawn = static_cast<int>(context.draw("dice", 100));
    if (drawn >= at_least) there.tell(Wrote{at_least});
  }
};

enum class Edit : std::uint8_t { none, chatter_first, chatter_last, no_gambler, renamed };

/// Fails when the gambler of 40 has drawn enough and has written before the writer. The chatter has nothing to do with it.
void gambling(World& w, Edit edit) {
  const Ref<Register> there = w.spawn("register", Register{});
  const auto chat = [&] { w.spawn("chatter", Chatter{w.spawn("log", Log{})}).value().tell(Go{}); };
  if (edit == Edit::chatter_first) chat();
  const Ref<Writer> writer = w.spawn(edit == Edit::renamed ? "scribe" : "writer", Writer{there, 1});
  writer.tell(Go{});
  if (edit != Edit::no_gambler) w.spawn("gambler", Gambler{there, 40}).value().tell(Go{});
  if (edit == Edit::chatter_last) chat();
  w.run();
  if (edit != Edit::no_gambler) {
    if (w.peek(there).last == 1) w.fail("the writer came last");
  }
}
Property gambling_property(Edit edit) {
  return make_property("Gambling", [edit](World& w) { gambling(w, edit); });
}

/// The failure in which the gambler has written: its order matters.
Record record_of_both_writing() {
  const Property property = make_property("Gambling", [](World& w) {
    const Ref<Register> there = w.spawn("register", Register{});
    w.spawn("writer", Writer{there, 1}).value().tell(Go{});
    w.spawn("gambler", Gambler{there, 40}).value().tell(Go{});
    bool gambled = false;
    w.always("the writer comes first", [&] {
      gambled = gambled || w.peek(there).last == 40;
      return !(gambled && w.peek(there).last == 1);
    });
    w.run();
  });
  return failure_of(property).record;
}
/// The same program with and without an edit.
Property ordered(Edit edit) {
  return make_property("Gambling", [edit](World& w) {
    const Ref<Register> there = w.spawn("register", Register{});
    const auto chat = [&] { w.spawn("chatter", Chatter{w.spawn("log", Log{})}).value().tell(Go{}); };
    if (edit == Edit::chatter_first) chat();
    w.spawn(edit == Edit::renamed ? "scribe" : "writer", Writer{there, 1}).value().tell(Go{});
    if (edit != Edit::no_gambler) w.spawn("gambler", Gambler{there, 40}).value().tell(Go{});
    if (edit == Edit::chatter_last) chat();
    bool gambled = false;
    w.always("the writer comes first", [&] {
      gambled = gambled || w.peek(there).last == 40;
      return !(gambled && w.peek(there).last == 1);
    });
    w.run();
  });
}

LooseReplay replay(Edit edit, const Record& record) { return testkit::replay_loosely(ordered(edit), {}, record); }

TEST(Loose, shows_the_recorded_trace_in_the_program_that_wrote_it) {
  const Record record = record_of_both_writing();
  ASSERT_FALSE(record.deviations.held.empty());
  ASSERT_FALSE(record.deviations.draws.empty());
  const LooseReplay again = replay(Edit::none, record);
  EXPECT_TRUE(again.is_same);
  EXPECT_EQ(again.lost, 0U);
  EXPECT_EQ(again.outcome.trace_hash, record.trace_hash);
  EXPECT_EQ(again.outcome.decisions, record.decisions);
}

TEST(Loose, finds_the_failure_again_after_an_unrelated_edit) {
  const Record record = record_of_both_writing();
  for (const Edit edit : {Edit::chatter_first, Edit::chatter_last}) {
    std::string input;
    const auto strict = testkit::replay_record(ordered(edit), {}, record, input);
    EXPECT_TRUE(strict.divergence || strict.trace_hash != record.trace_hash);
    const LooseReplay loose = replay(edit, record);
    EXPECT_TRUE(loose.is_same);
    EXPECT_EQ(loose.lost, 0U) << *loose.first_lost;
    ASSERT_TRUE(loose.failure);
    // What comes out is a record of the changed program, which replays exactly.
    const auto exact = testkit::replay_record(ordered(edit), {}, loose.failure->record, input);
    EXPECT_FALSE(exact.divergence);
    EXPECT_EQ(exact.trace_hash, loose.failure->record.trace_hash);
  }
}

TEST(Loose, names_what_found_no_place_and_says_that_nothing_is_found) {
  const Record record = record_of_both_writing();
  const LooseReplay without = replay(Edit::no_gambler, record);
  EXPECT_FALSE(without.is_same);
  EXPECT_FALSE(without.failure);
  EXPECT_EQ(without.lost, record.deviations.held.size() + record.deviations.draws.size());
  EXPECT_EQ(without.first_lost, record.held_names[0]);
  EXPECT_EQ(record.held_names[0], "writer -> register Wrote #1 waits for gambler -> register Wrote #1");
  EXPECT_NE(testkit::describe(without).find("; the first without a place: writer -> register"), std::string::npos);
  EXPECT_NE(testkit::describe(without).find("; nothing is found any more"), std::string::npos);

  const LooseReplay renamed = replay(Edit::renamed, record);
  EXPECT_FALSE(renamed.is_same);
  EXPECT_EQ(renamed.lost, 1U);
}

TEST(Loose, says_when_another_failure_is_found) {
  const LooseReplay other = testkit::replay_loosely(gambling_property(Edit::renamed), {}, record_of_both_writing());
  EXPECT_FALSE(other.is_same);
  if (other.outcome.finding) {
    EXPECT_NE(testkit::describe(other).find("another finding: "), std::string::npos);
  }
}

struct Slow {
  using Reply = int;
};
struct Sleeper {
  int handle(Slow, Context& context) {
    context.sleep(10ms);
    return 1;
  }
};
struct Asker {
  Ref<Sleeper> sleeper;
  bool in_time = true;
  void handle(Go) { in_time = sleeper.ask(Slow{}, 15ms).has_value(); }
};
Property late_answer(int others) {
  return make_property("Late", [others](World& w) {
    const auto asker = w.spawn("asker", Asker{w.spawn("sleeper", Sleeper{})});
    for (int i = 0; i < others; ++i) w.spawn("other" + std::to_string(i), Adder{}).value().tell(Add{1});
    asker.value().tell(Go{});
    w.run();
    EXPECT_TRUE(w.peek(asker).in_time);
  });
}

TEST(Loose, moves_a_stall_to_where_the_failure_is) {
  Record record = failure_of(late_answer(0)).record;
  ASSERT_FALSE(record.deviations.faults.empty());
  EXPECT_EQ(testkit::replay_loosely(late_answer(0), {}, record).stalls_moved, 0);
  EXPECT_TRUE(testkit::replay_loosely(late_answer(7), {}, record).is_same);
  record.deviations.faults = {{hash_text("stall"), 0, 1},
                              {hash_text("stall"), 1, 20}};  // as if twenty operations had come before it
  const LooseReplay earlier = testkit::replay_loosely(late_answer(0), {}, record);
  EXPECT_TRUE(earlier.is_same) << testkit::describe(earlier);
  EXPECT_LT(earlier.stalls_moved, 0);
  EXPECT_NE(testkit::describe(earlier).find("stalls moved by -"), std::string::npos);
}

TEST(Loose, says_when_the_input_is_gone) {
  const auto failure = failure_of(make_property("Input", [](World& w, const std::vector<int>& numbers) {
    w.run();
    EXPECT_TRUE(numbers.empty());
  }));
  const auto replayed = testkit::replay_loosely(make_property("Input", [](World& w) { w.run(); }), {}, failure.record);
  EXPECT_FALSE(replayed.failure);
  EXPECT_EQ(testkit::describe(replayed),
            "the recorded input does not exist any more: its type or generator has changed");
}

TEST(BuildId, is_the_same_all_the_time_and_stands_in_the_record) {
  EXPECT_EQ(testkit::build_id(), testkit::build_id());
  EXPECT_GE(testkit::build_id().size(), 16U);
  EXPECT_EQ(record_of_both_writing().build, testkit::build_id());
}

}  // namespace
}  // namespace orrery::testing
