// message_log.hpp: what became of every message of a test, by key, for properties to judge afterwards.
// Why:  a promise about messages (in order, once, never lost) is judged from what happened to each of them, and only the
//       program knows which message is which. So the program says it, in one word at each place; the judgements
//       (promises.hpp, letters.hpp, broadcasts.hpp) are ready.
// How:  a copy of a log is the same log: give it to actors as a field. tell() and ask() of it send and write down what came
//       of it. A handler says begun() and handled(), or Watched (watched.hpp) does so for any actor. Nothing is judged
//       while things happen.
// Always true:  (L1) entries of one actor stand in the order in which it made them
//               (L2) a message is written down as sent before it is sent, so it never stands behind its own handling
// Not so:  entries of different actors stand in some order that agrees with cause and effect, no more. A simulation does not
//          try all of these orders, because nothing that an actor can see depends on them; judge no order across actors.
// Threads: any.
// Source:  SPEC P2; SEMANTICS c2.
#pragma once
#include "orrery/actor.hpp"
#include "orrery/core/describe.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace orrery::props {

enum class Deed : std::uint8_t {
  sent,          ///< is about to be
  accepted,      ///< the send was
  refused,       ///< the send was, and so nobody may handle it
  begun,         ///< a handler has got it
  handled,       ///< its handler has returned; or, if the program says so itself, its effect has happened
  failed,        ///< its handler has thrown
  set_aside,     ///< its handler has stashed it, passed it on, or keeps its question: the `begun` does not count
  acknowledged,  ///< somebody was told that it is done
  published      ///< is about to be, to a member (`to`)
};

template <class Key>
struct LogEntry {
  Deed deed;
  Key key;
  std::string who;  ///< sent, published: by whom; begun to set_aside: the actor that has it
  std::string to;   ///< sent, published: to whom
  Priority priority = Priority::normal;
};

template <class Key>
class MessageLog {
 public:
  using Entries = std::vector<LogEntry<Key>>;

  // ---- sending ------------------------------------------------------------------------------------------------------

  /// Tells `message`, and writes down what came of it.
  template <class To, class M>
  TellResult tell(Context& context, const To& to, M message, Key key, SendOptions options = {},
                  std::source_location where = std::source_location::current()) const {
    return tell_as(context.path(), context.runtime(), to, std::move(message), std::move(key), options, where);
  }
  /// The same from outside of any actor, in the name `from`: use one name per thread.
  template <class To, class M>
  TellResult tell_as(std::string from, const Runtime& runtime, const To& to, M message, Key key,
                     SendOptions options = {}, std::source_location where = std::source_location::current()) const {
    sent(key, std::move(from), runtime.path_of(to.handle()), options.priority.value_or(priority_of<M>()));
    const TellResult result = [&] {
      if constexpr (Askable<M>) {
        return to.tell(std::move(message), ignore_reply, options, where);
      } else {
        return to.tell(std::move(message), options, where);
      }
    }();
    if (result) {
      accepted(std::move(key));
    } else {
      refused(std::move(key));
    }
    return result;
  }
  /// Asks, and writes down what is known then: a reply is an acknowledgement, a full mailbox a refusal; of a message whose ask
  /// ended otherwise nothing is known.
  template <class To, class M>
  AskResult<M> ask(Context& context, const To& to, M message, Key key, Duration timeout = detail_default,
                   std::source_location where = std::source_location::current()) const {
    sent(key, context.path(), context.runtime().path_of(to.handle()), priority_of<M>());
    AskResult<M> result = to.ask(std::move(message), timeout, where);
    if (result) {
      accepted(key);
      acknowledged(std::move(key));
    } else if (is_refusal(result.error())) {
      refused(std::move(key));
    }
    return result;
  }

  // ---- one word each ------------------------------------------------------------------------------------------------

  void sent(Key key, std::string from, std::string to, Priority priority = Priority::normal) const {
    add({Deed::sent, std::move(key), std::move(from), std::move(to), priority});
  }
  void accepted(Key key) const { add({Deed::accepted, std::move(key), {}, {}}); }
  void refused(Key key) const { add({Deed::refused, std::move(key), {}, {}}); }
  void begun(Key key, std::string by) const { add({Deed::begun, std::move(key), std::move(by), {}}); }
  void begun(Key key, const Context& context) const { begun(std::move(key), context.path()); }
  void handled(Key key, std::string by) const { add({Deed::handled, std::move(key), std::move(by), {}}); }
  void handled(Key key, const Context& context) const { handled(std::move(key), context.path()); }
  void failed(Key key, std::string by) const { add({Deed::failed, std::move(key), std::move(by), {}}); }
  void set_aside(Key key, std::string by) const { add({Deed::set_aside, std::move(key), std::move(by), {}}); }
  void acknowledged(Key key) const { add({Deed::acknowledged, std::move(key), {}, {}}); }
  /// To each of those who are members at this moment (see broadcasts.hpp).
  void published(const Key& key, const std::string& by, const std::vector<std::string>& members) const {
    for (const std::string& member : members) add({Deed::published, key, by, member});
  }

  // ---- reading ------------------------------------------------------------------------------------------------------

  [[nodiscard]] Entries entries() const {
    const std::lock_guard guard{pages_->mutex};
    return pages_->entries;
  }
  [[nodiscard]] std::size_t count(Deed deed) const {
    const std::lock_guard guard{pages_->mutex};
    std::size_t count = 0;
    for (const LogEntry<Key>& entry : pages_->entries) count += entry.deed == deed ? 1U : 0U;
    return count;
  }
  /// Returns: the keys of all entries of that kind, in their order; `who` empty: whoever made them.
  [[nodiscard]] std::vector<Key> keys(Deed deed, std::string_view who = {}) const {
    const std::lock_guard guard{pages_->mutex};
    std::vector<Key> found;
    for (const LogEntry<Key>& entry : pages_->entries) {
      if (entry.deed == deed && (who.empty() || entry.who == who)) found.push_back(entry.key);
    }
    return found;
  }

 private:
  struct Pages {
    std::mutex mutex;
    Entries entries;
  };
  static constexpr Duration detail_default = orrery::detail::default_timeout;

  void add(LogEntry<Key> entry) const {
    const std::lock_guard guard{pages_->mutex};
    pages_->entries.push_back(std::move(entry));
  }
  static bool is_refusal(AskError error) noexcept {
    return error == AskError::mailbox_full || error == AskError::actor_not_found;
  }
  template <class E>
  static bool is_refusal(const AskFailure<E>& failure) noexcept {
    const auto error = failure.failed();
    return error && is_refusal(*error);
  }

  std::shared_ptr<Pages> pages_ = std::make_shared<Pages>();
};

/// What a log says about one key, added up.
struct Fate {
  std::size_t sent = 0;
  std::size_t accepted = 0;
  std::size_t refused = 0;
  std::size_t taken = 0;  ///< begun, and not set aside
  std::size_t handled = 0;
  std::size_t failed = 0;
  std::size_t acknowledged = 0;
  bool was_early = false;  ///< acknowledged before anybody had handled it
  std::string from;        ///< of the first time it was sent
  std::string to;
  Priority priority = Priority::normal;
};

template <class Key>
[[nodiscard]] std::map<Key, Fate> fates(const MessageLog<Key>& log) {
  std::map<Key, Fate> all;
  for (const LogEntry<Key>& entry : log.entries()) {
    Fate& fate = all[entry.key];
    switch (entry.deed) {
      case Deed::sent:
        if (fate.sent++ == 0) {
          fate.from = entry.who;
          fate.to = entry.to;
          fate.priority = entry.priority;
        }
        break;
      case Deed::accepted:
        ++fate.accepted;
        break;
      case Deed::refused:
        ++fate.refused;
        break;
      case Deed::begun:
        ++fate.taken;
        break;
      case Deed::set_aside:
        if (fate.taken > 0) --fate.taken;
        break;
      case Deed::handled:
        ++fate.handled;
        break;
      case Deed::failed:
        ++fate.failed;
        break;
      case Deed::acknowledged:
        if (fate.handled == 0) fate.was_early = true;
        ++fate.acknowledged;
        break;
      case Deed::published:
        break;
    }
  }
  return all;
}

}  // namespace orrery::props
