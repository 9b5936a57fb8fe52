// Goal:   on eight threads, whatever is killed, stopped, started and restarted while whatever is sent, nothing is lost, nothing
//         hangs and nothing is left.
// Method: trees of every strategy; threads that do random things to them and to the actors in them, by their names, for a
//         while; then the accounts: of messages, of actors, of objects, of memory. Nothing is asserted about time.
#include "tests/supervision/fixture.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

namespace orrery::supervision_tests {
namespace {

using test_support::Random;

/// Counts objects.
class Counted {
 public:
  explicit Counted(std::shared_ptr<std::atomic<int>> count) : count_{std::move(count)} { ++*count_; }
  Counted(const Counted& other) : count_{other.count_} { ++*count_; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --*count_; }

 private:
  std::shared_ptr<std::atomic<int>> count_;
};

struct Ping {
  using Reply = int;
};
struct Task {
  std::uint32_t what = 0;
};
/// Does all that an actor can do about ends.
struct Busy {
  Counted counted;
  bool traps = false;

  void on_start(Context& context) {
    if (traps) context.trap_exits(*this);
    context.every(*this, 1ms, Task{100});
  }
  void on_stop(Context&, const ExitReason&) {}
  int handle(Ping) { return 1; }
  void handle(Task task, Context& context) {
    switch (task.what % 9) {
      case 0:
        throw std::runtime_error{"crash"};
      case 1:
        return context.stop();
      case 2:
        return context.sleep(Duration{task.what % 7 * 50'000});
      case 3:
        if (const auto other = context.runtime().find<Busy>("all/b")) context.link(*other);
        return;
      case 4:
        if (const auto other = context.runtime().find<Busy>("rest/c")) context.watch(*this, *other);
        return;
      case 5:
        if (const auto other = context.runtime().find<Busy>("one/a")) (void)other->ask(Ping{}, 20ms);
        return;
      case 6:
        throw ExitWith{ExitReason::shutdown("enough")};
      default:
        return;
    }
  }
  void handle(Down) {}
  void handle(Exit exit, Context& context) {
    if (exit.kind == Exit::Kind::stop) context.stop(exit.reason);
  }
};

class Storm {
 public:
  explicit Storm(System& system) : system_{system} {
    for (const char* name : names) ensure(name);
  }

  /// Starts the tree of that name, unless it is there.
  void ensure(const std::string& name) {
    SupervisorSpec spec{.intensity = 1'000'000, .children = {}};
    const auto busy = [&](const char* id, ChildOptions options = {}, bool traps = false) {
      return child(id, Busy{Counted{objects_}, traps}, options);
    };
    const ChildOptions quick{.shutdown = Shutdown::after(1ms)};
    if (name == "one") {
      spec.children = {
          busy("a"), busy("b", {.restart = RestartType::transient}),
          busy("c", {.mailbox = bounded(8, Overflow::suspend)}),
          busy("d", {.mailbox = bounded(4, Overflow::drop_oldest), .mail_on_restart = MailOnRestart::drop})};
    } else if (name == "all") {
      spec.strategy = RestartStrategy::one_for_all;
      spec.children = {busy("a", quick), busy("b", {}, true), busy("c", {.restart = RestartType::temporary}),
                       busy("d", {.shutdown = Shutdown::brutal_kill()})};
    } else if (name == "rest") {
      spec.strategy = RestartStrategy::rest_for_one;
      spec.backoff = {.first = 100us, .most = 1ms};
      spec.children = {busy("a"), busy("b", quick, true), busy("c")};
    } else if (name == "pool") {
      spec.strategy = RestartStrategy::simple_one_for_one;
      spec.children = {busy("w", {.restart = RestartType::transient})};
    } else {  // deep: it gives up now and then
      spec.children = {supervisor(
          "mid", {.intensity = 20,
                  .period = 1h,
                  .children = {busy("a"), supervisor("sub", {.strategy = RestartStrategy::one_for_all,
                                                             .intensity = 10,
                                                             .period = 1h,
                                                             .children = {busy("x"), busy("y", {}, true)}})}})};
    }
    (void)start_supervisor(system_, name, std::move(spec));  // name_taken: it is there, or still ends
  }

  void act(Random& random) {
    const std::string tree = names[random.below(std::size(names))];
    static constexpr const char* ids[] = {"a", "b", "c", "d", "mid/a", "mid/sub/x", "mid/sub/y"};
    const std::string id = ids[random.below(std::size(ids))];
    const auto top = system_.find<Supervisor>(tree);
    if (!top) return ensure(tree);
    const auto worker = system_.find<Busy>(tree + "/" + id);
    switch (random.below(24)) {
      case 0:
        if (worker) system_.kill(*worker);
        return;
      case 1:
        if (worker) system_.stop(*worker);
        return;
      case 2:
        if (worker) system_.exit(*worker, ExitReason::custom("by post"));
        return;
      case 3:
        (void)top->ask(TerminateChild{id.substr(0, 1)}, no_timeout);
        return;
      case 4:
      case 5:
        (void)top->ask(RestartChild{id.substr(0, 1)}, no_timeout);
        return;
      case 6:
        (void)top->ask(StartChild{child(fmt::format("n{}", random.below(4)), Busy{Counted{objects_}},
                                        {.restart = RestartType::transient})},
                       no_timeout);
        return;
      case 7:
        (void)top->ask(TerminateChild{fmt::format("n{}", random.below(4))}, no_timeout);
        (void)top->ask(DeleteChild{fmt::format("n{}", random.below(4))}, no_timeout);
        return;
      case 8:
      case 9:
        (void)top->ask(StartInstance{}, no_timeout);
        return;
      case 10:
        if (const auto children = top->ask(WhichChildren{}, no_timeout); children && !children->empty()) {
          const ChildInfo& any = (*children)[random.below(children->size())];
          (void)top->ask(TerminateInstance{any.actor}, no_timeout);
        }
        return;
      case 11:
        if (const auto children = top->ask(WhichChildren{}, no_timeout); children && !children->empty()) {
          if (const auto any = (*children)[random.below(children->size())].as<Busy>()) (void)any->tell(Task{0});
        }
        return;
      case 12:
        if (const auto sub = system_.find<Supervisor>("deep/mid/sub")) system_.kill(*sub);
        return;
      case 13:
        if (const auto mid = system_.find<Supervisor>("deep/mid")) system_.kill(*mid);
        return;
      case 14:
        if (random.below(20) == 0) system_.kill(*top);
        return;
      case 15:
        if (random.below(20) == 0) system_.stop(*top);
        return;
      case 16:
        (void)top->ask(CountChildren{}, no_timeout);
        return;
      case 17: {
        const auto nameless = start_supervisor(system_, "", {.children = {child("a", Busy{Counted{objects_}})}});
        if (nameless) system_.stop(*nameless);
        return;
      }
      default:
        if (!worker) return;
        (void)worker->tell(Task{static_cast<std::uint32_t>(random.below(1'000))});
        if (random.below(4) == 0) (void)worker->ask(Ping{}, 50ms);
    }
  }

  [[nodiscard]] int objects() const { return *objects_; }

 private:
  static constexpr const char* names[] = {"one", "all", "rest", "pool", "deep"};
  System& system_;
  std::shared_ptr<std::atomic<int>> objects_ = std::make_shared<std::atomic<int>>(0);
};

TEST(SupervisionUnderLoad, loses_nothing_and_leaves_nothing) {
  const std::uint64_t blocks_before = BlockPool::live_blocks();
  const auto length = is_short() ? 500ms : 3s;
  for (const std::uint64_t seed : {1U, 2U}) {
    std::optional<Storm> storm;
    {
      SystemOptions options{.threads = 8, .slow_handler = 0s, .read_environment = false};
      options.report_to = [](auto, auto&) {};
      System system{options};
      storm.emplace(system);
      std::atomic<bool> goes_on{true};
      std::atomic<std::uint64_t> acts{0};
      std::vector<std::thread> threads;
      for (std::uint64_t i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
          Random random{seed * 1'000 + i};
          while (goes_on) {
            storm->act(random);
            ++acts;
          }
        });
      }
      std::this_thread::sleep_for(length / 2);
      goes_on = false;
      for (std::thread& thread : threads) thread.join();
      const StopReport report = system.shutdown(patience);
      EXPECT_TRUE(report.is_complete) << orrery_describe(report);
      EXPECT_EQ(system.living(), 0U);
      const Ledger account = system.ledger();
      EXPECT_TRUE(account.adds_up() && account.queued == 0) << orrery_describe(account);
      fmt::print("[ STORM    ] {} acts; {}\n", acts.load(), orrery_describe(account));
    }
    EXPECT_EQ(storm->objects(), 0) << "every actor was destroyed";
  }
  EXPECT_EQ(BlockPool::live_blocks(), blocks_before);
}

}  // namespace
}  // namespace orrery::supervision_tests
