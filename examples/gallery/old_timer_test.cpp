// old_timer_test.cpp: a lock opens itself after ten seconds. Who locks again before that is unlocked by the timer of the first time.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <chrono>
#include <optional>

namespace {

using namespace std::chrono_literals;

struct Lock {};
struct Unlock {};
struct Expired {};

template <bool cancels>
struct Door {
  std::optional<orrery::Instant> locked_at;
  std::optional<orrery::TimerKey> timer;
  bool opened_early = false;

  void handle(Lock, orrery::Context& context) {
    locked_at = context.now();
    timer = context.after(*this, 10s, Expired{});
  }
  void handle(Unlock, orrery::Context& context) {
    if (cancels && timer) context.cancel(*timer);  // mended: a timer ends with its reason
    locked_at.reset();
  }
  void handle(Expired, orrery::Context& context) {
    if (!locked_at) return;
    opened_early = context.now() < *locked_at + 10s;
    locked_at.reset();
  }
};

template <bool cancels>
void nobody_is_unlocked_early(orrery::sim::World& w, const std::vector<std::pair<bool, bool>>& acts) {
  const orrery::Ref<Door<cancels>> door = w.spawn("door", Door<cancels>{});
  w.always("nobody is unlocked early", [&] { return !w.peek(door).opened_early; });
  for (const auto& [locks, waits] : acts) {
    if (locks) {
      (void)door.tell(Unlock{});
      (void)door.tell(Lock{});
    } else {
      (void)door.tell(Unlock{});
    }
    if (waits) w.run_for(4s);
  }
  w.run();
}

TEST(OldTimer, Wrong) { orrery::sim::check(nobody_is_unlocked_early<false>); }
TEST(OldTimer, Mended) { orrery::sim::check(nobody_is_unlocked_early<true>); }

}  // namespace
