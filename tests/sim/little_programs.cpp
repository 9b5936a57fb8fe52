#include "tests/sim/little_programs.hpp"

#include "orrery/core/check.hpp"
#include "orrery/sim/search.hpp"

#include <fmt/core.h>

#include <functional>
#include <optional>
#include <stdexcept>

namespace orrery::testing {

namespace {

using namespace std::chrono_literals;

template <Priority P>
struct Say {
  static constexpr std::string_view orrery_name = P == Priority::normal ? "Say" : "Shout";
  static constexpr Priority priority = P;
  using Reply = int;
  int id = 0;
};
using Normal = Say<Priority::normal>;
using High = Say<Priority::high>;

struct Tick {
  int id = 0;
};

class Player;

/// Everything that one run refers to.
struct Stage {
  const Program* program = nullptr;
  Runtime* runtime = nullptr;
  std::vector<Ref<Player>> players;
  std::vector<std::string> logs;  // one per actor, and the test's
  std::set<std::pair<int, int>> seen;
};

template <class R>
std::string result_text(const R& result) {
  if (!result) return std::string{to_string(result.error())};
  if constexpr (std::is_void_v<typename R::value_type>) {
    return "ok";
  } else {
    return fmt::format("{}", *result);
  }
}

class Player {
 public:
  Player(Stage* stage, int me) : stage_{stage}, me_{me} {}
  int handle(Normal message, Context& context) { return perform(message.id, context); }
  int handle(High message, Context& context) { return perform(message.id, context); }
  void handle(Tick tick, Context& context) { perform(tick.id, context); }
  [[nodiscard]] int handled() const { return handled_; }

 private:
  int perform(int id, Context& context);
  void perform(const Step& step, Context& context);
  [[nodiscard]] std::string& log() const { return stage_->logs[static_cast<std::size_t>(me_)]; }

  Stage* stage_;
  int me_;
  int handled_ = 0;
  std::optional<TimerKey> timer_;
};

/// Sends message `id` as what its priority says it is.
template <class F>
auto with_message(const Stage& stage, int id, F&& f) {
  if (stage.program->mail[static_cast<std::size_t>(id)].priority == Priority::high) return f(High{id});
  return f(Normal{id});
}

SendOptions options_of(const Stage& stage, int id) {
  return {.delivery = stage.program->mail[static_cast<std::size_t>(id)].delivery};
}

std::string tell(Stage& stage, int id, int target) {
  return with_message(stage, id, [&](auto message) {
    return result_text(
        stage.players[static_cast<std::size_t>(target)].tell(message, ignore_reply, options_of(stage, id)));
  });
}

std::string ask(Stage& stage, int id, int target, int seconds) {
  return with_message(stage, id, [&](auto message) {
    const Duration timeout = seconds == 0 ? no_timeout : std::chrono::seconds{seconds};
    return result_text(stage.players[static_cast<std::size_t>(target)].ask(message, options_of(stage, id), timeout));
  });
}

std::string ask_any(Stage& stage, const Step& step) {
  return with_message(stage, step.child, [&](auto one) {
    return with_message(stage, step.other_child, [&](auto other) {
      const Duration timeout = step.seconds == 0 ? no_timeout : std::chrono::seconds{step.seconds};
      auto first =
          stage.players[static_cast<std::size_t>(step.target)].ask_async(one, options_of(stage, step.child), timeout);
      auto second = stage.players[static_cast<std::size_t>(step.other_target)].ask_async(
          other, options_of(stage, step.other_child), timeout);
      const std::size_t index = wait_any(first, second);
      const bool both = index == 0 ? second.ready() : first.ready();
      return fmt::format("{}{} {}", index, both ? "&" : "",
                         index == 0 ? result_text(first.get()) : result_text(second.get()));
    });
  });
}

int Player::perform(int id, Context& context) {
  log() +=
      fmt::format("({}<{}@{}", id, context.sender().is_set() ? context.runtime().path_of(context.sender()) : "test",
                  context.now().time_since_epoch() / 1s);
  if (context.attempt() != 0) log() += "again";
  for (const Step& step : stage_->program->mail[static_cast<std::size_t>(id)].steps) perform(step, context);
  log() += ')';
  ++handled_;
  return id;
}

void Player::perform(const Step& step, Context& context) {
  const auto note = [this](std::string text) { log() += " " + std::move(text); };
  switch (step.kind) {
    case Step::Kind::tell:
      note(fmt::format("t{}={}", step.child, tell(*stage_, step.child, step.target)));
      break;
    case Step::Kind::ask:
      note(fmt::format("a{}={}@{}", step.child, ask(*stage_, step.child, step.target, step.seconds),
                       context.now().time_since_epoch() / 1s));
      break;
    case Step::Kind::ask_any:
      note(fmt::format("any{}={}", step.child, ask_any(*stage_, step)));
      break;
    case Step::Kind::timer:
      timer_ = context.after(*this, std::chrono::seconds{step.seconds}, Tick{step.child});
      break;
    case Step::Kind::cancel:
      if (timer_) note(context.cancel(*std::exchange(timer_, std::nullopt)) ? "c1" : "c0");
      break;
    case Step::Kind::stop:
      note(fmt::format("s{}", stage_->runtime->stop(stage_->players[static_cast<std::size_t>(step.target)])));
      break;
    case Step::Kind::kill:
      note(fmt::format("k{}", stage_->runtime->kill(stage_->players[static_cast<std::size_t>(step.target)])));
      break;
    case Step::Kind::stop_self:
      context.stop();
      break;
    case Step::Kind::fail:
      note("!");
      throw std::runtime_error{"as written"};
    case Step::Kind::fail_first:
      if (context.attempt() != 0) break;
      note("?");
      throw std::runtime_error{"as written"};
    case Step::Kind::depth:
      note(fmt::format("d{}", context.mailbox_depth()));
      break;
    case Step::Kind::sleep:
      context.sleep(std::chrono::seconds{step.seconds});
      break;
    case Step::Kind::offload:
      note(fmt::format("o{}={}", step.child,
                       context.offload([&stage = *stage_, step] { return tell(stage, step.child, step.target); })));
      break;
    case Step::Kind::offload_ask:
      note(fmt::format("oa{}={}", step.child, context.offload([&stage = *stage_, step] {
        return ask(stage, step.child, step.target, step.seconds);
      })));
      break;
  }
}

void play(Stage& stage, sim::World& world) {
  const Program& program = *stage.program;
  stage.runtime = &world;
  stage.players.clear();
  stage.logs.assign(program.actors.size() + 1, "");
  stage.seen.clear();
  for (std::size_t i = 0; i < program.actors.size(); ++i) {
    const Program::Actor& actor = program.actors[i];
    SpawnOptions options{.mailbox = actor.mailbox, .mail_on_restart = actor.mail_on_restart};
    if (actor.restarts) options.restart = Restart{.intensity = 10};
    stage.players.push_back(world.spawn(fmt::format("p{}", i), Player{&stage, static_cast<int>(i)}, options));
  }
  if (program.watched) {
    world.always("looks", [&stage, &world] {
      const int first = world.is_living(stage.players[0]) ? world.peek(stage.players[0]).handled() : -1;
      const int second = world.is_living(stage.players[1]) ? world.peek(stage.players[1]).handled() : -1;
      if (first != 0 || second != 0) stage.seen.emplace(first, second);
      return true;
    });
  }
  std::string& log = stage.logs.back();
  for (const Step& root : program.roots) {
    switch (root.kind) {
      case Step::Kind::ask:
        log += fmt::format("a{}={} ", root.child, ask(stage, root.child, root.target, root.seconds));
        break;
      case Step::Kind::stop:
        world.stop(stage.players[static_cast<std::size_t>(root.target)]);
        break;
      default:
        log += fmt::format("t{}={} ", root.child, tell(stage, root.child, root.target));
        break;
    }
  }
  world.run();
}

std::string outcome_text(const Stage& stage, const sim::Outcome& outcome, const std::string& dead_letters) {
  if (outcome.finding) return fmt::format("{} {}", sim::headline(outcome.finding->kind), outcome.finding->name);
  std::string text;
  for (const std::string& log : stage.logs) text += log + " | ";
  for (const auto& [first, second] : stage.seen) text += fmt::format("[{},{}]", first, second);
  return text + dead_letters;
}

std::string count_dead_letters(const DeadLetters& letters) {
  std::string text;
  for (const auto reason :
       {DeadLetterReason::actor_stopped, DeadLetterReason::mailbox_full, DeadLetterReason::late_reply,
        DeadLetterReason::timer_cancelled, DeadLetterReason::restart_dropped, DeadLetterReason::delivery_exhausted}) {
    text += fmt::format(" {}", letters.count(reason));
  }
  return text;
}

sim::RunOptions options_for(const Program& program) {
  sim::RunOptions options;
  options.mode = program.mode;
  options.faults = program.stalls == 0 ? sim::FaultProfile::none : sim::FaultProfile::local;
  options.stalls_max = program.stalls;
  options.stall_reach = 10;
  options.runtime.delivery.attempts_max = 2;
  options.runtime.delivery.backoff_first = 1s;  // as the timers of the programs
  options.runtime.delivery.jitter_percent = 0;
  return options;
}

// ---- drawing ----------------------------------------------------------------------------------------------------

class Writer {
 public:
  Writer(Entropy& entropy, const Features& features) : entropy_{entropy}, features_{features} {}
  Program write();

 private:
  bool chance(std::uint64_t percent) { return entropy_.below(100) < percent; }
  int any_actor() { return static_cast<int>(entropy_.below(program_.actors.size())); }
  int new_mail();
  Step step(bool of_the_test);
  void fill(int id);

  Entropy& entropy_;
  const Features& features_;
  Program program_;
  int left_ = 0;
};

int Writer::new_mail() {
  --left_;
  program_.mail.emplace_back();
  if (features_.priorities && chance(35)) program_.mail.back().priority = Priority::high;
  if (features_.assured && chance(60)) {
    program_.mail.back().delivery = chance(50) ? Delivery::at_least_once : Delivery::exactly_once;
  }
  return static_cast<int>(program_.mail.size()) - 1;
}

Step Writer::step(bool of_the_test) {
  Step result;
  result.target = any_actor();
  result.other_target = any_actor();
  if (features_.stops && chance(of_the_test ? 10 : 15)) {
    result.kind = of_the_test || chance(50) ? Step::Kind::stop : chance(50) ? Step::Kind::kill : Step::Kind::stop_self;
    return result;
  }
  if (!of_the_test && features_.assured && chance(25)) return {.kind = Step::Kind::fail_first};
  if (!of_the_test && features_.failures && chance(15)) return {.kind = Step::Kind::fail};
  if (!of_the_test && features_.looks && chance(20)) return {.kind = Step::Kind::depth};
  if (!of_the_test && features_.timers && chance(10)) return {.kind = Step::Kind::cancel};
  if (!of_the_test && features_.timers && chance(10)) return {.kind = Step::Kind::sleep, .seconds = 1};
  result.child = new_mail();
  if (!of_the_test && features_.offloads && chance(40)) {
    result.kind = features_.asks && chance(40) ? Step::Kind::offload_ask : Step::Kind::offload;
    return result;
  }
  const auto seconds = static_cast<int>(features_.timeouts && chance(60) ? 1 + entropy_.below(2) : 0);
  if (!of_the_test && features_.timers && chance(40)) {
    result.kind = Step::Kind::timer;
    result.seconds = static_cast<int>(1 + entropy_.below(2));
  } else if (!of_the_test && features_.asks && left_ > 0 && chance(20)) {
    result.kind = Step::Kind::ask_any;
    result.seconds = seconds;
    result.other_child = new_mail();
  } else if (features_.asks && chance(of_the_test ? 15 : 45)) {
    result.kind = Step::Kind::ask;
    result.seconds = seconds;
  }
  return result;
}

Program Writer::write() {
  const auto actors = 2 + entropy_.below(3);
  for (std::uint64_t i = 0; i < actors; ++i) {
    Program::Actor actor;
    if (features_.bounded && chance(60)) {
      constexpr Overflow policies[] = {Overflow::suspend, Overflow::reject, Overflow::drop_newest,
                                       Overflow::drop_oldest};
      actor.mailbox = bounded(static_cast<std::uint32_t>(1 + entropy_.below(2)), policies[entropy_.below(4)]);
    }
    if ((features_.failures && chance(60)) || (features_.assured && chance(80))) {
      actor.restarts = true;
      actor.mail_on_restart = chance(50) ? MailOnRestart::drop : MailOnRestart::keep;
    }
    program_.actors.push_back(actor);
  }
  left_ = static_cast<int>(4 + entropy_.below(static_cast<std::uint64_t>(features_.messages_max - 3)));
  const std::uint64_t roots = 2 + entropy_.below(2);
  for (std::uint64_t i = 0; i < roots && left_ > 0; ++i) program_.roots.push_back(step(true));
  // Each message gets up to three steps; new ones are appended behind, so the tree grows level by level.
  for (std::size_t id = 0; id < program_.mail.size(); ++id) {
    const std::uint64_t steps = 1 + entropy_.below(3);
    for (std::uint64_t i = 0; i < steps && left_ > 0; ++i) {
      const Step next = step(false);  // may reallocate mail
      program_.mail[id].steps.push_back(next);
      if (next.kind == Step::Kind::fail) break;
    }
  }
  program_.watched = features_.watched;
  program_.stalls = features_.stalls ? 1 : 0;
  if (features_.per_pair) program_.mode = sim::Mode::per_pair;
  return std::move(program_);
}

std::string to_text(const Step& step) {
  constexpr std::string_view names[] = {"tell",      "ask",  "ask_any",    "timer", "cancel", "stop",    "kill",
                                        "stop_self", "fail", "fail_first", "depth", "sleep",  "offload", "offload_ask"};
  std::string text = fmt::format("{}", names[static_cast<std::size_t>(step.kind)]);
  if (step.child >= 0) text += fmt::format(" {}", step.child);
  if (step.kind <= Step::Kind::ask_any || step.kind == Step::Kind::stop || step.kind == Step::Kind::kill ||
      step.kind >= Step::Kind::offload) {
    text += fmt::format("->p{}", step.target);
  }
  if (step.kind == Step::Kind::ask_any) text += fmt::format(" {}->p{}", step.other_child, step.other_target);
  if (step.seconds != 0) text += fmt::format(" {}s", step.seconds);
  return text;
}

}  // namespace

Program draw_program(Entropy& entropy, const Features& features) { return Writer{entropy, features}.write(); }

std::string to_text(const Program& program) {
  std::string text = fmt::format("{}{}{}\n", program.mode == sim::Mode::per_pair ? "per_pair " : "",
                                 program.watched ? "watched " : "", program.stalls != 0 ? "one stall " : "");
  constexpr std::string_view policies[] = {"suspend", "reject", "drop_newest", "drop_oldest"};
  for (std::size_t i = 0; i < program.actors.size(); ++i) {
    const Program::Actor& actor = program.actors[i];
    text += fmt::format("p{}:", i);
    if (actor.mailbox.capacity != 0) {
      text += fmt::format(" bounded {} {}", actor.mailbox.capacity,
                          policies[static_cast<std::size_t>(actor.mailbox.overflow)]);
    }
    if (actor.restarts) text += actor.mail_on_restart == MailOnRestart::drop ? " restarts, drops" : " restarts";
    text += '\n';
  }
  text += "test:";
  for (const Step& root : program.roots) text += " " + to_text(root) + ";";
  for (std::size_t id = 0; id < program.mail.size(); ++id) {
    constexpr std::string_view classes[] = {"", "(at least once)", "(exactly once)"};
    text += fmt::format("\n{}{}{}:", id, program.mail[id].priority == Priority::high ? "(high)" : "",
                        classes[static_cast<std::size_t>(program.mail[id].delivery)]);
    for (const Step& step : program.mail[id].steps) text += " " + to_text(step) + ";";
  }
  return text + '\n';
}

Outcomes all_outcomes(const Program& program, bool reduce, std::uint64_t runs_max) {
  Outcomes outcomes;
  Stage stage{.program = &program, .runtime = nullptr, .players = {}, .logs = {}, .seen = {}};
  std::string dead_letters;
  const sim::Body body = [&](sim::World& world) {
    play(stage, world);
    dead_letters = count_dead_letters(world.dead_letters());
  };
  sim::RunOptions options = options_for(program);
  options.reduce = reduce;
  const sim::Searched searched = sim::search_all(body, options, runs_max, [&](const sim::Outcome& outcome) {
    outcomes.all.insert(outcome_text(stage, outcome, dead_letters));
  });
  outcomes.runs = searched.runs;
  outcomes.complete = searched.complete;
  return outcomes;
}

Outcomes traced_outcomes(const Program& program, std::uint64_t runs_max) {
  Outcomes outcomes;
  Stage stage{.program = &program, .runtime = nullptr, .players = {}, .logs = {}, .seen = {}};
  std::string dead_letters;
  const sim::Body body = [&](sim::World& world) {
    play(stage, world);
    dead_letters = count_dead_letters(world.dead_letters());
  };
  const auto searched = sim::search_traces(body, options_for(program), runs_max, [&](const sim::Outcome& outcome) {
    outcomes.all.insert(outcome_text(stage, outcome, dead_letters));
  });
  outcomes.runs = searched.traces + searched.pruned;
  outcomes.complete = searched.complete;
  return outcomes;
}

std::pair<std::string, sim::Outcome> one_outcome(const Program& program, const sim::MakeStrategy& strategy,
                                                 sim::RunOptions options) {
  Stage stage{.program = &program, .runtime = nullptr, .players = {}, .logs = {}, .seen = {}};
  std::string dead_letters;
  const sim::Body body = [&](sim::World& world) {
    play(stage, world);
    dead_letters = count_dead_letters(world.dead_letters());
  };
  options.mode = program.mode;
  sim::Outcome outcome = sim::execute(body, strategy, options);
  std::string text = outcome_text(stage, outcome, dead_letters);
  return {std::move(text), std::move(outcome)};
}

}  // namespace orrery::testing
