// chain_replication.cpp: writes enter at the head of a chain and are acknowledged by its tail, which also answers reads.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

namespace orrery::zoo {
namespace {

using namespace std::chrono_literals;

enum class Flaw { none, remembers_last_write_only, tail_answers_too_early };

struct Write {
  int client = 0;
  int number = 0;
};
struct Read {
  int client = 0;
};
struct Extend {
  int next = 0;
};
struct Copy {
  std::vector<Write> history;
};
struct Start {};
struct Retry {};
struct Acknowledge {
  int number = 0;
};
struct Found {
  std::size_t writes = 0;
};
struct NewTail {
  int node = 0;
};

class Node;
class Client;
struct Chain {
  Flaw flaw;
  sim::World& world;
  Cast<Node> nodes{world};
  Cast<Client> clients{world};
};

class Node {
 public:
  static constexpr int nobody = -1;
  Node(Chain* chain, int next, bool has_copy = true) : chain_{chain}, next_{next}, has_copy_{has_copy} {}

  void handle(Write m) {
    if (!is_repeated(m)) {
      if (has(m)) chain_->world.fail("a write is applied twice");
      history_.push_back(m);
      last_[m.client] = m.number;
    }
    // A repeated one goes on as well: the client may have missed the acknowledgement, which the tail then repeats.
    if (next_ != nobody) {
      chain_->nodes.tell(next_, m);
    } else {
      chain_->clients.tell(m.client, Acknowledge{m.number});
    }
  }

  void handle(Read m, Context& context) {
    if (next_ != nobody) return chain_->nodes.tell(next_, m);
    if (!has_copy_ && chain_->flaw != Flaw::tail_answers_too_early) return context.stash(m);
    chain_->clients.tell(m.client, Found{history_.size()});
  }

  /// A node joins behind this one, which was the tail.
  void handle(Extend m) {
    next_ = m.next;
    chain_->nodes.tell(next_, Copy{history_});
  }
  void handle(Copy m, Context& context) {
    history_ = std::move(m.history);
    has_copy_ = true;
    context.unstash_all();
  }

 private:
  [[nodiscard]] bool has(const Write& m) const {
    return std::ranges::any_of(history_, [&m](Write w) { return w.client == m.client && w.number == m.number; });
  }
  [[nodiscard]] bool is_repeated(const Write& m) const {
    if (chain_->flaw != Flaw::remembers_last_write_only) return has(m);
    const auto at = last_.find(m.client);
    return at != last_.end() && at->second == m.number;
  }

  Chain* chain_;
  int next_;
  bool has_copy_;
  std::vector<Write> history_{};
  std::map<int, int> last_{};  // number, by client
};

/// Writes so many values without waiting, after a second again what is not acknowledged; and reads one by one.
class Client {
 public:
  Client(Chain* chain, int me, int writes, int reads, int tail)
      : chain_{chain}, me_{me}, writes_{writes}, reads_{reads}, tail_{tail} {}

  void handle(Start, Context& context) {
    if (writes_ > 0) context.after(*this, 1s, Retry{});
    for (int number = 1; number <= writes_; ++number) {
      open_.insert(number);
      chain_->nodes.tell(0, Write{me_, number});
    }
    read();
  }
  void handle(Retry) {
    for (const int number : open_) chain_->nodes.tell(0, Write{me_, number});
  }
  void handle(Acknowledge m) { open_.erase(m.number); }
  void handle(NewTail m) { tail_ = m.node; }
  void handle(Found m) {
    if (m.writes < seen_) chain_->world.fail("a read does not see what an earlier one saw");
    seen_ = m.writes;
    read();
  }

 private:
  void read() {
    if (reads_-- > 0) chain_->nodes.tell(tail_, Read{me_});
  }

  Chain* chain_;
  int me_;
  int writes_;
  int reads_;
  int tail_;
  std::set<int> open_{};
  std::size_t seen_ = 0;
};

sim::Body retried_writes(Flaw flaw, int nodes) {
  return [flaw, nodes](sim::World& w) {
    Chain chain{flaw, w};
    for (int i = 0; i < nodes; ++i) chain.nodes.add("node", Node{&chain, i + 1 < nodes ? i + 1 : Node::nobody});
    for (int i = 0; i < 2; ++i) chain.clients.add("client", Client{&chain, i, 2, 0, nodes - 1});
    chain.clients.tell_all(Start{});
    w.run();
  };
}

/// One writes, one reads, and meanwhile a node joins behind the tail.
sim::Body repair(Flaw flaw) {
  return [flaw](sim::World& w) {
    Chain chain{flaw, w};
    chain.nodes.add("node", Node{&chain, 1});
    chain.nodes.add("node", Node{&chain, Node::nobody});
    chain.nodes.add("node", Node{&chain, Node::nobody, false});
    chain.clients.add("writer", Client{&chain, 0, 2, 0, 1});
    chain.clients.add("reader", Client{&chain, 1, 0, 3, 1});
    chain.clients.tell_all(Start{});
    chain.nodes.tell(1, Extend{2});
    chain.clients.tell(1, NewTail{2});
    w.run();
  };
}

}  // namespace

void add_chain_replication(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "R. van Renesse, F. Schneider: Chain Replication for Supporting High Throughput and Availability (OSDI 2004)";
  constexpr std::string_view corfu =
      "the chain repair of CORFU as in S. Aronis, S. Lystig Fritchie, K. Sagonas: Testing and Verifying Chain Repair "
      "Methods for CORFU (IFM 2017), simplified";
  constexpr std::string_view twice = "a write is applied twice";
  programs.insert(
      programs.end(),
      {
          {"chain_retried_write", "nodes know a repeated write only if it is the client's last one", paper, twice,
           retried_writes(Flaw::remembers_last_write_only, 3), network_with_timeouts(32)},
          {"chain_repair_at_the_tail", "a node that joins as the tail answers reads before it has its copy", corfu,
           "a read does not see what an earlier one saw", repair(Flaw::tail_answers_too_early), network()},
          {"chain_of_3_with_retries", "", paper, "", retried_writes(Flaw::none, 3), network_with_timeouts(32)},
          {"chain_repair_that_waits", "", corfu, "", repair(Flaw::none), network()},
      });
}

}  // namespace orrery::zoo
