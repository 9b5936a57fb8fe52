// Goal:   what was published and died can be sent again like anything else, also where all subscribers share one copy.
#include "orrery/broker.hpp"

#include "tests/actor/letters_fixture.hpp"

#include <array>

namespace orrery::letters {
namespace {

struct Large {
  std::array<int, 100> numbers{};
};
struct Print {
  using Reply = Published;
};
struct Press {
  Broker broker;
  Published handle(Print) { return broker.publish("news", Large{{1, 2, 3}}); }
};
struct Await {};
struct Total {
  using Reply = int;
};
/// Lets something be published to it while its handler waits, and ends.
struct Reader {
  Ref<Press> press;
  int total = 0;
  void handle(Await, Context& context) {
    (void)press.ask(Print{}, no_timeout);
    context.stop();
  }
  void handle(const Large& m) { total += m.numbers[2]; }
  int handle(Total) const { return total; }
};

TEST(BrokerLetters, of_a_shared_message_are_sent_again_to_who_has_the_name_now) {
  in_both_worlds({.kept_max = 10}, [](const Stage& stage) {
    Broker broker{stage.runtime};
    const auto press = stage.runtime.spawn(Press{broker});
    for (const char* name : {"a", "b"}) {
      const auto reader = *stage.runtime.spawn(name, Reader{press});
      EXPECT_TRUE(broker.subscribe<Large>("news", reader));
      EXPECT_TRUE(reader.tell(Await{}));
      stage.rest();
    }
    const auto letters = stage.letters().query({.message = "Large", .kept_only = true});
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[0].target_path, "a");
    EXPECT_EQ(stage.letters().redrive().accepted, 0U) << "nobody has the name";
    const auto a = *stage.runtime.spawn("a", Reader{press});
    const auto b = *stage.runtime.spawn("b", Press{broker});  // another type
    EXPECT_EQ(stage.letters().redrive(), (Redriven{.accepted = 1, .refused = 1}));
    const auto c = stage.runtime.spawn(Reader{press});
    EXPECT_EQ(stage.letters().redrive({}, b), Redriven{});
    EXPECT_EQ(stage.letters().redrive({}, c), Redriven{.accepted = 1});
    stage.rest();
    EXPECT_EQ(a.ask(Total{}, no_timeout).value_or(0), 3);
    EXPECT_EQ(c.ask(Total{}, no_timeout).value_or(0), 3);
  });
}

}  // namespace
}  // namespace orrery::letters
