// snapshot.cpp: accounts that pay each other, and a snapshot of all of them with what is under way, in which no money is missing.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <vector>

namespace orrery::zoo {
namespace {

enum class Flaw { none, sends_markers_later, forgets_what_is_under_way };

struct Pay {
  int to = 0;
  int amount = 0;
};
struct Begin {};
struct Transfer {
  int from = 0;
  int amount = 0;
};
struct Marker {
  int from = 0;
};
struct SendMarkers {};

class Account;
struct Bank : Cast<Account> {
  Flaw flaw = Flaw::none;
  Bank(sim::World& w, Flaw f) : Cast{w}, flaw{f} {}
};

class Account {
 public:
  static constexpr int at_first = 100;
  Account(Bank* bank, int me, int accounts)
      : bank_{bank}, me_{me}, is_recording_(static_cast<std::size_t>(accounts), false) {}

  /// What the snapshot says that this account has, and what was under way to it.
  [[nodiscard]] int recorded() const { return recorded_; }

  void handle(Pay m) {
    balance_ -= m.amount;
    bank_->tell(m.to, Transfer{me_, m.amount});
  }
  void handle(Transfer m) {
    balance_ += m.amount;
    if (is_recording_[static_cast<std::size_t>(m.from)] && bank_->flaw != Flaw::forgets_what_is_under_way) {
      recorded_ += m.amount;
    }
  }
  void handle(Begin, Context& context) { record(context); }
  void handle(Marker m, Context& context) {
    record(context);
    is_recording_[static_cast<std::size_t>(m.from)] = false;
  }
  void handle(SendMarkers) { bank_->tell_others(me_, Marker{me_}); }

 private:
  void record(Context& context) {
    if (std::exchange(has_recorded_, true)) return;
    recorded_ = balance_;
    is_recording_.assign(is_recording_.size(), true);
    if (bank_->flaw == Flaw::sends_markers_later) {
      (void)context.self(*this).tell(SendMarkers{});
    } else {
      bank_->tell_others(me_, Marker{me_});
    }
  }

  Bank* bank_;
  int me_;
  int balance_ = at_first;
  bool has_recorded_ = false;
  int recorded_ = 0;
  std::vector<bool> is_recording_;  // what comes from each
};

sim::Body snapshot(Flaw flaw, int accounts, int payments) {
  return [=](sim::World& w) {
    Bank bank{w, flaw};
    for (int i = 0; i < accounts; ++i) bank.add("account", Account{&bank, i, accounts});
    for (int i = 0; i < accounts; ++i) {
      for (int j = 0; j < payments; ++j) bank.tell(i, Pay{(i + 1 + j % (accounts - 1)) % accounts, 1 + i + j});
    }
    bank.tell(0, Begin{});
    w.run();
    int total = 0;
    for (const Ref<Account>& account : bank.nodes) total += w.peek(account).recorded();
    if (total != accounts * Account::at_first) w.fail("the snapshot has too much or too little money");
  };
}

}  // namespace

void add_snapshot(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "K. M. Chandy, L. Lamport: Distributed Snapshots - Determining Global States of Distributed Systems (ACM TOCS 3, "
      "1985)";
  constexpr std::string_view money = "the snapshot has too much or too little money";
  programs.insert(programs.end(), {
                                      {"snapshot_markers_later",
                                       "what is paid between recording and sending the markers is counted twice", paper,
                                       money, snapshot(Flaw::sends_markers_later, 3, 2), network()},
                                      {"snapshot_without_channels", "money that is under way is in nobody's record",
                                       paper, money, snapshot(Flaw::forgets_what_is_under_way, 3, 2), network()},
                                      {"snapshot", "", paper, "", snapshot(Flaw::none, 4, 2), network()},
                                  });
}

}  // namespace orrery::zoo
