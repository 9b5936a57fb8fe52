#include "orrery/testkit/scenario/print.hpp"
#include "tests/scenario/generate_parts.hpp"
#include "tests/scenario/model.hpp"
#include "tests/scenario/situation.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace orrery::scenario::generate {

namespace {

using Place = Situation::Place;

/// Draws one event after the other. What is known of the scenario so far is in `now_`.
class Events {
 public:
  Events(Dice& dice, const GenerateOptions& options, Scenario& out) : dice_{dice}, options_{options}, out_{out} {}

  void draw(int count) {
    if (!look()) return;
    populate();
    const bool may_end_early = dice_.percent(25);
    for (int i = 0; i < count && now_.root_alive(); ++i) {
      constexpr int tries_max = 6;
      for (int attempt = 0; attempt < tries_max; ++attempt) {
        std::optional<Action> action = draw_action();
        if (!action) continue;
        const bool may_end = may_end_early || i + 1 >= count;
        if (attempt_event(std::move(*action), may_end)) break;
      }
    }
    if (now_.root_alive() && dice_.percent(30)) {
      attempt_event(Stop{.supervisor = out_.declarations.front().id, .reason = draw_reason(dice_)}, true);
    }
  }

 private:
  bool look() {
    const ModelRun run = run_model(out_, false);
    now_ = situation_after(run.trace);
    return run.undefined.empty();
  }

  /// Keeps the event unless that is undefined, or ends what should go on.
  bool attempt_event(Action action, bool may_end) {
    const Situation before = now_;
    out_.events.push_back(make_event(std::move(action)));
    if (look() && (may_end || now_.root_alive())) return true;
    out_.events.pop_back();
    now_ = before;
    return false;
  }

  void populate() {
    for (const Declaration& declared : std::vector<Declaration>{out_.declarations}) {
      if (declared.kind != Kind::instance_template) continue;
      for (std::int64_t i = dice_.between(0, 3); i > 0; --i) attempt_event(Spawn{.supervisor = declared.parent}, false);
    }
  }

  // --- whom -----------------------------------------------------------------------------------------------------------

  template <class Fits>
  const Place* any_place(Fits fits) {
    std::vector<const Place*> fitting;
    for (const Place& place : now_.places) {
      if (fits(place)) fitting.push_back(&place);
    }
    return fitting.empty() ? nullptr : dice_.one_of(fitting);
  }

  [[nodiscard]] const Declaration* declared(std::string_view id) const {
    const auto added = std::ranges::find(added_, id, &Declaration::id);
    return added != added_.end() ? &*added : out_.find(id);
  }
  [[nodiscard]] bool is_simple(std::string_view id) const {
    const Declaration* const found = declared(id);
    return found != nullptr && found->kind == Kind::supervisor && found->strategy == Strategy::simple_one_for_one;
  }

  /// A worker, mostly alive; now and then somebody who is not there.
  std::string worker() {
    const bool repeat = dice_.percent(25);
    if (repeat && !last_worker_.empty()) return last_worker_;
    const Place* const alive = any_place([](const Place& place) { return place.running && !place.supervisor; });
    const bool somebody_else = dice_.percent(4);
    if (alive == nullptr || somebody_else) return absent();
    return last_worker_ = alive->id;
  }
  std::string absent() {
    std::vector<std::string> ids{"zz"};
    for (const Declaration& one : out_.declarations) {
      if (one.kind == Kind::worker) ids.push_back(one.id);
      if (one.kind == Kind::instance_template) ids.push_back(one.id + ".2");
    }
    return dice_.one_of(ids);
  }
  std::string supervisor() {
    const Place* const alive = any_place([](const Place& place) { return place.running && place.supervisor; });
    const bool somebody_else = dice_.percent(4);
    if (!somebody_else && alive != nullptr) return alive->id;
    std::vector<std::string> ids{"zz"};
    for (const Declaration& one : out_.declarations) {
      if (one.kind == Kind::supervisor) ids.push_back(one.id);
    }
    return dice_.one_of(ids);
  }
  /// A child of `parent`, one in the asked state if there is one.
  std::string child_of(std::string_view parent, bool running) {
    const bool other = dice_.percent(20);
    const Place* place =
        any_place([&](const Place& one) { return one.parent == parent && (other || one.running == running); });
    if (place == nullptr) place = any_place([&](const Place& one) { return one.parent == parent; });
    const bool nobody = dice_.percent(5);
    return place == nullptr || nobody ? absent() : place->id;
  }

  // --- what -----------------------------------------------------------------------------------------------------------

  std::optional<Action> draw_action() {
    constexpr std::array<unsigned, 13> weights = {30, 9, 4, 6, 10, 8, 14, 4, 6, 3, 3, 18, 3};
    switch (dice_.weighted(weights)) {
      case 0: {
        std::string target = worker();
        return Exit{.target = std::move(target), .reason = draw_reason(dice_)};
      }
      case 1:
        return Kill{.target = worker()};
      case 2:
        return draw_signal();
      case 3:
        return draw_post(worker());
      case 4:
        return draw_advance();
      case 5:
        return draw_replan();
      case 6:
        return draw_call(supervisor());
      case 7:
        return draw_add(supervisor());
      case 8:
        return draw_spawn();
      case 9: {
        std::string target = supervisor();
        return Stop{.supervisor = std::move(target), .reason = draw_reason(dice_)};
      }
      case 10:
        return draw_question(supervisor());
      case 11:
        return draw_batch();
      default:
        if (!options_.supkill) return {};
        return Kill{.target = supervisor()};
    }
  }

  Action draw_signal() {
    const bool to_worker = dice_.percent(75);
    std::string target = to_worker ? worker() : supervisor();
    Reason reason = draw_reason(dice_);
    if (!to_worker && reason == "kill") reason = "boom";  // that would be a kill
    return Signal{.target = std::move(target), .reason = std::move(reason)};
  }

  Action draw_post(std::string target) {
    Post post{.target = std::move(target), .messages = {}};
    for (std::int64_t i = dice_.between(1, 4); i > 0; --i) {
      if (dice_.percent(25)) {
        post.messages.push_back({.text = draw_reason(dice_), .exits = true});
      } else {
        post.messages.push_back({.text = fmt::format("m{}", ++messages_), .exits = false});
      }
    }
    return post;
  }

  Action draw_advance() {
    const Declaration& any = dice_.one_of(out_.declarations);
    if (any.kind != Kind::supervisor || any.period <= 0 || dice_.percent(30)) return Advance{dice_.between(0, 4)};
    return Advance{any.period + dice_.between(-1, 1)};
  }

  Action draw_replan() {
    std::vector<std::string> ids;
    for (const Declaration& one : out_.declarations) ids.push_back(one.id);
    for (const Place& place : now_.places) ids.push_back(place.id);
    std::string target = dice_.one_of(ids);
    const bool instance = split_instance(target).base.empty() ? is_template(target) : true;
    return Replan{.target = std::move(target), .letters = draw_plan(dice_, !instance)};
  }
  [[nodiscard]] bool is_template(std::string_view id) const {
    const Declaration* const found = out_.find(id);
    return found != nullptr && found->kind == Kind::instance_template;
  }

  Action draw_call(std::string asked) {
    constexpr std::array<unsigned, 3> weights = {40, 35, 25};
    switch (dice_.weighted(weights)) {
      case 0: {
        std::string child = child_of(asked, true);
        return TerminateChild{.supervisor = std::move(asked), .child = std::move(child)};
      }
      case 1: {
        std::string child = child_of(asked, false);
        return RestartChild{.supervisor = std::move(asked), .child = std::move(child)};
      }
      default: {
        std::string child = child_of(asked, false);
        return DeleteChild{.supervisor = std::move(asked), .child = std::move(child)};
      }
    }
  }

  Action draw_question(std::string asked) {
    if (dice_.percent(60)) return Count{.supervisor = std::move(asked)};
    return Which{.supervisor = std::move(asked)};
  }

  /// A new child, or one that is known there already.
  std::optional<Action> draw_add(const std::string& asked) {
    if (is_simple(asked)) return Spawn{.supervisor = asked};
    const Declaration* const parent = declared(asked);
    const bool known = dice_.percent(25);
    const Place* const there = any_place([&](const Place& one) { return one.parent == asked; });
    Declaration made;
    if (known && there != nullptr) {
      const Declaration* const old = declared(there->id);
      if (old == nullptr || !out_.children_of(old->id).empty()) return {};  // G3
      made = declare(old->kind, there->id, asked);
    } else {
      const bool supervisor = dice_.percent(20);
      made = declare(supervisor ? Kind::supervisor : Kind::worker, fmt::format("d{}", added_.size()), asked);
    }
    if (made.kind == Kind::supervisor) {
      draw_flags(dice_, made);
      if (made.strategy == Strategy::simple_one_for_one && !dice_.percent(5)) made.strategy = Strategy::rest_for_one;
    }
    draw_child_attributes(dice_, made, parent == nullptr ? AutoShutdown::never : parent->auto_shutdown, options_);
    if (!known || there == nullptr) added_.push_back(made);
    return AddChild{.child = std::move(made)};
  }

  std::optional<Action> draw_spawn() {
    std::vector<std::string> simple;
    for (const Declaration& one : out_.declarations) {
      if (is_simple(one.id)) simple.push_back(one.id);
    }
    if (simple.empty()) return {};
    return Spawn{.supervisor = dice_.one_of(simple)};
  }

  // --- batches --------------------------------------------------------------------------------------------------------

  std::optional<Action> draw_batch() {
    const Place* const paused = any_place([](const Place& place) { return place.running && place.supervisor; });
    if (paused == nullptr) return {};
    Batch batch{.supervisor = paused->id, .operations = {}};
    const auto add = [&batch](Action action) { batch.operations.push_back(make_event(std::move(action))); };
    if (dice_.percent(40)) {  // a child that will not come back at once, and what is asked meanwhile
      const Place* const child = child_to_touch(batch.supervisor, false);
      if (child != nullptr) {
        add(Replan{.target = child->id, .letters = dice_.percent(60) ? "e" : "xe"});
        add(Exit{.target = child->id, .reason = "crash"});
        for (std::int64_t i = dice_.between(1, 3); i > 0; --i) add_question(child->id, add, batch.supervisor);
      }
    }
    for (std::int64_t i = dice_.between(1, 5); i > 0; --i) {
      if (std::optional<Action> action = draw_operation(batch.supervisor)) add(std::move(*action));
    }
    if (batch.operations.empty()) return {};
    return batch;
  }

  /// The one who is paused, or somebody else, but not who waits for it: what is above it might.
  std::string asked_in_batch(const std::string& paused) {
    const bool other = dice_.percent(10);
    std::string asked = other ? supervisor() : paused;
    for (std::string above = paused; !above.empty(); above = parent_of(above)) {
      if (asked == above) return paused;
    }
    return asked;
  }
  [[nodiscard]] std::string parent_of(std::string_view id) const {
    const auto place = std::ranges::find(now_.places, id, &Place::id);
    return place == now_.places.end() ? std::string{} : place->parent;
  }

  const Place* child_to_touch(std::string_view parent, bool supervisor) {
    return any_place(
        [&](const Place& place) { return place.parent == parent && place.running && place.supervisor == supervisor; });
  }

  template <class Add>
  void add_question(const std::string& child, const Add& add, const std::string& asked) {
    switch (dice_.index(5)) {
      case 0:
        return add(TerminateChild{.supervisor = asked, .child = child});
      case 1:
        return add(RestartChild{.supervisor = asked, .child = child});
      case 2:
        return add(DeleteChild{.supervisor = asked, .child = child});
      case 3:
        return add(Which{.supervisor = asked});
      default:
        return add(Count{.supervisor = asked});
    }
  }

  std::optional<Action> draw_operation(const std::string& paused) {
    constexpr std::array<unsigned, 10> weights = {35, 8, 12, 4, 20, 8, 4, 3, 4, 3};
    const std::size_t kind = dice_.weighted(weights);
    const bool touches_supervisor = kind == 7 || kind == 9;
    const Place* const child = child_to_touch(paused, touches_supervisor);
    if (child == nullptr && (kind < 2 || kind == 3 || touches_supervisor || kind == 8)) return {};
    switch (kind) {
      case 0:
        return Exit{.target = child->id, .reason = draw_reason(dice_)};
      case 1:
        return Kill{.target = child->id};
      case 2:
        return draw_replan();
      case 3:
        return draw_post(child->id);
      case 4:
        return draw_call(asked_in_batch(paused));
      case 5:
        return draw_question(asked_in_batch(paused));
      case 6:
        return draw_add(paused);
      case 7:
        return Stop{.supervisor = dice_.percent(60) ? child->id : paused, .reason = draw_reason(dice_)};
      case 8:
        return Signal{.target = child->id, .reason = draw_reason(dice_)};
      default:
        if (!options_.supkill) return {};
        return Kill{.target = child->id};
    }
  }

  Dice& dice_;
  const GenerateOptions& options_;
  Scenario& out_;
  Situation now_;
  std::vector<Declaration> added_;
  std::string last_worker_;
  int messages_ = 0;
};

}  // namespace

void draw_events(Dice& dice, int events, const GenerateOptions& options, Scenario& out) {
  Events{dice, options, out}.draw(events);
}

}  // namespace orrery::scenario::generate
