// Goal:   the drawings of a run, word for word for a little one; that they are well-formed whatever a name says; and that the
//         clocks for ShiViz say of any two events what the messages between them say.
#include "orrery/testkit/trace_drawing.hpp"

#include "orrery/testkit/report.hpp"
#include "tests/testkit/story_programs.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <sstream>

namespace orrery::testing {
namespace {

using testkit::Drawing;
using testkit::make_drawing;
using testkit::TraceEvent;

/// A teller asks alice, time passes, something fails, and the teller goes on with her reply.
std::vector<TraceEvent> little_run() {
  const auto event = [](std::uint64_t step, std::uint64_t nanoseconds, std::string kind, std::string from,
                        std::string to, std::string message) {
    TraceEvent made;
    made.step = step;
    made.nanoseconds = nanoseconds;
    made.kind = std::move(kind);
    made.from = std::move(from);
    made.to = std::move(to);
    made.message = std::move(message);
    return made;
  };
  std::vector<TraceEvent> events{event(0, 0, "spawn", "test", "alice", ""),
                                 event(0, 0, "spawn", "test", "teller#0", ""),
                                 event(1, 0, "take", "test", "teller#0", "Transfer{amount=5}"),
                                 event(2, 0, "take", "teller#0", "alice", "Withdraw{amount=5}"),
                                 event(2, 0, "stall", "clock", "", "3ms passes while work waits"),
                                 event(2, 3'000'000, "fire", "clock", "alice", "timer (after)"),
                                 event(2, 3'000'000, "fault", "alice", "alice", "fails"),
                                 event(3, 3'000'000, "resume", "teller#0", "teller#0", "")};
  events[3].reply = "95";
  events[3].file = "bank.hpp";
  events[3].line = 20;
  events[7].finding = "money is conserved";
  return events;
}

TEST(TraceDrawing, as_mermaid_is_a_sequence_with_dashed_replies_and_a_marked_step) {
  EXPECT_EQ(testkit::draw_mermaid(make_drawing(little_run())), R"(sequenceDiagram
  participant p0 as test
  participant p1 as alice
  participant p2 as teller#35;0
  participant p3 as clock
  p0->>p2: 1 Transfer{amount=5}
  p2->>p1: 2 Withdraw{amount=5}
  Note over p3: 3ms passes while work waits
  p3-)p1: timer (after)
  Note over p1: fails
  rect rgb(255, 214, 214)
  p1-->>p2: 95
  Note over p2: X step 3#58; money is conserved
  end
)");
}

TEST(TraceDrawing, for_shiviz_has_a_clock_for_each_event) {
  EXPECT_EQ(testkit::draw_shiviz(make_drawing(little_run())), R"(test {"test":1}
spawn alice
alice {"test":1,"alice":1}
0 begins
test {"test":2}
spawn teller#0
teller#0 {"test":2,"teller#0":1}
0 begins
test {"test":3}
tells teller#0: Transfer{amount=5}
teller#0 {"test":3,"teller#0":2}
1 Transfer{amount=5}
teller#0 {"test":3,"teller#0":3}
tells alice: Withdraw{amount=5}
alice {"test":3,"alice":2,"teller#0":3}
2 Withdraw{amount=5} = 95
clock {"clock":1}
2 3ms passes while work waits
clock {"clock":2}
fire alice: timer (after)
alice {"test":3,"alice":3,"teller#0":3,"clock":2}
2 timer (after)
alice {"test":3,"alice":4,"teller#0":3,"clock":2}
2 fails
alice {"test":3,"alice":5,"teller#0":3,"clock":2}
replies 95 to teller#0
teller#0 {"test":3,"alice":5,"teller#0":4,"clock":2}
X money is conserved: 3 Transfer goes on
)");
}

TEST(TraceDrawing, for_perfetto_has_a_slice_for_each_handler_and_a_flow_for_each_message) {
  EXPECT_EQ(
      testkit::draw_perfetto(make_drawing(little_run())),
      R"json({"displayTimeUnit":"ns","otherData":{"clock":"virtual; events of one instant follow each other a microsecond apart","events_left_out":0},"traceEvents":[
{"ph":"M","pid":1,"tid":1,"name":"process_name","args":{"name":"orrery, virtual time"}},
{"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"test"}},
{"ph":"M","pid":1,"tid":1,"name":"thread_sort_index","args":{"sort_index":0}},
{"ph":"M","pid":1,"tid":2,"name":"thread_name","args":{"name":"alice"}},
{"ph":"M","pid":1,"tid":2,"name":"thread_sort_index","args":{"sort_index":1}},
{"ph":"M","pid":1,"tid":3,"name":"thread_name","args":{"name":"teller#0"}},
{"ph":"M","pid":1,"tid":3,"name":"thread_sort_index","args":{"sort_index":2}},
{"ph":"M","pid":1,"tid":4,"name":"thread_name","args":{"name":"clock"}},
{"ph":"M","pid":1,"tid":4,"name":"thread_sort_index","args":{"sort_index":3}},
{"ph":"i","pid":1,"tid":2,"name":"begins","cat":"spawn","ts":1,"s":"t","args":{"step":0,"t_ns":0,"kind":"spawn","from":"test","to":"alice"}},
{"ph":"i","pid":1,"tid":3,"name":"begins","cat":"spawn","ts":2,"s":"t","args":{"step":0,"t_ns":0,"kind":"spawn","from":"test","to":"teller#0"}},
{"ph":"X","pid":1,"tid":1,"name":"tells Transfer","cat":"handler","ts":3,"dur":1,"args":{}},
{"ph":"X","pid":1,"tid":3,"name":"Transfer","cat":"handler","ts":3,"dur":1,"args":{"step":1,"t_ns":0,"kind":"take","from":"test","to":"teller#0","message":"Transfer{amount=5}"}},
{"ph":"s","pid":1,"tid":1,"name":"Transfer","cat":"message","id":1,"ts":3},
{"ph":"f","pid":1,"tid":3,"name":"Transfer","cat":"message","id":1,"ts":3,"bp":"e"},
{"ph":"X","pid":1,"tid":2,"name":"Withdraw","cat":"handler","ts":4,"dur":1,"args":{"step":2,"t_ns":0,"kind":"take","from":"teller#0","to":"alice","message":"Withdraw{amount=5}","reply":"95","where":"bank.hpp:20"}},
{"ph":"s","pid":1,"tid":3,"name":"Withdraw","cat":"message","id":2,"ts":3},
{"ph":"f","pid":1,"tid":2,"name":"Withdraw","cat":"message","id":2,"ts":4,"bp":"e"},
{"ph":"i","pid":1,"tid":4,"name":"3ms passes while work waits","cat":"fault","ts":5,"s":"t","args":{"step":2,"t_ns":0,"kind":"stall","from":"clock","message":"3ms passes while work waits"}},
{"ph":"i","pid":1,"tid":2,"name":"timer (after)","cat":"fire","ts":3000,"s":"t","args":{"step":2,"t_ns":3000000,"kind":"fire","from":"clock","to":"alice","message":"timer (after)"}},
{"ph":"i","pid":1,"tid":2,"name":"fails","cat":"fault","ts":3001,"s":"t","args":{"step":2,"t_ns":3000000,"kind":"fault","from":"alice","to":"alice","message":"fails"}},
{"ph":"X","pid":1,"tid":3,"name":"Transfer goes on","cat":"handler","ts":3002,"dur":1,"args":{"step":3,"t_ns":3000000,"kind":"resume","from":"teller#0","to":"teller#0","finding":"money is conserved"},"cname":"terrible"},
{"ph":"s","pid":1,"tid":2,"name":"reply","cat":"message","id":3,"ts":4},
{"ph":"f","pid":1,"tid":3,"name":"reply","cat":"message","id":3,"ts":3002,"bp":"e"},
{"ph":"i","pid":1,"tid":3,"name":"X money is conserved","cat":"finding","ts":3002,"s":"g"}
]}
)json");
}

TEST(TraceDrawing, as_svg_has_a_lane_for_each_actor_and_the_failing_step_in_red) {
  std::vector<TraceEvent> events = little_run();
  events.erase(events.begin(), events.begin() + 3);
  events.erase(events.begin() + 1, events.begin() + 4);
  EXPECT_EQ(
      testkit::draw_svg(make_drawing(events)),
      R"svg(<svg xmlns="http://www.w3.org/2000/svg" width="660" height="194" viewBox="0 0 660 194" font-family="monospace" font-size="11" role="img">
<title>2 events</title>
<rect width="660" height="194" fill="#ffffff"/>
<g><title>teller#0</title><text x="210" y="44" text-anchor="middle" font-weight="bold">teller#0</text></g>
<line x1="210" y1="56" x2="210" y2="194" stroke="#bbbbbb"/>
<g><title>alice</title><text x="390" y="44" text-anchor="middle" font-weight="bold">alice</text></g>
<line x1="390" y1="56" x2="390" y2="194" stroke="#bbbbbb"/>
<g><title>Withdraw{amount=5} = 95   bank.hpp:20</title>
<line x1="210" y1="80" x2="376" y2="80" stroke="#222222"/>
<polygon points="384,80 376,76 376,84" fill="#222222"/>
<text x="300" y="76" text-anchor="middle" fill="#222222" stroke="#ffffff" stroke-width="3" paint-order="stroke">Withdraw{amount=5}</text>
<rect x="384" y="74" width="12" height="12" fill="#dde8f5" stroke="#222222"/>
<text x="110" y="84" text-anchor="end" fill="#222222">2</text>
</g>
<text x="8" y="102" fill="#666666">t=3ms</text>
<line x1="8" y1="106" x2="390" y2="106" stroke="#cccccc" stroke-dasharray="1 4"/>
<line x1="390" y1="122" x2="224" y2="122" stroke="#222222" stroke-dasharray="6 4"/>
<polygon points="216,122 224,118 224,126" fill="#222222"/>
<text x="300" y="118" text-anchor="middle" fill="#222222" stroke="#ffffff" stroke-width="3" paint-order="stroke">95</text>
<g><title>goes on</title>
<text x="220" y="142" text-anchor="start" fill="#c00000" stroke="#ffffff" stroke-width="3" paint-order="stroke">goes on</text>
<rect x="204" y="140" width="12" height="12" fill="#c00000" stroke="#c00000"/>
<text x="110" y="150" text-anchor="end" fill="#c00000">X 3</text>
</g>
<text x="220" y="166" text-anchor="start" fill="#c00000" stroke="#ffffff" stroke-width="3" paint-order="stroke">X money is conserved</text>
</svg>
)svg");
}

TEST(TraceDrawing, that_comes_too_late_is_no_reply_to_who_has_gone_on) {
  std::vector<TraceEvent> events = little_run();
  events.resize(4);
  TraceEvent resumed = little_run().back();
  resumed.finding.clear();
  events.push_back(resumed);
  TraceEvent late = events[3];
  late.kind = "late reply";
  late.from = "alice";
  late.to = "teller#0";
  late.message = "Withdraw";
  late.reply.clear();
  events.push_back(late);
  const Drawing drawing = make_drawing(events);
  EXPECT_TRUE(drawing.replies[4].empty());
  const std::string mermaid = testkit::draw_mermaid(drawing);
  EXPECT_EQ(mermaid.find("-->>"), std::string::npos) << mermaid;
  EXPECT_NE(mermaid.find("p1--xp2: late reply to Withdraw"), std::string::npos) << mermaid;
}

// ---- whatever a name says -----------------------------------------------------------------------------------------------

/// Returns: what is wrong with the XML, or nothing: tags are closed in order, and what is special stands only where it may.
std::string fault_in_xml(std::string_view text) {
  std::vector<std::string_view> open;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 && byte != '\n') return fmt::format("byte {:#x} at {}", byte, at);
    if (text[at] == '&') {
      const std::string_view rest = text.substr(at);
      const bool is_known = rest.starts_with("&amp;") || rest.starts_with("&lt;") || rest.starts_with("&gt;") ||
                            rest.starts_with("&quot;") || rest.starts_with("&#39;");
      if (!is_known) return fmt::format("& at {}", at);
    }
    if (text[at] == '>') return fmt::format("> at {}", at);
    if (text[at] != '<') continue;
    const std::size_t begin = at + 1;
    for (bool is_quoted = false; at < text.size() && (is_quoted || text[at] != '>'); ++at) {
      if (text[at] == '"') is_quoted = !is_quoted;
    }
    const std::string_view tag = text.substr(begin, at - begin);
    const std::string_view name = tag.substr(0, tag.find_first_of(" /"));
    if (tag.starts_with("/")) {
      if (open.empty() || open.back() != tag.substr(1)) return fmt::format("</{}> at {}", tag.substr(1), begin);
      open.pop_back();
    } else if (!tag.ends_with("/")) {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : fmt::format("<{}> is not closed", open.back());
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

const std::string hostile = "e;#</title><b x=\"'&%\\\n\r\tend p0->>p1: {\"\xff\xe2\x80\xa8]]>";

std::vector<TraceEvent> hostile_run() {
  std::vector<TraceEvent> events = little_run();
  for (TraceEvent& event : events) {
    for (std::string* text : {&event.from, &event.to, &event.message, &event.reply, &event.file, &event.finding}) {
      if (!text->empty()) *text += hostile;
    }
  }
  return events;
}

TEST(TraceDrawing, of_hostile_names_is_well_formed_svg) {
  EXPECT_EQ(fault_in_xml(testkit::draw_svg(make_drawing(hostile_run()))), "");
  EXPECT_EQ(fault_in_xml(testkit::draw_svg(make_drawing({}))), "");
  EXPECT_NE(fault_in_xml("<a><b></a></b>"), "");
  EXPECT_NE(fault_in_xml("<a>&b</a>"), "");
}

TEST(TraceDrawing, of_hostile_names_is_json_that_holds_them) {
  const auto json = testkit::parse_json(testkit::draw_perfetto(make_drawing(hostile_run())));
  ASSERT_TRUE(json.has_value()) << json.error();
  const auto& events = (*json)["traceEvents"].elements();
  ASSERT_GT(events.size(), 2U);
  std::string expected = "test" + hostile;
  expected.replace(expected.find('\xff'), 1, "\xef\xbf\xbd");
  EXPECT_EQ(events[1]["args"]["name"].text(), expected);
}

TEST(TraceDrawing, of_hostile_names_has_no_line_and_no_word_too_many_in_mermaid) {
  const std::vector<std::string> tame = lines_of(testkit::draw_mermaid(make_drawing(little_run())));
  const std::vector<std::string> lines = lines_of(testkit::draw_mermaid(make_drawing(hostile_run())));
  ASSERT_EQ(lines.size(), tame.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // A line is what the tame one is up to where the text begins, and then entities for all that is special.
    const std::size_t head = std::min(tame[i].find(':'), tame[i].find(" as ")) + 1;
    if (head == 0) {
      EXPECT_EQ(lines[i], tame[i]);
      continue;
    }
    EXPECT_EQ(lines[i].substr(0, head), tame[i].substr(0, head));
    std::string text = lines[i].substr(head);
    for (std::size_t at = text.find('#'); at != std::string::npos; at = text.find('#', at)) {
      const std::size_t end = text.find_first_not_of("0123456789", at + 1);
      ASSERT_TRUE(end != std::string::npos && end > at + 1 && text[end] == ';') << lines[i];
      text.replace(at, end + 1 - at, "_");
    }
    EXPECT_EQ(text.find_first_of(";#<>%:\"\\&\r\t"), std::string::npos) << lines[i];
    EXPECT_EQ(text.find(" end "), std::string::npos) << lines[i];
  }
}

// ---- clocks -------------------------------------------------------------------------------------------------------------

struct LogLine {
  std::string host;
  std::map<std::string, std::uint64_t> clock;
};

/// Reads as ShiViz does, with testkit::shiviz_pattern: a host without space, a clock in braces, and a line of text.
std::vector<LogLine> read_shiviz(const std::string& text) {
  std::vector<LogLine> log;
  const std::vector<std::string> lines = lines_of(text);
  EXPECT_EQ(lines.size() % 2, 0U);
  for (std::size_t i = 0; i + 1 < lines.size(); i += 2) {
    const std::size_t space = lines[i].find(' ');
    LogLine line{.host = lines[i].substr(0, space), .clock = {}};
    EXPECT_EQ(line.host.find_first_of(" \t"), std::string::npos);
    const auto json = testkit::parse_json(lines[i].substr(space + 1));
    EXPECT_TRUE(json.has_value()) << lines[i];
    if (!json) continue;
    for (const auto& [host, count] : std::get<testkit::Json::Object>(json->value)) line.clock[host] = count.number();
    log.push_back(std::move(line));
  }
  return log;
}

bool is_before(const LogLine& a, const LogLine& b) {
  const auto in_b = [&](const std::string& host) { return b.clock.contains(host) ? b.clock.at(host) : 0; };
  return a.clock != b.clock &&
         std::ranges::all_of(a.clock, [&](const auto& entry) { return entry.second <= in_b(entry.first); });
}

/// Any run, as far as the kinds of events go: who asks has a reply when it goes on next.
std::vector<TraceEvent> any_run(std::uint32_t seed) {
  std::minstd_rand draw{seed};
  const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(draw() % bound); };
  std::vector<TraceEvent> events;
  for (std::uint64_t step = 1; step <= 60; ++step) {
    TraceEvent event;
    event.step = step;
    event.from = fmt::format("actor {}", below(5));
    event.to = fmt::format("actor {}", below(5));
    event.message = "M{}";
    constexpr std::array kinds{"take", "take", "take", "resume", "fire", "spawn", "fault", "refuse", "signal"};
    event.kind = kinds.at(below(kinds.size()));
    if (event.kind == "resume" || event.kind == "fault") event.to = event.from;
    if (event.kind == "take" && below(2) == 0) event.reply = "1";
    events.push_back(std::move(event));
  }
  return events;
}

/// Who is before whom in the log by its hosts and by the messages of the run, worked out without clocks.
std::vector<std::vector<bool>> order_of(const std::vector<TraceEvent>& events, const std::vector<LogLine>& log) {
  std::vector<std::vector<bool>> before(log.size(), std::vector<bool>(log.size()));
  for (std::size_t a = 0; a < log.size(); ++a) {
    for (std::size_t b = a + 1; b < log.size(); ++b) before[a][b] = log[a].host == log[b].host;
  }
  std::map<std::string, std::size_t> replies_under_way;  // to whom, not from themselves
  std::size_t at = 0;
  for (const TraceEvent& event : events) {
    std::size_t senders = 0;
    if (event.kind == "resume") {
      senders = replies_under_way[event.from];
      replies_under_way[event.from] = 0;
    } else if (event.kind != "fault" && event.kind != "refuse" && event.from != event.to) {
      senders = 1;
      if (event.kind == "take" && !event.reply.empty()) ++replies_under_way[event.from];
    }
    if (at + senders >= log.size()) return {};
    for (std::size_t i = 0; i < senders; ++i) before[at + i][at + senders] = true;
    at += senders + 1;
  }
  if (at != log.size()) return {};
  for (std::size_t middle = 0; middle < log.size(); ++middle) {
    for (std::size_t a = 0; a < middle; ++a) {
      for (std::size_t b = middle + 1; b < log.size(); ++b) {
        if (before[a][middle] && before[middle][b]) before[a][b] = true;
      }
    }
  }
  return before;
}

TEST(TraceDrawing, for_shiviz_has_clocks_that_order_what_hosts_and_messages_order) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const std::vector<TraceEvent> events = any_run(seed);
    // A reply is under way until its asker goes on; the last ones never arrive, and need no line.
    const std::vector<LogLine> log = read_shiviz(testkit::draw_shiviz(make_drawing(events)));
    const std::vector<std::vector<bool>> before = order_of(events, log);
    ASSERT_EQ(before.size(), log.size()) << "seed " << seed << ": not a line for each end of each message";
    std::map<std::string, std::uint64_t> last;
    for (std::size_t b = 0; b < log.size(); ++b) {
      EXPECT_EQ(log[b].clock.at(log[b].host), ++last[log[b].host]) << "seed " << seed << ", line " << b;
      for (std::size_t a = 0; a < log.size(); ++a) {
        ASSERT_EQ(is_before(log[a], log[b]), static_cast<bool>(before[a][b]))
            << "seed " << seed << ": " << a << ", " << b;
      }
    }
  }
}

TEST(TraceDrawing, for_shiviz_keeps_hostile_names_apart_and_in_one_word) {
  std::vector<TraceEvent> events = hostile_run();
  events[0].to = "a b";
  events[1].to = "a%20b";
  const std::vector<LogLine> log = read_shiviz(testkit::draw_shiviz(make_drawing(events)));
  ASSERT_GT(log.size(), 3U);
  EXPECT_EQ(log.at(1).host, "a%20b");
  EXPECT_EQ(log.at(3).host, "a%2520b");
}

// ---- the run of a failure -------------------------------------------------------------------------------------------------

TEST(TraceDrawing, of_too_many_events_says_how_many_are_left_out) {
  std::vector<TraceEvent> events(testkit::events_drawn_max + 3, little_run()[2]);
  events.back().message = "Last{}";
  const Drawing drawing = make_drawing(events);
  EXPECT_EQ(drawing.events.size(), testkit::events_drawn_max);
  for (const std::string& text :
       {testkit::draw_mermaid(drawing), testkit::draw_svg(drawing), testkit::draw_shiviz(drawing)}) {
    EXPECT_NE(text.find("3 earlier events are left out"), std::string::npos);
    EXPECT_NE(text.find("Last"), std::string::npos);
  }
  EXPECT_NE(testkit::draw_perfetto(drawing).find("\"events_left_out\":3"), std::string::npos);
}

TEST(TraceDrawing, of_a_failure_is_the_same_from_its_file_and_marks_the_guilty_step) {
  const Failure failure = failure_of(make_property("Suite.Test", story::invariant));
  std::vector<TraceEvent> read;
  for (const std::string& line : lines_of(testkit::trace_lines(failure.outcome))) {
    const auto json = testkit::parse_json(line);
    ASSERT_TRUE(json.has_value());
    read.push_back(testkit::trace_event(*json));
  }
  const Drawing from_file = make_drawing(read);
  const Drawing drawing = make_drawing(testkit::trace_events(failure.outcome));
  const auto guilty = std::ranges::count_if(drawing.events, [](const TraceEvent& e) { return !e.finding.empty(); });
  EXPECT_EQ(guilty, 1);
  EXPECT_EQ(testkit::draw_mermaid(drawing), testkit::draw_mermaid(from_file));
  EXPECT_EQ(testkit::draw_perfetto(drawing), testkit::draw_perfetto(from_file));
  EXPECT_EQ(testkit::draw_shiviz(drawing), testkit::draw_shiviz(from_file));
  EXPECT_EQ(testkit::draw_svg(drawing), testkit::draw_svg(from_file));
  EXPECT_EQ(fault_in_xml(testkit::draw_svg(drawing)), "");
  const std::string markdown = testkit::summary_markdown(failure, "ORRERY_REPLAY=b7k2-9f3c ./program");
  EXPECT_NE(markdown.find("### Suite.Test\n\n    INVARIANT VIOLATED  \"balance never negative\"\n"), std::string::npos);
  EXPECT_NE(markdown.find("\n    REPRODUCE  ORRERY_REPLAY=b7k2-9f3c ./program\n"), std::string::npos);
  EXPECT_NE(markdown.find("\n```mermaid\nsequenceDiagram\n"), std::string::npos);
  EXPECT_NE(markdown.find("X step 5#58; balance never negative"), std::string::npos) << markdown;
}

}  // namespace
}  // namespace orrery::testing
