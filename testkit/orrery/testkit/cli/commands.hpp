// commands.hpp: what the tool can do. Each returns its exit code.
#pragma once
#include "orrery/testkit/cli/arguments.hpp"

namespace orrery::cli {

int run_tests(const Arguments& arguments);  // run and explore
int replay_run(const Arguments& arguments);
int shrink_record(const Arguments& arguments);
int step_run(const Arguments& arguments);
int trace_run(const Arguments& arguments);
int keep_run(const Arguments& arguments);
int triage_folder(const Arguments& arguments);
int run_benchmarks(const Arguments& arguments);
int make_report(const Arguments& arguments);
int check_histories(const Arguments& arguments);
int look_at_machine(const Arguments& arguments);
int print_configuration(const Arguments& arguments);
int print_completion(const Arguments& arguments);
int begin_project(const Arguments& arguments);
/// `orrery --complete INDEX WORD...`: prints what may stand at that place of a command line, a candidate a line.
int complete(std::span<char* const> words);

/// All of them, in the order of the help.
const std::vector<Command>& commands();

}  // namespace orrery::cli
