#include "orrery/broker/routes.hpp"

#include "tests/broker/route_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace orrery {
namespace {

using namespace broker_test;
using testing::ElementsAre;
using testing::IsEmpty;

/// A table that is changed in place, for tests of what is matched.
struct Table {
  Routes routes;
  MatchBuffer buffer;

  void add(std::string_view to, std::uint64_t id, std::string_view group = {}, std::size_t of = 0) {
    routes = routes.with(pattern(to), {.type = type(of), .group = group, .subscriber = {.id = id}});
  }
  void remove(std::string_view to, std::uint64_t id, std::string_view group = {}, std::size_t of = 0) {
    routes = routes.without(pattern(to), {.type = type(of), .group = group, .subscriber = {.id = id}});
  }
  Ids match(std::string_view to, std::uint64_t draw = 0, std::size_t of = 0) {
    return ids_of(routes.match(subject(to), type(of), draw, buffer));
  }
};

TEST(Routes, gives_nobody_when_nobody_subscribed) {
  Table table;
  EXPECT_THAT(table.match("a"), IsEmpty());
  table.add("a.b", 1);
  EXPECT_THAT(table.match("a"), IsEmpty());
  EXPECT_THAT(table.match("a.b.c"), IsEmpty());
  EXPECT_THAT(ids_of(table.routes.match(Subject{}, type(0), 0, table.buffer)), IsEmpty());
}

TEST(Routes, gives_what_was_subscribed_as_it_was) {
  const int operations = 1;
  const int state = 2;
  const Subscriber subscriber{.id = 7, .operations = &operations, .state = &state};
  const Routes routes = Routes{}.with(pattern("a.*"), {.type = type(0), .subscriber = subscriber});
  MatchBuffer buffer;
  const Matched matched = routes.match(subject("a.b"), type(0), 0, buffer);
  ASSERT_EQ(count_of(matched), 1u);
  EXPECT_EQ(matched.front().front(), subscriber);
}

TEST(Routes, gives_one_copy_however_many_patterns_match) {
  Table table;
  table.add("a.>", 1);
  table.add("a.b", 2);
  table.add("*.b", 1);
  table.add("a.b", 1);
  table.add(">", 2);
  EXPECT_THAT(table.match("a.b"), ElementsAre(1, 2));
  table.remove("a.>", 1);  // 1 is still there by two others, the earlier of which came behind 2
  EXPECT_THAT(table.match("a.b"), ElementsAre(2, 1));
  table.remove("*.b", 1);
  table.remove("a.b", 1);
  EXPECT_THAT(table.match("a.b"), ElementsAre(2));
}

TEST(Routes, keeps_the_order_of_subscription_over_all_patterns) {
  Table table;
  table.add("*", 5);
  table.add("a", 4);
  table.add(">", 3);
  table.add("a", 2);
  table.add("*", 1);
  EXPECT_THAT(table.match("a"), ElementsAre(5, 4, 3, 2, 1));
}

TEST(Routes, reaches_only_subscriptions_for_the_type) {
  Table table;
  table.add("a", 1, {}, 0);
  table.add("a", 2, {}, 1);
  table.add(">", 1, {}, 1);
  EXPECT_THAT(table.match("a", 0, 0), ElementsAre(1));
  EXPECT_THAT(table.match("a", 0, 1), ElementsAre(2, 1));
  EXPECT_THAT(table.match("a", 0, 2), IsEmpty());
  table.remove("a", 1, {}, 0);  // the last one for its type
  EXPECT_THAT(table.match("a", 0, 0), IsEmpty());
  EXPECT_THAT(table.match("a", 0, 1), ElementsAre(2, 1));
}

TEST(Routes, tells_a_repetition_by_its_version) {
  const Subscription one{.type = type(0), .subscriber = {.id = 1}};
  const Routes routes = Routes{}.with(pattern("a"), one);
  EXPECT_EQ(routes.version(), 1u);
  EXPECT_EQ(routes.with(pattern("a"), one).version(), 1u);
  EXPECT_EQ(routes.with(pattern("a"), one).subscription_count(), 1u);
  EXPECT_EQ(routes.without(pattern("b"), one).version(), 1u);
  EXPECT_EQ(routes.without(pattern("*"), one).version(), 1u);
  EXPECT_EQ(routes.without(pattern("a"), one).version(), 2u);
  EXPECT_EQ(routes.without(pattern("a"), one).subscription_count(), 0u);
  const Subscription member{.type = type(0), .group = "g", .subscriber = {.id = 1}};
  EXPECT_FALSE(routes.contains(pattern("a"), member));
  EXPECT_EQ(routes.with(pattern("a"), member).subscription_count(), 2u);  // one copy for each kind
}

TEST(Routes, keeps_what_a_subscription_owns_until_no_table_has_it) {
  auto owner = std::make_shared<int>(1);
  const Subscription one{.type = type(0), .subscriber = {.id = 1, .state = owner.get()}, .owner = owner};
  Routes with_it = Routes{}.with(pattern("a"), one);
  const Routes without_it = with_it.without(pattern("a"), one);
  EXPECT_EQ(owner.use_count(), 3);  // here, in `one`, in the older table
  with_it = without_it;
  EXPECT_EQ(owner.use_count(), 2);
}

TEST(QueueGroup, gives_exactly_one_member_and_to_all_in_turn) {
  Table table;
  for (std::uint64_t id = 0; id < 5; ++id) table.add("jobs", id, "workers");
  std::vector<int> counts(5);
  for (std::uint64_t draw = 0; draw < 1000; ++draw) {
    const Ids ids = table.match("jobs", draw);
    ASSERT_EQ(ids.size(), 1u);
    ++counts[ids.front()];
  }
  EXPECT_THAT(counts, testing::Each(200));
}

TEST(QueueGroup, is_one_group_over_all_its_patterns) {
  Table table;
  table.add("jobs.*", 1, "workers");
  table.add("jobs.>", 2, "workers");
  table.add("jobs.*", 2, "workers");  // the same member by two patterns is not chosen twice as often
  table.add("jobs.a", 3, "others");
  std::vector<int> counts(4);
  for (std::uint64_t draw = 0; draw < 100; ++draw) {
    const Ids ids = table.match("jobs.a", draw);
    ASSERT_EQ(ids.size(), 2u);
    EXPECT_EQ(ids.back(), 3u);
    ++counts[ids.front()];
  }
  EXPECT_THAT(counts, ElementsAre(0, 50, 50, 0));
}

TEST(QueueGroup, goes_on_without_a_member_that_left) {
  Table table;
  table.add("jobs", 1, "workers");
  table.add("jobs", 2, "workers");
  table.remove("jobs", 1, "workers");
  for (std::uint64_t draw = 0; draw < 10; ++draw) EXPECT_THAT(table.match("jobs", draw), ElementsAre(2));
  table.remove("jobs", 2, "workers");
  EXPECT_THAT(table.match("jobs"), IsEmpty());
}

TEST(QueueGroup, gives_a_member_a_second_copy_as_a_plain_subscriber) {
  Table table;
  table.add("jobs", 1);
  table.add("jobs", 1, "workers");
  table.add("*", 1, "others");
  EXPECT_THAT(table.match("jobs"), ElementsAre(1, 1, 1));
}

TEST(Routes, names_all_listeners_of_all_types_and_groups_once) {
  Table table;
  table.add("a", 1, {}, 0);
  table.add(">", 2, "g", 1);
  table.add("a", 3, "g", 1);
  table.add("a", 1, "g", 2);
  table.add("b", 4, {}, 0);
  EXPECT_THAT(ids_of(table.routes.listeners(subject("a"), table.buffer)), ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace orrery
