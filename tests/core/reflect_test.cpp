#include "orrery/core/reflect.hpp"

#include <gtest/gtest.h>

#include <any>
#include <array>
#include <atomic>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

namespace orrery {
namespace {
template <Reflectable T>
std::vector<std::string_view> names() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<std::string_view>{field_name<T, I>()...};
  }(std::make_index_sequence<field_count<T>>{});
}
using Names = std::vector<std::string_view>;

struct Empty {};
struct Deposit {
  long amount;
};
struct Account {
  long balance = 0;
  std::unique_ptr<int> owned;
  long handle(Deposit deposit) { return balance += deposit.amount; }
  [[maybe_unused]] static constexpr int limit = 3;
};
struct Words {
  std::string first;
  std::string second;
};
template <class T>
struct Pair {
  T left, right;
};
class NeedsAnInt {
 public:
  explicit NeedsAnInt(int value) : value_(value) {}
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};
struct Pinned {
  Pinned() = default;
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
};

TEST(Reflect, names_the_fields_in_declared_order) {
  EXPECT_EQ(names<Empty>(), Names{});
  EXPECT_EQ(names<Deposit>(), (Names{"amount"}));
  EXPECT_EQ(names<Account>(), (Names{"balance", "owned"}));
  EXPECT_EQ(names<Words>(), (Names{"first", "second"}));
  EXPECT_EQ(names<const Words>(), (Names{"first", "second"}));
  EXPECT_EQ((names<Pair<std::optional<Words>>>()), (Names{"left", "right"}));
  struct Local {
    int snake_case_2;
    Words _odd;
    Empty größe;
  };
  EXPECT_EQ(names<Local>(), (Names{"snake_case_2", "_odd", "größe"}));
}

TEST(Reflect, takes_fields_of_all_library_types_wherever_they_stand) {
  struct Many {
    std::vector<int> a;
    NeedsAnInt b;
    std::optional<NeedsAnInt> c;
    std::any d;
    std::function<void()> e;
    std::expected<int, std::string> f;
    std::variant<int, Words> g;
    std::map<int, std::string> h;
    std::array<int, 3> i;
    std::atomic<int> j;
    std::mutex k;
    std::tuple<int> l;
    const Pinned m;
    void (*n)(int);
    int Deposit::* o;
    std::reference_wrapper<int> p;
    Empty q;
    std::unique_ptr<int> r;
    mutable bool s;
  };
  EXPECT_EQ(names<Many>(),
            (Names{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s"}));
}

TEST(Reflect, counts_to_24_fields) {
  struct Fields24 {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x;
  };
  struct Fields25 {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y;
  };
  static_assert(field_count<Fields24> == 24 && !Reflectable<Fields25>);
  Fields24 value{};
  int next = 0;
  for_each_field(value, [&next](std::string_view, int& field) { field = next++; });
  EXPECT_EQ(value.a, 0);
  EXPECT_EQ(value.m, 12);
  EXPECT_EQ(value.x, 23);
  EXPECT_EQ(names<Fields24>()[23], "x");
}

TEST(Reflect, visits_the_fields_themselves) {
  Account account{.balance = 5, .owned = std::make_unique<int>(7)};
  std::string seen;
  for_each_field(account, [&]<class Field>(std::string_view name, Field& field) {
    seen += std::string(name) + ";";
    if constexpr (std::is_same_v<Field, long>) field += 1;
    if constexpr (std::is_same_v<Field, std::unique_ptr<int>>) field = nullptr;
  });
  EXPECT_EQ(seen, "balance;owned;");
  EXPECT_EQ(account.balance, 6);
  EXPECT_EQ(account.owned, nullptr);
}

TEST(Reflect, keeps_const_values_const_and_works_at_compile_time) {
  const Words words{"a", "b"};
  std::string joined;
  for_each_field(words, [&joined]<class Field>(std::string_view, Field& field) {
    static_assert(std::is_const_v<Field>);
    joined += field;
  });
  EXPECT_EQ(joined, "ab");
  static_assert([] {
    Pair<int> pair{.left = 1, .right = 2};
    for_each_field(pair, [](std::string_view name, int& field) { field *= name == "left" ? 10 : 100; });
    return pair.left + pair.right;
  }() == 210);
  const Empty empty;
  for_each_field(empty, [](std::string_view, auto&) { FAIL(); });
}

TEST(Reflect, knows_the_declared_types) {
  struct Typed {
    const int a;
    std::unique_ptr<int> b;
  };
  static_assert(std::is_same_v<field_type<Typed, 0>, int>);
  static_assert(std::is_same_v<field_type<Typed, 1>, std::unique_ptr<int>>);
}

// What is not reflectable is refused, without an error.
int global = 0;
struct LeftReference {
  int& a;
};
struct ConstReference {
  int a;
  const int& b;
};
struct RightReference {
  int&& a;
};
struct DefaultedReference {
  int a;
  int& b = global;
  int c;
};
struct ArrayOnly {
  int a[3];
};
struct ArrayOfOne {
  int a[1];
};
struct ArrayBehind {
  NeedsAnInt a;
  char b[16];
  int c;
};
struct ArrayInFront {
  int a[2][3];
  NeedsAnInt b;
};
struct ArrayOfClasses {
  NeedsAnInt a;
  Words b[2];
  NeedsAnInt c;
};
struct ArrayWithoutDefault {
  NeedsAnInt a[2];
};
struct BitField {
  unsigned a : 3;
  int b;
};
struct DefaultedBitField {
  int a;
  unsigned b : 3 = 1;
};
struct WithBase : Deposit {
  int b;
};
struct WithEmptyBase : Empty {
  int b;
};
struct OnlyBase : Empty {};
struct WithOddBase : NeedsAnInt {
  int b;
};
class Private {
  [[maybe_unused]] int a_ = 0;
};
struct Constructed {
  Constructed() {}
  int a = 0;
};
struct Virtual {
  virtual ~Virtual() = default;
  int a = 0;
};
union Union {
  int a;
  float b;
};
struct Volatile {
  volatile int a;
};
struct LeftAlone {
  using orrery_opaque = void;
  union {
    int a;
    float b;
  };
};
struct TakesAnything {
  template <class T>
  TakesAnything(T&&) {}
};
struct FirstTakesAnything {
  TakesAnything a;
  int b;
};
static_assert(!Reflectable<LeftReference> && !Reflectable<ConstReference> && !Reflectable<RightReference>);
static_assert(!Reflectable<DefaultedReference>);
static_assert(!Reflectable<ArrayOnly> && !Reflectable<ArrayOfOne> && !Reflectable<ArrayBehind>);
static_assert(!Reflectable<ArrayInFront> && !Reflectable<ArrayOfClasses> && !Reflectable<ArrayWithoutDefault>);
static_assert(!Reflectable<BitField> && !Reflectable<DefaultedBitField>);
static_assert(!Reflectable<WithBase> && !Reflectable<WithEmptyBase> && !Reflectable<OnlyBase>);
static_assert(!Reflectable<WithOddBase>);
static_assert(!Reflectable<Private> && !Reflectable<Constructed> && !Reflectable<Virtual> && !Reflectable<Union>);
static_assert(!Reflectable<Volatile> && !Reflectable<LeftAlone> && !Reflectable<FirstTakesAnything>);
static_assert(!Reflectable<int> && !Reflectable<int[3]> && !Reflectable<int*> && !Reflectable<Words&>);
static_assert(!Reflectable<std::string> && !Reflectable<std::vector<int>> && !Reflectable<std::array<int, 3>>);

// Close to the refused ones, and reflectable.
struct DefaultWithoutBraces {
  NeedsAnInt a = NeedsAnInt{3};
  int b;
};
struct NeedsTwo {
  NeedsTwo(int, int) {}
};
struct BuiltFromTwo {
  NeedsTwo a;
  int b;
  int c;
};
struct NestedTwice {
  Words a;
  NeedsAnInt b;
  Words c;
};
struct OneNested {
  Words a;
};
struct OneEmpty {
  Empty a;
};
struct Shared {
  [[no_unique_address]] Empty a;
  int b;
};
struct Recursive {
  std::vector<Recursive> a;
  Recursive* b;
};
struct alignas(64) Aligned {
  int a;
};
static_assert(field_count<BuiltFromTwo> == 3 && field_count<DefaultWithoutBraces> == 2 &&
              field_count<NestedTwice> == 3);
static_assert(field_count<OneNested> == 1 && field_count<OneEmpty> == 1 && field_count<Shared> == 2);
static_assert(field_count<Recursive> == 2 && field_count<Aligned> == 1 && field_count<std::monostate> == 0);
}  // namespace
}  // namespace orrery
