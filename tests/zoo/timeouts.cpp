// timeouts.cpp: what is given up is not undone; what was cancelled may be on its way. Most need time to pass while work
// waits, which is the fault `stall`.
#include "tests/zoo/systems.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>

namespace orrery::zoo {

namespace {

using namespace std::chrono_literals;

// ---- a sequencer whose client asks again -------------------------------------------------------------------------------

struct Next {
  using Reply = int;
  int client = 0;
  int request = 0;
};
struct Sequencer {
  bool remembers = false;
  int last = 0;
  std::map<std::pair<int, int>, int> given{};
  int handle(Next m) {
    if (!remembers) return ++last;
    const auto [at, is_new] = given.try_emplace({m.client, m.request}, last + 1);
    if (is_new) ++last;
    return at->second;
  }
};
struct Put {
  int number = 0;
};
struct Journal {
  std::set<int> numbers{};
  void handle(Put m) { numbers.insert(m.number); }
};
struct Author {
  Ref<Sequencer> sequencer;
  Ref<Journal> journal;
  int me = 0;
  void handle(Go) const {
    std::optional<int> number;
    while (!number) {
      if (const auto got = sequencer.ask(Next{me, 1}, 1s)) number = *got;
    }
    journal.tell(Put{*number});
  }
};

sim::Body sequence(bool remembers) {
  return [remembers](sim::World& w) {
    const auto sequencer = w.spawn("sequencer", Sequencer{remembers});
    const auto journal = w.spawn("journal", Journal{});
    for (int i = 0; i < 2; ++i) start(w.spawn(Author{sequencer, journal, i}));
    w.run();
    if (*w.peek(journal).numbers.rbegin() != 2) w.fail("a number was skipped");
  };
}

// ---- votes that are asked for again, and counted again -----------------------------------------------------------------

struct Coordinator;
struct Ballot {
  Ref<Coordinator> coordinator;
};
struct Vote {
  std::size_t voter = 0;
};
struct AskAgain {};
struct Voter {
  std::size_t me = 0;
  void handle(Ballot m) const;
};
struct Coordinator {
  sim::World* world;
  std::vector<Ref<Voter>> voters;
  bool tells_them_apart = false;
  int votes = 0;
  std::set<std::size_t> who{};
  bool decided = false;
  void handle(Go, Context& context) {
    ask_all(context);
    context.after(*this, 1s, AskAgain{});
  }
  void handle(AskAgain, Context& context) {
    if (!decided) ask_all(context);
  }
  void ask_all(Context& context) const {
    for (const Ref<Voter>& voter : voters) voter.tell(Ballot{context.self(*this)});
  }
  void handle(Vote m) {
    if (!who.insert(m.voter).second && tells_them_apart) return;
    if (decided || ++votes < 3) return;
    decided = true;
    if (who.size() < 3) world->fail("decided without a majority");
  }
};
void Voter::handle(Ballot m) const { m.coordinator.tell(Vote{me}); }

sim::Body count_votes(bool tells_them_apart) {
  return [tells_them_apart](sim::World& w) {
    std::vector<Ref<Voter>> voters;
    for (std::size_t i = 0; i < 5; ++i) voters.push_back(w.spawn(Voter{i}));
    start(w.spawn("coordinator", Coordinator{&w, voters, tells_them_apart}));
    w.run();
  };
}

// ---- an alarm of the session before ------------------------------------------------------------------------------------

struct Session;
struct Arm {
  int session = 0;
  Ref<Session> who;
};
struct Disarm {};
struct Ring {
  int session = 0;
};
struct Alarm {
  std::optional<TimerKey> key{};
  std::optional<Ref<Session>> who{};
  void handle(Arm m, Context& context) {
    who = m.who;
    key = context.after(*this, 1s, Ring{m.session});
  }
  void handle(Disarm, Context& context) {
    if (key) context.cancel(*key);
    key.reset();
  }
  void handle(Ring m);
};
struct Open {};
struct Close {};
struct Session {
  sim::World* world;
  Ref<Alarm> alarm;
  bool compares = false;
  int number = 0;
  bool open = false;
  void handle(Open, Context& context) {
    open = true;
    alarm.tell(Arm{++number, context.self(*this)});
  }
  void handle(Close) {
    if (!open) return;
    open = false;
    alarm.tell(Disarm{});
  }
  void handle(Ring m) {
    if (!open || (compares && m.session != number)) return;
    open = false;
    if (m.session != number) world->fail("ended by the alarm of an earlier session");
  }
};
void Alarm::handle(Ring m) {
  key.reset();
  who->tell(m);
}
struct Visitor {
  Ref<Session> session;
  void handle(Go, Context& context) const {
    session.tell(Open{});
    context.sleep(1s);
    session.tell(Close{});
    session.tell(Open{});
  }
};

sim::Body alarm_of_before(bool compares) {
  return [compares](sim::World& w) {
    const auto alarm = w.spawn("alarm", Alarm{});
    const auto session = w.spawn("session", Session{&w, alarm, compares});
    start(w.spawn(Visitor{session}));
    w.run();
  };
}

// ---- silence that is taken for death -----------------------------------------------------------------------------------

struct Beat {};
struct Bye {};
struct Silent {};
struct Finished {
  int job = 0;
};
struct Results {
  sim::World* world;
  std::map<int, int> finished{};
  void handle(Finished m) {
    if (++finished[m.job] > 1) world->fail("the work was done twice");
  }
};
struct Watchman {
  Ref<Results> results;
  bool gone = false;
  void handle(Go, Context& context) { context.set_receive_timeout(*this, 1500ms, Silent{}); }
  void handle(Beat) {}
  void handle(Bye, Context& context) {
    gone = true;
    context.set_receive_timeout(*this, 0s, Silent{});
  }
  void handle(Silent, Context& context) {
    if (gone) return;
    context.set_receive_timeout(*this, 0s, Silent{});
    results.tell(Finished{1});  // does it himself
  }
};
struct Heart {
  Ref<Watchman> watchman;
  Ref<Results> results;
  void handle(Go, Context& context) const {
    for (int i = 0; i < 4; ++i) {
      watchman.tell(Beat{});
      context.sleep(1s);
    }
    watchman.tell(Bye{});
    results.tell(Finished{1});
  }
};

void heartbeat(sim::World& w) {
  const auto results = w.spawn("results", Results{&w});
  const auto watchman = w.spawn("watchman", Watchman{results});
  start(watchman, w.spawn(Heart{watchman, results}));
  w.run();
}

// ---- requests that are repeated faster than they are served ------------------------------------------------------------

struct Serve {
  using Reply = void;
};
struct Server {
  int served = 0;
  void handle(Serve, Context& context) {
    context.sleep(1s);
    ++served;
  }
};
/// Comes every now and then; whoever is not served in time asks for it twice.
struct Impatient {
  Ref<Server> server;
  Duration begins{};
  bool backs_off = false;
  void handle(Go, Context& context) const {
    context.sleep(begins);
    for (int i = 0; i < 3; ++i) {
      Duration patience = 2500ms;
      while (!server.ask(Serve{}, patience)) {
        if (backs_off) {
          patience *= 2;
          context.sleep(patience);
        } else {
          server.tell(Serve{}, ignore_reply);  // perhaps this one gets through
        }
      }
      context.sleep(2s);
    }
  }
};

sim::Body retry_storm(bool backs_off) {
  return [backs_off](sim::World& w) {
    const auto server = w.spawn("server", Server{});
    for (int i = 0; i < 2; ++i) start(w.spawn(Impatient{server, i * 1500ms, backs_off}));
    w.run();
  };
}

}  // namespace

void add_timeouts(std::vector<Program>& programs) {
  programs.push_back({.name = "sequencer",
                      .bug = "whoever asks again after a timeout gets another number, and the first one is never used",
                      .source = "retries without idempotence; needs a stall",
                      .found = "a number was skipped",
                      .body = sequence(false)});
  programs.push_back({.name = "sequencer_remembers",
                      .bug = "",
                      .source = "control of sequencer: the same request has the same number",
                      .found = "",
                      .body = sequence(true)});
  programs.push_back({.name = "votes_repeated",
                      .bug = "votes that were asked for twice are counted twice",
                      .source = "Raft implementations: camunda#5356, akka-raft#45; needs a stall",
                      .found = "decided without a majority",
                      .body = count_votes(false)});
  programs.push_back({.name = "votes_told_apart",
                      .bug = "",
                      .source = "control of votes_repeated: each voter counts once",
                      .found = "",
                      .body = count_votes(true)});
  programs.push_back({.name = "alarm_of_before",
                      .bug = "an alarm that was on its way when it was disarmed ends the next session",
                      .source = "cancelled timers",
                      .found = "ended by the alarm of an earlier session",
                      .body = alarm_of_before(false)});
  programs.push_back({.name = "alarm_compared",
                      .bug = "",
                      .source = "control of alarm_of_before: an alarm names its session",
                      .found = "",
                      .body = alarm_of_before(true)});
  programs.push_back({.name = "heartbeat",
                      .bug = "a peer that was slow is taken for dead, and its work is done twice",
                      .source = "failure detection by timeout; needs a stall",
                      .found = "the work was done twice",
                      .body = heartbeat});
  sim::RunOptions short_runs;
  short_runs.operations_max = 300;
  programs.push_back(
      {.name = "retry_storm",
       .bug = "one delay, and requests are repeated faster than they are served, for ever",
       .source = "N. Bronson et al., Metastable Failures in Distributed Systems (HotOS 2021); needs a stall",
       .found = "operation budget",
       .body = retry_storm(false),
       .options = short_runs});
  programs.push_back({.name = "retry_storm_backing_off",
                      .bug = "",
                      .source = "control of retry_storm: whoever asks again waits longer",
                      .found = "",
                      .body = retry_storm(true),
                      .options = short_runs});
}

}  // namespace orrery::zoo
