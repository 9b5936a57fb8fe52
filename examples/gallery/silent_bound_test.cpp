// silent_bound_test.cpp: a mailbox for two messages drops the oldest when a third comes. Right for temperatures, wrong for votes.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <cstdint>

namespace {

struct Vote {};
struct Cast {
  int votes;
};
struct Box {
  int votes = 0;
  void handle(Vote) { ++votes; }
};
struct Precinct {
  orrery::Ref<Box> box;
  void handle(Cast m) {
    for (int vote = 0; vote < m.votes; ++vote) (void)box.tell(Vote{});
  }
};

template <orrery::Overflow overflow>
void every_vote_counts(orrery::sim::World& w, const std::uint8_t votes) {
  const orrery::Ref<Box> box = w.spawn("box", Box{}, {.mailbox = orrery::bounded(2, overflow)});
  const orrery::Ref<Precinct> precinct = w.spawn("precinct", Precinct{box});
  (void)precinct.tell(Cast{votes % 5});
  w.run();
  EXPECT_EQ(w.peek(box).votes, votes % 5);
}

TEST(SilentBound, Wrong) { orrery::sim::check(every_vote_counts<orrery::Overflow::drop_oldest>); }
// The bound is kept, and whoever sends waits for a place.
TEST(SilentBound, Mended) { orrery::sim::check(every_vote_counts<orrery::Overflow::suspend>); }

}  // namespace
