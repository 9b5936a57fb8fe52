// pages.hpp: the pages that check.py looks at, each with something of its own.
#pragma once
#include "orrery/testkit/linearizability.hpp"
#include "orrery/testkit/linearizability_html.hpp"
#include "orrery/testkit/report_html.hpp"
#include "examples/bank/bank_property.hpp"
#include "examples/bank/naive_bank.hpp"
#include "tests/testkit/cell_model.hpp"
#include "tests/testkit/little_properties.hpp"

#include <fmt/core.h>

#include <map>
#include <string>

namespace orrery::testing::pages {

inline constexpr std::string_view evil =
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=2><svg onload=window.hacked=3>\"'&\x01";

inline const testkit::Reproduction reproduction{
    .token = "b7k2-9f3c",
    .command = "ORRERY_REPLAY=b7k2-9f3c ./build/dev/bank_test --gtest_filter=Bank.MoneyIsConserved",
    .record_path = {},
    .report_path = {}};

inline std::string of_trace(std::string_view lines, testkit::TraceFacts facts = {}) {
  return testkit::report_page(testkit::report_json_of_trace(lines, facts).json);
}

/// A campaign's failure, with its way to the smallest run and a passing one beside it.
inline std::string of_failure(const Property& property) {
  CheckOptions options;
  options.explain = true;
  Failure failure = failure_of(property, options);
  for (std::uint64_t run = 0; run < 50 && !failure.explanation.nearest_passing; ++run) {
    auto outcome = testkit::make_run(property, options, seed, run, true);
    if (outcome.finding) continue;
    failure.explanation.nearest_passing = std::move(outcome);
    failure.explanation.nearest_words = "another input";
  }
  return testkit::report_page(report_json(failure, reproduction));
}

/// Everything that can go wrong with a message, between times of every size; a supervisor with two children.
inline constexpr std::string_view faults =
    R"lines({"step":0,"t_ns":0,"kind":"spawn","from":"test","to":"shop","message":""}
{"step":0,"t_ns":0,"kind":"spawn","from":"shop","to":"shop/till","message":""}
{"step":0,"t_ns":0,"kind":"spawn","from":"shop","to":"shop/cards","message":""}
{"step":1,"t_ns":10000,"kind":"take","from":"test","to":"client#1","message":"Buy{order=1}","sent_step":0,"sent_ns":0,"before":{"orders":"0"},"after":{"orders":"1"}}
{"step":2,"t_ns":20000,"kind":"take","from":"test","to":"client#2","message":"Buy{order=2}","sent_step":0,"sent_ns":0,"before":{"orders":"0"},"rivals":["shop/till"],"rivals_count":3}
{"step":3,"t_ns":30000,"kind":"take","from":"client#1","to":"shop/till","message":"Pay{order=1, cents=500}","reply":"ok","sent_step":1,"sent_ns":10000,"before":{"paid":"{}","name":"till"},"after":{"paid":"{1: 500}","name":"till"},"file":"shop/shop.hpp","line":12}
{"step":4,"t_ns":40000,"kind":"take","from":"shop/till","to":"shop/cards","message":"Charge{cents=500}","reply":"true","sent_step":3,"sent_ns":30000}
{"step":5,"t_ns":50000,"kind":"resume","from":"shop/till","to":"shop/till","message":""}
{"step":5,"t_ns":50000,"kind":"refuse","from":"client#2","to":"shop/till","message":"Pay{order=2, cents=70}","reply":"mailbox_full"}
{"step":6,"t_ns":60000,"kind":"resume","from":"client#1","to":"client#1","message":""}
{"step":6,"t_ns":60000,"kind":"fault","from":"shop/till","to":"shop/till","message":"fails in the place of handling Pay"}
{"step":6,"t_ns":60000,"kind":"exit","from":"shop/till","to":"shop/till","message":"failed: injected"}
{"step":6,"t_ns":60000,"kind":"signal","from":"runtime","to":"supervisor: child_terminated","message":"shop, child till: failed: injected"}
{"step":6,"t_ns":10000000000,"kind":"stall","from":"clock","to":"","message":"10s passes while work waits"}
{"step":6,"t_ns":10000000000,"kind":"restart","from":"shop/till","to":"shop/till","message":"incarnation 2"}
{"step":6,"t_ns":10000000000,"kind":"fire","from":"clock","to":"client#2","message":"ask deadline"}
{"step":7,"t_ns":10000010000,"kind":"resume","from":"client#2","to":"client#2","message":""}
{"step":7,"t_ns":10000010000,"kind":"dead letter","from":"client#2","to":"dead letters","message":"Pay (actor stopped)"}
{"step":7,"t_ns":10000010000,"kind":"late reply","from":"shop/cards","to":"shop/till","message":"Refund"}
{"step":8,"t_ns":10000020000,"kind":"take","from":"client#2","to":"shop/till","message":"Pay{order=2, cents=70}","sent_step":7,"sent_ns":10000010000,"before":{"paid":"{}","name":"till"},"finding":"what was paid is never forgotten"}
)lines";

/// As a program in production may write it: no steps, dates, words for the same things, things that nobody knows.
inline constexpr std::string_view log = R"lines(2026-01-02 starting up
{"ts":"2026-01-02T03:04:05.000Z","level":"info","kind":"take","from":"gate","to":"store","message":"Put{key=1}","trace_id":"4bf92f35"}
{"ts":"2026-01-02T03:04:05.250Z","level":"warn","actor":"store","msg":"slow disk","shoe":{"size":43}}
{"ts":"2026-01-02T03:05:05.000Z","level":"info","kind":"take","from":"gate","to":"store","message":"Get{key=1}","reply":"1"}
{}
)lines";

/// `count` asks and their ends; the failure stands in the middle.
inline std::string many_events(std::size_t count) {
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) {
    lines += fmt::format(
        R"({{"step":{0},"t_ns":{1},"kind":"take","from":"client#{2}","to":"store#{3}","message":"Put{{key={0}}}","sent_step":{4},"sent_ns":{1},"before":{{"n":"{0}"}},"after":{{"n":"{5}"}}{6}}})",
        i + 1, i * 1'000, i % 7, i % 5, i, i + 1, i == count / 2 ? R"(,"finding":"in the middle")" : "");
    lines += '\n';
  }
  return lines;
}

inline std::string evil_trace() {
  const std::string text = testkit::json_text(evil);
  return fmt::format(
      R"({{"step":1,"t_ns":1,"kind":"take","from":{0},"to":"a","message":{0},"reply":{0},"before":{{{0}:{0}}},"after":{{{0}:"other"}},"file":{0},"line":3,{0}:{0},"rivals":[{0}],"rivals_count":1}}
{{"step":2,"t_ns":2,"kind":{0},"from":"a","to":{0},"message":{0}}}
{{"step":3,"t_ns":3,"kind":"take","from":"a","to":{0},"message":{0},"finding":{0}}}
)",
      text);
}

/// No step is guilty: the body of the test finds out.
inline void wrong_sum(World& w) {
  const Ref<Adder> adder = w.spawn("adder", Adder{});
  adder.tell(Add{1});
  w.run();
  EXPECT_EQ(w.peek(adder).sum, 2U);
}

/// Two keys; client 2 reads what was there before client 1 had written, and a third operation never returns.
inline Property stale_read() {
  return make_property("Suite.StaleRead", [](World& w) {
    w.run();
    testkit::History<Cell::Input, int> history;
    history.invoke(1, {"x", 1});
    history.invoke(3, {"y", 7});
    history.ok(1, 1);
    history.invoke(2, {"x", {}});
    history.ok(3, 7);
    history.ok(2, 0);
    history.invoke(1, {"x", 5});
    const auto verdict = check_linearizable(Cell{}, history);
    if (verdict.violation) testkit::attach_history<Cell>("store", Cell{}, history.operations(), verdict);
    EXPECT_TRUE(verdict.ok());
  });
}

/// Returns: what they are called, without .html, and their texts.
inline std::map<std::string, std::string> all() {
  return {
      {"bank", of_failure(make_property("NaiveBank.MoneyIsConserved",
                                        bank::money_is_conserved<bank::TrustingAccount, bank::NaiveTeller>))},
      {"faults",
       of_trace(faults, {.title = "faults", .headline = {}, .name = {}, .detail = {}, .command = {}, .facts = {}})},
      {"log", of_trace(log, {.title = "log", .headline = {}, .name = {}, .detail = {}, .command = {}, .facts = {}})},
      {"long", of_trace(many_events(6'000))},
      {"short", of_trace(many_events(200))},
      {"evil", of_trace(evil_trace(), {.title = std::string{evil},
                                       .headline = std::string{evil},
                                       .name = std::string{evil},
                                       .detail = std::string{evil},
                                       .command = std::string{evil},
                                       .facts = {{std::string{evil}, std::string{evil}}}})},
      {"body", of_failure(make_property("Suite.WrongSum", wrong_sum))},
      {"history", of_failure(stale_read())}};
}

}  // namespace orrery::testing::pages
