#include "orrery/broker/subject.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {
namespace {

using Reason = SubjectError::Reason;

std::string tokens(std::size_t count, std::string_view token = "a") {
  std::string text{token};
  for (std::size_t i = 1; i < count; ++i) text.append(".").append(token);
  return text;
}

struct Fault {
  std::string text;
  std::size_t position;
  Reason reason;
};

TEST(SubjectGrammar, takes_tokens_between_dots) {
  const std::string longest = std::string(127, 'x') + "." + std::string(127, 'y');
  for (const std::string& text : {std::string{"a"}, std::string{"orders.eu.created"}, std::string{"0._-.$SYS"},
                                  std::string{"caf\xc3\xa9.\xff"}, tokens(32), longest}) {
    EXPECT_EQ(check_subject(text), std::nullopt) << text;
    EXPECT_EQ(check_pattern(text), std::nullopt) << text;  // J2
  }
}

TEST(SubjectGrammar, names_the_first_fault_and_its_place) {
  for (const Fault& fault : {
           Fault{"", 0, Reason::empty},
           Fault{".", 0, Reason::empty_token},
           Fault{".a", 0, Reason::empty_token},
           Fault{"a.", 2, Reason::empty_token},
           Fault{"a..b", 2, Reason::empty_token},
           Fault{"a b", 1, Reason::bad_character},
           Fault{"a.\tb", 2, Reason::bad_character},
           Fault{"a\n", 1, Reason::bad_character},
           Fault{std::string{"a\0b", 3}, 1, Reason::bad_character},
           Fault{"a.\x7f", 2, Reason::bad_character},
           Fault{"a. .*x", 2, Reason::bad_character},
           Fault{tokens(33), 64, Reason::too_many_tokens},
           Fault{std::string(256, 'x'), 255, Reason::too_long},
           Fault{" " + std::string(255, 'x'), 255, Reason::too_long},
       }) {
    EXPECT_EQ(check_subject(fault.text), (SubjectError{fault.position, fault.reason})) << fault.text;
    EXPECT_EQ(check_pattern(fault.text), (SubjectError{fault.position, fault.reason})) << fault.text;
  }
}

TEST(SubjectGrammar, knows_wildcards_only_in_patterns) {
  for (const char* const text : {"*", ">", "a.*", "*.a", "a.*.c", "*.*", "a.>", "*.>", "a.*.>"}) {
    EXPECT_EQ(check_pattern(text), std::nullopt) << text;
    const std::size_t position = std::string_view{text}.find_first_of("*>");
    EXPECT_EQ(check_subject(text), (SubjectError{position, Reason::wildcard})) << text;
  }
  EXPECT_EQ(check_subject("a.b>"), (SubjectError{3, Reason::wildcard}));
}

TEST(SubjectGrammar, wants_a_wildcard_alone_in_its_token) {
  for (const Fault& fault : {
           Fault{"a*", 1, Reason::wildcard_in_token},
           Fault{"*a", 0, Reason::wildcard_in_token},
           Fault{"**", 0, Reason::wildcard_in_token},
           Fault{"a.b>.c", 3, Reason::wildcard_in_token},
           Fault{">>", 0, Reason::wildcard_in_token},
           Fault{"a.*>", 2, Reason::wildcard_in_token},
       }) {
    EXPECT_EQ(check_pattern(fault.text), (SubjectError{fault.position, fault.reason})) << fault.text;
  }
}

TEST(SubjectGrammar, wants_the_tail_last) {
  EXPECT_EQ(check_pattern(">.a"), (SubjectError{1, Reason::tail_not_last}));
  EXPECT_EQ(check_pattern("a.>.*"), (SubjectError{3, Reason::tail_not_last}));
  EXPECT_EQ(check_pattern("a.>."), (SubjectError{3, Reason::tail_not_last}));
}

TEST(SubjectGrammar, says_its_faults_in_words) {
  EXPECT_EQ(to_string({6, Reason::empty_token}), "an empty token at position 6");
  EXPECT_EQ(to_string({0, Reason::wildcard}), "a wildcard in a subject at position 0");
}

TEST(Subject, is_taken_apart_at_its_dots) {
  const std::string text = "orders.eu.created";
  const auto subject = Subject::parse(text);
  ASSERT_TRUE(subject.has_value());
  ASSERT_EQ(subject->size(), 3u);
  EXPECT_EQ(subject->token(0), "orders");
  EXPECT_EQ(subject->token(1), "eu");
  EXPECT_EQ(subject->token(2), "created");
  EXPECT_EQ(subject->text(), text);
  const Subject copy = *subject;
  EXPECT_EQ(copy.token(2), "created");
  EXPECT_EQ(copy.hash(2), subject->hash(2));
}

TEST(Subject, gives_equal_tokens_equal_hashes_and_others_others) {
  const auto subject = Subject::parse("a.b.a.ab.ba.abcdefgh.abcdefghi.abcdefg");
  ASSERT_TRUE(subject.has_value());
  for (std::size_t i = 0; i < subject->size(); ++i) {
    for (std::size_t j = 0; j < subject->size(); ++j) {
      EXPECT_EQ(subject->hash(i) == subject->hash(j), subject->token(i) == subject->token(j)) << i << " and " << j;
    }
  }
}

TEST(Matches, follows_the_table) {
  struct Row {
    const char* pattern;
    const char* subject;
    bool expected;
  };
  for (const Row& row : {
           Row{"a", "a", true},         Row{"a", "b", false},           Row{"a", "ab", false},
           Row{"ab", "a", false},       Row{"a", "a.b", false},         Row{"a.b", "a", false},
           Row{"a.b", "a.b", true},     Row{"a.b", "a.c", false},       Row{"*", "a", true},
           Row{"*", "a.b", false},      Row{"a.*", "a", false},         Row{"a.*", "a.b", true},
           Row{"a.*", "a.b.c", false},  Row{"*.b", "a.b", true},        Row{"*.b", "b", false},
           Row{"a.*.c", "a.b.c", true}, Row{"a.*.c", "a.b.b.c", false}, Row{"a.*.c", "a.c", false},
           Row{">", "a", true},         Row{">", "a.b.c", true},        Row{"a.>", "a", false},
           Row{"a.>", "a.b", true},     Row{"a.>", "a.b.c", true},      Row{"a.>", "b.c", false},
           Row{"*.>", "a", false},      Row{"*.>", "a.b", true},        Row{"a.*.>", "a.b", false},
           Row{"a.*.>", "a.b.c", true}, Row{"*.*", "a.b", true},        Row{"*.*", "a", false},
       }) {
    EXPECT_EQ(matches(row.pattern, row.subject), row.expected) << row.pattern << " and " << row.subject;
  }
}

// Goal:   whatever the bytes, a text is accepted exactly when its parts are what the grammar says.
// Method: texts over the bytes that matter, held against rules written down part by part.
RC_GTEST_PROP(SubjectGrammar, accepts_exactly_what_its_rules_say, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::element('a', 'b', '.', '.', '*', '>', ' ', '\x7f', '\xff'));
  std::vector<std::string> parts{""};
  for (const char byte : text) {
    if (byte == '.') {
      parts.emplace_back();
    } else {
      parts.back() += byte;
    }
  }
  bool is_subject = text.size() <= 255 && parts.size() <= 32;
  bool is_pattern = is_subject;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_plain = !parts[i].empty() && parts[i].find_first_of("*> \x7f") == std::string::npos;
    is_subject = is_subject && is_plain;
    is_pattern = is_pattern && (is_plain || parts[i] == "*" || (parts[i] == ">" && i + 1 == parts.size()));
  }
  RC_ASSERT(!check_subject(text) == is_subject);
  RC_ASSERT(!check_pattern(text) == is_pattern);
}

}  // namespace
}  // namespace orrery
