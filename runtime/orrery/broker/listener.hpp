// listener.hpp: for tests that want to hear what goes through a broker.
#pragma once
#include "orrery/actor/message.hpp"
#include "orrery/core/ids.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace orrery {

struct MessageInfo;

/// One act of a broker, for a test that listens.
struct BrokerAct {
  enum class Kind : std::uint8_t {
    sent,       ///< by id or reference, with or without waiting for a reply
    broadcast,  ///< to one of those it is for
    published,  ///< on a topic, once however many subscribers it has
    routed      ///< by a routing key
  };
  Kind kind;
  Handle to{};                                               ///< unset for a publish
  std::string_view topic{};                                  ///< of a publish or a routing key
  const MessageInfo* message;                                ///< what it is; never null
  const void* payload;                                       ///< the message itself, valid during the call
  std::shared_ptr<const void> (*copy)(const void* payload);  ///< makes a copy of it; null when it cannot be copied
};
/// Hears what a broker is asked to do, before it does it.    Threads: any, at once.
class BrokerListener {
 public:
  virtual ~BrokerListener() = default;
  virtual void hear(const BrokerAct& act) = 0;
};

namespace detail {
template <class M>
std::shared_ptr<const void> copy_payload(const void* payload) {
  return std::make_shared<const M>(*static_cast<const M*>(payload));
}

/// What all copies of a broker share: the listener, if there is one (a look at a flag for everybody else); a counter.
class ListenerSlot {
 public:
  void set(std::shared_ptr<BrokerListener> listener) {
    const std::lock_guard guard{mutex_};
    is_set_.store(listener != nullptr, std::memory_order_release);
    listener_ = std::move(listener);
  }
  void clear(const BrokerListener* listener) {
    const std::lock_guard guard{mutex_};
    if (listener_.get() != listener) return;
    is_set_.store(false, std::memory_order_release);
    listener_ = nullptr;
  }
  void tell(const BrokerAct& act) {
    if (!is_set_.load(std::memory_order_acquire)) [[likely]]
      return;
    std::shared_ptr<BrokerListener> listener;
    {
      const std::lock_guard guard{mutex_};
      listener = listener_;
    }
    if (listener != nullptr) listener->hear(act);
  }
  std::uint64_t take_number() noexcept { return numbers_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> numbers_{0};
  std::atomic<bool> is_set_{false};
  std::mutex mutex_;
  std::shared_ptr<BrokerListener> listener_;
};
}  // namespace detail

}  // namespace orrery
