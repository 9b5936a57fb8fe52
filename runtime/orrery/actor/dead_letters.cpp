#include "orrery/actor/dead_letters.hpp"

#include "orrery/actor/detail/letters.hpp"
#include "orrery/actor/runtime.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

namespace orrery {

using detail::LetterKind;
using detail::LetterQueue;
using detail::LetterRecord;

std::string_view to_string(DeadLetterReason reason) noexcept {
  switch (reason) {
    case DeadLetterReason::actor_stopped:
      return "actor_stopped";
    case DeadLetterReason::mailbox_full:
      return "mailbox_full";
    case DeadLetterReason::late_reply:
      return "late_reply";
    case DeadLetterReason::notice_cancelled:
      return "notice_cancelled";
    case DeadLetterReason::timer_cancelled:
      return "timer_cancelled";
    case DeadLetterReason::restart_dropped:
      return "restart_dropped";
    case DeadLetterReason::delivery_exhausted:
      return "delivery_exhausted";
    case DeadLetterReason::duplicate:
      return "duplicate";
  }
  return "unknown";
}

std::string orrery_describe(const DeadLetter& letter) {
  return fmt::format("{} from {} to {}: {}", letter.text.empty() ? letter.message : std::string_view{letter.text},
                     letter.sender_path, letter.target_path, to_string(letter.reason));
}

DeadLetters::DeadLetters(Runtime& runtime, const DeadLetterOptions& options)
    : runtime_{runtime}, options_{options}, is_single_{options.kept_max > 0 || runtime.observer() != nullptr} {}

DeadLetters::~DeadLetters() {
  close();
  delete outside_.load(std::memory_order_acquire);
}

// ---- queues -------------------------------------------------------------------------------------------------------

std::uint32_t DeadLetters::add_worker() {
  if (is_single_) return 0;
  workers_.push_back(std::make_unique<LetterQueue>(options_));
  return static_cast<std::uint32_t>(workers_.size());
}

LetterQueue& DeadLetters::queue_of(std::uint32_t worker) {
  if (worker != 0) return *workers_[worker - 1];
  LetterQueue* queue = outside_.load(std::memory_order_acquire);  // pairs with the release below
  if (queue != nullptr) [[likely]]
    return *queue;
  const std::lock_guard guard{kinds_mutex_};
  queue = outside_.load(std::memory_order_relaxed);
  if (queue == nullptr) {
    queue = new LetterQueue{options_};
    outside_.store(queue, std::memory_order_release);
  }
  return *queue;
}

std::vector<LetterQueue*> DeadLetters::queues() const {
  std::vector<LetterQueue*> all;
  if (LetterQueue* const outside = outside_.load(std::memory_order_acquire); outside != nullptr) all.push_back(outside);
  for (const auto& queue : workers_) all.push_back(queue.get());
  return all;
}

DeadLetters::AllLocked::AllLocked(const DeadLetters& letters) : all{letters.queues()} {
  for (LetterQueue* const queue : all) queue->mutex.lock();
  trim(letters.options_);
}

DeadLetters::AllLocked::~AllLocked() {
  for (LetterQueue* const queue : all) queue->mutex.unlock();
}

std::size_t DeadLetters::AllLocked::size() const noexcept {
  std::size_t records = 0;
  for (const LetterQueue* const queue : all) records += queue->size();
  return records;
}

/// D1: each queue alone may hold as much as all are allowed to. What is too much for all together is dropped here.
void DeadLetters::AllLocked::trim(const DeadLetterOptions& options) {
  const std::size_t records = size();
  if (records <= options.records_max) return;
  const bool oldest = options.overflow == DeadLetterOverflow::drop_oldest;
  std::vector<std::size_t> dropped(all.size(), 0);
  for (std::size_t excess = records - options.records_max; excess > 0; --excess) {
    std::size_t victim = all.size();
    Instant extreme{};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const LetterQueue& queue = *all[i];
      if (dropped[i] == queue.size()) continue;
      const Instant when = queue.at(oldest ? dropped[i] : queue.size() - 1 - dropped[i]).when;
      if (victim != all.size() && (oldest ? when >= extreme : when < extreme)) continue;
      victim = i;
      extreme = when;
    }
    ++dropped[victim];
  }
  Envelope* none = nullptr;  // where messages are kept there is one queue, which is never too long
  for (std::size_t i = 0; i < all.size(); ++i) all[i]->drop(dropped[i], oldest, none);
}

// ---- a letter comes -----------------------------------------------------------------------------------------------

namespace {

/// Cuts `text` to `bytes_max`, between two characters.
void shorten(std::string& text, std::size_t bytes_max) {
  constexpr std::string_view mark = "…";
  if (text.size() <= bytes_max) return;
  std::size_t end = bytes_max < mark.size() ? 0 : bytes_max - mark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  if (bytes_max >= mark.size()) text += mark;
}

/// Whether it is worth the operator's while: ticks, notices and what was sent twice die in every healthy system.
bool is_news(const Envelope& envelope, DeadLetterReason reason) noexcept {
  return (envelope.flags & Envelope::uncounted) == 0 && reason != DeadLetterReason::duplicate;
}

bool may_be_kept(const Envelope& envelope, DeadLetterReason reason) noexcept {
  constexpr unsigned never = Envelope::is_ask | Envelope::uncounted | Envelope::is_tick | Envelope::is_notice;
  return (envelope.flags & never) == 0 && reason != DeadLetterReason::duplicate;  // that one was done
}

}  // namespace

std::string DeadLetters::text_of(const void* object, void (*describe)(const void*, std::string&)) const noexcept {
  std::string text;
  if (options_.text_bytes_max == 0) return text;
  text.reserve(options_.text_bytes_max);
  try {
    describe(object, text);
  } catch (...) {
    text += "…";  // as far as it came
  }
  shorten(text, options_.text_bytes_max);
  return text;
}

bool DeadLetters::put(std::uint32_t worker, Envelope& envelope, Handle target, DeadLetterReason reason) noexcept {
  const MessageInfo& message = *envelope.operations->message;
  LetterQueue& queue = queue_of(worker);
  if (is_closed_.load(std::memory_order_relaxed)) {
    put_nameless(worker, message, reason);
    return false;
  }
  LetterRecord record{.message = &message,
                      .target_type = envelope.operations->actor,
                      .target = target,
                      .sender = envelope.sender,
                      .when = runtime_.now(),
                      .where = envelope.where,
                      .attempts = envelope.attempt + 1U,
                      .reason = reason,
                      .priority = envelope.priority,
                      .is_assured = envelope.is(Envelope::is_assured)};
  if (const Extension* const extension = envelope.extension_if_any(); extension != nullptr) {
    record.id = extension->id;
    record.failures = extension->failures;
    record.history = extension->history;
  }
  if (options_.sink != nullptr || !queue.refuses_all()) record.text = text_of(envelope.payload(), message.describe);
  return record_in(queue, std::move(record), may_be_kept(envelope, reason) ? &envelope : nullptr,
                   is_news(envelope, reason));
}

void DeadLetters::put_reply(std::uint32_t worker, const Envelope& question, bool has_reply, Handle asker,
                            Handle replier) noexcept {
  const MessageInfo& message = *question.operations->message;
  LetterQueue& queue = queue_of(worker);
  if (is_closed_.load(std::memory_order_relaxed)) {
    put_nameless(worker, message, DeadLetterReason::late_reply);
    return;
  }
  LetterRecord record{.message = &message,
                      .target_type = nullptr,
                      .target = asker,
                      .sender = replier,
                      .when = runtime_.now(),
                      .where = question.where,
                      .attempts = 1,
                      .reason = DeadLetterReason::late_reply,
                      .priority = question.priority};
  if (has_reply && message.describe_reply != nullptr && (options_.sink != nullptr || !queue.refuses_all())) {
    record.text = text_of(question.payload(), message.describe_reply);
  }
  record_in(queue, std::move(record), nullptr, true);
}

void DeadLetters::put_nameless(std::uint32_t worker, const MessageInfo& message, DeadLetterReason reason) {
  LetterQueue& queue = queue_of(worker);
  const std::lock_guard guard{queue.mutex};
  (void)count_in(queue, message, reason);
}

void DeadLetters::put_in_hand(std::uint32_t worker, const MessageInfo& message, DeadLetterReason reason) {
  LetterQueue& queue = queue_of(worker);
  const std::lock_guard guard{queue.mutex};
  (void)count_in(queue, message, reason);
  ++taken_out_;  // the first one, for good; put_back() takes back what is for the second
}

/// Returns: whether the message was kept.
bool DeadLetters::record_in(LetterQueue& queue, LetterRecord record, Envelope* keepable, bool is_news) {
  const DeadLetterReason reason = record.reason;
  const bool is_told = is_news && runtime_.observer() == nullptr;  // an observer is told of each anyway
  const bool is_closing = is_told && runtime_.is_closing();
  const Instant when = record.when;
  // What is said of it after the queue has it; by then its message may be gone.
  std::optional<Found> said;
  if (options_.sink != nullptr) said = Found::of(record);
  LetterKind* kind = nullptr;
  Envelope* evicted = nullptr;
  bool is_kept = false;
  {
    const std::lock_guard guard{queue.mutex};
    kind = &count_in(queue, *record.message, reason);
    if (is_told && !is_closing && !said && kind->is_due(when)) said = Found::of(record);
    // Looked at with the queue locked, so that whoever closes it finds what was kept before.
    if (is_closed_.load(std::memory_order_relaxed)) keepable = nullptr;
    is_kept = queue.push(std::move(record), keepable, evicted);
  }
  destroy(evicted);
  if (said) said->letter.is_kept = is_kept;
  if (options_.sink != nullptr) tell_sink(said->letter);
  if (is_told && !is_closing && said && kind->claim_report(when)) tell_operator(*kind, std::move(*said));
  return is_kept;
}

/// Pre: `queue` is locked.
LetterKind& DeadLetters::count_in(LetterQueue& queue, const MessageInfo& message, DeadLetterReason reason) {
  LetterQueue::Count* at = queue.find(message, reason);
  if (at == nullptr) {
    const std::lock_guard guard{kinds_mutex_};
    const auto is_it = [&](const auto& kind) { return &kind->message == &message && kind->reason == reason; };
    auto known = std::ranges::find_if(kinds_, is_it);
    if (known == kinds_.end()) known = kinds_.insert(known, std::make_unique<LetterKind>(message, reason));
    queue.counts.push_back({known->get(), 0});
    at = &queue.counts.back();
  }
  ++at->count;
  return *at->kind;
}

void DeadLetters::destroy(Envelope* evicted) noexcept {
  while (evicted != nullptr) {
    auto* const next = static_cast<Envelope*>(evicted->next.load(std::memory_order_relaxed));
    evicted->operations->drop(*evicted);
    runtime_.free_envelope(evicted);
    evicted = next;
  }
}

// ---- who hears of it ----------------------------------------------------------------------------------------------

void DeadLetters::tell_sink(const DeadLetter& letter) noexcept {
  (void)hearing_.run([&] { options_.sink->hear(letter); });
}

void DeadLetters::tell_operator(LetterKind& kind, Found said) {
  std::uint64_t count = 0;
  for (LetterQueue* const queue : queues()) {
    const std::lock_guard guard{queue->mutex};
    if (const auto* at = queue->find(kind.message, kind.reason); at != nullptr) count += at->count;
  }
  const std::uint64_t others = count - kind.told.exchange(count, std::memory_order_relaxed) - 1;
  std::vector<Found> one{std::move(said)};
  set_paths(one);
  std::string text = orrery_describe(one.front().letter);
  if (others != 0) text += fmt::format(" ({} more like this since the last report)", others);
  runtime_.world().report("dead letter", text);
}

void DeadLetters::close() noexcept {
  is_closed_.store(true, std::memory_order_relaxed);
  Envelope* evicted = nullptr;
  for (LetterQueue* const queue : queues()) {
    const std::lock_guard guard{queue->mutex};
    queue->keep_none(evicted);
  }
  destroy(evicted);
}

// ---- looking ------------------------------------------------------------------------------------------------------

DeadLetters::Found DeadLetters::Found::of(const LetterRecord& record) {
  return {.letter = {.message = record.message->name,
                     .text = record.text,
                     .target = record.target,
                     .sender = record.sender,
                     .target_path = {},
                     .sender_path = {},
                     .reason = record.reason,
                     .priority = record.priority,
                     .attempts = record.attempts,
                     .when = record.when,
                     .where = record.where,
                     .is_kept = record.kept != nullptr,
                     .id = record.id,
                     .failures = record.failures,
                     .history = record.history},
          .message = record.message,
          .target_type = record.target_type,
          .is_assured = record.is_assured,
          .number = record.number};
}

namespace {
/// The part of a filter that needs no path and none of the user's code.
bool may_be_meant(const DeadLetterFilter& filter, const LetterRecord& record) {
  return (!filter.reason || *filter.reason == record.reason) &&
         (filter.message.empty() || filter.message == record.message->name) &&
         (!filter.target || *filter.target == record.target) && (!filter.sender || *filter.sender == record.sender) &&
         filter.since <= record.when && record.when < filter.before && (!filter.kept_only || record.kept != nullptr);
}
}  // namespace

/// Returns: all that `filter` means, its count_max aside, oldest first.
std::vector<DeadLetters::Found> DeadLetters::find(const DeadLetterFilter& filter) const {
  if (Observer* const observer = runtime_.observer(); observer != nullptr) {
    // A handler sees what others have done up to here.
    if (const Execution* const execution = current_execution(); execution != nullptr && execution->cell != nullptr) {
      observer->before_look();
    }
  }
  std::vector<Found> found;
  {
    const AllLocked locked{*this};
    for (std::size_t i = 0; i < locked.all.size(); ++i) {
      LetterQueue& queue = *locked.all[i];
      for (std::size_t index = 0; index < queue.size(); ++index) {
        const LetterRecord& record = queue.at(index);
        if (!may_be_meant(filter, record)) continue;
        found.push_back(Found::of(record));
        found.back().queue = &queue;
        found.back().rank = i;
      }
    }
  }
  if (!is_single_) {
    std::ranges::sort(found, {}, [](const Found& one) { return std::tuple{one.letter.when, one.rank, one.number}; });
  }
  set_paths(found);
  std::erase_if(found, [&](const Found& one) {
    return (!filter.target_path.empty() && filter.target_path != one.letter.target_path) ||
           (filter.accepts && !filter.accepts(one.letter));
  });
  return found;
}

std::vector<DeadLetter> DeadLetters::query(const DeadLetterFilter& filter) const {
  std::vector<Found> found = find(filter);
  std::vector<DeadLetter> letters;
  for (std::size_t i = 0; i < std::min(found.size(), filter.count_max); ++i) {
    letters.push_back(std::move(found[i].letter));
  }
  return letters;
}

std::uint64_t DeadLetters::count() const {
  std::uint64_t sum = 0;
  for (const Count& one : counts()) sum += one.count;
  return sum;
}

std::uint64_t DeadLetters::count(DeadLetterReason reason) const {
  std::uint64_t sum = 0;
  for (LetterQueue* const queue : queues()) {
    const std::lock_guard guard{queue->mutex};
    for (const LetterQueue::Count& one : queue->counts) sum += one.kind->reason == reason ? one.count : 0;
  }
  return sum;
}

std::vector<DeadLetters::Count> DeadLetters::counts() const {
  std::vector<Count> all;
  for (LetterQueue* const queue : queues()) {
    const std::lock_guard guard{queue->mutex};
    for (const auto& [kind, count] : queue->counts) {
      const auto same = [&](const Count& one) {
        return one.message == kind->message.name && one.reason == kind->reason;
      };
      if (const auto at = std::ranges::find_if(all, same); at != all.end()) {
        at->count += count;
      } else {
        all.push_back({kind->message.name, kind->reason, count});
      }
    }
  }
  std::ranges::sort(all, {}, [](const Count& one) { return std::pair{one.message, one.reason}; });
  return all;
}

std::uint64_t DeadLetters::dropped() const {
  const AllLocked locked{*this};
  if (locked.all.empty()) return 0;  // no queue, no lock: the first one may be made just now
  std::uint64_t all = 0;
  for (const LetterQueue* const queue : locked.all) {
    for (const LetterQueue::Count& one : queue->counts) all += one.count;
  }
  return all - taken_out_ - locked.size();
}

std::size_t DeadLetters::kept() const {
  std::size_t sum = 0;
  for (LetterQueue* const queue : queues()) {
    const std::lock_guard guard{queue->mutex};
    sum += queue->kept();
  }
  return sum;
}

// ---- taking out ---------------------------------------------------------------------------------------------------

/// Returns: those of them that are still there, in the same order.
std::vector<LetterRecord> DeadLetters::take_out(const std::vector<Found>& found, bool kept_only) {
  const AllLocked locked{*this};
  std::vector<LetterRecord> taken;
  for (LetterQueue* const queue : locked.all) {
    std::vector<std::uint64_t> numbers;
    for (const Found& one : found) {
      if (one.queue == queue) numbers.push_back(one.number);
    }
    if (numbers.empty()) continue;
    std::ranges::sort(numbers);
    for (LetterRecord& record : queue->take_out(numbers, kept_only)) taken.push_back(std::move(record));
  }
  if (!taken.empty()) taken_out_ += taken.size();  // else there may be no queue yet, and nothing is locked
  return taken;
}

std::size_t DeadLetters::clear(const DeadLetterFilter& filter) {
  std::vector<Found> found = find(filter);
  found.resize(std::min(found.size(), filter.count_max));
  const std::vector<LetterRecord> taken = take_out(found);
  Envelope* evicted = nullptr;
  for (auto record = taken.rbegin(); record != taken.rend(); ++record) {  // so that the oldest goes first
    if (record->kept == nullptr) continue;
    record->kept->next.store(evicted, std::memory_order_relaxed);
    evicted = record->kept;
  }
  destroy(evicted);
  return taken.size();
}

// ---- paths --------------------------------------------------------------------------------------------------------

void DeadLetters::set_paths(std::vector<Found>& found) const {
  std::vector<std::pair<Handle, std::string>> paths;
  for (const Found& one : found) {
    paths.emplace_back(one.letter.target, std::string{});
    paths.emplace_back(one.letter.sender, std::string{});
  }
  const auto by_handle = &std::pair<Handle, std::string>::first;
  std::ranges::sort(paths, {}, by_handle);
  const auto doubles = std::ranges::unique(paths, {}, by_handle);
  paths.erase(doubles.begin(), doubles.end());
  {
    const std::lock_guard guard{names_mutex_};
    for (const auto& [handle, name] : names_) {
      const auto at = std::ranges::lower_bound(paths, handle, {}, by_handle);
      if (at != paths.end() && at->first == handle) at->second = name;
    }
  }
  runtime_.find_paths(paths);
  for (Found& one : found) {
    const auto path_of = [&](Handle handle, const ActorTag* type) {
      const auto at = std::ranges::lower_bound(paths, handle, {}, by_handle);
      if (!at->second.empty()) return at->second;
      return type == nullptr ? fmt::format("gone#{}.{}", handle.slot, handle.generation)
                             : fmt::format("{}#{}", type->name, handle.slot);
    };
    one.letter.target_path = path_of(one.letter.target, one.target_type);
    one.letter.sender_path = path_of(one.letter.sender, nullptr);
  }
}

void DeadLetters::note_name(Handle handle, const std::string& path) {
  const std::size_t names_max = options_.records_max;
  if (names_max == 0 || is_closed_.load(std::memory_order_relaxed)) return;
  const std::lock_guard guard{names_mutex_};
  if (names_.size() < names_max) {
    names_.emplace_back(handle, path);
    return;
  }
  names_[oldest_name_] = {handle, path};
  oldest_name_ = (oldest_name_ + 1) % names_max;
}

std::string DeadLetters::remembered_name(Handle handle) const {
  const std::lock_guard guard{names_mutex_};
  const auto at = std::ranges::find(names_, handle, &std::pair<Handle, std::string>::first);
  return at == names_.end() ? std::string{} : at->second;
}

}  // namespace orrery
