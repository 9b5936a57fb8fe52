// wire.hpp: notes and failures as bytes, for processes of one program to hand to each other.
// How:  numbers in the machine's own form and texts with their length, in the order in which they were written. Both ends are
//       the same executable: there is no version and nothing is skipped.
// Always true:  (W1) whoever reads bytes that were cut off, or that hold what no writer writes, is told so, and reads zeros
//                    and empty texts from there on: the writer may have died in the middle of it
//               (W2) what is read takes a few times the memory of its bytes, whatever they say of their number
#pragma once
#include "orrery/testkit/campaign.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orrery::testkit {

class WireWriter {
 public:
  void put(std::uint64_t number) { bytes_.append(reinterpret_cast<const char*>(&number), sizeof number); }
  void put(std::string_view text) {
    put(std::uint64_t{text.size()});
    bytes_ += text;
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) noexcept : rest_{bytes} {}
  [[nodiscard]] std::uint64_t number() noexcept;
  [[nodiscard]] std::string text();
  /// Returns: how many elements follow, never more than there are bytes for, if each has so many numbers or texts.
  [[nodiscard]] std::uint64_t count(std::uint64_t parts_of_each) noexcept;
  [[nodiscard]] bool yes_or_no() noexcept { return up_to(1) != 0; }
  /// Returns: a number of at least `least` and at most `most`: an enumerator.
  [[nodiscard]] std::uint64_t up_to(std::uint64_t most, std::uint64_t least = 0) noexcept;
  template <class Enum>
  [[nodiscard]] Enum one_of(Enum first, Enum last) noexcept {
    return static_cast<Enum>(up_to(static_cast<std::uint64_t>(last), static_cast<std::uint64_t>(first)));
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// Returns: whether all was read, and nothing but what a writer writes.
  [[nodiscard]] bool ended_well() const noexcept { return !failed_ && rest_.empty(); }

 private:
  void fail() noexcept {
    failed_ = true;
    rest_ = {};
  }
  std::string_view rest_;
  bool failed_ = false;
};

void write(WireWriter& out, const sim::Finding& finding);
[[nodiscard]] sim::Finding read_finding(WireReader& in);

void write(WireWriter& out, const RunNote& note);
/// Returns: nothing when the bytes were cut off, or are no note.
[[nodiscard]] std::optional<RunNote> read_note(std::string_view bytes);

void write(WireWriter& out, const sim::Event& event);
[[nodiscard]] sim::Event read_event(WireReader& in);

/// A run and its notes, without the order of its operations and its ledger, which shrinking does not look at.
void write(WireWriter& out, const MadeRun& made);
[[nodiscard]] std::optional<MadeRun> read_made_run(std::string_view bytes);

void write(WireWriter& out, const Explanation& explanation);
[[nodiscard]] Explanation read_explanation(WireReader& in);

/// All of a failure that a report shows. The order of the run's operations is left out: only shrinking needs it.
void write(WireWriter& out, const Failure& failure);
[[nodiscard]] std::optional<Failure> read_failure(std::string_view bytes);

}  // namespace orrery::testkit
