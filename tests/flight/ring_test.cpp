// Goal:   what a ring gives is what was written, whole and in order, while it is being overwritten, too.
#include <orrery/actor.hpp>
#include <orrery/actor/flight_ring.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace {

using namespace orrery;

struct Number {
  std::uint64_t value;
};
struct Sink {
  void handle(Number) {}
};

/// A message as it stands in a block of a runtime.
struct Message {
  alignas(16) std::array<std::byte, Envelope::header_bytes + sizeof(Number)> block{};
  Envelope* envelope = ::new (block.data())
      Envelope{detail::operations<Sink, Number>, Priority::normal, 0, sizeof block, std::source_location::current()};
  explicit Message(std::uint64_t value) { ::new (envelope->payload()) Number{value}; }
};

void send(FlightRing& ring, std::uint32_t number) {
  Message message{number};
  message.envelope->sender = {number, number + 1};
  ring.sent(nullptr, {number, number + 1}, *message.envelope);
}

TEST(FlightRing, gives_what_was_written_in_the_order_in_which_it_was) {
  FlightRing ring{16};
  for (std::uint32_t i = 0; i < 5; ++i) send(ring, i);
  EXPECT_EQ(ring.oldest(), 0U);
  ASSERT_EQ(ring.written(), 5U);
  std::uint64_t before = 0;
  for (std::uint32_t i = 0; i < 5; ++i) {
    FlightEntry entry;
    ASSERT_TRUE(ring.read(i, entry));
    EXPECT_EQ(entry.kind, FlightKind::enqueue);
    EXPECT_EQ(entry.from, (Handle{i, i + 1}));
    EXPECT_EQ(entry.to, (Handle{i, i + 1}));
    EXPECT_EQ(entry.message->name, "Number");
    EXPECT_TRUE(std::string_view{entry.where.file_name()}.ends_with("ring_test.cpp"));
    EXPECT_GE(entry.ticks, before);
    before = entry.ticks;
  }
  FlightEntry entry;
  EXPECT_FALSE(ring.read(5, entry));
}

TEST(FlightRing, keeps_at_least_as_many_as_were_asked_for_and_forgets_the_oldest) {
  for (const std::size_t entries : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{64}}) {
    FlightRing ring{entries};
    for (std::uint32_t i = 0; i < 1'000; ++i) send(ring, i);
    EXPECT_LE(ring.oldest(), 1'000 - entries);
    EXPECT_GT(ring.oldest(), 1'000 - 2 * entries - 2);
    FlightEntry entry;
    EXPECT_FALSE(ring.read(ring.oldest() - 1, entry));
    for (std::uint64_t i = ring.oldest(); i < ring.written(); ++i) {
      ASSERT_TRUE(ring.read(i, entry));
      EXPECT_EQ(entry.from.slot, i);
    }
  }
}

TEST(FlightRing, keeps_as_much_of_a_payload_as_it_has_room_for) {
  FlightRing none{4};
  FlightRing some{4, 10};  // room for 16
  FlightRing all{4, 240};
  for (FlightRing* const ring : {&none, &some, &all}) send(*ring, 123'456'789);
  const auto text_of = [](const FlightRing& ring) {
    FlightEntry entry;
    std::array<char, FlightRing::text_bytes_max> text;
    std::size_t bytes = 0;
    EXPECT_TRUE(ring.read(0, entry, text, bytes));
    return std::string{text.data(), bytes};
  };
  EXPECT_EQ(text_of(none), "");
  EXPECT_EQ(text_of(some), "Number{value=123");
  EXPECT_EQ(text_of(all), "Number{value=123456789}");
}

// Both handles and the number of the entry are made of one number: a torn entry shows two.
TEST(FlightRing, never_gives_a_torn_entry_while_it_is_being_overwritten) {
  FlightRing ring{2};
  std::atomic<bool> over{false};
  std::thread writer{[&] {
    for (std::uint32_t i = 0; !over.load(std::memory_order_relaxed); ++i) send(ring, i);
  }};
  std::uint64_t seen = 0;
  for (int look = 0; seen < 2'000 && look < 50'000'000; ++look) {
    for (std::uint64_t i = ring.oldest(); i < ring.written(); ++i) {
      FlightEntry entry;
      if (!ring.read(i, entry)) continue;
      ++seen;
      const auto number = static_cast<std::uint32_t>(i);
      if (entry.from != Handle{number, number + 1} || entry.to != entry.from) {
        ADD_FAILURE() << "entry " << i << " is " << entry.from.slot << " to " << entry.to.slot;
        seen = 2'000;
        break;
      }
    }
  }
  over.store(true, std::memory_order_relaxed);
  writer.join();
  EXPECT_GE(seen, 1U);
}

}  // namespace
