// recent_answers.hpp: who got what was published on the last few subjects.
// Why:  taking a subject apart and walking the trie costs 35 ns, three times a delivery; most publishers use few subjects.
// How:  a small direct-mapped cache of one worker's answers. Only those are kept that are a part of the table itself, so
//       nothing is copied, and an entry is good as long as the table is: it carries the table's version.
// Always true:  an answer is that of Routes::match() on the table with the asked version
// Not chosen:   a cache over all workers: it would need a lock or more of the machinery that Routes spares us.
#pragma once
#include "orrery/broker/routes.hpp"
#include "orrery/core/mix.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace orrery::detail {

/// Shape: 16 entries of two cache lines; subjects of up to 64 bytes are kept.    Threads: one at a time.
class RecentAnswers {
 public:
  /// Returns: who gets a message of `type` on `subject`, if that is known for the table with that version.
  /// Cost:    one comparison of up to 64 bytes.
  [[nodiscard]] std::optional<Matched> find(std::uint64_t version, const void* type,
                                            std::string_view subject) const noexcept {
    if (subject.empty()) return std::nullopt;
    const Entry& entry = entries_[place_of(subject)];
    if (entry.version != version || entry.type != type || entry.size != subject.size() ||
        std::memcmp(entry.text.data(), subject.data(), subject.size()) != 0) {
      return std::nullopt;
    }
    return entry.answer;
  }

  /// Pre: `answer` is good as long as that table exists, which is as long as the caller asks for that version.
  void keep(std::uint64_t version, const void* type, std::string_view subject, Matched answer) noexcept {
    if (subject.empty() || subject.size() > text_bytes_max) return;
    Entry& entry = entries_[place_of(subject)];
    entry.version = version;
    entry.type = type;
    entry.size = static_cast<std::uint32_t>(subject.size());
    entry.answer = answer;
    std::ranges::copy(subject, entry.text.begin());
  }

 private:
  static constexpr std::size_t text_bytes_max = 64;
  struct alignas(64) Entry {
    std::uint64_t version = ~std::uint64_t{0};  // of no table
    const void* type = nullptr;
    std::uint32_t size = 0;
    Matched answer;
    std::array<char, text_bytes_max> text;
  };

  /// Numbered subjects differ in their middle or at their ends, so both ends count and the length.
  static std::size_t place_of(std::string_view subject) noexcept {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const std::size_t bytes = std::min(subject.size(), sizeof first);
    std::memcpy(&first, subject.data(), bytes);
    std::memcpy(&last, subject.data() + subject.size() - bytes, bytes);
    return mix64(first ^ (last << 1) ^ subject.size()) % places;
  }
  static constexpr std::size_t places = 16;
  std::array<Entry, places> entries_{};
};

}  // namespace orrery::detail
