// cell_model.hpp: a model for histories: cells by key, each read or written.
#pragma once
#include <optional>
#include <string>

namespace orrery::testing {

/// What `Model` of check_linearizable() wants. An operation's output is the value that the cell then has.
struct Cell {
  struct Input {
    std::string key;
    std::optional<int> put;  ///< none: a read
  };
  using Output = int;
  int value = 0;
  friend bool operator==(const Cell&, const Cell&) = default;
  static std::string key_of(const Input& input) { return input.key; }
  bool apply(const Input& input, const Output* output) {
    if (input.put) value = *input.put;
    return output == nullptr || *output == value;
  }
};

}  // namespace orrery::testing
