// input.hpp: a generated input of a property, its text, and simpler ones like it.
// Why:  the campaign and the shrinker must handle inputs of any type, and name any of them by a few numbers.
// How:  an input is the root of a tree whose children are simpler inputs, in a fixed order. An origin (seed and sizes)
//       names the root, a path of child indexes any other node, so that a shrunk input fits into a line of a record.
// Source:  the integrated shrinking of Hypothesis and rapidcheck; SPEC P1.
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/testkit/detail/input_parts.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

/// A simple value somewhere in an input.
struct InputPart {
  std::string name;   ///< "input[1].amount"
  std::string value;  ///< as text
};

/// The input of one run, without its type.
class Input {
 public:
  virtual ~Input() = default;
  [[nodiscard]] virtual std::string describe() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Input> simpler(std::size_t index) const = 0;
  /// Returns: what it is made of; nothing when that cannot be exchanged.
  [[nodiscard]] virtual std::vector<InputPart> parts() const { return {}; }
  /// Returns: this input with the `nth` part of the same sort in `other` in the place of part `part`; null when `other`
  /// does not have so many.    Pre: `other` comes from the same generator.
  [[nodiscard]] virtual std::unique_ptr<Input> with_part_of(std::size_t part, const Input& other,
                                                            std::size_t nth) const {
    static_cast<void>(part), static_cast<void>(other), static_cast<void>(nth);
    return nullptr;
  }
};

/// A property that needs no input.
class NoInput final : public Input {
 public:
  [[nodiscard]] std::string describe() const override { return {}; }
  [[nodiscard]] std::unique_ptr<Input> simpler(std::size_t) const override { return nullptr; }
};

/// A value that is what it is.
template <class T>
class FixedSample final : public Sample<T> {
 public:
  explicit FixedSample(T value) : value_{std::move(value)} {}
  [[nodiscard]] T value() const override { return value_; }
  [[nodiscard]] std::unique_ptr<Sample<T>> simpler(std::size_t) const override { return nullptr; }

 private:
  T value_;
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
  [[nodiscard]] std::vector<InputPart> parts() const override {
    std::vector<InputPart> all;
    const T value = sample_->value();
    detail::for_each_part(value, named_, [&](const detail::PartName& at, const auto& part) {
      all.push_back({.name = at.name, .value = orrery::describe(part)});
    });
    return all;
  }
  [[nodiscard]] std::unique_ptr<Input> with_part_of(std::size_t part, const Input& other,
                                                    std::size_t nth) const override {
    T changed = sample_->value();
    const T theirs = static_cast<const TypedInput&>(other).value();
    std::size_t place = 0;
    bool is_done = false;
    detail::for_each_part(changed, named_, [&]<class Part>(const detail::PartName& at, Part& mine) {
      if (place++ != part) return;
      if constexpr (std::copyable<Part>) {
        std::size_t seen = 0;
        detail::for_each_part(theirs, named_, [&]<class Their>(const detail::PartName& there, const Their& their) {
          if constexpr (std::same_as<Part, Their>) {
            if (there.sort != at.sort || seen++ != nth) return;
            mine = their;
            is_done = true;
          }
        });
      }
    });
    return is_done ? std::make_unique<TypedInput>(std::make_unique<FixedSample<T>>(std::move(changed))) : nullptr;
  }

 private:
  inline static const detail::PartName named_{.name = "input", .sort = {}};
  std::unique_ptr<Sample<T>> sample_;
};

using MakeInput = std::function<std::unique_ptr<Input>(const InputOrigin& origin)>;

}  // namespace orrery::testkit
