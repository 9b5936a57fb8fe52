// locks.cpp: things of which only so many may be had at once, lent by an actor that keeps the others waiting.
#include "tests/zoo/systems.hpp"

#include <deque>
#include <string>

namespace orrery::zoo {

namespace {

using namespace std::chrono_literals;

// ---- a lock for many readers or one writer -----------------------------------------------------------------------------

struct Enter {
  using Reply = void;
  bool writes = false;
};
struct Leave {
  bool writes = false;
};

struct ReadWriteLock {
  bool counts = false;
  int readers = 0;
  bool writer = false;
  std::deque<std::pair<bool, OpenAsk<Enter>>> waiting{};
  void handle(Enter m, Context& context) {
    waiting.emplace_back(m.writes, context.open_ask<Enter>());
    admit();
  }
  void handle(Leave m) {
    if (m.writes) {
      writer = false;
    } else if (counts) {
      --readers;
    } else {
      readers = 0;  // forgets that there may be others
    }
    admit();
  }
  void admit() {
    while (!waiting.empty() && !writer && (!waiting.front().first || readers == 0)) {
      auto [writes, ask] = std::move(waiting.front());
      waiting.pop_front();
      if (writes) {
        writer = true;
      } else {
        ++readers;
      }
      ask.answer();
    }
  }
};

/// What the lock protects: sees who is within.
struct Book {
  sim::World* world;
  int readers = 0;
  int writers = 0;
  void handle(Enter m) {
    ++(m.writes ? writers : readers);
    if (writers > 1 || (writers == 1 && readers > 0)) world->fail("a writer is not alone");
  }
  void handle(Leave m) { --(m.writes ? writers : readers); }
};

struct Borrower {
  Ref<ReadWriteLock> lock;
  Ref<Book> book;
  bool writes = false;
  void handle(Go) const {
    (void)lock.ask(Enter{writes}, no_timeout);
    (void)book.ask(Enter{writes}, no_timeout);
    book.tell(Leave{writes});
    lock.tell(Leave{writes});
  }
};

sim::Body read_and_write(bool counts) {
  return [counts](sim::World& w) {
    const Ref<ReadWriteLock> lock = w.spawn<ReadWriteLock>(counts);
    const auto book = w.spawn("book", Book{&w});
    Start{w.spawn(Borrower{lock, book, false}), w.spawn(Borrower{lock, book, false}),
          w.spawn(Borrower{lock, book, true})};
    w.run();
  };
}

// ---- a semaphore whose waiters give up ---------------------------------------------------------------------------------

struct Acquire {
  using Reply = void;
  int who = 0;
};
struct Release {
  int who = 0;
};
struct Withdraw {
  int who = 0;
};

struct Semaphore {
  int permits = 1;
  std::deque<std::pair<int, OpenAsk<Acquire>>> waiting{};
  std::vector<int> holders{};
  void handle(Acquire m, Context& context) {
    waiting.emplace_back(m.who, context.open_ask<Acquire>());
    grant();
  }
  void handle(Release m) {
    std::erase(holders, m.who);
    ++permits;
    grant();
  }
  /// Who gave up has no use for the permit, whether it was granted meanwhile or not.
  void handle(Withdraw m) {
    if (std::erase(holders, m.who) > 0) {
      ++permits;
      grant();
    } else {
      std::erase_if(waiting, [&](const auto& one) { return one.first == m.who; });
    }
  }
  void grant() {
    while (permits > 0 && !waiting.empty()) {
      --permits;
      auto [who, ask] = std::move(waiting.front());
      waiting.pop_front();
      holders.push_back(who);
      ask.answer();
    }
  }
};

struct Worker {
  Ref<Semaphore> semaphore;
  int who = 0;
  bool withdraws = false;
  void handle(Go) const {
    if (semaphore.ask(Acquire{who}, 1s)) {
      semaphore.tell(Release{who});
    } else if (withdraws) {
      semaphore.tell(Withdraw{who});
    }
  }
};

sim::Body permits(bool withdraws) {
  return [withdraws](sim::World& w) {
    const Ref<Semaphore> semaphore = w.spawn<Semaphore>();
    for (int i = 0; i < 3; ++i) start(w.spawn(Worker{semaphore, i, withdraws}));
    w.run();
    if (w.peek(semaphore).permits != 1) w.fail("a permit is lost");
  };
}

// ---- a lease that its holder thinks it still has -----------------------------------------------------------------------

struct Lease {
  int token = 0;
  Instant until{};
};
struct Want {
  using Reply = Lease;
};
struct Expired {
  int token = 0;
};
struct Landlord {
  int token = 0;
  bool let = false;
  std::deque<OpenAsk<Want>> waiting{};
  Answer<Lease> handle(Want, Context& context) {
    waiting.push_back(context.open_ask<Want>());
    grant(context);
    return elsewhere;
  }
  void handle(Expired, Context& context) {
    let = false;
    grant(context);
  }
  void grant(Context& context) {
    if (let || waiting.empty()) return;
    let = true;
    OpenAsk<Want> first = std::move(waiting.front());
    waiting.pop_front();
    context.after(*this, 10s, Expired{++token});
    first.answer(Lease{token, context.now() + 10s});
  }
};
struct Write {
  int token = 0;
};
struct Store {
  sim::World* world;
  bool fenced = false;
  int newest = 0;
  void handle(Write m) {
    if (m.token < newest && !fenced) world->fail("written under a lease that had ended");
    newest = std::max(newest, m.token);
  }
};
struct Tenant {
  Ref<Landlord> landlord;
  Ref<Store> store;
  void handle(Go, Context& context) const {
    const Lease lease = landlord.ask(Want{}, no_timeout).value();
    for (int i = 0; i < 3; ++i) {
      if (context.now() < lease.until) store.tell(Write{lease.token});
    }
  }
};

sim::Body lease(bool fenced) {
  return [fenced](sim::World& w) {
    const Ref<Landlord> landlord = w.spawn<Landlord>();
    const auto store = w.spawn("store", Store{&w, fenced});
    Start{w.spawn(Tenant{landlord, store}), w.spawn(Tenant{landlord, store})};
    w.run();
  };
}

// ---- philosophers ------------------------------------------------------------------------------------------------------

struct Take {
  using Reply = void;
};
struct PutDown {};
struct Fork {
  bool taken = false;
  std::deque<OpenAsk<Take>> waiting{};
  void handle(Take, Context& context) {
    waiting.push_back(context.open_ask<Take>());
    hand_out();
  }
  void handle(PutDown) {
    taken = false;
    hand_out();
  }
  void hand_out() {
    if (taken || waiting.empty()) return;
    taken = true;
    OpenAsk<Take> first = std::move(waiting.front());
    waiting.pop_front();
    first.answer();
  }
};
struct Philosopher {
  Ref<Fork> first;
  Ref<Fork> second;
  void handle(Go) const {
    (void)first.ask(Take{}, no_timeout);
    (void)second.ask(Take{}, no_timeout);
    first.tell(PutDown{});
    second.tell(PutDown{});
  }
};

sim::Body dinner(std::size_t philosophers, bool ordered) {
  return [philosophers, ordered](sim::World& w) {
    std::vector<Ref<Fork>> forks;
    for (std::size_t i = 0; i < philosophers; ++i) forks.push_back(w.spawn<Fork>());
    for (std::size_t i = 0; i < philosophers; ++i) {
      std::size_t first = i;
      std::size_t second = (i + 1) % philosophers;
      if (ordered && first > second) std::swap(first, second);
      const auto philosopher = w.spawn("philosopher" + std::to_string(i), Philosopher{forks[first], forks[second]});
      start_late(w, static_cast<int>(i), philosopher);
    }
    w.run();
  };
}

}  // namespace

void add_locks(std::vector<Program>& programs) {
  programs.push_back(
      {.name = "read_write_lock",
       .bug = "the lock forgets that there is a second reader when the first leaves, and lets a writer in",
       .source = "reader-writer lock, re-expressed with messages",
       .found = "a writer is not alone",
       .body = read_and_write(false),
       .options = without_stalls()});
  programs.push_back({.name = "read_write_lock_counted",
                      .bug = "",
                      .source = "control of read_write_lock: counts the readers",
                      .found = "",
                      .body = read_and_write(true)});
  programs.push_back({.name = "semaphore_leak",
                      .bug = "a permit is granted to somebody who gave up waiting, and never comes back",
                      .source = "late grants of resource pools; needs a stall",
                      .found = "a permit is lost",
                      .body = permits(false)});
  programs.push_back({.name = "semaphore_withdrawn",
                      .bug = "",
                      .source = "control of semaphore_leak: who gives up says so",
                      .found = "",
                      .body = permits(true)});
  programs.push_back({.name = "lease",
                      .bug = "a holder looks at the clock, and writes when the lease is somebody else's",
                      .source = "M. Kleppmann, How to do distributed locking (2016); needs a stall",
                      .found = "written under a lease that had ended",
                      .body = lease(false)});
  programs.push_back({.name = "lease_fenced",
                      .bug = "",
                      .source = "control of lease: the store refuses a token older than one that it has seen",
                      .found = "",
                      .body = lease(true)});
  programs.push_back({.name = "philosophers_5",
                      .bug = "each of five philosophers has one fork and waits for the other",
                      .source = "E. W. Dijkstra (EWD 310)",
                      .found = "philosopher0 ",
                      .body = dinner(5, false),
                      .options = without_stalls()});
  programs.push_back({.name = "philosophers_5_ordered",
                      .bug = "",
                      .source = "control of philosophers_5: forks are taken in the order of their numbers",
                      .found = "",
                      .body = dinner(5, true)});
}

}  // namespace orrery::zoo
