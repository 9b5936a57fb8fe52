// Goal:   generated commands from several clients find the races of a key-value store, and none where there is none.
// Method: a store in front of which three actors stand, that is right; and five ways in which it is not. Each must be found
//         within 100 runs; a thousand runs of what is right come to nothing. The same in production, with one verdict a script.
#include <orrery/props/parallel.hpp>
#include <orrery/system.hpp>
#include <orrery/test.hpp>
#include <orrery/testkit/campaign.hpp>
#include <orrery/testkit/settings.hpp>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery::testing {
inline namespace store {

using namespace std::chrono_literals;
using testkit::make_property;

enum class Key : std::uint8_t { x, y };
inline constexpr std::size_t keys = 2;
inline std::size_t place_of(Key key) { return static_cast<std::size_t>(key); }

// ---- what clients ask for, and what it means ----------------------------------------------------------------------------

struct Get {
  using Reply = int;
  Key key;
};
struct Put {
  using Reply = void;
  Key key;
  int value;
};
struct Add {
  using Reply = int;  ///< what there is then
  Key key;
  int amount;
};
/// Puts a value where there is 0.
struct Claim {
  using Reply = bool;
  Key key;
  int value;
};
struct Sum {
  using Reply = int;
};

struct StoreSpec {
  std::array<int, keys> values{};
  bool apply(const Get& m, const int* reply) { return reply == nullptr || *reply == values[place_of(m.key)]; }
  bool apply(const Put& m) {
    values[place_of(m.key)] = m.value;
    return true;
  }
  bool apply(const Add& m, const int* reply) {
    values[place_of(m.key)] += m.amount;
    return reply == nullptr || *reply == values[place_of(m.key)];
  }
  bool apply(const Claim& m, const bool* reply) {
    const bool is_free = values[place_of(m.key)] == 0;
    if (is_free) values[place_of(m.key)] = m.value;
    return reply == nullptr || *reply == is_free;
  }
  bool apply(const Sum&, const int* reply) { return reply == nullptr || *reply == values[0] + values[1]; }
  friend bool operator==(const StoreSpec&, const StoreSpec&) = default;
};
using StoreModel = testkit::OfMessages<StoreSpec, Get, Put, Add, Claim, Sum>;

}  // namespace store
}  // namespace orrery::testing

namespace orrery::props {
template <>
struct Rules<testing::Put> {
  static auto rules() { return std::tuple{rule(&testing::Put::value, between(0, 9))}; }
};
template <>
struct Rules<testing::Add> {
  static auto rules() { return std::tuple{rule(&testing::Add::amount, between(0, 9))}; }
};
template <>
struct Rules<testing::Claim> {
  static auto rules() { return std::tuple{rule(&testing::Claim::value, between(0, 9))}; }
};
}  // namespace orrery::props

namespace orrery::testing {
namespace {

// ---- the store, and fronts that are wrong in one way each ---------------------------------------------------------------

struct Store {
  std::array<int, keys> values{};
  int handle(Get m) { return values[place_of(m.key)]; }
  void handle(Put m) { values[place_of(m.key)] = m.value; }
  int handle(Add m) { return values[place_of(m.key)] += m.amount; }
  bool handle(Claim m) {
    if (values[place_of(m.key)] != 0) return false;
    values[place_of(m.key)] = m.value;
    return true;
  }
  int handle(Sum) { return values[0] + values[1]; }
};

enum class Bug : std::uint8_t {
  none,
  lost_update,     ///< adds by reading and writing
  stale_cache,     ///< remembers what it has read or written
  check_then_act,  ///< looks whether there is a value, and then puts one
  early_reply,     ///< replies to a put before it is done
  torn_read,       ///< reads one key after the other
  claims_all       ///< no race: a claim takes what is taken
};

struct Flush {};
struct Front {
  Ref<Store> store;
  Bug bug = Bug::none;
  std::array<std::optional<int>, keys> cache{};
  std::vector<Put> waiting{};

  int read(Key key) { return store.ask(Get{key}, no_timeout).value_or(0); }
  int handle(Get m) {
    if (bug != Bug::stale_cache) return read(m.key);
    auto& cached = cache[place_of(m.key)];
    if (!cached) cached = read(m.key);
    return *cached;
  }
  void handle(Put m, Context& context) {
    if (bug == Bug::early_reply) {
      waiting.push_back(m);
      context.self(*this).tell(Flush{});
      return;
    }
    if (bug == Bug::stale_cache) cache[place_of(m.key)] = m.value;
    static_cast<void>(store.ask(m, no_timeout));
  }
  void handle(Flush) {
    for (const Put& m : std::exchange(waiting, {})) static_cast<void>(store.ask(m, no_timeout));
  }
  int handle(Add m) {
    if (bug != Bug::lost_update) return store.ask(m, no_timeout).value_or(0);
    const int value = read(m.key) + m.amount;
    static_cast<void>(store.ask(Put{m.key, value}, no_timeout));
    return value;
  }
  bool handle(Claim m) {
    if (bug == Bug::claims_all) return store.ask(Put{m.key, m.value}, no_timeout).has_value();
    if (bug != Bug::check_then_act) return store.ask(m, no_timeout).value_or(false);
    if (read(m.key) != 0) return false;
    static_cast<void>(store.ask(Put{m.key, m.value}, no_timeout));
    return true;
  }
  int handle(Sum m) {
    if (bug != Bug::torn_read) return store.ask(m, no_timeout).value_or(0);
    const int x = read(Key::x);
    return x + read(Key::y);
  }
};

std::vector<Ref<Front>> start(Runtime& runtime, Bug bug) {
  const Ref<Store> store = runtime.spawn(Store{});
  std::vector<Ref<Front>> fronts;
  for (int i = 0; i < 3; ++i) fronts.push_back(runtime.spawn(Front{store, bug}));
  return fronts;
}

testkit::Property property_of(const std::string& name, Bug bug, props::ParallelOptions options = {}) {
  return make_property(name,
                       props::parallel<StoreModel>([bug](Runtime& runtime) { return start(runtime, bug); }, options));
}

struct Race {
  std::string name;
  Bug bug;
};
class Races : public ::testing::TestWithParam<Race> {};

testkit::CheckOptions hundred_runs() {
  testkit::CheckOptions options;
  options.runs = 100;
  options.commands_max = 60;  // short scripts hardly ever meet
  return options;
}

TEST_P(Races, are_found_within_100_runs) {
  const auto result =
      testkit::run_campaign(property_of(GetParam().name, GetParam().bug), hundred_runs(), testkit::default_seed);
  ASSERT_TRUE(result.failure);
  const testkit::Failure& failure = *result.failure;
  EXPECT_NE(failure.finding.detail.find("first illegal operation"), std::string::npos) << failure.finding.detail;
  fmt::print("  {}: run {}; smallest: {}\n", GetParam().name, failure.run + 1, failure.input);
}
INSTANTIATE_TEST_SUITE_P(Store, Races,
                         ::testing::Values(Race{"lost_update", Bug::lost_update}, Race{"stale_cache", Bug::stale_cache},
                                           Race{"check_then_act", Bug::check_then_act},
                                           Race{"early_reply", Bug::early_reply}, Race{"torn_read", Bug::torn_read}),
                         [](const auto& param) { return param.param.name; });

TEST(Parallel, says_nothing_of_a_store_that_is_right) {
  testkit::CheckOptions options;
  options.runs = testkit::settings().runs.value_or(1'000);
  const auto result = testkit::run_campaign(property_of("right", Bug::none), options, testkit::default_seed);
  EXPECT_FALSE(result.failure) << to_string(result.failure->finding);
}

// One client cannot meet a race, and still finds what is wrong with any order: that is the stateful test.
TEST(Parallel, with_one_client_compares_with_the_model_command_by_command) {
  props::ParallelOptions one;
  one.clients = 1;
  testkit::CheckOptions options;
  options.runs = 200;
  EXPECT_FALSE(
      testkit::run_campaign(property_of("one", Bug::lost_update, one), options, testkit::default_seed).failure);
  const auto wrong = testkit::run_campaign(property_of("one", Bug::claims_all, one), options, testkit::default_seed);
  EXPECT_TRUE(wrong.failure);
}

TEST(Parallel, shrinks_commands_and_schedule_together) {
  const auto result =
      testkit::run_campaign(property_of("lost", Bug::lost_update), hundred_runs(), testkit::default_seed);
  ASSERT_TRUE(result.failure);
  std::size_t commands = 0;
  for (std::size_t at = 0; (at = result.failure->input.find("client", at)) != std::string::npos; ++at) ++commands;
  EXPECT_EQ(commands, 2U) << result.failure->input;
}

/// Takes its time.
struct Slow {
  int value = 0;
  int handle(Get, Context& context) {
    context.sleep(10ms);
    return value;
  }
  void handle(Put m, Context& context) {
    context.sleep(10ms);
    value = m.value;
  }
};
using SlowModel = testkit::OfMessages<StoreSpec, Get, Put>;

TEST(Recorded, what_has_timed_out_may_have_happened_or_not) {
  const auto outcome = sim::execute(
      [](sim::World& w) {
        const Ref<Slow> slow = w.spawn(Slow{});
        testkit::Recorder<SlowModel::Input, SlowModel::Output> history;
        testkit::Recorded<SlowModel, Ref<Slow>> client{slow, history, 0};
        EXPECT_FALSE(client.ask(Put{Key::x, 7}, 5ms));
        EXPECT_EQ(client.ask(Get{Key::x}, 1s), 7);
        const auto all = history.history();
        EXPECT_EQ(all.operations()[0].ending, testkit::Ending::unknown);
        EXPECT_EQ(all.operations()[1].ending, testkit::Ending::ok);
        EXPECT_TRUE(testkit::check_linearizable(SlowModel{}, all).ok());
      },
      [] { return std::make_unique<sim::Calm>(); }, {});
  EXPECT_FALSE(outcome.finding) << sim::to_string(*outcome.finding);
}

TEST(Recorded, what_was_refused_has_not_happened) {
  const auto outcome = sim::execute(
      [](sim::World& w) {
        const Ref<Slow> slow = w.spawn(Slow{});
        w.stop(slow);
        w.run();
        testkit::Recorder<SlowModel::Input, SlowModel::Output> history;
        testkit::Recorded<SlowModel, Ref<Slow>> client{slow, history, 0};
        EXPECT_FALSE(client.ask(Put{Key::x, 7}, 5ms));
        EXPECT_NE(history.history().operations()[0].ending, testkit::Ending::ok);
        const Ref<Slow> full = w.spawn("full", Slow{}, {.mailbox = bounded(1)});
        full.tell(Put{Key::x, 1}, ignore_reply);
        full.tell(Put{Key::x, 2}, ignore_reply);
        testkit::Recorded<SlowModel, Ref<Slow>> late{full, history, 1};
        EXPECT_FALSE(late.ask(Put{Key::x, 7}, 5ms));
        EXPECT_EQ(history.history().operations()[1].ending, testkit::Ending::failed);
      },
      [] { return std::make_unique<sim::Calm>(); }, {});
  EXPECT_FALSE(outcome.finding) << sim::to_string(*outcome.finding);
}

TEST(Parallel, gives_one_verdict_in_production) {
  System system;
  std::vector<props::Step<StoreModel>> steps;
  for (int i = 0; i < 60; ++i) steps.push_back({static_cast<std::uint8_t>(i), Add{i % 2 == 0 ? Key::x : Key::y, 1}});
  EXPECT_TRUE(props::run_in_parallel<StoreModel>(system, start(system, Bug::none), steps));
  const std::vector<props::Step<StoreModel>> claims{{0, Claim{Key::x, 1}}, {0, Claim{Key::x, 2}}};
  EXPECT_FALSE(props::run_in_parallel<StoreModel>(system, start(system, Bug::claims_all), claims));
  system.shutdown(10s);
}

}  // namespace
}  // namespace orrery::testing
