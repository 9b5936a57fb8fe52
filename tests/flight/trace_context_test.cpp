// Goal:   a traceparent is read as strictly as the recommendation wants, and written as it says.
// Method: the cases of the W3C's own test suite for the header (trace-context/test/test.py), as far as they are about one.
#include <orrery/core/trace_context.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using namespace orrery;

constexpr std::string_view good = "00-12345678901234567890123456789012-1234567890123456-01";

TEST(TraceParent, is_what_was_written) {
  const auto context = parse_traceparent(good);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace, (MessageId{0x1234567890123456, 0x7890123456789012}));
  EXPECT_EQ(context->span, 0x1234567890123456U);
  EXPECT_TRUE(context->is_sampled);
  EXPECT_EQ(to_traceparent(*context), good);
  TraceContext unsampled = *context;
  unsampled.is_sampled = false;
  EXPECT_EQ(to_traceparent(unsampled), "00-12345678901234567890123456789012-1234567890123456-00");
  EXPECT_EQ(parse_traceparent(to_traceparent(unsampled)), unsampled);
  EXPECT_EQ(orrery_describe(TraceContext{}), "none");
}

TEST(TraceParent, of_version_0_has_exactly_55_characters) {
  EXPECT_FALSE(parse_traceparent(""));
  EXPECT_FALSE(parse_traceparent("00"));
  EXPECT_FALSE(parse_traceparent(good.substr(0, 54)));
  EXPECT_FALSE(parse_traceparent(std::string{good} + "."));
  EXPECT_FALSE(parse_traceparent(std::string{good} + "-what-the-future-will-be-like"));
  EXPECT_FALSE(parse_traceparent(std::string{good} + " "));
  EXPECT_FALSE(parse_traceparent(" " + std::string{good}));
  EXPECT_FALSE(parse_traceparent("\t" + std::string{good}.substr(1)));
}

TEST(TraceParent, of_a_later_version_may_go_on_behind_a_dash) {
  EXPECT_TRUE(parse_traceparent("cc-12345678901234567890123456789012-1234567890123456-01"));
  EXPECT_TRUE(parse_traceparent("cc-12345678901234567890123456789012-1234567890123456-01-"));
  EXPECT_TRUE(
      parse_traceparent("cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like"));
  EXPECT_FALSE(
      parse_traceparent("cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like"));
  EXPECT_FALSE(parse_traceparent("ff-12345678901234567890123456789012-1234567890123456-01"));
  EXPECT_FALSE(parse_traceparent("ff-12345678901234567890123456789012-1234567890123456-01-x"));
}

TEST(TraceParent, has_lower_case_digits_only) {
  for (const std::string_view bad : {
           ".0-12345678901234567890123456789012-1234567890123456-01",
           "0.-12345678901234567890123456789012-1234567890123456-01",
           "00-.2345678901234567890123456789012-1234567890123456-01",
           "00-1234567890123456789012345678901.-1234567890123456-01",
           "00-12345678901234567890123456789012-.234567890123456-01",
           "00-12345678901234567890123456789012-123456789012345.-01",
           "00-12345678901234567890123456789012-1234567890123456-.0",
           "00-12345678901234567890123456789012-1234567890123456-0.",
           "00-ABCDEF78901234567890123456789012-1234567890123456-01",
           "00-12345678901234567890123456789012-ABCDEF7890123456-01",
           "00-12345678901234567890123456789012-1234567890123456-0A",
           "00-1234567890123456789012345678901g-1234567890123456-01",
           "CC-12345678901234567890123456789012-1234567890123456-01",
       }) {
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
  }
}

TEST(TraceParent, has_its_dashes_where_they_belong) {
  for (const std::size_t dash : {2U, 35U, 52U}) {
    std::string bad{good};
    bad[dash] = '_';
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
  }
  EXPECT_FALSE(parse_traceparent("000-1234567890123456789012345678901-1234567890123456-01"));
  EXPECT_FALSE(parse_traceparent("00-123456789012345678901234567890123-123456789012345-01"));
}

TEST(TraceParent, has_no_id_of_zeroes) {
  EXPECT_FALSE(parse_traceparent("00-00000000000000000000000000000000-1234567890123456-01"));
  EXPECT_FALSE(parse_traceparent("00-12345678901234567890123456789012-0000000000000000-01"));
  EXPECT_TRUE(parse_traceparent("00-00000000000000000000000000000001-0000000000000001-01"));
  EXPECT_TRUE(parse_traceparent("00-10000000000000000000000000000000-1000000000000000-01"));
}

TEST(TraceParent, ignores_flags_that_it_does_not_know) {
  const auto known = parse_traceparent("00-12345678901234567890123456789012-1234567890123456-fe");
  ASSERT_TRUE(known.has_value());
  EXPECT_FALSE(known->is_sampled);
  EXPECT_EQ(to_traceparent(*known), "00-12345678901234567890123456789012-1234567890123456-00");
  EXPECT_TRUE(parse_traceparent("00-12345678901234567890123456789012-1234567890123456-ff")->is_sampled);
}

}  // namespace
