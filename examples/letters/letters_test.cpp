// Goal:   no order is lost in silence, in either world: it is taken, refused to its sender, or a letter that is sent again.
#include "letters.hpp"

#include <orrery/system.hpp>
#include <orrery/test.hpp>

#include <gtest/gtest.h>

#include <functional>

namespace {

using namespace warehouse;
using orrery::DeadLetterReason;

/// Messages wait here to be sent again; with a kept_max of 0, the default, only records of them do.
const orrery::DeadLetterOptions keeping{.kept_max = 1'000};

/// `settle` lets everything be done.
void close_and_reopen(orrery::Runtime& rt, const std::function<void()>& settle) {
  orrery::Broker broker{rt};
  const auto first = *rt.spawn("warehouse", Warehouse{});
  int refused = 0;
  first.tell(Close{});
  for (int i = 0; i < 5; ++i) refused += first.tell(Order{i}) ? 0 : 1;  // it may have closed by now, and then says so
  settle();

  const auto lost = rt.dead_letters().query({.reason = DeadLetterReason::actor_stopped, .message = "Order"});
  EXPECT_EQ(static_cast<int>(lost.size()) + refused, 5);
  if (!lost.empty()) {
    EXPECT_NE(lost_orders(rt).find(" to warehouse: actor_stopped\n"), std::string::npos);
  }

  EXPECT_EQ(reopen(rt), (orrery::Redriven{.accepted = lost.size()}));
  settle();
  EXPECT_EQ(rt.find<Warehouse>("warehouse")->ask(Taken{}, orrery::no_timeout).value() + refused, 5);
  EXPECT_EQ(lost_orders(rt), "");
  EXPECT_EQ(rt.dead_letters().count(), lost.size()) << "what was a letter once stays counted";
  settle();

  const std::string page = metrics_page(rt, broker);
  EXPECT_NE(page.find("# TYPE orrery_messages_handled_total counter\n"), std::string::npos) << page;
  EXPECT_NE(page.find("orrery_broker_published_total 0\n"), std::string::npos) << page;
  EXPECT_NE(page.find("warehouse_doors{town=\"Lübeck\"} 3\n"), std::string::npos) << page;
}

TEST(Letters, are_sent_again_in_every_order) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    orrery::sim::RunOptions options;
    options.runtime.dead_letters = keeping;
    const auto run =
        orrery::sim::execute([](orrery::sim::World& world) { close_and_reopen(world, [&] { world.run(); }); },
                             [&] { return std::make_unique<orrery::sim::RandomWalk>(seed); }, options);
    EXPECT_FALSE(run.finding) << run.finding->name;
  }
}

TEST(Letters, are_sent_again_on_threads) {
  orrery::SystemOptions options{.threads = 2, .read_environment = false};
  options.runtime.dead_letters = keeping;
  orrery::System system{options};
  close_and_reopen(system, [&] { ASSERT_TRUE(system.await_quiescence(std::chrono::minutes{1})); });
}

}  // namespace
