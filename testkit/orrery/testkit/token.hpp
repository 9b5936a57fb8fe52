// token.hpp: the short name of a run, to be pasted.
// Why:  a failure in a log of last week must be one paste away from a debugger.
// How:  a token holds the campaign's seed, strategy and grain (unless they are the default ones), the number of the run,
//       what the run may do,
//       a few bits of the test's name, and a checksum, in lower-case base 32 without letters that look alike. The run is
//       generated again from it; nothing needs to be stored.
// Always true:  (T1) every token has one spelling, and no other text is taken for it
//               (T2) a change of one character, or of two neighbours, is recognised; of other changes of the same
//                    length, all but one in 1,024
// Source:  SPEC X2; the checksum is ATM's CRC-10 (ITU-T I.610).
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace orrery::testkit {

/// The seed of a campaign that was given none: the same every day, so that a test that passes goes on passing.
inline constexpr std::uint64_t default_seed = 0x5eed2026;

/// As a strategy: each run has drawn its own configuration (swarm.hpp).
inline constexpr std::uint8_t swarm_strategy = 31;

struct Token {
  std::uint64_t seed = default_seed;
  std::uint64_t run = 0;
  std::uint8_t profile = 0;     ///< the fault profile, 0 to 3
  std::uint8_t strategy = 0;    ///< sim::StrategyKind of the campaign, or swarm_strategy
  std::uint8_t grain = 0;       ///< sim::GrainSetting of the campaign
  std::uint16_t test_hash = 0;  ///< 12 bits of the test's name
  friend bool operator==(const Token&, const Token&) = default;
};

/// Returns: 12 bits that tell tests apart: another test's token is taken for one's own once in 4,096 tests. What
/// follows a '#' (which check in the test it is) does not count.
[[nodiscard]] std::uint16_t hash_of_test(std::string_view test_name) noexcept;

/// Prints like `b7k2-9f3c`.
[[nodiscard]] std::string to_string(const Token& token);

/// Returns: the token, or a sentence that says what is wrong with the text.
[[nodiscard]] std::expected<Token, std::string> parse_token(std::string_view text);

}  // namespace orrery::testkit
