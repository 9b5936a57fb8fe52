#include "orrery/core/describe.hpp"

#include <gtest/gtest.h>

#include <any>
#include <array>
#include <deque>
#include <expected>
#include <filesystem>
#include <forward_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace app {
struct GetBalance {};
struct Withdraw {
  long amount;
};
struct Transfer {
  std::string to;
  Withdraw part;
  std::optional<int> retries;
};
struct Account {
  long balance = 0;
  std::vector<Withdraw> history;
  long handle(Withdraw withdraw) { return balance -= withdraw.amount; }
};
enum class Color : std::uint8_t { red, green, late = 63, never = 64 };
enum class Signed : int { below = -1, zero };
enum class Flag : bool { set = true };
enum class Letter : char { bang = '!' };
enum Old { idle, busy, stuck = 9 };
template <class A, class B>
struct Machine {
  enum class State { on, off };
};
class Hidden {
  [[maybe_unused]] int secret_ = 42;
};
struct Custom {
  int value;
};
std::string orrery_describe(const Custom& custom) { return "<" + std::to_string(custom.value) + ">"; }
struct AnonymousUnion {
  union {
    int number;
    float real;
  };
};
std::string orrery_describe(const AnonymousUnion& value) { return "number " + std::to_string(value.number); }
struct Ring {
  int id;
  std::shared_ptr<Ring> next;
};
namespace {
enum class Unseen { yes, no };
}
}  // namespace app

namespace orrery {
namespace {
using namespace std::chrono_literals;

TEST(Describe, a_plain_struct_is_its_name_and_fields) {
  EXPECT_EQ(describe(app::GetBalance{}), "GetBalance{}");
  EXPECT_EQ(describe(app::Withdraw{100}), "Withdraw{amount=100}");
  EXPECT_EQ(describe(app::Transfer{"bob", {3}, std::nullopt}),
            "Transfer{to=\"bob\", part=Withdraw{amount=3}, retries=none}");
  EXPECT_EQ(describe(app::Account{7, {{1}, {2}}}),
            "Account{balance=7, history=[Withdraw{amount=1}, Withdraw{amount=2}]}");
  struct Local {
    bool ready;
  };
  EXPECT_EQ(describe(Local{true}), "Local{ready=true}");
}

TEST(Describe, numbers_and_characters) {
  EXPECT_EQ(describe(-3), "-3");
  EXPECT_EQ(describe(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(describe(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(describe(static_cast<signed char>(-7)), "-7");
  EXPECT_EQ(describe(static_cast<unsigned char>(65)), "65");
  EXPECT_EQ(describe(true), "true");
  EXPECT_EQ(describe(false), "false");
  EXPECT_EQ(describe('a'), "'a'");
  EXPECT_EQ(describe('\''), "'\\''");
  EXPECT_EQ(describe('\n'), "'\\n'");
  EXPECT_EQ(describe('\0'), "'\\x00'");
  EXPECT_EQ(describe('\xfe'), "'\\xfe'");
  EXPECT_EQ(describe(0.1), "0.1");
  EXPECT_EQ(describe(0.1f), "0.1");
  EXPECT_EQ(describe(1e300), "1e+300");
  EXPECT_EQ(describe(std::numeric_limits<double>::infinity()), "inf");
}

TEST(Describe, enumerators_have_their_names_from_0_to_63) {
  EXPECT_EQ(describe(app::Color::red), "red");
  EXPECT_EQ(describe(app::Color::green), "green");
  EXPECT_EQ(describe(app::Color::late), "late");
  EXPECT_EQ(describe(app::Color::never), "Color(64)");
  EXPECT_EQ(describe(app::Color{7}), "Color(7)");
  EXPECT_EQ(describe(app::Signed::below), "Signed(-1)");
  EXPECT_EQ(describe(app::Signed::zero), "zero");
  EXPECT_EQ(describe(app::Flag::set), "set");
  EXPECT_EQ(describe(app::Flag{}), "Flag(0)");
  EXPECT_EQ(describe(app::Letter::bang), "bang");
  EXPECT_EQ(describe(app::Letter{}), "Letter(0)");
  EXPECT_EQ(describe(app::stuck), "stuck");
  EXPECT_EQ(describe(static_cast<app::Old>(3)), "Old(3)");
  EXPECT_EQ((describe(app::Machine<int, char>::State::off)), "off");
  EXPECT_EQ(describe(app::Unseen::no), "no");
  enum class Local { here, there };
  EXPECT_EQ(describe(Local::there), "there");
  EXPECT_EQ(describe(Local{5}), "Local(5)");
}

TEST(Describe, strings_are_quoted_and_escaped) {
  EXPECT_EQ(describe(std::string("a \"b\" \\ \n\r\t\x01\x7f")), "\"a \\\"b\\\" \\\\ \\n\\r\\t\\x01\\x7f\"");
  EXPECT_EQ(describe(std::string_view("it's")), "\"it's\"");
  EXPECT_EQ(describe("literal"), "\"literal\"");
  EXPECT_EQ(describe(std::string("zero\0byte", 9)), "\"zero\\x00byte\"");
  EXPECT_EQ(describe(std::string()), "\"\"");
}

TEST(Describe, strings_keep_utf8_and_show_broken_bytes) {
  EXPECT_EQ(describe(std::string("Größe € 😀")), "\"Größe € 😀\"");
  EXPECT_EQ(describe(std::string("\xc3")), "\"\\xc3\"");           // cut off
  EXPECT_EQ(describe(std::string("\xc0\x80")), "\"\\xc0\\x80\"");  // overlong
  EXPECT_EQ(describe(std::string("\xe0\x80\x80")), "\"\\xe0\\x80\\x80\"");
  EXPECT_EQ(describe(std::string("\xf0\x80\x80\x80")), "\"\\xf0\\x80\\x80\\x80\"");
  EXPECT_EQ(describe(std::string("\xed\xa0\x80")), "\"\\xed\\xa0\\x80\"");           // a surrogate
  EXPECT_EQ(describe(std::string("\xf4\x90\x80\x80")), "\"\\xf4\\x90\\x80\\x80\"");  // past U+10FFFF
  EXPECT_EQ(describe(std::string("\xe2\x82x")), "\"\\xe2\\x82x\"");
}

TEST(Describe, long_strings_are_cut_with_their_length) {
  EXPECT_EQ(describe(std::string(120, 'x')), '"' + std::string(120, 'x') + '"');
  EXPECT_EQ(describe(std::string(121, 'x')), '"' + std::string(120, 'x') + "…\" (121 bytes)");
  const std::string ends_in_umlaut = std::string(119, 'x') + "ü";
  EXPECT_EQ(describe(ends_in_umlaut), '"' + std::string(119, 'x') + "…\" (121 bytes)");
}

TEST(Describe, time_is_exact) {
  EXPECT_EQ(describe(1500ms), "1.5s");
  EXPECT_EQ(describe(3h + 12min), "3h12m");
  EXPECT_EQ(describe(Instant{5s}), "5s");
  EXPECT_EQ(describe(std::chrono::days(2)), "2d");
  EXPECT_EQ(describe(std::chrono::years(400)), "400 x 31556952/1s");  // more nanoseconds than fit
  EXPECT_EQ(describe(std::chrono::duration<int, std::pico>(5)), "5 x 1/1000000000000s");
  EXPECT_EQ(describe(std::chrono::duration<double>(1.5)), "1.5 x 1/1s");
}

TEST(Describe, optional_expected_and_variant_show_what_they_hold) {
  EXPECT_EQ(describe(std::optional<int>{}), "none");
  EXPECT_EQ(describe(std::optional{app::Withdraw{1}}), "Withdraw{amount=1}");
  using Result = std::expected<int, app::Color>;
  EXPECT_EQ(describe(Result{4}), "4");
  EXPECT_EQ(describe(Result{std::unexpect, app::Color::red}), "error(red)");
  EXPECT_EQ(describe(std::expected<void, int>{}), "ok");
  EXPECT_EQ(describe(std::expected<void, int>{std::unexpect, 3}), "error(3)");
  using Either = std::variant<int, std::string>;
  EXPECT_EQ(describe(Either{3}), "3");
  EXPECT_EQ(describe(Either{"text"}), "\"text\"");
  EXPECT_EQ(describe(std::monostate{}), "monostate{}");
}

TEST(Describe, ranges_and_tuples_are_listed) {
  EXPECT_EQ(describe(std::vector{1, 2}), "[1, 2]");
  EXPECT_EQ(describe(std::vector<bool>{true, false}), "[true, false]");
  EXPECT_EQ(describe(std::array{1, 2}), "[1, 2]");
  EXPECT_EQ(describe(std::deque<int>{}), "[]");
  EXPECT_EQ(describe(std::forward_list{1, 2}), "[1, 2]");
  EXPECT_EQ(describe(std::map<int, std::string>{{2, "b"}, {1, "a"}}), "{1: \"a\", 2: \"b\"}");
  EXPECT_EQ(describe(std::set{3, 1}), "{1, 3}");
  EXPECT_EQ(describe(std::pair{1, std::string("b")}), "(1, \"b\")");
  EXPECT_EQ(describe(std::tuple{1, 'c', true}), "(1, 'c', true)");
  EXPECT_EQ(describe(std::tuple<>{}), "()");
}

TEST(Describe, owners_show_their_value_and_never_an_address) {
  EXPECT_EQ(describe(std::unique_ptr<int>{}), "null");
  EXPECT_EQ(describe(std::make_unique<int>(4)), "4");
  EXPECT_EQ(describe(std::make_shared<app::Withdraw>(4)), "Withdraw{amount=4}");
  EXPECT_EQ(describe(std::make_unique<int[]>(3)), "unique_ptr{…}");
  EXPECT_EQ(describe(std::shared_ptr<void>(std::make_shared<int>(1))), "shared_ptr{…}");
  int number = 0;
  EXPECT_EQ(describe(&number), "pointer{…}");
  EXPECT_EQ(describe(static_cast<const char*>("not read")), "pointer{…}");
  EXPECT_EQ(describe(static_cast<int*>(nullptr)), "null");
  EXPECT_EQ(describe(nullptr), "null");
  EXPECT_EQ(describe(&app::Withdraw::amount), "member_pointer{…}");
}

TEST(Describe, what_cannot_be_seen_has_a_name_only) {
  EXPECT_EQ(describe(app::Hidden{}), "Hidden{…}");
  EXPECT_EQ(describe(std::any{3}), "any{…}");
  EXPECT_EQ(describe([] {}), "lambda{…}");
  EXPECT_EQ(describe(std::unordered_map<int, int>{{1, 2}}), "unordered_map{…}");  // its order is not one
  EXPECT_EQ(describe(std::filesystem::path("/tmp")), "path{…}");
}

TEST(Describe, orrery_describe_wins_at_every_depth) {
  EXPECT_EQ(describe(app::Custom{3}), "<3>");
  EXPECT_EQ(describe(std::vector<app::Custom>{{1}, {2}}), "[<1>, <2>]");
  app::AnonymousUnion value{};
  value.number = 4;
  EXPECT_EQ(describe(value), "number 4");  // reflection, which could not compile here, is not asked
}

TEST(Describe, the_text_is_bounded) {
  EXPECT_EQ(
      describe(std::vector<int>(33)), "[" + [] {
        std::string zeros;
        for (int i = 0; i < 32; ++i) zeros += "0, ";
        return zeros;
      }() + "… 33 in all]");
  EXPECT_EQ(describe(std::vector<int>(32)).find("…"), std::string::npos);

  const std::string counted = describe(std::vector(32, std::string(200, 'x')));  // cut by bytes, not by number
  EXPECT_TRUE(counted.ends_with("… 32 in all]"));
  EXPECT_LT(counted.size(), detail::describe_bytes_max + 200);
}

template <class T>
struct Twin {
  T left, right;
};
TEST(Describe, a_large_tree_without_ranges_is_bounded_too) {
  using Eight = Twin<Twin<Twin<std::string>>>;
  const std::string leaf(100, 'x');
  const Twin<Twin<std::string>> four{{leaf, leaf}, {leaf, leaf}};
  const Eight eight{four, four};
  const Twin<Twin<Twin<Eight>>> all{{{eight, eight}, {eight, eight}}, {{eight, eight}, {eight, eight}}};
  EXPECT_LT(describe(all).size(), detail::describe_bytes_max + 1'000);  // 64 leaves would take 7,000
}

TEST(Describe, depth_is_bounded_and_breadth_does_not_count_as_depth) {
  const auto ring = std::make_shared<app::Ring>(app::Ring{1, nullptr});
  ring->next = ring;
  const std::string text = describe(*ring);
  ring->next = nullptr;
  EXPECT_TRUE(text.starts_with("Ring{id=1, next=Ring{id=1, "));
  EXPECT_NE(text.find("next=…}"), std::string::npos);
  EXPECT_LT(text.size(), 300u);
  EXPECT_EQ(describe(std::vector<app::Withdraw>(30)).find("…"), std::string::npos);
}

TEST(Describe, describe_to_appends) {
  std::string out = "got ";
  describe_to(out, app::Withdraw{1});
  EXPECT_EQ(out, "got Withdraw{amount=1}");
  out.assign(2 * detail::describe_bytes_max, '.');
  describe_to(out, app::Withdraw{2});  // the bound is for what is appended
  EXPECT_TRUE(out.ends_with("Withdraw{amount=2}"));
}

TEST(Describe, move_only_values_are_read_in_place) {
  struct Letter {
    std::unique_ptr<std::string> text;
  };
  EXPECT_EQ(describe(Letter{std::make_unique<std::string>("hi")}), "Letter{text=\"hi\"}");
}
}  // namespace
}  // namespace orrery
