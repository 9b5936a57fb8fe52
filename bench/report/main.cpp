// main.cpp: bench_report ROWS MEASURED [--json FILE] [--plot FILE]: prints the table; exit code 1 when a checksum is
// wrong or a figure is missing. bench/table.sh calls it.
#include "bench/report/figures.hpp"

#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

std::ifstream open(const char* name) {
  std::ifstream file{name};
  if (!file) throw std::runtime_error{std::string{"cannot read "} + name};
  return file;
}
void write(const char* name, const std::string& text) {
  std::ofstream file{name};
  file << text;
  file.close();
  if (!file) throw std::runtime_error{std::string{"cannot write "} + name};
}

int run(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0) throw std::runtime_error{"ROWS MEASURED [--json FILE] [--plot FILE]"};
  auto rows = open(argv[1]);
  auto measured = open(argv[2]);
  const auto report = orrery::bench::evaluate(orrery::bench::read_rows(rows), orrery::bench::read_measured(measured));
  std::fputs(orrery::bench::table(report).c_str(), stdout);
  for (int i = 3; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--json") {
      write(argv[i + 1], orrery::bench::json(report));
    } else if (flag == "--plot") {
      write(argv[i + 1], orrery::bench::plot(report));
    } else {
      throw std::runtime_error{"there is no flag " + std::string{flag}};
    }
  }
  for (const std::string& text : report.complaints) std::fprintf(stderr, "bench_report: %s\n", text.c_str());
  return report.complaints.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& trouble) {
    std::fprintf(stderr, "bench_report: %s\n", trouble.what());
    return 2;
  }
}
