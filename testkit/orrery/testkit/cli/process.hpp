// process.hpp: programs that the tool runs.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace orrery::cli {

using Variables = std::vector<std::pair<std::string, std::string>>;

struct Ran {
  int code = 0;        ///< as a shell has it: 128 and the signal, for a program that died of one
  std::string output;  ///< of stdout, where it was kept
};

enum class Output : unsigned char { shown, kept, dropped };

/// Runs a program and waits for it. What is in `variables` is added to its environment. While it runs, Ctrl-C is its affair.
[[nodiscard]] Ran run_program(const std::vector<std::string>& words, const Variables& variables = {},
                              Output output = Output::shown);
/// Becomes another program. Returns: only when that cannot be.
void become(const std::vector<std::string>& words, const Variables& variables = {});

/// Returns: where this executable stands.
[[nodiscard]] std::string own_folder();

}  // namespace orrery::cli
