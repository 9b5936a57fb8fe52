// The little programs that memory models are told apart by: each has exactly the outcomes that C++20 allows (except load
// buffering, which memory.hpp does not model).
#include "tests/interleavings/checker/explore.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace orrery::interleave {
namespace {

using Order = std::memory_order;
constexpr auto relaxed = Order::relaxed;
constexpr auto acquire = Order::acquire;
constexpr auto release = Order::release;
constexpr auto acq_rel = Order::acq_rel;
constexpr auto seq_cst = Order::seq_cst;

/// Two or three words and what the threads read.
struct Words {
  Atomic<int> x{0}, y{0}, z{0};
  int a = 0, b = 0, c = 0, d = 0;
};

std::set<std::string> set_of(std::initializer_list<const char*> texts) { return {texts.begin(), texts.end()}; }

Body store_buffering(Order store, Order load) {
  return [=](Model& model) {
    Words w;
    model.thread("left", [&] {
      w.x.store(1, store);
      w.a = w.y.load(load);
    });
    model.thread("right", [&] {
      w.y.store(1, store);
      w.b = w.x.load(load);
    });
    model.run();
    model.outcome(fmt::format("{}{}", w.a, w.b));
  };
}

TEST(Litmus, store_buffering_hides_both_stores_unless_all_is_seq_cst) {
  expect_outcomes("sb relaxed", set_of({"00", "01", "10", "11"}), store_buffering(relaxed, relaxed));
  expect_outcomes("sb release acquire", set_of({"00", "01", "10", "11"}), store_buffering(release, acquire));
  expect_outcomes("sb seq_cst stores only", set_of({"00", "01", "10", "11"}), store_buffering(seq_cst, acquire));
  expect_outcomes("sb seq_cst", set_of({"01", "10", "11"}), store_buffering(seq_cst, seq_cst));
}

TEST(Litmus, store_buffering_with_fences_or_a_membarrier_shows_a_store) {
  const auto fenced = [](Order left, Order right) {
    return [=](Model& model) {
      Words w;
      model.thread("left", [&] {
        w.x.store(1, relaxed);
        model.fence(left, std::source_location::current());
        w.a = w.y.load(relaxed);
      });
      model.thread("right", [&] {
        w.y.store(1, relaxed);
        model.fence(right, std::source_location::current());
        w.b = w.x.load(relaxed);
      });
      model.run();
      model.outcome(fmt::format("{}{}", w.a, w.b));
    };
  };
  expect_outcomes("sb fences", set_of({"01", "10", "11"}), fenced(seq_cst, seq_cst));
  expect_outcomes("sb one fence", set_of({"00", "01", "10", "11"}), fenced(seq_cst, acq_rel));
  expect_outcomes("sb membarrier", set_of({"01", "10", "11"}), [](Model& model) {
    Words w;
    model.thread("often", [&] {
      w.x.store(1, relaxed);
      w.a = w.y.load(relaxed);
    });
    model.thread("rarely", [&] {
      w.y.store(1, relaxed);
      model.fence_everywhere(std::source_location::current());
      w.b = w.x.load(relaxed);
    });
    model.run();
    model.outcome(fmt::format("{}{}", w.a, w.b));
  });
}

Body message_passing(Order store, Order load) {
  return [=](Model& model) {
    Words w;
    model.thread("writer", [&] {
      w.x.store(1, relaxed);
      w.y.store(1, store);
    });
    model.thread("reader", [&] {
      w.a = w.y.load(load);
      w.b = w.x.load(relaxed);
    });
    model.run();
    model.outcome(fmt::format("{}{}", w.a, w.b));
  };
}

TEST(Litmus, a_message_needs_release_and_acquire) {
  expect_outcomes("mp relaxed", set_of({"00", "01", "10", "11"}), message_passing(relaxed, relaxed));
  expect_outcomes("mp release only", set_of({"00", "01", "10", "11"}), message_passing(release, relaxed));
  expect_outcomes("mp acquire only", set_of({"00", "01", "10", "11"}), message_passing(relaxed, acquire));
  expect_outcomes("mp", set_of({"00", "01", "11"}), message_passing(release, acquire));
}

TEST(Litmus, a_message_may_pass_by_fences) {
  expect_outcomes("mp fences", set_of({"00", "01", "11"}), [](Model& model) {
    Words w;
    model.thread("writer", [&] {
      w.x.store(1, relaxed);
      model.fence(release, std::source_location::current());
      w.y.store(1, relaxed);
    });
    model.thread("reader", [&] {
      w.a = w.y.load(relaxed);
      model.fence(acquire, std::source_location::current());
      w.b = w.x.load(relaxed);
    });
    model.run();
    model.outcome(fmt::format("{}{}", w.a, w.b));
  });
}

// A release sequence goes on through read-modify-writes of anybody, and not (since C++20) through a store.
TEST(Litmus, a_release_sequence_goes_on_through_read_modify_writes_only) {
  const auto passing = [](bool by_rmw) {
    return [=](Model& model) {
      Words w;
      model.thread("writer", [&] {
        w.x.store(1, relaxed);
        w.y.store(1, release);
        if (!by_rmw) w.y.store(2, relaxed);
      });
      model.thread("between", [&] {
        if (by_rmw) (void)w.y.fetch_add(1, relaxed);
      });
      model.thread("reader", [&] {
        w.a = w.y.load(acquire);
        w.b = w.x.load(relaxed);
      });
      model.run();
      if (w.a == 2) model.outcome(fmt::format("x={}", w.b));
    };
  };
  expect_outcomes("release sequence", set_of({"", "x=1"}), passing(true));
  expect_outcomes("no release sequence", set_of({"", "x=0", "x=1"}), passing(false));
}

Body independent_reads(Order store, Order load) {
  return [=](Model& model) {
    Words w;
    model.thread("writes x", [&] { w.x.store(1, store); });
    model.thread("writes y", [&] { w.y.store(1, store); });
    model.thread("x then y", [&] {
      w.a = w.x.load(load);
      w.b = w.y.load(load);
    });
    model.thread("y then x", [&] {
      w.c = w.y.load(load);
      w.d = w.x.load(load);
    });
    model.run();
    model.outcome(fmt::format("{}{}{}{}", w.a, w.b, w.c, w.d));
  };
}

// Independent reads of independent writes: 1010 means that two readers saw two stores in opposite orders.
TEST(Litmus, readers_agree_on_the_order_of_stores_only_if_seq_cst) {
  std::set<std::string> each;
  for (int i = 0; i < 16; ++i) each.insert(fmt::format("{}{}{}{}", i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1));
  expect_outcomes("iriw relaxed", each, independent_reads(relaxed, relaxed));
  expect_outcomes("iriw release acquire", each, independent_reads(release, acquire));
  each.erase("1010");
  expect_outcomes("iriw seq_cst", each, independent_reads(seq_cst, seq_cst));
}

TEST(Litmus, one_reader_never_sees_a_word_go_back) {
  expect_outcomes("corr", set_of({"00", "01", "02", "11", "12", "22"}), [](Model& model) {
    Words w;
    model.thread("writer", [&] {
      w.x.store(1, relaxed);
      w.x.store(2, relaxed);
    });
    model.thread("reader", [&] {
      w.a = w.x.load(relaxed);
      w.b = w.x.load(relaxed);
    });
    model.run();
    model.outcome(fmt::format("{}{}", w.a, w.b));
  });
}

TEST(Litmus, two_readers_agree_on_the_order_of_two_stores_to_one_word) {
  const Report report = explore("corr2", all(), [](Model& model) {
    Words w;
    model.thread("one", [&] { w.x.store(1, relaxed); });
    model.thread("two", [&] { w.x.store(2, relaxed); });
    model.thread("reads", [&] {
      w.a = w.x.load(relaxed);
      w.b = w.x.load(relaxed);
    });
    model.thread("also reads", [&] {
      w.c = w.x.load(relaxed);
      w.d = w.x.load(relaxed);
    });
    model.run();
    model.outcome(fmt::format("{}{}{}{}", w.a, w.b, w.c, w.d));
  });
  EXPECT_FALSE(report.failed) << report.story;
  EXPECT_FALSE(report.outcomes.contains("1221"));
  EXPECT_FALSE(report.outcomes.contains("2112"));
  EXPECT_TRUE(report.outcomes.contains("1212"));
  EXPECT_TRUE(report.outcomes.contains("2121"));
  EXPECT_TRUE(report.outcomes.contains("0122"));
}

Body two_and_two(Order order) {
  return [=](Model& model) {
    Words w;
    model.thread("left", [&] {
      w.x.store(1, order);
      w.y.store(2, order);
    });
    model.thread("right", [&] {
      w.y.store(1, order);
      w.x.store(2, order);
    });
    model.run();
    model.outcome(fmt::format("{}{}", w.x.load(relaxed), w.y.load(relaxed)));
  };
}

// 11 means that both first stores came last: no interleaving shows it, weak memory may.
TEST(Litmus, two_stores_each_may_end_with_both_first_ones) {
  expect_outcomes("2+2w relaxed", set_of({"11", "12", "21", "22"}), two_and_two(relaxed));
  expect_outcomes("2+2w release", set_of({"11", "12", "21", "22"}), two_and_two(release));
  expect_outcomes("2+2w seq_cst", set_of({"12", "21", "22"}), two_and_two(seq_cst));
}

TEST(Litmus, read_modify_writes_lose_nothing) {
  expect_outcomes("rmw", set_of({"3"}), [](Model& model) {
    Words w;
    for (const char* name : {"one", "two", "three"}) model.thread(name, [&] { (void)w.x.fetch_add(1, relaxed); });
    model.run();
    model.outcome(fmt::to_string(w.x.load(relaxed)));
  });
  expect_outcomes("load and store", set_of({"1", "2"}), [](Model& model) {
    Words w;
    for (const char* name : {"one", "two"}) {
      model.thread(name, [&] { w.x.store(w.x.load(relaxed) + 1, relaxed); });
    }
    model.run();
    model.outcome(fmt::to_string(w.x.load(relaxed)));
  });
}

// A store between two others of somebody else: not directly before a read-modify-write that read the older one.
TEST(Litmus, nothing_comes_between_a_read_modify_write_and_what_it_read) {
  expect_outcomes("rmw atomicity", set_of({"5", "6"}), [](Model& model) {
    Words w;
    model.thread("adds", [&] { (void)w.x.fetch_add(1, relaxed); });
    model.thread("stores", [&] { w.x.store(5, relaxed); });
    model.run();
    model.outcome(fmt::to_string(w.x.load(relaxed)));
  });
}

// T. J. Dekker's entry: with anything less than seq_cst both may come in.
Body dekker(Order store, Order load) {
  return [=](Model& model) {
    Words w;
    Plain<int> room{0};
    model.thread("left", [&] {
      w.x.store(1, store);
      if (w.y.load(load) == 0) room = 1;
    });
    model.thread("right", [&] {
      w.y.store(1, store);
      if (w.x.load(load) == 0) room = 2;
    });
    model.run();
  };
}

TEST(Litmus, dekkers_entry_needs_seq_cst) {
  expect_holds("dekker", all(), dekker(seq_cst, seq_cst));
  expect_fails("dekker release", all(), "data race", dekker(release, acquire));
}

// G. L. Peterson's lock, with waiting.
Body peterson(Order order_of_store, Order order_of_load) {
  return [=](Model& model) {
    std::array<Atomic<int>, 2> wants;
    Atomic<int> turn{0};
    Plain<int> room{0};
    const auto enter = [&](int me) {
      wants[static_cast<std::size_t>(me)].store(1, order_of_store);
      turn.store(1 - me, order_of_store);
      while (wants[static_cast<std::size_t>(1 - me)].load(order_of_load) == 1 && turn.load(order_of_load) == 1 - me) {
        spin_pause();
      }
      room = room + 1;
      wants[static_cast<std::size_t>(me)].store(0, order_of_store == seq_cst ? seq_cst : release);
    };
    model.thread("zero", [&] { enter(0); });
    model.thread("one", [&] { enter(1); });
    model.run();
    model.require(room == 2, "both were in the room");
  };
}

TEST(Litmus, petersons_lock_needs_seq_cst) {
  expect_holds("peterson", all(), peterson(seq_cst, seq_cst));
  expect_fails("peterson acq_rel", all(), "data race", peterson(release, acquire));
}

}  // namespace
}  // namespace orrery::interleave
