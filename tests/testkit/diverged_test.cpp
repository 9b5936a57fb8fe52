// A program that has changed leaves the run of a record at a step, which is told with its message.
#include "little_properties.hpp"

#include "orrery/testkit/diverged.hpp"

namespace orrery::testing {
namespace {

using testkit::Record;
using testkit::where_it_diverged;

/// Two writers; the test thinks that the second is the last.
Property writers(std::vector<int> ids) {
  return make_property("Diverges", [ids = std::move(ids)](World& w) {
    const Ref<Register> there = w.spawn("register", Register{});
    for (const int id : ids) w.spawn("writer" + std::to_string(id), Writer{there, id}).value().tell(Go{});
    w.run();
    EXPECT_EQ(w.peek(there).last, 2);
  });
}

std::string diverged(const Property& property, const Record& record) {
  std::string input;
  return where_it_diverged(record, testkit::replay_record(property, {}, record, input));
}

TEST(Diverged, a_record_tells_its_steps) {
  const Record record = failure_of(writers({1, 2})).record;
  EXPECT_EQ(record.told.size(), record.steps);
  EXPECT_EQ(record.told.back(), "Wrote{who=1} from writer1 to register");
}

TEST(Diverged, another_message_is_told_by_its_step) {
  Record record = failure_of(writers({1, 2})).record;
  record.told[1] = "Read{} from writer1 to register";
  record.trace_hash = {};
  const std::string why = diverged(writers({1, 2}), record);
  EXPECT_TRUE(why.starts_with("step 2: recorded Read{} from writer1 to register; program now: ")) << why;
}

TEST(Diverged, a_value_is_told_where_the_decisions_fit) {
  const auto with = [](std::uint32_t amount) {
    return make_property("Message", [amount](World& w) {
      const Ref<Adder> adder = w.spawn("adder", Adder{});
      adder.tell(Add{7});
      adder.tell(Add{amount});
      w.run();
      EXPECT_EQ(w.peek(adder).sum, 0U);
    });
  };
  const Record record = failure_of(with(1)).record;
  EXPECT_EQ(diverged(with(2), record),
            "step 2: recorded Add{amount=1} from test to adder; program now: Add{amount=2} from test to adder");
}

TEST(Diverged, a_program_that_ends_earlier_or_goes_on_is_told_so) {
  const auto times = [](int count) {
    return make_property("Times", [count](World& w) {
      const Ref<Adder> adder = w.spawn("adder", Adder{});
      for (int i = 0; i < count; ++i) adder.tell(Add{1});
      w.run();
      EXPECT_EQ(w.peek(adder).sum, 0U);
    });
  };
  const Record two = failure_of(times(2)).record;
  EXPECT_TRUE(
      diverged(times(1), two).starts_with("step 2: recorded Add{amount=1} from test to adder; program now ends"));
  EXPECT_TRUE(
      diverged(times(3), two).starts_with("step 3: the record ends; program now: Add{amount=1} from test to adder"));
}

TEST(Diverged, the_decision_that_does_not_fit_is_told_too) {
  const Record record = failure_of(writers({1, 2})).record;
  const std::string why = diverged(writers({3, 1, 2}), record);
  EXPECT_TRUE(why.starts_with("step ")) << why;
  EXPECT_NE(why.find("; decision "), std::string::npos) << why;
  EXPECT_NE(why.find("the program now offers"), std::string::npos) << why;
}

TEST(Diverged, an_older_record_tells_the_decision_alone) {
  Record record = failure_of(writers({1, 2})).record;
  record.told.clear();
  EXPECT_TRUE(diverged(writers({3, 1, 2}), record).starts_with("decision "));
  record.trace_hash = {};
  EXPECT_EQ(diverged(writers({1, 2}), record), "the same decisions lead to another trace: the program has changed");
}

TEST(Diverged, an_input_that_is_gone_is_all_there_is_to_tell) {
  const Record record = failure_of(make_property("Input", [](World& w, const std::vector<std::uint32_t>& amounts) {
                          (void)add_all(w, amounts);
                          w.run();
                          EXPECT_TRUE(amounts.empty());
                        })).record;
  EXPECT_EQ(diverged(make_property("Input", [](World& w) { w.run(); }), record), testkit::input_is_gone);
}

TEST(Diverged, long_messages_are_cut) {
  const auto property = make_property("Long", [](World& w) {
    struct Long {
      std::string text;
    };
    struct Reader {
      void handle(const Long&) {}
    };
    w.spawn("reader", Reader{}).value().tell(Long{std::string(500, 'x')});
    w.run();
    EXPECT_TRUE(false);
  });
  const Record record = failure_of(property).record;
  ASSERT_EQ(record.told.size(), 1U);
  EXPECT_LT(record.told[0].size(), 130U);
}

}  // namespace
}  // namespace orrery::testing
