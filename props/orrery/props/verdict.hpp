// verdict.hpp: what a property says: nothing, or each offence in a line, the first ones only.
#pragma once
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

namespace orrery::props {

/// Collects offences, and becomes what EXPECT_TRUE takes.
class Verdict {
 public:
  /// `promise`: what was to hold, "each message at most once".
  explicit Verdict(std::string promise) : promise_{std::move(promise)} {}

  void offence(const std::string& text) {
    if (count_++ < shown_max) text_ += "\n  " + text;
  }
  [[nodiscard]] bool holds() const noexcept { return count_ == 0; }

  operator testing::AssertionResult() const {  // NOLINT: implicit on purpose
    if (holds()) return testing::AssertionSuccess();
    std::string text = "broken: " + promise_ + text_;
    if (count_ > shown_max) text += "\n  and " + std::to_string(count_ - shown_max) + " more";
    return testing::AssertionFailure() << text;
  }

 private:
  static constexpr std::size_t shown_max = 5;
  std::string promise_;
  std::string text_;
  std::size_t count_ = 0;
};

}  // namespace orrery::props
