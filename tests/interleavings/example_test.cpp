// The example of docs/interleavings.md: a queue with one place, checked whole, and the same with the order that it needs left out.
#include "orrery/core/atomic.hpp"
#include "tests/interleavings/checker/explore.hpp"

#include <gtest/gtest.h>

namespace orrery::interleave {
namespace {

/// A single producer, a single consumer, zero is nothing.
template <std::memory_order pushes = std::memory_order_release>
class OnePlace {
 public:
  void push(int item) { place_.store(item, pushes); }  // pairs with the acquire in pop()
  int pop() { return place_.exchange(0, std::memory_order_acquire); }

 private:
  Atomic<int> place_{0};
};
using MyQueue = OnePlace<>;

TEST(Example, WhatIsPushedBringsItsDataAlong) {
  expect_holds("my queue", all(), [](Model& model) {
    MyQueue queue;               // state: on the stack, or model.make<T>("name") for what is freed
    Plain<int> data{0};          // what the queue must order
    model.name(queue, "queue");  // for stories
    model.thread("producer", [&] {
      data = 7;
      queue.push(1);
    });
    model.thread("consumer", [&] {
      if (queue.pop() != 0) model.require(data == 7, "the data came along");
    });
    model.run();
    model.require(data == 7, "it was written");  // after all threads have ended
  });
}

TEST(Example, ARelaxedPushLeavesItsDataBehind) {
  expect_fails("my relaxed queue", all(), "race", [](Model& model) {
    OnePlace<std::memory_order_relaxed> queue;
    Plain<int> data{0};
    model.thread("producer", [&] {
      data = 7;
      queue.push(1);
    });
    model.thread("consumer", [&] {
      if (queue.pop() != 0) model.require(data == 7, "the data came along");
    });
    model.run();
  });
}

}  // namespace
}  // namespace orrery::interleave
