// broker_probe.hpp: what went through a broker, for a test to ask about.
//
//   BrokerTestProbe probe{broker};
//   ...
//   EXPECT_TRUE(probe.assert_sent(alice, 2));
//   EXPECT_EQ(probe.captured<OrderPaid>().at(0).amount, 100);
//
// How:  listens to every act of the broker while it exists. It sees what is asked of the broker, whatever becomes of it:
//       what was refused, or had nobody to go to, was sent too. What actors tell each other directly does not go through a broker.
// Source:  SPEC T1.
#pragma once
#include "orrery/broker/broker.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

class BrokerTestProbe {
 public:
  /// One at a time per broker; a later one takes its place.
  explicit BrokerTestProbe(MessageBroker& broker);
  BrokerTestProbe(const BrokerTestProbe&) = delete;
  BrokerTestProbe& operator=(const BrokerTestProbe&) = delete;
  ~BrokerTestProbe();

  // Each says in its failure what was sent instead. In the simulated world run the world before; on threads, wait until what
  // sends has done so.

  /// That `count` messages were sent to `actor` by send(), try_send() or a router; broadcasts and publishes do not count.
  template <NamesAnActor To>
  [[nodiscard]] testing::AssertionResult assert_sent(const To& actor, std::size_t count) const {
    return assert_sent_to(actor.handle(), count);
  }
  /// That broadcasts sent `count` messages, one for each actor that they were for.
  [[nodiscard]] testing::AssertionResult assert_broadcast(std::size_t count) const;
  /// That `count` messages were published on that subject, whoever listened.
  [[nodiscard]] testing::AssertionResult assert_published(std::string_view subject, std::size_t count) const;
  /// Returns: copies of all messages of that kind, in the order of sending; a broadcast's once for each actor.
  template <class M>
    requires std::copy_constructible<M>
  [[nodiscard]] std::vector<M> captured() const {
    std::vector<M> messages;
    for (const std::shared_ptr<const void>& one : captured_of(orrery::detail::message_info<M>)) {
      messages.push_back(*static_cast<const M*>(one.get()));
    }
    return messages;
  }
  /// Returns: everything, a line each: "sent Deposit{amount=5} to alice".
  [[nodiscard]] std::string describe() const;
  void forget();

 private:
  struct Heard {
    BrokerAct::Kind kind;
    Handle to;
    std::string topic;
    const MessageInfo* message;
    std::string text;  ///< with the path of whom it went to, as it was then
    std::shared_ptr<const void> copy;
  };
  class Ear;
  [[nodiscard]] testing::AssertionResult assert_sent_to(Handle actor, std::size_t count) const;
  [[nodiscard]] std::vector<std::shared_ptr<const void>> captured_of(const MessageInfo& message) const;
  [[nodiscard]] testing::AssertionResult judge(std::size_t found, std::size_t expected, std::string_view what) const;

  MessageBroker& broker_;
  std::shared_ptr<Ear> ear_;
};

}  // namespace orrery::testkit
