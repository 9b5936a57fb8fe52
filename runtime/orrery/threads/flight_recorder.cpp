#include "orrery/threads/flight_recorder.hpp"

#include "orrery/actor/runtime.hpp"
#include "orrery/core/json_text.hpp"
#include "orrery/threads/crash_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>

namespace orrery {

namespace {

constexpr std::size_t workers_max = 256;
constexpr std::size_t signal_stack_bytes = std::size_t{64} * 1024;

std::int64_t steady_nanoseconds() noexcept {  // clock_gettime is one of the few that a signal handler may call
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// Copies memory of this process that may be gone. Returns: whether all of it is there.
bool read_carefully(const void* from, void* to, std::size_t bytes) noexcept {
  const iovec local{to, bytes};
  const iovec remote{const_cast<void*>(from), bytes};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

/// What is read of a cell while another thread runs it. The memory is there for ever; what is read is old at worst.
struct PeekedCell {
  const ActorType* type;
  const CellExtras* extras;
};
#if defined(__clang__)
[[clang::no_sanitize("thread")]]
#else
[[gnu::no_sanitize_thread]]
#endif
[[gnu::noinline]] PeekedCell
peek(const Cell& cell) noexcept {
  return {cell.type, cell.extras};
}

/// The line that is being written, in pieces that go out when they are many.
class Lines {
 public:
  explicit Lines(int file) noexcept : file_{file} {}
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() { flush(); }

  void put(std::string_view text) noexcept {
    while (!text.empty()) {
      if (used_ == buffer_.size()) flush();
      const std::size_t bytes = std::min(text.size(), buffer_.size() - used_);
      std::memcpy(buffer_.data() + used_, text.data(), bytes);
      used_ += bytes;
      text.remove_prefix(bytes);
    }
  }
  void put(std::uint64_t number) noexcept {
    std::array<char, 20> digits;
    put(std::string_view{digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr});
  }
  void put_hex(std::uint64_t number) noexcept {
    std::array<char, 16> digits;
    for (std::size_t i = digits.size(); i-- > 0; number >>= 4) digits[i] = "0123456789abcdef"[number & 0xf];
    put(std::string_view{digits.data(), digits.size()});
  }
  void put_json(std::string_view text) noexcept {
    write_json_text(text, [&](std::string_view piece) { put(piece); });
  }
  void flush() noexcept {
    std::string_view rest{buffer_.data(), used_};
    used_ = 0;
    while (!rest.empty()) {
      const ssize_t written = ::write(file_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  int file_;
  std::size_t used_ = 0;
  std::array<char, 4096> buffer_;
};

/// The readable name of an actor, in memory of its own.
class Name {
 public:
  Name(const Runtime& runtime, Handle who) noexcept { find(runtime, who); }
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), used_}; }

 private:
  void find(const Runtime& runtime, Handle who) noexcept {
    if (!who.is_set()) return add("outside");
    const Cell* const cell = runtime.cell_at(who.slot);
    const PeekedCell peeked = cell == nullptr ? PeekedCell{} : peek(*cell);
    if (peeked.type == nullptr || cell->generation.load(std::memory_order_acquire) != who.generation) {
      add("gone#");
      add(who.slot);
      add(".");
      return add(who.generation);
    }
    if (peeked.extras != nullptr && add_path(*peeked.extras)) return;
    add(peeked.type->name);
    add("#");
    add(who.slot);
  }
  void add(std::string_view text) noexcept {
    const std::size_t bytes = std::min(text.size(), text_.size() - used_);
    std::memcpy(text_.data() + used_, text.data(), bytes);
    used_ += bytes;
  }
  void add(std::uint32_t number) noexcept {
    std::array<char, 10> digits;
    add(std::string_view{digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr});
  }
  /// Returns: whether there is a path. The extras may be freed meanwhile, and their memory be anything.
  bool add_path(const CellExtras& extras) noexcept {
    alignas(std::string) std::array<std::byte, sizeof(std::string)> copy;
    if (!read_carefully(&extras.path, copy.data(), copy.size())) return false;
    const auto& path = *std::launder(reinterpret_cast<const std::string*>(copy.data()));
    const std::size_t bytes = std::min(path.size(), text_.size());
    if (bytes == 0 || !read_carefully(path.data(), text_.data(), bytes)) return false;
    used_ = bytes;
    return true;
  }

  std::array<char, 200> text_;
  std::size_t used_ = 0;
};

/// The type of an actor that lives, or nothing.
std::string_view type_of(const Runtime& runtime, Handle who) noexcept {
  const Cell* const cell = who.is_set() ? runtime.cell_at(who.slot) : nullptr;
  if (cell == nullptr || cell->generation.load(std::memory_order_acquire) != who.generation) return {};
  const ActorType* const type = peek(*cell).type;
  return type == nullptr ? std::string_view{} : type->name;
}

}  // namespace

FlightRecorder::FlightRecorder(const FlightRecorderOptions& options, const Runtime& runtime, std::size_t workers)
    : runtime_{runtime}, ticks_began_{flight_ticks()}, nanoseconds_began_{steady_nanoseconds()} {
  ORRERY_CHECK(workers <= workers_max);
  for (std::size_t i = 0; i < workers; ++i) {
    rings_.push_back(std::make_unique<FlightRing>(options.entries, options.text_bytes));
  }
  if (!options.crash_folder.empty()) watches_crashes_ = CrashFile::add(*this, options.crash_folder);
}

FlightRecorder::~FlightRecorder() {
  if (watches_crashes_) CrashFile::remove(*this);
}

std::expected<void, std::string> FlightRecorder::dump(const std::string& path) const {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return std::unexpected(path + ": " + std::strerror(errno));
  write(file, 0);
  if (::close(file) != 0) return std::unexpected(path + ": " + std::strerror(errno));
  return {};
}

std::uint64_t FlightRecorder::write(int file, std::uint64_t step) const noexcept {
  struct Cursor {
    std::uint64_t next = 0;
    std::uint64_t end = 0;
    std::uint64_t ticks = 0;  ///< of the entry at `next`
  };
  std::array<Cursor, workers_max> cursors;
  const std::size_t count = rings_.size();
  // Puts a cursor on the first entry from its place on that is still there.
  const auto settle = [&](std::size_t i) {
    FlightEntry entry;
    for (Cursor& at = cursors[i]; at.next < at.end; ++at.next) {
      at.next = std::max(at.next, rings_[i]->oldest());
      if (at.next >= at.end) break;
      if (!rings_[i]->read(at.next, entry)) continue;
      at.ticks = entry.ticks;
      return;
    }
  };
  for (std::size_t i = 0; i < count; ++i) {
    cursors[i] = {.next = rings_[i]->oldest(), .end = rings_[i]->written()};
    settle(i);
  }
  __extension__ using Wide = unsigned __int128;
  const std::uint64_t ticks_now = flight_ticks();
  const auto nanoseconds_now = static_cast<std::uint64_t>(steady_nanoseconds() - nanoseconds_began_);
  const std::uint64_t ticks_passed = std::max<std::uint64_t>(ticks_now - ticks_began_, 1);
  const auto to_nanoseconds = [&](std::uint64_t ticks) {
    const std::uint64_t since = ticks < ticks_began_ ? 0 : ticks - ticks_began_;
    return static_cast<std::uint64_t>(Wide{since} * nanoseconds_now / ticks_passed);
  };

  Lines out{file};
  while (true) {
    std::size_t first = count;
    for (std::size_t i = 0; i < count; ++i) {
      if (cursors[i].next >= cursors[i].end) continue;
      if (first == count || cursors[i].ticks < cursors[first].ticks) first = i;
    }
    if (first == count) return step;
    FlightEntry entry;
    std::array<char, FlightRing::text_bytes_max> text;
    std::size_t bytes = 0;
    const bool is_there = rings_[first]->read(cursors[first].next++, entry, text, bytes);
    settle(first);
    if (!is_there) continue;
    if (entry.kind == FlightKind::take || entry.kind == FlightKind::resume) ++step;
    out.put("{\"schema\":1,\"step\":");
    out.put(step);
    out.put(",\"t_ns\":");
    out.put(to_nanoseconds(entry.ticks));
    out.put(",\"kind\":");
    out.put_json(to_string(entry.kind));
    out.put(",\"from\":");
    out.put_json(Name{runtime_, entry.from}.text());
    out.put(",\"to\":");
    const bool has_two_ends = entry.kind != FlightKind::resume && entry.kind != FlightKind::restart &&
                              entry.kind != FlightKind::exit && entry.kind != FlightKind::refuse;
    out.put_json(has_two_ends ? Name{runtime_, entry.to}.text() : std::string_view{});
    out.put(",\"message\":");
    out.put_json(bytes != 0                 ? std::string_view{text.data(), bytes}
                 : entry.message != nullptr ? entry.message->name
                                            : std::string_view{});
    const Handle who = entry.kind == FlightKind::take || entry.kind == FlightKind::spawn ? entry.to : entry.from;
    if (const std::string_view type = type_of(runtime_, who); !type.empty()) {
      out.put(",\"type\":");
      out.put_json(type);
    }
    if (entry.incarnation != 0) {
      out.put(",\"gen\":");
      out.put(entry.incarnation);
    }
    if (entry.attempt != 0) {
      out.put(",\"attempt\":");
      out.put(entry.attempt);
    }
    if (entry.span != 0) {
      out.put(",\"msg_id\":\"");
      out.put_hex(entry.span);
      out.put("\"");
    }
    if (entry.cause != 0) {
      out.put(",\"cause_id\":\"");
      out.put_hex(entry.cause);
      out.put("\"");
    }
    if (entry.where.line() != 0) {
      out.put(",\"file\":");
      out.put_json(entry.where.file_name());
      out.put(",\"line\":");
      out.put(entry.where.line());
    }
    out.put(",\"worker\":");
    out.put(first);
    out.put("}\n");
  }
}

void FlightRecorder::write_crash(int file, std::uint64_t step, std::string_view what) const noexcept {
  const Execution* const execution = current_execution();
  const bool is_mine = execution != nullptr && execution->runtime == &runtime_;
  const Handle who = is_mine && execution->cell != nullptr ? execution->cell->handle() : Handle{};
  const bool handles = is_mine && execution->message.identity() != nullptr && execution->message.type() != nullptr;
  Lines out{file};
  out.put("{\"schema\":1,\"step\":");
  out.put(step);
  out.put(",\"t_ns\":");
  out.put(static_cast<std::uint64_t>(steady_nanoseconds() - nanoseconds_began_));
  out.put(",\"kind\":\"crash\",\"from\":");
  out.put_json(Name{runtime_, who}.text());
  out.put(",\"to\":\"\",\"message\":");
  out.put_json(handles ? execution->message.type()->name : std::string_view{});
  if (const std::string_view type = type_of(runtime_, who); !type.empty()) {
    out.put(",\"type\":");
    out.put_json(type);
  }
  out.put(",\"finding\":");
  out.put_json(what);
  if (is_mine) {
    out.put(",\"worker\":");
    out.put(execution->index);
  }
  out.put("}\n");
}

FlightRecorder::SignalStack::SignalStack() noexcept {
  stack_t before{};
  if (sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0) return;
  void* const stack =  // mapped, not allocated: a fault on the heap must not have hit it
      mmap(nullptr, signal_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) return;
  const stack_t mine{.ss_sp = stack, .ss_flags = 0, .ss_size = signal_stack_bytes};
  if (sigaltstack(&mine, nullptr) == 0) {
    stack_ = stack;
  } else {
    munmap(stack, signal_stack_bytes);
  }
}

FlightRecorder::SignalStack::~SignalStack() {
  if (stack_ == nullptr) return;
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  sigaltstack(&none, nullptr);
  munmap(stack_, signal_stack_bytes);
}

}  // namespace orrery
