// Goal: the checker finds each kind of mistake it says it finds, tells it in steps that can be replayed, and its reduced
//       search misses nothing that all interleavings show.
#include "tests/interleavings/checker/explore.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/futex.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace orrery::interleave {
namespace {

using Order = std::memory_order;

/// A step of a program that was made up: what it does to which word.
struct MadeUp {
  enum Kind : unsigned { load, store, add, swap_if, fence } kind;
  unsigned word;
  Order order;
};
using Program = std::vector<std::vector<MadeUp>>;

Program make_up(test_support::Random& random) {
  const auto order_of = [&](MadeUp::Kind kind) {
    const auto n = random.below(3);
    if (n == 0) return Order::seq_cst;
    if (kind == MadeUp::load) return n == 1 ? Order::relaxed : Order::acquire;
    if (kind == MadeUp::store) return n == 1 ? Order::relaxed : Order::release;
    return n == 1 && kind != MadeUp::fence ? Order::relaxed : Order::acq_rel;
  };
  Program program(2 + random.below(2));
  const std::uint64_t steps_max = program.size() == 2 ? 4 : 3;
  for (auto& thread : program) {
    const auto steps = 1 + random.below(steps_max);
    for (std::uint64_t i = 0; i < steps; ++i) {
      constexpr MadeUp::Kind kinds[] = {MadeUp::load, MadeUp::load,    MadeUp::store, MadeUp::store,
                                        MadeUp::add,  MadeUp::swap_if, MadeUp::fence};
      const MadeUp::Kind kind = kinds[random.below(std::size(kinds))];
      const auto word = static_cast<unsigned>(random.below(2));
      thread.push_back({kind, word, order_of(kind)});
    }
  }
  return program;
}

std::string text_of(const Program& program) {
  constexpr const char* kinds[] = {"load", "store", "add", "swap_if", "fence"};
  std::string text;
  for (const auto& thread : program) {
    for (const MadeUp& step : thread) {
      text += fmt::format("{} w{} order {}; ", kinds[step.kind], step.word, static_cast<int>(step.order));
    }
    text += '\n';
  }
  return text;
}

Body run_made_up(const Program& program) {
  return [&program](Model& model) {
    std::array<Atomic<unsigned>, 2> words;
    std::vector<std::string> seen(program.size());
    for (std::size_t t = 0; t < program.size(); ++t) {
      model.thread(fmt::format("t{}", t), [&, t] {
        unsigned n = 0;
        for (const MadeUp& step : program[t]) {
          const auto value = static_cast<unsigned>(10 * (t + 1) + n++);
          auto& word = words[step.word];
          switch (step.kind) {
            case MadeUp::load:
              seen[t] += fmt::format("{},", word.load(step.order));
              break;
            case MadeUp::store:
              word.store(value, step.order);
              break;
            case MadeUp::add:
              seen[t] += fmt::format("{},", word.fetch_add(100, step.order));
              break;
            case MadeUp::swap_if: {
              unsigned expected = 0;
              (void)word.compare_exchange_strong(expected, value, step.order, Order::relaxed);
              seen[t] += fmt::format("{},", expected);
              break;
            }
            case MadeUp::fence:
              model.fence(step.order, std::source_location::current());
              break;
          }
        }
      });
    }
    model.run();
    for (const std::string& text : seen) model.outcome(text + " ");
    model.outcome(fmt::format("{} {}", words[0].load(Order::relaxed), words[1].load(Order::relaxed)));
  };
}

// Method: programs of two or three threads made up from a seed, each run through the reduced search and through every
//         interleaving there is; the sets of outcomes must be equal.
TEST(Checker, the_reduced_search_sees_every_outcome_of_programs_that_were_made_up) {
  test_support::Random random{20'250'101};
  const int programs = test_support::scaled(400);
  const Model::Limits limits{.same_old_reads = 100};
  std::uint64_t reduced_total = 0;
  std::uint64_t full_total = 0;
  for (int i = 0; i < programs; ++i) {
    const Program program = make_up(random);
    const Body body = run_made_up(program);
    const Report full =
        explore("full", {.kind = Mode::bounded, .preemptions = 100, .executions = 20'000, .choices = {}}, body, limits);
    if (!full.complete) continue;
    const Report reduced = explore("reduced", all(), body, limits);
    ASSERT_EQ(reduced.outcomes, full.outcomes) << "program " << i << ":\n" << text_of(program);
    ASSERT_TRUE(reduced.complete);
    reduced_total += reduced.executions;
    full_total += full.executions;
  }
  fmt::print("[ explored ] {} programs: {} executions, reduced to {}\n", programs, full_total, reduced_total);
  EXPECT_LT(reduced_total, full_total / 3);
}

// R. K. Treiber's stack, that forgets that a node may come back.
struct BrokenStack {
  struct Node {
    Atomic<Node*> next{nullptr};
  };
  Atomic<Node*> top{nullptr};
  void push(Node& node) {
    Node* old = top.load(Order::relaxed);
    do {
      node.next.store(old, Order::relaxed);
    } while (!top.compare_exchange_weak(old, &node, Order::acq_rel, Order::relaxed));
  }
  Node* pop() {
    Node* old = top.load(Order::acquire);
    while (old != nullptr &&
           !top.compare_exchange_weak(old, old->next.load(Order::relaxed), Order::acq_rel, Order::acquire)) {
    }
    return old;
  }
};

Body aba() {
  return [](Model& model) {
    BrokenStack stack;
    BrokenStack::Node a, b;
    model.name(stack, "stack");
    model.name(a, "a");
    model.name(b, "b");
    stack.push(b);
    stack.push(a);  // a, b
    BrokenStack::Node* mine = nullptr;
    model.thread("pops one", [&] { mine = stack.pop(); });
    model.thread("pops two, pushes one", [&] {
      BrokenStack::Node* const first = stack.pop();
      BrokenStack::Node* const second = stack.pop();
      if (first == &a && second == &b) stack.push(a);
      // b is ours here
    });
    model.run();
    model.require(!(mine == &a && stack.top.load(Order::relaxed) == &b), "a node is in the stack that was popped");
  };
}

TEST(Checker, finds_the_node_that_came_back) {
  expect_fails("aba", all(), "a node is in the stack that was popped", aba());
  expect_fails("aba bounded", preemptions(2), "a node is in the stack that was popped", aba());
  expect_fails("aba random", random(20'000), "a node is in the stack that was popped", aba());
}

TEST(Checker, tells_the_steps_and_replays_them) {
  const Report found = explore("aba", all(), aba());
  ASSERT_TRUE(found.failed);
  EXPECT_NE(found.story.find("&a = stack.load(acquire)"), std::string::npos) << found.story;
  EXPECT_NE(found.story.find("checker_test.cpp:"), std::string::npos) << found.story;
  ::setenv("ORRERY_INTERLEAVING", ("aba:" + found.choices).c_str(), 1);
  const Report again = explore("aba", all(), aba());
  ::setenv("ORRERY_INTERLEAVING", "aba:zzz", 1);
  const Report misfit = explore("aba", all(), aba());
  ::unsetenv("ORRERY_INTERLEAVING");
  EXPECT_EQ(again.story, found.story);
  EXPECT_EQ(again.executions, 1U);
  EXPECT_NE(misfit.failure.find("not of this program"), std::string::npos) << misfit.failure;
}

TEST(Checker, shows_a_failure_with_as_few_preemptions_as_it_needs) {
  const Report found = explore("aba", random(20'000, 7), aba());
  ASSERT_TRUE(found.failed);
  unsigned switches = 0;
  std::string last;
  for (std::size_t at = 0; at < found.story.size(); at = found.story.find('\n', at) + 1) {
    if (found.story.compare(at, 4, "  =>") == 0) break;
    const std::string name = found.story.substr(at + 6, 12);
    switches += !last.empty() && name != last;
    last = name;
  }
  EXPECT_EQ(switches, 1U) << found.story;  // none in the middle of pop(): it may read old stores instead
}

TEST(Checker, the_same_seed_gives_the_same_executions) {
  const auto outcome = [](std::uint64_t seed) { return explore("aba", random(20'000, seed), aba()).executions; };
  EXPECT_EQ(outcome(3), outcome(3));
}

TEST(Checker, finds_threads_that_wait_for_each_other) {
  expect_fails("two locks", all(), "waits for a lock", [](Model& model) {
    Mutex a, b;
    model.thread("ab", [&] {
      const std::scoped_lock first{a};
      const std::scoped_lock second{b};
    });
    model.thread("ba", [&] {
      const std::scoped_lock first{b};
      const std::scoped_lock second{a};
    });
    model.run();
  });
}

TEST(Checker, finds_a_lost_wake_up_and_a_wait_for_what_never_comes) {
  expect_fails("late sleeper", all(), "sleeps", [](Model& model) {
    Atomic<std::uint32_t> asleep{0}, work{0};
    model.thread("sleeper", [&] {
      if (work.load(Order::seq_cst) == 0) {
        asleep.store(1, Order::seq_cst);  // too late to look
        (void)futex_wait(asleep, 1, std::nullopt);
      }
    });
    model.thread("waker", [&] {
      work.store(1, Order::seq_cst);
      if (asleep.load(Order::seq_cst) == 1) {
        asleep.store(0, Order::seq_cst);
        futex_wake_one(asleep);
      }
    });
    model.run();
  });
  expect_fails("never", all(), "pauses for a change", [](Model& model) {
    Atomic<int> flag{0};
    model.thread("waits", [&] {
      while (flag.load(Order::acquire) == 0) spin_pause();
    });
    model.run();
  });
}

TEST(Checker, a_wait_in_a_loop_ends_when_what_it_looks_at_changes) {
  expect_holds("flag", all(), [](Model& model) {
    Atomic<int> flag{0};
    Plain<int> data{0};
    model.thread("waits", [&] {
      while (flag.load(Order::acquire) < 2) spin_pause();
      model.require(data == 7, "the data came with the flag");
    });
    model.thread("sets", [&] {
      flag.store(1, Order::relaxed);
      data = 7;
      flag.store(2, Order::release);
    });
    model.run();
  });
}

TEST(Checker, finds_a_loop_that_makes_no_progress) {
  expect_fails("politeness", all(), "livelock",
               [](Model& model) {
                 std::array<Atomic<int>, 2> wants;
                 const auto enter = [&](std::size_t me) {
                   while (true) {
                     wants[me].store(1, Order::seq_cst);
                     if (wants[1 - me].load(Order::seq_cst) == 0) return;
                     wants[me].store(0, Order::seq_cst);
                     if (wants[1 - me].load(Order::seq_cst) == 2) return;
                   }
                 };
                 model.thread("zero", [&] { enter(0); });
                 model.thread("one", [&] { enter(1); });
                 model.run();
               },
               {.steps = 300});
}

struct Box {
  Atomic<int> word{0};
  Plain<int> data{0};
};

TEST(Checker, finds_uses_after_the_end_and_second_ends) {
  expect_fails("use after", all(), "used after its end", [](Model& model) {
    Box& box = model.make<Box>("box");
    model.thread("ends", [&] { model.destroy(box); });
    model.thread("uses", [&] { box.word.store(1, Order::seq_cst); });
    model.run();
  });
  expect_fails("twice", all(), "destroyed twice", [](Model& model) {
    Box& box = model.make<Box>("box");
    Atomic<int> count{2};
    const auto let_go = [&] {
      const int left = count.load(Order::acquire) - 1;  // two steps where one is needed
      count.store(left, Order::release);
      if (left <= 0) model.destroy(box);
    };
    model.thread("one", let_go);
    model.thread("two", [&] {
      let_go();
      if (count.load(Order::acquire) == 0) model.destroy(box);
    });
    model.run();
  });
}

Body count_down(Order order) {
  return [=](Model& model) {
    Box& box = model.make<Box>("box");
    Atomic<int> count{2};
    const auto let_go = [&] {
      box.word.store(1, Order::relaxed);
      if (count.fetch_sub(1, order) == 1) model.destroy(box);
    };
    model.thread("one", let_go);
    model.thread("two", let_go);
    model.run();
    model.require(model.alive() == 0, "the box was freed");
  };
}

TEST(Checker, an_end_must_come_after_all_uses) {
  expect_holds("count down", all(), count_down(Order::acq_rel));
  expect_fails("count down relaxed", all(), "while another thread may still use it", count_down(Order::relaxed));
  expect_fails("count down release", all(), "while another thread may still use it", count_down(Order::release));
}

TEST(Checker, what_a_thread_makes_must_be_published) {
  const auto publish = [](Order store) {
    return [=](Model& model) {
      Atomic<Box*> place{nullptr};
      model.thread("makes", [&] { place.store(&model.make<Box>("box"), store); });
      model.thread("uses", [&] {
        if (Box* const box = place.load(Order::acquire)) (void)box->word.load(Order::relaxed);
      });
      model.run();
    };
  };
  expect_holds("published", all(), publish(Order::release));
  expect_fails("thrown over", all(), "need not see its construction", publish(Order::relaxed));
}

TEST(Checker, locks_order_what_is_done_under_them) {
  expect_holds("mutex", all(), [](Model& model) {
    Mutex mutex;
    Plain<int> count{0};
    for (const char* name : {"one", "two", "three"}) {
      model.thread(name, [&] {
        const std::scoped_lock guard{mutex};
        count = count + 1;
      });
    }
    model.run();
    model.require(count == 3, "everybody counted");
  });
}

TEST(Checker, a_failed_check_of_the_code_under_test_is_a_finding) {
  expect_fails("check", all(), "check failed: n.load", [](Model& model) {
    Atomic<int> n{0};
    for (const char* name : {"one", "two"}) {
      model.thread(name, [&] {
        const int before = n.load(Order::relaxed);
        n.store(before + 1, Order::relaxed);
      });
    }
    model.thread("looks", [&] { ORRERY_CHECK(n.load(Order::relaxed) < 1); });
    model.run();
  });
}

}  // namespace
}  // namespace orrery::interleave
