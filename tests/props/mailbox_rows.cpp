// mailbox_rows.cpp: systems that keep, and do not keep, what is promised about their mailboxes.
#include "orrery/props/bounds.hpp"
#include "orrery/props/mailboxes.hpp"
#include "orrery/props/priorities.hpp"

#include "tests/props/property_table.hpp"

namespace orrery::props_tests {
namespace {

using Capacity = props::Between<1, 4>;

MailboxOptions bounded_to(Capacity capacity, Overflow overflow) {
  return bounded(static_cast<std::uint32_t>(capacity), overflow);
}

testing::AssertionResult bound_is_kept(Runtime& rt, Capacity capacity, Overflow overflow) {
  return props::keeps_its_bound<Deposit>(rt, make_account, {.mailbox = bounded_to(capacity, overflow)});
}
testing::AssertionResult bound_is_forgotten(Runtime& rt, Capacity capacity, Overflow overflow) {
  return props::keeps_its_bound<Deposit>(rt, make_account, {}, bounded_to(capacity, overflow));
}
testing::AssertionResult bound_is_one_more(Runtime& rt, Capacity capacity, Overflow overflow) {
  const MailboxOptions promised = bounded_to(capacity, overflow);
  MailboxOptions real = promised;
  ++real.capacity;
  return props::keeps_its_bound<Deposit>(rt, make_account, {.mailbox = real}, promised);
}
template <Overflow promised, Overflow real>
testing::AssertionResult other_policy(Runtime& rt, Capacity capacity) {
  return props::keeps_its_bound<Deposit>(rt, make_account, {.mailbox = bounded_to(capacity, real)},
                                         bounded_to(capacity, promised));
}
/// Ends when it has had enough.
struct Impatient {
  std::uint32_t handled = 0;
  void handle(Deposit, Context& context) {
    if (++handled == 4) context.stop();
  }
};
testing::AssertionResult bound_of_who_ends(Runtime& rt, Capacity capacity, Overflow overflow) {
  return props::keeps_its_bound<Deposit>(rt, [] { return Impatient{}; }, {.mailbox = bounded_to(capacity, overflow)});
}

// ---- backpressure -------------------------------------------------------------------------------------------------------

testing::AssertionResult senders_go_on(Runtime& rt, Capacity capacity, props::Between<1, 4> senders) {
  return props::releases_its_senders<Deposit>(rt, make_account, {.mailbox = bounded_to(capacity, Overflow::suspend)},
                                              static_cast<std::uint64_t>(senders));
}
testing::AssertionResult senders_of_who_ends(Runtime& rt, Capacity capacity, props::Between<1, 4> senders) {
  return props::releases_its_senders<Deposit>(
      rt, [] { return Impatient{}; }, {.mailbox = bounded_to(capacity, Overflow::suspend)},
      static_cast<std::uint64_t>(senders));
}
struct Audit {
  using Reply = void;
};
/// Has so much to do that it answers nobody.
struct Auditor {
  std::vector<OpenAsk<Audit>> later{};
  void handle(Audit, Context& context) { later.push_back(context.open_ask<Audit>()); }
};
struct Audited {
  Ref<Auditor> auditor;
  std::uint32_t handled = 0;
  void handle(Deposit) {
    if (++handled == 3) (void)auditor.ask(Audit{}, no_timeout);
  }
};
testing::AssertionResult senders_of_who_waits(Runtime& rt, Capacity capacity, props::Between<1, 4> senders) {
  const auto auditor = rt.spawn(Auditor{});
  return props::releases_its_senders<Deposit>(
      rt, [auditor] { return Audited{auditor}; }, {.mailbox = bounded_to(capacity, Overflow::suspend)},
      static_cast<std::uint64_t>(senders));
}
testing::AssertionResult senders_are_refused(Runtime& rt, Capacity capacity, props::Between<1, 4> senders) {
  return props::releases_its_senders<Deposit>(rt, make_account, {.mailbox = bounded_to(capacity, Overflow::reject)},
                                              static_cast<std::uint64_t>(senders));
}

// ---- priorities ---------------------------------------------------------------------------------------------------------

testing::AssertionResult urgent_first(Runtime& rt, const std::vector<Priority>& priorities) {
  return props::takes_by_priority<Deposit>(rt, make_account, {}, priorities);
}
/// Sends on with the priority that a Deposit has anyway.
struct Counter {
  struct Hand {
    using Reply = void;
    Deposit deposit;
  };
  Recipient<Deposit> to;
  void handle(const Hand& m) { (void)to.tell(m.deposit); }
};
testing::AssertionResult urgency_ends_at_the_counter(Runtime& rt, const std::vector<Priority>& priorities) {
  std::optional<Ref<Counter>> counter;
  return props::takes_by_priority<Deposit>(rt, make_account, {}, priorities,
                                           [&](const auto& subject, Deposit m, Priority priority) {
                                             if (!counter) counter = rt.spawn(Counter{subject});
                                             (void)counter->ask(Counter::Hand{m}, {.priority = priority}, no_timeout);
                                           });
}
testing::AssertionResult only_critical_is_urgent(Runtime& rt, const std::vector<Priority>& priorities) {
  return props::takes_by_priority<Deposit>(
      rt, make_account, {}, priorities, [](const auto& subject, Deposit m, Priority priority) {
        (void)subject.tell(m, {.priority = priority == Priority::critical ? priority : Priority::normal});
      });
}

}  // namespace

std::vector<Row> mailbox_rows() {
  std::vector<Row> rows;
  rows.push_back(
      {"keeps_its_bound",
       make_case("as it is spawned", bound_is_kept),
       {make_case("it is spawned without a bound", bound_is_forgotten),
        make_case("its bound is one more", bound_is_one_more),
        make_case("drop_newest, and it was to be drop_oldest",
                  other_policy<Overflow::drop_oldest, Overflow::drop_newest>),
        make_case("drop_newest, and it was to be reject", other_policy<Overflow::reject, Overflow::drop_newest>),
        make_case("reject, and it was to be suspend", other_policy<Overflow::suspend, Overflow::reject>),
        make_case("it ends while mail waits", bound_of_who_ends)}});
  rows.push_back({"releases_its_senders",
                  make_case("an account that works", senders_go_on),
                  {make_case("an account that ends", senders_of_who_ends),
                   make_case("an account that waits for ever", senders_of_who_waits),
                   make_case("an account that refuses", senders_are_refused)}});
  rows.push_back({"takes_by_priority",
                  make_case("told with their priorities", urgent_first),
                  {make_case("a counter between forgets them", urgency_ends_at_the_counter),
                   make_case("high and low are sent as normal", only_critical_is_urgent)}});
  return rows;
}

}  // namespace orrery::props_tests
