// Goal:   a queue of letters never holds more than it may, loses nothing that it keeps, and stays in order, whatever is done
//         to it.
// Method: random operations on tiny queues, each compared with a model: a plain list, and the rules.
#include "orrery/actor/detail/letter_queue.hpp"

#include "tests/support/scale.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

namespace orrery::detail {
namespace {

using test_support::Random;

struct Entry {
  std::uint64_t number;
  Envelope* kept;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// The rules, one after the other, on a list.
struct Model {
  const DeadLetterOptions& options;
  std::vector<Entry> entries{};
  std::set<Envelope*> evicted{};
  std::uint64_t next = 0;

  [[nodiscard]] bool drops_oldest() const { return options.overflow == DeadLetterOverflow::drop_oldest; }
  [[nodiscard]] std::size_t kept() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(entries, [](const Entry& one) { return one.kept != nullptr; }));
  }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Entry& one : entries) sum += one.kept == nullptr ? 0 : one.kept->block_bytes;
    return sum;
  }
  void let_go(Entry& entry) {
    if (entry.kept != nullptr) evicted.insert(std::exchange(entry.kept, nullptr));
  }
  bool push(Envelope* keepable) {
    if (options.records_max == 0 || (!drops_oldest() && entries.size() == options.records_max)) return false;
    if (entries.size() == options.records_max) {
      let_go(entries.front());
      entries.erase(entries.begin());
    }
    Entry entry{next++, nullptr};
    if (keepable != nullptr && options.kept_max > 0 && keepable->block_bytes <= options.kept_bytes_max) {
      while (kept() + 1 > options.kept_max || bytes() + keepable->block_bytes > options.kept_bytes_max) {
        if (!drops_oldest()) break;
        let_go(*std::ranges::find_if(entries, [](const Entry& one) { return one.kept != nullptr; }));
      }
      if (kept() + 1 <= options.kept_max && bytes() + keepable->block_bytes <= options.kept_bytes_max) {
        entry.kept = keepable;
      }
    }
    entries.push_back(entry);
    return entry.kept != nullptr;
  }
  void put_back(const std::vector<Entry>& back) {
    entries.insert(entries.end(), back.begin(), back.end());
    std::ranges::sort(entries, {}, &Entry::number);
    while (entries.size() > options.records_max) {
      const auto victim = drops_oldest() ? entries.begin() : entries.end() - 1;
      let_go(*victim);
      entries.erase(victim);
    }
    const auto is_kept = [](const Entry& one) { return one.kept != nullptr; };
    while (kept() > options.kept_max || bytes() > options.kept_bytes_max) {
      if (drops_oldest()) {
        let_go(*std::ranges::find_if(entries, is_kept));
      } else {
        let_go(*std::ranges::find_if(entries.rbegin(), entries.rend(), is_kept));
      }
    }
  }
};

class Play {
 public:
  Play(const DeadLetterOptions& options, std::uint64_t seed) : random_{seed}, queue_{options}, model_{options} {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      switch (random_.below(8)) {
        case 0:
          take_some();
          break;
        case 1:
          put_some_back();
          break;
        case 2:
          drop_some();
          break;
        default:
          push();
      }
      compare();
    }
  }

 private:
  void push() {
    Envelope* keepable = nullptr;
    if (random_.below(4) != 0) {
      envelopes_.push_back(std::make_unique<Envelope>());
      keepable = envelopes_.back().get();
      keepable->block_bytes = static_cast<std::uint32_t>(1 + random_.below(6));
    }
    Envelope* evicted = nullptr;
    const bool is_kept = queue_.push({}, keepable, evicted);
    EXPECT_EQ(is_kept, model_.push(keepable));
    note(evicted);
  }
  void take_some() {
    std::vector<std::uint64_t> numbers;
    std::vector<Entry> expected;
    std::erase_if(model_.entries, [&](const Entry& one) {
      if (random_.below(3) != 0) return false;
      numbers.push_back(one.number);
      expected.push_back(one);
      return true;
    });
    if (random_.below(4) == 0) numbers.push_back(1'000'000);  // not there any more
    std::vector<LetterRecord> taken = queue_.take_out(numbers);
    ASSERT_EQ(taken.size(), expected.size());
    for (std::size_t i = 0; i < taken.size(); ++i) {
      EXPECT_EQ((Entry{taken[i].number, taken[i].kept}), expected[i]);
      in_hand_.push_back(std::move(taken[i]));
    }
  }
  void put_some_back() {
    std::vector<LetterRecord> back;
    std::vector<Entry> same;
    std::erase_if(in_hand_, [&](LetterRecord& record) {
      if (random_.below(2) != 0) return false;
      same.push_back({record.number, record.kept});
      back.push_back(std::move(record));
      return true;
    });
    std::ranges::sort(back, {}, &LetterRecord::number);
    Envelope* evicted = nullptr;
    queue_.put_back(std::move(back), evicted);
    model_.put_back(same);
    note(evicted);
  }
  void drop_some() {
    const std::size_t count = random_.below(std::min<std::size_t>(model_.entries.size(), 2) + 1);
    const bool oldest = random_.below(2) == 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto victim = oldest ? model_.entries.begin() : model_.entries.end() - 1;
      model_.let_go(*victim);
      model_.entries.erase(victim);
    }
    Envelope* evicted = nullptr;
    queue_.drop(count, oldest, evicted);
    note(evicted);
  }
  void note(Envelope* evicted) {
    while (evicted != nullptr) {
      EXPECT_TRUE(evicted_.insert(evicted).second) << "let go twice";
      evicted = static_cast<Envelope*>(evicted->next.load());
    }
  }
  void compare() {
    ASSERT_EQ(queue_.size(), model_.entries.size());
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      ASSERT_EQ((Entry{queue_.at(i).number, queue_.at(i).kept}), model_.entries[i]) << i;
    }
    ASSERT_EQ(queue_.kept(), model_.kept());
    ASSERT_EQ(evicted_, model_.evicted);
  }

  Random random_;
  LetterQueue queue_;
  Model model_;
  std::vector<std::unique_ptr<Envelope>> envelopes_;
  std::vector<LetterRecord> in_hand_;
  std::set<Envelope*> evicted_;
};

TEST(LetterQueue, does_what_its_rules_say_in_whatever_order) {
  std::uint64_t seed = 1;
  for (const auto overflow : {DeadLetterOverflow::drop_oldest, DeadLetterOverflow::drop_newest}) {
    for (const std::uint32_t records_max : {0U, 1U, 2U, 5U}) {
      for (const std::uint32_t kept_max : {0U, 1U, 3U}) {
        for (const std::size_t bytes_max : {std::size_t{0}, std::size_t{5}, std::size_t{12}}) {
          const DeadLetterOptions options{
              .records_max = records_max, .overflow = overflow, .kept_max = kept_max, .kept_bytes_max = bytes_max};
          SCOPED_TRACE(fmt::format("{} records, {} kept, {} bytes, seed {}", records_max, kept_max, bytes_max, seed));
          Play{options, seed++}.run(test_support::scaled(3'000));
        }
      }
    }
  }
}

TEST(LetterKind, may_be_reported_at_once_and_then_once_a_minute) {
  using namespace std::chrono_literals;
  static constexpr MessageInfo info{};
  LetterKind kind{info, DeadLetterReason::mailbox_full};
  const Instant began{};
  EXPECT_TRUE(kind.is_due(began));
  EXPECT_TRUE(kind.claim_report(began));
  EXPECT_FALSE(kind.claim_report(began)) << "one of those who come together";
  EXPECT_FALSE(kind.is_due(began + 59s));
  EXPECT_FALSE(kind.claim_report(began + 59s));
  EXPECT_TRUE(kind.claim_report(began + 1min));
  EXPECT_FALSE(kind.claim_report(began + 119s));
  EXPECT_TRUE(kind.claim_report(began + 1h));
}

}  // namespace
}  // namespace orrery::detail
