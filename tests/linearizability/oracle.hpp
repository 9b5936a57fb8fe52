// oracle.hpp: linearizability by trying every order, and histories small enough for that.
#pragma once
#include "orrery/core/entropy.hpp"
#include "orrery/testkit/history.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace orrery::testkit {

/// Tries all orders of the operations that were invoked up to `cut`. Those that returned by then must be in it.
template <class Model>
bool brute_force(const Model& state,
                 std::span<const Operation<typename Model::Input, typename Model::Output>> operations,
                 std::uint64_t cut, std::uint64_t taken = 0) {
  const auto is_due = [&](std::size_t i) {
    return operations[i].ending == Ending::ok && operations[i].returned <= cut && (taken >> i & 1) == 0;
  };
  bool all = true;
  for (std::size_t i = 0; i < operations.size(); ++i) all = all && !is_due(i);
  if (all) return true;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto& operation = operations[i];
    if ((taken >> i & 1) != 0 || operation.ending == Ending::failed || operation.invoked > cut) continue;
    bool must_wait = false;
    for (std::size_t j = 0; j < operations.size(); ++j) {
      must_wait = must_wait || (operations[j].ending == Ending::ok && (taken >> j & 1) == 0 &&
                                operations[j].returned < operation.invoked);
    }
    if (must_wait) continue;
    Model next = state;
    const bool has_output = operation.ending == Ending::ok && operation.output;
    if (!next.apply(operation.input, has_output ? &*operation.output : nullptr)) continue;
    if (brute_force(next, operations, cut, taken | std::uint64_t{1} << i)) return true;
  }
  return false;
}

/// Returns: the position of the first return that no order reaches.
template <class Model>
std::optional<std::uint64_t> first_illegal_return(
    const Model& initial, std::span<const Operation<typename Model::Input, typename Model::Output>> operations) {
  std::vector<std::uint64_t> returns;
  for (const auto& operation : operations) {
    if (operation.ending == Ending::ok) returns.push_back(operation.returned);
  }
  std::ranges::sort(returns);
  for (const std::uint64_t at : returns) {
    if (!brute_force(initial, operations, at)) return at;
  }
  return std::nullopt;
}

/// What clients would see of a system that is now and then wrong. `World` has: Model; a state that starts as World{};
/// any_input(entropy), run(input) -> output, any_output(entropy).
template <class World>
auto small_history(Entropy& entropy, std::size_t operations_max) {
  using Input = typename World::Model::Input;
  using Output = typename World::Model::Output;
  struct Client {
    bool is_open = false;
    Input input{};
    std::optional<Output> output;
  };
  History<Input, Output> history;
  World world;
  std::vector<Client> clients(1 + entropy.below(4));
  const std::uint64_t wrong_one_in = 3 + entropy.below(30);
  const std::uint64_t unknown_below = 3 + entropy.below(10);  // of 20 endings
  std::size_t left = 1 + entropy.below(operations_max);
  std::uint64_t idle_at_the_end = entropy.below(4);
  for (std::size_t open = 0; left != 0 || open > idle_at_the_end;) {
    const std::uint64_t process = entropy.below(clients.size());
    Client& client = clients[process];
    if (!client.is_open) {
      if (left == 0) continue;
      --left;
      ++open;
      client = {true, World::any_input(entropy), {}};
      history.invoke(process, client.input);
    } else if (!client.output && entropy.chance({1, 2})) {
      client.output = world.run(client.input);
    } else {
      const std::uint64_t ending = entropy.below(20);
      if (!client.output && ending != 0 && entropy.chance({2, 3})) client.output = world.run(client.input);
      client.is_open = false;
      --open;
      if (ending < 2) {
        history.fail(process);
      } else if (ending < unknown_below) {
        history.info(process);
      } else if (ending == 19 || !client.output) {
        history.ok(process);
      } else {
        history.ok(process, entropy.below(wrong_one_in) == 0 ? World::any_output(entropy) : *client.output);
      }
    }
  }
  if (entropy.below(4) != 0) return history;
  // Some with equal positions, and not in the order of invocation.
  std::vector<Operation<Input, Output>> all{history.operations().begin(), history.operations().end()};
  entropy.shuffle(all);
  History<Input, Output> with_ties;
  for (auto operation : all) {
    operation.invoked /= 2;
    if (operation.returned != never_returned)
      operation.returned = std::max(operation.returned / 2, operation.invoked + 1);
    with_ties.add(operation);
  }
  return with_ties;
}

}  // namespace orrery::testkit
