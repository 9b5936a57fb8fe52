// Goal:   no message is lost, doubled or miscounted while dead letters are sent again from four threads, their targets die
//         and come back, and more letters come.
// Method: each message has a number and owns something. Afterwards everything that still is a letter goes to somebody who
//         takes all; then each number must have been handled, failed or refused exactly once, and each thing owned destroyed
//         once. The ledger, the letters and the metrics must say the same.
#include "tests/support/prometheus_parser.hpp"
#include "tests/threads/system_fixture.hpp"

#include <fmt/core.h>

#include <array>
#include <stdexcept>

namespace orrery {
namespace {

/// What became of each number.
struct Fates {
  explicit Fates(std::size_t count) : ends(count), destroyed(count) {}
  std::vector<std::atomic<int>> ends;  ///< handled, failed or refused to its first sender
  std::vector<std::atomic<int>> destroyed;
  std::atomic<std::uint64_t> failed{0};
};

class Owned {
 public:
  Owned(std::shared_ptr<Fates> fates, std::size_t number) : fates_{std::move(fates)}, number_{number} {}
  Owned(Owned&&) = default;
  Owned& operator=(Owned&&) = default;
  ~Owned() {
    if (fates_ != nullptr) fates_->destroyed[number_].fetch_add(1);
  }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }

 private:
  std::shared_ptr<Fates> fates_;
  std::size_t number_;
};
struct Parcel {
  Owned owned;
};

/// Takes parcels, and sometimes dies of one.
struct Mortal {
  std::shared_ptr<Fates> fates;
  bool is_immortal = false;

  void handle(const Parcel& parcel, Context& context) {
    const std::size_t number = parcel.owned.number();
    fates->ends[number].fetch_add(1);
    if (is_immortal) return;
    if (number % 53 == 0) context.stop();
    if (number % 59 == 0) {
      fates->failed.fetch_add(1);
      throw std::runtime_error{"of this parcel"};
    }
  }
};

class RedriveStress : public SystemTest {
 protected:
  static constexpr std::size_t seats = 4;
  static constexpr std::array<const char*, seats> names{"wide", "rejects", "drops_newest", "drops_oldest"};

  ~RedriveStress() override { finish(); }

  Ref<Mortal> seat_somebody(std::size_t seat) {
    static constexpr std::array overflows{Overflow::reject, Overflow::reject, Overflow::drop_newest,
                                          Overflow::drop_oldest};
    SpawnOptions options;
    if (seat != 0) options.mailbox = bounded(4, overflows[seat]);
    while (true) {  // the one before may not have given the name back yet
      if (const auto spawned = system().spawn(names[seat], Mortal{fates_}, options)) return *spawned;
      if (const auto there = system().find<Mortal>(names[seat])) return *there;
      std::this_thread::yield();
    }
  }

  /// Sends every second number to some seat.
  void send(std::size_t first) {
    std::array<Ref<Mortal>, seats> at{};
    for (std::size_t seat = 0; seat < seats; ++seat) at[seat] = seat_somebody(seat);
    for (std::size_t number = first; number < fates_->ends.size(); number += 2) {
      // So few are under way that actors die, and their letters come back, while this goes on.
      while (number % 32 < 2 && system().metrics().queued > 100) std::this_thread::yield();
      const std::size_t seat = number / 2 % seats;
      const auto sent = at[seat].tell(Parcel{Owned{fates_, number}});
      offered_.fetch_add(1);
      if (sent) continue;
      // What drop_newest drops has been accepted, and is a letter.
      const bool is_letter = seat == 2 && sent.error() == TellError::mailbox_full;
      if (!is_letter) fates_->ends[number].fetch_add(1);
      if (sent.error() == TellError::actor_stopped) at[seat] = seat_somebody(seat);
    }
  }

  std::shared_ptr<Fates> fates_ = std::make_shared<Fates>(scaled(40'000, 1'000));
  std::atomic<std::uint64_t> offered_{0};
  std::atomic<bool> is_stopping_{false};
  std::atomic<int> lines_{0};
};

TEST_F(RedriveStress, from_four_threads_loses_and_doubles_nothing_while_targets_die) {
  const std::size_t count = fates_->ends.size();
  const auto everything = static_cast<std::uint32_t>(count);
  start(2, {.runtime = {.dead_letters = {.records_max = everything, .kept_max = everything}}});
  DeadLetters& letters = system().dead_letters();
  const auto heir = system().spawn(Mortal{fates_, true});

  std::atomic<int> senders{2};
  std::atomic<std::uint64_t> redriven{0};
  std::vector<std::thread> threads;
  for (std::size_t first : {0U, 1U}) {
    threads.emplace_back([&, first] {
      send(first);
      EXPECT_TRUE(eventually([&] { return redriven.load() >= 20; }));
      senders.fetch_sub(1);
    });
  }
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      do {
        Redriven result;
        if (i == 0) result = letters.redrive({.count_max = 10}, heir);
        if (i == 1) result = letters.redrive({.target_path = "drops_newest", .count_max = 20});
        if (i >= 2) result = letters.redrive({.reason = DeadLetterReason::actor_stopped, .count_max = 50});
        offered_.fetch_add(result.accepted + result.refused);
        redriven.fetch_add(result.accepted);
      } while (senders.load() > 0);
    });
  }
  std::uint64_t dropped = 0;
  while (senders.load() > 0) {
    const RuntimeMetrics now = system().metrics();
    ASSERT_GE(now.letters_dropped, dropped) << "no counter goes back";
    dropped = now.letters_dropped;
    ASSERT_GE(now.offered, now.refused + now.handled + now.failed + now.dead_lettered);
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(system().await_quiescence(patience));
  EXPECT_EQ(letters.dropped(), 0U) << "there was room for all";

  const Redriven last = letters.redrive({}, heir);
  offered_.fetch_add(last.accepted);
  EXPECT_EQ(last.refused + last.held_back, 0U);
  ASSERT_TRUE(system().await_quiescence(patience));
  EXPECT_EQ(letters.kept(), 0U);
  for (std::size_t number = 0; number < count; ++number) {
    ASSERT_EQ(fates_->ends[number].load(), 1) << "of number " << number;
    ASSERT_EQ(fates_->destroyed[number].load(), 1) << "of number " << number;
  }

  const Ledger account = system().ledger();
  EXPECT_TRUE(account.adds_up()) << orrery_describe(account);
  EXPECT_EQ(account.offered, offered_.load()) << "each sending is one offer";
  EXPECT_EQ(account.queued, 0U);
  EXPECT_EQ(account.failed, fates_->failed.load());
  EXPECT_EQ(account.dead_lettered, letters.count());
  const RuntimeMetrics metrics = system().metrics();
  EXPECT_EQ((Ledger{metrics.offered, metrics.refused, metrics.handled, metrics.failed, metrics.dead_lettered, 0}),
            account);
  MetricList list;
  metrics.append_to(list);
  const auto text = test_support::PrometheusParser::parse(prometheus_text(list));
  double by_reason = 0;
  for (const auto& line : text.at("orrery_dead_letters_total").lines) by_reason += line.value;
  EXPECT_EQ(by_reason, static_cast<double>(account.dead_lettered));
}

TEST_F(RedriveStress, goes_on_through_the_end_of_all_actors) {
  const std::size_t count = fates_->ends.size() / 8;
  start(2, {.runtime = {.dead_letters = {.records_max = 100'000, .kept_max = 100'000}},
            .report_to = [this](std::string_view kind, const std::string&) {
              if (kind == "dead letter" && is_stopping_.load()) ++lines_;
            }});
  DeadLetters& letters = system().dead_letters();
  for (std::size_t number = 0; number < count; ++number) {
    if (!seat_somebody(0).tell(Parcel{Owned{fates_, number}})) fates_->ends[number].fetch_add(1);
  }
  ASSERT_TRUE(system().await_quiescence(patience));
  ASSERT_GT(letters.kept(), 0U);
  (void)seat_somebody(0);
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!is_over.load()) {
        (void)letters.redrive({.count_max = 5});
        std::this_thread::yield();
      }
    });
  }
  is_stopping_.store(true);  // the one kind of letter that there is has been told of before
  EXPECT_TRUE(system().shutdown(patience).is_complete);
  is_over.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lines_.load(), 0);
  EXPECT_TRUE(system().ledger().adds_up()) << orrery_describe(system().ledger());
  EXPECT_EQ(letters.count(), system().ledger().dead_lettered);
  const std::size_t kept = letters.kept();
  finish();
  std::size_t ended = 0;
  for (std::size_t number = 0; number < count; ++number) {
    ASSERT_EQ(fates_->destroyed[number].load(), 1) << "of number " << number;
    ASSERT_LE(fates_->ends[number].load(), 1) << "of number " << number;
    ended += static_cast<std::size_t>(fates_->ends[number].load());
  }
  EXPECT_EQ(ended + kept, count) << "handled, failed, refused, or still a letter";
}

}  // namespace
}  // namespace orrery
