// findings.cpp: what a run can be found guilty of: predicates, waits in a ring, waits that nothing ends.
#include "orrery/core/check.hpp"
#include "orrery/core/describe.hpp"
#include "orrery/sim/engine.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ranges>
#include <stdexcept>
#include <utility>

namespace orrery::sim {

std::string_view headline(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::invariant_violated:
      return "INVARIANT VIOLATED";
    case FindingKind::assertion_failed:
      return "ASSERTION FAILED";
    case FindingKind::exception_in_test:
      return "EXCEPTION IN TEST";
    case FindingKind::stuck:
      return "STUCK";
    case FindingKind::ask_cycle:
      return "ASK CYCLE";
    case FindingKind::not_eventually:
      return "NEVER CAME TRUE";
    case FindingKind::no_progress:
      return "NO PROGRESS";
    case FindingKind::ledger_broken:
      return "LEDGER BROKEN";
    case FindingKind::non_determinism:
      return "NON-DETERMINISM";
    case FindingKind::crash:
      return "CRASH";
    case FindingKind::leak:
      return "LEAK";
  }
  return "UNKNOWN";
}

std::string to_string(const Finding& finding) { return fmt::format("{} \"{}\"", headline(finding.kind), finding.name); }

void Engine::report_finding(Finding finding) {
  if (finding_ || tearing_down_) return;  // stop at the first
  finding.step = steps_;
  if (options_.past_invariants && finding.kind == FindingKind::invariant_violated) {
    if (!broken_) broken_ = std::move(finding);
    return;
  }
  finding_ = std::move(finding);
  look_up_at_ = 0;
}

void Engine::report_ledger(std::string account) {
  finding_ = Finding{
      .kind = FindingKind::ledger_broken, .name = "ledger", .detail = std::move(account), .file = {}, .step = steps_};
}

void Engine::add_invariant(std::string name, std::function<bool()> holds, std::source_location where) {
  invariants_.push_back({std::move(name), std::move(holds), where});
}

void Engine::add_sometimes(std::string name, std::function<bool()> holds) {
  sometimes_hit_.emplace_back(name, false);
  sometimes_.push_back({std::move(name), std::move(holds)});
}

const void* Engine::peek(Handle handle, const ActorType* type) {
  peeked_.push_back(handle);
  const Cell* const cell = runtime_->living_cell(handle);
  if (cell == nullptr || cell->life != Cell::Life::living) return nullptr;
  ORRERY_CHECK(cell->type == type, "peek() takes the reference of a {}", cell->type->name);
  if (Agent& who = agent(handle); in_predicate_) {
    order_matters(who);
  } else if (options_.reduce && !tearing_down_ && who.hurried_in == period_) {
    rerun_without_reductions();  // what it did before might have come after this look
  }
  if (cell->in_handler) {
    if (in_predicate_) throw MidHandler{};
    throw std::logic_error{"peek: " + path_of(handle) + " is in the middle of a handler"};
  }
  return cell->actor;
}

void Engine::judge_invariants() {
  for (const Invariant& invariant : invariants_) {
    if (evaluate(invariant.name, invariant.holds).value_or(true)) continue;
    std::string detail = describe_peeked();
    if (!detail.empty()) detail.erase(0, 2);
    detail += fmt::format("   after step {}, t={} (virtual)", steps_, format_duration(now_.time_since_epoch()));
    if (handling_.is_set()) detail += fmt::format(", {} handled {}", path_of(handling_), last_handled());
    report_finding({.kind = FindingKind::invariant_violated,
                    .name = invariant.name,
                    .detail = std::move(detail),
                    .file = invariant.where.file_name(),
                    .line = invariant.where.line()});
    return;
  }
  for (std::size_t i = 0; i < sometimes_.size(); ++i) {
    if (!sometimes_hit_[i].second && sometimes_[i].holds)
      sometimes_hit_[i].second = evaluate(sometimes_[i].name, sometimes_[i].holds).value_or(false);
  }
}

/// Returns: what the predicate says, or nothing: an actor that it looks at is in the middle of a handler, so that its
/// state means nothing now, or the predicate threw, which is a finding.
std::optional<bool> Engine::evaluate(const std::string& name, const std::function<bool()>& predicate) {
  peeked_.clear();
  in_predicate_ = true;
  std::optional<bool> result;
  std::string error;
  try {
    result = predicate();
  } catch (const MidHandler&) {
  } catch (const std::exception& thrown) {
    error = thrown.what();
  } catch (...) {
    error = "not a std::exception";
  }
  in_predicate_ = false;
  if (!error.empty()) {
    report_finding(
        {.kind = FindingKind::exception_in_test, .name = std::move(error), .detail = "in " + name, .file = {}});
  }
  return result;
}

/// Tries every new predicate once, without judging, to learn whose states it looks at: the order of their operations
/// matters. One that looks at no actor depends on something else, nobody knows what: then every order matters.
void Engine::learn_what_is_watched() {
  if (tearing_down_) return;
  const auto learn = [&](bool& tried, const std::function<bool()>& predicate) {
    if (std::exchange(tried, true)) return;
    peeked_.clear();
    in_predicate_ = true;
    try {
      (void)predicate();
    } catch (...) {  // NOLINT: judged when it is evaluated for good
    }
    in_predicate_ = false;
    if (peeked_.empty() && options_.reduce) rerun_without_reductions();
  };
  for (Invariant& invariant : invariants_) learn(invariant.tried, invariant.holds);
  for (Sometimes& one : sometimes_) {
    if (one.holds) learn(one.tried, one.holds);
  }
}

std::string Engine::describe_wait(const std::string& who, const Wait& wait) const {
  const std::string_view message = wait.message() != nullptr ? wait.message()->name : "";
  switch (wait.kind()) {
    case Wait::Kind::ask:
      return fmt::format("{} --ask {}--> {}", who, message, path_of(wait.target()));
    case Wait::Kind::place:
      return fmt::format("{} --waits to send {}--> {}", who, message, path_of(wait.target()));
    case Wait::Kind::sleep:
      return fmt::format("{} sleeps", who);
    case Wait::Kind::mail:
      return fmt::format("{} waits for mail", who);
    case Wait::Kind::offload:
      return fmt::format("{} waits for offloaded work", who);
    case Wait::Kind::child_start:
      return fmt::format("{} --starts--> {}", who, path_of(wait.target()));
    case Wait::Kind::child_end:
      return fmt::format("{} --stops--> {}", who, path_of(wait.target()));
  }
  return who;
}

namespace {

/// Returns: the ask that `who` waits for in the mailbox of `target`, if it stands there; only where mail has one queue.
const Envelope* ask_in_mailbox(const Cell& target, Handle who) {
  for (const Link* link = target.mailbox.front(); link != nullptr; link = link->next.load(std::memory_order_relaxed)) {
    const auto& envelope = static_cast<const Envelope&>(*link);
    if (envelope.sender == who && envelope.is(Envelope::is_ask)) return &envelope;
  }
  return nullptr;
}

/// Returns: the last message of that sort that `to` took from `from`, or null.
const Event* last_take(const std::vector<Event>& events, std::string_view from, std::string_view to,
                       std::string_view message) {
  for (const Event& event : std::views::reverse(events)) {
    const bool is_it = event.kind == EventKind::take && event.from == from && event.to == to;
    if (is_it && event.message.starts_with(message)) return &event;
  }
  return nullptr;
}

std::string place_text(std::string_view file, std::uint32_t line) {
  return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), line);
}

}  // namespace

void Engine::waiting(Handle who, const Wait&) {
  if (!tearing_down_) find_ring(who);
}

/// Follows the wait-for edges from `start`; a way back to it is a ring. It is told from the smallest name on, so that one
/// ring has one name whoever closed it.
void Engine::find_ring(Handle start) {
  struct Edge {
    std::string who;
    std::string does;   // to whom
    std::string place;  // where the ask stands in the program, as far as that is known
  };
  std::vector<Edge> edges;
  Handle at = start;
  for (std::size_t hops = 0; hops <= agents_.size(); ++hops) {
    const Cell* const cell = runtime_->living_cell(at);
    if (cell == nullptr || cell->wait == nullptr || cell->wait->ready() || !cell->wait->blocked_by().is_set()) return;
    const std::string who = path_of(at);
    const Wait& wait = *cell->wait;
    edges.push_back({.who = who, .does = describe_wait(who, wait).substr(who.size()), .place = "?"});
    if (const Cell* const target = runtime_->living_cell(wait.target());
        target != nullptr && wait.message() != nullptr) {
      if (const Envelope* const waiting = ask_in_mailbox(*target, at)) {
        edges.back().place = place_text(waiting->where.file_name(), waiting->where.line());
      } else if (const Event* const taken = last_take(events_, who, path_of(target->handle()), wait.message()->name)) {
        edges.back().place = place_text(taken->file, taken->line);
      }
    }
    at = wait.blocked_by();
    if (at == start) {
      std::ranges::rotate(edges, std::ranges::min_element(edges, {}, &Edge::who));
      std::string ring = edges.front().who;
      std::string places;
      for (const Edge& edge : edges) {
        ring += edge.does;
        places += (places.empty() ? "" : " -> ") + edge.place;
      }
      report_finding({.kind = FindingKind::ask_cycle, .name = ring, .detail = std::move(places), .file = {}});
      return;
    }
  }
}

void Engine::find_stuck(const Wait* of_the_test) {
  std::string who;
  std::string why;
  std::uint64_t waits = 0;
  const auto add = [&](const std::string& text) {
    who += (who.empty() ? "" : "; ") + text;
    ++waits;
  };
  const auto explain = [&](const std::string& waiter, Handle from, const Wait& wait) {
    if (!options_.record_events || wait.kind() != Wait::Kind::ask || !wait.target().is_set()) return;
    const std::string target = path_of(wait.target());
    std::string since;  // it went on up to here
    for (const Event& event : std::views::reverse(events_)) {
      const bool is_its = (event.kind == EventKind::take && event.to == waiter) ||
                          (event.kind == EventKind::resume && event.from == waiter);
      if (!is_its) continue;
      since = fmt::format(" since step {}, t={}", event.step, format_duration(event.at.time_since_epoch()));
      break;
    }
    const std::string_view message = wait.message() != nullptr ? wait.message()->name : "";
    const Event* const taken = last_take(events_, waiter, target, message);
    const Cell* const cell = runtime_->living_cell(wait.target());
    const Envelope* const waiting = cell == nullptr ? nullptr : ask_in_mailbox(*cell, from);
    std::string place;
    if (waiting != nullptr) {
      place = " (" + place_text(waiting->where.file_name(), waiting->where.line()) + ")";
    } else if (taken != nullptr) {
      place = " (" + place_text(taken->file, taken->line) + ")";
    }
    std::string reason = waiting != nullptr ? " has not taken it" : " keeps it, and has not replied";
    if (cell == nullptr || cell->life != Cell::Life::living) {
      reason = " has ended";
      for (const Event& event : std::views::reverse(events_)) {
        if (event.kind != EventKind::exit || event.from != target) continue;
        reason = fmt::format(" ended after step {}, t={} ({}), and was not restarted", event.step,
                             format_duration(event.at.time_since_epoch()), event.message);
        break;
      }
    } else if (cell->wait != nullptr && !cell->wait->ready()) {
      reason = " waits itself";
    } else if (taken != nullptr && taken->reply == "stashed") {
      reason = fmt::format(" has put it aside in step {}, and not taken it up again", taken->step);
    }
    why += fmt::format("\n{} waits for {}{}{}: {}{}", waiter, target, since, place, target, reason);
  };
  if (of_the_test != nullptr) {
    add(describe_wait(agents_.path_of(agents_.test()), *of_the_test));
    explain(agents_.path_of(agents_.test()), agents_.test().handle, *of_the_test);
  }
  runtime_->for_each_cell([&](Cell& cell) {
    if (cell.wait != nullptr && cell.wait->fiber != nullptr && !cell.wait->ready()) {
      add(describe_wait(path_of(cell.handle()), *cell.wait));
      explain(path_of(cell.handle()), cell.handle(), *cell.wait);
    }
  });
  for (const std::string& text : describe_waiting_works()) add(text);
  if (waits == 0) return;
  // A periodic tick may still help; the body of the test waits with them, and has found that they do not.
  if (of_the_test == nullptr && !timers_.empty() && timers_.first().due != Instant::max()) return;
  report_finding(
      {.kind = FindingKind::stuck,
       .name = who,
       .detail = fmt::format("nothing runnable, {} {} unanswered{}", waits, waits == 1 ? "wait" : "waits", why),
       .file = {}});
}

void Engine::check_at_rest() {
  if (!finding_) check_invariants();
  if (!finding_) find_stuck(nullptr);
  for (const Invariant& wish : eventually_) {
    if (finding_ || evaluate(wish.name, wish.holds).value_or(true)) continue;
    report_finding({.kind = FindingKind::not_eventually,
                    .name = wish.name,
                    .detail = fmt::format("nothing is left to do at t={} (virtual), and it does not hold{}",
                                          format_duration(now_.time_since_epoch()), describe_peeked()),
                    .file = wish.where.file_name(),
                    .line = wish.where.line()});
  }
}

void Engine::add_eventually(std::string name, std::function<bool()> holds, std::source_location where) {
  eventually_.push_back({std::move(name), std::move(holds), where});
}

std::size_t Engine::add_reachable(std::string name) {
  sometimes_hit_.emplace_back(std::move(name), false);
  sometimes_.push_back({});
  return sometimes_hit_.size() - 1;
}

/// Returns: the fields of the states that the predicate has looked at, ", alice.balance == 3".
std::string Engine::describe_peeked() const {
  std::string text;
  for (const Handle handle : peeked_) {
    const Cell* const cell = runtime_->living_cell(handle);
    if (cell == nullptr || cell->actor == nullptr) continue;
    ActorType::Fields fields;
    cell->type->fields(cell->actor, fields);
    for (const auto& [name, value] : fields) text += fmt::format(", {}.{} == {}", path_of(handle), name, value);
  }
  return text;
}

}  // namespace orrery::sim
