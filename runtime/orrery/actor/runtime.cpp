// runtime.cpp: the table of cells, names, spawning and the accounts. Sending is in send.cpp, running in run.cpp.
#include "orrery/actor/runtime.hpp"
#include "orrery/actor/race_scope.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/entropy.hpp"
#include "orrery/core/hash.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace orrery {

constexpr std::uint32_t registry_size = 4'096;

namespace detail {
/// All runtimes of the process, found by the low bits of their index. Not hidden in this file, and of this length, because
/// a debugger must find them by this name, also in a core file (testkit/gdb/orrery.py).
constinit std::array<std::atomic<Runtime*>, registry_size> runtimes_of_process{};
}  // namespace detail

namespace {

/// An index is never used twice.
struct Registry {
  std::mutex mutex;
  std::uint32_t next = 1;
  std::array<std::atomic<Runtime*>, registry_size>& entries = detail::runtimes_of_process;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

bool is_actor_name(std::string_view name) noexcept {
  constexpr std::string_view others = "_-.#@:";
  if (name.empty() || name.size() > 200) return false;
  return std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.contains(c);
  });
}

bool Runtime::fault_point(std::string_view name) {
  [[maybe_unused]] const RuntimeScope inside;
  if (observer_ != nullptr) return observer_->fault_point(name);
  const FaultPointOptions& points = options_.fault_points;
  const std::uint64_t stream = hash_text(name);
  if (points.active_one_in > 1 && orrery::draw(points.seed, stream, 0) % points.active_one_in != 0) return false;
  const std::uint64_t counter = fault_points_passed_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (orrery::draw(points.seed, stream, counter) % points.one_in != 0) return false;
  fault_points_fired_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

Runtime* Runtime::find_runtime(std::uint32_t index) noexcept {
  Runtime* const runtime = registry().entries[index % registry_size].load(std::memory_order_acquire);
  return runtime != nullptr && runtime->index_ == index ? runtime : nullptr;
}

Runtime::Runtime(World& world, RuntimeOptions options, Observer* observer, CellTable* spare_cells)
    : world_{world},
      observer_{observer},
      is_watched_{observer != nullptr || options.trace.on || options.log.runtime_events},
      traces_{options.trace.on},
      logs_events_{observer == nullptr && options.log.runtime_events},
      log_is_heard_{observer == nullptr || observer->keeps_logs() || options.log.sink},
      options_{options},
      has_fault_points_{observer != nullptr || options.fault_points.one_in != 0},
      spare_cells_{spare_cells},
      cells_{spare_cells != nullptr && spare_cells->cells_max() == options.actors_max ? std::move(*spare_cells)
                                                                                      : CellTable{options.actors_max}},
      log_level_{log_is_heard_ ? options.log.level : LogLevel::off},
      limiter_{observer == nullptr ? std::make_unique<LogLimiter>() : nullptr},
      dead_letters_{*this, options_.dead_letters} {
  if (options_.measure_asks) foreign_ask_times_ = std::make_unique<ForeignAskTimes>();
  ORRERY_CHECK(options.actors_max >= 1);
  ORRERY_CHECK(options.batch >= 1);
  Registry& all = registry();
  const std::lock_guard guard{all.mutex};
  for (std::uint32_t tried = 0;; ++tried) {
    ORRERY_CHECK(tried < registry_size, "more than {} runtimes at once", registry_size);
    index_ = all.next++;
    if (index_ != 0 && all.entries[index_ % registry_size].load(std::memory_order_relaxed) == nullptr) break;
  }
  all.entries[index_ % registry_size].store(this, std::memory_order_release);
}

Runtime::~Runtime() {
  registry().entries[index_ % registry_size].store(nullptr, std::memory_order_release);
  cells_.clear();
  if (spare_cells_ != nullptr) *spare_cells_ = std::move(cells_);
}

void Runtime::add_execution(Execution& execution) {
  execution.runtime = this;
  execution.runtime_index = index_;
  execution.letter_queue = dead_letters_.add_worker();
  if (options_.measure_asks) execution.ask_times = std::make_unique<Histogram>();
  if (observer_ == nullptr && options_.time_one_in != 0) {
    execution.times = std::make_unique<MessageTimes>(options_.time_one_in);
    execution.next_timed = execution.times->next_gap();
  }
  const std::lock_guard guard{table_mutex_};
  execution.index = static_cast<std::uint32_t>(executions_.size());
  executions_.push_back(&execution);
}

Cell* Runtime::claim_cell() {
  if (Execution* const execution = current_execution(); execution != nullptr && execution->runtime == this) {
    while (!execution->free_slots.empty()) {
      Cell* const cell = cell_at(execution->free_slots.back());
      execution->free_slots.pop_back();
      if (cell->mailbox.claim()) [[likely]]
        return cell;
      const std::lock_guard guard{table_mutex_};  // a stray message is just being put away there
      free_slots_.push_back(cell->slot);
    }
  }
  const std::lock_guard guard{table_mutex_};
  for (std::size_t i = free_slots_.size(); i-- > 0;) {
    Cell* const cell = cell_at(free_slots_[i]);
    if (!cell->mailbox.claim()) continue;  // a stray message is just being put away there
    free_slots_.erase(free_slots_.begin() + static_cast<std::ptrdiff_t>(i));
    return cell;
  }
  Cell* const cell = cells_.add();
  if (cell == nullptr) return nullptr;
  const bool claimed = cell->mailbox.claim();
  ORRERY_CHECK(claimed, "a slot that was never used has nobody home");
  return cell;
}

void Runtime::release_cell(Cell& cell) {
  // Where slots get scarce, none is kept from anybody.
  const bool is_roomy = cells_.used() <= options_.actors_max / 2;
  if (Execution* const execution = current_execution();
      is_roomy && execution != nullptr && execution->runtime == this) {
    constexpr std::size_t kept_max = 256;
    std::vector<std::uint32_t>& kept = execution->free_slots;
    kept.push_back(cell.slot);
    if (kept.size() <= kept_max) return;
    const std::lock_guard guard{table_mutex_};  // half of them for others, the oldest first
    const auto half = kept.begin() + kept_max / 2;
    free_slots_.insert(free_slots_.end(), kept.begin(), half);
    kept.erase(kept.begin(), half);
    return;
  }
  const std::lock_guard guard{table_mutex_};
  free_slots_.push_back(cell.slot);
}

std::expected<Handle, SpawnError> Runtime::spawn_cell(SpawnRequest request, Handle parent) {
  [[maybe_unused]] const RuntimeScope inside;
  const auto refused = [&](SpawnError error) -> std::expected<Handle, SpawnError> {
    request.type->destroy(request.actor);
    return std::unexpected(error);
  };
  std::string path = std::move(request.options.name);
  if (!path.empty() && !is_actor_name(path)) return refused(SpawnError::bad_name);
  bool named = !path.empty();
  const Cell* above = nullptr;  // whose name comes first
  if (named) {
    above = parent.is_set() ? living_cell(parent) : nullptr;
    if (above != nullptr && (above->extras == nullptr || !above->extras->named)) above = nullptr;
    if (above != nullptr) path.insert(0, above->extras->path + "/");
    if (observer_ != nullptr) {
      try {
        observer_->before_name(path);
      } catch (...) {  // the world ends, and unwinds the spawner
        request.type->destroy(request.actor);
        throw;
      }
    }
  }
  if (!accepting_spawns_.load(std::memory_order_relaxed)) return refused(SpawnError::shutting_down);
  Cell* const cell = claim_cell();
  if (cell == nullptr) return refused(SpawnError::no_capacity);
  const Handle handle = cell->handle();
  if (named) {
    switch (names_.claim(path, handle, request.bond != nullptr, above != nullptr ? parent : Handle{},
                         above != nullptr ? above->extras->path : path)) {
      case NameTable::Claim::claimed:
        break;
      case NameTable::Claim::outlived:
        named = false;  // its supervisor has gone, and it is about to end: these names are its successor's
        path.clear();
        break;
      case NameTable::Claim::taken:
        if (!cell->mailbox.go_idle()) world_.schedule(*cell);
        release_cell(*cell);
        return refused(SpawnError::name_taken);
    }
  }
  move_in(*cell, request.actor, *request.type);
  const MailboxOptions& mailbox = request.options.mailbox;
  if (named || mailbox.capacity != 0 || request.factory || request.bond != nullptr) {
    CellExtras& extras = cell->need_extras();
    extras.path = std::move(path);
    extras.named = named;
    extras.factory = std::move(request.factory);
    extras.restart = request.options.restart.value_or(Restart{});
    extras.mail_on_restart = request.options.mail_on_restart;
    if (mailbox.capacity != 0) {
      extras.bounded = borrow_bounded();
      const std::uint32_t resume_at = mailbox.resume_at == 0 ? mailbox.capacity - 1 : mailbox.resume_at;
      extras.bounded->open(handle, mailbox.capacity, resume_at, mailbox.overflow);
      cell->bounded.store(extras.bounded, std::memory_order_release);
      cell->care = Cell::Care::capacity;
    }
  }
  if (Bond* const bond = request.bond; bond != nullptr) {
    cell->extras->bond = bond;
    cell->standing.store(Cell::is_supervised, std::memory_order_relaxed);
    bond->child = handle;
    bond->begin(has_start(*cell));
  }
  if (named && !names_.announce(handle)) {  // its supervisor has gone a moment ago
    cell->extras->named = false;
    cell->extras->path.clear();
  }
  open(*cell, parent);
  return handle;
}

std::expected<Handle, SpawnError> Runtime::spawn_plain(void* actor, const ActorType& type, Handle parent) {
  [[maybe_unused]] const RuntimeScope inside;
  const bool accepting = accepting_spawns_.load(std::memory_order_relaxed);
  Cell* const cell = accepting ? claim_cell() : nullptr;
  if (cell == nullptr) [[unlikely]] {
    type.destroy(actor);
    return std::unexpected(accepting ? SpawnError::no_capacity : SpawnError::shutting_down);
  }
  const Handle handle = cell->handle();
  move_in(*cell, actor, type);
  open(*cell, parent);
  return handle;
}

/// Pre: the cell was claimed.
inline void Runtime::move_in(Cell& cell, void* actor, const ActorType& type) noexcept {
  cell.actor = actor;
  cell.type = &type;
  cell.life = Cell::Life::living;
  cell.ending = Cell::Ending::none;
  cell.killed = cell.in_handler = cell.reported_depth = false;
  cell.standing.store(0, std::memory_order_relaxed);
  cell.care = Cell::Care::none;
  cell.incarnation = 1;
  cell.handled = cell.failed = cell.dead_lettered = 0;
  cell.needs_start = type.on_start != nullptr;
}

/// From here on mail is handled.
inline void Runtime::open(Cell& cell, Handle parent) {
  if (Execution* const execution = current_execution(); execution != nullptr && execution->runtime == this) {
    execution->spawned.add();
  } else {
    foreign_spawned_.fetch_add(1, std::memory_order_relaxed);
  }
  if (observer_ != nullptr) observer_->spawned(cell, parent);
  if (is_watched_ && observer_ == nullptr) [[unlikely]]
    record_life(FlightKind::spawn, cell, parent);
  if (cell.needs_start || !cell.mailbox.go_idle()) world_.schedule(cell);
}

BoundedMailbox* Runtime::borrow_bounded() {
  const std::lock_guard guard{table_mutex_};
  if (free_bounded_.empty()) {
    bounded_pool_.push_back(std::make_unique<BoundedMailbox>());
    return bounded_pool_.back().get();
  }
  BoundedMailbox* const mailbox = free_bounded_.back();
  free_bounded_.pop_back();
  return mailbox;
}

namespace {

/// What cannot be read otherwise without a lock in every handler. The memory is there for ever (cells are never freed), and
/// `type` points to a constant; so what is read is old at worst.
struct Peeked {
  const ActorType* type;
  bool has_extras;
};
#if defined(__clang__)
[[clang::no_sanitize("thread")]]
#else
[[gnu::no_sanitize_thread]]
#endif
[[gnu::noinline]] Peeked
peek(const Cell& cell) {
  return {*static_cast<const ActorType* const volatile*>(&cell.type),
          *static_cast<CellExtras* const volatile*>(&cell.extras) != nullptr};
}

}  // namespace

std::optional<Handle> Runtime::find_by_path(std::string_view path, const ActorTag& type) const {
  [[maybe_unused]] const RuntimeScope inside;
  if (observer_ != nullptr) observer_->before_name(path);
  const std::optional<Handle> holder = names_.find(path);
  if (!holder) return std::nullopt;
  const Cell* const cell = living_cell(*holder);
  if (cell == nullptr) return std::nullopt;
  const ActorType* const found = peek(*cell).type;  // the holder may be ending, and somebody else moving in
  std::atomic_thread_fence(std::memory_order_acquire);
  if (living_cell(*holder) != cell || found->tag != &type) return std::nullopt;
  return holder;
}

std::string Runtime::path_of(Handle handle) const {
  [[maybe_unused]] const RuntimeScope inside;
  if (!handle.is_set()) return "outside";
  const Cell* const cell = living_cell(handle);
  const Execution* const execution = current_execution();
  const bool is_mine = observer_ != nullptr || (execution != nullptr && execution->cell == cell);
  if (cell == nullptr || (is_mine && cell->life == Cell::Life::vacant)) {
    return fmt::format("gone#{}.{}", handle.slot, handle.generation);
  }
  const auto [type, has_extras] = peek(*cell);
  if (has_extras && is_mine) {  // an orphan goes by its name although it has lost it
    if (!cell->extras->path.empty()) return cell->extras->path;
  } else if (has_extras) {
    if (std::optional<std::string> path = names_.path_of(handle)) return *std::move(path);
  }
  return fmt::format("{}#{}", type == nullptr ? "actor" : type->name, handle.slot);
}

void Runtime::find_paths(std::vector<std::pair<Handle, std::string>>& paths) const {
  if (observer_ != nullptr) {  // a simulation remembers everybody
    for (auto& [handle, path] : paths) path = path_of(handle);
    return;
  }
  names_.find_paths(paths);
  for (auto& [handle, path] : paths) {
    if (!path.empty()) continue;
    if (!handle.is_set()) {
      path = "outside";
    } else if (const Cell* const cell = living_cell(handle); cell != nullptr) {
      const ActorType* const type = peek(*cell).type;
      path = fmt::format("{}#{}", type == nullptr ? "actor" : type->name, handle.slot);
    }
  }
}

std::size_t Runtime::living() const noexcept {
  const std::lock_guard guard{table_mutex_};
  std::uint64_t spawned = foreign_spawned_.load(std::memory_order_relaxed);
  std::uint64_t gone = foreign_gone_.load(std::memory_order_relaxed);
  for (const Execution* execution : executions_) {
    gone += execution->gone.get();
    spawned += execution->spawned.get();
  }
  return spawned > gone ? static_cast<std::size_t>(spawned - gone) : 0;
}

std::uint64_t Runtime::restarts() const noexcept {
  const std::lock_guard guard{table_mutex_};
  std::uint64_t all = foreign_restarted_.load(std::memory_order_relaxed);
  for (const Execution* execution : executions_) all += execution->restarted.get();
  return all;
}

namespace {
Ledger mailbox_ledger(const Cell& cell) {
  Ledger ledger{.handled = cell.handled, .failed = cell.failed, .dead_lettered = cell.dead_lettered};
  ledger.queued = cell.mailbox.count(static_cast<std::size_t>(-1), &cell.bell);
  if (cell.extras != nullptr) {
    if (cell.extras->lanes != nullptr) ledger.queued += cell.extras->lanes->depth();
    if (cell.extras->assured != nullptr) ledger.queued += cell.extras->assured->redelivery.size();
    // What a handler has stashed stays first in the mailbox too, until it returns.
    if (const auto* const stash = cell.extras->stash.get(); stash != nullptr) {
      ledger.queued += stash->size();
      if (std::ranges::find(*stash, cell.mailbox.front()) != stash->end()) --ledger.queued;
    }
  }
  return ledger;
}
}  // namespace

Ledger Runtime::ledger() const {
  [[maybe_unused]] const RuntimeScope inside;
  const std::lock_guard guard{table_mutex_};
  Ledger total;
  total.offered += foreign_offered_.load(std::memory_order_relaxed);
  for (const auto& refused : foreign_refused_) total.refused += refused.load(std::memory_order_relaxed);
  for (const Execution* execution : executions_) {
    total.offered += execution->offered.get();
    for (const SingleWriterCounter& refused : execution->refused) total.refused += refused.get();
    total.dead_lettered += execution->stray_dead_letters.get();
  }
  total.dead_lettered += foreign_dead_letters_.load(std::memory_order_relaxed);
  for_each_retired([&](const ActorType*, const TypeCounts& counts) {
    total.handled += counts.handled.get();
    total.failed += counts.failed.get();
    total.dead_lettered += counts.dead_lettered.get();
  });
  for_each_cell([&](const Cell& cell) {
    const Ledger one = mailbox_ledger(cell);
    total.handled += one.handled;
    total.failed += one.failed;
    total.dead_lettered += one.dead_lettered;
    total.queued += one.queued;
    if (cell.extras == nullptr || cell.extras->bounded == nullptr) return;
    const auto counts = cell.extras->bounded->counts();
    total.queued += counts.depth + counts.outside;
  });
  return total;
}

std::size_t Runtime::bounded_depth(Handle handle) const {
  const Cell* const cell = living_cell(handle);
  BoundedMailbox* const bounded = cell == nullptr ? nullptr : cell->bounded.load(std::memory_order_acquire);
  return bounded == nullptr ? 0 : bounded->counts().depth;
}

std::optional<Ledger> Runtime::ledger_of(Handle handle) const {
  const Cell* const cell = living_cell(handle);
  if (cell == nullptr || cell->life == Cell::Life::vacant) return std::nullopt;
  Ledger ledger = mailbox_ledger(*cell);
  if (cell->extras != nullptr && cell->extras->bounded != nullptr) {
    const auto counts = cell->extras->bounded->counts();
    ledger.queued += counts.depth + counts.outside;
    ledger.dead_lettered += counts.dropped;
    ledger.offered = counts.offered;
    ledger.refused = counts.refused;
  } else {
    ledger.offered = ledger.handled + ledger.failed + ledger.dead_lettered + ledger.queued;
  }
  return ledger;
}

std::string orrery_describe(const Ledger& ledger) {
  return fmt::format(
      "offered {} = refused {} + accepted {}; accepted = handled {} + failed {} + dead-lettered {} + queued {}",
      ledger.offered, ledger.refused, ledger.accepted(), ledger.handled, ledger.failed, ledger.dead_lettered,
      ledger.queued);
}

bool Runtime::end_idle(Cell& cell) {
  if (cell.life != Cell::Life::living || cell.wait != nullptr || cell.ending != Cell::Ending::none) return false;
  if (!cell.mailbox.claim()) return false;  // it has mail or a signal, or runs
  cell.killed = true;
  if (cell.extras != nullptr) cell.extras->exit_reason = ExitReason::killed();
  end(cell);
  return true;
}

void Runtime::stop_all() {
  for_each_cell([&](Cell& cell) {
    // Whether anybody lives there only an observing world, on its one thread, may look at; elsewhere it does no harm.
    if (cell.is(Cell::is_supervised) || (observer_ != nullptr && cell.life == Cell::Life::vacant)) return;
    (void)signal(cell.handle(), Signal::stop, ExitReason::shutdown(), {});
  });
}

void Runtime::kill_all() {
  for_each_cell([&](Cell& cell) { (void)signal(cell.handle(), Signal::kill, ExitReason::killed(), {}); });
}

Handle Runtime::caller() const noexcept {
  const Execution* const execution = current_execution();
  return execution != nullptr && execution->runtime == this && execution->cell != nullptr ? execution->cell->handle()
                                                                                          : Handle{};
}

void Runtime::add_leading_supervisor(Handle handle) {
  const std::lock_guard guard{leading_mutex_};
  std::erase_if(leading_, [&](Handle old) { return living_cell(old) == nullptr; });
  leading_.push_back(handle);
}

std::vector<Handle> Runtime::leading_supervisors() const {
  const std::lock_guard guard{leading_mutex_};
  std::vector<Handle> living;
  for (const Handle one : leading_) {
    if (living_cell(one) != nullptr) living.push_back(one);
  }
  return living;
}

}  // namespace orrery
