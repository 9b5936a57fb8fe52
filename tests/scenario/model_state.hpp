// model_state.hpp: what the model knows at any moment.
// Always true:  (D1) an actor is never removed: its index names it for ever, as a pid does
//               (D2) a dead actor has no mail
#pragma once
#include "orrery/testkit/scenario/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace orrery::scenario::model {

using ActorIndex = std::size_t;
inline constexpr ActorIndex nobody = static_cast<ActorIndex>(-1);

/// How to start something: a declaration and, for a supervisor, those of its first children.
struct Spec {
  Declaration declared;
  std::vector<std::shared_ptr<const Spec>> children;
};

enum class ChildState : std::uint8_t { undefined, running, restarting };

/// A supervisor's entry for a child, or for an instance of its template.
struct Child {
  std::string id;  ///< t.K for an instance
  std::shared_ptr<const Spec> spec;
  ChildState state = ChildState::undefined;
  ActorIndex actor =
      nobody;  ///< running: who it is (perhaps dead already, with its exit in the mail); restarting: who it was
};

// What a supervisor finds in its mailbox.
struct ExitMail {
  ActorIndex from;
  Reason reason;
};
struct RetryMail {
  std::string id;
};
struct StopMail {
  Reason reason;
};
/// Where the answer of a call goes, and what was asked. An instance to terminate has been looked up when it was queued.
struct CallMail {
  std::size_t result;
  const Action* asked;
  ActorIndex instance = nobody;
  std::uint64_t number = 0;  ///< of the instance to spawn
};
using Mail = std::variant<ExitMail, RetryMail, StopMail, CallMail>;

struct Actor {
  std::string id;
  int attempt = 0;
  ActorIndex parent = nobody;
  std::shared_ptr<const Spec> spec;
  bool alive = true;

  // Of a supervisor.
  std::vector<Child> children{};  ///< in start order
  std::deque<Mail> mail{};
  std::vector<std::int64_t> restarts{};  ///< seconds, oldest first
  bool lost_a_restarting_instance = false;

  [[nodiscard]] bool is_supervisor() const { return spec->declared.kind == Kind::supervisor; }
  [[nodiscard]] bool is_simple() const {
    return is_supervisor() && spec->declared.strategy == Strategy::simple_one_for_one;
  }
  [[nodiscard]] std::string name() const { return id + "#" + std::to_string(attempt); }
};

}  // namespace orrery::scenario::model
