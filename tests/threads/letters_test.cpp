// Goal:   a flood of dead letters on several workers is bounded, counted exactly and told in few words.
#include "tests/actor/letters_fixture.hpp"
#include "tests/support/memory.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/threads/system_fixture.hpp"

#include <mutex>

namespace orrery {
namespace {

using letters::Guest;
using letters::Host;
using letters::Meet;

/// What the operator was told about letters.
class Told {
 public:
  [[nodiscard]] ReportSink sink() {
    return [this](std::string_view kind, const std::string& text) {
      const std::lock_guard guard{mutex_};
      if (kind == "dead letter") texts_.push_back(text);
    };
  }
  [[nodiscard]] std::vector<std::string> texts() {
    const std::lock_guard guard{mutex_};
    return texts_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

struct Flood {
  using Reply = std::size_t;
  std::size_t count;
};
/// Tells somebody whose mailbox is full.
struct Flooder {
  Ref<Recorder> to;
  std::size_t handle(Flood flood) {
    std::size_t dropped = 0;
    for (std::size_t i = 0; i < flood.count; ++i) dropped += to.tell(Note{static_cast<int>(i)}) ? 0 : 1;
    return dropped;
  }
};

class LettersTest : public SystemTest {
 protected:
  /// Starts a system and in it somebody who takes one message and no more until the test ends.
  void start_with(unsigned threads, DeadLetterOptions options) {
    start(threads + 1, {.runtime = {.dead_letters = options}, .reports_per_minute = 1'000, .report_to = told_.sink()});
    target_ = system().spawn("target", Recorder{}, {.mailbox = bounded(1, Overflow::drop_newest)}).value();
    ASSERT_TRUE(target_.tell(Block{gate_}));
    ASSERT_TRUE(eventually([&] { return gate_->is_reached(); }));
    ASSERT_TRUE(target_.tell(Note{-1}));
  }
  ~LettersTest() override {
    gate_->open();
    finish();
  }

  Told told_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  Ref<Recorder> target_;
};

TEST_F(LettersTest, a_flood_on_two_workers_takes_bounded_memory_and_is_counted_exactly) {
  for (const std::uint32_t kept_max : {0U, 50U}) {
    start_with(2, {.records_max = 100, .kept_max = kept_max});
    const std::size_t each = scaled(400'000);
    auto first = system().spawn(Flooder{target_}).ask_async(Flood{each}, no_timeout);
    auto second = system().spawn(Flooder{target_}).ask_async(Flood{each}, no_timeout);
    EXPECT_EQ(first.get().value_or(0), each);
    const std::size_t before = test_support::resident_bytes();
    EXPECT_EQ(second.get().value_or(0), each);
    auto third = system().spawn(Flooder{target_}).ask_async(Flood{each}, no_timeout);
    EXPECT_EQ(third.get().value_or(0), each);
    if (test_support::memory_says_something) {
      EXPECT_LT(test_support::resident_bytes(), before + (std::size_t{16} << 20))
          << "it does not grow with the letters";
    }

    const DeadLetters& letters = system().dead_letters();
    EXPECT_EQ(letters.count(DeadLetterReason::mailbox_full), 3 * each);
    const auto records = letters.query();
    EXPECT_EQ(records.size(), 100U);
    EXPECT_EQ(letters.dropped(), 3 * each - 100);
    EXPECT_EQ(letters.kept(), kept_max);
    EXPECT_TRUE(std::ranges::is_sorted(records, {}, &DeadLetter::when));
    EXPECT_EQ(records.back().text, fmt::format("Note{{value={}}}", each - 1)) << "the newest are there";
    gate_->open();
    finish();
    gate_ = std::make_shared<Gate>();
  }
}

TEST_F(LettersTest, each_kind_is_told_once_and_not_once_per_letter) {
  start_with(1, {});
  EXPECT_EQ(system().spawn("flooder", Flooder{target_})->ask(Flood{1'000}, no_timeout).value_or(0), 1'000U);
  const auto guest = system().spawn("guest", Guest{});
  ASSERT_TRUE(system().spawn("host", Host{})->tell(Meet{*guest, 1, 3, Meet::stop}));
  ASSERT_TRUE(eventually([&] { return system().dead_letters().count() == 1'003; }));
  ASSERT_TRUE(eventually([&] { return told_.texts().size() >= 2; }));
  EXPECT_EQ(told_.texts(), (std::vector<std::string>{"Note{value=0} from flooder to target: mailbox_full",
                                                     "Note{number=1} from guest to host: actor_stopped"}));
}

TEST_F(LettersTest, what_dies_while_the_system_stops_is_counted_and_not_told) {
  start_with(1, {});
  std::thread opener{[&] {
    const Cell& cell = *system().cell_at(target_.handle().slot);
    EXPECT_TRUE(eventually([&] { return cell.signals.load() != nullptr; }));  // it has been asked to stop
    gate_->open();
  }};
  EXPECT_TRUE(system().shutdown(patience).is_complete);
  opener.join();
  EXPECT_EQ(told_.texts(), std::vector<std::string>{}) << "whoever listened may have gone";
  EXPECT_EQ(system().dead_letters().count(DeadLetterReason::actor_stopped), 1U);
}

/// Everything at once: letters on two workers, and main that looks, clears and sends again.
TEST_F(LettersTest, can_be_read_cleared_and_sent_again_while_more_come) {
  start_with(2, {.records_max = 64, .kept_max = 32});
  const std::size_t each = scaled(40'000);
  auto first = system().spawn(Flooder{target_}).ask_async(Flood{each}, no_timeout);
  auto second = system().spawn(Flooder{target_}).ask_async(Flood{each}, no_timeout);
  const auto heir = system().spawn(Recorder{});
  std::size_t accepted = 0;
  std::size_t cleared = 0;
  std::size_t dropped_again = 0;
  do {
    EXPECT_LE(system().dead_letters().query().size(), 64U);
    accepted += system().dead_letters().redrive({.count_max = 3}, heir).accepted;
    dropped_again += system().dead_letters().redrive({.count_max = 3}).refused;  // their mailbox is still full
    cleared += system().dead_letters().clear({.count_max = 2});
  } while (!(first.ready() && second.ready()));
  const DeadLetters& letters = system().dead_letters();
  EXPECT_EQ(letters.count(), 2 * each + dropped_again);
  EXPECT_EQ(letters.dropped() + letters.query().size() + accepted + cleared, 2 * each) << "each is somewhere";
  EXPECT_EQ(heir.ask(Seen{}, no_timeout).value_or(std::vector<int>{}).size(), accepted);
}

}  // namespace
}  // namespace orrery
