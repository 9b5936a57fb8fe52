#include "orrery/testkit/token.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/describe.hpp"
#include "orrery/core/hash.hpp"

#include <fmt/core.h>

#include <vector>

namespace orrery::testkit {

namespace {

constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // D. Crockford's, without i l o u
constexpr unsigned has_seed = 8;
constexpr unsigned has_plan = 4;
constexpr unsigned profile_bits = 3;
constexpr std::uint8_t strategy_max = 31;
constexpr std::uint8_t grain_max = 3;

/// As one printable line, whatever somebody has pasted.
std::string quoted(std::string_view text) { return describe(text); }

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
  /// Returns: the bits, filled up with zeros to whole characters.
  [[nodiscard]] std::vector<bool> take() && {
    bits_.resize((bits_.size() + 4) / 5 * 5);
    return std::move(bits_);
  }

 private:
  std::vector<bool> bits_;
};

std::string text_of(const std::vector<bool>& bits) {
  std::string out;
  for (std::size_t at = 0; at < bits.size(); at += 5) {
    unsigned digit = 0;
    for (std::size_t i = 0; i < 5; ++i) digit |= (bits[at + i] ? 1U : 0U) << i;
    if (!out.empty() && (at / 5) % 4 == 0) out += '-';
    out += alphabet[digit];
  }
  return out;
}

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
      if (shift >= 64) failed_ = true;  // more digits than 64 bits have
      if (failed_) return 0;
      value |= get(4) << shift;
      if (get(1) == 0) return value;
    }
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::vector<bool> bits_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

constexpr unsigned checksum_bits = 10;  // two characters

/// CRC-10 of ATM: x^10 + x^9 + x^5 + x^4 + x + 1 = (x + 1)(x^9 + x^4 + 1). The bit at place p of the token is the
/// coefficient of x^p, so that what stands side by side in the text does so in the polynomial: every burst of at most ten
/// bits is seen, and with it every change of one character or of two neighbours; so are all changes of up to three bits,
/// for tokens of this length.
std::uint64_t checksum_of(const std::vector<bool>& body) {
  constexpr unsigned polynomial = 0x233;
  unsigned rest = 0x155;  // not 0, so that leading zeros count
  for (std::size_t at = body.size(); at-- > 0;) {
    const bool carry = (((rest >> (checksum_bits - 1)) & 1U) != 0) != body[at];
    rest = (rest << 1) & ((1U << checksum_bits) - 1);
    if (carry) rest ^= polynomial;
  }
  return rest;
}

std::vector<bool> body_of(const Token& token) {
  const bool own_seed = token.seed != default_seed;
  const bool own_plan = token.strategy != 0 || token.grain != 0;
  BitWriter writer;
  writer.put(token.profile | (own_seed ? has_seed : 0) | (own_plan ? has_plan : 0), 4);
  writer.put(token.test_hash, 12);
  writer.put_number(token.run);
  if (own_seed) writer.put_number(token.seed);
  if (own_plan) {
    writer.put(token.strategy, 5);
    writer.put(token.grain, 2);
  }
  return std::move(writer).take();
}

}  // namespace

std::uint16_t hash_of_test(std::string_view test_name) noexcept {
  return static_cast<std::uint16_t>(hash_text(test_name.substr(0, test_name.find('#'))) & 0xfff);
}

std::string to_string(const Token& token) {
  ORRERY_CHECK(token.profile <= profile_bits && token.test_hash <= 0xfff);
  ORRERY_CHECK(token.strategy <= strategy_max && token.grain <= grain_max);
  const std::vector<bool> body = body_of(token);
  BitWriter checksum;
  checksum.put(checksum_of(body), checksum_bits);
  std::vector<bool> bits = std::move(checksum).take();
  bits.insert(bits.end(), body.begin(), body.end());
  return text_of(bits);
}

std::expected<Token, std::string> parse_token(std::string_view text) {
  std::vector<bool> bits;
  for (const char c : text) {
    if (c == '-') continue;
    const auto digit = alphabet.find(c);
    if (digit == std::string_view::npos) {
      return std::unexpected(fmt::format("{} is no token: it holds a character that none has", quoted(text)));
    }
    for (unsigned i = 0; i < 5; ++i) bits.push_back(((digit >> i) & 1) != 0);
  }
  BitReader reader{std::move(bits)};
  (void)reader.get(checksum_bits);
  Token token;
  const auto flags = static_cast<unsigned>(reader.get(4));
  token.profile = static_cast<std::uint8_t>(flags & profile_bits);
  token.test_hash = static_cast<std::uint16_t>(reader.get(12));
  token.run = reader.get_number();
  if ((flags & has_seed) != 0) token.seed = reader.get_number();
  if ((flags & has_plan) != 0) {
    token.strategy = static_cast<std::uint8_t>(reader.get(5));
    token.grain = static_cast<std::uint8_t>(reader.get(2));
  }
  // Printing it again compares the checksum, and refuses a second spelling of the same token.
  if (reader.failed() || to_string(token) != text) {
    return std::unexpected(
        fmt::format("{} is no token: its checksum does not fit (cut off, or a typing error?)", quoted(text)));
  }
  return token;
}

}  // namespace orrery::testkit
