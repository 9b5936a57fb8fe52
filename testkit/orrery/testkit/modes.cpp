#include "orrery/testkit/modes.hpp"

#include "orrery/sim/op.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/onlooker.hpp"
#include "orrery/testkit/shrink.hpp"
#include "orrery/testkit/workers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <iterator>
#include <ostream>

namespace orrery::testkit {

namespace {

std::string_view verb_of(sim::OpKind kind) {
  switch (kind) {
    case sim::OpKind::take:
      return "takes its next message";
    case sim::OpKind::resume:
      return "goes on";
    case sim::OpKind::enqueue:
      return "sends to";
    case sim::OpKind::signal:
      return "signals";
    case sim::OpKind::reply:
      return "replies to";
    case sim::OpKind::exit:
      return "ends";
    case sim::OpKind::name:
      return "uses a name of";
    case sim::OpKind::fire:
      return "fires a timer of";
    case sim::OpKind::deliver:
      return "delivers to";
    case sim::OpKind::look:
      return "looks at";
    case sim::OpKind::restart:
      return "restarts";
    case sim::OpKind::finish:
      return "finishes offloaded work";
  }
  return "acts";
}

}  // namespace

std::string name_of(const sim::Op& op, sim::World& world) {
  const sim::Engine& engine = world.internals();
  std::string text = fmt::format("{} {}", engine.path_of(op.agent->handle), verb_of(op.kind));
  if (op.object != nullptr && op.object != op.agent) text += " " + engine.path_of(op.object->handle);
  return text;
}

std::uint64_t Interactive::schedule(const sim::Point& point) {
  sim::World* const world = world_of_this_run();
  if (at_random_ || gave_up_ || world == nullptr || point.enabled == nullptr) return RandomWalk::schedule(point);
  const std::uint64_t step = world->internals().steps();
  if (as_json_) {
    std::string options;
    for (std::uint64_t i = 0; i < point.count; ++i) {
      options += (i == 0 ? "" : ",") + json_text(name_of(point.enabled->option(i), *world));
    }
    out_
        << JsonObject{}.add("schema", std::uint64_t{1}).add("step", step).add_raw("options", "[" + options + "]").text()
        << std::endl;
  } else {
    out_ << fmt::format("after step {}, t={}:\n", step, format_duration(world->now().time_since_epoch()));
    for (std::uint64_t i = 0; i < point.count; ++i) {
      out_ << fmt::format("  {}  {}\n", i, name_of(point.enabled->option(i), *world));
    }
  }
  for (;;) {
    if (!as_json_) out_ << "> " << std::flush;
    std::string line;
    if (!std::getline(in_, line) || line == "q") {
      gave_up_ = true;
      return 0;
    }
    if (line.empty()) return 0;
    if (line == "r") {
      at_random_ = true;
      return RandomWalk::schedule(point);
    }
    std::uint64_t index = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
    if (error == std::errc{} && end == line.data() + line.size() && index < point.count) return index;
    out_ << fmt::format("a number below {}, r (the rest at random) or q (quit)\n", point.count);
  }
}

sim::Outcome step_through(const Property& property, const CheckOptions& options, const InputOrigin& origin,
                          const std::vector<std::size_t>& path, std::uint64_t seed, std::istream& in, std::ostream& out,
                          bool as_json) {
  const auto input = input_of(property, origin, path);
  sim::Outcome outcome;
  if (input == nullptr) {
    outcome.divergence = input_is_gone;
    return outcome;
  }
  if (!as_json && !input->describe().empty()) out << "input = " << input->describe() << "\n";
  sim::RunOptions run_options = options.run;
  run_options.record_events = true;
  run_options.reduce = false;  // every choice is offered, and the run is made once
  return run_once([&](sim::World& world) { property.body(world, *input); },
                  [&] { return std::make_unique<Interactive>(seed, in, out, as_json); }, run_options);
}

std::optional<Failure> shrink_further(const Property& property, const CheckOptions& options, const Record& record,
                                      const std::function<bool()>& is_over, std::string& why) {
  Failure failure;
  failure.run = record.token.run;
  failure.record = record;
  failure.original_choices = count_choices(record.decisions).schedule;
  const bool crashes = record.finding.starts_with(sim::headline(sim::FindingKind::crash));
  const Execute execute = crashes ? execute_apart : execute_here;
  failure.outcome = replay_record(property, options, record, failure.input, sim::Replay::Mode::strict, execute);
  failure.original_input = failure.input;
  if (failure.outcome.divergence || !failure.outcome.finding) {
    why = failure.outcome.divergence.value_or("nothing is found any more");
    return std::nullopt;
  }
  failure.finding = *failure.outcome.finding;
  CheckOptions same = options;
  same.run = run_options_of(options, record);
  same.run.reduce = options.run.reduce;  // shrinking finds that out
  do {
    ShrinkResult shrunk =
        shrink(property, same, failure.record.origin, input_of(property, failure.record.origin, failure.record.path),
               std::move(failure.outcome), {}, execute);
    failure.shrink_runs += shrunk.runs;
    failure.shrink_steps += shrunk.steps;
    if (shrunk.unstable) {
      why = "a run that was made for it does not repeat itself";
      return std::nullopt;
    }
    if (shrunk.origin == failure.record.origin) {  // its path begins where this input stands
      failure.record.path.insert(failure.record.path.end(), shrunk.path.begin(), shrunk.path.end());
    } else {
      failure.record.path = std::move(shrunk.path);
    }
    failure.record.origin = shrunk.origin;
    same.run.grain = shrunk.grain;
    put_shrunk(failure.record, shrunk);
    failure.input = shrunk.input->describe();
    failure.outcome = std::move(shrunk.outcome);
    if (!failure.history.empty()) failure.history.pop_back();  // the next one begins with it
    std::ranges::move(shrunk.history, std::back_inserter(failure.history));
    thin_out(failure.history);
    if (shrunk.steps == 0) break;
  } while (!is_over());
  failure.finding = *failure.outcome.finding;
  return failure;
}

sim::Outcome replay_until_break(const Property& property, const CheckOptions& options, const Record& record,
                                std::uint64_t step) {
  const auto input = input_of(property, record.origin, record.path);
  sim::Outcome outcome;
  if (input == nullptr) {
    outcome.divergence = input_is_gone;
    return outcome;
  }
  sim::RunOptions run_options = run_options_of(options, record);
  run_options.record_events = true;
  return run_once(
      [&](sim::World& world) { property.body(world, *input); },
      [&] { return break_before(std::make_unique<sim::Replay>(record.decisions, sim::Replay::Mode::strict), step); },
      run_options);
}

}  // namespace orrery::testkit
