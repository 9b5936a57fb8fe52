// Goal:   histories of the size that a night of tests leaves are decided, and a hard object does not keep the others from it.
// Method: clients of a key-value store that really is one; then one read is made stale. Steps and bytes are counted, so
//         nothing depends on the machine.
#include "orrery/core/entropy.hpp"
#include "orrery/testkit/linearizability.hpp"
#include "orrery/testkit/models.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace orrery::testkit {
namespace {

using KvHistory = History<KeyValue::Input, KeyValue::Output>;

struct Load {
  std::size_t operations = 10'000;
  std::size_t clients = 8;
  std::uint64_t keys = 10;
  std::uint64_t unknown_in_100 = 0;  // of the writes
  bool appends = true;
  std::optional<std::size_t> stale_read{};  // the operation from which on one read gives what stood there long before
  bool reads_nonsense = false;              // or what never stood there
};

/// What the clients see of a store in which every operation takes effect at one moment.
KvHistory load(const Load& what, std::uint64_t seed) {
  struct Client {
    bool is_open = false;
    KeyValue::Input input;
    std::optional<std::string> output;
  };
  Entropy entropy{seed, hash_text("load")};
  KvHistory history;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::string> last_mark, long_before;  // at every thousandth operation
  std::vector<Client> clients(what.clients);
  std::vector<KeyValue::Input> late;  // of unknown end, not yet done
  bool is_stale_to_come = what.stale_read.has_value();
  const auto run = [&](const KeyValue::Input& input) -> std::string {
    std::string& text = texts[input.key];
    if (input.kind == KeyValue::Input::Kind::put) text = input.value;
    if (input.kind == KeyValue::Input::Kind::append) text += input.value;
    return input.kind == KeyValue::Input::Kind::get ? text : "";
  };
  for (std::size_t invoked = 0, open = 0; invoked < what.operations || open != 0;) {
    const std::uint64_t process = entropy.below(clients.size());
    Client& client = clients[process];
    if (!late.empty() && entropy.below(50) == 0) {
      if (entropy.below(2) == 0) run(late.back());
      late.pop_back();
    }
    if (!client.is_open) {
      if (invoked == what.operations) continue;
      const std::string key = std::to_string(entropy.below(what.keys));
      const std::string value = " " + std::to_string(invoked);
      const std::uint64_t kind = entropy.below(10);
      client = {true,
                kind < 5                    ? KeyValue::get(key)
                : what.appends && kind != 5 ? KeyValue::append(key, value)
                                            : KeyValue::put(key, value),
                {}};
      history.invoke(process, client.input);
      ++invoked;
      ++open;
      if (invoked % 1'000 == 0) long_before = std::exchange(last_mark, texts);
    } else if (!client.output) {
      if (client.input.kind != KeyValue::Input::Kind::get && entropy.below(100) < what.unknown_in_100) {
        late.push_back(client.input);
        history.info(process);
        client.is_open = false;
        --open;
      } else {
        client.output = run(client.input);
      }
    } else {
      if (is_stale_to_come && invoked >= *what.stale_read && client.input.kind == KeyValue::Input::Kind::get &&
          (what.reads_nonsense || long_before[client.input.key] != *client.output)) {
        client.output = what.reads_nonsense ? "nobody wrote this" : long_before[client.input.key];
        is_stale_to_come = false;
      }
      history.ok(process, {*client.output, true});
      client.is_open = false;
      --open;
    }
  }
  return history;
}

void expect_decided(const Load& what, Linearizable expected, std::uint64_t steps_max, std::size_t megabytes_max) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const auto history = load(what, seed);
    const auto verdict = check_linearizable(KeyValue{}, history);
    EXPECT_EQ(verdict.verdict, expected) << "seed " << seed << " " << verdict.steps << " steps";
    EXPECT_LE(verdict.steps, steps_max) << "seed " << seed;
    EXPECT_LE(verdict.bytes_max, megabytes_max << 20) << "seed " << seed;
  }
}

TEST(LongHistories, of_ten_keys_are_decided) {
  expect_decided({}, Linearizable::ok, 100'000, 16);
  expect_decided({.stale_read = 9'000}, Linearizable::violated, 1'000'000, 32);
}
TEST(LongHistories, of_one_key_are_decided) {
  expect_decided({.keys = 1}, Linearizable::ok, 1'000'000, 32);
  expect_decided({.keys = 1, .stale_read = 9'000}, Linearizable::violated, 10'000'000, 192);
  expect_decided({.keys = 1, .appends = false}, Linearizable::ok, 1'000'000, 32);
  expect_decided({.keys = 1, .appends = false, .stale_read = 9'000}, Linearizable::violated, 2'000'000, 32);
}
TEST(LongHistories, with_many_writes_of_unknown_end_are_decided) {
  const Load half{.unknown_in_100 = 50, .appends = false};
  expect_decided({.unknown_in_100 = 5}, Linearizable::ok, 10'000'000, 128);
  expect_decided(half, Linearizable::ok, 1'000'000, 32);
  Load wrong = half;
  wrong.stale_read = 9'000;
  wrong.reads_nonsense = true;
  expect_decided(wrong, Linearizable::violated, 1'000'000, 32);
  Load of_one_key = half;
  of_one_key.keys = 1;
  expect_decided(of_one_key, Linearizable::ok, 20'000'000, 32);
  wrong.keys = 1;
  expect_decided(wrong, Linearizable::violated, 20'000'000, 32);
}

// One object on which a search must try all orders: many enqueue operations overlap, then all is dequeued in an order that is
// impossible. Without key_of the set of the hard ones could not be told from the rest.
struct KeyedQueue : FifoQueue<std::int64_t> {
  using Base = FifoQueue<std::int64_t>;
  struct Input {
    int key = 0;
    Base::Input input;
  };
  bool apply(const Input& input, const Output* output) { return Base::apply(input.input, output); }
  static int key_of(const Input& input) { return input.key; }
  friend bool operator==(const KeyedQueue&, const KeyedQueue&) = default;
};

History<KeyedQueue::Input, KeyedQueue::Output> hard_beside_easy(int easy_keys, bool is_easy_one_wrong) {
  constexpr int overlapping = 14;
  History<KeyedQueue::Input, KeyedQueue::Output> history;
  for (int i = 0; i < overlapping; ++i) history.invoke(static_cast<std::uint64_t>(i), {0, KeyedQueue::enqueue(i)});
  for (int key = 1; key <= easy_keys; ++key) {
    history.invoke(100, {key, KeyedQueue::enqueue(7)});
    history.ok(100);
    history.invoke(100, {key, KeyedQueue::dequeue()});
    history.ok(100, is_easy_one_wrong && key == easy_keys ? 8 : 7);
  }
  for (int i = 0; i < overlapping; ++i) history.ok(static_cast<std::uint64_t>(i));
  for (int i = 0; i < overlapping; ++i) {
    history.invoke(100, {0, KeyedQueue::dequeue()});
    history.ok(100, i == overlapping - 1 ? 99 : overlapping - 1 - i);
  }
  return history;
}

TEST(HardKey, leaves_steps_for_the_others) {
  const auto history = hard_beside_easy(50, false);
  const auto verdict = check_linearizable(KeyedQueue{}, history, {.steps_max = 200'000});
  EXPECT_EQ(verdict.verdict, Linearizable::unknown);
  EXPECT_EQ(verdict.keys[0].verdict, Linearizable::unknown);
  EXPECT_EQ(verdict.keys[0].given_up, GivenUp::out_of_steps);
  for (std::size_t key = 1; key < verdict.keys.size(); ++key) {
    EXPECT_EQ(verdict.keys[key].verdict, Linearizable::ok) << key;
  }
  EXPECT_LE(verdict.steps, 201'000U);
}
TEST(HardKey, leaves_memory_for_the_others) {
  const auto verdict = check_linearizable(KeyedQueue{}, hard_beside_easy(50, false), {.bytes_max = 300'000});
  EXPECT_EQ(verdict.verdict, Linearizable::unknown);
  EXPECT_EQ(verdict.keys[0].given_up, GivenUp::out_of_memory);
  for (std::size_t key = 1; key < verdict.keys.size(); ++key) {
    EXPECT_EQ(verdict.keys[key].verdict, Linearizable::ok) << key;
  }
  EXPECT_LE(verdict.bytes_max, 400'000U);
}
TEST(HardKey, does_not_hide_a_violation) {
  const auto verdict = check_linearizable(KeyedQueue{}, hard_beside_easy(50, true), {.steps_max = 200'000});
  EXPECT_EQ(verdict.verdict, Linearizable::violated);
  ASSERT_TRUE(verdict.violation.has_value());
  EXPECT_EQ(verdict.keys[verdict.violation->key].key, "50");
}
TEST(HardKey, ends_when_it_is_told_that_time_is_up) {
  int turns = 0;
  const auto verdict =
      check_linearizable(KeyedQueue{}, hard_beside_easy(1, false), {.give_up = [&] { return ++turns == 10; }});
  EXPECT_EQ(verdict.verdict, Linearizable::unknown);
  EXPECT_EQ(verdict.keys[0].given_up, GivenUp::out_of_time);
  EXPECT_EQ(turns, 10);
}

}  // namespace
}  // namespace orrery::testkit
