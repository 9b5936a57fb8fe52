// group_rows.cpp: systems that keep, and do not keep, what is promised about many together: broadcasts, rest, convergence.
#include "orrery/broker.hpp"
#include "orrery/props/bounds.hpp"
#include "orrery/props/broadcasts.hpp"
#include "orrery/props/cluster.hpp"
#include "orrery/props/convergence.hpp"
#include "orrery/props/watched.hpp"
#include "orrery/props/workload.hpp"

#include "tests/props/property_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace orrery::props_tests {
namespace {

using Log = props::MessageLog<std::uint64_t>;
using Members = props::Between<1, 4>;
using Load = props::Workload<Deposit, props::WorkloadLimits{.senders = 2, .targets = 1, .burst = 3, .pause_ms = 3}>;

// ---- broadcasts ---------------------------------------------------------------------------------------------------------

using Member = Ref<props::Watched<Account>>;

enum class Mistake : std::uint8_t { none, forgets_the_newest, thinks_twice, takes_turns_backwards };

struct Join {
  Member member;
};
/// Tells every deposit to all members.
template <Mistake mistake>
struct Fanout {
  Log log;
  std::vector<Member> members;
  std::optional<Deposit> held;
  std::uint32_t posts = 0;
  void handle(Join m) { members.push_back(m.member); }
  void handle(Deposit m, Context& context) {
    std::vector<std::string> paths;
    for (const Member& member : members) paths.push_back(context.runtime().path_of(member.handle()));
    log.published(m.number, context.path(), paths);
    if (mistake == Mistake::takes_turns_backwards && !held && ++posts == 2) {
      held = m;
      return;
    }
    send(m);
    if (held) send(*std::exchange(held, {}));
  }

 private:
  void send(Deposit m) const {
    const std::size_t count = members.size() - (mistake == Mistake::forgets_the_newest ? 1U : 0U);
    for (std::size_t i = 0; i < count; ++i) (void)members[i].tell(m);
    if (mistake == Mistake::thinks_twice && m.number % 2 == 1) (void)members.front().tell(m);
  }
};
template <Mistake mistake>
testing::AssertionResult everybody_gets_it(Runtime& rt, const Load& load, Members members) {
  const Log log;
  const props::Watch watch{log};
  const auto fanout = rt.spawn("fanout", Fanout<mistake>{log, {}, {}});
  for (std::int64_t i = 0; i < members; ++i) {
    (void)fanout.tell(Join{props::spawn_watched(rt, fmt::format("member-{}", i), make_account, watch)});
  }
  props::start(rt, load, std::vector{fanout.value()}, {});
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::reaches_everybody(log);
}

/// Publishes every deposit on a topic.
struct Publisher {
  Broker broker;
  Log log;
  std::vector<std::string> members;
  void handle(Deposit m, Context& context) {
    log.published(m.number, context.path(), members);
    (void)broker.publish("deposits.new", m);
  }
};
testing::AssertionResult topic_reaches_everybody(Runtime& rt, const Load& load, Members members) {
  const Log log;
  const props::Watch watch{log};
  Broker broker{rt};
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < members; ++i) {
    names.push_back(fmt::format("member-{}", i));
    const auto member = props::spawn_watched(rt, names.back(), make_account, watch);
    (void)broker.subscribe<Deposit>("deposits.*", member);
    (void)broker.subscribe<Deposit>("deposits.>", member);
  }
  const auto publisher = rt.spawn("publisher", Publisher{broker, log, names});
  props::start(rt, load, std::vector{publisher.value()}, {});
  if (auto rest = props::comes_to_rest(rt); !rest) return rest;
  return props::reaches_everybody(log);
}

// ---- rest ---------------------------------------------------------------------------------------------------------------

struct Ball {
  std::uint32_t left = 0;
};
template <bool gives_up>
struct Player {
  std::optional<Recipient<Ball>> other{};
  struct Meet {
    Recipient<Ball> other;
  };
  void handle(const Meet& m) { other = m.other; }
  void handle(Ball m) {
    if (m.left == 0 && gives_up) return;
    (void)other->tell(Ball{m.left == 0 ? 0 : m.left - 1});
  }
};
testing::AssertionResult a_game_ends(Runtime& rt, props::Between<0, 20> balls) {
  const auto one = rt.spawn(Player<true>{});
  const auto two = rt.spawn(Player<true>{one});
  (void)one.tell(Player<true>::Meet{two});
  (void)one.tell(Ball{static_cast<std::uint32_t>(balls)});
  return props::comes_to_rest(rt);
}
testing::AssertionResult a_game_goes_on(Runtime& rt, props::Between<0, 20> balls) {
  const auto one = rt.spawn(Player<false>{});
  const auto two = rt.spawn(Player<false>{one});
  (void)one.tell(Player<false>::Meet{two});
  (void)one.tell(Ball{static_cast<std::uint32_t>(balls)});
  return props::comes_to_rest(rt);
}

// ---- convergence --------------------------------------------------------------------------------------------------------

enum class Gossip : std::uint8_t { to_all, around_a_ring, from_the_first };

struct Rumour {
  std::uint32_t value = 0;
};
struct Value {
  using Reply = std::uint32_t;
};
template <Gossip how>
struct Node;
template <Gossip how>
struct Peers {
  std::vector<Recipient<Rumour>> all;  ///< by number, itself as well
};
/// Holds the largest value that it has heard of.
template <Gossip how>
struct Node {
  std::uint32_t number;
  std::uint32_t value;
  std::vector<Recipient<Rumour>> peers{};
  void handle(const Peers<how>& m) {
    peers = m.all;
    tell_others();
  }
  void handle(Rumour m) {
    if (m.value <= value) return;
    value = m.value;
    tell_others();
  }
  std::uint32_t handle(Value) const { return value; }

 private:
  void tell_others() const {
    for (std::uint32_t i = 0; i < peers.size(); ++i) {
      if (i == number) continue;
      if (how == Gossip::around_a_ring && i != (number + 1) % peers.size()) continue;
      if (how == Gossip::from_the_first && number != 0 && i != 0) continue;
      (void)peers[i].tell(Rumour{value});
    }
  }
};
template <Gossip how>
testing::AssertionResult survivors_agree(Runtime& rt, const props::Cluster& shape) {
  std::vector<Ref<Node<how>>> nodes;
  for (std::uint32_t i = 0; i < shape.servers; ++i) nodes.push_back(rt.spawn(Node<how>{i, 100 + i}));
  for (std::uint32_t i = 0; i < shape.servers; ++i) {
    Peers<how> peers;
    for (std::uint32_t j = 0; j < shape.servers; ++j) {
      peers.all.push_back(props::link<Rumour>(rt, shape, i, j, nodes[j]));
    }
    (void)nodes[i].tell(peers);
  }
  (void)props::settle_for_now(rt);
  (void)nodes.back().tell(Rumour{500 + static_cast<std::uint32_t>(nodes.size())});
  return props::converges(rt, nodes, shape.quorum, [](const auto& survivors) -> testing::AssertionResult {
    std::string values;
    std::optional<std::uint32_t> first;
    bool agree = true;
    for (const auto& node : survivors) {
      const std::uint32_t value = node.ask(Value{}, no_timeout).value_or(0);
      values += fmt::format("{} ", value);
      agree = agree && value == first.value_or(value);
      first = value;
    }
    return agree ? testing::AssertionSuccess() : testing::AssertionFailure() << "they hold " << values;
  });
}

}  // namespace

std::vector<Row> group_rows() {
  std::vector<Row> rows;
  rows.push_back(
      {"reaches_everybody",
       make_case("a fanout", everybody_gets_it<Mistake::none>),
       {make_case("it forgets who joined last", everybody_gets_it<Mistake::forgets_the_newest>),
        make_case("it tells the first one twice", everybody_gets_it<Mistake::thinks_twice>),
        make_case("it tells the second post after the third", everybody_gets_it<Mistake::takes_turns_backwards>)}});
  rows.push_back({"reaches_everybody", make_case("a topic, by two patterns", topic_reaches_everybody), {}});
  rows.push_back({"comes_to_rest",
                  make_case("a game that ends", a_game_ends),
                  {make_case("a game that goes on", a_game_goes_on)},
                  {.operations_max = 1'000}});
  rows.push_back({"converges",
                  make_case("everybody tells everybody", survivors_agree<Gossip::to_all>),
                  {make_case("they tell each other around a ring", survivors_agree<Gossip::around_a_ring>),
                   make_case("they all rely on the first", survivors_agree<Gossip::from_the_first>)}});
  return rows;
}

}  // namespace orrery::props_tests
