// linearization_search.hpp: looks for an order of the operations of one object that its model allows.
// Why:  the question is NP-hard, so the search has to be one that can be stopped, continued and given up, and that finds
//       its answer at once for the histories that systems make.
// How:  Wing and Gong's: an operation that was invoked before the first return that is still to come can be next. It is
//       taken out of a linked list of invocations and returns when the model allows it and put back when nothing that
//       follows leads to an end. The recursion is a stack of frames, so it stops after any step. Places already explored
//       are remembered (Lowe; see linearization_cache.hpp). Some things make it fast, and none loses an answer:
//         - a read that is allowed now is taken at once and alone: it can be moved here from wherever it stands in an order
//           that succeeds, since nothing is missed where it stood. (That it changes nothing here would not be enough: a
//           removal of what is not there yet may have to wait for what it removes.)
//         - operations of unknown end are tried when all others have been, the equal ones in the order of their
//           invocation, and never where they change nothing; one that overwrites everything only where a read waits for it,
//           or something that neither reads nor overwrites could follow;
//         - an operation of unknown end is of use only to the next one: it is dropped where the next one would have led
//           to the same state without it;
//         - a model that can tell that a read will never be explained ends a branch before all orders of what comes first
//           were tried;
//         - rows of them are first short: a search that saw no longer one is complete, else the limit is doubled and the
//           search begins again.
// Always true:  (S1) `ok` has an order in hand; `violated` is said only when every place that could matter was explored
//                    without a limit on rows
//               (S2) the farthest return is the first that no explored order could pass
//               (S3) how it goes depends on history, model and number of steps alone
// Source:       J. Wing, C. Gong: Testing and verifying concurrent objects (1993). G. Lowe: Testing for linearizability
//               (2017). The linked list is that of A. Horn, D. Kroening: Faster linearizability checking via
//               P-compositionality (2015).
#pragma once
#include "orrery/testkit/detail/linearization_cache.hpp"
#include "orrery/testkit/detail/model_value.hpp"
#include "orrery/testkit/history.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery::testkit::detail {

/// An operation of the history as the search sees it. `output` is null when it is not known.
template <class Model>
struct Candidate {
  std::size_t operation;
  std::uint64_t invoked;
  std::uint64_t returned;  ///< never_returned for one of unknown end
  const typename Model::Input* input;
  const typename Model::Output* output;
};

/// A longest order that is legal, by indices of operations.
struct LegalPrefix {
  std::vector<std::size_t> order;
  std::uint32_t state;
};

template <class Model>
class LinearizationSearch {
 public:
  enum class Answer : std::uint8_t { open, ok, violated };
  static constexpr std::size_t prefixes_max = 3;
  static constexpr std::size_t reads_ahead = 4;

  /// `known` returned; `unknown` may be left out. Both keep pointers into the history.
  LinearizationSearch(const Model& initial, std::vector<Candidate<Model>> known, std::vector<Candidate<Model>> unknown)
      : known_{std::move(known)}, unknown_{std::move(unknown)} {
    const auto by_invocation = [](const Candidate<Model>& a, const Candidate<Model>& b) {
      return std::pair{a.invoked, a.operation} < std::pair{b.invoked, b.operation};
    };
    std::ranges::sort(known_, by_invocation);
    std::ranges::sort(unknown_, by_invocation);
    number_events();
    sort_into_classes();
    begin(initial);
  }

  /// Goes on for about so many steps (a step is a question to the model, or to the cache), or until it keeps so many bytes.
  Answer run(std::uint64_t steps, std::size_t bytes_limit) {
    const std::uint64_t stop = steps_ + steps;
    while (answer_ == Answer::open && steps_ < stop && bytes() <= bytes_limit) take_step();
    return answer_;
  }

  [[nodiscard]] Answer answer() const { return answer_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::size_t bytes() const {
    return cache_.bytes() + state_numbers_.bytes() + state_bytes_ + stack_.capacity() * sizeof(Frame) +
           choices_.capacity() * sizeof(Choice) + links_.capacity() * sizeof(Link) +
           helpers_.capacity() * sizeof(Number) + helper_bytes_;
  }
  /// Pre: violated.    Returns: the index of the operation whose return no order reaches.
  [[nodiscard]] std::size_t first_illegal() const { return known_[item_of_[best_return_]].operation; }
  /// Returns: orders that go as far as any, the longest first; they end in different states.
  [[nodiscard]] const std::vector<LegalPrefix>& prefixes() const { return prefixes_; }

 private:
  using Number = std::uint32_t;
  static constexpr Number none = std::numeric_limits<Number>::max();

  struct Link {
    Number before, after;
  };
  struct Choice {
    Number item, state;
  };
  /// Operations of unknown end with equal inputs, in the order of their invocation; so many of them are taken.
  struct Class {
    std::vector<Number> members;
    std::size_t taken = 0;
    bool overwrites = false;
    std::optional<Model> overwritten{};  ///< what an overwriting one leads to, once that was asked for
  };
  /// A place: how it was reached, and what was tried from it.
  struct Frame {
    Number item = none;  ///< taken to come here: an index in known_, or in unknown_
    bool by_unknown = false;
    bool was_looked_at = false;  ///< its choices are listed
    bool is_hopeless = false;    ///< a read that is still to come can never be explained from here
    bool takes_read = false;     ///< there is one choice, and no other way is worth trying
    bool is_leaf = true;         ///< no operation of known end was taken from here, nor from a row that begins here
    Number state = 0;
    Number end_before = 0;    ///< Linearized::end before `item`
    Number row = 0;           ///< how many of unknown end were taken in a row to come here
    Number of_class = none;   ///< of `item`, if it is of unknown end
    std::size_t choices = 0;  ///< where its choices begin in choices_
    std::size_t next_choice = 0;
    bool has_helpers = false;
    std::size_t helpers = 0;  ///< where its helpers begin in helpers_
    std::size_t next_helper = 0;
  };

  // Events of known_ are numbered in the order of their positions, invocations before returns where those are equal.
  // Event numbers begin with 1: 0 is the head of the list.
  void number_events() {
    struct Event {
      std::uint64_t position;
      bool is_return;
      Number item;
    };
    std::vector<Event> events;
    for (Number i = 0; i < known_.size(); ++i) {
      events.push_back({known_[i].invoked, false, i});
      events.push_back({known_[i].returned, true, i});
    }
    std::ranges::sort(events, [](const Event& a, const Event& b) {
      return std::tuple{a.position, a.is_return, a.item} < std::tuple{b.position, b.is_return, b.item};
    });
    const auto count = static_cast<Number>(events.size());
    item_of_.assign(count + 2, none);
    is_return_.assign(count + 2, false);
    call_of_.resize(known_.size());
    return_of_.resize(known_.size());
    links_.resize(count + 2);
    for (Number i = 0; i < count; ++i) {
      item_of_[i + 1] = events[i].item;
      is_return_[i + 1] = events[i].is_return;
      (events[i].is_return ? return_of_ : call_of_)[events[i].item] = i + 1;
    }
    for (Number i = 0; i < count + 2; ++i) links_[i] = {i == 0 ? 0 : i - 1, i + 1};
  }

  /// Operations of unknown end with equal inputs can stand for each other from the later invocation on: they are taken in the
  /// order of their invocation.
  void sort_into_classes() {
    std::map<std::uint64_t, std::vector<Number>> with_hash;
    for (Number i = 0; i < unknown_.size(); ++i) {
      const typename Model::Input& input = *unknown_[i].input;
      Number equal = none;
      if constexpr (is_comparable<typename Model::Input>) {
        std::vector<Number>& classes = with_hash[state_hash(input)];
        for (const Number other : classes) {
          if (*unknown_[classes_[other].members.front()].input == input) equal = other;
        }
        if (equal == none) classes.push_back(static_cast<Number>(classes_.size()));
      }
      if (equal != none) {
        classes_[equal].members.push_back(i);
      } else {
        classes_.push_back({{i}, 0, overwrites(input), {}});
        if (!overwrites(input)) {
          first_not_overwriting_ = std::min(first_not_overwriting_, unknown_[i].invoked);
        }
      }
    }
    helpers_of_.resize(classes_.empty() ? 0 : known_.size());
  }

  void begin(const Model& initial) {
    done_ = {};
    done_.used.assign((unknown_.size() + 63) / 64, 0);
    left_ = known_.size();
    prefixes_.clear();
    best_return_ = 0;
    stack_.assign(1, Frame{});
    stack_.back().state = number_of(initial);
    if (left_ == 0) answer_ = Answer::ok;
  }

  /// Returns: the number under which an equal state is kept.
  Number number_of(const Model& state) {
    const std::uint64_t hash = state_hash(state);
    Number found = none;
    const bool is_known = state_numbers_.any(hash, [&](Number number) {
      ++steps_;
      found = number;
      return states_[number] == state;
    });
    if (is_known) return found;
    states_.push_back(state);
    state_bytes_ += sizeof(Model) + bytes_outside(state);
    return state_numbers_.add(hash);
  }
  /// Returns: the state that `candidate` leads to, or none where the model forbids it.
  Number after(Number state, const Candidate<Model>& candidate) {
    ++steps_;
    Model next = states_[state];
    if (!next.apply(*candidate.input, candidate.output)) return none;
    return next == states_[state] ? state : number_of(next);
  }

  void take_step() {
    Frame& frame = stack_.back();
    if (!frame.was_looked_at) return look(frame);
    if (frame.next_choice < choices_.size() - frame.choices) return try_known(frame);
    if (!frame.takes_read && !frame.is_hopeless && !classes_.empty()) {
      if (!frame.has_helpers) look_for_helpers(frame);
      if (frame.next_helper < helpers_.size() - frame.helpers) {
        return try_unknown(frame, helpers_[frame.helpers + frame.next_helper++]);
      }
    }
    leave();
  }

  Number first_return() const {
    Number at = links_[0].after;
    while (!is_return_[at]) at = links_[at].after;
    return at;
  }
  std::uint64_t first_return_position() const { return known_[item_of_[first_return()]].returned; }
  static bool is_read(const typename Model::Input& input) {
    if constexpr (requires { Model::is_read(input); }) return Model::is_read(input);
    return false;
  }

  /// Asks the model whether the reads that are still to come can be explained. Only as far as other orders came: who has not
  /// passed the farthest return may yet (S2), and the way there costs nothing this way.
  bool is_hopeless(Number state) {
    if constexpr (requires(const Model& model, const typename Model::Input& input, const typename Model::Output& output,
                           std::vector<const typename Model::Input*> others) {
                    model.leads_to(input, output, others);
                  }) {
      others_.clear();
      bool all_overwrite =
          true;  // then an operation of unknown end is of use to a read only if it writes what was read
      std::size_t classes_added = 0;
      std::size_t reads_left = reads_ahead;
      for (Number at = links_[0].after; at <= best_return_ && reads_left != 0; at = links_[at].after) {
        const Candidate<Model>& item = known_[item_of_[at]];
        if (!is_return_[at]) {
          if (is_read(*item.input)) continue;
          others_.push_back(item.input);
          all_overwrite = all_overwrite && overwrites(*item.input);
          continue;
        }
        if (!is_read(*item.input) || item.output == nullptr) continue;
        --reads_left;
        all_overwrite = all_overwrite && first_not_overwriting_ > item.returned;
        if (all_overwrite && has_helper(item_of_[at])) return false;
        while (!all_overwrite && classes_added < classes_.size() && invoked_first(classes_added) <= item.returned) {
          others_.push_back(unknown_[classes_[classes_added++].members.front()].input);
        }
        ++steps_;
        if (!states_[state].leads_to(*item.input, *item.output, others_)) return true;
      }
    }
    return false;
  }
  std::uint64_t invoked_first(std::size_t of_class) const {
    return unknown_[classes_[of_class].members.front()].invoked;
  }
  bool has_helper(Number item) {
    if (classes_.empty()) return false;
    return std::ranges::any_of(helpers_of(item), [&](Number i) {
      const Class& equal = classes_[i];
      return equal.taken < equal.members.size() &&
             unknown_[equal.members[equal.taken]].invoked <= known_[item].returned;
    });
  }

  static bool overwrites(const typename Model::Input& input) {
    if constexpr (requires { Model::overwrites(input); }) return Model::overwrites(input);
    return false;
  }

  /// Lists what can be next.
  void look(Frame& frame) {
    frame.was_looked_at = true;
    frame.choices = choices_.size();
    frame.is_hopeless = is_hopeless(frame.state);
    if (frame.is_hopeless) return;
    for (Number at = links_[0].after; !is_return_[at]; at = links_[at].after) {
      const Number state = after(frame.state, known_[item_of_[at]]);
      if (state == none) continue;
      frame.takes_read = is_read(*known_[item_of_[at]].input);
      if (frame.takes_read) choices_.resize(frame.choices);
      choices_.push_back({item_of_[at], state});
      if (frame.takes_read) return;
    }
  }

  void try_known(Frame& frame) {
    const Choice choice = choices_[frame.choices + frame.next_choice++];
    if (frame.by_unknown) {
      // The frame below lists the same operations: was this one as good without the operation of unknown end?
      const Frame& below = stack_[stack_.size() - 2];
      for (std::size_t i = below.choices; i < frame.choices; ++i) {
        if (choices_[i].item == choice.item && choices_[i].state == choice.state) return;
      }
    }
    const Number end_before = done_.end;
    done_.add(choice.item);
    if (!cache_.add(done_, choice.state, steps_)) {
      done_.remove(choice.item, end_before);
      return;
    }
    frame.is_leaf = false;
    unlink(call_of_[choice.item]);
    unlink(return_of_[choice.item]);
    stack_.push_back({.item = choice.item, .state = choice.state, .end_before = end_before});
    if (--left_ == 0) answer_ = Answer::ok;
  }

  /// Lists the classes of unknown end that may be of use here: it is enough to ask what the next operation makes of them.
  void look_for_helpers(Frame& frame) {
    frame.has_helpers = true;
    frame.helpers = helpers_.size();
    const std::uint64_t position = first_return_position();
    bool only_reads_can_tell = first_not_overwriting_ > position;
    for (Number at = links_[0].after; !is_return_[at]; at = links_[at].after) {
      const Candidate<Model>& open = known_[item_of_[at]];
      if (is_read(*open.input)) {
        if (!only_reads_can_tell) continue;
        const std::vector<Number>& helpers = helpers_of(item_of_[at]);
        helpers_.insert(helpers_.end(), helpers.begin(), helpers.end());
      } else if (!overwrites(*open.input)) {
        only_reads_can_tell = false;
      }
    }
    if (only_reads_can_tell) {
      const auto mine = helpers_.begin() + static_cast<std::ptrdiff_t>(frame.helpers);
      std::sort(mine, helpers_.end());
      helpers_.erase(std::unique(mine, helpers_.end()), helpers_.end());
      return;
    }
    helpers_.resize(frame.helpers);
    for (Number i = 0; i < classes_.size(); ++i) {
      if (unknown_[classes_[i].members.front()].invoked > position) break;
      helpers_.push_back(i);
    }
  }

  /// Returns: the classes of overwriting operations after which the read `item` is allowed.
  const std::vector<Number>& helpers_of(Number item) {
    std::optional<std::vector<Number>>& list = helpers_of_[item];
    if (list) return *list;
    list.emplace();
    for (Number i = 0; i < classes_.size(); ++i) {
      if (!classes_[i].overwrites) continue;
      ++steps_;
      std::optional<Model>& state = classes_[i].overwritten;
      if (!state) {
        state = states_[0];
        if (!state->apply(*unknown_[classes_[i].members.front()].input, nullptr)) continue;
      }
      if (state->apply(*known_[item].input, known_[item].output)) list->push_back(i);
    }
    helper_bytes_ += list->capacity() * sizeof(Number);
    return *list;
  }

  void try_unknown(Frame& frame, Number of_class) {
    Class& equal = classes_[of_class];
    if (equal.taken == equal.members.size()) return;
    const Number item = equal.members[equal.taken];
    if (unknown_[item].invoked > first_return_position()) return;
    const Number state = after(frame.state, unknown_[item]);
    if (state == none || state == frame.state) return;
    if (frame.by_unknown && after(stack_[stack_.size() - 2].state, unknown_[item]) == state) return;
    if (frame.row == row_max_) {
      is_cut_short_ = true;
      return;
    }
    ++equal.taken;
    done_.flip(item);
    stack_.push_back({.item = item, .by_unknown = true, .state = state, .row = frame.row + 1, .of_class = of_class});
  }

  /// Nothing leads on from here: takes back what led here.
  void leave() {
    const Frame frame = stack_.back();
    if (frame.is_leaf && !frame.by_unknown) keep_if_farthest(frame);
    choices_.resize(frame.choices);
    if (frame.has_helpers) helpers_.resize(frame.helpers);
    stack_.pop_back();
    if (stack_.empty()) return end_round();
    if (frame.by_unknown) {
      done_.flip(frame.item);
      --classes_[frame.of_class].taken;
      if (!frame.is_leaf) stack_.back().is_leaf = false;
      return;
    }
    relink(return_of_[frame.item]);
    relink(call_of_[frame.item]);
    done_.remove(frame.item, frame.end_before);
    ++left_;
  }

  void end_round() {
    if (!is_cut_short_) {
      answer_ = Answer::violated;
      return;
    }
    is_cut_short_ = false;
    row_max_ *= 2;
    cache_ = {};
    begin(Model{states_[0]});
  }

  void keep_if_farthest(const Frame& frame) {
    const Number at = first_return();
    if (at < best_return_) return;
    if (at > best_return_) prefixes_.clear();
    best_return_ = at;
    const std::size_t length = stack_.size() - 1;
    const auto same_state = std::ranges::find(prefixes_, frame.state, &LegalPrefix::state);
    if (same_state != prefixes_.end()) {
      if (same_state->order.size() >= length) return;
      prefixes_.erase(same_state);
    } else if (prefixes_.size() == prefixes_max) {
      if (prefixes_.back().order.size() >= length) return;
      prefixes_.pop_back();
    }
    LegalPrefix prefix{{}, frame.state};
    prefix.order.reserve(length);
    for (std::size_t i = 1; i < stack_.size(); ++i) {
      prefix.order.push_back((stack_[i].by_unknown ? unknown_ : known_)[stack_[i].item].operation);
    }
    const auto shorter = [&](const LegalPrefix& other) { return other.order.size() < length; };
    prefixes_.insert(std::ranges::find_if(prefixes_, shorter), std::move(prefix));
  }

  // An event that was taken out keeps its own links, so that it can be put back in the opposite order.
  void unlink(Number at) {
    links_[links_[at].before].after = links_[at].after;
    links_[links_[at].after].before = links_[at].before;
  }
  void relink(Number at) {
    links_[links_[at].before].after = at;
    links_[links_[at].after].before = at;
  }

  std::vector<Candidate<Model>> known_, unknown_;
  std::vector<Class> classes_;  // of unknown_, in the order of their first members
  std::uint64_t first_not_overwriting_ = never_returned;
  std::vector<std::optional<std::vector<Number>>> helpers_of_;  // of known_
  std::size_t helper_bytes_ = 0;
  std::vector<Number> item_of_, call_of_, return_of_;
  std::vector<bool> is_return_;
  std::vector<Link> links_;

  Linearized done_;
  std::size_t left_ = 0;  // of known_
  std::vector<Frame> stack_;
  std::vector<Choice> choices_;
  std::vector<Number> helpers_;
  std::vector<const typename Model::Input*> others_;  // only in is_hopeless()
  LinearizationCache cache_;

  std::deque<Model> states_;
  NumbersByHash state_numbers_;
  std::size_t state_bytes_ = 0;

  Number row_max_ = 1;
  bool is_cut_short_ = false;
  Answer answer_ = Answer::open;
  std::uint64_t steps_ = 0;
  Number best_return_ = 0;
  std::vector<LegalPrefix> prefixes_;
};

}  // namespace orrery::testkit::detail
