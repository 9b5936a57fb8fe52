// letters_fixture.hpp: programs whose messages die in ways that are the same in every schedule, in both worlds.
// How:  a Host asks a Guest, who sends it mail and then answers; so the mail waits while the Host's handler does, and what
//       the Host does next decides what becomes of it: it ends, it fails, or its mailbox was full.
#pragma once
#include "orrery/sim/run.hpp"
#include "orrery/system.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace orrery::letters {

using namespace std::chrono_literals;

struct Note {
  int number = 0;
};
struct Token {
  std::shared_ptr<int> owned;
};
struct Urgent {
  static constexpr Priority priority = Priority::high;
};
struct Question {
  using Reply = int;
};
struct Seen {
  using Reply = std::vector<std::string>;
};

struct Host;

/// Sends what it is asked to, and then answers.
struct Guest {
  struct Fill {
    using Reply = bool;
    Recipient<Note, Token, Urgent> to;
    int first = 0;
    int count = 0;
    std::shared_ptr<int> owned{};
    bool urgent = false;
  };
  bool handle(const Fill& fill) {
    for (int i = 0; i < fill.count; ++i) {
      if (fill.owned != nullptr) {
        fill.to.tell(Token{fill.owned});
      } else {
        fill.to.tell(Note{fill.first + i});
      }
    }
    if (fill.urgent) fill.to.tell(Urgent{});
    return true;
  }
};

struct Meet {
  enum Then : std::uint8_t { go_on, stop, fail };
  Ref<Guest> guest;
  int first = 0;
  int count = 0;
  Then then = go_on;
  std::shared_ptr<int> owned{};
  bool urgent = false;
};

/// Sends letters again, as a handler.
struct Operator {
  struct Redrive {
    using Reply = Redriven;
  };
  Redriven handle(Redrive, Context& context) { return context.runtime().dead_letters().redrive(); }
};
struct Hold {
  using Reply = Redriven;
  Ref<Operator> by;
  bool then_stop = false;
};

/// Says in `seen` what it has handled, and from whom if it was an actor with a name.
struct Host {
  std::vector<std::string> seen;

  void handle(const Meet& meet, Context& context) {
    const Guest::Fill fill{context.self(*this), meet.first, meet.count, meet.owned, meet.urgent};
    (void)meet.guest.ask(fill, no_timeout);
    if (meet.then == Meet::stop) context.stop();
    if (meet.then == Meet::fail) throw std::runtime_error{"as told"};
  }
  void handle(Note note, Context& context) {
    seen.push_back(fmt::format("{}{}{}", note.number, context.sender().is_set() ? " from an actor" : "",
                               context.attempt() == 0 ? "" : fmt::format(" again {}", context.attempt())));
  }
  void handle(Token) { seen.emplace_back("token"); }
  void handle(Urgent) { seen.emplace_back("urgent"); }
  int handle(Question) { return 1; }
  /// Letters are sent again while this handler waits, so that the mailbox has all its places and no more.
  Redriven handle(Hold hold, Context& context) {
    const auto redriven = hold.by.ask(Operator::Redrive{}, no_timeout);
    if (hold.then_stop) context.stop();
    return redriven.value_or(Redriven{});
  }
  std::vector<std::string> handle(Seen) { return seen; }
};

/// Another type that handles some of the same.
struct Understudy {
  std::vector<std::string> seen;
  void handle(Note note) { seen.push_back(fmt::format("{}", note.number)); }
  std::vector<std::string> handle(Seen) { return seen; }
};

/// What a body of both worlds is given: actors, and a way to let them come to rest.
struct Stage {
  Runtime& runtime;
  std::function<void()> rest;

  [[nodiscard]] DeadLetters& letters() const { return runtime.dead_letters(); }
  /// Returns: what `who` has handled.
  template <class To>
  [[nodiscard]] std::vector<std::string> seen(const To& who) const {
    return who.ask(Seen{}, no_timeout).value_or(std::vector<std::string>{"no answer"});
  }
  /// Lets `count` notes, numbered from `first`, come to `host` from `guest` in one handler, of which `then` is the end.
  void meet(const Ref<Host>& host, const Ref<Guest>& guest, int first, int count, Meet::Then then) const {
    EXPECT_TRUE(host.tell(Meet{guest, first, count, then}));
    rest();
  }
  /// The same with copies of `owned`.
  void meet_tokens(const Ref<Host>& host, const Ref<Guest>& guest, int count, std::shared_ptr<int> owned,
                   Meet::Then then) const {
    EXPECT_TRUE(host.tell(Meet{guest, 0, count, then, std::move(owned)}));
    rest();
  }
};

/// The account of letters and the one of messages must agree (SEMANTICS P4).
inline void expect_accounts_agree(Runtime& runtime) {
  const Ledger ledger = runtime.ledger();
  EXPECT_TRUE(ledger.adds_up()) << orrery_describe(ledger);
  const DeadLetters& letters = runtime.dead_letters();
  EXPECT_EQ(letters.count(), ledger.dead_lettered + letters.count(DeadLetterReason::late_reply));
}

using Body = std::function<void(const Stage&)>;

/// Runs `body` in the simulated world, under some seeds.
inline void in_simulation(const DeadLetterOptions& options, const Body& body, std::uint64_t seeds = 20) {
  for (std::uint64_t seed = 0; seed < seeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("simulated, seed {}", seed));
    sim::RunOptions run_options;
    run_options.runtime.dead_letters = options;
    const auto run = sim::execute(
        [&](sim::World& world) {
          body({world, [&] { world.run(); }});
          expect_accounts_agree(world);
        },
        [&] { return std::make_unique<sim::RandomWalk>(seed); }, run_options);
    EXPECT_FALSE(run.finding) << run.finding->name << " " << run.finding->detail;
  }
}

/// The same, and on one and on two threads.
inline void in_both_worlds(const DeadLetterOptions& options, const Body& body) {
  in_simulation(options, body);
  for (unsigned threads : {1U, 2U}) {
    if (testing::Test::HasFailure()) return;
    SCOPED_TRACE(fmt::format("{} threads", threads));
    SystemOptions system_options{.threads = threads};
    system_options.runtime.dead_letters = options;
    system_options.read_environment = false;
    system_options.report_to = [](std::string_view, const std::string&) {};
    System system{system_options};
    body({system, [&] { ASSERT_TRUE(system.await_quiescence(60s)); }});
    expect_accounts_agree(system);
  }
}

}  // namespace orrery::letters
