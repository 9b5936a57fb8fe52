// agents.hpp: who acts in a run: the body of the test, every actor there was, and the channels between them.
// Why:  the engine asks several times per message whose a handle is, what the hash of a name is and which message of a
//       pair this is. A run may have five agents and last microseconds, or a hundred thousand.
// How:  what a message needs stands in two cache lines per agent. Names are kept as what they are made of (whose child,
//       which type, the how-manieth): their hashes are built from those pieces, the text only when somebody reads it.
// Always true:  (A1) an agent stays where it is, and what it is, until the run is over
//               (A2) two runs that do the same give every agent the same index and the same name
// Source:       SPEC A15, Z10.
#pragma once
#include "orrery/actor/cell.hpp"
#include "orrery/core/hash.hpp"
#include "orrery/sim/flat.hpp"
#include "orrery/sim/op.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::sim {

struct alignas(64) Agent {
  Op op;
  std::uint64_t path_hash = 0;
  Handle handle{};
  std::uint64_t hurried_in = 0;  ///< the period (see Engine::period_) in which it last acted without a choice
  Agent* first_to = nullptr;     ///< to whom it sent first, and how often since: see Agents::sent
  std::uint32_t sent_to_first = 0;
  std::uint32_t index = 0;
  std::uint32_t takes = 0;
  std::uint32_t resumes = 0;
  std::uint32_t timers = 0;
  std::uint32_t replies = 0;
  std::uint32_t looks = 0;
  std::uint8_t acts_at_end = 0;  ///< visible acts while the run is torn down
  bool order_matters = false;    ///< its takes and resumes are choices from now on: see Engine::order_matters()
  bool is_work = false;          ///< a piece of offloaded work: see work.hpp
};
static_assert(sizeof(Agent) == 128);

/// A message or a signal under way in a channel.
struct Carried {
  Carried* next = nullptr;
  Envelope* envelope = nullptr;
  Link* signal = nullptr;
};

/// A channel, which delivers what it carries one after the other.
struct Carrier : Agent {
  Carried* first = nullptr;
  Carried* last = nullptr;
  std::uint32_t put = 0;  ///< how much it has been given
};

class Agents {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return agents_.size() + carriers_.size(); }
  /// Returns: the body of the test, which stands for whoever is no agent.
  [[nodiscard]] Agent& test() const noexcept { return agents_[0]; }
  /// Returns: whom `handle` names or named, else test().    Cost: one load for an actor that lives, none of its record.
  [[nodiscard]] Agent& of(Handle handle) const noexcept {
    if (handle.slot < latest_.size() && latest_[handle.slot].generation == handle.generation) [[likely]] {
      return *latest_[handle.slot].agent;
    }
    return who_was(handle);
  }
  /// Returns: who lives in `slot`, or did last. Pre: somebody did.
  [[nodiscard]] Agent& in_slot(std::uint32_t slot) const noexcept { return *latest_[slot].agent; }

  /// The first agent of a run.
  void add_test();
  /// An actor that `parent` has spawned, of that type; `path` is null for an anonymous one.
  Agent& add_actor(Handle handle, Handle parent, const ActorType& type, const std::string* path);
  /// An agent that belongs to somebody else, who keeps it until the run is over.
  void adopt(Agent& agent, std::string path);
  /// Returns: the channel from one agent to another.
  [[nodiscard]] Carrier& channel(Agent& from, Agent& to);

  /// Returns: "alice", "bank/teller", "Account#3", "bank/Account#0", "alice=>bob".
  [[nodiscard]] std::string path_of(const Agent& agent) const;
  /// Returns: how many messages `from` has sent to `to`, to be counted on.
  [[nodiscard]] std::uint32_t& sent(Agent& from, Agent& to) {
    if (from.first_to == &to) return from.sent_to_first;
    return sent_to_others(from, to);
  }

  void clear();

 private:
  /// What a path is made of.
  struct Name {
    const Agent* above = nullptr;     ///< the parent of an anonymous actor, or the sender of a channel
    const Agent* to = nullptr;        ///< the receiver of a channel
    const ActorType* type = nullptr;  ///< of an anonymous actor
    std::uint32_t number = 0;         ///< among its siblings of that type; else which of given_
    std::uint32_t brood = 0;          ///< its first one, or 0
    TextHasher spelled;               ///< the hash of the path, to be continued
    Agent* earlier = nullptr;         ///< who lived in its slot before
  };
  struct Tenant {
    Agent* agent = nullptr;
    std::uint32_t generation = no_generation;
  };
  static constexpr std::uint32_t no_generation = 0xffff'ffff;
  /// Anonymous children of one type.
  struct Brood {
    std::uint64_t type = 0;
    TextHasher spelled;  ///< "<parent>/<type>#"
    std::uint32_t count = 0;
    std::uint32_t next = 0;  ///< of the same parent, or 0
  };

  /// Numbers a new agent. Returns: it.
  template <class Kind>
  Kind& add(Blocks<Kind>& kind);
  void number(Agent& agent);
  [[nodiscard]] Agent& who_was(Handle handle) const noexcept;
  [[nodiscard]] std::uint32_t& sent_to_others(Agent& from, Agent& to);
  [[nodiscard]] Brood& brood_of(const Agent& parent, const ActorType& type);
  void give(Agent& agent, std::string path);

  Blocks<Agent> agents_;  // the test and the actors
  Blocks<Carrier> carriers_;
  std::vector<Name> names_;     // by index
  std::vector<Tenant> latest_;  // by slot
  std::vector<std::string> given_;
  std::vector<Brood> broods_;
  PairTable sent_;
  PairTable channels_;  // which of carriers_, counted from 1
};

}  // namespace orrery::sim
