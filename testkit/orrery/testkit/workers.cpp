#include "orrery/testkit/workers.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/signal_safe.hpp"
#include "orrery/testkit/assertions.hpp"
#include "orrery/testkit/crash.hpp"
#include "orrery/testkit/wire.hpp"

#include <fmt/core.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>

namespace orrery::testkit {

namespace {

constexpr std::size_t ring_bytes = std::size_t{1} << 18;
/// How far the fastest worker may be ahead of the slowest run: what waits for its turn is kept.
constexpr std::uint64_t ahead_max = std::uint64_t{1} << 16;

void nap(long microseconds) noexcept {
  const timespec time{.tv_sec = 0, .tv_nsec = microseconds * 1'000};
  nanosleep(&time, nullptr);
}

}  // namespace

/// What one worker and the parent share. It is written by the worker, but for `read`.
struct Workers::Slot {
  std::atomic<std::uint64_t> run{0};     ///< that it is in, or is about to take, plus one
  std::atomic<std::uint64_t> making{0};  ///< the run that is being made for it, plus one
  std::atomic<bool> is_done{false};
  std::array<char, 512> place{};          ///< where it crashed; written once, when it dies
  std::atomic<std::uint64_t> written{0};  ///< bytes, ever; its release pairs with the acquire in read_ring()
  std::atomic<std::uint64_t> read{0};     ///< bytes, ever; its release pairs with the acquire in put()
  std::array<char, ring_bytes> ring{};

  /// Appends the bytes; waits where there is no room. Those that fit are published at once, whole.
  void put(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::uint64_t at = written.load(std::memory_order_relaxed);
      const std::uint64_t room = ring_bytes - (at - read.load(std::memory_order_acquire));
      if (room < std::min(bytes.size(), ring_bytes)) {
        nap(100);
        continue;
      }
      const std::size_t count = std::min<std::size_t>(bytes.size(), room);
      for (std::size_t i = 0; i < count; ++i) ring[(at + i) % ring_bytes] = bytes[i];
      written.store(at + count, std::memory_order_release);
      bytes.remove_prefix(count);
    }
  }
};

/// The slots stand behind it in the same mapping.
struct Workers::Shared {
  std::atomic<std::uint64_t> next{0};  ///< the run that nobody has taken yet
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<bool> stop{false};
};

Workers::Workers(unsigned jobs, NoteMaker& maker, std::uint64_t first, std::uint64_t end)
    : maker_{maker}, next_{first}, end_{end} {
  ORRERY_CHECK(jobs >= 1 && jobs <= jobs_max && first <= end);
  constexpr std::size_t head_bytes = (sizeof(Shared) + alignof(Slot) - 1) / alignof(Slot) * alignof(Slot);
  mapped_bytes_ = head_bytes + jobs * sizeof(Slot);
  void* const memory = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ORRERY_CHECK(memory != MAP_FAILED);
  shared_ = new (memory) Shared;
  shared_->next = shared_->delivered = first;
  workers_.resize(jobs);
  for (unsigned i = 0; i < jobs; ++i) {
    workers_[i].slot = new (static_cast<char*>(memory) + head_bytes + i * sizeof(Slot)) Slot;
    start(workers_[i]);
  }
}

Workers::~Workers() {
  for (const Worker& worker : workers_) {
    if (worker.process == 0) continue;
    kill(worker.process, SIGKILL);
    while (waitpid(worker.process, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  munmap(shared_, mapped_bytes_);
}

void Workers::start(Worker& worker) {
  worker.bytes.clear();
  worker.slot->place.front() = '\0';
  std::fflush(nullptr);  // nothing is printed twice
  const pid_t parent = getpid();
  const pid_t process = fork();
  ORRERY_CHECK(process >= 0, "fork: {}", std::strerror(errno));
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // K3
    if (getppid() != parent) _exit(0);
    work(worker);
  }
  worker.process = process;
}

void Workers::work(Worker& worker) {
  std::signal(SIGINT, SIG_IGN);  // Ctrl-C reaches all; the parent decides
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &no_core);
  Slot& slot = *worker.slot;
  const CrashWatch watch{[](int signal, void* argument) {
                           // Safe first, then what may fail, within two seconds.
                           Slot& mine = *static_cast<Slot*>(argument);
                           const std::string_view name = signal_name(signal);
                           std::ranges::copy(name, mine.place.begin());
                           mine.place[name.size()] = '\0';
                           alarm(2);
                           sim::World* const world = world_of_this_run();
                           const std::string where = world == nullptr ? "" : place_of(*world, false);
                           const std::size_t room = mine.place.size() - name.size() - 2;
                           const std::size_t size = std::min(where.size(), room);
                           if (size == 0) return;
                           std::copy_n(where.begin(), size, mine.place.begin() + static_cast<long>(name.size()) + 1);
                           mine.place[name.size() + 1 + size] = '\0';
                           mine.place[name.size()] = ' ';
                         },
                         &slot};
  for (;;) {
    std::uint64_t run = worker.todo;
    slot.making.store(0);
    if (run != 0) {
      --run;
      worker.todo = 0;
    } else {
      run = shared_->next.load();
      do {
        if (run >= end_ || shared_->stop.load()) {
          slot.run.store(0);
          slot.is_done.store(true);
          std::fflush(nullptr);
          _exit(0);
        }
        slot.run.store(run + 1);  // before it is taken: if this process dies now, two make it, and one note counts
      } while (!shared_->next.compare_exchange_weak(run, run + 1));
    }
    slot.run.store(run + 1);
    while (run > shared_->delivered.load(std::memory_order_relaxed) + ahead_max && !shared_->stop.load()) nap(100);
    WireWriter note;
    slot.making.store(run + 1);
    write(note, maker_.make(run, slot.making));
    WireWriter frame;
    frame.put(note.bytes());
    slot.put(frame.bytes());
  }
}

void Workers::read_ring(Worker& worker) {
  Slot& slot = *worker.slot;
  const std::uint64_t from = slot.read.load(std::memory_order_relaxed);
  const std::uint64_t to = slot.written.load(std::memory_order_acquire);
  if (from == to) return;
  for (std::uint64_t at = from; at != to; ++at) worker.bytes += slot.ring[at % ring_bytes];
  slot.read.store(to, std::memory_order_release);
  std::size_t begin = 0;
  while (worker.bytes.size() - begin >= sizeof(std::uint64_t)) {
    std::uint64_t size = 0;
    std::memcpy(&size, worker.bytes.data() + begin, sizeof size);
    if (worker.bytes.size() - begin - sizeof size < size) break;
    auto note = read_note(std::string_view{worker.bytes}.substr(begin + sizeof size, size));
    ORRERY_CHECK(note.has_value());
    if (!is_known(note->run)) notes_.emplace(note->run, std::move(*note));
    begin += sizeof size + size;
  }
  worker.bytes.erase(0, begin);
}

bool Workers::reap() {
  bool any = false;
  for (Worker& worker : workers_) {
    int status = 0;
    if (worker.process == 0 || waitpid(worker.process, &status, WNOHANG) != worker.process) continue;
    any = true;
    worker.process = 0;
    read_ring(worker);  // all that it has published
    bury(worker, status);
  }
  return any;
}

void Workers::bury(Worker& worker, int status) {
  Slot& slot = *worker.slot;
  if (WIFEXITED(status) && slot.is_done.load()) {
    worker.is_done = true;
    return;
  }
  worker.todo = 0;
  if (const std::uint64_t marked = slot.run.load(); marked != 0 && !is_known(marked - 1)) {
    const std::uint64_t run = marked - 1;
    const bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && slot.place.front() == '\0';
    if (was_killed && ++killed_[run] == 1) {
      worker.todo = marked;
    } else if (const std::uint64_t making = slot.making.load(); making != 0 && making != marked) {
      maker_.leave_out(making - 1);  // it crashes when its own turn comes, and is a finding then
      worker.todo = marked;
    } else if (run < shared_->next.load()) {
      std::string how{slot.place.data()};
      if (how.empty()) {
        how = WIFSIGNALED(status) ? std::string{signal_name(WTERMSIG(status))}
                                  : fmt::format("exit code {}", WEXITSTATUS(status));
      }
      RunNote note;
      note.run = run;
      note.finding = {.kind = sim::FindingKind::crash, .name = std::move(how), .detail = {}, .file = {}};
      notes_.emplace(run, std::move(note));
    }
  }
  start(worker);
}

std::optional<RunNote> Workers::next(const std::function<void()>& on_wait) {
  for (long wait = 20;; wait = std::min(wait * 2, 2'000L)) {
    for (Worker& worker : workers_) read_ring(worker);
    if (const auto first = notes_.begin(); first != notes_.end() && first->first == next_) {
      RunNote note = std::move(first->second);
      notes_.erase(first);
      shared_->delivered.store(++next_, std::memory_order_relaxed);
      return note;
    }
    if (reap()) continue;
    if (std::ranges::all_of(workers_, &Worker::is_done)) return std::nullopt;
    on_wait();
    nap(wait);
  }
}

void Workers::stop() noexcept { shared_->stop.store(true); }

std::vector<pid_t> Workers::processes() const {
  std::vector<pid_t> processes;
  for (const Worker& worker : workers_) {
    if (worker.process != 0) processes.push_back(worker.process);
  }
  return processes;
}

}  // namespace orrery::testkit
