// hasty_deadline_test.cpp: the work takes up to three seconds, the deadline is one. Who gives up and asks again has it done twice.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <chrono>
#include <cstdint>

namespace {

using namespace std::chrono_literals;

struct Pay {
  using Reply = bool;
  std::uint8_t seconds;  // what the card company takes
};

struct CardCompany {
  int charges = 0;
  bool handle(Pay m, orrery::Context& context) {
    context.sleep(std::chrono::seconds{m.seconds % 4});
    ++charges;
    return true;
  }
};
struct HastyShop {
  orrery::Ref<CardCompany> company;
  bool handle(Pay m) {
    for (int attempt = 0; attempt < 3; ++attempt) {
      if (company.ask(m, 1s)) return true;
    }
    return false;
  }
};

// The same, but each attempt is the same message: it is handled once, and who asks again gets the answer that it had.
struct Shop {
  orrery::Ref<CardCompany> company;
  bool handle(Pay m, orrery::Context& context) {
    const auto id = orrery::message_id_of("payment " + std::to_string(context.draw("payment", 0)));
    for (int attempt = 0; attempt < 3; ++attempt) {
      if (company.ask(m, {.delivery = orrery::Delivery::exactly_once, .id = id}, 1s)) return true;
    }
    return false;
  }
};

template <class ShopType>
void nobody_pays_twice(orrery::sim::World& w, const std::uint8_t seconds) {
  const orrery::Ref<CardCompany> company = w.spawn("company", CardCompany{});
  const orrery::Ref<ShopType> shop = w.spawn("shop", ShopType{company});
  w.always("nobody pays twice", [&] { return w.peek(company).charges <= 1; });
  (void)shop.ask(Pay{seconds}, orrery::no_timeout);
  w.run();
}

TEST(HastyDeadline, Wrong) { orrery::sim::check(nobody_pays_twice<HastyShop>); }
TEST(HastyDeadline, Mended) { orrery::sim::check(nobody_pays_twice<Shop>); }

}  // namespace
