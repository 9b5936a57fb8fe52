// raft_history.hpp: what clients asked and were told, and whether one machine could have said the same.
// Why:  that the servers agree is no use to a client whose command is lost, or done twice, or who reads what is out of date.
// How:  every command goes through the log, so that the log itself is the order in which they must have happened: it only remains
//       to look whether each client was told what comes of its command there (so what was acknowledged is there), and whether a
//       command that began after another had ended comes after it.
#pragma once
#include "client.hpp"
#include "machine.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace raft {

/// In the order in which it happened, as far as the simulated world has one.
class History final : public ClientListener {
 public:
  struct Operation {
    ClientId client = 0;
    Sequence sequence = 0;
    Command command;
    std::optional<std::string> value;  ///< empty: its client was not told; it may have been done or not
    std::size_t invoked_at = 0;        ///< a place in the order of all that clients did and were told
    std::size_t returned_at = 0;
  };

  void invoked(ClientId client, Sequence sequence, const Command& command) override {
    operations_.push_back({client, sequence, command, {}, now_++, 0});
  }
  void returned(ClientId client, Sequence sequence, const std::string& value) override {
    const auto at = std::ranges::find_if(operations_, [&](const Operation& operation) {
      return operation.client == client && operation.sequence == sequence;
    });
    at->value = value;
    at->returned_at = now_++;
  }

  [[nodiscard]] const std::vector<Operation>& operations() const noexcept { return operations_; }
  [[nodiscard]] std::size_t answers(ClientId client) const {
    return static_cast<std::size_t>(std::ranges::count_if(operations_, [&](const Operation& operation) {
      return operation.client == client && operation.value.has_value();
    }));
  }

  /// Compares it with what was committed.    Returns: what is wrong, or an empty text.
  [[nodiscard]] std::string find_fault(const std::vector<Entry>& committed) const {
    struct Done {
      std::size_t place;  // in the log, the first time
      std::string value;
    };
    std::map<std::pair<ClientId, Sequence>, Done> done;
    Machine machine;
    for (std::size_t i = 0; i < committed.size(); ++i) {
      done.try_emplace({committed[i].client, committed[i].sequence}, i, machine.apply(committed[i]));
    }
    for (const Operation& one : operations_) {
      if (!one.value) continue;
      const auto at = done.find({one.client, one.sequence});
      if (at == done.end()) return "what a client was told is not in the log";
      if (at->second.value != *one.value) return "a client was told something else than what came of its command";
      for (const Operation& later : operations_) {
        if (later.invoked_at < one.returned_at) continue;
        const auto place = done.find({later.client, later.sequence});
        if (place != done.end() && place->second.place < at->second.place) {
          return "a command came before another that had ended when it began";
        }
      }
    }
    return {};
  }

 private:
  std::vector<Operation> operations_;
  std::size_t now_ = 0;
};

}  // namespace raft
