#include "orrery/testkit/onlooker.hpp"

#include "orrery/sim/op.hpp"
#include "orrery/sim/strategies/around.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/modes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <ostream>
#include <vector>

extern "C" {
// What a debugger reads when it has stopped, also where it knows no types.
const char* volatile orrery_replay_actor = nullptr;
volatile std::uint64_t orrery_replay_step = 0;

[[gnu::noinline]] void orrery_replay_breakpoint(std::uint64_t step, const char* actor) {
  orrery_replay_step = step;
  orrery_replay_actor = actor;
  asm volatile("" ::: "memory");
}
}

namespace orrery::testkit {

namespace {

/// Looks before every step.
class Onlooker : public sim::Around {
 public:
  using Around::Around;
  void executed(const sim::Op& op) override {
    look(op);
    Around::executed(op);
  }
  void hurried(const sim::Op& op) override {
    look(op);
    Around::hurried(op);
  }

 protected:
  /// `step`: the number that the operation will have; 0: it is none that counts.
  virtual void before(sim::World& world, const sim::Op& op, std::uint64_t step) = 0;

 private:
  void look(const sim::Op& op) {
    const bool is_step =
        op.kind == sim::OpKind::take || op.kind == sim::OpKind::resume || op.kind == sim::OpKind::finish;
    if (sim::World* const world = world_of_this_run(); world != nullptr)
      before(*world, op, is_step ? world->internals().steps() + 1 : 0);
  }
};

class BreakBefore final : public Onlooker {
 public:
  BreakBefore(std::unique_ptr<sim::Strategy> inner, std::uint64_t step) : Onlooker{std::move(inner)}, step_{step} {}

 private:
  void before(sim::World& world, const sim::Op& op, std::uint64_t step) override {
    if (done_ || step < step_) return;
    done_ = true;
    actor_ = world.path_of(op.agent->handle);
    fmt::print(stderr, "orrery: before step {}: {}\n", step_, name_of(op, world));
    orrery_replay_breakpoint(step, actor_.c_str());
    raise(SIGTRAP);
  }
  std::uint64_t step_;
  std::string actor_;
  bool done_ = false;
};

void tell(const std::vector<sim::Event>& events, std::ostream& out, std::size_t& told) {
  for (; told < events.size(); ++told) out << sim::to_string(events[told]) << '\n';
  out << std::flush;
}

class TellAsItHappens final : public Onlooker {
 public:
  TellAsItHappens(std::unique_ptr<sim::Strategy> inner, std::ostream& out, std::size_t& told)
      : Onlooker{std::move(inner)}, out_{out}, told_{told} {}

 private:
  void before(sim::World& world, const sim::Op&, std::uint64_t) override {
    tell(world.internals().events(), out_, told_);
  }
  std::ostream& out_;
  std::size_t& told_;
};

std::string_view word_for(Wait::Kind kind) {
  switch (kind) {
    case Wait::Kind::ask:
      return "waits for the reply of";
    case Wait::Kind::place:
      return "waits for a place in the mailbox of";
    case Wait::Kind::sleep:
      return "sleeps";
    case Wait::Kind::mail:
      return "waits for mail";
    case Wait::Kind::offload:
      return "waits for offloaded work";
    case Wait::Kind::child_start:
      return "waits for the start of";
    case Wait::Kind::child_end:
      return "waits for the end of";
  }
  return "waits";
}

std::string what_it_does(sim::World& world, const Cell& cell) {
  if (cell.life == Cell::Life::down) return "down, its supervisor decides";
  if (cell.wait == nullptr) return cell.in_handler ? "in a handler" : "idle";
  std::string text{word_for(cell.wait->kind())};
  if (const Handle other = cell.wait->target(); other.is_set()) text += " " + world.path_of(other);
  return text;
}

std::string tell_actors(sim::World& world) {
  std::string out;
  world.for_each_cell([&](Cell& cell) {
    if (cell.life == Cell::Life::vacant) return;
    std::string state;
    ActorType::Fields fields;
    if (cell.actor != nullptr) cell.type->fields(cell.actor, fields);
    for (const auto& [name, value] : fields) state += fmt::format("{}{}={}", state.empty() ? "" : ", ", name, value);
    out += fmt::format("  {:<12} {:<40} {}\n", world.path_of(cell.handle()), state, what_it_does(world, cell));
  });
  return out;
}

class LookBefore final : public Onlooker {
 public:
  LookBefore(std::unique_ptr<sim::Strategy> inner, std::uint64_t step, std::string& out)
      : Onlooker{std::move(inner)}, step_{step}, out_{out} {}
  [[nodiscard]] bool gives_up() const noexcept override { return done_ || Onlooker::gives_up(); }

 private:
  void before(sim::World& world, const sim::Op&, std::uint64_t step) override {
    if (done_ || step == 0) return;
    out_ = tell_actors(world);
    done_ = step >= step_;
  }
  std::uint64_t step_;
  std::string& out_;
  bool done_ = false;
};

/// Makes the run again with what `make` builds around the strategy that follows the record.
template <class Make>
sim::Outcome follow(const Property& property, const CheckOptions& options, const Record& record, Make make) {
  const auto input = input_of(property, record.origin, record.path);
  if (input == nullptr) return {};
  sim::RunOptions run_options = run_options_of(options, record);
  run_options.record_events = true;
  return run_once([&](sim::World& world) { property.body(world, *input); },
                  [&]() -> std::unique_ptr<sim::Strategy> {
                    return make(std::make_unique<sim::Replay>(record.decisions, sim::Replay::Mode::strict));
                  },
                  run_options);
}

}  // namespace

std::unique_ptr<sim::Strategy> break_before(std::unique_ptr<sim::Strategy> inner, std::uint64_t step) {
  return std::make_unique<BreakBefore>(std::move(inner), step);
}

void tell_as_it_happens(const Property& property, const CheckOptions& options, const Record& record,
                        std::ostream& out) {
  std::size_t told = 0;
  const sim::Outcome outcome = follow(property, options, record, [&](auto inner) {
    told = 0;  // a run may be made twice: see RunOptions::reduce
    return std::make_unique<TellAsItHappens>(std::move(inner), out, told);
  });
  tell(outcome.events, out, told);  // what came after the last operation had begun
}

std::string actors_before(const Property& property, const CheckOptions& options, const Record& record,
                          std::uint64_t step) {
  std::string told;
  (void)follow(property, options, record,
               [&](auto inner) { return std::make_unique<LookBefore>(std::move(inner), step, told); });
  return told;
}

}  // namespace orrery::testkit
