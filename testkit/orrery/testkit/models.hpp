// models.hpp: the specifications that systems are checked against most, and examples of how to write one's own.
// How:  each is the state of one object, with a list of inputs, one struct of outputs, and apply(). See LinearizableModel in
//       linearizability.hpp for what is asked of a model.
// Note: an output of an operation that returns nothing is not looked at; record it with `ok(process)`.
#pragma once
#include "orrery/core/describe.hpp"
#include "orrery/testkit/detail/shared_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace orrery::testkit {
namespace detail {
/// A text that orrery::describe prints as it is.
template <class... Parts>
[[nodiscard]] std::string called(std::string_view name, const Parts&... parts) {
  std::string text{name};
  text += '(';
  [[maybe_unused]] bool is_first = true;
  ((text += std::exchange(is_first, false) ? "" : ", ", describe_to(text, parts)), ...);
  return text + ')';
}
}  // namespace detail

/// One value that is read, written, and compared and set.
template <class Value = std::int64_t>
struct Register {
  struct Input {
    enum class Kind : std::uint8_t { read, write, cas } kind = Kind::read;
    Value value{};     ///< to write
    Value expected{};  ///< for cas: only if it is this
    friend bool operator==(const Input&, const Input&) = default;
    friend std::string orrery_describe(const Input& input) {
      if (input.kind == Kind::read) return "read()";
      if (input.kind == Kind::write) return detail::called("write", input.value);
      return detail::called("cas", input.expected, input.value);
    }
  };
  /// What was read; or whether a cas found what it expected.
  struct Output {
    Value value{};
    bool done = true;
    friend bool operator==(const Output&, const Output&) = default;
    friend std::string orrery_describe(const Output& output) {
      return output.done ? describe(output.value) : std::string{"refused"};
    }
  };
  static Input read() { return {Input::Kind::read, {}, {}}; }
  static Input write(Value value) { return {Input::Kind::write, std::move(value), {}}; }
  static Input cas(Value expected, Value value) { return {Input::Kind::cas, std::move(value), std::move(expected)}; }

  Value value{};

  bool apply(const Input& input, const Output* output) {
    switch (input.kind) {
      case Input::Kind::read:
        return output == nullptr || output->value == value;
      case Input::Kind::write:
        value = input.value;
        return true;
      case Input::Kind::cas:
        break;
    }
    const bool is_expected = value == input.expected;
    if (output != nullptr && output->done != is_expected) return false;
    if (is_expected) value = input.value;
    return true;
  }
  static bool is_read(const Input& input) { return input.kind == Input::Kind::read; }
  static bool overwrites(const Input& input) { return input.kind == Input::Kind::write; }
  bool leads_to(const Input&, const Output& output, std::span<const Input* const> others) const {
    return value == output.value || std::ranges::any_of(others, [&](const Input* other) {
             return other->kind != Input::Kind::read && other->value == output.value;
           });
  }
  friend bool operator==(const Register&, const Register&) = default;
  friend std::string orrery_describe(const Register& state) { return describe(state.value); }
};

/// Texts by key; a key that was never written has the text "". Each key is checked by itself, so the state is one text.
struct KeyValue {
  struct Input {
    enum class Kind : std::uint8_t { get, put, append, cas } kind = Kind::get;
    std::string key{};
    std::string value{};
    std::string expected{};
    friend bool operator==(const Input&, const Input&) = default;
    friend std::string orrery_describe(const Input& input) {
      if (input.kind == Kind::get) return detail::called("get", input.key);
      if (input.kind == Kind::put) return detail::called("put", input.key, input.value);
      if (input.kind == Kind::append) return detail::called("append", input.key, input.value);
      return detail::called("cas", input.key, input.expected, input.value);
    }
  };
  /// What was read; or whether a cas found what it expected.
  struct Output {
    std::string value{};
    bool done = true;
    friend bool operator==(const Output&, const Output&) = default;
    friend std::string orrery_describe(const Output& output) {
      return output.done ? describe(output.value) : std::string{"refused"};
    }
  };
  static Input get(std::string key) { return {Input::Kind::get, std::move(key), {}, {}}; }
  static Input put(std::string key, std::string value) {
    return {Input::Kind::put, std::move(key), std::move(value), {}};
  }
  static Input append(std::string key, std::string value) {
    return {Input::Kind::append, std::move(key), std::move(value), {}};
  }
  static Input cas(std::string key, std::string expected, std::string value) {
    return {Input::Kind::cas, std::move(key), std::move(value), std::move(expected)};
  }

  detail::SharedText value;

  bool apply(const Input& input, const Output* output) {
    switch (input.kind) {
      case Input::Kind::get:
        return output == nullptr || value == output->value;
      case Input::Kind::put:
        value = detail::SharedText{input.value};
        return true;
      case Input::Kind::append:
        value.append(input.value);
        return true;
      case Input::Kind::cas:
        break;
    }
    const bool is_expected = value == std::string_view{input.expected};
    if (output != nullptr && output->done != is_expected) return false;
    if (is_expected) value = detail::SharedText{input.value};
    return true;
  }
  static const std::string& key_of(const Input& input) { return input.key; }
  static bool is_read(const Input& input) { return input.kind == Input::Kind::get; }
  static bool overwrites(const Input& input) { return input.kind == Input::Kind::put; }
  /// What was read begins with what is there and is appended to, or with what was put there.
  bool leads_to(const Input&, const Output& output, std::span<const Input* const> others) const {
    return value.is_prefix_of(output.value) || std::ranges::any_of(others, [&](const Input* other) {
             return (other->kind == Input::Kind::put || other->kind == Input::Kind::cas) &&
                    output.value.starts_with(other->value);
           });
  }
  friend bool operator==(const KeyValue&, const KeyValue&) = default;
  friend std::string orrery_describe(const KeyValue& state) { return describe(state.value); }
};

/// First in, first out. A dequeue that found nothing has the output `none`.
template <class Value = std::int64_t>
struct FifoQueue {
  struct Input {
    enum class Kind : std::uint8_t { enqueue, dequeue } kind = Kind::dequeue;
    Value value{};
    friend bool operator==(const Input&, const Input&) = default;
    friend std::string orrery_describe(const Input& input) {
      return input.kind == Kind::enqueue ? detail::called("enqueue", input.value) : "dequeue()";
    }
  };
  using Output = std::optional<Value>;
  static Input enqueue(Value value) { return {Input::Kind::enqueue, std::move(value)}; }
  static Input dequeue() { return {Input::Kind::dequeue, {}}; }

  std::deque<Value> values;

  bool apply(const Input& input, const Output* output) {
    if (input.kind == Input::Kind::enqueue) {
      values.push_back(input.value);
      return true;
    }
    if (values.empty()) return output == nullptr || !output->has_value();
    if (output != nullptr && *output != values.front()) return false;
    values.pop_front();
    return true;
  }
  friend bool operator==(const FifoQueue&, const FifoQueue&) = default;
  friend std::string orrery_describe(const FifoQueue& state) { return describe(state.values); }
};

/// Values are added, removed, looked for, or read all together. Adding what is there and removing what is not change nothing.
template <class Value = std::int64_t>
struct Set {
  struct Input {
    enum class Kind : std::uint8_t { add, remove, contains, read } kind = Kind::read;
    Value value{};
    friend bool operator==(const Input&, const Input&) = default;
    friend std::string orrery_describe(const Input& input) {
      constexpr std::string_view names[] = {"add", "remove", "contains"};
      if (input.kind == Kind::read) return "read()";
      return detail::called(names[static_cast<std::size_t>(input.kind)], input.value);
    }
  };
  /// Whether it is there (contains), or what is there (read).
  struct Output {
    std::optional<bool> found{};
    std::set<Value> values{};
    friend bool operator==(const Output&, const Output&) = default;
    friend std::string orrery_describe(const Output& output) {
      return output.found ? describe(*output.found) : describe(output.values);
    }
  };
  static Input add(Value value) { return {Input::Kind::add, std::move(value)}; }
  static Input remove(Value value) { return {Input::Kind::remove, std::move(value)}; }
  static Input contains(Value value) { return {Input::Kind::contains, std::move(value)}; }
  static Input read() { return {Input::Kind::read, {}}; }

  std::set<Value> values;

  bool apply(const Input& input, const Output* output) {
    switch (input.kind) {
      case Input::Kind::add:
        values.insert(input.value);
        return true;
      case Input::Kind::remove:
        values.erase(input.value);
        return true;
      case Input::Kind::contains:
        return output == nullptr || output->found == values.contains(input.value);
      case Input::Kind::read:
        break;
    }
    return output == nullptr || output->values == values;
  }
  static bool is_read(const Input& input) {
    return input.kind == Input::Kind::contains || input.kind == Input::Kind::read;
  }
  friend bool operator==(const Set&, const Set&) = default;
  friend std::string orrery_describe(const Set& state) { return describe(state.values); }
};

/// A lock that is free at first. Whoever acquires it waits until it is free; releasing a free one is illegal.
struct Mutex {
  enum class Input : std::uint8_t { acquire, release };
  struct Output {
    friend bool operator==(const Output&, const Output&) = default;
  };

  bool is_held = false;

  bool apply(const Input& input, const Output*) {
    const bool is_legal = is_held == (input == Input::release);
    is_held = input == Input::acquire;
    return is_legal;
  }
  friend bool operator==(const Mutex&, const Mutex&) = default;
  friend std::string orrery_describe(const Mutex& state) { return state.is_held ? "held" : "free"; }
};

}  // namespace orrery::testkit
