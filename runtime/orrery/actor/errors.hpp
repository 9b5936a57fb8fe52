// errors.hpp: every way in which sending, asking, spawning or living can go wrong, as values.
// Why:  a refusal that the caller can act on is a value, not an exception; each enumerator exists because some caller
//       would do something different because of it.
// Always true:  (E1) every ask ends in exactly one of: a reply, or one AskError
//               (E2) an ExitReason that is not normal and not shutdown counts as abnormal (OTP's rule)
// Source:       SPEC A5, A6, A13, S8; OTP's exit reasons.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace orrery {

/// Why a message was not accepted. The message has been destroyed; nothing of it reaches the target.
enum class TellError : std::uint8_t {
  mailbox_full,     ///< the target is behind: shed, retry later, or choose the suspend policy
  actor_stopped,    ///< the target lived once and is gone: stop sending
  actor_not_found,  ///< the reference never named a living actor of this runtime
};

inline constexpr std::size_t tell_errors = static_cast<std::size_t>(TellError::actor_not_found) + 1;

/// Why an ask has no reply.
enum class AskError : std::uint8_t {
  timeout,          ///< the deadline passed first; a later reply goes to the dead letters
  actor_stopped,    ///< the target stopped before it replied, or the asker itself is being stopped
  actor_not_found,  ///< the reference never named a living actor of this runtime
  mailbox_full,     ///< refused by a bounded mailbox, or dropped from it by its overflow policy
  actor_failed,     ///< the target's handler threw while it handled the request (an assured one: as often as it may)
  duplicate,        ///< exactly_once: handled before under the same id, and its reply is not to be had any more
  // Through a broker only:
  not_handled,    ///< the target was registered without this kind of message
  routing_failed  ///< nobody to route it to
};
inline constexpr std::size_t ask_errors = static_cast<std::size_t>(AskError::routing_failed) + 1;

/// Returns: the same word for an asker.
[[nodiscard]] constexpr AskError to_ask_error(TellError error) noexcept {
  switch (error) {
    case TellError::mailbox_full:
      return AskError::mailbox_full;
    case TellError::actor_stopped:
      return AskError::actor_stopped;
    case TellError::actor_not_found:
      break;
  }
  return AskError::actor_not_found;
}

/// Why an actor was not spawned.
enum class SpawnError : std::uint8_t {
  name_taken,    ///< a living actor holds the name
  bad_name,      ///< empty, longer than 200 bytes, or with a character outside letters, digits and "_-.#@:"
  no_capacity,   ///< the runtime holds its maximum of actors
  shutting_down  ///< the runtime is closing
};

[[nodiscard]] std::string_view to_string(TellError error) noexcept;
[[nodiscard]] std::string_view to_string(AskError error) noexcept;
[[nodiscard]] std::string_view to_string(SpawnError error) noexcept;

/// Why an actor ended. `detail` says more: the word of a custom reason, or the text of the exception.
class ExitReason {
 public:
  enum class Kind : std::uint8_t { normal, shutdown, killed, failed, custom };

  ExitReason() = default;
  static ExitReason normal() { return ExitReason{Kind::normal, {}}; }
  static ExitReason shutdown(std::string detail = {}) { return {Kind::shutdown, std::move(detail)}; }
  static ExitReason killed() { return ExitReason{Kind::killed, {}}; }
  static ExitReason failed(std::string what) { return {Kind::failed, std::move(what)}; }
  static ExitReason custom(std::string word) { return {Kind::custom, std::move(word)}; }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  /// Returns: whether a transient child would be restarted for it (E2).
  [[nodiscard]] bool is_abnormal() const noexcept { return kind_ != Kind::normal && kind_ != Kind::shutdown; }
  friend bool operator==(const ExitReason&, const ExitReason&) = default;

 private:
  ExitReason(Kind kind, std::string detail) : kind_{kind}, detail_{std::move(detail)} {}
  Kind kind_ = Kind::normal;
  std::string detail_;
};

/// Prints `normal`, `shutdown`, `shutdown:x`, `killed`, `failed: text`, or the custom word.
[[nodiscard]] std::string to_string(const ExitReason& reason);
[[nodiscard]] std::string orrery_describe(const ExitReason& reason);

/// Thrown by a handler or a hook that wants its actor to fail for a reason of its own, as Erlang's exit(Reason) does.
///
/// Not a std::exception, so that handlers of errors on the way let it pass.
struct ExitWith {
  ExitReason reason;
};

/// The error side of an ask whose Reply is `expected<T, E>`: either the target's own refusal, or a failure on the way.
template <class E>
class AskFailure {
 public:
  AskFailure(AskError error) : value_{std::in_place_index<1>, error} {}  // NOLINT: implicit on purpose
  AskFailure(E refusal)                                                  // NOLINT: implicit on purpose
    requires(!std::same_as<E, AskError>)
      : value_{std::in_place_index<0>, std::move(refusal)} {}
  /// The target's answer, also where E is AskError: a handler that passes on what its own ask gave.
  [[nodiscard]] static AskFailure by_target(E refusal) { return {std::in_place_index<0>, std::move(refusal)}; }

  /// Returns: the target's answer, or null when the ask itself failed.
  [[nodiscard]] const E* refused() const noexcept { return std::get_if<0>(&value_); }
  /// Returns: why there was no answer, or empty when the target refused.
  [[nodiscard]] std::optional<AskError> failed() const noexcept {
    const auto* error = std::get_if<1>(&value_);
    return error == nullptr ? std::nullopt : std::optional{*error};
  }
  friend bool operator==(const AskFailure&, const AskFailure&) = default;

 private:
  AskFailure(std::in_place_index_t<0> which, E refusal) : value_{which, std::move(refusal)} {}
  std::variant<E, AskError> value_;
};

/// Thrown by a wait inside a handler whose actor is being stopped or killed, so that the handler's destructors run.
///
/// Not a std::exception on purpose: `catch (const std::exception&)` lets it pass. Whoever catches it with
/// `catch (...)` must rethrow; swallowing it is a check failure that names the actor.
/// Source:  SPEC S4.
struct Unwind {};

}  // namespace orrery
