// input.hpp: a generated input of a property, its text, and simpler ones like it.
// Why:  the campaign and the shrinker must handle inputs of any type, and name any of them by a few numbers.
// How:  an input is the root of a tree whose children are simpler inputs, in a fixed order. An origin (seed and sizes)
//       names the root, a path of child indexes any other node, so that a shrunk input fits into a line of a record.
// Source:  the integrated shrinking of Hypothesis and rapidcheck; SPEC P1.
#pragma once
#include "orrery/core/describe.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace orrery::testkit {

/// One generated value and the simpler ones next to it.
template <class T>
class Sample {
 public:
  virtual ~Sample() = default;
  [[nodiscard]] virtual T value() const = 0;
  /// Returns: the simpler sample number `index`, or null when there are no more. Deterministic.
  [[nodiscard]] virtual std::unique_ptr<Sample> simpler(std::size_t index) const = 0;
};

/// What a generated input follows from.
struct InputOrigin {
  std::uint64_t seed = 0;
  int commands = 0;  ///< at most so many elements in each list, map or string
  int values = 0;    ///< how large numbers may get: 0 to 100, as rapidcheck means it
  friend bool operator==(const InputOrigin&, const InputOrigin&) = default;
};

/// How values of T are generated: `static std::unique_ptr<Sample<T>> generate(const InputOrigin& origin)`.
///
/// Defined for everything that rapidcheck can generate, and for aggregates of such, by <orrery/props/rapidcheck.hpp>;
/// specialise it for a type of your own.
template <class T>
struct Arbitrary;

/// The input of one run, without its type.
class Input {
 public:
  virtual ~Input() = default;
  [[nodiscard]] virtual std::string describe() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Input> simpler(std::size_t index) const = 0;
};

/// A property that needs no input.
class NoInput final : public Input {
 public:
  [[nodiscard]] std::string describe() const override { return {}; }
  [[nodiscard]] std::unique_ptr<Input> simpler(std::size_t) const override { return nullptr; }
};

template <class T>
class TypedInput final : public Input {
 public:
  explicit TypedInput(std::unique_ptr<Sample<T>> sample) : sample_{std::move(sample)} {}
  [[nodiscard]] T value() const { return sample_->value(); }
  [[nodiscard]] std::string describe() const override { return orrery::describe(sample_->value()); }
  [[nodiscard]] std::unique_ptr<Input> simpler(std::size_t index) const override {
    auto child = sample_->simpler(index);
    return child == nullptr ? nullptr : std::make_unique<TypedInput>(std::move(child));
  }

 private:
  std::unique_ptr<Sample<T>> sample_;
};

using MakeInput = std::function<std::unique_ptr<Input>(const InputOrigin& origin)>;

}  // namespace orrery::testkit
