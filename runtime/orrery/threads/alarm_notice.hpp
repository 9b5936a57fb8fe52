// alarm_notice.hpp: what an operator is told of, as an application can receive it.
// Why:  a line on stderr is for eyes; whoever pages somebody, or sheds load, wants to know of whom it speaks.
// Source:       SPEC R6.
#pragma once
#include "orrery/core/time.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace orrery {

/// The kinds that a System watches for. There are others, of reports that no watchdog makes: "dead letter", "stop".
namespace alarm {
inline constexpr std::string_view slow_handler = "slow handler";
inline constexpr std::string_view blocked_worker = "blocked worker";
inline constexpr std::string_view mailbox_depth = "mailbox depth";
inline constexpr std::string_view mailbox_growth = "mailbox growth";
inline constexpr std::string_view old_mail = "old mail";
inline constexpr std::string_view restart_storm = "restart storm";
inline constexpr std::string_view ask_cycle = "ask cycle";  ///< also of senders into each other's full mailboxes
inline constexpr std::string_view self_ask = "self-ask";
inline constexpr std::string_view ask_timeout = "ask timeout";
inline constexpr std::string_view fiber_stack = "fiber stack";
}  // namespace alarm

struct AlarmNotice {
  std::string_view kind;         ///< lives as long as the program
  std::string text;              ///< all of it, for eyes
  std::string actor{};           ///< its path; empty where it is of no single one
  std::string message{};         ///< the type of the message, if it is of one
  Duration duration{};           ///< slow, blocked, growing, old, timeout: how long, at least
  std::uint64_t count = 0;       ///< messages that wait, restarts, bytes of stack
  std::uint64_t suppressed = 0;  ///< alarms of this kind since the last one that was told
};

/// Takes an alarm that got through.
/// Threads: any, several at once; among them workers: it must neither block nor throw.
using AlarmHandler = std::function<void(const AlarmNotice&)>;

}  // namespace orrery
