// model_tree.hpp: supervisors as OTP 25 has them, one step at a time.
// How:  everything a supervisor does while it handles one piece of mail happens inside that call: starts, stops and their
//       time. Deaths by themselves, calls and retries go through the mailbox.
//
//       undefined --start--> running --dies--> (exit in the mail) --start failed--> restarting --retry--> ...
//           ^                   |                                                        |
//           +---- terminate ----+------------------------ terminate --------------------+
//
// Always true:  (A1) a retry is pending in the mail for every child that is restarting
//               (A2) the clock of restarts moves only by advance; a stop takes milliseconds of another clock
#pragma once
#include "orrery/testkit/scenario/plan.hpp"
#include "tests/scenario/model_log.hpp"
#include "tests/scenario/model_state.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::scenario::model {

class Tree {
 public:
  explicit Tree(const Scenario& scenario);

  /// Starts the root. Returns: why it failed, or nothing.
  [[nodiscard]] std::string start_root();
  [[nodiscard]] bool root_was_ignored() const { return root_ignored_; }
  [[nodiscard]] bool root_alive() const { return root_ != nobody && actors_[root_].alive; }

  // What the world does to actors.
  void die_alone(ActorIndex actor, const Reason& reason);
  void kill(ActorIndex actor);
  void signal(ActorIndex actor, const Reason& reason);
  void post(ActorIndex actor, const std::vector<Message>& messages);
  void send(ActorIndex supervisor, Mail mail);
  void advance(std::int64_t seconds) { now_ += seconds; }
  [[nodiscard]] Plans& plans() { return plans_; }

  /// Handles mail until there is none, except that of `paused`, who must not be needed meanwhile.
  void settle(ActorIndex paused = nobody);

  /// Returns: who was started last under that id, dead or alive, or nobody.
  [[nodiscard]] ActorIndex newest(std::string_view id) const;
  [[nodiscard]] bool alive(ActorIndex actor) const { return actor != nobody && actors_[actor].alive; }
  [[nodiscard]] const Actor& actor(ActorIndex index) const { return actors_[index]; }
  [[nodiscard]] std::uint64_t next_instance(std::string_view template_id);

  [[nodiscard]] std::size_t new_result();
  [[nodiscard]] std::string result(std::size_t index) const { return results_[index]; }
  void set_result(std::size_t index, std::string text) { results_[index] = std::move(text); }

  [[nodiscard]] std::string draw() const;
  [[nodiscard]] Log& log() { return log_; }
  [[nodiscard]] const std::vector<std::string>& undefined() const { return undefined_; }

 private:
  struct Started {
    enum class How : std::uint8_t { ok, ignored, failed };
    How how = How::ok;
    ActorIndex actor = nobody;
    Reason reason{};
  };
  /// How a stop ended: its reason, and after how many milliseconds; `cut_off` when its supervisor was killed meanwhile.
  struct Stopped {
    Reason reason{};
    std::int64_t ms = 0;
    bool cut_off = false;
  };
  using Budget = std::optional<std::int64_t>;  // milliseconds until the one who stops is killed itself; none: never

  // Starting (model_start.cpp).
  Started start(ActorIndex parent, const std::string& id, const std::shared_ptr<const Spec>& spec);
  Reason begin(ActorIndex supervisor);
  std::optional<std::size_t> start_all(ActorIndex supervisor, std::size_t from, Reason& reason);
  [[nodiscard]] static Reason judge(const Spec& spec);
  [[nodiscard]] static Reason judge_child(const Declaration& child, AutoShutdown parent);

  // Stopping (model_stop.cpp).
  void die(ActorIndex actor, const Reason& reason);
  Stopped stop_worker(ActorIndex worker, Shutdown shutdown, Budget budget);
  Stopped stop_supervisor(ActorIndex supervisor, const Reason& reason, Budget budget);
  Stopped stop_instances(ActorIndex supervisor, Budget budget);
  void cut_off(ActorIndex supervisor, std::optional<std::size_t> stopping);
  Stopped terminate(ActorIndex supervisor, std::size_t child, Budget budget);
  Stopped terminate_from(ActorIndex supervisor, std::size_t first, Budget budget);
  void abandon(ActorIndex child);
  std::optional<Reason> flush_exit(ActorIndex supervisor, ActorIndex from);
  void finish(ActorIndex supervisor, const Reason& reason);

  // Restarting (model_restart.cpp).
  void handle(ActorIndex supervisor, const ExitMail& mail);
  void handle(ActorIndex supervisor, const RetryMail& mail);
  void handle(ActorIndex supervisor, const StopMail& mail);
  void restart(ActorIndex supervisor, std::size_t child);
  void restart_one(ActorIndex supervisor, std::size_t child);
  void restart_group(ActorIndex supervisor, std::size_t child, std::size_t first);
  void forget(ActorIndex supervisor, std::size_t child);
  [[nodiscard]] bool shuts_down_after(ActorIndex supervisor, const Declaration& gone) const;
  [[nodiscard]] bool too_many_restarts(ActorIndex supervisor);

  // Calls (model_calls.cpp).
  void handle(ActorIndex supervisor, const CallMail& mail);
  std::string answer(ActorIndex supervisor, const CallMail& mail, const TerminateChild& asked);
  std::string answer(ActorIndex supervisor, const CallMail& mail, const RestartChild& asked);
  std::string answer(ActorIndex supervisor, const CallMail& mail, const DeleteChild& asked);
  std::string answer(ActorIndex supervisor, const CallMail& mail, const AddChild& asked);
  std::string answer(ActorIndex supervisor, const CallMail& mail, const Spawn& asked);
  std::string answer(ActorIndex supervisor, const CallMail& mail, const Count& asked);
  std::string answer(ActorIndex supervisor, const CallMail& mail, const Which& asked);
  template <class NoCall>
  std::string answer(ActorIndex supervisor, const CallMail& mail, const NoCall& asked);
  [[nodiscard]] std::string result_of(const Started& started) const;

  [[nodiscard]] std::optional<std::size_t> find_child(ActorIndex supervisor, std::string_view id) const;
  [[nodiscard]] std::optional<std::size_t> find_running(ActorIndex supervisor, ActorIndex actor) const;
  void report(ActorIndex supervisor, std::string_view what, std::string_view offender, std::string_view reason);
  void draw_actor(ActorIndex actor, std::string& out) const;
  [[nodiscard]] std::string draw_child(const Child& child, bool instance) const;
  void say_undefined(std::string sentence) { undefined_.push_back(std::move(sentence)); }

  std::shared_ptr<const Spec> root_spec_;
  std::deque<Actor> actors_;  // a deque: starting an actor leaves references to others valid
  Log log_{actors_};
  Plans plans_;
  std::map<std::string, int, std::less<>> attempts_;
  std::map<std::string, ActorIndex, std::less<>> newest_;
  std::map<std::string, std::uint64_t, std::less<>> spawned_;
  std::vector<std::string> results_;
  std::vector<std::string> undefined_;
  ActorIndex root_ = nobody;
  ActorIndex paused_ = nobody;
  bool root_ignored_ = false;
  std::int64_t now_ = 0;  // seconds
};

}  // namespace orrery::scenario::model
