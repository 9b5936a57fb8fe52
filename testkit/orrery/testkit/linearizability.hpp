// linearizability.hpp: can these operations have happened one at a time, each between its invocation and its return?
// Why:  clients of a concurrent system see only invocations and returns. If no order of the operations explains what they
//       saw, the system has lost, invented or delayed something, wherever in it that was.
// How:  the specification is a model: a plain value, and apply(), which says whether an operation is allowed in it and what
//       it becomes. The operations are split by key where the model says how, since a history is linearizable when each of
//       its objects is. The objects are searched (detail/linearization_search.hpp) in turns of so many steps, so that a hard
//       one takes neither the time nor the memory of the others.
// Always true:  (L1) ok and violated are proven; a search that was given up is `unknown`, and never ok
//               (L2) an operation of unknown end may take effect at any time after its invocation, or never
//               (L3) verdict, prefixes and steps depend on history, model and budget alone, unless `give_up` is set
// Not so:       an operation that failed is taken at its word: it is left out, and not checked against the model.
// Not chosen:   threads (a report would depend on who was first).
// Source:       G. Lowe: Testing for linearizability (2017); splitting by key: M. Herlihy, J. Wing (1990), Theorem 1, and
//               A. Horn, D. Kroening: Faster linearizability checking via P-compositionality (2015).
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/testkit/detail/linearization_search.hpp"
#include "orrery/testkit/history.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace orrery::testkit {

/// The state of the specification, and what it allows:
///
///     struct Counter {
///       struct Input { std::int64_t add = 0; };
///       using Output = std::int64_t;                          // the value after it
///       std::int64_t value = 0;
///       friend bool operator==(const Counter&, const Counter&) = default;
///       bool apply(const Input& input, const Output* output) {
///         value += input.add;
///         return output == nullptr || *output == value;
///       }
///     };
///
/// apply() changes the state and says whether the operation is allowed there with that output; null is an output that nobody
/// knows, and must be allowed with some output. After `false` the state is thrown away. It must depend on nothing else.
///
/// Optional members:
///   static Key key_of(const Input&)     operations with different keys do not touch each other; each key begins with the
///                                       initial state. Key has <.
///   static bool is_read(const Input&)   it never changes anything: makes the search much shorter
///   static bool overwrites(const Input&)   what it leads to depends on nothing before it, and it is always allowed
///   bool leads_to(const Input& read, const Output& output, std::span<const Input* const> others) const
///                                       false only when no order of any of the others, begun in this state, ends where the read
///                                       is allowed with this output
///   std::uint64_t hash() const          equal states have equal hashes; else the fields are hashed
///   std::size_t bytes() const           what the state holds outside of itself; else the fields are counted
template <class M>
concept LinearizableModel = std::copyable<M> && std::equality_comparable<M> && requires {
  typename M::Input;
  typename M::Output;
} && requires(M model, const typename M::Input& input, const typename M::Output* output) {
  { model.apply(input, output) } -> std::same_as<bool>;
};

enum class Linearizable : std::uint8_t { ok, violated, unknown };

/// Returns: "ok", "violated", "unknown".
[[nodiscard]] constexpr std::string_view to_string(Linearizable verdict) {
  return verdict == Linearizable::ok ? "ok" : verdict == Linearizable::violated ? "violated" : "unknown";
}

/// How much may be spent on a history before the verdict is `unknown`.
struct LinearizabilityBudget {
  std::uint64_t steps_max = 50'000'000;            ///< questions to the model and to what is remembered, of all keys
  std::size_t bytes_max = std::size_t{256} << 20;  ///< what is remembered of all keys; who holds most is given up
  std::uint64_t turn_steps = 2'000;                ///< after so many steps it is the next key's turn
  std::function<bool()> give_up{};  ///< asked after every turn; for tools, since a clock is not repeatable
};

enum class GivenUp : std::uint8_t { no, out_of_steps, out_of_memory, out_of_time };

/// Returns: "out of steps" and so on; empty for `no`.
[[nodiscard]] constexpr std::string_view to_string(GivenUp why) {
  constexpr std::string_view texts[] = {"", "out of steps", "out of memory", "out of time"};
  return texts[static_cast<std::size_t>(why)];
}

/// What became of one key. Without key_of() there is one, and its text is empty.
struct KeyVerdict {
  std::string key;
  Linearizable verdict = Linearizable::unknown;
  GivenUp given_up = GivenUp::no;
  std::size_t operations = 0;
  std::uint64_t steps = 0;
};

/// Why a history is not linearizable. Numbers are indices of its operations.
struct LinearizabilityViolation {
  std::size_t key = 0;  ///< index into LinearizabilityVerdict::keys
  /// The longest orders that are legal and explain every return before that of `first_illegal`: the longest first, at most
  /// three, which end in different states.
  std::vector<std::vector<std::size_t>> prefixes;
  /// Cut just before the return of this operation, the history is linearizable; cut just after it, it is not. Operations that
  /// are open at the cut keep their inputs and what is known of their outputs, and may have taken effect or not.
  std::size_t first_illegal = 0;
};

struct LinearizabilityVerdict {
  Linearizable verdict = Linearizable::ok;
  std::vector<KeyVerdict> keys;  ///< in the order of their first operations. Those after a violation may be `unknown`.
  std::optional<LinearizabilityViolation> violation;
  std::uint64_t steps = 0;
  std::size_t bytes_max = 0;  ///< the most that was remembered at one time

  [[nodiscard]] bool ok() const { return verdict == Linearizable::ok; }
};

namespace detail {

/// The operations of one key.
template <class Model>
struct KeyOperations {
  std::string text;
  std::vector<Candidate<Model>> known, unknown;
};

template <class Model>
[[nodiscard]] std::vector<KeyOperations<Model>> split_by_key(
    std::span<const Operation<typename Model::Input, typename Model::Output>> operations) {
  std::vector<KeyOperations<Model>> keys;
  const auto add = [&](KeyOperations<Model>& key, std::size_t index) {
    const auto& operation = operations[index];
    const bool is_ok = operation.ending == Ending::ok;
    if (operation.ending == Ending::failed) return;
    if constexpr (requires { Model::is_read(operation.input); }) {
      if (!is_ok && Model::is_read(operation.input)) return;
    }
    (is_ok ? key.known : key.unknown)
        .push_back({index, operation.invoked, is_ok ? operation.returned : never_returned, &operation.input,
                    is_ok && operation.output ? &*operation.output : nullptr});
  };
  if constexpr (requires(const typename Model::Input& input) { Model::key_of(input); }) {
    std::map<std::remove_cvref_t<decltype(Model::key_of(operations[0].input))>, std::size_t> places;
    for (std::size_t i = 0; i < operations.size(); ++i) {
      const auto& key = Model::key_of(operations[i].input);
      const auto [place, is_new] = places.try_emplace(key, keys.size());
      if (is_new) keys.push_back({describe(key), {}, {}});
      add(keys[place->second], i);
    }
  } else {
    keys.emplace_back();
    for (std::size_t i = 0; i < operations.size(); ++i) add(keys.front(), i);
  }
  return keys;
}

/// All keys of a history, in turns.
template <class Model>
class KeysInTurn {
 public:
  using Search = LinearizationSearch<Model>;

  KeysInTurn(const Model& initial, std::vector<KeyOperations<Model>> keys, const LinearizabilityBudget& budget)
      : budget_{budget} {
    for (auto& key : keys) {
      result_.keys.push_back({key.text, Linearizable::unknown, GivenUp::no, key.known.size() + key.unknown.size(), 0});
      searches_.push_back(std::make_unique<Search>(initial, std::move(key.known), std::move(key.unknown)));
    }
  }

  LinearizabilityVerdict run() {
    for (const auto& search : searches_) bytes_ += search->bytes();
    for (std::size_t open = searches_.size(); open != 0 && !result_.violation;) {
      open = 0;
      for (std::size_t key = 0; key < searches_.size() && !result_.violation; ++key) {
        if (searches_[key] != nullptr) take_turn(key);
        if (searches_[key] != nullptr) ++open;
      }
    }
    for (const KeyVerdict& key : result_.keys) {
      if (key.verdict == Linearizable::unknown) result_.verdict = Linearizable::unknown;  // L1
    }
    if (result_.violation) result_.verdict = Linearizable::violated;
    return std::move(result_);
  }

 private:
  void take_turn(std::size_t key) {
    if (result_.steps >= budget_.steps_max) return give_up(key, GivenUp::out_of_steps);
    if (is_late_) return give_up(key, GivenUp::out_of_time);
    Search& search = *searches_[key];
    const std::uint64_t steps_before = search.steps();
    const std::size_t bytes_of_others = bytes_ - search.bytes();
    const std::size_t bytes_left = budget_.bytes_max - std::min(budget_.bytes_max, bytes_of_others);
    const auto answer = search.run(std::min(budget_.turn_steps, budget_.steps_max - result_.steps), bytes_left);
    result_.keys[key].steps = search.steps();
    result_.steps += search.steps() - steps_before;
    bytes_ = bytes_of_others + search.bytes();
    result_.bytes_max = std::max(result_.bytes_max, bytes_);
    if (answer != Search::Answer::open) {
      if (answer == Search::Answer::violated) keep_violation(key);
      end(key, answer == Search::Answer::ok ? Linearizable::ok : Linearizable::violated);
    } else if (bytes_ > budget_.bytes_max) {
      give_up(largest(), GivenUp::out_of_memory);
    }
    is_late_ = is_late_ || (budget_.give_up && budget_.give_up());
  }

  void end(std::size_t key, Linearizable verdict) {
    result_.keys[key].verdict = verdict;
    bytes_ -= searches_[key]->bytes();
    searches_[key].reset();
  }
  void give_up(std::size_t key, GivenUp why) {
    result_.keys[key].given_up = why;
    end(key, Linearizable::unknown);
  }
  std::size_t largest() const {
    std::size_t at = 0;
    std::size_t most = 0;
    for (std::size_t key = 0; key < searches_.size(); ++key) {
      const std::size_t bytes = searches_[key] == nullptr ? 0 : searches_[key]->bytes();
      if (bytes <= most) continue;
      most = bytes;
      at = key;
    }
    return at;
  }
  void keep_violation(std::size_t key) {
    const Search& search = *searches_[key];
    result_.violation.emplace();
    result_.violation->key = key;
    result_.violation->first_illegal = search.first_illegal();
    for (const LegalPrefix& prefix : search.prefixes()) result_.violation->prefixes.push_back(prefix.order);
  }

  const LinearizabilityBudget& budget_;
  LinearizabilityVerdict result_;
  std::vector<std::unique_ptr<Search>> searches_;  // null when it has ended
  std::size_t bytes_ = 0;                          // of all searches
  bool is_late_ = false;
};

}  // namespace detail

/// Checks a history against the specification whose initial state is `initial`.
///
/// Threads: any.    Blocks: the thread, within the budget.
/// Cost:    near linear for the histories of correct systems with few operations of unknown end; at worst exponential in the
///          number of operations that overlap, and then the budget ends it.
template <LinearizableModel Model>
[[nodiscard]] LinearizabilityVerdict check_linearizable(
    const Model& initial, std::span<const Operation<typename Model::Input, typename Model::Output>> operations,
    const LinearizabilityBudget& budget = {}) {
  return detail::KeysInTurn<Model>{initial, detail::split_by_key<Model>(operations), budget}.run();
}
template <LinearizableModel Model>
[[nodiscard]] LinearizabilityVerdict check_linearizable(
    const Model& initial, const History<typename Model::Input, typename Model::Output>& history,
    const LinearizabilityBudget& budget = {}) {
  return check_linearizable(initial, history.operations(), budget);
}

}  // namespace orrery::testkit
