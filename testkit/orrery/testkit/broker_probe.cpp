#include "orrery/testkit/broker_probe.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace orrery::testkit {

namespace {
std::string_view word_of(BrokerAct::Kind kind) noexcept {
  switch (kind) {
    case BrokerAct::Kind::sent:
      return "sent";
    case BrokerAct::Kind::broadcast:
      return "broadcast";
    case BrokerAct::Kind::published:
      return "published";
    case BrokerAct::Kind::routed:
      return "routed";
  }
  return "sent";
}
}  // namespace

class BrokerTestProbe::Ear final : public BrokerListener {
 public:
  explicit Ear(Runtime& runtime) : runtime_{runtime} {}
  void hear(const BrokerAct& act) override {
    std::string message;
    act.message->describe(act.payload, message);
    std::string text = fmt::format("{} {}", word_of(act.kind), message);
    if (act.to.is_set()) text += fmt::format(" to {}", runtime_.path_of(act.to));
    if (!act.topic.empty()) text += fmt::format(" on {}", act.topic);
    Heard heard{act.kind,    act.to,          std::string{act.topic},
                act.message, std::move(text), act.copy == nullptr ? nullptr : act.copy(act.payload)};
    const std::lock_guard guard{mutex_};
    all_.push_back(std::move(heard));
  }
  template <class F>
  auto read(F&& look) {
    const std::lock_guard guard{mutex_};
    return look(all_);
  }

 private:
  Runtime& runtime_;
  std::mutex mutex_;
  std::vector<Heard> all_;
};

BrokerTestProbe::BrokerTestProbe(MessageBroker& broker)
    : broker_{broker}, ear_{std::make_shared<Ear>(broker.runtime())} {
  broker_.set_listener(ear_);
}
BrokerTestProbe::~BrokerTestProbe() { broker_.clear_listener(ear_.get()); }

testing::AssertionResult BrokerTestProbe::judge(std::size_t found, std::size_t expected, std::string_view what) const {
  if (found == expected) return testing::AssertionSuccess() << found << " " << what;
  return testing::AssertionFailure() << found << " " << what << ", expected " << expected << "\n" << describe();
}

testing::AssertionResult BrokerTestProbe::assert_sent_to(Handle actor, std::size_t count) const {
  const std::size_t found = ear_->read([&](const std::vector<Heard>& all) {
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](const Heard& one) {
      return one.to == actor && (one.kind == BrokerAct::Kind::sent || one.kind == BrokerAct::Kind::routed);
    }));
  });
  return judge(found, count, fmt::format("sent to {}", broker_.runtime().path_of(actor)));
}

testing::AssertionResult BrokerTestProbe::assert_broadcast(std::size_t count) const {
  const std::size_t found = ear_->read([&](const std::vector<Heard>& all) {
    return static_cast<std::size_t>(std::ranges::count(all, BrokerAct::Kind::broadcast, &Heard::kind));
  });
  return judge(found, count, "broadcast");
}

testing::AssertionResult BrokerTestProbe::assert_published(std::string_view subject, std::size_t count) const {
  const std::size_t found = ear_->read([&](const std::vector<Heard>& all) {
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [&](const Heard& one) { return one.kind == BrokerAct::Kind::published && one.topic == subject; }));
  });
  return judge(found, count, fmt::format("published on {}", subject));
}

std::vector<std::shared_ptr<const void>> BrokerTestProbe::captured_of(const MessageInfo& message) const {
  return ear_->read([&](const std::vector<Heard>& all) {
    std::vector<std::shared_ptr<const void>> copies;
    for (const Heard& one : all) {
      if (one.message == &message && one.copy != nullptr) copies.push_back(one.copy);
    }
    return copies;
  });
}

std::string BrokerTestProbe::describe() const {
  return ear_->read([](const std::vector<Heard>& all) {
    if (all.empty()) return std::string{"nothing went through the broker"};
    constexpr std::size_t lines_max = 40;
    std::string text = fmt::format("through the broker went {} message{}:", all.size(), all.size() == 1 ? "" : "s");
    for (std::size_t i = 0; i < std::min(all.size(), lines_max); ++i) text += "\n  " + all[i].text;
    if (all.size() > lines_max) text += fmt::format("\n  ... and {} more", all.size() - lines_max);
    return text;
  });
}

void BrokerTestProbe::forget() {
  ear_->read([](std::vector<Heard>& all) {
    all.clear();
    return 0;
  });
}

}  // namespace orrery::testkit
