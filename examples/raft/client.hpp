// client.hpp: asks whoever leads, again and again, until its command has been carried out.
// How:  a command keeps its number however often it is sent, so that it has one effect (session.hpp); and there is one at a time.
#pragma once
#include "messages.hpp"

#include <orrery/actor.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace raft {

/// Hears what clients ask and are told: for tests. Threads: the client's.
class ClientListener {
 public:
  ClientListener() = default;
  ClientListener(const ClientListener&) = delete;
  ClientListener& operator=(const ClientListener&) = delete;
  virtual ~ClientListener() = default;
  virtual void invoked(ClientId client, Sequence sequence, const Command& command) = 0;
  /// Never called for a command of a client that has ended before: nobody knows then whether it was carried out.
  virtual void returned(ClientId client, Sequence sequence, const std::string& value) = 0;
};

struct Perform {
  using Reply = std::string;
  Command command;
};

template <class Server>
class ClientOf {
 public:
  ClientOf(ClientId me, std::vector<orrery::Ref<Server>> servers, std::shared_ptr<ClientListener> listener = nullptr)
      : me_{me}, servers_{std::move(servers)}, listener_{std::move(listener)} {}

  std::string handle(Perform m, orrery::Context& context) {
    ++sequence_;
    if (listener_) listener_->invoked(me_, sequence_, m.command);
    for (;;) {
      const auto reply = servers_[to_].ask(Request{me_, sequence_, m.command}, answer_within);
      if (reply && reply->is_done) {
        if (listener_) listener_->returned(me_, sequence_, reply->value);
        return reply->value;
      }
      to_ = reply && reply->leader ? *reply->leader : (to_ + 1) % static_cast<ServerId>(servers_.size());
      context.sleep(pause);
    }
  }

 private:
  static constexpr std::chrono::milliseconds answer_within{500};
  static constexpr std::chrono::milliseconds pause{10};

  ClientId me_;
  std::vector<orrery::Ref<Server>> servers_;
  std::shared_ptr<ClientListener> listener_;
  Sequence sequence_ = 0;
  ServerId to_ = 0;  ///< who led last, as far as is known
};

}  // namespace raft
