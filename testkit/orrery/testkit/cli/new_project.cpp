// new_project.cpp: orrery new NAME: a project that builds against an installed Orrery, passes its test, and is to be changed.
// How:  the files stand here as they will stand there, but for the name, and for #include, by which tests/build would take
//       their layers for ours. The name goes into file names and targets only, so one that C++ has a meaning for does no harm.
#include "orrery/testkit/cli/commands.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

namespace orrery::cli {

namespace {

namespace files = std::filesystem;

struct File {
  std::string_view name;
  std::string_view text;
};

constexpr std::array<File, 6> all_files{{
    {"CMakeLists.txt", R"(cmake_minimum_required(VERSION 3.25)
project(@NAME@ LANGUAGES CXX)
find_package(orrery CONFIG REQUIRED COMPONENTS gtest_main)

# What is shipped: no simulator, no GoogleTest.
add_executable(@NAME@ main.cpp)
target_link_libraries(@NAME@ PRIVATE orrery::runtime)

# The same actors in the simulator. Each property is a ctest.
add_executable(@NAME@_test @NAME@_test.cpp)
target_link_libraries(@NAME@_test PRIVATE orrery::gtest_main)
orrery_discover_tests(@NAME@_test)
)"},
    {"@NAME@.hpp", R"(// @NAME@.hpp: ten tickets and two clerks who sell them; an example to be replaced.
#pragma once
@INCLUDE@ <orrery/actor.hpp>

@INCLUDE@ <array>
@INCLUDE@ <expected>

struct SoldOut {
  int left;
};
struct Take {  // a message with a Reply is answered
  using Reply = std::expected<int, SoldOut>;
  int count;
};
struct CountLeft {
  using Reply = int;
};
struct Sell {
  int count;
};

/// Any struct with `handle` overloads is an actor. One message at a time, so its state needs no lock.
struct Tickets {
  int left = 10;
  Take::Reply handle(Take m) {
    if (m.count > left) return std::unexpected(SoldOut{left});
    return left -= m.count;
  }
  int handle(CountLeft) { return left; }
};

struct Clerk {
  orrery::Ref<Tickets> tickets;
  int sold = 0;
  void handle(Sell m) {
    if (tickets.ask(Take{m.count}, orrery::no_timeout)) sold += m.count;  // suspends this fiber, never its thread
  }
};

struct Office {
  orrery::Ref<Tickets> tickets;
  std::array<orrery::Ref<Clerk>, 2> clerk;
};

/// Builds the system in either world.
inline Office open_office(orrery::Runtime& rt) {
  const orrery::Ref<Tickets> tickets = rt.spawn("tickets", Tickets{});
  return {tickets, {rt.spawn("clerk#0", Clerk{tickets}), rt.spawn("clerk#1", Clerk{tickets})}};
}
)"},
    {"@NAME@_test.cpp", R"(// @NAME@_test.cpp: what must hold, whoever runs first and whatever is asked for.
@INCLUDE@ "@NAME@.hpp"

@INCLUDE@ <gtest/gtest.h>

@INCLUDE@ <orrery/test.hpp>

@INCLUDE@ <cstdint>
@INCLUDE@ <vector>

struct Customer {  // made up, printed and shrunk field by field
  std::uint8_t clerk;
  std::uint8_t wants;
};

TEST(Tickets, NoneIsSoldTwice) {
  orrery::sim::check([](orrery::sim::World& w, const std::vector<Customer>& queue) {
    const Office office = open_office(w);
    w.always("no less than none left", [&] { return w.peek(office.tickets).left >= 0; });
    w.sometimes("sold out", [&] { return w.peek(office.tickets).left == 0; });
    for (const Customer& c : queue) office.clerk[c.clerk % 2].tell(Sell{c.wants % 5});
    w.run();
    const int sold = w.peek(office.clerk[0]).sold + w.peek(office.clerk[1]).sold;
    EXPECT_EQ(sold + w.peek(office.tickets).left, 10);
  });
}
)"},
    {"main.cpp", R"(// main.cpp: the same actors on threads.
@INCLUDE@ "@NAME@.hpp"

@INCLUDE@ <orrery/system.hpp>

@INCLUDE@ <chrono>
@INCLUDE@ <cstdio>

int main(int argc, char** argv) {
  orrery::System system{argc, argv};
  const Office office = open_office(system);
  for (std::size_t customer = 0; customer < 8; ++customer) office.clerk[customer % 2].tell(Sell{2});
  if (!system.await_quiescence(std::chrono::seconds{30})) return 1;
  const int left = office.tickets.ask(CountLeft{}).value_or(-1);
  std::printf("tickets left: %d\n", left);
  return left == 0 ? 0 : 1;
}
)"},
    {"README.md", R"(# @NAME@

    cmake -S . -B build/dev -D CMAKE_BUILD_TYPE=RelWithDebInfo
    cmake --build build/dev
    ctest --test-dir build/dev --output-on-failure
    build/dev/@NAME@

`@NAME@.hpp` has the actors, `@NAME@_test.cpp` what must hold for them, `main.cpp` the program that is shipped. To see a failure
explain itself, delete the line with `std::unexpected(SoldOut` from `@NAME@.hpp`, build, and test again: the report ends with a
command that makes the failing run again, step by step. `orrery run --runs 100000` looks further on all cores; `orrery help` shows
what else there is.
)"},
    {".gitignore", "/build/\n/orrery-out/\n"},
}};

void replace_all(std::string& text, std::string_view mark, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += by.size()) {
    text.replace(at, mark.size(), by);
  }
}

std::string filled_in(std::string_view text, std::string_view name) {
  std::string filled{text};
  replace_all(filled, "@NAME@", name);
  replace_all(filled, "@INCLUDE@", "#include");
  return filled;
}

bool is_good(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto may_follow = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, may_follow);
}

/// Names of targets that CMake or Ninja has already.
bool is_taken(std::string_view name) {
  constexpr std::array<std::string_view, 10> taken{"all",           "clean",   "edit_cache",     "help",
                                                   "install",       "package", "package_source", "preinstall",
                                                   "rebuild_cache", "test"};
  return std::ranges::find(taken, name) != taken.end();
}

}  // namespace

int begin_project(const Arguments& arguments) {
  if (arguments.words.empty()) refuse("new needs a NAME (orrery help new says more)");
  const std::string& name = arguments.words.front();
  if (!is_good(name)) refuse(fmt::format("{} is no name: small letters, digits, _ and -, a letter first", name));
  if (is_taken(name)) refuse(fmt::format("{} is a name that CMake needs for itself", name));
  std::error_code error;
  if (!files::create_directory(name, error)) {
    refuse(error ? fmt::format("cannot make the folder {}: {}", name, error.message())
                 : fmt::format("there is a {} already, and nothing is written over", name));
  }
  for (const File& file : all_files) {
    const files::path path = files::path{name} / filled_in(file.name, name);
    std::ofstream stream{path};
    stream << filled_in(file.text, name);
    stream.close();
    if (!stream) refuse(fmt::format("cannot write {}", path.string()));
    fmt::print("{}\n", path.string());
  }
  fmt::print("next: {}/README.md has the commands\n", name);
  return exit_held;
}

}  // namespace orrery::cli
