// Goal:   a history keeps real time, also when threads write it, and messages of an actor are inputs as they are.
#include "orrery/testkit/history.hpp"
#include "orrery/testkit/linearizability.hpp"
#include "orrery/testkit/message_model.hpp"
#include "orrery/testkit/models.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace orrery::testkit {
namespace {

using Model = Register<std::int64_t>;

TEST(History, counts_events) {
  History<int, int> history;
  EXPECT_EQ(history.invoke(4, 10), 0U);
  EXPECT_EQ(history.invoke(2, 11), 1U);
  EXPECT_TRUE(history.is_open(2));
  EXPECT_EQ(history.open_operation(2), 1U);
  history.ok(2, 5);
  history.fail(4);
  history.invoke(2, 12);
  history.info(2);
  history.invoke(2, 13);
  const auto all = history.operations();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].returned, 3U);
  EXPECT_EQ(all[0].ending, Ending::failed);
  EXPECT_EQ(all[1].invoked, 1U);
  EXPECT_EQ(all[1].returned, 2U);
  EXPECT_EQ(all[1].output, 5);
  EXPECT_EQ(all[2].ending, Ending::unknown);
  EXPECT_EQ(all[3].ending, Ending::unknown);
  EXPECT_EQ(all[3].returned, never_returned);
  EXPECT_FALSE(history.is_open(4));
}

TEST(HistoryDeathTest, refuses_a_second_invocation_of_a_busy_process) {
  History<int, int> history;
  history.invoke(1, 0);
  EXPECT_DEATH(history.invoke(1, 0), "is_new");
}
TEST(HistoryDeathTest, refuses_a_return_without_an_invocation) {
  History<int, int> history;
  EXPECT_DEATH(history.ok(1, 0), "open");
}

TEST(Recorder, keeps_the_order_of_threads) {
  Recorder<Model::Input, Model::Output> recorder;
  std::atomic<std::int64_t> value{0};
  std::vector<std::thread> clients;
  for (std::uint64_t process = 0; process < 4; ++process) {
    clients.emplace_back([&, process] {
      for (std::int64_t i = 0; i < 200; ++i) {
        if (i % 2 == 0) {
          const std::int64_t mine = static_cast<std::int64_t>(process) * 1'000 + i + 1;
          recorder.invoke(process, Model::write(mine));
          value.store(mine);
          recorder.ok(process);
        } else {
          recorder.invoke(process, Model::read());
          recorder.ok(process, {value.load()});
        }
      }
    });
  }
  for (auto& client : clients) client.join();
  const auto history = recorder.history();
  EXPECT_EQ(history.operations().size(), 800U);
  EXPECT_TRUE(check_linearizable(Model{}, history).ok());
}

struct Deposit {
  using Reply = std::int64_t;
  std::string account;
  std::int64_t amount = 0;
};
struct Balance {
  using Reply = std::int64_t;
  std::string account;
};
struct Owner {
  using Reply = std::string;
  std::string account;
};
struct Close {
  using Reply = void;
  std::string account;
};
struct Touch {
  std::string account;
};

struct Account {
  std::int64_t balance = 0;
  bool is_closed = false;
  bool apply(const Deposit& deposit, const std::int64_t* reply) {
    balance += deposit.amount;
    return reply == nullptr || *reply == balance;
  }
  bool apply(const Balance&, const std::int64_t* reply) const { return reply == nullptr || *reply == balance; }
  bool apply(const Owner& owner, const std::string* reply) const { return reply == nullptr || *reply == owner.account; }
  bool apply(const Close&) {
    is_closed = true;
    balance = 0;
    return true;
  }
  bool apply(const Touch&) const { return !is_closed; }
  static const std::string& key_of(const auto& message) { return message.account; }
  static bool is_read(const Balance&) { return true; }
  static bool overwrites(const Close&) { return false; }
  friend bool operator==(const Account&, const Account&) = default;
};
using AccountModel = OfMessages<Account, Deposit, Balance, Owner, Close, Touch>;
static_assert(LinearizableModel<AccountModel>);
static_assert(std::same_as<AccountModel::Output, std::variant<std::int64_t, std::string, std::monostate>>);

History<AccountModel::Input, AccountModel::Output> two_accounts(std::int64_t seen) {
  History<AccountModel::Input, AccountModel::Output> history;
  history.invoke(1, Deposit{"alice", 5});
  history.invoke(2, Deposit{"bob", 7});
  history.ok(2, std::int64_t{7});
  history.ok(1, std::int64_t{5});
  history.invoke(3, Owner{"bob"});
  history.ok(3, std::string{"bob"});
  history.invoke(3, Touch{"bob"});
  history.ok(3);
  history.invoke(3, Close{"bob"});
  history.ok(3, std::monostate{});
  history.invoke(1, Balance{"alice"});
  history.ok(1, seen);
  return history;
}

TEST(OfMessages, takes_messages_and_replies_as_they_are) {
  EXPECT_TRUE(check_linearizable(AccountModel{}, two_accounts(5)).ok());
  const auto verdict = check_linearizable(AccountModel{}, two_accounts(12));
  EXPECT_EQ(verdict.verdict, Linearizable::violated);
  EXPECT_EQ(verdict.keys.size(), 2U);
  EXPECT_EQ(verdict.keys[verdict.violation->key].key, "\"alice\"");
}
TEST(OfMessages, allows_no_reply_of_another_message) {
  History<AccountModel::Input, AccountModel::Output> history;
  history.invoke(1, Balance{"alice"});
  history.ok(1, std::string{"0"});
  EXPECT_EQ(check_linearizable(AccountModel{}, history).verdict, Linearizable::violated);
}

}  // namespace
}  // namespace orrery::testkit
