// fixture.hpp: what the tests of supervision share: reports written down, and the actors that many of them use.
#pragma once
#include "orrery/supervision/supervisor.hpp"

#include "tests/support/both_worlds.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace orrery::supervision_tests {

using namespace test_support;  // NOLINT(google-build-using-namespace): these are its tests
using namespace std::chrono_literals;

/// The reports of one or several supervisors, as "child_terminated a: failed: x", in a journal.
class Reports final : public SupervisorListener {
 public:
  explicit Reports(Log log) : log_{std::move(log)} {}
  void started(const ActorId&) override {}
  void report(const SupervisorReport& report) override {
    log_->add(fmt::format("{} {}: {}", to_string(report.kind), report.child, to_string(report.reason)));
  }
  void init_failed(const ExitReason& reason) override { log_->add("init failed: " + to_string(reason)); }
  void ended(const ExitReason& reason) override { log_->add("ended: " + to_string(reason)); }

 private:
  Log log_;
};
[[nodiscard]] inline std::shared_ptr<SupervisorListener> reports_to(Log log) {
  return std::make_shared<Reports>(std::move(log));
}

// ---- actors ---------------------------------------------------------------------------------------------------------

/// Fails the handler.
struct Crash {
  std::string why = "boom";
};
struct Leave {
  ExitReason with;
  bool by_throwing = false;
};
/// Waits in the handler until the door opens.
struct WaitAt {
  Ref<Door> door;
};
struct Note {
  int value = 0;
};
struct Sum {
  using Reply = int;
};

/// Writes its life into the journal.
struct Worker {
  Log log;
  std::string name;
  int sum = 0;

  void on_start(Context&) { log->add("start " + name); }
  void on_restart(Context&, const ExitReason& why) { log->add(fmt::format("restart {}: {}", name, to_string(why))); }
  void on_stop(Context&, const ExitReason& why) { log->add(fmt::format("stop {}: {}", name, to_string(why))); }
  void handle(Crash m) { throw std::runtime_error{m.why}; }
  void handle(Leave m, Context& context) {
    if (m.by_throwing) throw ExitWith{m.with};
    context.stop(m.with);
  }
  void handle(WaitAt m) { (void)m.door.ask(Pass{}, no_timeout); }
  void handle(Note m) {
    sum += m.value;
    log->add(fmt::format("{} {}", name, m.value));
  }
  int handle(Sum) const { return sum; }
};

/// Traps exits, ends when it is told to, and writes down what it hears.
struct Trapper {
  Log log;
  std::string name;
  void on_start(Context& context) {
    context.trap_exits(*this);
    log->add("start " + name);
  }
  void on_stop(Context&, const ExitReason& why) { log->add(fmt::format("stop {}: {}", name, to_string(why))); }
  void handle(Exit exit, Context& context) {
    static constexpr const char* kinds[] = {"stop", "linked", "sent"};
    log->add(fmt::format("{} hears {} {}", name, kinds[static_cast<int>(exit.kind)], to_string(exit.reason)));
    if (exit.kind == Exit::Kind::stop) context.stop(exit.reason);
  }
  void handle(Crash m) { throw std::runtime_error{m.why}; }
  void handle(WaitAt m) { (void)m.door.ask(Pass{}, no_timeout); }
  void handle(Note m) { log->add(fmt::format("{} {}", name, m.value)); }
};

template <class A>
[[nodiscard]] Ref<A> child_of(Runtime& rt, std::string_view path) {
  const auto found = rt.find<A>(path);
  EXPECT_TRUE(found.has_value()) << path << " is not there";
  return found.value_or(Ref<A>{});
}
/// Starts a supervisor that can. Returns: it.
inline Ref<Supervisor> started(Runtime& rt, std::string name, SupervisorSpec spec) {
  auto up = start_supervisor(rt, std::move(name), std::move(spec));
  EXPECT_TRUE(up.has_value()) << to_string(up.error());
  return up.value_or(Ref<Supervisor>{});
}

}  // namespace orrery::supervision_tests
