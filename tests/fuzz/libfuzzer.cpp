// libfuzzer.cpp: one target as a libFuzzer program. `PROGRAM seeds FOLDER` writes its seeds, everything else is libFuzzer's.
#include "tests/fuzz/fuzz.hpp"

#include <fmt/core.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

const orrery::fuzz::Target& target() { return orrery::fuzz::targets().front(); }

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc != 3 || std::string_view{(*argv)[1]} != "seeds") return 0;
  const std::filesystem::path folder = (*argv)[2];
  std::filesystem::create_directories(folder);
  std::size_t number = 0;
  for (const std::string& seed : target().seeds()) {
    std::ofstream{folder / fmt::format("seed-{}", number++), std::ios::binary} << seed;
  }
  std::exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    target().check({reinterpret_cast<const char*>(data), size});
  } catch (const orrery::fuzz::Broken& broken) {
    fmt::print(stderr, "{}: broken promise: {}\n", target().name, broken.what());
    std::abort();
  }
  return 0;
}
