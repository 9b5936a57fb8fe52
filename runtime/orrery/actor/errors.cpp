#include "orrery/actor/errors.hpp"

namespace orrery {

std::string_view to_string(TellError error) noexcept {
  switch (error) {
    case TellError::mailbox_full:
      return "mailbox_full";
    case TellError::actor_stopped:
      return "actor_stopped";
    case TellError::actor_not_found:
      return "actor_not_found";
  }
  return "unknown";
}

std::string_view to_string(AskError error) noexcept {
  switch (error) {
    case AskError::timeout:
      return "timeout";
    case AskError::actor_stopped:
      return "actor_stopped";
    case AskError::actor_not_found:
      return "actor_not_found";
    case AskError::mailbox_full:
      return "mailbox_full";
    case AskError::actor_failed:
      return "actor_failed";
    case AskError::not_handled:
      return "not_handled";
    case AskError::routing_failed:
      return "routing_failed";
    case AskError::duplicate:
      return "duplicate";
  }
  return "unknown";
}

std::string_view to_string(SpawnError error) noexcept {
  switch (error) {
    case SpawnError::name_taken:
      return "name_taken";
    case SpawnError::bad_name:
      return "bad_name";
    case SpawnError::no_capacity:
      return "no_capacity";
    case SpawnError::shutting_down:
      return "shutting_down";
  }
  return "unknown";
}

std::string to_string(const ExitReason& reason) {
  const auto with_detail = [&](std::string_view word, std::string_view separator) {
    std::string out{word};
    if (!reason.detail().empty()) out.append(separator).append(reason.detail());
    return out;
  };
  switch (reason.kind()) {
    case ExitReason::Kind::normal:
      return "normal";
    case ExitReason::Kind::shutdown:
      return with_detail("shutdown", ":");
    case ExitReason::Kind::killed:
      return "killed";
    case ExitReason::Kind::failed:
      return with_detail("failed", ": ");
    case ExitReason::Kind::custom:
      return reason.detail();
  }
  return "unknown";
}

std::string orrery_describe(const ExitReason& reason) { return to_string(reason); }

}  // namespace orrery
