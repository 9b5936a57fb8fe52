// recorded.hpp: a reference whose asks write themselves into a history.
// Why:  a history that is kept by hand forgets the ask that failed, and that is the one which matters: nobody knows whether
//       it took effect.
// How:  Recorded stands in front of anything that can be asked, and has the same ask(). The invocation is written before the
//       request leaves, the return once the reply is here; in the simulator that order is exact.
//
//     Recorder<Model::Input, Model::Output> history;
//     Recorded<Model, Ref<Store>> store{there, history, 3};       // process 3
//     const auto value = store.ask(Get{"x"}, 1s);                  // expected, as from store itself
//     EXPECT_TRUE(check_linearizable(Model{}, history.history()).ok());
//
// Always true:  (R1) what may have happened is `unknown`: a timeout, a target that stopped or failed, an asker that was stopped
//               (R2) what cannot have happened has failed: no such actor, no room in its mailbox, no route
//               (R3) a refusal of the target's own (Reply is an expected) is a reply like any other
// Source:  SPEC T4.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/testkit/history.hpp"
#include "orrery/testkit/message_model.hpp"

#include <cstdint>
#include <type_traits>
#include <utility>

namespace orrery::testkit {

/// Returns: whether a request that ended so cannot have been handled, now or later.
[[nodiscard]] constexpr bool never_happened(AskError error) noexcept {
  switch (error) {
    case AskError::actor_not_found:
    case AskError::mailbox_full:
    case AskError::not_handled:
    case AskError::routing_failed:
      return true;
    case AskError::timeout:
    case AskError::actor_stopped:
    case AskError::actor_failed:
    case AskError::duplicate:
      return false;
  }
  return false;
}

/// `Model` is an OfMessages; `Target` a Ref, a Recipient, or anything else with ask(message, timeout).
template <class Model, class Target>
class Recorded {
 public:
  using History = Recorder<typename Model::Input, typename Model::Output>;

  /// `history` outlives it. `process` is nobody else's, and asks for one thing at a time.
  Recorded(Target target, History& history, std::uint64_t process)
      : target_{std::move(target)}, history_{&history}, process_{process} {}

  /// As target.ask(). An exception (the asker is being stopped) leaves the operation open, which counts as unknown.
  template <class M>
  AskResult<M> ask(M message, Duration timeout = orrery::detail::default_timeout) {
    history_->invoke(process_, message);
    AskResult<M> result = target_.ask(std::move(message), timeout);
    write_down<M>(result);
    return result;
  }

 private:
  template <class M>
  void write_down(const AskResult<M>& result) {
    using Reply = typename testkit::detail::ReplyValue<M>::type;
    using Output = typename Model::Output;
    if constexpr (orrery::detail::IsExpected<Reply>::value) {
      if (result) {
        if constexpr (std::is_void_v<typename Reply::value_type>) {
          history_->ok(process_, Output{Reply{}});
        } else {
          history_->ok(process_, Output{Reply{*result}});
        }
      } else if (const auto* const refusal = result.error().refused()) {
        history_->ok(process_, Output{Reply{std::unexpected(*refusal)}});
      } else {
        end(*result.error().failed());
      }
    } else if (!result) {
      end(result.error());
    } else if constexpr (std::is_void_v<reply_of<M>>) {
      history_->ok(process_, Output{Reply{}});
    } else {
      history_->ok(process_, Output{*result});
    }
  }
  void end(AskError error) {
    if (never_happened(error)) {
      history_->fail(process_);
    } else {
      history_->info(process_);
    }
  }

  Target target_;
  History* history_;
  std::uint64_t process_;
};

}  // namespace orrery::testkit
