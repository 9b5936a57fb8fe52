// model.hpp: a small program of a few threads, executed one operation at a time.
// Why:  the code under test runs unchanged; only its atomics, locks and waits come here (atomic.hpp), and here is decided
//       who goes on and what a load reads.
// How:  the program's threads are fibers of one real thread. Before each operation the fiber says what it is about to do
//       and asks search.hpp who goes on; afterwards memory.hpp says what the operation may return. A thread that
//       pauses in a loop goes on once something that it looked at has changed. When everybody waits for somebody else,
//       that is a finding, as are races, uses after the end, failed checks and executions without end.
// Always true:  (E1) between two operations exactly one thread of the program runs
//               (E2) an execution that was given up leaves its fibers' frames behind: nothing on them is destroyed
#pragma once
#include "tests/interleavings/checker/search.hpp"

#include "orrery/fiber/fiber.hpp"

#include <functional>
#include <new>
#include <source_location>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::interleave {

/// Thrown through the body of a test when its execution is over early.
struct GivenUp {};

class Model {
 public:
  struct Limits {
    unsigned steps = 2'000;       ///< in one execution; more is a livelock
    unsigned false_wakes = 0;     ///< sleeps that may end, and weak compare-exchanges that may fail, for no reason
    unsigned same_old_reads = 3;  ///< how often in a row a thread may read the same outdated store
  };

  Model(Search& search, Limits limits, bool tells);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // ---- for the body of a test ----
  /// Adds a thread. Pre: run() was not called.
  void thread(std::string name, std::function<void()> body);
  /// Runs the threads to their ends, once in each execution.
  void run();
  /// An object that lives until the execution ends, or until destroy().
  template <class T, class... Args>
  T& make(std::string name, Args&&... args) {
    T& object = *::new (allocate(sizeof(T), alignof(T), std::move(name))) T(std::forward<Args>(args)...);
    return object;
  }
  /// Any use from here on is a finding.
  template <class T>
  void destroy(T& object) {
    retire(&object);
    object.~T();
  }
  /// Returns: how many objects of make() were not destroyed.
  [[nodiscard]] unsigned alive() const;
  /// What stories call the object.
  template <class T>
  void name(const T& object, std::string text) {
    names_.push_back({reinterpret_cast<std::uintptr_t>(&object), sizeof(T), std::move(text), false, false});
  }
  /// Fails the execution unless `condition`. From any thread of the program, and from the body.
  void require(bool condition, std::string_view what, std::source_location where = std::source_location::current());
  /// Adds to what the execution is remembered by: Report::outcomes.
  void outcome(std::string text) { outcome_ += text; }
  /// One of several answers, each of which is tried.
  [[nodiscard]] unsigned choose(unsigned count);

  // ---- for atomic.hpp ----
  static Model* of_this_thread() noexcept;  ///< null unless a thread of a program runs
  using Where = const std::source_location&;
  std::uint64_t load(const void* object, std::uint64_t now, std::memory_order order, Where where);
  /// Returns: whether the store is the newest now.
  bool store(const void* object, std::uint64_t now, std::uint64_t value, std::memory_order order, Where where);
  void begin_rmw(const void* object, std::uint64_t now, std::memory_order order, const char* what, Where where);
  void end_rmw(const void* object, std::uint64_t before, std::uint64_t after, std::memory_order order);
  bool compare_exchange(const void* object, std::uint64_t now, std::uint64_t& expected, std::uint64_t desired,
                        std::memory_order success, std::memory_order failure, bool weak, Where where);
  void fence(std::memory_order order, Where where);
  void fence_everywhere(Where where);
  void pause();
  void lock(const void* mutex, Where where);
  bool try_lock(const void* mutex, Where where);
  void unlock(const void* mutex, Where where);
  bool futex_wait(const void* word, std::uint64_t now, std::uint64_t expected, bool has_deadline, Where where);
  void futex_wake_one(const void* word, std::uint64_t now, Where where);
  void constructed(const void* object, std::uint64_t value);
  void destroyed(const void* object);
  void plain_read(const void* object, Where where);
  void plain_write(const void* object, Where where);
  void plain_constructed(const void* object);
  void plain_destroyed(const void* object);
  [[noreturn]] void fail(std::string what);

  // ---- for explore.cpp ----
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] bool given_up() const noexcept { return given_up_; }
  [[nodiscard]] const std::string& outcome() const noexcept { return outcome_; }
  [[nodiscard]] const std::vector<std::string>& story() const noexcept { return story_; }
  static void share_stacks(fiber::StackPool* pool) noexcept;

 private:
  struct Seen {
    LocationId location;
    StoreId store;
    unsigned times;
  };
  struct Thread {
    enum class State : std::uint8_t { ready, pausing, locking, sleeping, done };
    std::string name;
    std::function<void()> body;
    fiber::Fiber* fiber = nullptr;
    State state = State::ready;
    bool has_deadline = false;
    bool woken = false;
    std::vector<Seen> looked_at;  ///< since its last pause
    std::vector<Seen> outdated;   ///< what it must not read again, having waited for something newer
    std::vector<Seen> repeated;
  };
  struct Named {
    std::uintptr_t begin;
    std::size_t bytes;
    std::string text;
    bool is_object;  ///< of make()
    bool dead;
  };

  void before(const Operation& operation);
  void act(const Operation& operation);  ///< the same, when no answer is needed to know what it does
  [[nodiscard]] unsigned choose_thread();
  [[nodiscard]] bool is_enabled(unsigned thread) const;
  void go_on();
  void finish();
  void check(const Fault& fault, const void* object);
  [[nodiscard]] LocationId access(const void* object, std::uint64_t now, std::memory_order order, bool is_write);
  StoreId choose_store(LocationId location, std::memory_order order, const std::uint64_t* not_value);
  void look(LocationId location, StoreId store);
  static void entry(void* model) noexcept;
  void* allocate(std::size_t bytes, std::size_t alignment, std::string name);
  void retire(const void* object);

  void tell(std::string text, Where where);
  [[nodiscard]] std::string named(const void* object) const;
  [[nodiscard]] std::string shown(std::uint64_t value) const;
  [[nodiscard]] Thread& self() { return threads_[running_]; }

  Search& search_;
  const Limits limits_;
  const bool tells_;
  Memory memory_;
  std::vector<Thread> threads_;  ///< [0] is the body
  std::array<Operation, threads_max> next_{};
  unsigned running_ = 0;
  bool starting_ = false;
  bool given_up_ = false;
  unsigned steps_ = 0;
  unsigned false_wakes_ = 0;
  std::string failure_;
  std::string outcome_;
  std::vector<std::string> story_;
  std::vector<Named> names_;
  std::vector<const void*> owned_locks_;
  std::vector<std::pair<const void*, unsigned>> sleepers_;  ///< in the order they came
  std::size_t arena_used_ = 0;
  std::vector<StoreId> stores_;
  std::vector<std::uint16_t> places_;
  std::vector<std::uint32_t> newer_;
  fiber::ThreadFiber body_;
};

}  // namespace orrery::interleave
