// ask_cycle_test.cpp: an auditor asks an account for its history, and the account asks the auditor whether it may tell. Both wait.
#include <gtest/gtest.h>

#include <orrery/test.hpp>

namespace {

struct History {
  using Reply = int;
  bool is_allowed;
};
struct MayTell {
  using Reply = bool;
};
struct Audit {};

template <class AuditorType>
struct Account {
  orrery::Ref<AuditorType> auditor;
  int handle(History m) {
    const bool may = m.is_allowed || auditor.ask(MayTell{}, orrery::no_timeout).value_or(false);
    return may ? 17 : 0;
  }
  void handle(orrery::Ref<AuditorType> m) { auditor = m; }
};
template <bool says_so>
struct Auditor {
  orrery::Ref<Account<Auditor>> account;
  int heard = 0;
  bool handle(MayTell) { return true; }
  // Mended: what the other would ask for goes along, so that asks go one way only.
  void handle(Audit) { heard = account.ask(History{.is_allowed = says_so}, orrery::no_timeout).value_or(-1); }
};

template <bool says_so>
void the_audit_ends(orrery::sim::World& w) {
  using Who = Auditor<says_so>;
  const orrery::Ref<Account<Who>> account = w.spawn("account", Account<Who>{});
  const orrery::Ref<Who> auditor = w.spawn("auditor", Who{account});
  (void)account.tell(auditor);
  w.run();
  (void)auditor.tell(Audit{});
  w.run();
  EXPECT_EQ(w.peek(auditor).heard, 17);
}

TEST(AskCycle, Wrong) { orrery::sim::check(the_audit_ends<false>); }
TEST(AskCycle, Mended) { orrery::sim::check(the_audit_ends<true>); }

}  // namespace
