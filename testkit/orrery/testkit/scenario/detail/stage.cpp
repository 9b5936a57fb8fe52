#include "orrery/testkit/scenario/detail/stage.hpp"

#include "orrery/testkit/scenario/print.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace orrery::scenario::detail {

namespace {

// ---- the actors -----------------------------------------------------------------------------------------------------

struct DoExit {
  ExitReason reason;
};
struct Posted {
  std::vector<Message> messages;
};
struct Item {
  Message message;
};

/// Writes the end of a worker that is killed: such a one has no last word of its own.
class LastWord {
 public:
  LastWord(std::shared_ptr<StageLog> log, Part& part) : log_{std::move(log)}, part_{&part} {}
  LastWord(LastWord&& other) noexcept : log_{std::move(other.log_)}, part_{std::exchange(other.part_, nullptr)} {}
  LastWord& operator=(LastWord&&) = delete;
  ~LastWord() {
    if (part_ != nullptr) log_->stopped(*part_, ExitReason::killed());
  }
  void say(const ExitReason& reason) { log_->stopped(*part_, reason); }
  [[nodiscard]] Part& part() const { return *part_; }
  [[nodiscard]] StageLog& log() const { return *log_; }

 private:
  std::shared_ptr<StageLog> log_;
  Part* part_;
};

class Worker {
 public:
  Worker(const Declaration& declared, LastWord last_word)
      : trap_{declared.trap},
        stubborn_{declared.stubborn},
        slow_{std::chrono::milliseconds{declared.slow}},
        exit_{declared.exit},
        last_word_{std::move(last_word)} {}

  void on_start(Context& context) {
    if (trap_) context.trap_exits(*this);
    last_word_.log().settle(last_word_.part(), context.id());
  }
  void on_stop(Context&, const ExitReason& reason) { last_word_.say(reason); }

  void handle(DoExit m, Context& context) { context.stop(m.reason); }
  void handle(Posted m, Context& context) {  // all at once: nothing of it is left out when a part of it makes it exit
    for (Message& message : m.messages) (void)context.self(*this).tell(Item{std::move(message)});
  }
  void handle(Item m, Context& context) {
    if (m.message.exits) return context.stop(to_exit_reason(m.message.text));
    last_word_.log().handled(last_word_.part(), m.message.text);
  }
  void handle(orrery::Exit m, Context& context) {
    if (m.kind != orrery::Exit::Kind::stop || stubborn_) return;
    if (slow_ > Duration::zero()) context.sleep(slow_);
    context.stop(exit_.empty() ? m.reason : to_exit_reason(exit_));
  }

 private:
  bool trap_;
  bool stubborn_;
  Duration slow_;
  Reason exit_;
  LastWord last_word_;
};

class Listener final : public SupervisorListener {
 public:
  Listener(std::shared_ptr<StageLog> log, Part& part) : log_{std::move(log)}, part_{part} {}
  void started(const ActorId& self) override { log_->settle(part_, self); }
  void init_failed(const ExitReason& reason) override { log_->stopped(part_, reason); }
  void ended(const ExitReason& reason) override { log_->stopped(part_, reason); }
  void report(const SupervisorReport& report) override {
    const std::string count = report.count == 0 ? "" : fmt::format("*{}", report.count);
    log_->report(part_,
                 fmt::format("{} {}{} {}", to_string(report.kind), report.child, count, to_string(report.reason)));
  }

 private:
  std::shared_ptr<StageLog> log_;
  Part& part_;
};

// ---- from the scenario's words to the library's -----------------------------------------------------------------------

RestartStrategy strategy_of(Strategy strategy) {
  switch (strategy) {
    case Strategy::one_for_one:
      return RestartStrategy::one_for_one;
    case Strategy::one_for_all:
      return RestartStrategy::one_for_all;
    case Strategy::rest_for_one:
      return RestartStrategy::rest_for_one;
    case Strategy::simple_one_for_one:
      return RestartStrategy::simple_one_for_one;
  }
  return RestartStrategy::one_for_one;
}

orrery::AutoShutdown auto_shutdown_of(AutoShutdown mode) {
  switch (mode) {
    case AutoShutdown::never:
      return orrery::AutoShutdown::never;
    case AutoShutdown::any_significant:
      return orrery::AutoShutdown::any_significant;
    case AutoShutdown::all_significant:
      return orrery::AutoShutdown::all_significant;
  }
  return orrery::AutoShutdown::never;
}

RestartType restart_of(Restart restart) {
  switch (restart) {
    case Restart::permanent:
      return RestartType::permanent;
    case Restart::transient:
      return RestartType::transient;
    case Restart::temporary:
      return RestartType::temporary;
  }
  return RestartType::permanent;
}

orrery::Shutdown shutdown_of(const Shutdown& shutdown) {
  switch (shutdown.how) {
    case Shutdown::How::timed:
      return orrery::Shutdown::after(std::chrono::milliseconds{shutdown.ms});
    case Shutdown::How::infinity:
      return orrery::Shutdown::infinity();
    case Shutdown::How::brutal_kill:
      return orrery::Shutdown::brutal_kill();
  }
  return orrery::Shutdown::infinity();
}

ChildOptions options_of(const Declaration& declared) {
  return {.restart = restart_of(declared.restart),
          .shutdown = shutdown_of(declared.shutdown),
          .significant = declared.significant,
          .mailbox = unbounded(),
          .mail_on_restart = MailOnRestart::drop};
}

}  // namespace

Stage::Stage(const Scenario& scenario, Runtime& runtime, std::function<bool()> settle, TraceOptions options)
    : scenario_{scenario}, runtime_{runtime}, settle_{std::move(settle)}, options_{options} {
  for (const Declaration& declared : scenario_.declarations) {
    if (!declared.plan.empty()) log_->replace_plan(declared.id, declared.plan);
    if (declared.kind == Kind::instance_template) templates_.try_emplace(declared.parent, declared);
  }
}

SupervisorSpec Stage::tree_of(const Declaration& declared, const Part& part, bool has_children) {
  SupervisorSpec tree{.strategy = strategy_of(declared.strategy),
                      .intensity = static_cast<int>(declared.intensity),
                      .period = std::chrono::seconds{declared.period},
                      .auto_shutdown = auto_shutdown_of(declared.auto_shutdown)};
  if (has_children) {
    for (const Declaration* child : scenario_.children_of(declared.id)) {
      tree.children.push_back(child_of(*child, child->id, part, true));
    }
  }
  tree.clock = clock_;
  return tree;
}

ChildSpec Stage::child_of(const Declaration& declared, const std::string& id, const Part& parent, bool has_children) {
  ChildSpec spec{.id = declared.id, .start = {}, .options = options_of(declared)};
  const bool is_simple = declared.kind == Kind::supervisor && declared.strategy == Strategy::simple_one_for_one;
  const auto begin = [log = log_, id, above = &parent, is_simple]() -> std::expected<Part*, ExitReason> {
    std::optional<ExitReason> refusal;
    Part* const part = log->start(id, above, is_simple, refusal);
    if (refusal) return std::unexpected(*refusal);
    return part;
  };
  if (declared.kind == Kind::supervisor) {
    spec.start =
        start_function([this, begin, declared, has_children]() -> std::expected<std::optional<Supervisor>, ExitReason> {
          const auto part = begin();
          if (!part) return std::unexpected(part.error());
          if (*part == nullptr) return std::nullopt;
          SupervisorSpec tree = tree_of(declared, **part, has_children);
          tree.listener = std::make_shared<Listener>(log_, **part);
          return Supervisor{std::move(tree)};
        });
  } else {
    spec.start = start_function([log = log_, begin, declared]() -> std::expected<std::optional<Worker>, ExitReason> {
      const auto part = begin();
      if (!part) return std::unexpected(part.error());
      if (*part == nullptr) return std::nullopt;
      return Worker{declared, LastWord{log, **part}};
    });
  }
  return spec;
}

// ---- events -----------------------------------------------------------------------------------------------------------

void Stage::settle() {
  if (!hangs_ && !settle_()) hangs_ = true;
}

std::string Stage::run() {
  out_ = fmt::format("trace {}\n> init\n", scenario_.name);
  start_root();
  const std::string& root = scenario_.declarations.front().id;
  for (const Event& event : scenario_.events) {
    if (hangs_ || !is_alive(root)) break;
    play(event);
  }
  out_ += hangs_ ? "hangs: not at rest in time\n" : "end\n";
  return std::move(out_);
}

void Stage::start_root() {
  const Declaration& declared = scenario_.declarations.front();
  std::optional<ExitReason> refusal;
  Part* const part = log_->start(declared.id, nullptr, declared.strategy == Strategy::simple_one_for_one, refusal);
  if (part != nullptr) {
    SupervisorSpec tree = tree_of(declared, *part, true);
    tree.listener = std::make_shared<Listener>(log_, *part);
    const auto root = start_supervisor(runtime_, declared.id, std::move(tree));
    if (!root) refusal = root.error();
  }
  settle();
  out_ += log_->take(options_.reports);
  if (refusal) {
    out_ += fmt::format("  root failed {}\n", to_string(*refusal));
  } else if (part == nullptr) {
    out_ += "  root ignored\n";
  } else {
    print_tree();
  }
}

void Stage::play(const Event& event) {
  out_ += fmt::format("> {}\n", event.text);
  if (const auto* const batch = std::get_if<Batch>(&event.action)) {
    play_batch(event, *batch);
  } else {
    const Answer answer = perform(event.action);
    settle();
    if (answer) out_ += fmt::format("  res {}\n", answer());
  }
  out_ += log_->take(options_.reports);
  print_tree();
}

void Stage::play_batch(const Event&, const Batch& batch) {
  for (const Event& operation : batch.operations) out_ += fmt::format("+ {}\n", operation.text);
  std::optional<Ref<Gate>> gate;
  if (const Part* const part = log_->find_alive(batch.supervisor); part != nullptr) {
    gate = runtime_.spawn(Gate{});
    (void)ref<Supervisor>(*part).tell(SuspendUntil{*gate});
    settle();
  }
  std::vector<Answer> answers;
  for (const Event& operation : batch.operations) {
    answers.push_back(perform(operation.action));
    settle();  // a death is complete, its notice queued, before the next one
  }
  if (gate) (void)gate->tell(Open{});
  settle();
  if (gate) runtime_.stop(*gate);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    out_ += fmt::format("  res {} {}\n", i + 1, answers[i] ? answers[i]() : "ok");
  }
}

Stage::Answer Stage::signal(const std::string& target, const std::function<void(const Part&)>& send) {
  const Part* const part = log_->find_alive(target);
  if (part == nullptr) return at_once("noproc");
  send(*part);
  return at_once("ok");
}

/// Asks a supervisor, without waiting for its answer.
template <class M, class Format>
Stage::Answer Stage::call(const std::string& supervisor, M message, Format format) {
  const Part* const part = log_->find_alive(supervisor);
  if (part == nullptr) return at_once("noproc");
  auto pending = std::make_shared<Pending<M>>(ref<Supervisor>(*part).ask_async(std::move(message), no_timeout));
  return [pending, format]() -> std::string {
    auto result = pending->get();
    if constexpr (requires { result.error().refused(); }) {
      if (result) {
        if constexpr (std::is_void_v<std::remove_cvref_t<decltype(*result)>>) {
          return format(typename M::Reply{});
        } else {
          return format(typename M::Reply{*std::move(result)});
        }
      }
      const auto* const refused = result.error().refused();
      return refused == nullptr ? "down" : format(typename M::Reply{std::unexpect, *refused});
    } else {
      return result ? format(*result) : "down";
    }
  };
}

Stage::Answer Stage::perform(const Action& action) {
  const auto plain = [](const std::expected<void, ChildError>& reply) -> std::string {
    return reply ? "ok" : fmt::format("error {}", to_string(reply.error()));
  };
  const auto started = [this](const StartChild::Reply& reply) { return describe(reply); };
  const auto find_child = [this](const std::string& id) {
    const Part* const child = log_->find_latest(id);
    return child == nullptr ? ActorId{} : child->actor;
  };

  if (const auto* const exit = std::get_if<Exit>(&action)) {
    return signal(exit->target,
                  [&](const Part& part) { (void)ref<Worker>(part).tell(DoExit{to_exit_reason(exit->reason)}); });
  }
  if (const auto* const kill = std::get_if<Kill>(&action)) {
    return signal(kill->target, [&](const Part& part) { runtime_.kill(ref<Worker>(part)); });
  }
  if (const auto* const sent = std::get_if<Signal>(&action)) {
    return signal(sent->target, [&](const Part& part) {
      if (sent->reason == "kill") {  // as in exit(Pid, kill)
        runtime_.kill(ref<Worker>(part));
      } else {
        runtime_.exit(ref<Worker>(part), to_exit_reason(sent->reason));
      }
    });
  }
  if (const auto* const post = std::get_if<Post>(&action)) {
    return signal(post->target, [&](const Part& part) { (void)ref<Worker>(part).tell(Posted{post->messages}); });
  }
  if (const auto* const stop = std::get_if<Stop>(&action)) {
    return signal(stop->supervisor,
                  [&](const Part& part) { runtime_.stop(ref<Supervisor>(part), to_exit_reason(stop->reason)); });
  }
  if (const auto* const advance = std::get_if<Advance>(&action)) {
    clock_->advance(advance->seconds);
    return {};
  }
  if (const auto* const plan = std::get_if<Replan>(&action)) {
    log_->replace_plan(plan->target, plan->letters);
    return {};
  }
  if (const auto* const asked = std::get_if<TerminateChild>(&action)) {
    const auto instance = split_instance(asked->child);
    const auto owner = templates_.find(asked->supervisor);
    if (owner != templates_.end() && instance.base == owner->second.id) {
      const ActorId actor = find_child(asked->child);
      if (!actor.handle().is_set())
        return is_alive(asked->supervisor) ? call(asked->supervisor, orrery::TerminateChild{asked->child},
                                                  [](const auto&) { return std::string{"error not_found"}; })
                                           : at_once("noproc");
      return call(asked->supervisor, TerminateInstance{actor}, plain);
    }
    return call(asked->supervisor, orrery::TerminateChild{asked->child}, plain);
  }
  if (const auto* const asked = std::get_if<RestartChild>(&action)) {
    return call(asked->supervisor, orrery::RestartChild{asked->child}, started);
  }
  if (const auto* const asked = std::get_if<DeleteChild>(&action)) {
    return call(asked->supervisor, orrery::DeleteChild{asked->child}, plain);
  }
  if (const auto* const asked = std::get_if<AddChild>(&action)) {
    if (!asked->child.plan.empty()) log_->replace_plan(asked->child.id, asked->child.plan);
    const Part* const parent = log_->find_alive(asked->child.parent);
    if (parent == nullptr) return at_once("noproc");
    return call(asked->child.parent, StartChild{child_of(asked->child, asked->child.id, *parent, false)}, started);
  }
  if (const auto* const asked = std::get_if<Spawn>(&action)) {
    const Part* const parent = log_->find_alive(asked->supervisor);
    const auto owner = templates_.find(asked->supervisor);
    if (parent == nullptr || owner == templates_.end()) return at_once("noproc");
    const Declaration& declared = owner->second;
    const std::string id = fmt::format("{}.{}", declared.id, ++instances_[declared.id]);
    return call(asked->supervisor, StartInstance{child_of(declared, id, *parent, false).start}, started);
  }
  if (const auto* const asked = std::get_if<Count>(&action)) {
    return call(asked->supervisor, CountChildren{}, [](const ChildCounts& counts) {
      return fmt::format("count specs={} active={} supervisors={} workers={}", counts.specs, counts.active,
                         counts.supervisors, counts.workers);
    });
  }
  if (const auto* const asked = std::get_if<Which>(&action)) {
    const std::string supervisor = asked->supervisor;
    return call(supervisor, WhichChildren{}, [this, supervisor](const WhichChildren::Reply& children) {
      return fmt::format("which [{}]", list(children, templates_.contains(supervisor), false));
    });
  }
  return {};
}

std::string Stage::name_of(const ActorId& actor) {
  const Part* const part = log_->find(actor);
  return part == nullptr ? "?" : part->name();
}

std::string Stage::describe(const StartChild::Reply& reply) {
  if (reply) return reply->actor.handle().is_set() ? "ok " + name_of(reply->actor) : "ok undefined";
  const StartError& error = reply.error();
  if (error.why == ChildError::start_failed) return fmt::format("error {}", to_string(error.reason));
  if (error.existing) return fmt::format("error {} {}", to_string(error.why), name_of(error.existing->actor));
  return fmt::format("error {}", to_string(error.why));
}

// ---- the tree ---------------------------------------------------------------------------------------------------------

/// In start order; instances by number, after those that are being restarted, which are nameless.
std::string Stage::list(WhichChildren::Reply children, bool are_instances, bool nested) {
  std::ranges::reverse(children);
  if (are_instances) {
    const auto number = [this](const ChildInfo& info) {
      const Part* const part = log_->find(info.actor);
      return part == nullptr ? 0 : split_instance(part->id).number;
    };
    std::ranges::sort(children, {}, number);
  }
  std::string text;
  for (const ChildInfo& info : children) {
    if (!text.empty()) text += ' ';
    const std::string id = are_instances ? "?" : info.id;
    if (info.status == ChildStatus::undefined) {
      text += id + ":-";
    } else if (info.status == ChildStatus::restarting) {
      text += id + ":restarting";
    } else if (const Part* const part = log_->find(info.actor); nested && part != nullptr && info.is_supervisor) {
      text += part->name() + draw(*part);
    } else {
      text += name_of(info.actor);
    }
  }
  return text;
}

std::string Stage::draw(const Part& supervisor) {
  const auto children = ref<Supervisor>(supervisor).ask(WhichChildren{}, no_timeout);
  if (!children) return "[?]";
  return "[" + list(*children, templates_.contains(supervisor.id), true) + "]";
}

void Stage::print_tree() {
  if (hangs_) return;
  const Part* const root = log_->find_alive(scenario_.declarations.front().id);
  out_ += root == nullptr ? "  tree dead\n" : fmt::format("  tree {}{}\n", root->name(), draw(*root));
}

}  // namespace orrery::scenario::detail
