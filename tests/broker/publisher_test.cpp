// Goal:   an actor that publishes reaches exactly those whose patterns match now, whatever was published before: the answers
//         that its worker remembers are those of the table of that moment, of that subject and of that type of message.
// Method: random subscribing, unsubscribing and publishing on more subjects than are remembered, against matches().
#include "orrery/broker.hpp"

#include "tests/support/both_worlds.hpp"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace orrery::broker_tests {
namespace {

using test_support::BothWorlds;
using test_support::Stage;

struct Small {
  int number = 0;
};
struct Other {
  int number = 0;
};
struct Hearer {
  std::vector<int> heard{};
  void handle(Small m) { heard.push_back(m.number); }
  void handle(Other m) { heard.push_back(-m.number); }
};
struct Rounds {
  using Reply = std::string;
  int count;
};

constexpr std::size_t hearers = 6;
const std::vector<std::string> patterns{"a.*", "a.>", "*.b", "a.b", "s.1", "s.*", "s.17", ">", "a.b.c", "*.*.c"};

std::vector<std::string> all_subjects() {
  std::vector<std::string> subjects{"a.b", "a.c", "b.b", "a.b.c", "x.y.c", "a", std::string(70, 'l'), "a..b", ""};
  for (int i = 0; i < 32; ++i) subjects.push_back("s." + std::to_string(i));
  return subjects;
}

struct Publisher {
  Broker broker;
  std::vector<Ref<Hearer>> listening;
  struct Held {
    std::size_t hearer;
    std::string pattern;
    bool is_small;
    TopicSubscription subscription;
  };
  std::vector<Held> held{};

  /// Returns: what was wrong; empty: nothing.
  std::string handle(Rounds m, Context& context) {
    const auto subjects = all_subjects();
    for (int i = 0; i < m.count; ++i) {
      const std::uint64_t act = context.draw("act", 20);
      if (act == 0) {
        subscribe(context);
      } else if (act == 1 && !held.empty()) {
        const auto at = held.begin() + static_cast<std::ptrdiff_t>(context.draw("held", held.size()));
        if (!broker.unsubscribe(at->subscription)) return "could not unsubscribe " + at->pattern;
        held.erase(at);
      } else {
        const std::string& subject = subjects[context.draw("subject", subjects.size())];
        const bool is_small = context.draw("small", 2) == 0;
        const Published published = is_small ? broker.publish(subject, Small{i}) : broker.publish(subject, Other{i});
        if (published.delivered != wanted(subject, is_small)) {
          return "round " + std::to_string(i) + ": '" + subject + "' reached " + std::to_string(published.delivered) +
                 " instead of " + std::to_string(wanted(subject, is_small));
        }
      }
    }
    return {};
  }

 private:
  void subscribe(Context& context) {
    const std::size_t hearer = context.draw("hearer", hearers);
    const std::string& pattern = patterns[context.draw("pattern", patterns.size())];
    const bool is_small = context.draw("small", 2) == 0;
    const bool is_there = std::ranges::any_of(held, [&](const Held& one) {
      return one.hearer == hearer && one.pattern == pattern && one.is_small == is_small;
    });
    if (is_there) return;
    auto subscription = is_small ? broker.subscribe<Small>(pattern, listening[hearer])
                                 : broker.subscribe<Other>(pattern, listening[hearer]);
    held.push_back({hearer, pattern, is_small, subscription.value()});
  }
  [[nodiscard]] std::size_t wanted(std::string_view subject, bool is_small) const {
    std::set<std::size_t> who;
    if (check_subject(subject)) return 0;
    for (const Held& one : held) {
      if (one.is_small == is_small && matches(one.pattern, subject)) who.insert(one.hearer);
    }
    return who.size();
  }
};

class PublisherTest : public BothWorlds {};
ORRERY_IN_BOTH_WORLDS(PublisherTest);

TEST_P(PublisherTest, reaches_those_who_are_subscribed_now_whatever_it_published_before) {
  run(
      [](Stage& stage) {
        Broker broker{stage.rt};
        std::vector<Ref<Hearer>> listening;
        for (std::size_t i = 0; i < hearers; ++i) listening.push_back(stage.rt.spawn(Hearer{}));
        const auto publisher = stage.rt.spawn(Publisher{broker, listening});
        EXPECT_EQ(publisher.ask(Rounds{400}, no_timeout).value(), "");
      },
      {.seeds = 20, .rounds = 20});
}

}  // namespace
}  // namespace orrery::broker_tests
