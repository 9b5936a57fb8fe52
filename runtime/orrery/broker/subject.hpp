// subject.hpp: the names of topics, and the patterns that select them.
// Why:  a topic's name is a path (`orders.eu.created`), so that one subscription can be for a whole family of topics. The
//       grammar is that of NATS subjects: whatever is accepted here can be a subject of a NATS server unchanged, and one
//       routing table serves routers within and beyond this process.
// How:  a subject is one or more tokens with a dot between each two. A token is one or more bytes, none of them a blank,
//       a control character (also DEL), a dot, `*` or `>`; bytes from 0x80 up are taken as they are (UTF-8 passes). In a
//       pattern a token may also be `*`, which stands for exactly one token whatever it is, or, as the last one, `>`,
//       which stands for one or more tokens. So `a.>` does not match `a`.
// Always true:  (J1) a Subject or Pattern with tokens is valid
//               (J2) a valid subject is a valid pattern, and matches itself and no other subject
// Limits:       255 bytes, 32 tokens. NATS has no such limits, but advises to stay below both.
// Not chosen:   wildcards inside a token (`eu*`): a NATS server takes them for ordinary letters, which nobody means; a `>`
//               that also stands for no token (MQTT's `#`): then `a.>` and `a` could not be told apart.
// Source:       NATS documentation, "Subject-Based Messaging"; SPEC B4; DESIGN section 5; SEMANTICS P24.
#pragma once
#include "orrery/core/check.hpp"
#include "orrery/core/mix.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

inline constexpr std::size_t subject_bytes_max = 255;
inline constexpr std::size_t subject_tokens_max = 32;

/// What is wrong with a text that should be a subject or a pattern.
struct SubjectError {
  enum class Reason : std::uint8_t {
    empty,              ///< there is nothing
    too_long,           ///< more than 255 bytes
    too_many_tokens,    ///< more than 32
    empty_token,        ///< a dot at an end, or two in a row
    bad_character,      ///< a blank or a control character
    wildcard,           ///< `*` or `>` in a subject: one publishes to a topic, not to a family
    wildcard_in_token,  ///< `*` or `>` with something beside it in its token
    tail_not_last,      ///< something behind `>`
    other_runtime       ///< the pattern may be right; the subscriber is of another runtime than the broker
  };
  std::size_t position = 0;  ///< of the first byte that is wrong, from 0; the end where something is missing
  Reason reason = Reason::empty;
  friend bool operator==(const SubjectError&, const SubjectError&) = default;
};
/// Returns: one clause for a human, as "an empty token at position 6".
[[nodiscard]] std::string to_string(const SubjectError& error);

/// Says whether `text` is a subject or a pattern. Returns: empty when it is; else the first fault, a length above the
/// limit before all others.
[[nodiscard]] std::optional<SubjectError> check_subject(std::string_view text) noexcept;
[[nodiscard]] std::optional<SubjectError> check_pattern(std::string_view text) noexcept;

/// Whether the pattern selects the subject, by the rules at the top and nothing else: no tables, no allocation. It is
/// what Routes is tested against.
///
/// Pre:  both are valid.    Cost: O(bytes).
[[nodiscard]] bool matches(std::string_view pattern, std::string_view subject) noexcept;

namespace detail {

/// The hash of a token, fed byte by byte, so that a subject is checked and hashed in one pass. Tokens of one length up to
/// 8 bytes never collide; others may be made to, so whoever uses it must get by with collisions.
class TokenHasher {
 public:
  explicit constexpr TokenHasher(std::uint64_t seed = 0) noexcept : state_{seed} {}
  constexpr void add(unsigned char byte) noexcept {
    word_ |= std::uint64_t{byte} << (8 * (size_ % 8));
    if (++size_ % 8 == 0) {
      state_ = mix64(state_ ^ word_);
      word_ = 0;
    }
  }
  /// The length stands in the highest byte, which word_ never reaches: it is flushed when that one is full.
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return mix64(state_ ^ word_ ^ (size_ << 56)); }

 private:
  std::uint64_t state_;
  std::uint64_t word_ = 0;
  std::uint64_t size_ = 0;
};

/// A text taken apart. Shape: 350 bytes, of which only those of the tokens that exist are ever touched.
class Tokens {
 public:
  Tokens() noexcept {}  // NOLINT(modernize-use-equals-default): `= default` would let `{}` clear the arrays
  Tokens(const Tokens& other) noexcept { *this = other; }
  Tokens& operator=(const Tokens& other) noexcept {
    text_ = other.text_;
    count_ = other.count_;
    std::copy_n(other.hashes_.begin(), count_, hashes_.begin());
    std::copy_n(other.places_.begin(), count_, places_.begin());
    return *this;
  }

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::string_view token(std::size_t index) const {
    ORRERY_CHECK(index < count_);
    return text_.substr(places_[index].begin, places_[index].size);
  }
  [[nodiscard]] std::uint64_t hash(std::size_t index) const {
    ORRERY_CHECK(index < count_);
    return hashes_[index];
  }

 protected:
  /// Leaves no tokens when there is an error.
  std::optional<SubjectError> assign(std::string_view text, bool wildcards_allowed) noexcept;

 private:
  struct Place {
    std::uint8_t begin;
    std::uint8_t size;
  };
  std::string_view text_;
  std::size_t count_ = 0;
  std::array<std::uint64_t, subject_tokens_max> hashes_;
  std::array<Place, subject_tokens_max> places_;
};

}  // namespace detail

/// A valid subject, taken apart so that it can be looked up; default-made it has no tokens, and nobody listens to it.
///
/// Shape: looks at the text it was made of, which must outlive it.
class Subject : public detail::Tokens {
 public:
  Subject() noexcept {}  // NOLINT(modernize-use-equals-default): as in Tokens
  /// Cost: O(bytes), no allocation.
  [[nodiscard]] static std::expected<Subject, SubjectError> parse(std::string_view text) noexcept {
    std::expected<Subject, SubjectError> result;
    if (const auto error = result->assign(text, false)) result = std::unexpected{*error};
    return result;
  }
};

/// A valid pattern, taken apart.
///
/// Shape: looks at the text it was made of, which must outlive it.
class Pattern : public detail::Tokens {
 public:
  Pattern() noexcept {}  // NOLINT(modernize-use-equals-default): as in Tokens
  /// Cost: O(bytes), no allocation.
  [[nodiscard]] static std::expected<Pattern, SubjectError> parse(std::string_view text) noexcept {
    std::expected<Pattern, SubjectError> result;
    if (const auto error = result->assign(text, true)) result = std::unexpected{*error};
    return result;
  }
};

}  // namespace orrery
