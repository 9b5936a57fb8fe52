#include "orrery/testkit/detail/op_text.hpp"

#include "orrery/core/hash.hpp"

#include <fmt/core.h>

#include <map>
#include <string_view>

namespace orrery::testkit::detail {

namespace {

/// The texts behind the hashes of one run.
class Texts {
 public:
  explicit Texts(const std::vector<sim::Event>& events) {
    add(actors_, "test");
    for (const sim::Event& event : events) {
      if (!event.from.empty()) add(actors_, event.from);
      if (!event.to.empty()) add(actors_, event.to);
      const std::string_view message = event.message;
      add(types_, message.substr(0, message.find('{')));
    }
  }

  [[nodiscard]] std::string actor(std::uint64_t hash) const { return of(actors_, hash, "actor"); }
  [[nodiscard]] std::string type(std::uint64_t hash) const {
    return hash == 0 ? "signal" : of(types_, hash, "message");
  }
  /// Returns: who sends through a channel that leads to `to`.
  [[nodiscard]] std::string sender(std::uint64_t channel, std::uint64_t to) const {
    const auto receiver = actors_.find(to);
    if (receiver == actors_.end()) return "somebody";
    for (const auto& [hash, name] : actors_) {
      if (hash_text(name + "=>" + receiver->second) == channel) return name;
    }
    return "somebody";
  }

 private:
  using Dictionary = std::map<std::uint64_t, std::string>;
  static void add(Dictionary& dictionary, std::string_view text) { dictionary.try_emplace(hash_text(text), text); }
  static std::string of(const Dictionary& dictionary, std::uint64_t hash, std::string_view what) {
    const auto at = dictionary.find(hash);
    return at != dictionary.end() ? at->second : fmt::format("{}:{:016x}", what, hash);
  }

  Dictionary actors_;
  Dictionary types_;
};

std::string text_of(const sim::OpLabel& label, const Texts& texts) {
  const std::string agent =
      label.kind == sim::OpKind::deliver ? texts.sender(label.agent, label.object) : texts.actor(label.agent);
  const auto towards = [&](std::string_view what) {
    return fmt::format("{} -> {} {} #{}", agent, texts.actor(label.object), what, label.number);
  };
  const auto alone = [&](std::string_view what) { return fmt::format("{} {} #{}", agent, what, label.number); };
  switch (label.kind) {
    case sim::OpKind::enqueue:
    case sim::OpKind::deliver:
      return towards(texts.type(label.detail));
    case sim::OpKind::signal:
      return towards("signal");
    case sim::OpKind::reply:
      return towards("reply");
    case sim::OpKind::take:
      return alone("takes mail");
    case sim::OpKind::resume:
      return alone("goes on");
    case sim::OpKind::exit:
      return alone("ends");
    case sim::OpKind::restart:
      return alone("is restarted");
    case sim::OpKind::name:
      return alone("uses a name");
    case sim::OpKind::fire:
      return alone("has a timer");
    case sim::OpKind::look:
      return alone("looks around");
    case sim::OpKind::finish:
      return alone("finishes work");
  }
  return agent;
}

}  // namespace

std::vector<std::string> names_of_held(const sim::Followed& notes, const std::vector<sim::Event>& events) {
  const Texts texts{events};
  std::vector<std::string> names;
  names.reserve(notes.labels.size());
  for (const auto& [held, until] : notes.labels) {
    names.push_back(fmt::format("{} waits for {}", text_of(held, texts), text_of(until, texts)));
  }
  return names;
}

std::string text_of_op(const sim::OpLabel& label, const std::vector<sim::Event>& events) {
  return text_of(label, Texts{events});
}

}  // namespace orrery::testkit::detail
