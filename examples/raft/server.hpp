// server.hpp: one server: follower, candidate or leader.
//
//              patience ends                  a majority votes for it
//   follower -----------------> candidate ---------------------------> leader
//       ^                        |   ^ |  patience ends: a new term        |
//       '------------------------'   '-'                                   |
//       '------ somebody has a higher term, or leads in this one ----------'
//
// Always true:  what a server has told anybody is in its storage: that is written first, and if it fails, so does the handler,
//               and the next incarnation begins with what was written
//               commit_ >= applied_ >= log_.start(), which is what the snapshot holds
// Source:  figure 2.
#pragma once
#include "election.hpp"
#include "network.hpp"
#include "replication.hpp"
#include "rules.hpp"
#include "storage.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace raft {

/// Returns: the name of a server under its supervisor, by which the others find it.
[[nodiscard]] inline std::string path_of_server(ServerId server) { return "raft/" + std::to_string(server); }

/// `DecideBy`: Rules, or those of a test.
template <class DecideBy>
class ServerOf {
 public:
  ServerOf(ServerId me, const Options& options, std::shared_ptr<Storage> storage)
      : me_{me}, options_{options}, storage_{std::move(storage)}, peers_(options.servers) {
    Saved saved = storage_->load();
    term_ = saved.term;
    vote_ = saved.vote;
    log_ = std::move(saved.log);
    restore(std::move(saved.snapshot));
  }

  /// Whoever falls over has begun before, or has lost the message that says so.
  void on_restart(orrery::Context& context, const orrery::ExitReason& /*reason*/) { wait_patiently(context); }
  void handle(Begin, orrery::Context& context) { wait_patiently(context); }

  // ---- elections ------------------------------------------------------------------------------------------------

  void handle(PatienceEnds, orrery::Context& context) {
    if (role_ == Role::leader || std::exchange(has_heard_, false)) return;
    stand(context);
  }
  void handle(TimeoutNow, orrery::Context& context) {
    if (role_ != Role::leader) stand(context);
  }

  void handle(RequestVote m, orrery::Context& context) {
    if (is_held_up(*this, context, m)) return;
    notice(m.term, context);
    const bool is_granted = m.term == term_ && DecideBy::may_vote(vote_, log_, m);
    if (is_granted) {
      storage_->save_vote(term_, m.candidate);
      vote_ = m.candidate;
      has_heard_ = true;
    }
    send(m.candidate, Vote{term_, me_, is_granted}, context);
  }

  void handle(Vote m, orrery::Context& context) {
    if (is_held_up(*this, context, m)) return;
    notice(m.term, context);
    if (role_ != Role::candidate || !DecideBy::counts(m, term_)) return;
    election_.add(m.voter);
    if (DecideBy::is_majority(election_.votes(), options_.servers)) lead(context);
  }

  // ---- followers ------------------------------------------------------------------------------------------------

  void handle(AppendEntries m, orrery::Context& context) {
    if (is_held_up(*this, context, m)) return;
    const ServerId leader = m.leader;
    send(leader, follow(m.term, leader, context) ? append(std::move(m)) : refuse(0), context);
  }

  void handle(InstallSnapshot m, orrery::Context& context) {
    if (is_held_up(*this, context, m)) return;
    const ServerId leader = m.leader;
    send(leader, follow(m.term, leader, context) ? install(std::move(m.snapshot)) : refuse(0), context);
  }

  // ---- leaders --------------------------------------------------------------------------------------------------

  orrery::Answer<Request::Reply> handle(Request m, orrery::Context& context) {
    if (is_held_up(*this, context, m)) return Request::Reply{.leader = leader_};
    if (role_ != Role::leader) return Request::Reply{.leader = leader_};
    if (const std::string* const answer = machine_.sessions.answer_to(m.client, m.sequence)) {
      return Request::Reply{.is_done = true, .value = *answer};
    }
    add(Entry{term_, m.client, m.sequence, m.command});
    if (auto ask = context.open_ask<Request>()) waiting_[log_.last()] = std::move(ask);  // none: it was only told
    replicate(context);
    return orrery::elsewhere;
  }

  void handle(Appended m, orrery::Context& context) {
    if (is_held_up(*this, context, m)) return;
    notice(m.term, context);
    if (role_ != Role::leader || m.term != term_) return;
    const bool is_news =
        m.is_accepted ? replication_.accept(m.follower, m.index) : replication_.refuse(m.follower, m.index);
    if (!is_news) return;
    commit_what_a_majority_has(context);
    if (replication_[m.follower].next <= log_.last()) send_entries(m.follower, context);
  }

  void handle(HeartbeatIsDue, orrery::Context& context) {
    if (role_ != Role::leader) return;
    for (ServerId to = 0; to < options_.servers; ++to) {
      if (to != me_) send_entries(to, context);
    }
  }

  WhoLeads::Reply handle(WhoLeads) const { return {term_, leader_}; }

  // ---- for whoever looks at it ------------------------------------------------------------------------------------

  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] Term term() const noexcept { return term_; }
  [[nodiscard]] const Log& log() const noexcept { return log_; }
  [[nodiscard]] Index commit() const noexcept { return commit_; }
  [[nodiscard]] Index applied() const noexcept { return applied_; }
  [[nodiscard]] const Machine& machine() const noexcept { return machine_; }

 private:
  // ---- elections ------------------------------------------------------------------------------------------------

  /// The timer goes off now and then, and looks whether a leader was heard of since the last time.
  void wait_patiently(orrery::Context& context) {
    context.cancel(patience_);
    patience_ = context.every(*this, draw_patience(context, options_), PatienceEnds{});
  }

  void stand(orrery::Context& context) {
    storage_->save_vote(term_ + 1, me_);
    ++term_;
    vote_ = me_;
    role_ = Role::candidate;
    leader_.reset();
    has_heard_ = false;
    election_.begin(me_);
    wait_patiently(context);
    if (DecideBy::is_majority(election_.votes(), options_.servers)) return lead(context);
    for (ServerId to = 0; to < options_.servers; ++to) {
      if (to != me_) send(to, RequestVote{term_, me_, log_.last(), log_.last_term()}, context);
    }
  }

  void lead(orrery::Context& context) {
    role_ = Role::leader;
    leader_ = me_;
    replication_.begin(options_.servers, log_.last());
    // What earlier terms have left behind is committed with the first entry of this one.
    add(Entry{.term = term_});
    heartbeat_ = context.every(*this, options_.heartbeat, HeartbeatIsDue{});
    replicate(context);
  }

  /// Whoever is behind catches up before anything else.
  void notice(Term term, orrery::Context& context) {
    if (term <= term_) return;
    storage_->save_vote(term, std::nullopt);
    term_ = term;
    vote_.reset();
    leader_.reset();
    if (DecideBy::role_in_higher_term(role_) == Role::follower) step_down(context);
  }

  void step_down(orrery::Context& context) {
    if (role_ == Role::leader) context.cancel(heartbeat_);
    role_ = Role::follower;
    // Their commands may be committed yet, or not: they will ask again, with the same numbers.
    auto waiting = std::exchange(waiting_, {});
    for (auto& [index, ask] : waiting) ask.answer(Request::Reply{.leader = leader_});
  }

  // ---- followers ------------------------------------------------------------------------------------------------

  /// Returns: whether that server leads in the present term.
  bool follow(Term term, ServerId leader, orrery::Context& context) {
    notice(term, context);
    if (term < term_ || role_ == Role::leader) return false;
    role_ = Role::follower;
    leader_ = leader;
    has_heard_ = true;
    return true;
  }

  [[nodiscard]] Appended refuse(Index at_most) const { return {term_, me_, false, at_most}; }
  [[nodiscard]] Appended accept(Index index) const { return {term_, me_, true, index}; }

  Appended append(AppendEntries m) {
    if (!m.entries.empty()) make_room();
    if (m.previous < log_.start()) {  // what the snapshot holds is committed, here and there the same
      const auto covered = std::min<std::size_t>(log_.start() - m.previous, m.entries.size());
      m.entries.erase(m.entries.begin(), m.entries.begin() + static_cast<std::ptrdiff_t>(covered));
      m.previous += covered;
      if (m.previous < log_.start()) return accept(m.previous);
      m.previous_term = log_.term_at(m.previous);
    }
    if (!DecideBy::follows(log_, m)) return refuse(std::min(m.previous - 1, log_.last()));
    const Index last = m.previous + m.entries.size();
    if (const Index first = DecideBy::first_new(log_, m); first <= last) {
      put(first, std::span{m.entries}.subspan(first - m.previous - 1));
    }
    commit(DecideBy::commit_of_follower(m.commit, last));
    return accept(last);
  }

  Appended install(Snapshot snapshot) {
    const Index last = snapshot.last;
    if (last > commit_) {
      storage_->save_snapshot(snapshot);
      log_.begin_after(snapshot.last, snapshot.last_term);
      restore(std::move(snapshot));
    }
    return accept(last);
  }

  // ---- leaders --------------------------------------------------------------------------------------------------

  void add(Entry entry) {
    make_room();
    put(log_.last() + 1, std::span{&entry, 1});
  }

  void replicate(orrery::Context& context) {
    for (ServerId to = 0; to < options_.servers; ++to) {
      if (to != me_ && !replication_[to].is_waiting) send_entries(to, context);
    }
    commit_what_a_majority_has(context);  // of a single server
  }

  void send_entries(ServerId to, orrery::Context& context) {
    Replication::Follower& follower = replication_[to];
    follower.is_waiting = true;
    const Index previous = follower.next - 1;
    if (previous < log_.start()) {
      follower.sent = snapshot_.last;
      send(to, InstallSnapshot{term_, me_, snapshot_}, context);
    } else {
      auto entries = log_.copy(follower.next, options_.entries_per_message);
      follower.sent = previous + entries.size();
      send(to, AppendEntries{term_, me_, previous, log_.term_at(previous), std::move(entries), commit_}, context);
    }
  }

  void commit_what_a_majority_has(orrery::Context& context) {
    const Index index = replication_.template on_majority<DecideBy>(me_, log_.last());
    if (index <= commit_ || !DecideBy::may_commit(log_.term_at(index), term_)) return;
    for (auto& [ask, reply] : commit(index)) {
      if (context.fault_point("an answer is lost")) continue;
      ask.answer(std::move(reply));
    }
  }

  // ---- log and machine --------------------------------------------------------------------------------------------

  void put(Index from, std::span<const Entry> entries) {
    storage_->save_entries(from, entries);
    log_.replace(from, entries);
  }

  using Answers = std::vector<std::pair<orrery::OpenAsk<Request>, Request::Reply>>;

  /// Carries out everything up to `index`.    Returns: who waits for what came of it.
  Answers commit(Index index) {
    Answers answers;
    commit_ = std::max(commit_, index);
    while (applied_ < std::min(commit_, log_.last())) {
      std::string value = machine_.apply(log_.at(++applied_));
      if (const auto at = waiting_.find(applied_); at != waiting_.end()) {
        answers.emplace_back(std::move(at->second), Request::Reply{.is_done = true, .value = std::move(value)});
        waiting_.erase(at);
      }
    }
    return answers;
  }

  /// Before the log grows: what has been carried out goes into a snapshot when it is long.
  void make_room() {
    if (log_.size() < options_.log_entries_max || applied_ == log_.start()) return;
    Snapshot snapshot = DecideBy::picture(machine_, log_, applied_);
    storage_->save_snapshot(snapshot);
    log_.begin_after(snapshot.last, snapshot.last_term);
    snapshot_ = std::move(snapshot);
  }

  void restore(Snapshot snapshot) {
    machine_ = snapshot.machine;
    commit_ = applied_ = snapshot.last;
    snapshot_ = std::move(snapshot);
  }

  /// A message to somebody who is not there is lost, as in a network.
  template <class M>
  void send(ServerId to, M message, orrery::Context& context) {
    if (!peers_[to]) peers_[to] = context.runtime().find<ServerOf>(path_of_server(to));
    if (peers_[to]) (void)peers_[to]->tell(std::move(message));
  }

  ServerId me_;
  Options options_;
  std::shared_ptr<Storage> storage_;
  std::vector<std::optional<orrery::Ref<ServerOf>>> peers_;  ///< as far as they were found

  Role role_ = Role::follower;
  Term term_ = 0;
  std::optional<ServerId> vote_;    ///< in this term
  std::optional<ServerId> leader_;  ///< of this term, as far as is known
  bool has_heard_ = false;          ///< of a leader or a candidate, since the patience timer went off
  orrery::TimerKey patience_;
  Election election_;  ///< of a candidate

  Log log_;
  Snapshot snapshot_;
  Machine machine_;
  Index commit_ = 0;
  Index applied_ = 0;

  Replication replication_;  ///< of a leader, as is what follows
  orrery::TimerKey heartbeat_;
  std::map<Index, orrery::OpenAsk<Request>> waiting_;  ///< for that entry
};

using Server = ServerOf<Rules>;

}  // namespace raft
