// restart_forgets_test.cpp: an actor that parses and counts is restarted when a line cannot be parsed, and has forgotten its count.
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <stdexcept>
#include <vector>

namespace {

struct Line {
  bool is_good;
};
struct Good {};
constexpr orrery::Restart restart{.intensity = 100, .period = std::chrono::seconds{1}};

struct Counter {
  int count = 0;
  void handle(Good) { ++count; }
};
struct ParsingCounter {
  int count = 0;
  void handle(Line m) {
    if (!m.is_good) throw std::runtime_error{"no number"};
    ++count;
  }
};
// What may fail and what must be kept are two actors; the one that may fail has nothing to lose.
struct Parser {
  orrery::Ref<Counter> counter;
  void handle(Line m) {
    if (!m.is_good) throw std::runtime_error{"no number"};
    (void)counter.tell(Good{});
  }
};

template <class Entry, class Keeper>
void the_count_never_goes_back(orrery::sim::World& w, Entry entry, Keeper keeper, const std::vector<bool>& lines) {
  int most = 0;
  w.always("the count never goes back", [&] {
    const int count = w.peek(keeper).count;
    most = std::max(most, count);
    return count == most;
  });
  for (const bool is_good : lines) (void)entry.tell(Line{is_good});
  w.run();
}

TEST(RestartForgets, Wrong) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<bool>& lines) {
    const orrery::Ref<ParsingCounter> counter = w.spawn("counter", restart, ParsingCounter{});
    the_count_never_goes_back(w, counter, counter, lines);
  });
}
TEST(RestartForgets, Mended) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<bool>& lines) {
    const orrery::Ref<Counter> counter = w.spawn("counter", Counter{});
    const orrery::Ref<Parser> parser = w.spawn("parser", restart, Parser{counter});
    the_count_never_goes_back(w, parser, counter, lines);
  });
}

}  // namespace
