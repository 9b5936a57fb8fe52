#include "tests/interleavings/checker/model.hpp"

#include "orrery/core/check.hpp"
#include "orrery/fiber/switch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace orrery::interleave {

namespace {
constexpr std::size_t arena_bytes = 256 * 1024;
Model* active = nullptr;
bool in_program = false;  // a thread of the program runs, not the body
fiber::StackPool* stacks = nullptr;

// One for all executions, so that addresses are the same in each (S1).
struct alignas(64) Chunk {
  std::byte bytes[64];
};
std::array<Chunk, arena_bytes / sizeof(Chunk)> arena;

const char* text_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}
}  // namespace

Model* Model::of_this_thread() noexcept { return in_program ? active : nullptr; }
void Model::share_stacks(fiber::StackPool* pool) noexcept { stacks = pool; }

Model::Model(Search& search, Limits limits, bool tells) : search_{search}, limits_{limits}, tells_{tells} {
  ORRERY_CHECK(active == nullptr);
  active = this;
  memory_.begin();
  threads_.reserve(threads_max);
  threads_.emplace_back().name = "body";
}

Model::~Model() {
  for (Thread& thread : threads_) {
    if (thread.fiber != nullptr) fiber::destroy(thread.fiber);
  }
  active = nullptr;
}

// ---- the body's side ----------------------------------------------------------------------------------------------

void Model::thread(std::string name, std::function<void()> body) {
  ORRERY_CHECK(threads_.size() < threads_max);
  Thread& added = threads_.emplace_back();
  added.name = std::move(name);
  added.body = std::move(body);
}

void Model::entry(void* model) noexcept {
  auto& self = *static_cast<Model*>(model);
  self.self().body();
  self.finish();
  std::unreachable();
}

void Model::run() {
  // Each thread runs up to its first operation, which others can see; what it does before that they cannot.
  starting_ = true;
  in_program = true;
  for (unsigned i = 1; i < threads_.size(); ++i) {
    running_ = i;
    memory_.fork(i);
    threads_[i].fiber = fiber::create(*stacks, &Model::entry, this);
    ORRERY_CHECK(threads_[i].fiber != nullptr);
    fiber::switch_to(body_.fiber(), *threads_[i].fiber);
    if (given_up_) break;
  }
  starting_ = false;
  running_ = 0;
  if (!given_up_) go_on();
  in_program = false;
  running_ = 0;
  for (unsigned i = 1; i < threads_.size(); ++i) {
    if (threads_[i].state != Thread::State::done) search_.left_over(i, next_[i]);
    memory_.join(i);
  }
  if (given_up_) throw GivenUp{};
}

void Model::finish() {
  self().state = Thread::State::done;
  next_[running_] = {};
  if (starting_) {
    fiber::switch_to(*self().fiber, body_.fiber());
  } else {
    go_on();
  }
}

/// Hands control to whoever goes on: a thread, or the body when all is over.
void Model::go_on() {
  const unsigned before = running_;
  const unsigned next = given_up_ ? 0 : choose_thread();
  fiber::Fiber& from = before == 0 ? body_.fiber() : *threads_[before].fiber;
  if (next == before) return;
  running_ = next;
  fiber::switch_to(from, next == 0 ? body_.fiber() : *threads_[next].fiber);
}

bool Model::is_enabled(unsigned index) const {
  const Thread& thread = threads_[index];
  switch (thread.state) {
    case Thread::State::ready:
      return true;
    case Thread::State::pausing:
      return thread.looked_at.empty() || std::ranges::any_of(thread.looked_at, [&](const Seen& seen) {
               return memory_.newest(seen.location) != seen.store;
             });
    case Thread::State::locking:
      return std::ranges::find(owned_locks_, memory_.address_of(next_[index].location)) == owned_locks_.end();
    case Thread::State::sleeping:
      return thread.woken || thread.has_deadline || false_wakes_ < limits_.false_wakes;
    case Thread::State::done:
      return false;
  }
  return false;
}

/// Returns: 0 when nobody goes on.
unsigned Model::choose_thread() {
  unsigned enabled = 0;
  bool all_done = true;
  for (unsigned i = 1; i < threads_.size(); ++i) {
    if (threads_[i].state == Thread::State::done) continue;
    all_done = false;
    if (is_enabled(i)) enabled |= 1U << i;
  }
  if (all_done) return 0;
  if (enabled == 0) {
    failure_ = "everybody waits for somebody else:";
    for (unsigned i = 1; i < threads_.size(); ++i) {
      const auto state = threads_[i].state;
      if (state == Thread::State::done) continue;
      failure_ += fmt::format(" {} {};", threads_[i].name,
                              state == Thread::State::pausing   ? "pauses for a change"
                              : state == Thread::State::locking ? "waits for a lock"
                                                                : "sleeps");
    }
    given_up_ = true;
    return 0;
  }
  const unsigned current = running_ == 0 || threads_[running_].state == Thread::State::done ? Search::nobody : running_;
  const unsigned next = search_.pick_thread(enabled, current, next_.data());
  if (next == Search::nobody) {
    if (search_.diverged()) failure_ = "the program is not deterministic, or the choices are not of this program";
    given_up_ = true;
    return 0;
  }
  return next;
}

/// The running thread is about to do `operation`; returns when it is its turn.
void Model::before(const Operation& operation) {
  next_[running_] = operation;
  if (starting_) {
    fiber::switch_to(*self().fiber, body_.fiber());
  } else {
    go_on();
  }
  if (++steps_ > limits_.steps)
    fail(fmt::format("no end after {} steps: a livelock, or a loop without a pause", limits_.steps));
  memory_.tick(running_, search_.next_step());
}

void Model::act(const Operation& operation) {
  before(operation);
  search_.step(running_, next_[running_]);
}

void Model::fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
  given_up_ = true;
  if (running_ == 0) throw GivenUp{};
  fiber::Fiber& from = *self().fiber;
  running_ = 0;
  fiber::switch_to(from, body_.fiber());
  std::unreachable();
}

void Model::check(const Fault& fault, const void* object) {
  if (!fault.empty()) fail(fmt::format("{} {} by {}", named(object), fault, self().name));
}

void Model::require(bool condition, std::string_view what, std::source_location where) {
  if (condition) return;
  const std::string_view file{where.file_name()};
  fail(fmt::format("{} ({}:{}, {})", what, file.substr(file.rfind('/') + 1), where.line(), self().name));
}

unsigned Model::choose(unsigned count) { return search_.pick_value(count); }

// ---- atomics ------------------------------------------------------------------------------------------------------

LocationId Model::access(const void* object, std::uint64_t now, std::memory_order order, bool is_write) {
  const LocationId location = memory_.atomic_at(object, now);
  before({is_write ? Effect::write : Effect::read, is_sc(order), false, location, !is_write && !is_sc(order)});
  if (is_write || is_sc(order)) search_.step(running_, next_[running_]);
  check(memory_.check_access(location, running_), object);
  return location;
}

void Model::look(LocationId location, StoreId store) {
  const auto same = [&](const Seen& seen) { return seen.location == location; };
  auto& looked_at = self().looked_at;
  std::erase_if(looked_at, same);
  looked_at.push_back({location, store, 1});
}

/// Of the stores that a load may read, and that are not `not_value`, except the newest: one.
StoreId Model::choose_store(LocationId location, std::memory_order order, const std::uint64_t* not_value) {
  memory_.readable(location, running_, is_sc(order), stores_);
  const StoreId newest = stores_.front();
  const auto is_same = [&](const Seen& seen) { return seen.location == location; };
  auto& repeated = self().repeated;
  const auto again = std::ranges::find_if(repeated, is_same);
  std::erase_if(stores_, [&](StoreId store) {
    if (store == newest) return false;
    if (not_value != nullptr && memory_.store(store).value == *not_value) return true;
    if (again != repeated.end() && again->store == store && again->times >= limits_.same_old_reads) return true;
    return std::ranges::any_of(self().outdated,
                               [&](const Seen& seen) { return seen.location == location && seen.store == store; });
  });
  std::erase_if(self().outdated, is_same);
  const StoreId from = stores_[search_.pick_value(static_cast<unsigned>(stores_.size()))];
  if (again != repeated.end() && again->store == from) {
    ++again->times;
  } else {
    std::erase_if(repeated, is_same);
    repeated.push_back({location, from, 1});
  }
  look(location, from);
  return from;
}

std::uint64_t Model::load(const void* object, std::uint64_t now, std::memory_order order, Where where) {
  const LocationId location = access(object, now, order, false);
  const StoreId from = choose_store(location, order, nullptr);
  if (!is_sc(order)) {
    newer_.clear();
    for (const StoreId store : memory_.stores_of(location)) {
      if (memory_.store(store).position > memory_.store(from).position) newer_.push_back(memory_.store(store).step);
    }
    search_.step(running_, next_[running_], newer_);
  }
  memory_.read(location, running_, from, order);
  const std::uint64_t value = memory_.store(from).value;
  if (tells_) {
    const bool outdated = from != memory_.newest(location);
    tell(fmt::format("{} = {}.load({}){}", shown(value), named(object), text_of(order),
                     outdated ? fmt::format(", an older store: the newest is {}",
                                            shown(memory_.store(memory_.newest(location)).value))
                              : ""),
         where);
  }
  return value;
}

bool Model::store(const void* object, std::uint64_t now, std::uint64_t value, std::memory_order order, Where where) {
  const LocationId location = access(object, now, order, true);
  memory_.places(location, running_, is_sc(order), places_);
  const std::uint16_t end = places_.front();
  const std::uint16_t place = places_[search_.pick_value(static_cast<unsigned>(places_.size()))];
  memory_.write(location, running_, value, order, place);
  look(location, memory_.newest(location));
  if (tells_) {
    tell(fmt::format("{}.store({}, {}){}", named(object), shown(value), text_of(order),
                     place != end ? fmt::format(", before others: the newest stays {}",
                                                shown(memory_.store(memory_.newest(location)).value))
                                  : ""),
         where);
  }
  return place == end;
}

void Model::begin_rmw(const void* object, std::uint64_t now, std::memory_order order, const char* what, Where where) {
  const LocationId location = access(object, now, order, true);
  memory_.read(location, running_, memory_.newest(location), order);
  if (tells_) tell(fmt::format("{}.{}({})", named(object), what, text_of(order)), where);
}

void Model::end_rmw(const void* object, std::uint64_t before, std::uint64_t after, std::memory_order order) {
  const LocationId location = memory_.atomic_at(object, before);
  memory_.write_after_read(location, running_, after, order);
  look(location, memory_.newest(location));
  if (tells_) story_.back() += fmt::format(": {} -> {}", shown(before), shown(after));
}

bool Model::compare_exchange(const void* object, std::uint64_t now, std::uint64_t& expected, std::uint64_t desired,
                             std::memory_order success, std::memory_order failure, bool weak, Where where) {
  const LocationId location = memory_.atomic_at(object, now);
  before({Effect::write, is_sc(success) || is_sc(failure), false, location});
  check(memory_.check_access(location, running_), object);
  const StoreId from = choose_store(location, failure, &expected);
  const std::uint64_t value = memory_.store(from).value;
  bool succeeds = value == expected;
  if (succeeds && weak && false_wakes_ < limits_.false_wakes && search_.pick_value(2) == 1) {
    ++false_wakes_;
    succeeds = false;
  }
  // One that failed has stored nothing, so the order of other loads with it does not matter.
  search_.step(running_,
               {succeeds ? Effect::write : Effect::read, is_sc(succeeds ? success : failure), false, location});
  memory_.read(location, running_, from, succeeds ? success : failure);
  if (tells_) {
    tell(fmt::format("{}.compare_exchange({} -> {}, {}): {}", named(object), shown(expected), shown(desired),
                     text_of(succeeds ? success : failure),
                     succeeds            ? std::string{"done"}
                     : value == expected ? std::string{"fails for no reason"}
                                         : "fails, it is " + shown(value)),
         where);
  }
  if (succeeds) {
    memory_.write_after_read(location, running_, desired, success);
    look(location, memory_.newest(location));
  } else {
    expected = value;
  }
  return succeeds;
}

void Model::fence(std::memory_order order, Where where) {
  act({Effect::none, is_sc(order), is_sc(order), locations_max});
  memory_.fence(running_, order);
  if (tells_) tell(fmt::format("fence({})", text_of(order)), where);
}

/// membarrier(2): every thread executes a full fence at some point while the caller waits.
void Model::fence_everywhere(Where where) {
  fence(std::memory_order_seq_cst, where);
  for (unsigned other = 1; other < threads_.size(); ++other) {
    if (other == running_) continue;
    const bool has_ended = threads_[other].state == Thread::State::done;  // and passed a fence when it did
    if (!has_ended) act({Effect::everywhere, true, true, locations_max});
    memory_.fence(other, std::memory_order_seq_cst);
    if (tells_ && !has_ended) tell(fmt::format("membarrier: a fence on {}", threads_[other].name), where);
  }
  fence(std::memory_order_seq_cst, where);
}

void Model::pause() {
  self().state = Thread::State::pausing;
  before({});
  self().state = Thread::State::ready;
  for (const Seen& seen : self().looked_at) {
    const Store& newest = memory_.store(memory_.newest(seen.location));
    if (memory_.newest(seen.location) != seen.store && newest.step != 0) search_.ordered_by_step(newest.step, running_);
  }
  search_.step(running_, {});
  self().outdated = std::exchange(self().looked_at, {});
}

// ---- locks and sleep ----------------------------------------------------------------------------------------------

void Model::lock(const void* mutex, Where where) {
  const LocationId location = memory_.atomic_at(mutex, 0);
  self().state = Thread::State::locking;
  act({Effect::lock, false, false, location});
  self().state = Thread::State::ready;
  check(memory_.check_access(location, running_), mutex);
  owned_locks_.push_back(mutex);
  memory_.take_over(location, running_);
  if (tells_) tell(fmt::format("{}.lock()", named(mutex)), where);
}

bool Model::try_lock(const void* mutex, Where where) {
  const LocationId location = memory_.atomic_at(mutex, 0);
  act({Effect::lock, false, false, location});
  check(memory_.check_access(location, running_), mutex);
  if (std::ranges::find(owned_locks_, mutex) != owned_locks_.end()) return false;
  owned_locks_.push_back(mutex);
  memory_.take_over(location, running_);
  if (tells_) tell(fmt::format("{}.try_lock()", named(mutex)), where);
  return true;
}

void Model::unlock(const void* mutex, Where where) {
  const LocationId location = memory_.atomic_at(mutex, 0);
  act({Effect::unlock, false, false, location});
  check(memory_.check_access(location, running_), mutex);
  require(std::erase(owned_locks_, mutex) == 1, "a lock that is not held is released");
  memory_.hand_over(location, running_);
  if (tells_) tell(fmt::format("{}.unlock()", named(mutex)), where);
}

bool Model::futex_wait(const void* word, std::uint64_t now, std::uint64_t expected, bool has_deadline, Where where) {
  const LocationId location = access(word, now, std::memory_order_relaxed, true);
  if (memory_.store(memory_.newest(location)).value != expected) {
    if (tells_) tell(fmt::format("futex_wait({}): it is no longer {}", named(word), shown(expected)), where);
    return true;
  }
  if (tells_) tell(fmt::format("futex_wait({}): sleeps", named(word)), where);
  Thread& thread = self();
  thread.state = Thread::State::sleeping;
  thread.has_deadline = has_deadline;
  thread.woken = false;
  sleepers_.emplace_back(word, running_);
  act({Effect::write, false, false, location});
  thread.state = Thread::State::ready;
  if (thread.woken) {
    if (tells_) tell("was woken", where);
    return true;
  }
  std::erase_if(sleepers_, [&](const auto& sleeper) { return sleeper.second == running_; });
  const bool could_wake = false_wakes_ < limits_.false_wakes;
  if (could_wake && (!has_deadline || search_.pick_value(2) == 1)) {
    ++false_wakes_;
    if (tells_) tell("woke up for no reason", where);
    return true;
  }
  if (tells_) tell("its deadline has passed", where);
  return false;
}

void Model::futex_wake_one(const void* word, std::uint64_t now, Where where) {
  (void)access(word, now, std::memory_order_relaxed, true);
  const auto first = std::ranges::find(sleepers_, word, &std::pair<const void*, unsigned>::first);
  if (tells_) {
    tell(fmt::format("futex_wake_one({}): {}", named(word),
                     first == sleepers_.end() ? "nobody sleeps" : threads_[first->second].name),
         where);
  }
  if (first == sleepers_.end()) return;
  threads_[first->second].woken = true;
  next_[first->second] = {};
  search_.ordered(running_, first->second);
  sleepers_.erase(first);
}

// ---- lives of objects ---------------------------------------------------------------------------------------------

void Model::constructed(const void* object, std::uint64_t value) { memory_.construct_atomic(object, running_, value); }
void Model::destroyed(const void* object) { check(memory_.destroy_atomic(object, running_), object); }
void Model::plain_constructed(const void* object) { memory_.plain_construct(object, running_); }
void Model::plain_destroyed(const void* object) { check(memory_.plain_destroy(object, running_), object); }
void Model::plain_read(const void* object, Where where) {
  if (const Fault fault = memory_.plain_read(object, running_); !fault.empty()) {
    if (tells_) tell(fmt::format("{} is read", named(object)), where);
    check(fault, object);
  }
}
void Model::plain_write(const void* object, Where where) {
  if (const Fault fault = memory_.plain_write(object, running_); !fault.empty()) {
    if (tells_) tell(fmt::format("{} is written", named(object)), where);
    check(fault, object);
  }
}

void* Model::allocate(std::size_t bytes, std::size_t alignment, std::string name) {
  arena_used_ = (arena_used_ + alignment - 1) / alignment * alignment;
  ORRERY_CHECK(arena_used_ + bytes <= arena_bytes);
  void* const place = reinterpret_cast<std::byte*>(arena.data()) + arena_used_;
  arena_used_ += bytes;
  names_.push_back({reinterpret_cast<std::uintptr_t>(place), bytes, std::move(name), true, false});
  return place;
}

void Model::retire(const void* object) {
  const auto at = std::ranges::find_if(names_, [&](const Named& named) {
    return named.is_object && named.begin == reinterpret_cast<std::uintptr_t>(object);
  });
  ORRERY_CHECK(at != names_.end());
  if (at->dead) fail(named(object) + " is destroyed twice");
  at->dead = true;
}

unsigned Model::alive() const {
  return static_cast<unsigned>(
      std::ranges::count_if(names_, [](const Named& named) { return named.is_object && !named.dead; }));
}

// ---- stories ------------------------------------------------------------------------------------------------------

std::string Model::named(const void* object) const {
  const auto address = reinterpret_cast<std::uintptr_t>(object);
  const Named* best = nullptr;
  for (const Named& named : names_) {
    if (address < named.begin || address >= named.begin + named.bytes) continue;
    if (best == nullptr || named.bytes < best->bytes) best = &named;
  }
  if (best == nullptr) return "something";
  const auto offset = address - best->begin;
  return offset == 0 ? best->text : fmt::format("{}+{}", best->text, offset);
}

std::string Model::shown(std::uint64_t value) const {
  if (value < 1'000'000) return fmt::to_string(value);
  if (std::string name = named(reinterpret_cast<const void*>(value)); name != "something") return "&" + name;
  if (static_cast<std::int64_t>(value) < 0 && static_cast<std::int64_t>(value) > -1'000'000) {
    return fmt::to_string(static_cast<std::int64_t>(value));
  }
  return fmt::format("{:#x}", value);
}

void Model::tell(std::string text, Where where) {
  const std::string_view file{where.file_name()};
  story_.push_back(fmt::format("{:>4}  {:<12} {:<22} {}", steps_, self().name,
                               fmt::format("{}:{}", file.substr(file.rfind('/') + 1), where.line()), std::move(text)));
}

}  // namespace orrery::interleave
