// What the tool is tried on: properties that crash, never end, differ from run to run, or have two bugs.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <csignal>
#include <cstdint>
#include <vector>

namespace {

using orrery::sim::World;

struct Add {
  std::uint32_t amount;
};
struct Adder {
  std::uint64_t sum = 0;
  void handle(Add m) { sum += m.amount; }
};
struct Crasher {
  int left = 3;
  void handle(Add) {
    if (--left == 0) raise(SIGSEGV);
  }
};

TEST(Subject, Holds) {
  orrery::sim::check([](World& w, const std::vector<std::uint32_t>& amounts) {
    const auto adder = w.spawn("adder", Adder{}).value();
    for (const std::uint32_t amount : amounts) adder.tell(Add{amount});
    w.run();
  });
}

TEST(Subject, Crashes) {
  orrery::sim::check([](World& w, const std::vector<std::uint32_t>& amounts) {
    const auto crasher = w.spawn("crasher", Crasher{}).value();
    for (const std::uint32_t amount : amounts) crasher.tell(Add{amount});
    w.run();
  });
}

TEST(Subject, DiffersFromRunToRun) {
  static std::uint32_t runs = 0;
  orrery::sim::check([](World& w) {
    w.spawn("adder", Adder{}).value().tell(Add{++runs});
    w.run();
  });
}

TEST(Subject, NeverEnds) {
  struct Again {
    void handle(Add, orrery::Context& c) { c.self(*this).tell(Add{1}); }
  };
  orrery::sim::check([](World& w) {
    w.spawn("again", Again{}).value().tell(Add{1});
    w.run();
  });
}

TEST(Subject, HasTwoBugs) {
  orrery::sim::check([](World& w, const std::vector<std::uint32_t>& amounts) {
    const auto adder = w.spawn("adder", Adder{}).value();
    for (const std::uint32_t amount : amounts) adder.tell(Add{amount});
    w.run();
    EXPECT_NE(amounts.size(), 3U);
    EXPECT_LT(amounts.size(), 5U);
  });
}

TEST(Subject, NeverComesToIt) {
  orrery::sim::check([](World& w) {
    w.sometimes("pigs fly", [] { return false; });
    w.run();
  });
}

}  // namespace
