#include "orrery/testkit/token.hpp"

#include "orrery/core/hash.hpp"

#include <fmt/core.h>

#include <vector>

namespace orrery::testkit {

namespace {

constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // D. Crockford's, without i l o u
constexpr unsigned has_seed = 8;

/// Bits in, five at a time out.
class BitWriter {
 public:
  void put(std::uint64_t value, unsigned bits) {
    for (unsigned i = 0; i < bits; ++i) bits_.push_back(((value >> i) & 1) != 0);
  }
  void put_number(std::uint64_t value) {
    do {
      put(value & 15, 4);
      value >>= 4;
      put(value != 0 ? 1 : 0, 1);
    } while (value != 0);
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (std::size_t at = 0; at < bits_.size(); at += 5) {
      unsigned digit = 0;
      for (std::size_t i = 0; i < 5; ++i) digit |= (at + i < bits_.size() && bits_[at + i] ? 1U : 0U) << i;
      if (!out.empty() && (at / 5) % 4 == 0) out += '-';
      out += alphabet[digit];
    }
    return out;
  }
  [[nodiscard]] std::uint64_t checksum() const {
    std::string bytes;
    for (const bool bit : bits_) bytes += bit ? '1' : '0';
    return hash_text(bytes);
  }

 private:
  std::vector<bool> bits_;
};

class BitReader {
 public:
  explicit BitReader(std::vector<bool> bits) : bits_{std::move(bits)} {}
  std::uint64_t get(unsigned count) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (at_ == bits_.size()) {
        failed_ = true;
        return 0;
      }
      value |= std::uint64_t{bits_[at_++]} << i;
    }
    return value;
  }
  std::uint64_t get_number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 4) {
      if (shift >= 64) failed_ = true;
      if (failed_) return 0;
      value |= get(4) << shift;
      if (get(1) == 0) return value;
    }
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::size_t left() const noexcept { return bits_.size() - at_; }

 private:
  std::vector<bool> bits_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

constexpr unsigned checksum_bits = 10;

void put_body(BitWriter& writer, const Token& token) {
  const bool own_seed = token.seed != default_seed;
  writer.put(token.profile | (own_seed ? has_seed : 0), 4);
  writer.put(token.test_hash, 12);
  writer.put_number(token.run);
  if (own_seed) writer.put_number(token.seed);
}

std::uint64_t checksum_of(const Token& token) {
  BitWriter body;
  put_body(body, token);
  return body.checksum() & ((1U << checksum_bits) - 1);
}

}  // namespace

std::uint16_t hash_of_test(std::string_view test_name) noexcept {
  return static_cast<std::uint16_t>(hash_text(test_name) & 0xfff);
}

std::string to_string(const Token& token) {
  BitWriter writer;
  writer.put(checksum_of(token), checksum_bits);
  put_body(writer, token);
  return writer.text();
}

std::expected<Token, std::string> parse_token(std::string_view text) {
  std::vector<bool> bits;
  for (const char c : text) {
    if (c == '-') continue;
    const auto digit = alphabet.find(c);
    if (digit == std::string_view::npos) {
      return std::unexpected(fmt::format("\"{}\" is no token: it holds the character '{}'", text, c));
    }
    for (unsigned i = 0; i < 5; ++i) bits.push_back(((digit >> i) & 1) != 0);
  }
  BitReader reader{std::move(bits)};
  const std::uint64_t checksum = reader.get(checksum_bits);
  Token token;
  const auto flags = static_cast<unsigned>(reader.get(4));
  token.profile = static_cast<std::uint8_t>(flags & 7U);
  token.test_hash = static_cast<std::uint16_t>(reader.get(12));
  token.run = reader.get_number();
  if ((flags & has_seed) != 0) token.seed = reader.get_number();
  if (reader.failed()) return std::unexpected(fmt::format("\"{}\" is no token: it is too short", text));
  if (reader.left() >= 5 || checksum != checksum_of(token) || to_string(token) != text) {
    return std::unexpected(fmt::format("\"{}\" is an unknown token: its checksum does not fit (a typing error?)", text));
  }
  return token;
}

}  // namespace orrery::testkit
