// wire.hpp: notes and failures as bytes, for processes of one program to hand to each other.
// How:  numbers in the machine's own form and texts with their length, in the order in which they were written. Both ends are
//       the same executable: there is no version and nothing is skipped.
// Always true:  (W1) whoever reads bytes that were cut off is told so, and reads zeros and empty texts from there on
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
  /// Returns: how many elements follow, never more than there are bytes.
  [[nodiscard]] std::uint64_t count() noexcept;
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

void write(WireWriter& out, const sim::Finding& finding);
[[nodiscard]] sim::Finding read_finding(WireReader& in);

void write(WireWriter& out, const RunNote& note);
/// Returns: nothing when the bytes were cut off.
[[nodiscard]] std::optional<RunNote> read_note(std::string_view bytes);

void write(WireWriter& out, const sim::Event& event);
[[nodiscard]] sim::Event read_event(WireReader& in);

/// A run and its notes, without the order of its operations and its ledger, which shrinking does not look at.
void write(WireWriter& out, const MadeRun& made);
[[nodiscard]] std::optional<MadeRun> read_made_run(std::string_view bytes);

/// All of a failure that a report shows. The order of the run's operations is left out: only shrinking needs it.
void write(WireWriter& out, const Failure& failure);
[[nodiscard]] std::optional<Failure> read_failure(std::string_view bytes);

}  // namespace orrery::testkit
