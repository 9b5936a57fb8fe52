// lease.cpp: a lock that is granted for a time. The server gives it to the next when that time is over, counted from the grant;
// so a holder must not believe in it any longer than that, though it does not know when the grant was made.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <chrono>

namespace orrery::zoo {
namespace {

using namespace std::chrono_literals;

enum class Flaw { none, counts_from_the_answer };

constexpr Duration term = 2s;

struct Want {};
struct Ask {
  int client = 0;
};
struct Granted {};
struct TermOver {};

class Server;
class Client;
struct Lock {
  struct Tenure {
    int client;
    Instant from;
    Instant until;
  };
  Flaw flaw;
  sim::World& world;
  Cast<Client> clients{world};
  Ref<Server> server{};
  std::vector<Tenure> tenures{};

  /// The client believes that it holds the lock from one instant until, but not including, the other.
  void holds(const Tenure& next) {
    for (const Tenure& other : tenures) {
      if (other.client != next.client && other.from < next.until && next.from < other.until) {
        world.fail("two clients hold the lock");
      }
    }
    tenures.push_back(next);
  }
};

class Server {
 public:
  explicit Server(Lock* lock) : lock_{lock} {}
  void handle(Ask m, Context& context) {
    waiting_.push_back(m.client);
    if (!is_granted_) grant(context);
  }
  void handle(TermOver, Context& context) {
    is_granted_ = false;
    if (!waiting_.empty()) grant(context);
  }

 private:
  void grant(Context& context);

  Lock* lock_;
  bool is_granted_ = false;
  std::vector<int> waiting_{};
};

class Client {
 public:
  Client(Lock* lock, int me) : lock_{lock}, me_{me} {}
  void handle(Want, Context& context) {
    asked_ = context.now();
    (void)lock_->server.tell(Ask{me_});
  }
  void handle(Granted, Context& context) {
    const Instant from = context.now();
    const Instant until = (lock_->flaw == Flaw::counts_from_the_answer ? from : asked_) + term;
    if (from < until) {
      lock_->holds({me_, from, until});
    } else if (tries_++ < 2) {
      handle(Want{}, context);
    }
  }

 private:
  Lock* lock_;
  int me_;
  Instant asked_{};
  int tries_ = 0;
};

void Server::grant(Context& context) {
  is_granted_ = true;
  context.after(*this, term, TermOver{});
  const int client = waiting_.front();
  waiting_.erase(waiting_.begin());
  lock_->clients.tell(client, Granted{});
}

sim::Body lock(Flaw flaw, int clients) {
  return [flaw, clients](sim::World& w) {
    Lock lock{flaw, w};
    lock.server = w.spawn("server", Server{&lock}).value();
    for (int i = 0; i < clients; ++i) lock.clients.add("client", Client{&lock, i});
    lock.clients.tell_all(Want{});
    w.run();
  };
}

}  // namespace

void add_lease(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "C. Gray, D. Cheriton: Leases - An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency "
      "(SOSP 1989)";
  programs.insert(programs.end(),
                  {
                      {"lease_from_the_answer", "a client counts its lease from when it hears of it", paper,
                       "two clients hold the lock", lock(Flaw::counts_from_the_answer, 3), network_with_timeouts(16)},
                      {"lease_from_the_question", "", paper, "", lock(Flaw::none, 3), network_with_timeouts(24)},
                  });
}

}  // namespace orrery::zoo
