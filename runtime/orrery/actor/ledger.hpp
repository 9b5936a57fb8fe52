// ledger.hpp: the account of every message, which must add up.
// Why:  a runtime that loses a message in silence cannot be trusted; one that counts every message into exactly one
//       class shows it at once.
// Always true at rest:  (G1) offered = refused + accepted
//                       (G2) accepted = handled + failed + dead_lettered + queued
// Note:  replies, signals and wake-ups are not messages. A dropped or expired message is a dead letter with that
//        reason. `failed` is the message that was in the handler when its actor failed or was unwound.
// Source:       SPEC Q7; SEMANTICS P4.
#pragma once
#include <cstdint>
#include <string>

namespace orrery {

struct Ledger {
  std::uint64_t offered = 0;
  std::uint64_t refused = 0;
  std::uint64_t handled = 0;
  std::uint64_t failed = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t queued = 0;

  [[nodiscard]] std::uint64_t accepted() const noexcept { return offered - refused; }
  /// Returns: whether G1 and G2 hold. Meaningful while nothing runs.
  [[nodiscard]] bool adds_up() const noexcept {
    return offered >= refused && accepted() == handled + failed + dead_lettered + queued;
  }
  friend bool operator==(const Ledger&, const Ledger&) = default;
};

[[nodiscard]] std::string orrery_describe(const Ledger& ledger);

}  // namespace orrery
