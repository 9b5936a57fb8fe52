// raft_history.hpp: what clients asked and were told, and whether one machine could have said the same.
// Why:  that the servers agree is no use to a client whose command is lost, or done twice, or who reads what is out of date.
// How:  it is asked twice. With a look into the servers: every command goes through the log, so that the log itself is the order
//       in which they must have happened, and each client must have been told what comes of its command there (so what was
//       acknowledged is there). And without: is there any order that explains what the clients were told? That question needs
//       nothing of Raft, and serves any table of keys and values.
#pragma once
#include "client.hpp"
#include "machine.hpp"

#include <orrery/testkit/linearizability.hpp>
#include <orrery/testkit/linearizability_report.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace raft {

/// One key of the table, as one client alone would see it.
struct OneKey {
  using Input = Command;
  using Output = std::string;
  std::string value;
  bool apply(const Command& command, const std::string* told) {
    if (command.kind == Command::Kind::put) value = command.value;
    if (command.kind == Command::Kind::append) value += command.value;
    return told == nullptr || *told == value;
  }
  static const std::string& key_of(const Command& command) { return command.key; }
  static bool is_read(const Command& command) { return command.kind == Command::Kind::get; }
  friend bool operator==(const OneKey&, const OneKey&) = default;
};

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

  /// Returns: why no single table could have told the clients what they were told, or an empty text.
  [[nodiscard]] std::string find_illegal() const {
    orrery::testkit::History<Command, std::string> history;
    for (const Operation& one : operations_) {
      using orrery::testkit::Ending;
      history.add({one.client, one.command, one.value, one.invoked_at,
                   one.value ? one.returned_at : orrery::testkit::never_returned,
                   one.value ? Ending::ok : Ending::unknown});
    }
    const auto verdict = orrery::testkit::check_linearizable(OneKey{}, history);
    if (verdict.ok()) return {};
    return verdict.violation ? explain(OneKey{}, history.operations(), verdict) : "not decided";
  }

 private:
  std::vector<Operation> operations_;
  std::size_t now_ = 0;
};

}  // namespace raft
