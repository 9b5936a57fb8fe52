#include "orrery/broker/subject.hpp"

#include <fmt/core.h>

namespace orrery {
namespace {

using Reason = SubjectError::Reason;

constexpr bool is_wildcard(char byte) { return byte == '*' || byte == '>'; }
constexpr bool is_bad(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  return code <= 0x20 || code == 0x7f;
}

/// The first token of `text`, and what is behind its dot.
struct Cut {
  std::string_view token;
  std::string_view rest;
  bool is_last;
};
constexpr Cut cut(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return {text, {}, true};
  return {text.substr(0, dot), text.substr(dot + 1), false};
}

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::empty:
      return "nothing";
    case Reason::too_long:
      return "more than 255 bytes";
    case Reason::too_many_tokens:
      return "more than 32 tokens";
    case Reason::empty_token:
      return "an empty token";
    case Reason::bad_character:
      return "a blank or a control character";
    case Reason::wildcard:
      return "a wildcard in a subject";
    case Reason::wildcard_in_token:
      return "a wildcard that is not a token of its own";
    case Reason::tail_not_last:
      return "a '>' that is not the last token";
    case Reason::other_runtime:
      return "a subscriber of another runtime";
  }
  return "an unknown fault";
}

}  // namespace

std::string to_string(const SubjectError& error) {
  return fmt::format("{} at position {}", name_of(error.reason), error.position);
}

std::optional<SubjectError> check_subject(std::string_view text) noexcept {
  const auto subject = Subject::parse(text);
  return subject ? std::nullopt : std::optional{subject.error()};
}

std::optional<SubjectError> check_pattern(std::string_view text) noexcept {
  const auto pattern = Pattern::parse(text);
  return pattern ? std::nullopt : std::optional{pattern.error()};
}

bool matches(std::string_view pattern, std::string_view subject) noexcept {
  for (;;) {
    const Cut want = cut(pattern);
    const Cut have = cut(subject);
    if (want.token == ">") return true;  // there is a token, so there are one or more
    if (want.token != "*" && want.token != have.token) return false;
    if (want.is_last || have.is_last) return want.is_last && have.is_last;
    pattern = want.rest;
    subject = have.rest;
  }
}

std::optional<SubjectError> detail::Tokens::assign(std::string_view text, bool wildcards_allowed) noexcept {
  static_assert(subject_bytes_max <= UINT8_MAX);  // a Place holds positions in one byte
  text_ = text;
  count_ = 0;
  const auto fail = [this](std::size_t position, Reason reason) {
    count_ = 0;
    return SubjectError{position, reason};
  };
  if (text.empty()) return fail(0, Reason::empty);
  if (text.size() > subject_bytes_max) return fail(subject_bytes_max, Reason::too_long);
  std::size_t begin = 0;
  for (;;) {
    if (count_ == subject_tokens_max) return fail(begin, Reason::too_many_tokens);
    TokenHasher hasher;
    std::size_t end = begin;
    std::size_t wildcard = text.size();  // where the first one is in this token
    for (; end < text.size() && text[end] != '.'; ++end) {
      if (is_bad(text[end])) return fail(end, Reason::bad_character);
      if (is_wildcard(text[end])) {
        if (!wildcards_allowed) return fail(end, Reason::wildcard);
        wildcard = std::min(wildcard, end);
      }
      hasher.add(static_cast<unsigned char>(text[end]));
    }
    if (end == begin) return fail(begin, Reason::empty_token);
    if (wildcard != text.size() && end - begin > 1) return fail(wildcard, Reason::wildcard_in_token);
    hashes_[count_] = hasher.value();
    places_[count_] = {static_cast<std::uint8_t>(begin), static_cast<std::uint8_t>(end - begin)};
    ++count_;
    if (end == text.size()) return std::nullopt;
    if (text[begin] == '>') return fail(end, Reason::tail_not_last);
    begin = end + 1;
  }
}

}  // namespace orrery
