// fuzz.hpp: what a fuzz target is, and what all of them ask of a parser.
// Why:  whatever reads bytes from outside (a pasted token, a file of another system, an environment, what a process that is
//       about to crash has written) meets bytes that nobody has thought of. A target says what must hold for any of them.
// How:  a target is a function of one input, which throws Broken when a promise is not kept, and inputs to begin with. The
//       same file is linked into a libFuzzer program of its own (`./dev fuzz`: new inputs, for as long as one likes) and, with
//       all others, into the suite `fuzz` (stored inputs and a few thousand mutations of them, the same every time).
// Always true:  (Z1) a target depends on its input alone, so that an input that broke a promise once does so again
// Source:       libFuzzer (llvm.org/docs/LibFuzzer.html) for the searching half.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::fuzz {

/// A promise that an input has broken.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws: Broken, with `promise`, unless `fact`.
inline void require(bool fact, const std::string& promise) {
  if (!fact) throw Broken{promise};
}

/// What a person is told about an input that is refused is one line that a terminal shows as it is.
inline void require_clear_line(std::string_view error) {
  require(!error.empty(), "an error says something");
  require(error.size() <= 2'000, "an error is not as long as what is wrong: " + std::string{error.substr(0, 200)});
  for (const char c : error) {
    const auto byte = static_cast<unsigned char>(c);
    require(byte >= 0x20 && byte != 0x7f, "an error is one line without control characters");
  }
}

struct Target {
  std::string_view name;
  void (*check)(std::string_view input);
  std::vector<std::string> (*seeds)();  ///< inputs to begin with, also large ones
};

/// The targets that are linked into this program, in the order of their names.
[[nodiscard]] const std::vector<Target>& targets();

/// Put at namespace scope of a target's file.
struct Registered {
  explicit Registered(const Target& target);
};

/// Returns: `text` as often as asked.
[[nodiscard]] inline std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// So many digits, letters or lines do seeds have where nothing in a parser may grow with their square.
inline constexpr std::size_t many = 1'000'000;

}  // namespace orrery::fuzz
