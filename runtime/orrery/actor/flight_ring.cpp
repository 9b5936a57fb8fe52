#include "orrery/actor/flight_ring.hpp"

#include "orrery/actor/cell.hpp"
#include "orrery/actor/tracing.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <type_traits>

namespace orrery {

namespace {

static_assert(sizeof(std::source_location) == sizeof(std::uint64_t) &&
                  std::is_trivially_copyable_v<std::source_location>,
              "a place in the source is one pointer to a constant");

std::uint64_t pack(Handle handle) noexcept { return (std::uint64_t{handle.generation} << 32) | handle.slot; }
Handle unpack(std::uint64_t word) noexcept {
  return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
}

}  // namespace

std::string_view to_string(FlightKind kind) noexcept {
  switch (kind) {
    case FlightKind::enqueue:
      return "enqueue";
    case FlightKind::take:
      return "take";
    case FlightKind::resume:
      return "resume";
    case FlightKind::refuse:
      return "refuse";
    case FlightKind::spawn:
      return "spawn";
    case FlightKind::restart:
      return "restart";
    case FlightKind::exit:
      return "exit";
    case FlightKind::dead_letter:
      return "dead letter";
  }
  return "unknown";
}

std::uint64_t flight_ticks() noexcept {
  // The clock is read only when all loads before it are done: else the taking of a message, which a processor may guess to be
  // there, could have an earlier time than its sending by another worker.
#if defined(__x86_64__)
  unsigned processor = 0;
  return __builtin_ia32_rdtscp(&processor);
#elif defined(__aarch64__)
  std::uint64_t ticks = 0;
  asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

FlightRing::FlightRing(std::size_t entries, std::size_t text_bytes)
    : entries_{std::bit_ceil(std::max<std::size_t>(entries, 1) + 1)},
      text_words_{(std::min(text_bytes, text_bytes_max) + 7) / 8},
      slots_{std::make_unique<Slot[]>(entries_)} {
  if (text_words_ != 0) texts_ = std::make_unique<std::atomic<std::uint64_t>[]>(entries_ * text_words_);
}

/// Returns: the payload, cut to what is kept. One that cannot be described is left out.
std::string_view FlightRing::describe(const Envelope& envelope) noexcept {
  if (text_words_ == 0) return {};
  described_.clear();
  try {
    envelope.operations->message->describe(envelope.payload(), described_);
  } catch (...) {
    return {};
  }
  return std::string_view{described_}.substr(0, text_words_ * 8);
}

inline void FlightRing::write(const FlightEntry& entry, std::string_view text) noexcept {
  const std::uint64_t number = head_.load(std::memory_order_relaxed);
  std::array<std::atomic<std::uint64_t>, words>& word = slots_[number & (entries_ - 1)].word;
  // G1: what is written below is seen only by those who then see a head that is at least `number`; pairs with the fence in
  // read().
  std::atomic_thread_fence(std::memory_order_release);
  const std::uint64_t small = std::uint64_t{entry.incarnation} | std::uint64_t{entry.attempt} << 32 |
                              std::uint64_t{static_cast<std::uint8_t>(entry.kind)} << 48;
  word[0].store(entry.ticks, std::memory_order_relaxed);
  word[1].store(reinterpret_cast<std::uintptr_t>(entry.message), std::memory_order_relaxed);
  word[2].store(pack(entry.from), std::memory_order_relaxed);
  word[3].store(pack(entry.to), std::memory_order_relaxed);
  word[4].store(std::bit_cast<std::uint64_t>(entry.where), std::memory_order_relaxed);
  word[5].store(small, std::memory_order_relaxed);
  word[6].store(entry.span, std::memory_order_relaxed);
  word[7].store(entry.cause, std::memory_order_relaxed);
  if (text_words_ != 0) {
    std::atomic<std::uint64_t>* const kept = &texts_[(number & (entries_ - 1)) * text_words_];
    for (std::size_t i = 0; i < text_words_; ++i) {
      std::uint64_t bytes = 0;  // zero bytes behind the end
      const std::string_view piece = text.substr(std::min(i * 8, text.size()), 8);
      if (!piece.empty()) std::memcpy(&bytes, piece.data(), piece.size());  // an empty one may point nowhere
      kept[i].store(bytes, std::memory_order_relaxed);
    }
  }
  head_.store(number + 1, std::memory_order_release);  // pairs with the acquire in written()
}

void FlightRing::take(const Cell& cell, const Envelope& envelope) noexcept {
  write({.ticks = flight_ticks(),
         .message = envelope.operations->message,
         .from = envelope.sender,
         .to = cell.handle(),
         .where = envelope.where,
         .kind = FlightKind::take,
         .attempt = envelope.attempt,
         .incarnation = cell.incarnation,
         .span = envelope.trace == nullptr ? 0 : envelope.trace->context.span,
         .cause = envelope.trace == nullptr ? 0 : envelope.trace->parent},
        describe(envelope));
}

void FlightRing::sent(const Cell* sender, Handle to, const Envelope& envelope) noexcept {
  write({.ticks = flight_ticks(),
         .message = envelope.operations->message,
         .from = envelope.sender,
         .to = to,
         .where = envelope.where,
         .kind = FlightKind::enqueue,
         .attempt = envelope.attempt,
         .incarnation = sender == nullptr ? 0 : sender->incarnation,
         .span = envelope.trace == nullptr ? 0 : envelope.trace->context.span,
         .cause = envelope.trace == nullptr ? 0 : envelope.trace->parent},
        describe(envelope));
}

void FlightRing::refused(const Envelope& envelope) noexcept {
  write({.ticks = flight_ticks(),
         .message = envelope.operations->message,
         .from = envelope.sender,
         .where = envelope.where,
         .kind = FlightKind::refuse,
         .attempt = envelope.attempt});
}

void FlightRing::happened(FlightKind kind, const Cell& who, Handle from) noexcept {
  const bool has_two_ends = kind == FlightKind::spawn;
  write({.ticks = flight_ticks(),
         .from = has_two_ends ? from : who.handle(),
         .to = has_two_ends ? who.handle() : Handle{},
         .where = {},
         .kind = kind,
         .incarnation = who.incarnation});
}

void FlightRing::dead_letter(const Envelope& envelope, Handle to) noexcept {
  write({.ticks = flight_ticks(),
         .message = envelope.operations->message,
         .from = envelope.sender,
         .to = to,
         .where = envelope.where,
         .kind = FlightKind::dead_letter,
         .attempt = envelope.attempt});
}

bool FlightRing::read(std::uint64_t number, FlightEntry& entry, std::array<char, text_bytes_max>& text,
                      std::size_t& bytes) const noexcept {
  if (number >= written()) return false;
  std::array<std::uint64_t, words> word;
  const Slot& slot = slots_[number & (entries_ - 1)];
  for (std::size_t i = 0; i < words; ++i) word[i] = slot.word[i].load(std::memory_order_relaxed);
  bytes = 0;
  for (std::size_t i = 0; i < text_words_; ++i) {
    const std::uint64_t piece = texts_[(number & (entries_ - 1)) * text_words_ + i].load(std::memory_order_relaxed);
    std::memcpy(text.data() + i * 8, &piece, 8);
    bytes += 8;
  }
  std::atomic_thread_fence(std::memory_order_acquire);                           // G1: pairs with the fence in write()
  if (head_.load(std::memory_order_relaxed) >= number + entries_) return false;  // its place was, or is being, written
  while (bytes > 0 && text[bytes - 1] == '\0') --bytes;
  entry = {.ticks = word[0],
           .message = reinterpret_cast<const MessageInfo*>(static_cast<std::uintptr_t>(word[1])),
           .from = unpack(word[2]),
           .to = unpack(word[3]),
           .where = std::bit_cast<std::source_location>(word[4]),
           .kind = static_cast<FlightKind>(word[5] >> 48),
           .attempt = static_cast<std::uint16_t>(word[5] >> 32),
           .incarnation = static_cast<std::uint32_t>(word[5]),
           .span = word[6],
           .cause = word[7]};
  return true;
}

}  // namespace orrery
