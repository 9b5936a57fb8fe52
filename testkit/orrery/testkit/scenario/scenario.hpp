// scenario.hpp: a supervision scenario as a plain value: a tree of supervisors and workers, and what happens to it.
// Why:  the same text is run by the runtime in both worlds, by a model and by other implementations; what all of them
//       read is this value, and nobody needs to know how it was written.
// How:  parse.hpp makes it from text, print.hpp writes it down. A reason is a word: it travels through exits, results
//       and reports, and is only ever compared and asked whether it is abnormal.
// Always true:  (S1) two scenarios are equal when they print alike, whatever lines they came from
//               (S2) a declaration's values are complete: what was not given is its default
// Not chosen:   an own type for reasons (every user would convert it back for the trace); the runtime's enums (the model
//               that is compared with the runtime must not share them).
// Source:       Erlang/OTP 25's supervisor, whose words these are.
#pragma once
#include "orrery/testkit/scenario/plan.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::scenario {

/// "normal", "shutdown", "shutdown:" and a detail, or any other word.
using Reason = std::string;

/// Returns: whether a transient child that ended for this reason is restarted.
[[nodiscard]] bool is_abnormal(std::string_view reason);

enum class Kind : std::uint8_t { supervisor, worker, instance_template };
enum class Strategy : std::uint8_t { one_for_one, one_for_all, rest_for_one, simple_one_for_one };
enum class AutoShutdown : std::uint8_t { never, any_significant, all_significant };
enum class Restart : std::uint8_t { permanent, transient, temporary };

struct Shutdown {
  enum class How : std::uint8_t { timed, infinity, brutal_kill };
  How how = How::timed;
  std::int64_t ms = 5000;  ///< only when timed
  friend bool operator==(const Shutdown& a, const Shutdown& b) {
    return a.how == b.how && (a.how != How::timed || a.ms == b.ms);
  }
};

/// The attributes, in the order in which they are printed.
enum class Attribute : std::uint8_t {
  strategy,
  intensity,
  period,
  auto_shutdown,
  restart,
  shutdown,
  significant,
  trap,
  slow,
  stubborn,
  exit,
  plan,
};

/// Which attributes stood in the text.
class Attributes {
 public:
  void add(Attribute attribute) { bits_ |= 1U << static_cast<unsigned>(attribute); }
  void remove(Attribute attribute) { bits_ &= ~(1U << static_cast<unsigned>(attribute)); }
  [[nodiscard]] bool has(Attribute attribute) const { return (bits_ >> static_cast<unsigned>(attribute) & 1U) != 0; }
  friend bool operator==(const Attributes&, const Attributes&) = default;

 private:
  std::uint32_t bits_ = 0;
};

/// The parent of the root.
inline constexpr std::string_view no_parent = "-";

/// One supervisor, worker or template. `intensity` and `period` may be out of range, a supervisor may have children of the
/// same id, a template too many or none, and a significant child what forbids it: the start judges that, not the text.
struct Declaration {
  Kind kind = Kind::worker;
  std::string id;
  std::string parent{no_parent};

  // Supervisors.
  Strategy strategy = Strategy::one_for_one;
  std::int64_t intensity = 1;
  std::int64_t period = 5;  ///< seconds
  AutoShutdown auto_shutdown = AutoShutdown::never;

  // What the parent does with it.
  Restart restart = Restart::permanent;
  Shutdown shutdown;
  bool significant = false;

  // How a worker meets its parent's exit signal.
  bool trap = false;
  bool stubborn = false;
  std::int64_t slow = 0;  ///< ms
  Reason exit;            ///< empty: the reason received

  std::string plan;  ///< letters as for Plan; empty: every start is ok

  Attributes given;
  int line = 0;  ///< 0: not from a text

  friend bool operator==(const Declaration& a, const Declaration& b);  // S1: without the line
};

/// What OTP uses where nothing is said: supervisors wait for ever for a child supervisor.
///
/// Returns: a declaration with every attribute at its default.
[[nodiscard]] Declaration declare(Kind kind, std::string id, std::string parent);

struct Event;

// Events. `target` is a worker, supervisor or instance (t.K); `supervisor` is who is asked.
struct Exit {
  std::string target;
  Reason reason;
  friend bool operator==(const Exit&, const Exit&) = default;
};
struct Kill {
  std::string target;
  friend bool operator==(const Kill&, const Kill&) = default;
};
struct Signal {
  std::string target;
  Reason reason;
  friend bool operator==(const Signal&, const Signal&) = default;
};
struct Message {
  std::string text;    ///< what `handled` prints; the reason when it exits
  bool exits = false;  ///< written !R
  friend bool operator==(const Message&, const Message&) = default;
};
struct Post {
  std::string target;
  std::vector<Message> messages;
  friend bool operator==(const Post&, const Post&) = default;
};
struct Stop {
  std::string supervisor;
  Reason reason;
  friend bool operator==(const Stop&, const Stop&) = default;
};
struct Advance {
  std::int64_t seconds = 0;
  friend bool operator==(const Advance&, const Advance&) = default;
};
struct Replan {
  std::string target;
  std::string letters;
  friend bool operator==(const Replan&, const Replan&) = default;
};
struct TerminateChild {
  std::string supervisor;
  std::string child;
  friend bool operator==(const TerminateChild&, const TerminateChild&) = default;
};
struct RestartChild {
  std::string supervisor;
  std::string child;
  friend bool operator==(const RestartChild&, const RestartChild&) = default;
};
struct DeleteChild {
  std::string supervisor;
  std::string child;
  friend bool operator==(const DeleteChild&, const DeleteChild&) = default;
};
struct AddChild {
  Declaration child;  ///< its parent is the supervisor that is asked
  friend bool operator==(const AddChild&, const AddChild&) = default;
};
struct Spawn {
  std::string supervisor;
  friend bool operator==(const Spawn&, const Spawn&) = default;
};
struct Count {
  std::string supervisor;
  friend bool operator==(const Count&, const Count&) = default;
};
struct Which {
  std::string supervisor;
  friend bool operator==(const Which&, const Which&) = default;
};
struct Batch {
  std::string supervisor;
  std::vector<Event> operations;  ///< never a batch
  friend bool operator==(const Batch& a, const Batch& b);
};

using Action = std::variant<Exit, Kill, Signal, Post, Stop, Advance, Replan, TerminateChild, RestartChild, DeleteChild,
                            AddChild, Spawn, Count, Which, Batch>;

/// An action as it was written.
struct Event {
  Action action;
  std::string text;  ///< as the trace repeats it, without "> " or "+ ": its words with one blank between them
  int line = 0;      ///< 0: not from a text

  friend bool operator==(const Event& a, const Event& b);  // S1: without the line
};

struct Scenario {
  std::string name;
  std::vector<std::string> tags;
  std::vector<Declaration> declarations;  ///< parents first; the first is the root
  std::vector<Event> events;

  /// Returns: the first declaration of that id, or nullptr.
  [[nodiscard]] const Declaration* find(std::string_view id) const;
  /// Returns: the declared children in start order.
  [[nodiscard]] std::vector<const Declaration*> children_of(std::string_view id) const;
  [[nodiscard]] bool has_tag(std::string_view tag) const;

  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// A template's id and an instance's number.
struct InstanceId {
  std::string_view base;
  std::uint64_t number = 0;
};
/// Returns: {"t", 3} for "t.3"; an empty base when `id` names no instance.
[[nodiscard]] InstanceId split_instance(std::string_view id);

}  // namespace orrery::scenario
