// stopped_too_soon_test.cpp: a printer is given its pages, and then stopped. A stop is a signal, not mail: it does not wait behind
// the pages.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <memory>

namespace {

struct Page {};
struct Finish {};

struct Printer {
  std::shared_ptr<int> printed;  // the paper: it is there when the printer is gone
  void handle(Page) { ++*printed; }
  void handle(Finish, orrery::Context& context) { context.stop(); }
};
struct Print {
  int pages;
};
struct StoppingClerk {
  orrery::Ref<Printer> printer;
  void handle(Print m, orrery::Context& context) {
    for (int page = 0; page < m.pages; ++page) (void)printer.tell(Page{});
    context.stop(printer);
  }
};

// A message that says so is handled in its turn, behind what the same sender sent before.
struct Clerk {
  orrery::Ref<Printer> printer;
  void handle(Print m) {
    for (int page = 0; page < m.pages; ++page) (void)printer.tell(Page{});
    (void)printer.tell(Finish{});
  }
};

template <class ClerkType>
void every_page_is_printed(orrery::sim::World& w) {
  const auto printed = std::make_shared<int>(0);
  const orrery::Ref<Printer> printer = w.spawn("printer", Printer{printed});
  const orrery::Ref<ClerkType> clerk = w.spawn("clerk", ClerkType{printer});
  (void)clerk.tell(Print{2});
  w.run();
  EXPECT_EQ(*printed, 2);
}

TEST(StoppedTooSoon, Wrong) { orrery::sim::check(every_page_is_printed<StoppingClerk>); }
TEST(StoppedTooSoon, Mended) { orrery::sim::check(every_page_is_printed<Clerk>); }

}  // namespace
