// Goal:   with trace contexts on, every message says which trace it belongs to and who caused it, in both worlds; off, there
//         is nothing, and on, no run of the simulator changes.
#include "tests/flight/two_worlds.hpp"

#include <orrery/broker.hpp>
#include <orrery/core/block_pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace orrery;
using namespace std::chrono_literals;

struct Spans {
  std::mutex mutex;
  std::vector<Span> all;

  RuntimeOptions options() {
    RuntimeOptions made;
    made.trace.on = true;
    made.trace.exporter = [this](const Span& span) {
      const std::lock_guard guard{mutex};
      all.push_back(span);
    };
    made.delivery.backoff_first = 1ms;
    made.delivery.jitter_percent = 0;
    return made;
  }
  /// Returns: the only one of that message.
  Span of(std::string_view message) {
    const auto is_it = [&](const Span& span) { return span.message == message; };
    EXPECT_EQ(std::ranges::count_if(all, is_it), 1) << message;
    const auto at = std::ranges::find_if(all, is_it);
    return at == all.end() ? Span{} : *at;
  }
};

void expect_child(const Span& child, const Span& parent) {
  EXPECT_EQ(child.context.trace, parent.context.trace);
  EXPECT_EQ(child.parent, parent.context.span);
  EXPECT_NE(child.context.span, parent.context.span);
  EXPECT_FALSE(child.link.is_set());
}

struct First {};
struct Second {};
struct Third {};
struct Question {
  using Reply = int;
};
struct Passed {
  using Reply = int;
};
struct Tick {};
struct News {
  int value = 0;
};
struct Fragile {
  static constexpr Delivery delivery = Delivery::at_least_once;
};
struct FromElsewhere {
  TraceContext context;
};

struct Leaf {
  int failures_left = 1;
  int handle(Question) { return 1; }
  int handle(Passed) { return 2; }
  void handle(Third) {}
  void handle(News) {}
  void handle(Fragile) {
    if (failures_left-- > 0) throw std::runtime_error{"not yet"};
  }
};
struct Middle {
  Ref<Leaf> leaf;
  void handle(Second) {
    (void)leaf.ask(Question{}, no_timeout);
    leaf.tell(Third{});  // still caused by Second, after the wait
  }
  Answer<int> handle(Passed m, Context& context) {
    (void)context.forward(m, leaf);
    leaf.tell(Third{});
    return elsewhere;
  }
  void handle(FromElsewhere m, Context& context) {
    context.continue_trace(m.context);
    leaf.tell(Third{});
  }
};
struct Top {
  Ref<Middle> middle;
  void handle(First, Context& context) {
    middle.tell(Second{});
    context.after(*this, 1ms, Tick{});
  }
  void handle(Tick) {}
};

TEST(Tracing, makes_a_child_of_what_a_handler_sends_and_goes_on_after_an_answer) {
  Spans spans;
  in_two_worlds(spans.options(), [&](Runtime& runtime, const auto& settle) {
    spans.all.clear();
    const Ref<Leaf> leaf = runtime.spawn("leaf", Leaf{});
    const Ref<Middle> middle = runtime.spawn("middle", Middle{leaf});
    const Ref<Top> top = runtime.spawn("top", Top{middle});
    top.tell(First{});
    settle();
    const Span first = spans.of("First");
    EXPECT_TRUE(first.context.is_set());
    EXPECT_TRUE(first.context.is_sampled);
    EXPECT_EQ(first.parent, 0U);
    expect_child(spans.of("Second"), first);
    expect_child(spans.of("Question"), spans.of("Second"));
    expect_child(spans.of("Third"), spans.of("Second"));
    EXPECT_EQ(spans.of("Third").actor, leaf.handle());
    EXPECT_EQ(spans.of("Third").actor_type, "Leaf");
    EXPECT_LE(spans.of("Second").began, spans.of("Second").ended);
    const Span tick = spans.of("Tick");  // a timer begins a trace
    EXPECT_EQ(tick.parent, 0U);
    EXPECT_NE(tick.context.trace, first.context.trace);
    std::set<std::uint64_t> ids;
    for (const Span& span : spans.all) ids.insert(span.context.span);
    EXPECT_EQ(ids.size(), spans.all.size());
  });
}

TEST(Tracing, follows_a_message_that_is_passed_on_and_what_is_sent_after_it) {
  Spans spans;
  in_two_worlds(spans.options(), [&](Runtime& runtime, const auto& settle) {
    spans.all.clear();
    const Ref<Leaf> leaf = runtime.spawn(Leaf{});
    const Ref<Middle> middle = runtime.spawn(Middle{leaf});
    EXPECT_EQ(middle.ask(Passed{}, no_timeout).value(), 2);
    settle();
    ASSERT_EQ(std::ranges::count(spans.all, "Passed", &Span::message), 2);
    const auto at = [&](Handle actor) {
      return *std::ranges::find_if(spans.all, [&](const Span& s) { return s.message == "Passed" && s.actor == actor; });
    };
    expect_child(at(leaf.handle()), at(middle.handle()));
    expect_child(spans.of("Third"), at(middle.handle()));
  });
}

TEST(Tracing, begins_a_linked_trace_for_each_copy_of_a_publish) {
  Spans spans;
  in_two_worlds(spans.options(), [&](Runtime& runtime, const auto& settle) {
    spans.all.clear();
    struct Go {};
    struct Publisher {
      Broker& broker;
      void handle(Go) { (void)broker.publish("news", News{}); }
    };
    Broker broker{runtime};
    const Ref<Leaf> one = runtime.spawn(Leaf{});
    const Ref<Leaf> two = runtime.spawn(Leaf{});
    ASSERT_TRUE(broker.subscribe<News>("news", one).has_value());
    ASSERT_TRUE(broker.subscribe<News>("news", two).has_value());
    runtime.spawn(Publisher{broker}).tell(Go{});
    settle();
    const Span cause = spans.of("Go");
    std::set<std::string> traces{to_string(cause.context.trace)};
    for (const Span& span : spans.all) {
      if (span.message != "News") continue;
      EXPECT_EQ(span.parent, 0U);
      EXPECT_EQ(span.link, cause.context);
      traces.insert(to_string(span.context.trace));
    }
    EXPECT_EQ(traces.size(), 3U);
  });
}

TEST(Tracing, keeps_the_span_of_a_message_that_comes_again) {
  Spans spans;
  in_two_worlds(spans.options(), [&](Runtime& runtime, const auto& settle) {
    spans.all.clear();
    const Ref<Leaf> leaf = runtime.spawn("leaf", Restart{.intensity = 3, .period = 1min}, Leaf{});
    leaf.tell(Fragile{});
    settle();
    settle();
    std::vector<Span> fragile;
    std::ranges::copy_if(spans.all, std::back_inserter(fragile), [](const Span& s) { return s.message == "Fragile"; });
    ASSERT_GE(fragile.size(), 2U);
    EXPECT_TRUE(fragile.front().has_failed);
    for (const Span& span : fragile) EXPECT_EQ(span.context, fragile.front().context);
  });
}

TEST(Tracing, continues_what_came_from_elsewhere) {
  Spans spans;
  const auto given = parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  ASSERT_TRUE(given.has_value());
  in_two_worlds(spans.options(), [&](Runtime& runtime, const auto& settle) {
    spans.all.clear();
    const Ref<Leaf> leaf = runtime.spawn(Leaf{});
    {
      const TraceScope scope{runtime, *given};
      leaf.tell(Third{});
    }
    leaf.tell(News{});
    settle();
    EXPECT_EQ(spans.of("Third").context.trace, given->trace);
    EXPECT_EQ(spans.of("Third").parent, given->span);
    EXPECT_FALSE(spans.of("Third").context.is_sampled);
    EXPECT_NE(spans.of("News").context.trace, given->trace);

    spans.all.clear();
    runtime.spawn(Middle{leaf}).tell(FromElsewhere{*given});
    settle();
    EXPECT_EQ(spans.of("FromElsewhere").context.trace, given->trace);
    EXPECT_EQ(spans.of("FromElsewhere").parent, given->span);
    expect_child(spans.of("Third"), spans.of("FromElsewhere"));
  });
}

TEST(Tracing, is_seen_by_handlers_and_logs_and_only_when_it_is_on) {
  struct Look {
    using Reply = TraceContext;
  };
  struct Looker {
    TraceContext handle(Look, Context& context) {
      EXPECT_EQ(context.trace(), context.runtime().current_trace());
      context.log(LogLevel::info, "seen");
      return context.trace();
    }
  };
  for (const bool on : {false, true}) {
    RuntimeOptions options;
    options.trace.on = on;
    std::vector<LogEntry> heard;
    options.log.sink = [&](const LogEntry& entry) { heard.push_back(entry); };
    in_two_worlds(options, [&](Runtime& runtime, const auto&) {
      heard.clear();
      const TraceContext seen = runtime.spawn(Looker{}).ask(Look{}, no_timeout).value();
      EXPECT_EQ(seen.is_set(), on);
      ASSERT_EQ(heard.size(), 1U);
      EXPECT_EQ(heard.front().context, seen);
      EXPECT_EQ(to_json(heard.front()).find("trace_id") != std::string::npos, on);
    });
  }
}

TEST(Tracing, leaves_nothing_behind_whatever_becomes_of_a_message) {
  struct Slow {
    int handle(Question) {
      while (!may_answer->load()) sleep_for(*Runtime::find_runtime(index), 1ms);
      return 3;
    }
    void handle(Third) { throw std::runtime_error{"ends"}; }
    std::uint32_t index;
    std::shared_ptr<std::atomic<bool>> may_answer;
  };
  const auto may_answer = std::make_shared<std::atomic<bool>>(false);
  const std::uint64_t before = BlockPool::live_blocks();
  {
    SystemOptions options;
    options.threads = 2;
    options.runtime.trace.on = true;
    options.runtime.dead_letters.kept_max = 10;
    options.read_environment = false;
    System system{options};
    const Ref<Slow> slow = system.spawn(Slow{system.index(), may_answer}, {.mailbox = bounded(2)});
    EXPECT_EQ(slow.ask(Question{}, 1ms), std::unexpected(AskError::timeout));
    for (int i = 0; i < 10; ++i) (void)slow.tell(Question{}, ignore_reply);  // refused, most of them
    (void)slow.tell(Third{});
    may_answer->store(true);  // a late reply
    ASSERT_TRUE(system.await_quiescence(60s));
    (void)slow.tell(Third{});
    EXPECT_EQ(system.spawn(Slow{system.index(), may_answer}).ask(Question{}, no_timeout).value(), 3);
    const Ref<Slow> gone = system.spawn(Slow{system.index(), may_answer});
    gone.tell(Third{});
    for (int i = 0; i < 10; ++i) (void)gone.tell(Question{}, ignore_reply);
    EXPECT_FALSE(gone.ask(Question{}, no_timeout).has_value());
    ASSERT_TRUE(system.await_quiescence(60s));
  }
  EXPECT_EQ(BlockPool::live_blocks(), before);
}

TEST(Tracing, changes_no_run_of_the_simulator_and_is_the_same_in_the_next_one) {
  struct Roll {};
  struct Gambler {
    Ref<Leaf> leaf;
    void handle(Roll, Context& context) {
      if (context.draw("dice", 2) == 0) leaf.tell(Third{});
      (void)leaf.ask(Question{}, 10ms);
    }
  };
  const auto run = [](bool on, std::uint64_t seed, std::vector<std::string>& seen) {
    sim::RunOptions options;
    options.runtime.trace.on = on;
    options.runtime.trace.exporter = [&](const Span& span) {
      seen.push_back(to_traceparent(span.context) + std::string{span.message});
    };
    return sim::execute(
        [&](sim::World& world) {
          seen.clear();
          const Ref<Leaf> leaf = world.spawn(Leaf{});
          for (int i = 0; i < 4; ++i) world.spawn(Gambler{leaf}).tell(Roll{});
          world.run();
        },
        [&] { return std::make_unique<sim::RandomWalk>(seed); }, options);
  };
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::vector<std::string> first;
    std::vector<std::string> second;
    std::vector<std::string> none;
    const sim::Outcome traced = run(true, seed, first);
    EXPECT_EQ(traced.trace_hash.lo, run(false, seed, none).trace_hash.lo);
    EXPECT_EQ(traced.trace_hash.lo, run(true, seed, second).trace_hash.lo);
    EXPECT_FALSE(first.empty());
    EXPECT_EQ(first, second);
    EXPECT_TRUE(none.empty());
  }
}

}  // namespace
