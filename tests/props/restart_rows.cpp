// restart_rows.cpp: systems that keep, and do not keep, what is promised about restarts.
#include "orrery/props/bounds.hpp"
#include "orrery/props/restarts.hpp"
#include "orrery/sim/world.hpp"
#include "orrery/supervision.hpp"

#include "tests/props/property_table.hpp"

#include <memory>

namespace orrery::props_tests {
namespace {

using namespace std::chrono_literals;
using Waiting = props::Between<0, 8>;

inline constexpr Restart often{.intensity = 100, .period = 1h};
const SpawnOptions keeping{.restart = often};
const SpawnOptions dropping{.restart = often, .mail_on_restart = MailOnRestart::drop};

// ---- mail ---------------------------------------------------------------------------------------------------------------

testing::AssertionResult mail_is_kept(Runtime& rt, Waiting waiting) {
  return props::restart_keeps_mail<Deposit>(rt, make_account, keeping, static_cast<std::uint64_t>(waiting));
}
testing::AssertionResult mail_is_dropped_after_all(Runtime& rt, Waiting waiting) {
  return props::restart_keeps_mail<Deposit>(rt, make_account, dropping, static_cast<std::uint64_t>(waiting));
}
/// Puts every deposit aside until it has three.
struct Threes {
  std::uint32_t seen = 0;
  bool is_open = false;
  void handle(Deposit m, Context& context) {
    if (is_open) return;
    if (++seen < 3) return context.stash(m);
    is_open = true;
    context.unstash_all();
  }
};
testing::AssertionResult mail_of_who_stashes(Runtime& rt, Waiting waiting) {
  return props::restart_keeps_mail<Deposit>(rt, [] { return Threes{}; }, keeping, static_cast<std::uint64_t>(waiting));
}
testing::AssertionResult no_second_life(Runtime& rt, Waiting waiting) {
  return props::restart_keeps_mail<Deposit>(rt, make_account, {}, static_cast<std::uint64_t>(waiting));
}
testing::AssertionResult mail_is_dropped(Runtime& rt, Waiting waiting) {
  return props::restart_drops_mail<Deposit>(rt, make_account, dropping, static_cast<std::uint64_t>(waiting));
}
testing::AssertionResult mail_is_kept_after_all(Runtime& rt, Waiting waiting) {
  return props::restart_drops_mail<Deposit>(rt, make_account, keeping, static_cast<std::uint64_t>(waiting));
}

// ---- state --------------------------------------------------------------------------------------------------------------

struct SharedAccount {
  std::shared_ptr<std::uint64_t> balance;
  void handle(Deposit) { ++*balance; }
};
/// Takes up where the last one ended, wherever that was written down.
struct Resuming {
  std::shared_ptr<std::uint64_t> book;
  std::uint64_t balance = 0;
  void handle(Deposit) { *book = ++balance; }
  void on_restart(Context&, const ExitReason&) { balance = *book; }
};
/// Counts what it has handled.
struct Counting {
  std::uint64_t handled = 0;
  void handle(Deposit) { ++handled; }
};
testing::AssertionResult state_is_fresh(Runtime& rt, Waiting messages) {
  return props::restart_resets_state<Deposit>(
      rt, [] { return Counting{}; }, keeping, static_cast<std::uint64_t>(messages));
}
testing::AssertionResult state_is_shared(Runtime& rt, Waiting messages) {
  const auto balance = std::make_shared<std::uint64_t>(0);
  return props::restart_resets_state<Deposit>(
      rt, [balance] { return SharedAccount{balance}; }, keeping, static_cast<std::uint64_t>(messages));
}
testing::AssertionResult state_is_taken_up(Runtime& rt, Waiting messages) {
  const auto book = std::make_shared<std::uint64_t>(0);
  return props::restart_resets_state<Deposit>(
      rt, [book] { return Resuming{book}; }, keeping, static_cast<std::uint64_t>(messages),
      props::StateText<Resuming>{[](const Resuming& one) { return std::to_string(one.balance); }});
}

// ---- intensity ----------------------------------------------------------------------------------------------------------

/// On threads, where a pause takes as long as it says or longer, all failures fall into one long period.
struct Times {
  Restart limit;
  std::vector<Duration> pauses;
};
Times times_of(Runtime& rt, const std::vector<props::Between<0, 6>>& drawn, int intensity) {
  const bool is_simulated = dynamic_cast<sim::World*>(&rt) != nullptr;
  Times times{.limit = {.intensity = intensity, .period = is_simulated ? Duration{10ms} : Duration{1h}}, .pauses = {}};
  for (const auto one : drawn) times.pauses.emplace_back(is_simulated ? one.value * Duration{2ms} : Duration{});
  return times;
}
using Pauses = std::vector<props::Between<0, 6>>;
using Intensity = props::Between<0, 3>;

testing::AssertionResult intensity_is_kept(Runtime& rt, const Pauses& drawn, Intensity intensity) {
  const Times times = times_of(rt, drawn, static_cast<int>(intensity));
  return props::keeps_its_intensity(rt, make_account, {.restart = times.limit}, times.pauses);
}
testing::AssertionResult intensity_is_one_more(Runtime& rt, const Pauses& drawn, Intensity intensity) {
  const Times times = times_of(rt, drawn, static_cast<int>(intensity));
  return props::keeps_its_intensity(
      rt, make_account, {.restart = Restart{times.limit.intensity + 1, times.limit.period}}, times.pauses, times.limit);
}
/// Somebody has read that the end of the period does not count.
testing::AssertionResult period_is_shorter(Runtime& rt, const Pauses& drawn, Intensity intensity) {
  const Times times = times_of(rt, drawn, static_cast<int>(intensity));
  return props::keeps_its_intensity(rt, make_account,
                                    {.restart = Restart{times.limit.intensity, times.limit.period - 1ns}}, times.pauses,
                                    times.limit);
}

template <int really>
testing::AssertionResult tree_keeps_its_intensity(Runtime& rt, props::Between<0, 6> failures) {
  const Restart promised{.intensity = 2, .period = 1h};
  const props::Watch watch;
  using Child = props::Watched<Account>;
  const auto top =
      start_supervisor(rt, "", SupervisorSpec{.intensity = really, .period = 1h, .children = {child("account", [watch] {
                                                                                   return Child{make_account(), watch};
                                                                                 })}});
  if (!top) return testing::AssertionFailure() << "the tree did not start";
  const auto children = top->ask(WhichChildren{}, no_timeout);
  const auto child = children.value().front().template as<Child>();
  for (std::int64_t i = 0; i < failures; ++i) {
    (void)child->tell(props::Crash{});
    if (!child->ask(props::AreYouThere{}, no_timeout)) break;
  }
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  std::vector<Instant> restarts;
  for (const auto& life : watch.lives()) restarts.push_back(life.began);
  restarts.erase(restarts.begin());  // the first start is none
  return props::within_intensity(restarts, promised);
}

}  // namespace

std::vector<Row> restart_rows() {
  std::vector<Row> rows;
  rows.push_back(
      {"restart_keeps_mail",
       make_case("an account that is restarted", mail_is_kept),
       {make_case("it is spawned with MailOnRestart::drop", mail_is_dropped_after_all),
        make_case("it puts deposits aside", mail_of_who_stashes), make_case("it is not restarted", no_second_life)}});
  rows.push_back({"restart_drops_mail",
                  make_case("an account that drops mail", mail_is_dropped),
                  {make_case("it is spawned with MailOnRestart::keep", mail_is_kept_after_all)}});
  rows.push_back({"restart_resets_state",
                  make_case("state in fields", state_is_fresh),
                  {make_case("state behind a shared pointer", state_is_shared),
                   make_case("state that on_restart takes up", state_is_taken_up)}});
  rows.push_back({"keeps_its_intensity",
                  make_case("as it is spawned", intensity_is_kept),
                  {make_case("one restart more", intensity_is_one_more),
                   make_case("the end of the period does not count", period_is_shorter)}});
  rows.push_back({"within_intensity",
                  make_case("a tree with intensity 2", tree_keeps_its_intensity<2>),
                  {make_case("a tree with intensity 3", tree_keeps_its_intensity<3>)}});
  return rows;
}

}  // namespace orrery::props_tests
