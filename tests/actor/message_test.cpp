// Goal:   the compiler knows of each struct whether it is a message, what it may be asked, and whether it
//         owns its fields.
// Method: static_assert, a type and its opposite each time; tests/compile_fail shows what a refused send
//         prints.
#include "orrery/actor/message.hpp"
#include "orrery/actor/refusals.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

namespace orrery {
namespace {

// ---- what is a message
// --------------------------------------------------------------------------------------------

struct Plain {
  int number = 0;
};
struct Constant {
  const int number;
};
struct Move {
  std::unique_ptr<int> content;
};
struct Pinned {
  std::atomic<int> number;
};
static_assert(Message<Plain> && Message<Constant> && Message<Move> && Message<std::string>);
static_assert(!Message<Pinned> && !Message<int> && !Message<const char*> && !Message<Plain&> && !Message<const Plain>);

struct Question {
  using Reply = int;
};
struct Order {
  using Reply = void;
};
static_assert(!Askable<Plain> && Askable<Question> && Askable<Order>);
static_assert(std::same_as<reply_of<Plain>, void> && std::same_as<reply_of<Order>, void>);
static_assert(std::same_as<reply_of<Question>, int>);

// ---- what can be copied ----------------------------------------------------------------------------------------------

struct Batch {  // std::copy_constructible believes that it can
  std::vector<std::unique_ptr<int>> parts;
};
struct Nested {
  std::map<int, std::optional<Batch>> batches;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
};
struct Shared {
  std::shared_ptr<int> content;
  std::vector<std::string> names;
  std::expected<void, int> result;
};
static_assert(std::copy_constructible<Batch>);
static_assert(!Copyable<Batch> && !Copyable<Nested> && !Copyable<Move> && !Copyable<Pinned>);
static_assert(Copyable<Plain> && Copyable<Constant> && Copyable<Tree> && Copyable<Shared> && Copyable<std::string>);

// ---- traits ----------------------------------------------------------------------------------------------------------

struct Careful {
  static constexpr Delivery delivery = Delivery::exactly_once;
  static constexpr Priority priority = Priority::critical;
  static constexpr bool durable = true;
};
static_assert(delivery_of<Plain>() == Delivery::at_most_once && delivery_of<Careful>() == Delivery::exactly_once);
static_assert(priority_of<Plain>() == Priority::normal && priority_of<Careful>() == Priority::critical);
static_assert(!durable_of<Plain>() && durable_of<Careful>());

// A field that happens to have the name of a trait is a field.
struct Shipment {
  Priority priority;
  bool durable;
};
static_assert(priority_of<Shipment>() == Priority::normal && !durable_of<Shipment>());

// ---- owning (T1)
// --------------------------------------------------------------------------------------------------

struct Owner {
  int number = 0;
  std::string text;
  std::vector<std::string> lines;
  std::optional<std::array<int, 3>> numbers;
  std::map<std::string, std::vector<int>> index;
  std::variant<int, std::string> either;
  std::pair<int, std::tuple<std::string, double>> nested;
  std::unique_ptr<int> unique;
  std::shared_ptr<const std::string> shared;
  std::function<void(const char*)> function;
  Plain inner;
};
static_assert(OwnsItsFields<Owner> && OwnsItsFields<Plain> && OwnsItsFields<Constant>);

template <class T>
struct Holds {
  int before = 0;
  T value;
};
template <class T>
inline constexpr bool is_refused =
    !OwnsItsFields<Holds<T>> && !OwnsItsFields<Holds<Holds<T>>> && !OwnsItsFields<Holds<std::vector<Holds<T>>>>;

static_assert(is_refused<std::string_view> && is_refused<std::u16string_view>);
static_assert(is_refused<std::span<int>> && is_refused<std::span<const char, 4>>);
static_assert(is_refused<int*> && is_refused<const char*> && is_refused<void*> && is_refused<Plain* const>);
static_assert(is_refused<int&> && is_refused<const std::string&>);
static_assert(is_refused<std::reference_wrapper<int>>);
static_assert(is_refused<std::optional<int*>> && is_refused<std::vector<std::string_view>>);
static_assert(is_refused<std::array<const char*, 2>> && is_refused<std::vector<std::optional<std::span<int>>>>);
static_assert(is_refused<std::map<std::string_view, int>> && is_refused<std::map<int, int*>>);
static_assert(is_refused<std::pair<int, int*>> && is_refused<std::tuple<int, std::string, std::string_view>>);
static_assert(is_refused<std::variant<int, int*>> && is_refused<std::expected<int, std::string_view>>);
static_assert(!is_refused<int> && !is_refused<std::string>);

// A struct can say that it means it; that does not speak for the struct it stands in.
struct Meant {
  static constexpr bool orrery_borrows = true;
  std::string_view text;
};
struct NotMeant {
  static constexpr bool orrery_borrows = false;
  std::string_view text;
};
struct MeantReference {
  static constexpr bool orrery_borrows = true;
  int& number;
};
static_assert(OwnsItsFields<Meant> && OwnsItsFields<Holds<Meant>> && !OwnsItsFields<NotMeant>);
static_assert(OwnsItsFields<MeantReference> && Message<MeantReference>);
struct MeantAndAnother {
  Meant meant;
  const char* another;
};
static_assert(!OwnsItsFields<MeantAndAnother>);

// Types that contain themselves: also Tree above.
struct LinkedTree {
  std::vector<LinkedTree> children;
  LinkedTree* parent;
};
struct Branch;
struct Trunk {
  std::vector<Branch> branches;
};
struct Branch {
  std::optional<std::string_view> label;
  std::vector<Trunk> grafted;
};
static_assert(OwnsItsFields<Tree> && !OwnsItsFields<LinkedTree> && !OwnsItsFields<Trunk> && !OwnsItsFields<Branch>);

// ---- handlers --------------------------------------------------------------------------------------------------------

struct Actor {
  int handle(Question) const { return 1; }
  void handle(Order, Context&) {}
  void handle(const Plain&) {}
  void handle(Move) {}
  long handle(Careful) { return 1; }
};
static_assert(Handles<Actor, Question> && Handles<Actor, Order> && Handles<Actor, Plain> && Handles<Actor, Move>);
static_assert(!Handles<Actor, Shipment>);
static_assert(RepliesAsDeclared<Actor, Question> && RepliesAsDeclared<Actor, Order>);
static_assert(!RepliesAsDeclared<Actor, Careful>, "returns a value although there is no Reply");

// With both forms the one with the context is called, so its return type is the one that counts.
struct BothForms {
  long handle(Question) { return 1; }
  int handle(Question, Context&) { return 1; }
};
static_assert(RepliesAsDeclared<BothForms, Question>);

struct AlmostReplies {
  short handle(Question) { return 1; }
};
static_assert(refusal<Actor, Question>() == Refusal::none);
static_assert(refusal<Actor, Shipment>() == Refusal::THIS_ACTOR_HAS_NO_handle_OVERLOAD_FOR_THIS_MESSAGE);
static_assert(refusal<Actor, int>() == Refusal::THIS_IS_NOT_A_MESSAGE_SEND_A_MOVABLE_STRUCT);
static_assert(refusal<AlmostReplies, Question>() == Refusal::THE_handle_OVERLOAD_DOES_NOT_RETURN_Message_Reply);
static_assert(refusal<Actor, Careful>() == Refusal::THE_handle_OVERLOAD_RETURNS_A_VALUE_BUT_THE_MESSAGE_HAS_NO_Reply);
static_assert(repeated_refusal<Actor, Plain>() == Refusal::none);
static_assert(repeated_refusal<Actor, Move>() == Refusal::THIS_MESSAGE_IS_SENT_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE);
static_assert(watch_refusal<Actor>() == Refusal::AN_ACTOR_THAT_WATCHES_NEEDS_A_handle_OVERLOAD_FOR_orrery_Down);
static_assert(Spawnable<Actor> && Spawnable<Constant> && Spawnable<Move> && !Spawnable<Pinned> && !Spawnable<int>);

TEST(Message, traits_hold_at_compile_time) { SUCCEED() << "every claim of this file is a static_assert"; }

}  // namespace
}  // namespace orrery
