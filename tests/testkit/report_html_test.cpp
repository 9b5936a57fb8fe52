// Goal:   the document inside of report.html: that it holds all runs of a failure, that it is JSON whatever a name, a message
//         or a line of a log says, and that nothing of it is ever taken for markup. tests/report_html looks at the page itself.
#include "orrery/testkit/report_html.hpp"

#include "orrery/testkit/linearizability.hpp"
#include "orrery/testkit/linearizability_html.hpp"
#include "orrery/testkit/report.hpp"
#include "tests/testkit/cell_model.hpp"
#include "tests/testkit/story_programs.hpp"

#include <map>

namespace orrery::testing {
namespace {

using testkit::Json;
using testkit::json_of_page;
using testkit::parse_json;
using testkit::report_json;
using testkit::report_json_of_trace;
using testkit::report_page;

const testkit::Reproduction reproduction{
    .token = "b7k2-9f3c", .command = "ORRERY_REPLAY=b7k2-9f3c ./program", .record_path = {}, .report_path = {}};

Json document_of(const Failure& failure) {
  const auto json = parse_json(report_json(failure, reproduction));
  EXPECT_TRUE(json) << json.error();
  return json ? *json : Json{};
}

std::string fact_of(const Json& document, std::string_view name) {
  for (const Json& fact : document["facts"].elements()) {
    if (fact["name"].text() == name) return std::string{fact["value"].text()};
  }
  return "none";
}

Property several_writers() {
  return make_property("Suite.Test", [](World& w, const std::vector<std::uint32_t>& amounts) {
    const Ref<Adder> adder = add_all(w, amounts);
    w.run();
    EXPECT_LT(w.peek(adder).sum, 50U);
  });
}

TEST(ReportHtml, begins_with_what_went_wrong_and_how_to_make_it_again) {
  const Json document = document_of(failure_of(make_property("Suite.Test", story::invariant)));
  EXPECT_EQ(document["format"].text(), "orrery-report");
  EXPECT_EQ(document["version"].number(), testkit::report_version);
  EXPECT_EQ(document["verdict"]["headline"].text(), "INVARIANT VIOLATED");
  EXPECT_EQ(document["verdict"]["name"].text(), "balance never negative");
  EXPECT_EQ(document["command"].text(), reproduction.command);
  EXPECT_EQ(fact_of(document, "test"), "Suite.Test");
  EXPECT_EQ(fact_of(document, "token"), reproduction.token);
  EXPECT_EQ(fact_of(document, "strategy"), "portfolio");
  EXPECT_EQ(fact_of(document, "faults"), "local");
  ASSERT_EQ(document["properties"].elements().size(), 1U);
  EXPECT_EQ(document["properties"].elements()[0]["said"].text(), "violated after step 5");
}

TEST(ReportHtml, holds_every_stage_of_shrinking_and_shows_the_smallest) {
  const Failure failure = failure_of(several_writers());
  const Json document = document_of(failure);
  const auto& runs = document["runs"].elements();
  const auto& stages = document["stages"].elements();
  ASSERT_GE(stages.size(), 3U);
  ASSERT_EQ(stages.size(), failure.history.size());
  const auto& shown = runs.at(document["shown"].number());
  EXPECT_EQ(shown["events"].elements().size(), failure.outcome.events.size());
  EXPECT_EQ(stages.back()["run"].number(), document["shown"].number());
  EXPECT_EQ(runs.at(stages.front()["run"].number())["input"].text(), failure.original_input);
  EXPECT_EQ(runs.at(stages.front()["run"].number())["events"].elements().size(),
            failure.history.front().outcome.events.size());
}

TEST(ReportHtml, compares_with_the_nearest_passing_run) {
  Failure failure = failure_of(several_writers());
  EXPECT_TRUE(std::holds_alternative<std::nullptr_t>(document_of(failure)["compare"].value));
  failure.explanation.nearest_passing = failure.history.front().outcome;
  failure.explanation.nearest_words = "step 1 happens before step 2";
  failure.explanation.flips.push_back({.steps = {}, .words = "step 1 happens before step 2", .finding = {}});
  const Json document = document_of(failure);
  const Json& compare = document["compare"];
  EXPECT_EQ(compare["left"].number(), document["shown"].number());
  const auto& other = document["runs"].elements().at(compare["right"].number());
  EXPECT_EQ(other["events"].elements().size(), failure.history.front().outcome.events.size());
  EXPECT_TRUE(compare["note"].text().contains("step 1 happens before step 2")) << compare["note"].text();
  EXPECT_EQ(document["flips"].elements().at(0)["said"].text(), "passes: it matters");
}

TEST(ReportHtml, of_two_executions_that_differ_compares_them) {
  Failure failure = failure_of(several_writers());
  failure.finding.kind = sim::FindingKind::non_determinism;
  failure.other = failure.outcome;
  const Json document = document_of(failure);
  EXPECT_EQ(document["runs"].elements().at(document["compare"]["right"].number())["title"].text(),
            "the other execution");
}

TEST(ReportHtml, an_event_tells_when_its_message_was_sent_and_who_could_have_gone_first) {
  const Failure failure = failure_of(make_property("Suite.Test", last_writer_is_two));
  bool has_rivals = false;
  std::map<std::string, std::uint64_t> sent;
  for (const sim::Event& event : failure.outcome.events) {
    if (event.kind != sim::EventKind::take) continue;
    ASSERT_TRUE(event.sent) << event.message;
    EXPECT_LT(event.sent->step, event.step);
    EXPECT_LE(event.sent->at, event.at);
    sent[event.from + event.message] = event.sent->step;
    has_rivals = has_rivals || std::ranges::count(event.rivals, event.from == "one" ? "two" : "one") == 1;
    EXPECT_EQ(event.rivals.empty(), event.rivals_count == 0);
  }
  EXPECT_TRUE(has_rivals);
  EXPECT_EQ(sent.at("testGo{}"), 0U);
  EXPECT_GT(sent.at("twoWrote{who=2}"), 0U);
}

// ---- text, and nothing else ----

const std::string evil =
    "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\"'&\\\n\x01\xff\xe2\x80\xa8";

TEST(ReportHtml, nothing_that_a_name_or_a_message_says_ends_the_script_that_holds_it) {
  Failure failure = failure_of(several_writers());
  failure.finding.name = failure.finding.detail = failure.input = failure.record.test = evil;
  failure.outcome.attachments.emplace_back(evil, evil);
  for (sim::Event& event : failure.outcome.events) {
    event.from = event.to = event.message = event.reply = event.file = evil;
    event.rivals = {evil};
    event.rivals_count = 1;
    event.before = event.after = {{evil, evil}};
    event.line = 1;
  }
  const std::string page = report_page(report_json(failure, reproduction));
  const std::string empty = report_page("{}");
  const auto count = [](std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count(page, "<"), count(empty, "<"));
  const auto json = json_of_page(page);
  ASSERT_TRUE(json) << json.error();
  EXPECT_EQ((*parse_json(*json))["verdict"]["name"].text(),
            "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\"'&\\\n\x01\xef\xbf\xbd\xe2\x80\xa8");
}

TEST(ReportHtml, lines_that_are_no_json_are_left_out_and_counted) {
  const auto report = report_json_of_trace(
      "starting\n{\"step\":1,\"kind\":\"take\",\"from\":\"a\",\"to\":\"b\",\"message\":\"M\",\"shoe_size\":[43,{\"eu\":"
      "true}]}\n"
      "[1]\n\n{\"step\":2\n{\"ts\":\"2026-01-02T03:04:05Z\",\"actor\":\"b\",\"msg\":\"done\"}\r\n",
      {.title = "production.jsonl", .headline = {}, .name = {}, .detail = {}, .command = {}, .facts = {}});
  EXPECT_EQ(report.events, 2U);
  EXPECT_EQ(report.left_out, 3U);
  const auto document = parse_json(report.json);
  ASSERT_TRUE(document) << document.error();
  const auto& events = (*document)["runs"].elements().at(0)["events"].elements();
  EXPECT_EQ(to_text(events.at(0)["shoe_size"]), "[43,{\"eu\":true}]");
  EXPECT_EQ(events.at(1)["actor"].text(), "b");
  EXPECT_EQ(fact_of(*document, "left out"), "3 lines that are no JSON objects");
  EXPECT_TRUE(std::holds_alternative<std::nullptr_t>((*document)["verdict"].value));
}

TEST(ReportHtml, the_finding_in_a_trace_becomes_the_verdict) {
  const auto report =
      report_json_of_trace("{\"step\":1}\n{\"step\":2,\"finding\":\"never negative\"}\n{\"step\":3}", {});
  EXPECT_EQ((*parse_json(report.json))["verdict"]["name"].text(), "never negative");
}

TEST(ReportHtml, numbers_that_json_does_not_know_become_texts) {
  for (const char* good : {"0", "-0", "12", "1.5", "-2e10", "0.5E-3", "18446744073709551615"}) {
    EXPECT_EQ(to_text(Json{Json::Number{good}}), good);
  }
  for (const char* bad : {"", "01", "1.", ".5", "+1", "1e", "--1", "1.2.3", "-"}) {
    EXPECT_EQ(to_text(Json{Json::Number{bad}}), testkit::json_text(bad));
  }
}

TEST(ReportHtml, a_page_gives_back_the_document_that_it_was_made_from) {
  const std::string json = report_json(failure_of(several_writers()), reproduction);
  EXPECT_EQ(*json_of_page(report_page(json)), to_text(*parse_json(json)));
  EXPECT_EQ(report_page(*json_of_page(report_page(json))), report_page(to_text(*parse_json(json))));
  EXPECT_FALSE(json_of_page("<html></html>"));
  EXPECT_FALSE(json_of_page(report_page("{\"format\":\"something else\"}")));
  EXPECT_FALSE(json_of_page(report_page("{")));
}

TEST(ReportHtml, a_page_asks_for_nothing) {
  const std::string page = report_page("{}");
  for (const std::string_view word : {"src=", "@import", "fetch(", "XMLHttpRequest", "WebSocket", "innerHTML",
                                      "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"}) {
    std::size_t found = 0;
    for (std::size_t at = page.find(word); at != std::string::npos; at = page.find(word, at + 1)) ++found;
    EXPECT_EQ(found, word == "http:" ? 1U : 0U) << word;  // the name of SVG
  }
  EXPECT_TRUE(page.contains("default-src 'none'"));
}

// ---- histories ----

void stale_read(testkit::History<Cell::Input, int>& history) {
  history.invoke(1, {"x", 1});
  history.ok(1, 1);
  history.invoke(3, {"y", 7});
  history.invoke(2, {"x", {}});
  history.ok(2, 0);
}

TEST(ReportHtml, a_history_is_drawn_from_its_operations_its_legal_prefix_and_the_first_illegal_one) {
  testkit::History<Cell::Input, int> history;
  stale_read(history);
  const auto verdict = check_linearizable(Cell{}, history);
  ASSERT_TRUE(verdict.violation);
  const auto json = parse_json(testkit::history_json<Cell>("store", Cell{}, history.operations(), verdict));
  ASSERT_TRUE(json) << json.error();
  EXPECT_EQ((*json)["first_illegal"].number(), 2U);
  EXPECT_EQ((*json)["violated_key"].text(), "\"x\"");
  const auto& operations = (*json)["operations"].elements();
  ASSERT_EQ(operations.size(), 3U);
  EXPECT_EQ(operations[0]["ending"].text(), "ok");
  EXPECT_EQ(operations[1]["ending"].text(), "unknown");
  EXPECT_TRUE(std::holds_alternative<std::nullptr_t>(operations[1]["returned"].value));
  EXPECT_EQ(operations[2]["invoked"].number(), 3U);
  const auto& prefix = (*json)["prefix"].elements();
  ASSERT_EQ(prefix.size(), 1U);
  EXPECT_EQ(prefix[0]["op"].number(), 0U);
  EXPECT_EQ(prefix[0]["state"].text(), "Cell{value=1}");
}

TEST(ReportHtml, what_a_run_attaches_stands_in_its_report) {
  const Failure failure = failure_of(make_property("Suite.Test", [](World& w) {
    w.run();
    testkit::History<Cell::Input, int> history;
    stale_read(history);
    const auto verdict = check_linearizable(Cell{}, history);
    testkit::attach_history<Cell>("store", Cell{}, history.operations(), verdict);
    testkit::attach_to_run("notes", "first");
    testkit::attach_to_run("notes", "last");
    EXPECT_TRUE(verdict.ok());
  }));
  const Json document = document_of(failure);
  ASSERT_EQ(document["histories"].elements().size(), 1U);
  EXPECT_EQ(document["histories"].elements()[0]["name"].text(), "store");
  const auto& texts = document["texts"].elements();
  ASSERT_FALSE(texts.empty());
  EXPECT_EQ(texts.back()["title"].text(), "notes");
  EXPECT_EQ(texts.back()["text"].text(), "last");
}

}  // namespace
}  // namespace orrery::testing
