// Goal:   what is known to be hard for the parsers stays solved, and what is near it, without a fuzzer.
// Method: each target gets its stored inputs (tests/fuzz/corpus/<target>: those that found a bug), its seeds, and mutations
//         of both that are drawn from a fixed seed. `./dev fuzz` searches further.
#include "tests/fuzz/fuzz.hpp"
#include "orrery/core/describe.hpp"
#include "orrery/core/entropy.hpp"
#include "orrery/core/hash.hpp"
#include "tests/support/scale.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace orrery {

namespace {

using fuzz::Target;
namespace files = std::filesystem;

/// Bytes that mean something to one parser or another.
constexpr std::string_view words[] = {
    "\n", "\r\n", "\t",  " ",        "\"",   "\\",   "\\u",  "{",   "}",       "[",        "]",
    "=",  "#",    ".",   "*",        ">",    "-",    "--",   ":",   "nil",     "true",     "18446744073709551616",
    "-1", "0x",   "1e9", "\xc3\xa9", "\x80", "\xff", "\x7f", "end", "parent=", "--orrery_"};

class Mutator {
 public:
  Mutator(std::vector<std::string> inputs, std::uint64_t stream)
      : inputs_{std::move(inputs)}, entropy_{0x5eed2026, stream} {}

  std::string next() {
    std::string text = one();
    for (std::uint64_t left = 1 + entropy_.below(4); left != 0; --left) change(text);
    return text;
  }

 private:
  const std::string& one() { return inputs_[below(inputs_.size())]; }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(entropy_.below(bound)); }
  std::size_t place(const std::string& text) { return below(text.size() + 1); }

  void change(std::string& text) {
    const std::size_t at = place(text);
    const std::size_t size = std::min(text.size() - at, 1 + below(16));
    switch (entropy_.below(7)) {
      case 0:  // another byte
        if (at < text.size()) text[at] = static_cast<char>(entropy_.below(256));
        break;
      case 1:  // another bit
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << entropy_.below(8)));
        break;
      case 2:
        text.erase(at, size);
        break;
      case 3:
        text.insert(at, words[below(std::size(words))]);
        break;
      case 4:  // the same again, perhaps far away
        text.insert(place(text), text.substr(at, size));
        break;
      case 5:
        text.resize(at);
        break;
      default: {  // the beginning of one, the end of another
        const std::string& other = one();
        text = text.substr(0, at) + other.substr(place(other));
      }
    }
  }

  std::vector<std::string> inputs_;
  Entropy entropy_;
};

std::vector<std::pair<std::string, std::string>> stored(const Target& target) {
  std::vector<files::path> paths;
  std::error_code none;
  for (const auto& entry : files::directory_iterator{files::path{"tests/fuzz/corpus"} / target.name, none}) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<std::pair<std::string, std::string>> inputs;
  for (const files::path& path : paths) {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    inputs.emplace_back(path.string(), std::move(text).str());
  }
  return inputs;
}

/// Returns: what is broken, or nothing.
std::string broken_by(const Target& target, std::string_view input) {
  try {
    target.check(input);
  } catch (const fuzz::Broken& broken) {
    return broken.what();
  }
  return {};
}

class Parsers : public testing::TestWithParam<Target> {};

TEST_P(Parsers, keep_their_promises_for_stored_inputs) {
  for (const auto& [path, input] : stored(GetParam())) EXPECT_EQ(broken_by(GetParam(), input), "") << path;
}

TEST_P(Parsers, keep_their_promises_for_seeds) {
  for (const std::string& seed : GetParam().seeds()) EXPECT_EQ(broken_by(GetParam(), seed), "") << describe(seed);
}

TEST_P(Parsers, keep_their_promises_for_mutations) {
  std::vector<std::string> inputs;
  for (auto& [path, input] : stored(GetParam())) inputs.push_back(std::move(input));
  for (std::string& seed : GetParam().seeds()) {
    if (seed.size() <= 4'000) inputs.push_back(std::move(seed));
  }
  Mutator mutator{std::move(inputs), hash_text(GetParam().name)};
  for (int left = test_support::scaled(4'000); left != 0; --left) {
    const std::string input = mutator.next();
    ASSERT_EQ(broken_by(GetParam(), input), "") << describe(input);
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Parsers, testing::ValuesIn(fuzz::targets()),
                         [](const auto& one) { return std::string{one.param.name}; });

}  // namespace

// GoogleTest prints a parameter with this.
namespace fuzz {
void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }
}  // namespace fuzz

}  // namespace orrery
