// history_models.hpp: what the functions and values of a history file mean to the models that have a name.
//   register, cas-register   :read v, :write v, :cas [old new]
//   kv                       :get, :put, :append with :key; values are texts, and a key that was never written has ""
//   queue                    :enqueue v, :dequeue v (nil when it was empty)
//   set                      :add v, :remove v, :read [v...]
//   mutex                    :acquire, :release
#pragma once
#include "orrery/testkit/history.hpp"
#include "orrery/testkit/history_file.hpp"
#include "orrery/testkit/linearizability.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit {

struct HistoryModel {
  std::string name;
  EdnValue initial{};           ///< of a register
  bool nil_is_unknown = false;  ///< an :ok read of nil in EDN did not say what was read
};

struct CheckedHistory {
  LinearizabilityVerdict verdict;
  std::size_t operations = 0;
  std::size_t unknown = 0;          ///< of them, without a known end
  std::string explanation;          ///< of a violation: lines of text, as explain() makes them
  std::vector<std::string> prefix;  ///< of a violation: the longest legal prefix, an operation each
  std::vector<std::string> states;  ///< after each of them
  std::string first_illegal;
  std::size_t invoked_in_line = 0;  ///< of the first illegal operation
  std::size_t returned_in_line = 0;
};

/// The names of the models, in the order of help.
[[nodiscard]] std::span<const std::string_view> history_model_names();

/// Checks the events against the model.
///
/// Pre:     the name is one of history_model_names() (checked).
/// Errors:  an event that means nothing to the model, with its line.
[[nodiscard]] std::expected<CheckedHistory, EdnError> check_history(const HistoryFile& file, const HistoryModel& model,
                                                                    const LinearizabilityBudget& budget);

}  // namespace orrery::testkit
