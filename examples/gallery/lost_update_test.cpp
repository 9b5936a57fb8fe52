// lost_update_test.cpp: a visitor reads the count with one ask and writes it back with another. Who reads before the other has
// written undoes what the other wrote.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <vector>

namespace {

struct Read {
  using Reply = int;
};
struct Write {
  int count;
};
struct Increment {};
struct Come {};

struct Register {
  int count = 0;
  int handle(Read) { return count; }
  void handle(Write m) { count = m.count; }
};
struct ReadingVisitor {
  orrery::Ref<Register> count;
  void handle(Come) {
    const auto read = count.ask(Read{}, orrery::no_timeout);
    if (read) (void)count.tell(Write{*read + 1});
  }
};

// The message says what is to become of the state, not what the state is to be.
struct Counter {
  int count = 0;
  void handle(Increment) { ++count; }
};
struct Visitor {
  orrery::Ref<Counter> count;
  void handle(Come) { (void)count.tell(Increment{}); }
};

template <class CountType, class VisitorType>
void everybody_counts(orrery::sim::World& w, const std::vector<bool>& visits) {
  const orrery::Ref<CountType> count = w.spawn("count", CountType{});
  const orrery::Ref<VisitorType> ann = w.spawn("ann", VisitorType{count});
  const orrery::Ref<VisitorType> ben = w.spawn("ben", VisitorType{count});
  for (const bool by_ann : visits) (by_ann ? ann : ben).tell(Come{});
  w.run();
  EXPECT_EQ(w.peek(count).count, static_cast<int>(visits.size()));
}

TEST(LostUpdate, Wrong) { orrery::sim::check(everybody_counts<Register, ReadingVisitor>); }
TEST(LostUpdate, Mended) { orrery::sim::check(everybody_counts<Counter, Visitor>); }

}  // namespace
