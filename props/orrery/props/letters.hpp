// letters.hpp: what is promised about messages that nobody handles: each leaves a trace.
// Source:  SPEC B7, Q7; SEMANTICS c2: P4.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/props/message_log.hpp"
#include "orrery/props/numbered.hpp"
#include "orrery/props/verdict.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>

namespace orrery::props {

/// Returns: of which message a letter is, or nothing when it is of none that the test knows.
template <class Key>
using KeyOfLetter = std::function<std::optional<Key>(const DeadLetter&)>;

/// Of letters of M: the number that stands behind "field=" in their text.
template <class M>
[[nodiscard]] KeyOfLetter<std::uint64_t> number_in_letter(std::string_view field) {
  return [sought = std::string{field} + "="](const DeadLetter& letter) -> std::optional<std::uint64_t> {
    if (letter.message != type_name<M>()) return std::nullopt;
    const auto begin = letter.text.find(sought);
    if (begin == letter.text.npos) return std::nullopt;
    std::uint64_t number = 0;
    const char* const first = letter.text.data() + begin + sought.size();
    const auto [end, error] = std::from_chars(first, letter.text.data() + letter.text.size(), number);
    return error == std::errc{} && end != first ? std::optional{number} : std::nullopt;
  };
}

/// Every message that was accepted has been handled, has failed its handler, or is a dead letter; and none is a dead letter that
/// was handled as often as it was sent.
///
/// Judged at rest, before the runtime is stopped (a simulation counts the letters of actors that end with the run, and records
/// none). Pre: letters are recorded with their text (DeadLetterOptions), and none was dropped (checked).
/// Does not check: the reason or the target of a letter; what an actor has handled and forgotten. Of a message that was
/// refused: whether a letter says so, which is a matter of the mailbox (keeps_its_bound).
template <class Key>
[[nodiscard]] testing::AssertionResult letters_are_complete(const MessageLog<Key>& log, const Runtime& runtime,
                                                            const KeyOfLetter<Key>& key_of) {
  Verdict verdict{"what nobody handled is a dead letter"};
  if (const auto lost = runtime.dead_letters().dropped(); lost > 0) {
    verdict.offence(fmt::format("cannot be judged: {} letters have no record; raise records_max", lost));
    return verdict;
  }
  std::map<Key, std::size_t> letters;
  for (const DeadLetter& letter : runtime.dead_letters().query()) {
    if (letter.reason == DeadLetterReason::late_reply) continue;
    if (const auto key = key_of(letter)) ++letters[*key];
  }
  const auto all = fates(log);
  for (const auto& [key, fate] : all) {
    const auto at = letters.find(key);
    const std::size_t count = at == letters.end() ? 0 : at->second;
    const auto pair = fmt::format("{} ({} -> {})", describe(key), fate.from, fate.to);
    if (fate.accepted > 0 && fate.handled + fate.failed + count == 0) {
      verdict.offence(pair + " was accepted, and then nothing was heard of it");
    }
    if (fate.sent > 0 && fate.handled + count > fate.sent) {
      verdict.offence(fmt::format("{} was sent {} times, handled {} times, and is a dead letter {} times", pair,
                                  fate.sent, fate.handled, count));
    }
  }
  for (const auto& [key, count] : letters) {
    if (!all.contains(key)) verdict.offence(fmt::format("{} is a dead letter, and nobody has sent it", describe(key)));
  }
  return verdict;
}

}  // namespace orrery::props
