#include "orrery/testkit/probe.hpp"

#include "orrery/sim/world.hpp"
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace orrery::testkit::detail {

namespace {

/// Names the one who waits to whoever files mail, for as long as it waits.
class Registration {
 public:
  Registration(ProbeMail& mail, orrery::detail::MailWait& wait) : mail_{mail} {
    const std::lock_guard guard{mail.lock};
    ORRERY_CHECK(mail.receiver == nullptr, "two wait for one TestProbe");
    mail.receiver = &wait;
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration() {
    const std::lock_guard guard{mail_.lock};
    mail_.receiver = nullptr;
  }

 private:
  ProbeMail& mail_;
};

struct LetterAt {
  const ProbeMail& mail;
  std::size_t index;
  static bool is_there(const void* state) {
    const auto& self = *static_cast<const LetterAt*>(state);
    const std::lock_guard guard{self.mail.lock};
    return self.mail.letters.size() > self.index;
  }
};
struct DownOf {
  const ProbeMail& mail;
  Handle whose;
  static bool is_there(const void* state) {
    const auto& self = *static_cast<const DownOf*>(state);
    const std::lock_guard guard{self.mail.lock};
    return std::ranges::any_of(self.mail.downs, [&](const Down& down) { return down.who.handle() == self.whose; });
  }
};

}  // namespace

void ProbeMail::put(ProbeLetter letter) {
  orrery::detail::MailWait::Alert alert;
  {
    const std::lock_guard guard{lock};
    letters.push_back(std::move(letter));
    if (receiver != nullptr) alert = receiver->alert();
  }
  alert.raise();  // without the lock: a world may look at once whether the wait is over
}

void ProbeMail::put(const Down& down) {
  orrery::detail::MailWait::Alert alert;
  {
    const std::lock_guard guard{lock};
    downs.push_back(down);
    if (receiver != nullptr) alert = receiver->alert();
  }
  alert.raise();
}

ProbeCore::ProbeCore(Runtime& runtime, std::string name)
    : runtime_{runtime}, name_{std::move(name)}, mail_{std::make_shared<ProbeMail>()} {}

void ProbeCore::attend(Handle handle, const ActorType* type) noexcept {
  handle_ = handle;
  type_ = type;
}

ProbeCore::~ProbeCore() {
  if (!handle_.is_set()) return;  // it was never born
  // A simulated world ends with its test, and its actors with it; a stop would be one more act in every run.
  if (!is_simulated() && runtime_.living_cell(handle_) != nullptr) {
    const Handle me = handle_;
    watch(me);
    stop(ExitReason::shutdown());
    (void)await_down(me, Instant::max());  // by then its name is free
  }
  std::deque<ProbeLetter> left;  // askers are told without the lock
  {
    const std::lock_guard guard{mail_->lock};
    left.swap(mail_->letters);
  }
}

// ---- waiting --------------------------------------------------------------------------------------------------------

Instant ProbeCore::deadline_of(Duration within) const {
  if (within == no_timeout) return Instant::max();
  const Duration scaled = is_simulated() ? within : within * static_cast<std::int64_t>(settings().time_factor);
  const Instant now = runtime_.now();
  return scaled > Instant::max() - now ? Instant::max() : now + std::max(scaled, Duration::zero());
}

void ProbeCore::look_at_once() const {
  auto* const world = dynamic_cast<sim::World*>(&runtime_);
  if (world == nullptr) return;
  try {
    (void)world->internals().peek(handle_, type_);
  } catch (const std::logic_error&) {  // it is in the middle of a handler: then the message is not here yet
  }
}

void ProbeCore::wait_for(bool (*over)(const void*), const void* state, Instant deadline) {
  if (Observer* const observer = runtime_.observer(); observer != nullptr) observer->before_look();
  const Duration left = deadline == Instant::max() ? no_timeout : deadline - runtime_.now();
  auto* const world = dynamic_cast<sim::World*>(&runtime_);
  if (left <= Duration::zero()) look_at_once();
  if (over(state) || left <= Duration::zero()) return;
  if (world != nullptr && world->internals().execution().cell == nullptr) {
    // No timer: a stall would let it ring while what is expected is under way.
    orrery::detail::MailWait wait{runtime_, over, state, no_timeout};
    const Registration registered{*mail_, wait};
    world->internals().await(wait, deadline);
  } else {
    orrery::detail::MailWait wait{runtime_, over, state, left};
    const Registration registered{*mail_, wait};
    runtime_.wait(wait);
  }
}

bool ProbeCore::await_letter(std::size_t index, Instant deadline) {
  const LetterAt state{*mail_, index};
  wait_for(&LetterAt::is_there, &state, deadline);
  return LetterAt::is_there(&state);
}

std::optional<Down> ProbeCore::await_down(Handle whose, Instant deadline) {
  const DownOf state{*mail_, whose};
  wait_for(&DownOf::is_there, &state, deadline);
  const std::lock_guard guard{mail_->lock};
  const auto at = std::ranges::find(mail_->downs, whose, [](const Down& down) { return down.who.handle(); });
  if (at == mail_->downs.end()) return std::nullopt;
  Down down = std::move(*at);
  mail_->downs.erase(at);
  return down;
}

// ---- letters --------------------------------------------------------------------------------------------------------

std::size_t ProbeCore::waiting() const {
  const std::lock_guard guard{mail_->lock};
  return mail_->letters.size();
}

const ProbeLetter& ProbeCore::letter(std::size_t index) const {
  const std::lock_guard guard{mail_->lock};
  return mail_->letters.at(index);  // stays where it is: others only append, and a deque moves nothing then
}

ProbeLetter ProbeCore::take(std::size_t index) {
  ProbeLetter letter;
  {
    const std::lock_guard guard{mail_->lock};
    const auto at = mail_->letters.begin() + static_cast<std::ptrdiff_t>(index);
    letter = std::move(*at);
    mail_->letters.erase(at);
  }
  if (taken_.size() == taken_kept) taken_.pop_front();
  taken_.push_back(describe(letter));
  ++taken_count_;
  last_info_ = letter.info;
  last_sender_ = letter.sender;
  last_type_ = letter.type;
  last_ask_ = letter.ask;
  if (last_held_.block() != nullptr) unanswered_.push_back(std::move(last_held_));
  last_held_ = std::move(letter.held);
  return letter;
}

std::string ProbeCore::path_of(Handle handle) const {
  if (!handle.is_set()) return "the test";
  return runtime_.path_of(handle);
}

std::string ProbeCore::describe(const ProbeLetter& letter) const {
  std::string text;
  letter.info->describe(letter.content.get(), text);
  const Instant at = is_simulated() ? letter.at : std::chrono::floor<std::chrono::milliseconds>(letter.at);
  std::string from = path_of(letter.sender);
  if (letter.where.line() != 0) {
    from += fmt::format("  {}:{}", base_name(letter.where.file_name()), letter.where.line());
  }
  return fmt::format("t={}  {}{} from {}", format_duration(at.time_since_epoch()),
                     letter.ask == ProbeLetter::Ask::none ? "" : "ask ", text, from);
}

std::string ProbeCore::describe_next(std::size_t index) const {
  if (index >= waiting()) return "nothing came";
  const ProbeLetter& next = letter(index);
  std::string text;
  next.info->describe(next.content.get(), text);
  return fmt::format("{} from {} came", text, path_of(next.sender));
}

std::string ProbeCore::why_no_reply() const {
  if (!has_last()) return "no message was taken yet";
  if (last_ask_ == ProbeLetter::Ask::none) return fmt::format("{} was told, not asked", last_info_->name);
  if (last_ask_ == ProbeLetter::Ask::answered) return fmt::format("{} was answered automatically", last_info_->name);
  if (last_held_.block() == nullptr) return fmt::format("{} was answered already", last_info_->name);
  return {};
}

// ---- failures -------------------------------------------------------------------------------------------------------

/// Returns: a line for each message: those that were taken, the newest of them, and those that wait.
std::string ProbeCore::what_came() const {
  std::string text;
  if (taken_count_ > taken_.size()) {
    text += fmt::format("\n  taken    ({} before these)", count_of(taken_count_ - taken_.size(), "message"));
  }
  for (const std::string& line : taken_) text += "\n  taken    " + line;
  const std::size_t count = waiting();
  for (std::size_t i = 0; i < count && i < taken_kept; ++i) text += "\n  waiting  " + describe(letter(i));
  if (count > taken_kept) text += fmt::format("\n  waiting  ({} more)", count - taken_kept);
  std::deque<Down> downs;
  {
    const std::lock_guard guard{mail_->lock};
    downs = mail_->downs;
  }
  for (const Down& down : downs) {
    text += fmt::format("\n  ended    {}: {}", path_of(down.who.handle()), to_string(down.reason));
  }
  return text.empty() ? "\n  (nothing has come at all)" : text;
}

void ProbeCore::fail(const Wanted& wanted, std::string_view instead) const {
  const std::string within = wanted.within == no_timeout ? "" : " within " + format_duration(wanted.within);
  GTEST_MESSAGE_AT_(wanted.where.file_name(), static_cast<int>(wanted.where.line()), "",
                    ::testing::TestPartResult::kNonFatalFailure)
      << "probe " << name_ << ": expected " << wanted.what << within << ", but " << instead << what_came();
}

void ProbeCore::fail_for_good(const Wanted& wanted, std::string_view instead) const {
  fail(wanted, instead);
  // GoogleTest, and a run of the simulated world, take this for what it is: the end of a test that has failed already.
  throw ::testing::AssertionException{
      ::testing::TestPartResult{::testing::TestPartResult::kFatalFailure, wanted.where.file_name(),
                                static_cast<int>(wanted.where.line()), "a probe failed"}};
}

void ProbeCore::refuse(std::string_view what, std::source_location where) const {
  GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()), "", ::testing::TestPartResult::kNonFatalFailure)
      << "probe " << name_ << ": " << what << what_came();
  throw ::testing::AssertionException{::testing::TestPartResult{
      ::testing::TestPartResult::kFatalFailure, where.file_name(), static_cast<int>(where.line()), "a probe failed"}};
}

// ---- watching -------------------------------------------------------------------------------------------------------

void ProbeCore::watch(Handle whose) {
  // The new actor is idle and nobody knows it, so it may be made to watch from here, before anything else happens.
  const Ref<ProbeWatcher> watcher = runtime_.spawn(ProbeWatcher{mail_});
  Cell& cell = *runtime_.cell_at(watcher.handle().slot);
  struct Watched {
    Handle who;
    std::uint32_t index;
    [[nodiscard]] Handle handle() const noexcept { return who; }
    [[nodiscard]] std::uint32_t runtime_index() const noexcept { return index; }
  };
  Context context{runtime_, cell, nullptr};
  context.watch(*static_cast<const ProbeWatcher*>(cell.actor), Watched{whose, runtime_.index()});
}

void ProbeCore::stop(ExitReason reason) {
  const Ref<ProbeWatcher> me{runtime_.index(), handle_};  // the type does not matter for a stop
  (void)runtime_.stop(me, std::move(reason));
}

}  // namespace orrery::testkit::detail
