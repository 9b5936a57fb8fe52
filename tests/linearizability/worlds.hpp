// worlds.hpp: for each model a system that does what it says, and a second specification where the first one splits by key.
#pragma once
#include "orrery/core/entropy.hpp"
#include "orrery/testkit/models.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace orrery::testkit {

struct RegisterWorld {
  using Model = Register<std::int64_t>;
  using Oracle = Model;
  std::int64_t value = 0;
  static Model::Input any_input(Entropy& entropy) {
    const auto value = static_cast<std::int64_t>(entropy.below(3));
    switch (entropy.below(3)) {
      case 0:
        return Model::write(value);
      case 1:
        return Model::cas(static_cast<std::int64_t>(entropy.below(3)), value);
      default:
        return Model::read();
    }
  }
  Model::Output run(const Model::Input& input) {
    if (input.kind == Model::Input::Kind::read) return {value, true};
    const bool does = input.kind == Model::Input::Kind::write || value == input.expected;
    if (does) value = input.value;
    return {0, does};
  }
  static Model::Output any_output(Entropy& entropy) {
    const auto value = static_cast<std::int64_t>(entropy.below(3));
    return {value, entropy.below(2) == 0};
  }
};

/// All keys at once, with plain strings.
struct WholeKeyValue {
  using Input = KeyValue::Input;
  using Output = KeyValue::Output;
  std::map<std::string, std::string> texts;
  bool apply(const Input& input, const Output* output) {
    std::string& text = texts[input.key];
    const bool is_expected = text == input.expected;
    switch (input.kind) {
      case Input::Kind::get:
        return output == nullptr || output->value == text;
      case Input::Kind::put:
        text = input.value;
        return true;
      case Input::Kind::append:
        text += input.value;
        return true;
      case Input::Kind::cas:
        break;
    }
    if (is_expected) text = input.value;
    return output == nullptr || output->done == is_expected;
  }
};

struct KeyValueWorld {
  using Model = KeyValue;
  using Oracle = WholeKeyValue;
  std::map<std::string, std::string> texts;
  static std::string any_text(Entropy& entropy) { return entropy.below(2) == 0 ? "a" : "b"; }
  static Model::Input any_input(Entropy& entropy) {
    const std::string key = entropy.below(2) == 0 ? "x" : "y";
    const std::string text = any_text(entropy);
    switch (entropy.below(5)) {
      case 0:
        return Model::put(key, text);
      case 1:
        return Model::append(key, text);
      case 2:
        return Model::cas(key, any_text(entropy), text);
      default:
        return Model::get(key);
    }
  }
  Model::Output run(const Model::Input& input) {
    std::string& text = texts[input.key];
    if (input.kind == Model::Input::Kind::get) return {text, true};
    const bool does = input.kind != Model::Input::Kind::cas || text == input.expected;
    if (does) text = input.kind == Model::Input::Kind::append ? text + input.value : input.value;
    return {"", does};
  }
  static Model::Output any_output(Entropy& entropy) {
    const std::string text = any_text(entropy);
    return {text, entropy.below(2) == 0};
  }
};

struct QueueWorld {
  using Model = FifoQueue<std::int64_t>;
  using Oracle = Model;
  Model model;
  static Model::Input any_input(Entropy& entropy) {
    const auto value = static_cast<std::int64_t>(entropy.below(4));
    return entropy.below(2) == 0 ? Model::enqueue(value) : Model::dequeue();
  }
  Model::Output run(const Model::Input& input) {
    const Model::Output output = model.values.empty() ? Model::Output{} : Model::Output{model.values.front()};
    model.apply(input, nullptr);
    return output;
  }
  static Model::Output any_output(Entropy& entropy) {
    const auto value = static_cast<std::int64_t>(entropy.below(5));
    return value == 4 ? Model::Output{} : Model::Output{value};
  }
};

struct SetWorld {
  using Model = Set<std::int64_t>;
  using Oracle = Model;
  Model model;
  static Model::Input any_input(Entropy& entropy) {
    const auto value = static_cast<std::int64_t>(entropy.below(2));
    switch (entropy.below(5)) {
      case 0:
        return Model::remove(value);
      case 1:
        return Model::contains(value);
      case 2:
        return Model::read();
      default:
        return Model::add(value);
    }
  }
  Model::Output run(const Model::Input& input) {
    model.apply(input, nullptr);
    return {model.values.contains(input.value), model.values};
  }
  static Model::Output any_output(Entropy& entropy) {
    Model::Output output{entropy.below(2) == 0, {}};
    if (entropy.below(2) == 0) output.values.insert(0);
    if (entropy.below(2) == 0) output.values.insert(1);
    return output;
  }
};

struct MutexWorld {
  using Model = Mutex;
  using Oracle = Model;
  static Model::Input any_input(Entropy& entropy) {
    return entropy.below(2) == 0 ? Model::Input::acquire : Model::Input::release;
  }
  static Model::Output run(const Model::Input&) { return {}; }
  static Model::Output any_output(Entropy&) { return {}; }
};

}  // namespace orrery::testkit
