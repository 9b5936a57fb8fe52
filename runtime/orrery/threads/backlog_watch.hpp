// backlog_watch.hpp: whose mail piles up, judged by looks from time to time.
// Why:  a mailbox that is deep, that grows for long, or whose oldest message waits for long, is overload before anybody
//       complains. To know it at every moment would cost every send a count.
// How:  somebody looks at each actor that has a backlog about once in a second. Depth is judged by one look, growth by a
//       row of looks each deeper than the one before, age by two looks between which the actor handled nothing: then what
//       waited at the first still waits at the second. An actor that was not looked at for `gap_max` begins anew.
// Always true:  (B1) each of the three is told once, until it was over: depth at half the limit, growth at the first look
//                    that is not deeper, age at the first handled message
//               (B2) at most `actors_max` actors are remembered; others are judged by depth alone, and told again
//               (B3) an age is never overstated
// Source:       SPEC R6.
#pragma once
#include "orrery/core/ids.hpp"
#include "orrery/core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <map>

namespace orrery {

/// What is told; zero: never.
struct BacklogLimits {
  std::size_t depth = 0;  ///< more messages than this
  Duration growing{};     ///< for so long
  Duration age{};         ///< of the oldest message
};

class BacklogWatch {
 public:
  static constexpr std::size_t actors_max = 10'000;
  static constexpr std::size_t growing_least = 100;  ///< messages; fewer are no growth worth a word
  static constexpr Duration gap_max = std::chrono::seconds{5};

  explicit BacklogWatch(BacklogLimits limits) : limits_{limits} {}

  struct Look {
    Handle who{};
    std::size_t depth = 0;      ///< that wait, the one being handled not among them; 0: none
    std::uint64_t handled = 0;  ///< how many it has handled: grows when it takes one
  };
  struct Verdict {
    bool is_deep = false;
    bool grows = false;
    bool is_old = false;
    std::size_t grown_from = 0;  ///< its depth when it began to grow
    Duration growing{};          ///< for so long
    Duration age{};              ///< at least
  };
  /// Takes in what was seen at `now`. Returns: what is to be told (B1).    Cost: O(log actors).
  [[nodiscard]] Verdict look(const Look& look, Instant now);

  /// Forgets whom nobody has looked at for `gap_max`.    Cost: O(actors).
  void forget_old(Instant now);
  [[nodiscard]] std::size_t actors() const noexcept { return seen_.size(); }

 private:
  struct Seen {
    Instant last{};
    std::size_t depth = 0;
    std::size_t grown_from = 0;
    Instant grows_since{};
    std::uint64_t handled = 0;
    Instant stands_since{};
    bool told_deep = false;
    bool told_growing = false;
    bool told_old = false;
  };
  const BacklogLimits limits_;
  std::map<Handle, Seen> seen_;
};

}  // namespace orrery
