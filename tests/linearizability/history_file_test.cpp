// Goal:   a history file is read as it is meant, or refused with the line and the reason; no bytes crash the reader.
#include "orrery/testkit/history_file.hpp"
#include "orrery/core/describe.hpp"
#include "orrery/core/entropy.hpp"
#include "orrery/testkit/history_models.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace orrery::testkit {
namespace {

std::string text_of(const std::string& name) {
  std::ifstream stream{"tests/histories/" + name, std::ios::binary};
  EXPECT_TRUE(stream.is_open()) << name;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

const std::vector<std::string> samples{"register_ok.edn", "register_stale.edn", "kv_lost_append.edn",
                                       "queue_ok.edn",    "set_read_twice.edn", "mutex_held_twice.edn",
                                       "register_ok.log"};

/// "line: reason", or "ok", "violated", "unknown".
std::string verdict_of(std::string_view text, const HistoryModel& model) {
  const auto file = parse_history(text);
  if (!file) return std::to_string(file.error().line) + ": " + file.error().reason;
  const auto checked = check_history(*file, model, {});
  if (!checked) return std::to_string(checked.error().line) + ": " + checked.error().reason;
  return std::string{to_string(checked->verdict.verdict)};
}

std::string edn_of(std::string_view text) {
  const auto values = parse_edn(text);
  if (!values) return std::to_string(values.error().line) + ": " + values.error().reason;
  std::string all;
  for (const EdnValue& value : *values) all += (all.empty() ? "" : " ") + describe(value);
  return all;
}

TEST(Edn, reads_what_histories_hold) {
  EXPECT_EQ(edn_of("nil -3 +4 5N :key/word \"a\\n\\\"b\\\\\" [1, [2]] (3) #{4} {:a 1}"),
            "nil -3 4 5 :key/word \"a\\n\\\"b\\\\\" [1 [2]] [3] [4] {:a 1}");
  EXPECT_EQ(edn_of("; a comment\n1 #_ 2 #_ {:x #_ 3 4} 5 ; and another"), "1 5");
  EXPECT_EQ(edn_of("#inst \"1985\" #jepsen.history.Op{:a 1} ^:dynamic x ##Inf true 1.5 \\( \\newline"),
            "\"1985\" {:a 1} x ##Inf true 1.5 \\( \\newline");
  EXPECT_EQ(edn_of("\"\\u00e9\\ud83d\\ude00\""), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
  EXPECT_EQ(edn_of("9223372036854775807 9223372036854775808"), "9223372036854775807 9223372036854775808");
  EXPECT_EQ(edn_of(""), "");
  EXPECT_EQ(parse_edn("\n\n[1\n2]")->front().items[1].line, 4U);
}
TEST(Edn, says_what_is_wrong_and_where) {
  EXPECT_EQ(edn_of("1\n[2\n3"), "2: '[' is never closed");
  EXPECT_EQ(edn_of("\n}"), "2: '}' closes nothing");
  EXPECT_EQ(edn_of("(1]"), "1: ']' closes nothing");
  EXPECT_EQ(edn_of("{:a}"), "1: a map has a key without a value");
  EXPECT_EQ(edn_of("\n\"a\nb"), "2: a text has no closing quote");
  EXPECT_EQ(edn_of("\"\\q\""), "1: a text has an escape that EDN does not know");
  EXPECT_EQ(edn_of("\"\\ud800\""), "1: a text has an escape that EDN does not know");
  EXPECT_EQ(edn_of(std::string(1'000, '[')), "1: more than 200 levels of brackets");
  EXPECT_EQ(edn_of("#_"), "1: the text ends where what '#_' discards is expected");
  EXPECT_EQ(edn_of("#"), "1: the text ends after '#'");
  EXPECT_EQ(edn_of(std::string("1 \0", 3)), "1: the byte 0x00 stands outside of a text");
  EXPECT_EQ(edn_of(":"), "1: ':' has no name");
}

TEST(HistoryFile, samples_have_their_verdicts) {
  EXPECT_EQ(verdict_of(text_of("register_ok.edn"), {"cas-register"}), "ok");
  EXPECT_EQ(verdict_of(text_of("register_ok.log"), {"register"}), "ok");
  EXPECT_EQ(verdict_of(text_of("register_stale.edn"), {"register"}), "violated");
  EXPECT_EQ(verdict_of(text_of("kv_lost_append.edn"), {"kv"}), "violated");
  EXPECT_EQ(verdict_of(text_of("queue_ok.edn"), {"queue"}), "ok");
  EXPECT_EQ(verdict_of(text_of("set_read_twice.edn"), {"set"}), "violated");
  EXPECT_EQ(verdict_of(text_of("mutex_held_twice.edn"), {"mutex"}), "violated");
}

TEST(Edn, has_three_symbolic_values) {
  for (const char* const text : {"##Inf", "##-Inf", "##NaN"}) {
    const auto values = parse_edn(text);
    ASSERT_TRUE(values) << text;
    EXPECT_EQ(orrery_describe(values->front()), text);
  }
  for (const char* const text : {"##", "## Inf", "##inf", "##nil", "##1", "###Inf", "##:a"}) {
    EXPECT_FALSE(parse_edn(text)) << text;
  }
}

TEST(HistoryFile, refuses_what_makes_no_history) {
  const auto says = [](std::string_view text) { return verdict_of(text, {"register"}); };
  const std::string read = "{:process 0, :type :invoke, :f :read}\n";
  EXPECT_EQ(says("{:type :invoke, :f :read}"), "1: the event has no :process");
  EXPECT_EQ(says("{:process 0, :f :read}"), "1: the event has no :type");
  EXPECT_EQ(says("{:process 0, :type :invoke}"), "1: the event has no :f");
  EXPECT_EQ(says("{:process 0, :type :invoke, :f \"read\"}"), "1: :f is no keyword");
  EXPECT_EQ(says("{:process \"a\", :type :invoke, :f :read}"), "1: :process is neither a number nor a keyword");
  EXPECT_EQ(says("{:process 0, :type :begin, :f :read}"), "1: :begin is no :type (:invoke, :ok, :fail, :info)");
  EXPECT_EQ(says("{:process 0, :process 1, :type :invoke, :f :read}"), "1: the event has two :process");
  EXPECT_EQ(says(read + "\n{:process 0, :type :invoke, :f :read}"),
            "3: process 0 invokes :read while its operation of line 1 is open");
  EXPECT_EQ(says("\n{:process 0, :type :ok, :f :read}"), "2: process 0 completes :read and has nothing open");
  EXPECT_EQ(says("{:process 0, :type :info, :f :read}"), "1: process 0 completes :read and has nothing open");
  EXPECT_EQ(says(read + "{:process 0, :type :ok, :f :write}"),
            "2: process 0 completes :write, but invoked :read in line 1");
  EXPECT_EQ(says("[1]"), "1: an event is a map, {:process 0, :type :invoke, ...}");
  EXPECT_EQ(says("{:process 0, :type :invoke, :f :push}"), "1: the model has no :push (:read, :write, :cas)");
  EXPECT_EQ(says("{:process 0, :type :invoke, :f :cas, :value [1]}"), "1: the value of :cas is [old new]");
  EXPECT_EQ(says("{:process 0, :type :invoke, :f :write, :value [1 2.5]}"),
            "1: 2.5 is no nil, integer, text, keyword or vector of them");
  EXPECT_EQ(verdict_of("{:process 0, :type :invoke, :f :get}", {"kv"}),
            "1: the event has no :key that is a text, a keyword or an integer");
  EXPECT_EQ(verdict_of("{:process 0, :type :invoke, :f :get, :key 3}\n{:process 1, :type :invoke, :f :get, :key \"3\"}",
                       {"kv"}),
            "2: the key \"3\" is also written in another way");
  EXPECT_EQ(verdict_of("{:process 0, :type :invoke, :f :put, :key \"x\", :value 3}", {"kv"}),
            "1: the value of :put is a text, not 3");
  EXPECT_EQ(verdict_of("x\nINFO  jepsen.util - 0\t:invoke\t:read\n", {"register"}),
            "2: an event is process, type, function and value, separated by tabs");
  EXPECT_EQ(verdict_of("INFO  jepsen.util - 0\t:invoke\t:read\tnil nil\n", {"register"}),
            "1: one value is expected between the tabs, not 2");
}

TEST(HistoryFile, takes_nil_as_it_is_told) {
  const std::string text =
      "{:process 0, :type :invoke, :f :write, :value 1} {:process 0, :type :ok, :f :write}"
      "{:process 0, :type :invoke, :f :read} {:process 0, :type :ok, :f :read, :value nil}";
  EXPECT_EQ(verdict_of(text, {"register"}), "violated");
  EXPECT_EQ(verdict_of(text, {.name = "register", .nil_is_unknown = true}), "ok");
  const std::string log =
      "jepsen.util - 0\t:invoke\t:write\t1\njepsen.util - 0\t:ok\t:write\t1\n"
      "jepsen.util - 0\t:invoke\t:read\tnil\r\njepsen.util - 0\t:ok\t:read\tnil\r\n";
  EXPECT_EQ(verdict_of(log, {.name = "register", .nil_is_unknown = true}), "violated");
  EdnValue seven;
  seven.kind = EdnValue::Kind::integer;
  seven.integer = 7;
  const std::string read = "{:process 0, :type :invoke, :f :read} {:process 0, :type :ok, :f :read, :value 7}";
  EXPECT_EQ(verdict_of(read, {"register"}), "violated");
  EXPECT_EQ(verdict_of(read, {.name = "register", .initial = seven}), "ok");
}

TEST(HistoryFile, an_invocation_without_completion_is_of_unknown_end) {
  const std::string text =
      "{:process 0, :type :invoke, :f :write, :value 1}"
      "{:process 1, :type :invoke, :f :read} {:process 1, :type :ok, :f :read, :value 1}";
  EXPECT_EQ(verdict_of(text, {"register"}), "ok");
}

/// Changes that leave something of the form: bytes are replaced, taken out, put in twice, and the end is cut off.
std::string mutated(std::string text, Entropy& entropy) {
  constexpr std::string_view pieces = "{}[]()\"\\#:;_^ \n\t0a9-nil:ok:invoke";
  for (std::uint64_t i = entropy.below(4) + 1; i != 0 && !text.empty(); --i) {
    const std::size_t at = entropy.below(text.size());
    const std::size_t length = 1 + entropy.below(12);
    switch (entropy.below(5)) {
      case 0:
        text[at] = pieces[entropy.below(pieces.size())];
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(entropy.below(text.size()), length * 4));
        break;
      case 3:
        text[at] = static_cast<char>(entropy.below(256));
        break;
      default:
        if (entropy.below(4) == 0) text.resize(at);
    }
  }
  return text;
}

TEST(HistoryFile, no_bytes_crash_the_reader_and_every_error_has_a_line) {
  std::vector<std::string> texts;
  for (const std::string& name : samples) texts.push_back(text_of(name));
  std::size_t refused = 0;
  std::size_t checked = 0;
  for (std::uint64_t run = 0; run < 20'000; ++run) {
    Entropy entropy{run, hash_text("bytes")};
    std::string text;
    if (run % 4 == 0) {
      for (std::uint64_t i = entropy.below(60); i != 0; --i) text += static_cast<char>(entropy.below(256));
    } else {
      text = mutated(texts[entropy.below(texts.size())], entropy);
    }
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    const auto file = parse_history(text);
    if (!file) {
      ASSERT_GE(file.error().line, 1U) << text;
      ASSERT_LE(file.error().line, lines) << text;
      ASSERT_FALSE(file.error().reason.empty());
      ++refused;
      continue;
    }
    const auto names = history_model_names();
    const auto verdict = check_history(*file, {std::string{names[entropy.below(names.size())]}}, {.steps_max = 10'000});
    if (verdict) {
      ++checked;
    } else {
      ASSERT_GE(verdict.error().line, 1U) << text;
      ASSERT_LE(verdict.error().line, lines) << text;
    }
  }
  EXPECT_GT(refused, 5'000U);
  EXPECT_GT(checked, 300U);
}

}  // namespace
}  // namespace orrery::testkit
