// probe_core.hpp: what a TestProbe does that needs no message types: keep what came, wait, and say what is wrong.
// How:  the probe's actor files every message as a letter into ProbeMail; the test takes letters from it. One lock, held for
//       a push or a look. Waiting is Runtime::wait: it runs the simulated world, or blocks the thread.
#pragma once
#include "orrery/actor/mailbox.hpp"
#include "orrery/actor/open_ask.hpp"
#include "orrery/actor/spawn.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::testkit::detail {

/// A message as it came.
struct ProbeLetter {
  std::size_t type = 0;  ///< its place among the probe's message types
  const MessageInfo* info = nullptr;
  std::shared_ptr<void> content;
  Handle sender{};
  Instant at{};
  std::source_location where{};
  enum class Ask : std::uint8_t { none, open, answered };  ///< answered: by an automatic reply
  Ask ask = Ask::none;
  orrery::detail::HeldAsk held{};
};

/// What has come and was not taken. Shared by the probe, its actor and its watchers.
struct ProbeMail {
  mutable SpinLock lock;
  std::deque<ProbeLetter> letters;
  std::deque<Down> downs;
  orrery::detail::MailWait* receiver = nullptr;

  void put(ProbeLetter letter);
  void put(const Down& down);
};

/// One watched actor's end.
struct ProbeWatcher {
  static constexpr std::string_view orrery_name = "TestProbe watcher";
  std::shared_ptr<ProbeMail> mail;
  void handle(const Down& down, Context& context) {
    mail->put(down);
    context.stop();
  }
};

class ProbeCore {
 public:
  ProbeCore(Runtime& runtime, std::string name);
  ProbeCore(const ProbeCore&) = delete;
  ProbeCore& operator=(const ProbeCore&) = delete;
  ~ProbeCore();

  /// Set once: the probe's actor.
  void attend(Handle handle, const ActorType* type) noexcept;
  [[nodiscard]] Runtime& runtime() const noexcept { return runtime_; }
  [[nodiscard]] const std::shared_ptr<ProbeMail>& mail() const noexcept { return mail_; }
  [[nodiscard]] Handle handle() const noexcept { return handle_; }

  /// What one expectation wants, for its failure.
  struct Wanted {
    std::string what;  ///< "Posted{balance=5}"
    Duration within{};
    std::source_location where;
  };
  /// An expectation under way: when it must be fulfilled.
  [[nodiscard]] Instant deadline_of(Duration within) const;

  /// Waits until a letter stands at `index`. Returns: false when none has come by `deadline`.
  bool await_letter(std::size_t index, Instant deadline);
  /// To be called before a look that does not wait: it sees how far the probe's actor has come in the middle of a run, and
  /// the simulator must know that somebody looks.
  void look_at_once() const;
  [[nodiscard]] std::size_t waiting() const;
  /// Looks at a letter without taking it. Pre: it is there.
  [[nodiscard]] const ProbeLetter& letter(std::size_t index) const;
  /// Takes the letter at `index`; it becomes the last one: whom reply() answers, what last_sender() says.
  ProbeLetter take(std::size_t index);
  std::optional<Down> await_down(Handle whose, Instant deadline);

  /// Reports a failure at the test's line: what was wanted, `instead` of it what came, and everything that did come.
  void fail(const Wanted& wanted, std::string_view instead) const;
  /// The same, and ends the body of the test, as ASSERT_ would.
  [[noreturn]] void fail_for_good(const Wanted& wanted, std::string_view instead) const;
  /// Says that a reply, or the like, cannot be given.
  [[noreturn]] void refuse(std::string_view what, std::source_location where) const;
  /// Returns: "nothing came", or "Posted{balance=1} from alice came".
  [[nodiscard]] std::string describe_next(std::size_t index) const;
  [[nodiscard]] std::string describe(const ProbeLetter& letter) const;
  [[nodiscard]] std::string path_of(Handle handle) const;

  // The last letter that was taken.
  [[nodiscard]] bool has_last() const noexcept { return last_info_ != nullptr; }
  [[nodiscard]] Handle last_sender() const noexcept { return last_sender_; }
  [[nodiscard]] std::size_t last_type() const noexcept { return last_type_; }
  [[nodiscard]] bool last_was_ask() const noexcept { return last_ask_ != ProbeLetter::Ask::none; }
  [[nodiscard]] const orrery::detail::HeldAsk& last_held() const noexcept { return last_held_; }
  [[nodiscard]] orrery::detail::HeldAsk take_last_held() noexcept { return std::move(last_held_); }
  /// Returns: why the last message cannot be replied to, or empty.
  [[nodiscard]] std::string why_no_reply() const;

  /// Files the end of `whose` from now on, in order with what the test does to it next.
  void watch(Handle whose);
  /// Ends the probe's actor.
  void stop(ExitReason reason);

 private:
  [[nodiscard]] std::string what_came() const;
  [[nodiscard]] bool is_simulated() const noexcept { return runtime_.observer() != nullptr; }
  void wait_for(bool (*over)(const void*), const void* state, Instant deadline);

  static constexpr std::size_t taken_kept = 10;

  Runtime& runtime_;
  std::string name_;
  std::shared_ptr<ProbeMail> mail_;
  Handle handle_{};
  const ActorType* type_ = nullptr;
  std::deque<std::string> taken_;  ///< the newest, as text
  std::uint64_t taken_count_ = 0;
  const MessageInfo* last_info_ = nullptr;
  Handle last_sender_{};
  std::size_t last_type_ = 0;
  ProbeLetter::Ask last_ask_ = ProbeLetter::Ask::none;
  orrery::detail::HeldAsk last_held_;
  std::vector<orrery::detail::HeldAsk> unanswered_;  ///< of those before it
};

/// Sends `message` as if `sender` had.
template <class M>
TellResult send_as(Runtime& runtime, Handle sender, const orrery::detail::Destination& there, M&& message,
                   std::source_location where) {
  if (there.operations == nullptr) return std::unexpected(TellError::actor_not_found);
  Envelope* const envelope = orrery::detail::make_tell(runtime, *there.operations, std::move(message), {}, where);
  envelope->sender = sender;
  envelope->flags |= Envelope::passed_on;
  return orrery::detail::pass_on(runtime, there, envelope, where);
}

}  // namespace orrery::testkit::detail
