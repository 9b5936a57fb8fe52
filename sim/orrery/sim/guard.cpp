#include "orrery/sim/guard.hpp"

#include "orrery/actor/context.hpp"
#include "orrery/actor/race_scope.hpp"
#include "orrery/core/entropy.hpp"
#include "orrery/core/hash.hpp"
#include "orrery/sim/backtrace.hpp"
#include "orrery/sim/engine.hpp"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace orrery::sim {

namespace {

/// Says once in a process when the guard would be blind.
void warn_if_blind() {
  static const bool said = [] {
    const std::vector<std::string> blind = unguarded_functions();
    if (blind.empty()) return false;
    std::string names;
    for (const std::string& name : blind) names += " " + name;
    fmt::print(stderr, "orrery: the leak guard does not see these functions in this program:{}\n", names);
    return true;
  }();
  (void)said;
}

std::string left_name;
std::terminate_handler before_left = nullptr;

/// Where the code around a wait is noexcept, abandon() ends the process: then at least with the reason.
void tell_if_it_cannot_be_left(const std::string& name) {
  left_name = name;
  if (before_left != nullptr) return;
  before_left = std::set_terminate([] {
    fmt::print(stderr, "orrery: LEAK \"{}\"; code around it is noexcept, so that only the process can end it\n",
               left_name);
    before_left();
  });
}

}  // namespace

constinit thread_local Guard* Guard::active_ = nullptr;

void Guard::enter() {
  const Leaks leaks = engine_.options().leaks;
  if (leaks == Leaks::off) return;
  warn_if_blind();
  forbids_ = leaks == Leaks::forbidden;
  active_ = this;
}

void Guard::leave() noexcept {
  if (before_left != nullptr) std::set_terminate(std::exchange(before_left, nullptr));
  if (active_ == this) active_ = nullptr;
}

// ---- what is reported -------------------------------------------------------------------------------------------------

std::string Guard::culprit() const {
  if (engine_.in_predicate_) return "a predicate";
  if (const std::string owner = engine_.offloading(); !owner.empty()) return "work that " + owner + " offloaded";
  const Execution& execution = engine_.execution_;
  if (execution.cell == nullptr)
    return engine_.running_ ? engine_.agents_.path_of(*engine_.acting_) : "the body of the test";
  std::string who = engine_.path_of(execution.cell->handle());
  if (execution.message != nullptr) who += fmt::format(" handling {}", execution.message.type()->name);
  return who;
}

void Guard::report(std::string_view call, std::string_view what) {
  [[maybe_unused]] const RuntimeScope inside;
  if (engine_.finding_ || engine_.tearing_down_) return;
  Guard* const guard = std::exchange(active_, nullptr);  // what a report takes is no leak of the user's
  engine_.report_finding({.kind = FindingKind::leak,
                          .name = fmt::format("{} in {}", call, culprit()),
                          .detail = fmt::format("{}\n{}", what, describe_callers()),
                          .file = {}});
  active_ = guard;
}

void Guard::report_if_forbidden(std::string_view call) {
  if (forbids_) report(call, "the run's options forbid it (Leaks::forbidden)");
}

// ---- clocks -------------------------------------------------------------------------------------------------------------

Instant Guard::now(std::string_view call) {
  [[maybe_unused]] const RuntimeScope inside;
  report_if_forbidden(call);
  if (std::exchange(read_at_, engine_.operations_) != engine_.operations_) readings_ = 0;
  if (++readings_ <= readings_max) return engine_.now_;
  report(call, "waits for time to pass by looking at it again and again; virtual time passes in waits only");
  return engine_.now_ + std::chrono::milliseconds{readings_ - readings_max};
}

// ---- entropy ------------------------------------------------------------------------------------------------------------

Guard::Drawn Guard::decide(std::string_view call) {
  [[maybe_unused]] const RuntimeScope inside;
  report_if_forbidden(call);
  if (engine_.in_predicate_) report(call, "a predicate that draws would change the run that it judges");
  const Agent& who = *engine_.acting_;
  if (draws_.size() <= who.index) draws_.resize(who.index + 1);
  const std::uint64_t counter = draws_[who.index]++;
  const std::uint64_t stream = who.path_hash ^ hash_text("behind the framework's back");
  const std::uint64_t fresh = orrery::draw(0, stream, counter);
  if (engine_.in_predicate_) return {0, fresh};
  // Not over all 64 bits: an exhaustive search can begin with 2^31 options, though it will not end.
  return {engine_.draw(stream, counter, std::uint64_t{1} << 31), fresh};
}

void Guard::fill(std::span<std::byte> bytes, std::string_view call) {
  if (bytes.empty()) return;
  const auto [value, fresh] = decide(call);
  Entropy entropy{value, fresh};
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i, word >>= 8) {
    if (i % 8 == 0) word = entropy.next();
    bytes[i] = static_cast<std::byte>(word & 0xff);
  }
}

std::uint32_t Guard::draw(std::string_view call) {
  const auto [value, fresh] = decide(call);
  return static_cast<std::uint32_t>((value ^ fresh) & 0x7fff'ffff);
}

int Guard::open_entropy(std::string_view call) {
  std::array<std::byte, 4096> block;
  constexpr int blocks = 16;
  std::array<std::byte, 8> seed;
  fill(seed, call);
  std::uint64_t key = 0;
  for (const std::byte byte : seed) key = key << 8 | std::to_integer<std::uint64_t>(byte);
  Entropy entropy{key, 0};
  const int file = ::memfd_create("orrery-entropy", MFD_CLOEXEC);
  if (file < 0) return file;
  for (int i = 0; i < blocks; ++i) {
    for (std::byte& byte : block) byte = static_cast<std::byte>(entropy.next() & 0xff);
    if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size())) {
      ::close(file);
      return -1;
    }
  }
  ::lseek(file, 0, SEEK_SET);
  return file;
}

// ---- waits and threads ----------------------------------------------------------------------------------------------------

/// Returns: whether the calling user code may suspend, as by Context::sleep.
bool Guard::may_wait() const {
  if (engine_.tearing_down_ || engine_.finding_ || engine_.in_predicate_ || std::uncaught_exceptions() > 0)
    return false;
  if (const Cell* const cell = engine_.execution_.cell; cell != nullptr) return cell->ending != Cell::Ending::unwinding;
  return !engine_.running_ || engine_.acting_work() != nullptr;
}

void Guard::sleep(Duration duration, std::string_view call) {
  [[maybe_unused]] const RuntimeScope inside;
  report_if_forbidden(call);
  if (engine_.tearing_down_) return;
  if (may_wait()) return sleep_for(*engine_.runtime_, duration);
  report(call, "sleeps where nothing may wait (a destructor, a predicate, a hook at the end)");
  abandon();
}

void Guard::refuse_thread(std::string_view call) {
  report(call, "starts a thread, which no seed can schedule; an actor, or offload(), does the same in both worlds");
}

void Guard::refuse_wait(std::string_view call) {
  report(call, "holds the thread, and with it everybody who could end the wait; wait for a message or an ask instead");
  abandon();
}

/// The run is over, and the caller would wait for ever for what nobody can do any more. An exception takes it out of
/// there, as a stop would: these functions are cancellation points, so C++ code around them expects to be unwound.
void Guard::abandon() {
  if (std::uncaught_exceptions() > 0 || engine_.in_predicate_) return;
  tell_if_it_cannot_be_left(engine_.finding_ ? engine_.finding_->name : std::string{});
  if (Cell* const cell = engine_.execution_.cell; cell != nullptr) {
    if (cell->ending == Cell::Ending::unwinding) return;
    cell->ending = Cell::Ending::unwinding;
    cell->killed = true;
    throw Unwind{};
  }
  if (engine_.acting_work() != nullptr) throw Unwind{};
  if (!engine_.running_) engine_.stop_if_over();
}

}  // namespace orrery::sim
