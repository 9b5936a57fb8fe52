// own_thread_test.cpp: a handler starts a thread. No seed can schedule that, so no run could be repeated; the leak guard says where.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <thread>

namespace {

struct Develop {};

struct ImpatientDarkroom {
  int developed = 0;
  void handle(Develop) {
    std::jthread{[] { /* reads a file */ }};
    ++developed;
  }
};
// Work that blocks is offloaded: on a thread in production, an agent of its own in a simulation.
struct Darkroom {
  int developed = 0;
  void handle(Develop, orrery::Context& context) {
    context.offload([] { /* reads a file */ });
    ++developed;
  }
};

template <class DarkroomType>
void pictures_are_developed(orrery::sim::World& w) {
  const orrery::Ref<DarkroomType> darkroom = w.spawn("darkroom", DarkroomType{});
  (void)darkroom.tell(Develop{});
  w.run();
  EXPECT_EQ(w.peek(darkroom).developed, 1);
}

TEST(OwnThread, Wrong) { orrery::sim::check(pictures_are_developed<ImpatientDarkroom>); }
TEST(OwnThread, Mended) { orrery::sim::check(pictures_are_developed<Darkroom>); }

}  // namespace
