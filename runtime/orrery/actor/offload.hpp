// offload.hpp: work that blocks, done beside the actors.
// Why:  a handler that reads a file or calls a library that waits would hold its worker, and with it every actor that
//       the worker could run. offload() gives the work to a thread of its own and suspends only the handler.
// How:  the function is moved into a job. The world runs the job once (a pool of threads; an operation of its own in the
//       simulator), outside of any actor, and then wakes the handler, which takes the result out of the job. Handler
//       and world each hold the job, so it lives as long as either needs it.
//
//         Photo handle(Load m, orrery::Context& context) {
//           return context.offload([path = std::move(m.path)] { return read_photo(path); });
//         }
//
// Always true:  (O1) a job that was started is run exactly once, also when its actor is stopped meanwhile; except that
//                    the end of a simulated run drops what has not begun
//               (O2) the function is destroyed where it ran, before the handler goes on
//               (O3) what the function left behind (a result, an exception) is seen by nobody but the handler
// Ownership:    a stop unwinds the waiting handler while the work goes on; its result is then dropped. So capture by
//               value: what a reference would lead to may be gone before the work ends.
// Not chosen:   cancelling work that has not begun (whether it happened would depend on how busy the pool was); a
//               future (the handler has nothing else to do; several at once are several actors).
// Source:       SPEC A11; tokio's spawn_blocking, Akka's dispatcher for blocking operations, CAF's detached actors.
#pragma once
#include "orrery/actor/runtime.hpp"
#include "orrery/world/world.hpp"

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

namespace orrery {

/// Work under way: what a world is given to run.
class Job {
 public:
  Job(Runtime& runtime, std::source_location where);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  /// Runs the function and wakes the actor that waits. Called at most once, on behalf of nobody.
  /// Threads: any.    Blocks: as the function does.
  void run() noexcept;

  /// Returns: whether run() has done its work; what the function left behind is then there for the handler.
  [[nodiscard]] bool is_done() const noexcept { return done_.load(std::memory_order_seq_cst); }
  /// Pre: is_done(), and the handler has not taken the outcome yet.
  [[nodiscard]] bool has_thrown() const noexcept { return error_ != nullptr; }
  [[nodiscard]] Handle owner() const noexcept { return owner_; }
  /// Returns: the path of the actor that handed the work over; it may have ended.
  [[nodiscard]] const std::string& actor() const noexcept { return actor_; }
  [[nodiscard]] const std::source_location& where() const noexcept { return where_; }

 protected:
  virtual void perform() = 0;
  void rethrow() {
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  Runtime& runtime_;
  const Handle owner_;
  const std::string actor_;
  const std::source_location where_;
  std::exception_ptr error_;
  std::atomic<bool> done_{false};
};

/// What can be offloaded: called once, without arguments; it returns something that can be moved, or nothing.
template <class F>
concept Offloadable = std::move_constructible<F> && std::invocable<F> &&
                      (std::is_void_v<std::invoke_result_t<F>> || std::move_constructible<std::invoke_result_t<F>>) &&
                      !std::is_reference_v<std::invoke_result_t<F>>;

namespace detail {

template <class F>
class JobOf final : public Job {
 public:
  using Result = std::invoke_result_t<F>;
  JobOf(Runtime& runtime, F&& function, std::source_location where)
      : Job{runtime, where}, function_{std::move(function)} {}

  /// Pre: is_done(); once.    Throws: what the function threw.
  Result take() {
    rethrow();
    if constexpr (!std::is_void_v<Result>) return std::move(*result_);
  }

 private:
  void perform() override {
    const struct Discard {
      std::optional<F>& function;
      ~Discard() { function.reset(); }  // O2
    } discard{function_};
    if constexpr (std::is_void_v<Result>) {
      std::move (*function_)();
    } else {
      result_.emplace(std::move(*function_)());
    }
  }

  std::optional<F> function_;
  std::optional<std::conditional_t<std::is_void_v<Result>, char, Result>> result_;
};

/// Returns: whether the caller is a handler of `runtime` that can be suspended.
[[nodiscard]] bool can_suspend(const Runtime& runtime) noexcept;
/// Starts `job` and waits for it. Throws Unwind when the calling actor is being stopped.
void run_beside(Runtime& runtime, const std::shared_ptr<Job>& job);

}  // namespace detail

/// Runs `function` where it may block, and returns what it returns; what it throws is thrown here.
///
/// The function runs outside of any actor: what it tells has no sender, what it asks blocks its own thread. It must not
/// use the Context. Where no handler can be suspended (main, another thread, the body of a test, other offloaded work,
/// a handler that is being unwound, on_stop) it is simply called.
///
/// Throws:  also Unwind, as every wait, when the actor is stopped; the work goes on without it (O1).
/// Blocks:  the fiber; the actor handles nothing else meanwhile.
/// Cost:    two allocations, the hand-over to a thread and back; worth it from some ten microseconds of work on.
template <Offloadable F>
std::invoke_result_t<F> offload(Runtime& runtime, F function,
                                std::source_location where = std::source_location::current()) {
  if (!detail::can_suspend(runtime)) return std::move(function)();
  const auto job = std::make_shared<detail::JobOf<F>>(runtime, std::move(function), where);
  detail::run_beside(runtime, job);
  return job->take();
}

}  // namespace orrery
