// Goal:   a name has one holder, is found while that one lives, and whoever takes the place of a supervisor that has gone
//         finds every name below it free, at whatever moment of a spawn that happens.
// Method: each call by hand in the order that two threads would make them; then threads that claim and free the same names.
#include "orrery/actor/name_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace orrery {
namespace {

using Claim = NameTable::Claim;

constexpr Handle mid{1, 1};
constexpr Handle sub{2, 1};
constexpr Handle x{3, 1};
constexpr Handle other{4, 1};
constexpr auto everybody = [](Handle) { return true; };
constexpr auto nobody = [](Handle) { return false; };

Claim claim(NameTable& names, const std::string& path, Handle holder, bool is_supervised = true, Handle above = {},
            const std::string& above_path = {}) {
  return names.claim(path, holder, is_supervised, above, above_path);
}
void hold(NameTable& names, const std::string& path, Handle holder, Handle above = {},
          const std::string& above_path = {}) {
  ASSERT_EQ(claim(names, path, holder, true, above, above_path), Claim::claimed);
  ASSERT_TRUE(names.announce(holder));
}

TEST(NameTable, finds_a_holder_from_its_announcement_to_its_end) {
  NameTable names;
  EXPECT_EQ(names.find("mid"), std::nullopt);
  EXPECT_EQ(claim(names, "mid", mid), Claim::claimed);
  EXPECT_EQ(names.find("mid"), std::nullopt) << "it is not complete";
  EXPECT_EQ(claim(names, "mid", other), Claim::taken) << "all the same";
  EXPECT_TRUE(names.announce(mid));
  EXPECT_EQ(names.find("mid"), mid);
  EXPECT_EQ(names.path_of(mid), "mid");
  EXPECT_EQ(names.path_of({mid.slot, mid.generation + 1}), std::nullopt) << "who lives in its slot later";
  names.free(mid);
  EXPECT_EQ(names.find("mid"), std::nullopt);
  EXPECT_EQ(names.path_of(mid), std::nullopt);
  EXPECT_EQ(claim(names, "mid", other), Claim::claimed);
}

TEST(NameTable, frees_only_the_holder_s_own_name) {
  NameTable names;
  hold(names, "mid", mid);
  names.free(other);
  names.free({mid.slot, mid.generation + 1});
  EXPECT_EQ(names.find("mid"), mid);
  names.free_supervised("m", nobody);
  EXPECT_EQ(names.find("mid"), mid);
  names.free_supervised("n", everybody);
  EXPECT_EQ(names.find("mid"), mid);
}

TEST(NameTable, takes_the_names_of_the_supervised_and_leaves_the_rest) {
  NameTable names;
  hold(names, "mid", mid);
  hold(names, "mid/sub", sub, mid, "mid");
  hold(names, "mid/own", other, mid, "mid");
  names.free_supervised("mid/", [](Handle who) { return who == sub; });
  EXPECT_EQ(names.find("mid"), mid);
  EXPECT_EQ(names.find("mid/sub"), std::nullopt);
  EXPECT_EQ(names.find("mid/own"), other);
  hold(names, "mid/sub", x, mid, "mid");
  names.free(sub);
  EXPECT_EQ(names.find("mid/sub"), x) << "the old holder's end takes nothing from the new one";
}

TEST(NameTable, gives_no_name_below_one_that_was_lost) {
  NameTable names;
  hold(names, "mid/sub", sub);
  names.free_supervised("mid/", everybody);
  EXPECT_EQ(claim(names, "mid/sub/x", x, true, sub, "mid/sub"), Claim::outlived);
  hold(names, "mid/sub", other);  // its successor
  EXPECT_EQ(claim(names, "mid/sub/x", x, true, sub, "mid/sub"), Claim::outlived);
  EXPECT_EQ(claim(names, "mid/sub/x", x, true, other, "mid/sub"), Claim::claimed);
}

TEST(NameTable, takes_a_name_that_is_just_being_claimed_as_well) {
  NameTable names;
  hold(names, "mid/sub", sub);
  ASSERT_EQ(claim(names, "mid/sub/x", x, true, sub, "mid/sub"), Claim::claimed);
  ASSERT_EQ(claim(names, "mid/sub/y", mid, false, sub, "mid/sub"), Claim::claimed);
  names.free_supervised("mid/", nobody);  // no cell knows yet whether it is supervised
  EXPECT_EQ(claim(names, "mid/sub/x", other), Claim::claimed);
  EXPECT_FALSE(names.announce(x)) << "it lives on without a name";
  EXPECT_TRUE(names.announce(other));
  EXPECT_EQ(names.find("mid/sub/x"), other);
  EXPECT_TRUE(names.announce(mid)) << "nobody supervises it";
}

TEST(NameTable, tells_the_names_of_many_at_once) {
  NameTable names;
  hold(names, "mid", mid);
  hold(names, "x", x);
  std::vector<std::pair<Handle, std::string>> paths{{Handle{}, ""}, {mid, ""}, {sub, "left"}, {x, ""}, {{999, 1}, ""}};
  names.find_paths(paths);
  EXPECT_EQ(paths[1].second, "mid");
  EXPECT_EQ(paths[2].second, "left");
  EXPECT_EQ(paths[3].second, "x");
  EXPECT_EQ(paths[0].second + paths[4].second, "");
}

TEST(NameTable, has_one_holder_of_a_name_however_many_threads_want_it) {
  NameTable names;
  constexpr std::uint32_t threads_count = 4;
  constexpr std::uint32_t times_each = 5'000;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<std::uint32_t> won{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t slot = 0; slot < threads_count; ++slot) {
      threads.emplace_back([&, slot] {
        for (std::uint32_t life = 1; life <= times_each; ++life) {
          const Handle me{slot, life};
          while (claim(names, "one", me) != Claim::claimed) std::this_thread::yield();
          most = std::max(most.load(), ++inside);
          ++won;
          if (!names.announce(me) || names.path_of(me) != "one") ADD_FAILURE() << "it has lost its name";
          --inside;
          names.free(me);
        }
      });
    }
  }
  EXPECT_EQ(most.load(), 1);
  EXPECT_EQ(won.load(), threads_count * times_each) << "everybody comes to it";
  EXPECT_EQ(names.find("one"), std::nullopt);
}

}  // namespace
}  // namespace orrery
