// troupe.hpp: the actors of the soak program.
// Roamers do at random whatever an actor can do, and pass on a message with less energy, so that every burst ends by
// itself. Sinks only receive, through mailboxes of every kind; so whoever waits for a sink without a deadline waits for
// somebody who waits for nobody. Streamers number what they send, and sinks check that nothing overtakes.
#pragma once
#include <orrery/system.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace soak {

using namespace orrery;
using namespace std::chrono_literals;

/// What has happened so far. Written by all actors.
struct Tally {
  std::atomic<std::uint64_t> asks_begun{0};
  std::atomic<std::uint64_t> asks_ended{0};
  std::atomic<std::uint64_t> answers{0};
  std::atomic<std::uint64_t> wrong_answers{0};
  std::atomic<std::uint64_t> overtaken{0};
  std::atomic<std::uint64_t> too_deep{0};
  std::atomic<std::uint64_t> steps{0};
  std::atomic<std::int64_t> alive{0};  ///< objects of roamers, sinks and streamers
};

/// Counts how many objects there are that hold one, copies and moved-from ones included.
class Life {
 public:
  explicit Life(Tally& tally) : tally_{&tally} { ++tally_->alive; }
  Life(const Life& other) : tally_{other.tally_} { ++tally_->alive; }
  Life& operator=(const Life&) = delete;
  ~Life() { --tally_->alive; }
  [[nodiscard]] Tally& tally() const noexcept { return *tally_; }

 private:
  Tally* tally_;
};

/// Counts an ask from its beginning to its end, however it ends.
class AskScope {
 public:
  explicit AskScope(Tally& tally, std::uint64_t count = 1) : tally_{tally}, count_{count} {
    tally_.asks_begun += count;
  }
  AskScope(const AskScope&) = delete;
  AskScope& operator=(const AskScope&) = delete;
  ~AskScope() { tally_.asks_ended += count_; }

 private:
  Tally& tally_;
  std::uint64_t count_;
};

struct Question {
  using Reply = std::uint64_t;
  std::uint64_t number;
  int depth;
};
[[nodiscard]] inline std::uint64_t answer_to(std::uint64_t number) { return number * 0x9e37'79b9'7f4a'7c15U + 1; }

inline void count(Tally& tally, std::uint64_t number, const AskResult<Question>& outcome) {
  if (!outcome) return;
  ++tally.answers;
  if (*outcome != answer_to(number)) ++tally.wrong_answers;
}

struct Numbered {
  std::uint32_t streamer;
  std::uint64_t number;
};
struct Load {
  std::array<std::uint64_t, 40> words;
};

inline constexpr std::uint32_t streamers_max = 8;
inline constexpr std::uint32_t sink_capacity = 16;

struct Sink {
  Life life;
  bool is_bounded;
  std::array<std::uint64_t, streamers_max> last{};

  void handle(Numbered m, Context& context) {
    if (m.number <= last[m.streamer]) ++life.tally().overtaken;
    last[m.streamer] = m.number;
    look(context);
  }
  void handle(const Load&, Context& context) { look(context); }
  std::uint64_t handle(Question m, Context& context) {
    look(context);
    return answer_to(m.number);
  }

 private:
  void look(Context& context) const {
    ++life.tally().steps;
    if (is_bounded && context.mailbox_depth() > sink_capacity) ++life.tally().too_deep;
  }
};

struct Stream {
  std::uint64_t count;
};
struct Streamer {
  Life life;
  std::uint32_t index;
  std::vector<Ref<Sink>> sinks;
  std::uint64_t number = 0;
  void handle(Stream m) {
    for (std::uint64_t i = 0; i < m.count; ++i) {
      ++number;
      for (const auto& sink : sinks) (void)sink.tell(Numbered{index, number});
      ++life.tally().steps;
    }
  }
};

struct Roamer;
/// Who roams at the moment; places whose actor has ended are filled anew by whoever finds out.
struct Cast {
  Tally tally;
  std::mutex mutex;
  std::vector<Ref<Roamer>> roamers;
  std::vector<Ref<Sink>> sinks;
  std::vector<Ref<Streamer>> streamers;

  [[nodiscard]] Ref<Roamer> roamer(std::uint64_t place) {
    const std::lock_guard guard{mutex};
    return roamers[place % roamers.size()];
  }
  void replace(std::uint64_t place, const Ref<Roamer>& gone, const Ref<Roamer>& fresh) {
    const std::lock_guard guard{mutex};
    auto& there = roamers[place % roamers.size()];
    if (there == gone) there = fresh;
  }
};

struct Roam {
  int energy;
};
struct Tick {
  int energy;
};
struct Idle {};

struct Roamer {
  Life life;
  Cast* cast;

  std::uint64_t handle(Question m, Context& context) {
    ++life.tally().steps;
    const auto what = draw(context, 200);
    if (what < 2) context.sleep(std::chrono::microseconds{draw(context, 300)});
    if (what == 2) throw std::runtime_error{"by chance"};
    if (m.depth > 0 && what < 60) ask(context, {what, m.depth - 1}, 3ms);
    return answer_to(m.number);
  }
  void handle(Tick m, Context& context) { roam(context, m.energy); }
  void handle(Idle) { ++life.tally().steps; }
  void handle(const Down&) { ++life.tally().steps; }
  void handle(Roam m, Context& context) { roam(context, m.energy); }

 private:
  static std::uint64_t draw(Context& context, std::uint64_t limit) { return context.draw("soak", limit); }

  void ask(Context& context, Question question, Duration timeout) {
    const AskScope scope{life.tally()};
    count(life.tally(), question.number, cast->roamer(draw(context, 0)).ask(question, timeout));
  }
  [[nodiscard]] Ref<Sink> sink(Context& context) const { return cast->sinks[draw(context, cast->sinks.size())]; }

  void roam(Context& context, int energy) {
    ++life.tally().steps;
    if (energy <= 0) return;
    act(context, energy);
    (void)cast->roamer(draw(context, 0)).tell(Roam{energy - 1});
  }

  void act(Context& context, int energy) {
    const std::uint64_t number = draw(context, 0);
    switch (draw(context, 16)) {
      case 0:
        return ask(context, {number, 3}, std::chrono::microseconds{draw(context, 1'000)});
      case 1:
        return ask(context, {number, 2}, 20ms);
      case 2: {
        const AskScope scope{life.tally()};
        return count(life.tally(), number, sink(context).ask(Question{number, 0}, no_timeout));
      }
      case 3: {
        const AskScope scope{life.tally(), 2};
        auto first = cast->roamer(number).ask_async(Question{number, 1}, 3ms);
        auto second = sink(context).ask_async(Question{number, 0}, 2ms);
        (void)wait_any(first, second);
        const auto [one, other] = wait_all(first, second);
        count(life.tally(), number, one);
        return count(life.tally(), number, other);
      }
      case 4: {  // an answer that nobody takes
        const AskScope scope{life.tally()};
        (void)cast->roamer(number).ask_async(Question{number, 1}, 1ms);
        return;
      }
      case 5:
        (void)context.after(*this, std::chrono::microseconds{draw(context, 500)}, Tick{energy / 2});
        return;
      case 6: {
        const auto key = context.every(*this, 200us, Idle{});
        if (draw(context, 2) == 0) context.sleep(500us);
        (void)context.cancel(key);
        return;
      }
      case 7:
        for (std::uint64_t i = draw(context, 60); i > 0; --i) (void)sink(context).tell(Load{});
        return;
      case 8:
        if (draw(context, 8) == 0) end_somebody(context, number);
        return;
      case 9:
        if (draw(context, 12) == 0) throw std::runtime_error{"by chance"};
        return;
      case 10: {
        const auto child = context.spawn(Roamer{life, cast});
        context.watch(*this, child);
        (void)child.tell(Roam{0});
        (void)context.stop(child);
        return;
      }
      case 11:
        context.set_receive_timeout(*this, 300us, Idle{});
        context.sleep(std::chrono::microseconds{draw(context, 200)});
        context.set_receive_timeout(*this, Duration::zero(), Idle{});
        return;
      case 12:
        if (draw(context, 20) == 0) context.stop();
        return;
      default:
        return;
    }
  }

  void end_somebody(Context& context, std::uint64_t place) {
    const auto victim = cast->roamer(place);
    if (draw(context, 2) == 0) {
      (void)context.runtime().kill(victim);
    } else {
      (void)context.stop(victim);
    }
    cast->replace(place, victim, context.spawn(Roamer{life, cast}));
  }
};

}  // namespace soak
