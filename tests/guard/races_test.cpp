// Goal:   under ThreadSanitizer, two actors that touch the same memory without a message between them are reported although
//         one thread runs both; whatever a message, a reply, a spawn or the body of the test orders is not.
// Method: the tool's reports are counted instead of printed. It reports a pair of places in the program once in a process,
//         so every program here has places of its own.
#include "tests/guard/guard_fixture.hpp"

#include "orrery/sim/races.hpp"

#include <memory>
#include <stdexcept>
#include <vector>

namespace orrery::testing {
namespace {
int reports = 0;
}
}  // namespace orrery::testing

#if defined(ORRERY_RACE_SCOPES)

namespace __tsan {
class ReportDesc;
/// Called in place of ThreadSanitizer's own, which is weak. Returns: whether the report is to be dropped.
bool OnReport(const ReportDesc*, bool);
__attribute__((no_sanitize("thread"))) bool OnReport(const ReportDesc*, bool) {
  ++orrery::testing::reports;
  return true;
}
}  // namespace __tsan

namespace orrery::testing {
namespace {

sim::RunOptions finding_races() {
  sim::RunOptions options = no_faults();
  options.find_races = true;
  return options;
}

/// Returns: how many races were reported in a run of `body` under that seed.
int races_in(const sim::Body& body, std::uint64_t seed = 1) {
  const int before = reports;
  const auto outcome = sim::execute(body, random_walk(seed), finding_races());
  EXPECT_FALSE(outcome.finding) << outcome.finding->name << " " << outcome.finding->detail;
  return reports - before;
}

/// Each tag makes a type, and so a place in the program, of its own.
template <int tag>
struct Writer {
  int* shared = nullptr;
  void handle(Go) { ++*shared; }
};

template <int tag>
void two_writers(World& world) {
  auto shared = std::make_unique<int>(0);
  const auto alice = world.spawn("alice", Writer<tag>{shared.get()}).value();
  const auto bob = world.spawn("bob", Writer<tag>{shared.get()}).value();
  alice.tell(Go{});
  bob.tell(Go{});
  world.run();
}

TEST(Races, an_int_that_two_actors_write_is_reported_under_any_seed) {
  EXPECT_GE(races_in(&two_writers<1>, 1), 1);
  EXPECT_GE(races_in(&two_writers<2>, 2), 1);
  EXPECT_GE(races_in(&two_writers<3>, 3), 1);
}

TEST(Races, nothing_is_reported_where_nobody_asked_for_it) {
  const int before = reports;
  (void)sim::execute(&two_writers<4>, random_walk(1), no_faults());
  EXPECT_EQ(reports - before, 0);
}

TEST(Races, one_who_reads_what_another_one_writes_is_reported) {
  struct Reader {
    const int* shared = nullptr;
    int seen = 0;
    void handle(Go) { seen += *shared; }
  };
  EXPECT_GE(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              world.spawn("alice", Writer<5>{shared.get()}).value().tell(Go{});
              world.spawn("bob", Reader{shared.get()}).value().tell(Go{});
              world.run();
            }),
            1);
}

// One waits for a second before it writes: that is likely to be later, and no order at all.
TEST(Races, time_orders_nothing) {
  struct Late {
    int* shared = nullptr;
    void handle(Go, Context& context) {
      context.sleep(1s);
      ++*shared;
    }
  };
  EXPECT_GE(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              world.spawn("alice", Writer<6>{shared.get()}).value().tell(Go{});
              world.spawn("bob", Late{shared.get()}).value().tell(Go{});
              world.run();
            }),
            1);
}

struct Parcel {
  std::shared_ptr<std::vector<int>> content;
};
struct Question {
  using Reply = int;
};

TEST(Races, what_is_passed_on_in_a_message_is_not_reported) {
  struct Receiver {
    int sum = 0;
    void handle(Parcel parcel) {
      for (int& value : *parcel.content) sum += value++;
    }
  };
  struct Packer {
    Ref<Receiver> to;
    void handle(Go) {
      auto content = std::make_shared<std::vector<int>>(100, 1);
      for (int& value : *content) value += 2;
      to.tell(Parcel{std::move(content)});
    }
  };
  EXPECT_EQ(races_in([](World& world) {
              const auto bob = world.spawn("bob", Receiver{}).value();
              const auto alice = world.spawn("alice", Packer{bob}).value();
              for (int i = 0; i < 10; ++i) alice.tell(Go{});
              world.run();
              EXPECT_EQ(world.peek(bob).sum, 3'000);
            }),
            0);
}

TEST(Races, sharing_that_messages_order_is_not_reported) {
  struct Second {
    int* shared = nullptr;
    void handle(Go) { ++*shared; }
  };
  struct First {
    int* shared = nullptr;
    Ref<Second> next;
    void handle(Go) {
      ++*shared;
      next.tell(Go{});
    }
  };
  EXPECT_EQ(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              const auto bob = world.spawn("bob", Second{shared.get()}).value();
              world.spawn("alice", First{shared.get(), bob}).value().tell(Go{});
              world.run();
              EXPECT_EQ(*shared, 2);
            }),
            0);
}

TEST(Races, an_order_through_a_third_actor_counts) {
  struct Third {
    int* shared = nullptr;
    void handle(Go) { ++*shared; }
  };
  struct Between {
    Ref<Third> next;
    void handle(Go) { next.tell(Go{}); }
  };
  struct First {
    int* shared = nullptr;
    Ref<Between> next;
    void handle(Go) {
      ++*shared;
      next.tell(Go{});
    }
  };
  EXPECT_EQ(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              const auto carol = world.spawn("carol", Third{shared.get()}).value();
              const auto bob = world.spawn("bob", Between{carol}).value();
              world.spawn("alice", First{shared.get(), bob}).value().tell(Go{});
              world.run();
            }),
            0);
}

TEST(Races, what_an_actor_does_after_its_send_is_not_ordered_by_it) {
  struct Second {
    int* shared = nullptr;
    void handle(Go) { ++*shared; }
  };
  struct First {
    int* shared = nullptr;
    Ref<Second> next;
    void handle(Go) {
      next.tell(Go{});
      ++*shared;
    }
  };
  EXPECT_GE(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              const auto bob = world.spawn("bob", Second{shared.get()}).value();
              world.spawn("alice", First{shared.get(), bob}).value().tell(Go{});
              world.run();
            }),
            1);
}

TEST(Races, an_ask_orders_both_ways) {
  struct Answerer {
    int* shared = nullptr;
    int handle(Question) { return ++*shared; }
  };
  struct Asker {
    int* shared = nullptr;
    Ref<Answerer> whom;
    void handle(Go) {
      ++*shared;
      (void)whom.ask(Question{}, 1s);
      ++*shared;
    }
  };
  EXPECT_EQ(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              const auto bob = world.spawn("bob", Answerer{shared.get()}).value();
              world.spawn("alice", Asker{shared.get(), bob}).value().tell(Go{});
              world.run();
              ++*shared;
              (void)bob.ask(Question{}, 1s);
              EXPECT_EQ(++*shared, 6);
            }),
            0);
}

TEST(Races, a_spawn_orders_what_came_before_it) {
  struct Child {
    int* shared = nullptr;
    void on_start(Context&) { ++*shared; }
    void handle(Go) { ++*shared; }
  };
  struct Parent {
    int* shared = nullptr;
    void handle(Go, Context& context) {
      ++*shared;
      context.spawn(Child{shared}).tell(Go{});
    }
  };
  EXPECT_EQ(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              world.spawn("alice", Parent{shared.get()}).value().tell(Go{});
              world.run();
              EXPECT_EQ(*shared, 3);
            }),
            0);
}

TEST(Races, the_body_of_the_test_is_ordered_with_everybody) {
  EXPECT_EQ(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              const auto alice = world.spawn("alice", Writer<7>{shared.get()}).value();
              const auto bob = world.spawn("bob", Writer<7>{shared.get()}).value();
              for (int round = 0; round < 3; ++round) {
                ++*shared;
                (round % 2 == 0 ? alice : bob).tell(Go{});
                world.run();
                ++*shared;
              }
              EXPECT_EQ(*shared, 9);
            }),
            0);
}

TEST(Races, offloaded_work_is_ordered_with_its_actor_and_with_nobody_else) {
  struct Owner {
    int* shared = nullptr;
    void handle(Go, Context& context) {
      ++*shared;
      context.offload([shared = shared] { ++*shared; });
      ++*shared;
    }
  };
  struct Other {
    int* shared = nullptr;
    void handle(Go, Context& context) {
      context.offload([shared = shared] { ++*shared; });
    }
  };
  EXPECT_EQ(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              world.spawn("alice", Owner{shared.get()}).value().tell(Go{});
              world.run();
            }),
            0);
  EXPECT_GE(races_in([](World& world) {
              auto shared = std::make_unique<int>(0);
              world.spawn("bob", Other{shared.get()}).value().tell(Go{});
              world.spawn("carol", Other{shared.get()}).value().tell(Go{});
              world.run();
            }),
            1);
}

// Timers, sleeps, failures and restarts, a stop in mid-handler, destructors: everybody touches only what is his.
TEST(Races, a_program_of_actors_that_share_nothing_is_not_reported) {
  struct Busy {
    std::vector<int> own = std::vector<int>(10);
    int ticks = 0;
    void on_start(Context& context) { context.every(*this, 10ms, Go{}); }
    void handle(Go, Context& context) {
      ++ticks;
      for (int& value : own) value += ticks;
      context.sleep(1ms);
      if (ticks % 3 == 0) throw std::runtime_error{"every third"};
    }
    void on_stop(Context&, const ExitReason&) { own.clear(); }
    int handle(Question, Context& context) {
      context.sleep(5ms);
      return own[0];
    }
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(races_in(
                  [](World& world) {
                    const auto a = world.spawn("a", Busy{}).value();
                    const auto b = world.spawn("b", Restart{}, Busy{}).value();
                    const auto c = world.spawn("c", Busy{}).value();
                    world.run_for(15ms);
                    (void)c.ask(Question{}, 1s);
                    (void)b.ask(Question{}, 3ms);
                    world.stop(a);
                    world.run_for(100ms);
                  },
                  seed),
              0)
        << "seed " << seed;
  }
}

TEST(Races, looking_for_them_changes_no_run) {
  const auto body = [](World& world) {
    struct Chatty {
      int left = 5;
      Recipient<Go> peer;
      void handle(Go, Context& context) {
        if (left-- == 0) return;
        context.sleep(1ms * static_cast<int>(context.draw("pause", 3)));
        peer.tell(Go{});
      }
    };
    const auto a = world.spawn("a", Chatty{}).value();
    const auto b = world.spawn("b", Chatty{.left = 5, .peer = a}).value();
    for (int i = 0; i < 3; ++i) {
      a.tell(Go{});
      b.tell(Go{});
    }
    world.run();
  };
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(sim::execute(body, random_walk(seed), finding_races()).trace_hash,
              sim::execute(body, random_walk(seed), no_faults()).trace_hash);
  }
}

}  // namespace
}  // namespace orrery::testing

#else

namespace orrery::testing {
namespace {

TEST(Races, without_thread_sanitizer_nobody_looks_for_them) {
  sim::RunOptions options = no_faults();
  options.find_races = true;
  run_calmly([](World& world) { world.run(); }, options);
  EXPECT_EQ(reports, 0);
}

}  // namespace
}  // namespace orrery::testing

#endif
