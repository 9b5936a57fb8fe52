#include "tests/scenario/generate_parts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::scenario::generate {

Reason draw_reason(Dice& dice) {
  constexpr std::array<unsigned, 7> weights = {45, 18, 14, 14, 7, 1, 1};
  constexpr std::array<std::string_view, 7> reasons = {"crash", "normal", "shutdown", "shutdown:bye",
                                                       "boom",  "kill",   "killed"};
  return Reason{reasons[dice.weighted(weights)]};
}

std::string draw_plan(Dice& dice, bool may_ignore) {
  std::string letters(static_cast<std::size_t>(dice.between(1, 4)), 'o');
  for (char& letter : letters) {
    letter = std::string_view{"oexi"}[dice.weighted(std::array<unsigned, 4>{40, 35, 12, may_ignore ? 13U : 0U})];
  }
  if (dice.percent(8)) letters += '*';
  return letters;
}

void draw_flags(Dice& dice, Declaration& supervisor) {
  if (dice.percent(75)) {
    const auto strategy = static_cast<Strategy>(dice.weighted(std::array<unsigned, 4>{25, 30, 30, 15}));
    give(supervisor, Attribute::strategy, &Declaration::strategy, strategy);
  }
  const std::int64_t intensity = dice.percent(8) ? 0 : dice.between(1, 9);
  give(supervisor, Attribute::intensity, &Declaration::intensity, intensity);
  const std::int64_t period = dice.percent(40) ? 3600 : dice.between(1, 10);
  give(supervisor, Attribute::period, &Declaration::period, period);
  if (dice.percent(35)) {
    const auto auto_shutdown = static_cast<AutoShutdown>(dice.weighted(std::array<unsigned, 3>{10, 40, 50}));
    give(supervisor, Attribute::auto_shutdown, &Declaration::auto_shutdown, auto_shutdown);
  }
}

namespace {

void give_shutdown(Declaration& child, Shutdown::How how, std::int64_t ms = 5000) {
  give(child, Attribute::shutdown, &Declaration::shutdown, Shutdown{.how = how, .ms = ms});
}

/// G3: 5 ms against 60, 300 against 60; and nothing that takes longer than real time can bear.
void draw_behaviour(Dice& dice, Declaration& worker, const GenerateOptions& options) {
  constexpr std::int64_t patience_ms = 60;
  constexpr std::int64_t short_ms = 5;
  constexpr std::int64_t long_ms = 300;
  const auto take = [&worker](std::int64_t ms) { give(worker, Attribute::slow, &Declaration::slow, ms); };
  if (dice.percent(60)) {
    constexpr std::array<unsigned, 4> weights = {60, 14, 13, 13};
    const std::size_t kind = dice.weighted(weights);
    if (kind == 1) give_shutdown(worker, Shutdown::How::infinity);
    if (kind == 2) give_shutdown(worker, Shutdown::How::brutal_kill);
    if (kind == 3) give_shutdown(worker, Shutdown::How::timed, patience_ms);
    return;
  }
  give(worker, Attribute::trap, &Declaration::trap, true);
  const std::array<unsigned, 4> weights = {40, options.long_stops ? 20U : 0U, 25, options.long_stops ? 15U : 0U};
  switch (dice.weighted(weights)) {
    case 0:  // polite
      if (dice.percent(30)) give_shutdown(worker, Shutdown::How::infinity);
      if (dice.percent(50)) take(short_ms);
      break;
    case 1:  // too slow
      give_shutdown(worker, Shutdown::How::timed, patience_ms);
      take(long_ms);
      break;
    case 2:  // stubborn
      if (dice.percent(30)) {
        give_shutdown(worker, Shutdown::How::brutal_kill);
      } else {
        give_shutdown(worker, Shutdown::How::timed, patience_ms);
      }
      give(worker, Attribute::stubborn, &Declaration::stubborn, true);
      return;
    default:  // slow, and given the time
      if (dice.percent(50)) give_shutdown(worker, Shutdown::How::infinity);
      take(long_ms);
      break;
  }
  if (dice.percent(40)) give(worker, Attribute::exit, &Declaration::exit, draw_reason(dice));
}

}  // namespace

void draw_child_attributes(Dice& dice, Declaration& child, AutoShutdown parent, const GenerateOptions& options) {
  if (dice.percent(80)) {
    const auto restart = static_cast<Restart>(dice.weighted(std::array<unsigned, 3>{45, 35, 20}));
    give(child, Attribute::restart, &Declaration::restart, restart);
  }
  const bool may_be_significant = parent != AutoShutdown::never && child.restart != Restart::permanent;
  const bool wrongly = options.bad_specs && dice.percent(1) && dice.percent(30);
  const bool rightly = dice.percent(65);
  if ((may_be_significant && rightly) || wrongly) {
    give(child, Attribute::significant, &Declaration::significant, true);
  }
  if (child.kind == Kind::supervisor) {
    if (options.supkill && dice.percent(15)) give_shutdown(child, Shutdown::How::brutal_kill);
  } else {
    draw_behaviour(dice, child, options);
  }
  if (dice.percent(22)) {
    // Most first starts go well, or there would be no scenario. An instance that ignores its restart is a wart of OTP.
    const bool may_ignore = child.kind != Kind::instance_template || child.restart == Restart::temporary;
    std::string plan = draw_plan(dice, may_ignore);
    if (!dice.percent(4)) plan.insert(0, "o");
    give(child, Attribute::plan, &Declaration::plan, std::move(plan));
  }
}

namespace {

/// Makes the start of a supervisor fail, mostly of the root.
void spoil(Dice& dice, Scenario& out) {
  std::vector<std::size_t> supervisors;
  for (std::size_t i = 0; i < out.declarations.size(); ++i) {
    if (out.declarations[i].kind == Kind::supervisor) supervisors.push_back(i);
  }
  const bool at_the_root = dice.percent(60);
  Declaration& victim = out.declarations[at_the_root ? 0 : dice.one_of(supervisors)];
  std::vector<std::size_t> leaves;
  for (std::size_t i = 1; i < out.declarations.size(); ++i) {
    const Declaration& child = out.declarations[i];
    if (child.parent == victim.id && child.kind != Kind::supervisor) leaves.push_back(i);
  }
  const std::size_t way = dice.index(leaves.empty() ? 2 : 5);
  if (way == 0) give(victim, Attribute::period, &Declaration::period, dice.between(-1, 0));
  if (way == 1) give(victim, Attribute::intensity, &Declaration::intensity, std::int64_t{-1});
  if (way < 2) return;
  const std::size_t leaf = dice.one_of(leaves);
  if (way == 2 && victim.strategy == Strategy::simple_one_for_one) {  // no template
    out.declarations.erase(out.declarations.begin() + static_cast<std::ptrdiff_t>(leaf));
  } else if (way == 3) {
    give(out.declarations[leaf], Attribute::significant, &Declaration::significant, true);  // mostly wrong
  } else {  // the same id twice, or two templates
    out.declarations.push_back(Declaration{out.declarations[leaf]});
  }
}

}  // namespace

void draw_tree(Dice& dice, int actors, const GenerateOptions& options, Scenario& out) {
  constexpr int depth_max = 4;
  struct Open {
    std::string id;
    int depth;
    AutoShutdown auto_shutdown;
  };
  Declaration root = declare(Kind::supervisor, "root", std::string{no_parent});
  const bool simple_root = dice.percent(40);
  draw_flags(dice, root);
  if (root.strategy == Strategy::simple_one_for_one && !simple_root) root.strategy = Strategy::one_for_one;
  if (dice.percent(1)) give(root, Attribute::plan, &Declaration::plan, draw_plan(dice, false));
  std::vector<Open> open;
  int workers = 0;
  int supervisors = 0;
  int templates = 0;

  // A simple_one_for_one supervisor brings its template along and takes nothing else.
  const auto place = [&](const Declaration& supervisor, int depth) {
    out.declarations.push_back(supervisor);
    if (supervisor.strategy != Strategy::simple_one_for_one) {
      open.push_back({supervisor.id, depth, supervisor.auto_shutdown});
      return;
    }
    Declaration made = declare(Kind::instance_template, fmt::format("t{}", templates++), supervisor.id);
    draw_child_attributes(dice, made, supervisor.auto_shutdown, options);
    out.declarations.push_back(std::move(made));
  };
  place(root, 1);

  for (int i = 0; i < actors && !open.empty(); ++i) {
    const Open parent = open[dice.percent(50) ? open.size() - 1 : dice.index(open.size())];
    const bool supervisor = parent.depth < depth_max && dice.percent(35);
    Declaration made = supervisor ? declare(Kind::supervisor, fmt::format("s{}", supervisors++), parent.id)
                                  : declare(Kind::worker, fmt::format("w{}", workers++), parent.id);
    if (supervisor) draw_flags(dice, made);
    draw_child_attributes(dice, made, parent.auto_shutdown, options);
    if (supervisor) {
      place(made, parent.depth + 1);
    } else {
      out.declarations.push_back(std::move(made));
    }
  }
  const bool simple = out.declarations.front().strategy == Strategy::simple_one_for_one;
  if (options.bad_specs && dice.percent(simple ? 15 : 3)) spoil(dice, out);
}

}  // namespace orrery::scenario::generate
