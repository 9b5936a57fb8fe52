// main.cpp: the bank in production.
//   bank [--threads N] [--config]     runs at full load for five seconds, or until Ctrl-C
#include "run_load.hpp"

int main(int argc, char** argv) {
  orrery::System system{argc, argv};
  const std::string summary = bank::run_load(system, std::chrono::seconds{5});
  fmt::print("{}\n", summary.empty() ? "money was lost" : summary);
  return summary.empty() ? 1 : 0;
}
