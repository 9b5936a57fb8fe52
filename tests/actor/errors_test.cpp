// Goal:   errors and exit reasons print what their documentation says, and an ask's failure says which
//         kind it is.
#include "orrery/actor/errors.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace orrery {
namespace {

TEST(Errors, each_prints_as_it_is_spelled) {
  EXPECT_EQ(to_string(TellError::mailbox_full), "mailbox_full");
  EXPECT_EQ(to_string(TellError::actor_stopped), "actor_stopped");
  EXPECT_EQ(to_string(TellError::actor_not_found), "actor_not_found");
  EXPECT_EQ(to_string(AskError::timeout), "timeout");
  EXPECT_EQ(to_string(AskError::actor_stopped), "actor_stopped");
  EXPECT_EQ(to_string(AskError::actor_not_found), "actor_not_found");
  EXPECT_EQ(to_string(AskError::mailbox_full), "mailbox_full");
  EXPECT_EQ(to_string(AskError::actor_failed), "actor_failed");
  EXPECT_EQ(to_string(SpawnError::name_taken), "name_taken");
  EXPECT_EQ(to_string(SpawnError::bad_name), "bad_name");
  EXPECT_EQ(to_string(SpawnError::no_capacity), "no_capacity");
  EXPECT_EQ(to_string(SpawnError::shutting_down), "shutting_down");
}

TEST(ExitReason, prints_its_word_and_its_detail) {
  EXPECT_EQ(to_string(ExitReason{}), "normal");
  EXPECT_EQ(to_string(ExitReason::normal()), "normal");
  EXPECT_EQ(to_string(ExitReason::shutdown()), "shutdown");
  EXPECT_EQ(to_string(ExitReason::shutdown("deploy")), "shutdown:deploy");
  EXPECT_EQ(to_string(ExitReason::killed()), "killed");
  EXPECT_EQ(to_string(ExitReason::failed("no disk")), "failed: no disk");
  EXPECT_EQ(to_string(ExitReason::failed("")), "failed");
  EXPECT_EQ(to_string(ExitReason::custom("noproc")), "noproc");
  EXPECT_EQ(orrery_describe(ExitReason::failed("no disk")), "failed: no disk");
}

TEST(ExitReason, is_abnormal_unless_normal_or_shutdown) {
  EXPECT_FALSE(ExitReason::normal().is_abnormal());
  EXPECT_FALSE(ExitReason::shutdown().is_abnormal());
  EXPECT_FALSE(ExitReason::shutdown("deploy").is_abnormal());
  EXPECT_TRUE(ExitReason::killed().is_abnormal());
  EXPECT_TRUE(ExitReason::failed("x").is_abnormal());
  EXPECT_TRUE(ExitReason::custom("x").is_abnormal());
}

TEST(ExitReason, equals_another_of_the_same_kind_and_detail) {
  EXPECT_EQ(ExitReason::shutdown("a"), ExitReason::shutdown("a"));
  EXPECT_NE(ExitReason::shutdown("a"), ExitReason::shutdown("b"));
  EXPECT_NE(ExitReason::custom("killed"), ExitReason::killed());
  EXPECT_EQ(ExitReason::custom("x").detail(), "x");
  EXPECT_EQ(ExitReason::custom("x").kind(), ExitReason::Kind::custom);
}

TEST(AskFailure, is_either_the_targets_refusal_or_a_failure_on_the_way) {
  const AskFailure<std::string> refused{std::string{"too much"}};
  ASSERT_NE(refused.refused(), nullptr);
  EXPECT_EQ(*refused.refused(), "too much");
  EXPECT_EQ(refused.failed(), std::nullopt);

  const AskFailure<std::string> failed{AskError::timeout};
  EXPECT_EQ(failed.refused(), nullptr);
  EXPECT_EQ(failed.failed(), AskError::timeout);
  EXPECT_NE(refused, failed);
  EXPECT_EQ(failed, AskFailure<std::string>{AskError::timeout});
}

TEST(AskFailure, holds_a_refusal_that_can_only_be_moved) {
  const AskFailure<std::unique_ptr<int>> refused{std::make_unique<int>(3)};
  ASSERT_NE(refused.refused(), nullptr);
  EXPECT_EQ(**refused.refused(), 3);
}

// A handler that passes on what its own ask gave has AskError as its refusal: the two must stay apart.
TEST(AskFailure, tells_a_refusal_from_a_failure_of_the_same_type) {
  const auto refused = AskFailure<AskError>::by_target(AskError::timeout);
  ASSERT_NE(refused.refused(), nullptr);
  EXPECT_EQ(*refused.refused(), AskError::timeout);
  EXPECT_EQ(refused.failed(), std::nullopt);
  const AskFailure<AskError> failed{AskError::timeout};
  EXPECT_EQ(failed.refused(), nullptr);
  EXPECT_EQ(failed.failed(), AskError::timeout);
  EXPECT_NE(refused, failed);
}

}  // namespace
}  // namespace orrery
