// Goal:   the checker says what trying every order says, on histories small enough for that, and is quick on long ones.
// Method: random histories of systems that are now and then wrong. ORRERY_TEST_HISTORIES is how many of each model.
#include "orrery/testkit/linearizability.hpp"
#include "orrery/testkit/linearizability_report.hpp"
#include "orrery/testkit/models.hpp"
#include "tests/linearizability/oracle.hpp"
#include "tests/linearizability/worlds.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace orrery::testkit {
namespace {

std::uint64_t histories_wanted() {
  const char* text = std::getenv("ORRERY_TEST_HISTORIES");
  return text == nullptr ? 3'000 : std::strtoull(text, nullptr, 10);
}

template <class Input, class Output>
std::string text_of(const History<Input, Output>& history) {
  std::string text;
  for (const auto& operation : history.operations()) {
    text += fmt::format("  [{}, {}] {}\n", operation.invoked,
                        operation.returned == never_returned ? "never" : std::to_string(operation.returned),
                        describe_operation(operation));
  }
  return text;
}

/// A prefix is an order in which the operations may have been, and which explains all that returned before `cut`.
template <class Model>
bool is_legal_prefix(const History<typename Model::Input, typename Model::Output>& history,
                     const std::vector<std::size_t>& order, const std::vector<std::size_t>& of_key, std::uint64_t cut) {
  const auto operations = history.operations();
  Model state;
  std::set<std::size_t> taken;
  for (const std::size_t i : order) {
    const auto& operation = operations[i];
    if (operation.ending == Ending::failed || operation.invoked > cut || !taken.insert(i).second) return false;
    for (const std::size_t j : of_key) {
      if (operations[j].ending == Ending::ok && !taken.contains(j) && operations[j].returned < operation.invoked)
        return false;
    }
    const bool has_output = operation.ending == Ending::ok && operation.output;
    if (!state.apply(operation.input, has_output ? &*operation.output : nullptr)) return false;
  }
  for (const std::size_t j : of_key) {
    if (operations[j].ending == Ending::ok && operations[j].returned < cut && !taken.contains(j)) return false;
  }
  return true;
}

/// The same specification without what makes the search quick.
template <class Model>
struct Plain {
  using Input = typename Model::Input;
  using Output = typename Model::Output;
  Model model{};
  bool apply(const Input& input, const Output* output) { return model.apply(input, output); }
  friend bool operator==(const Plain&, const Plain&) = default;
};

template <class World>
class AgainstAllOrders : public ::testing::Test {};
using Worlds = ::testing::Types<RegisterWorld, KeyValueWorld, QueueWorld, SetWorld, MutexWorld>;
TYPED_TEST_SUITE(AgainstAllOrders, Worlds, );

TYPED_TEST(AgainstAllOrders, agrees_in_verdict_first_illegal_operation_and_prefix) {
  using Model = typename TypeParam::Model;
  using Oracle = typename TypeParam::Oracle;
  std::uint64_t violations = 0;
  for (std::uint64_t run = 0; run < histories_wanted(); ++run) {
    Entropy entropy{run, hash_text("small history")};
    const auto history = small_history<TypeParam>(entropy, 8);
    const bool is_legal = brute_force(Oracle{}, history.operations(), never_returned - 1);
    const auto verdict = check_linearizable(Model{}, history);
    ASSERT_EQ(verdict.verdict, is_legal ? Linearizable::ok : Linearizable::violated) << "history " << run << "\n"
                                                                                     << text_of(history);
    if (is_legal) continue;
    ++violations;
    std::map<std::string, std::vector<std::size_t>> by_key;
    std::vector<Operation<typename Model::Input, typename Model::Output>> of_key;
    for (std::size_t i = 0; i < history.operations().size(); ++i) {
      const auto& operation = history.operations()[i];
      std::string key;
      if constexpr (requires { Model::key_of(operation.input); }) key = describe(Model::key_of(operation.input));
      by_key[key].push_back(i);
      if (key == verdict.keys[verdict.violation->key].key) of_key.push_back(operation);
    }
    const auto& violation = *verdict.violation;
    const auto cut = history.operations()[violation.first_illegal].returned;
    const std::span<const Operation<typename Model::Input, typename Model::Output>> one_key{of_key};
    ASSERT_EQ(first_illegal_return(Oracle{}, one_key), cut) << "history " << run << "\n" << text_of(history);
    ASSERT_FALSE(violation.prefixes.empty());
    for (const auto& prefix : violation.prefixes) {
      ASSERT_LE(prefix.size(), violation.prefixes.front().size());
      ASSERT_TRUE(is_legal_prefix<Model>(history, prefix, by_key[verdict.keys[violation.key].key], cut))
          << "history " << run << "\n"
          << text_of(history) << ::testing::PrintToString(prefix);
    }
  }
  EXPECT_GT(violations, histories_wanted() / 40);
  EXPECT_LT(violations, histories_wanted() * 39 / 40);
  this->RecordProperty("violations", std::to_string(violations));
}

TYPED_TEST(AgainstAllOrders, hints_of_the_model_change_nothing) {
  using Model = typename TypeParam::Model;
  for (std::uint64_t run = 0; run < histories_wanted(); ++run) {
    Entropy entropy{run, hash_text("middling history")};
    auto history = small_history<TypeParam>(entropy, 16);
    if constexpr (std::same_as<Model, KeyValue>) {  // without keys, so that Plain need not split
      decltype(history) of_one_key;
      for (auto operation : history.operations()) {
        operation.input.key = "x";
        of_one_key.add(operation);
      }
      history = of_one_key;
    }
    const auto with = check_linearizable(Model{}, history);
    const auto without = check_linearizable(Plain<Model>{}, history);
    ASSERT_EQ(with.verdict, without.verdict) << "history " << run << "\n" << text_of(history);
    if (with.violation) {
      ASSERT_EQ(history.operations()[with.violation->first_illegal].returned,
                history.operations()[without.violation->first_illegal].returned)
          << "history " << run << "\n"
          << text_of(history);
    }
  }
}

TEST(Linearizability, an_unknown_operation_may_take_effect_late_or_never) {
  using Model = Register<>;
  History<Model::Input, Model::Output> history;
  history.invoke(0, Model::write(1));
  history.info(0);
  for (const std::int64_t seen : {0, 1}) {
    history.invoke(1, Model::read());
    history.ok(1, {seen});
  }
  EXPECT_TRUE(check_linearizable(Model{}, history).ok());
  history.invoke(1, Model::read());
  history.ok(1, {0});
  EXPECT_EQ(check_linearizable(Model{}, history).verdict, Linearizable::violated);
}

// The first way to the third write uses up the write of unknown end, and then the read cannot be explained. The second way leads to
// the same register with the same operations done, and has it still.
TEST(Linearizability, an_operation_that_was_not_used_up_is_still_there) {
  using Model = Register<>;
  History<Model::Input, Model::Output> history;
  history.invoke(9, Model::write(1));
  history.info(9);
  history.invoke(0, Model::write(0));
  history.invoke(1, Model::cas(1, 2));
  history.ok(0);
  history.ok(1, {0, true});
  history.invoke(0, Model::write(5));
  history.ok(0);
  history.invoke(0, Model::read());
  history.ok(0, {1});
  EXPECT_TRUE(check_linearizable(Model{1}, history).ok());
}

TEST(Linearizability, a_failed_operation_never_takes_effect) {
  using Model = Register<>;
  History<Model::Input, Model::Output> history;
  history.invoke(0, Model::write(1));
  history.fail(0);
  history.invoke(1, Model::read());
  history.ok(1, {1});
  EXPECT_EQ(check_linearizable(Model{}, history).verdict, Linearizable::violated);
}

TEST(Linearizability, is_kept_by_no_operations) {
  const History<Mutex::Input, Mutex::Output> nothing;
  EXPECT_TRUE(check_linearizable(Mutex{}, nothing).ok());
  EXPECT_TRUE(check_linearizable(KeyValue{}, History<KeyValue::Input, KeyValue::Output>{}).ok());
}

TEST(Linearizability, a_search_without_steps_is_unknown) {
  History<Mutex::Input, Mutex::Output> history;
  history.invoke(0, Mutex::Input::acquire);
  history.ok(0);
  EXPECT_EQ(check_linearizable(Mutex{}, history, {.steps_max = 0}).verdict, Linearizable::unknown);
  EXPECT_TRUE(check_linearizable(Mutex{}, history).ok());
}

TEST(Linearizability, a_violation_is_told_with_the_way_there) {
  using Model = KeyValue;
  History<Model::Input, Model::Output> history;
  history.invoke(0, Model::put("x", "1"));
  history.invoke(1, Model::append("x", "2"));
  history.ok(1);
  history.ok(0);
  history.invoke(2, Model::get("y"));
  history.ok(2, {""});
  history.invoke(1, Model::get("x"));
  history.ok(1, {"21"});
  const auto verdict = check_linearizable(Model{}, history);
  ASSERT_EQ(verdict.verdict, Linearizable::violated);
  EXPECT_EQ(explain(Model{}, history.operations(), verdict),
            "  longest legal prefix of key \"x\" (2 operations):\n"
            "      1  process 0: put(\"x\", \"1\")  => \"1\"\n"
            "      2  process 1: append(\"x\", \"2\")  => \"12\"\n"
            "  another one (2 operations) ends in \"1\"\n"
            "  first illegal operation: process 1: get(\"x\") = \"21\"\n");
}

TEST(Linearizability, prefixes_end_in_different_states) {
  using Model = FifoQueue<>;
  History<Model::Input, Model::Output> history;
  for (std::uint64_t i = 0; i < 3; ++i) history.invoke(i, Model::enqueue(static_cast<std::int64_t>(i)));
  for (std::uint64_t i = 0; i < 3; ++i) history.ok(i);
  history.invoke(0, Model::dequeue());
  history.ok(0, 9);
  const auto verdict = check_linearizable(Model{}, history);
  ASSERT_EQ(verdict.violation->prefixes.size(), 3U);
  std::set<std::string> ends;
  for (const auto& prefix : verdict.violation->prefixes) {
    EXPECT_EQ(prefix.size(), 3U);
    ends.insert(states_along(Model{}, history.operations(), prefix).back());
  }
  EXPECT_EQ(ends.size(), 3U);
}

TEST(SharedText, is_equal_however_it_was_put_together) {
  detail::SharedText a{"abc"};
  detail::SharedText b{"a"};
  b.append("bc");
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.hash(), b.hash());
  a.append("d");
  EXPECT_FALSE(a == b);
  b.append("e");
  EXPECT_FALSE(a == b);
  EXPECT_TRUE(b == std::string_view{"abce"});
  EXPECT_FALSE(b == std::string_view{"xbce"});
  EXPECT_EQ(b.text(), "abce");
  for (int i = 0; i < 1'000'000; ++i) a.append("x");  // and it ends without a deep recursion
}

}  // namespace
}  // namespace orrery::testkit
