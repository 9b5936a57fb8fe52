// around.hpp: a strategy that stands around another one: it lets that answer, and passes on what it hears.
// Why:  several things are done to a run whoever chooses in it: learning from it, writing it down, stopping in a debugger.
//       Each says what it does; that nothing is kept from the strategy within is said here, once.
#pragma once
#include "orrery/sim/strategy.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace orrery::sim {

class Around : public Strategy {
 public:
  /// `inner` outlives it.
  explicit Around(Strategy& inner) : inner_{inner} {}
  explicit Around(std::unique_ptr<Strategy> inner) : owned_{std::move(inner)}, inner_{*owned_} {}

  [[nodiscard]] std::uint64_t choose(const Point& point) override { return inner_.choose(point); }
  [[nodiscard]] std::optional<std::string> divergence() const override { return inner_.divergence(); }
  [[nodiscard]] bool watches() const noexcept override { return true; }
  void executed(const Op& op) override { inner_.executed(op); }
  void hurried(const Op& op) override { inner_.hurried(op); }
  void sent(const Agent& who, const Agent& from, const Agent& to, std::uint32_t ordinal) override {
    inner_.sent(who, from, to, ordinal);
  }
  void carried(const Agent& from, const Agent& channel) override { inner_.carried(from, channel); }
  void handles(const Agent& who, const Agent& from, std::uint32_t ordinal) override {
    inner_.handles(who, from, ordinal);
  }
  void wakes(const Agent& by, const Agent& who) override { inner_.wakes(by, who); }
  void spawned(const Agent& child, const Agent& parent) override { inner_.spawned(child, parent); }
  void released(const Op& op) override { inner_.released(op); }
  void withdrawn(const Op& op) override { inner_.withdrawn(op); }
  void cut_off(const Op& op) override { inner_.cut_off(op); }
  [[nodiscard]] bool gives_up() const noexcept override { return inner_.gives_up(); }

 private:
  std::unique_ptr<Strategy> owned_;
  Strategy& inner_;
};

}  // namespace orrery::sim
