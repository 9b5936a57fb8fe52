// orrery: drives test programs that are linked with orrery::gtest_main. Nothing needs it: all that it does can be done with
// environment variables and the test program itself.
#include "orrery/testkit/cli/commands.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>

namespace orrery::cli {

namespace {

std::vector<Flag> with(std::vector<Flag> own) {
  for (const Flag& flag : {Flag{"--build", true, ""}, Flag{"--binary", true, ""}, Flag{"--out", true, "ORRERY_OUT"},
                           Flag{"--max-steps", true, "ORRERY_MAX_STEPS"}}) {
    own.push_back(flag);
  }
  return own;
}

std::vector<Flag> with_campaign(std::vector<Flag> own) {
  own = with(std::move(own));
  for (const Flag& flag :
       {Flag{"--jobs", true, "ORRERY_JOBS"}, Flag{"--runs", true, "ORRERY_RUNS"}, Flag{"--time", true, "ORRERY_TIME"},
        Flag{"--seed", true, "ORRERY_SEED"}, Flag{"--strategy", true, "ORRERY_STRATEGY"},
        Flag{"--grain", true, "ORRERY_GRAIN"}, Flag{"--faults", true, "ORRERY_FAULTS"},
        Flag{"--regressions", true, "ORRERY_REGRESSIONS"}, Flag{"--strict", false, "ORRERY_STRICT"},
        Flag{"--verbose", false, "ORRERY_VERBOSE"}, Flag{"--json", true, ""}, Flag{"--junit", true, ""}}) {
    own.push_back(flag);
  }
  return own;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> all{
      {"run", "[FILTER]", "check every property that matches, as CI does",
       "  orrery run                      all properties of the newest build, on all cores\n"
       "  orrery run 'Bank.*' --runs 50000\n"
       "  orrery run Bank --json events.jsonl --junit junit.xml\n\n"
       "FILTER is GoogleTest's; a word without wildcard or dot is a part of a name.\n"
       "  -j, --jobs N      worker processes for each property (all cores)\n"
       "  --runs N, --time 60s   how much for each property\n"
       "  --strategy NAME, --grain NAME, --faults NAME, --seed N, --max-steps N\n"
       "  --strict          a `sometimes` that never held is an exit code 4\n"
       "  --json FILE       one line of JSON per event;   --junit FILE   JUnit of all programs\n",
       with_campaign({})},
      {"explore", "[FILTER]", "go on after a failure, collect different ones",
       "  orrery explore Bank --time 8h\n"
       "  orrery explore Bank --time 8h --stop-after 3\n"
       "  orrery explore Bank --time 8h --resume       where the last night ended\n"
       "  orrery explore Bank --time 8h --swarm        another configuration for every run\n\n"
       "  --swarm           each run draws strategy, grain, faults and budgets of its own\n\n"
       "Takes what run takes; without --time and --runs, one minute for each property. Where it has come to stands in\n"
       "orrery-out/<Suite.Test>/campaign.state.\n",
       with_campaign({{"--stop-after", true, "ORRERY_STOP_AFTER"},
                      {"--swarm", false, "ORRERY_SWARM"},
                      {"--resume", false, "ORRERY_RESUME"}})},
      {"replay", "TOKEN|FILE", "make one run again",
       "  orrery replay b7k2-9f3c\n"
       "  orrery replay orrery-out/latest/failure.orrery --gdb\n\n"
       "  --loose        follow a record as far as it fits; otherwise exit code 5 when it does not\n"
       "  --until STEP   tell only what happens before that step, and what all actors are then\n"
       "  --verbose      tell every step, however many; of a record, every event as it happens\n"
       "  --twice        in two processes, which must do the same (else exit code 3)\n"
       "  --gdb          stop in gdb before the last step, or before --until STEP, and go on into its handler\n"
       "                 (GDB names another debugger); there, info actors, actor NAME, help actor\n",
       with({{"--loose", false, ""},
             {"--until", true, ""},
             {"--verbose", false, "ORRERY_VERBOSE"},
             {"--twice", false, ""},
             {"--gdb", false, ""}})},
      {"shrink", "FILE", "make a record smaller still",
       "  orrery shrink orrery-out/latest/failure.orrery --time 1m\n\nThe smaller record takes its place in --out.\n",
       with({{"--time", true, "ORRERY_TIME"}, {"--verbose", false, "ORRERY_VERBOSE"}})},
      {"step", "FILE|TOKEN|TEST", "decide yourself who goes next",
       "  orrery step Bank.MoneyIsConserved\n  echo '0' | orrery step orrery-out/latest/failure.orrery --json\n\n"
       "Each choice is printed with its options; a number is read, an empty line is 0, r goes on at random, q ends.\n",
       with({{"--json", false, ""}, {"--seed", true, "ORRERY_SEED"}, {"--verbose", false, "ORRERY_VERBOSE"}})},
      {"trace", "FILE|TOKEN, or diff A B", "print the events of a run",
       "  orrery trace orrery-out/latest/failure.orrery --actor alice\n"
       "  orrery trace orrery-out/latest/trace.jsonl --causes-of 9\n"
       "  orrery trace orrery-out/latest/trace.jsonl --to svg > run.svg\n"
       "  orrery trace diff old.jsonl new.jsonl\n\n"
       "  --actor A, --msg M   only those;   --causes-of STEP   only what led to it\n"
       "  --to FORMAT          text, jsonl, short, mermaid, perfetto, shiviz, svg or scenario (a test)\n",
       with({{"--actor", true, ""}, {"--msg", true, ""}, {"--causes-of", true, ""}, {"--to", true, ""}}), 3},
      {"keep", "TOKEN|FILE", "replay this failure first from now on",
       "  orrery keep b7k2-9f3c\n\nThe record goes to orrery-regressions/<Suite.Test>/, to be committed.\n",
       with({{"--regressions", true, "ORRERY_REGRESSIONS"}})},
      {"triage", "[DIR]", "group failures, print Markdown for an issue", "  orrery triage orrery-out > issue.md\n", {}},
      {"bench",
       "[FILTER]",
       "run the benchmarks, say what became slower",
       "  orrery bench --json main.json                 measure, and store it\n"
       "  orrery bench --compare main.json              measure again: exit code 1 when something is slower\n"
       "  orrery bench actor --benchmark_min_time=0.1   those of actor_bench; or FILTER is a regular expression\n\n"
       "Runs the programs *_bench of the newest build (or of --build, --binary); --benchmark_... is passed on to "
       "them.\n"
       "  --compare FILE    a table of what has changed since; --from FILE compares two files and measures nothing\n"
       "  --threshold P     per cent by which the medians must differ (5)\n"
       "  --json FILE       all that was measured, as --benchmark_out has it\n\n"
       "Slower or faster is what differs by more than the threshold, and by Mann-Whitney's U test with p < 1 %; that\n"
       "takes 5 repetitions, and 9 are made unless --benchmark_repetitions says otherwise. Fewer are `unclear`.\n",
       {{"--build", true, ""},
        {"--binary", true, ""},
        {"--compare", true, ""},
        {"--from", true, ""},
        {"--threshold", true, ""},
        {"--json", true, ""}},
       1,
       "--benchmark_"},
      {"report",
       "DIR|FILE",
       "make the page to look at a run again: report.html",
       "  orrery report orrery-out/latest\n"
       "  orrery report trace.jsonl\n"
       "  orrery report production.jsonl --output look.html\n\n"
       "DIR is the folder of a failure: its report.html gets the page of this version, around the same data; without\n"
       "one it is made from its trace.jsonl. FILE is one of these, or a log with a JSON object in each line.\n"
       "  --output FILE   where to (report.html in DIR, FILE with the ending .html)\n",
       {{"--output", true, ""}}},
      {"check-history",
       "FILE...",
       "check operation histories of other systems for linearizability",
       "  orrery check-history tests/histories/register_ok.edn --model register\n"
       "  orrery check-history *.edn --model kv --time 60s --json\n\n"
       "FILE is EDN as Jepsen and Knossos write it, or the lines that jepsen.util logs.\n"
       "  --model M         register, cas-register, kv, queue, set or mutex\n"
       "  --init N          what a register holds at first (nil)\n"
       "  --nil-read any    an :ok read of nil in EDN did not say what it read\n"
       "  --steps N         how much for each file (50000000);   --time 60s   how long for all of them\n"
       "  --json            one line of JSON per file, and a summary\n"
       "Exit codes: 0 all are ok, 1 one is violated, 4 one is unknown, 2 one cannot be read.\n",
       {{"--model", true, ""},
        {"--init", true, ""},
        {"--nil-read", true, ""},
        {"--steps", true, ""},
        {"--time", true, ""},
        {"--json", false, ""}},
       static_cast<std::size_t>(-1)},
      {"new",
       "NAME",
       "begin a project: an actor, a property, a program",
       "  orrery new tickets && cat tickets/README.md\n\n"
       "Writes a folder NAME that builds against an installed Orrery and passes its test. Nothing is written over.\n",
       {}},
      {"doctor", "", "look at the leak guard, compiler, debug information, ASLR",
       "  orrery doctor\n\nExit code 1 when a test program is not sealed: its runs cannot be repeated.\n", with({}), 0},
      {"config", "", "print the effective configuration and where it comes from", "  orrery config --runs 5\n",
       with_campaign({}), 0},
      {"completion",
       "bash|zsh",
       "print what makes a shell complete commands, flags and tests",
       "  source <(orrery completion bash)\n",
       {}},
      {"zoo", "ARGS...", "run the zoo, a library of small programs with bugs", "  orrery zoo --help\n", {}},
  };
  return all;
}

namespace {

void print_help(std::FILE* to) {
  fmt::print(to,
             "orrery run                     check every property of the newest build in build/, as CI does\n"
             "orrery run Bank -j 4           those whose name holds Bank, by four processes each\n"
             "orrery explore Bank --time 8h  go on after a failure, and collect different ones\n"
             "orrery replay b7k2-9f3c        make one run again, from the token in a report\n"
             "orrery replay b7k2-9f3c --gdb  and stop before the step in which it goes wrong\n\n");
  for (const Command& command : commands()) {
    fmt::print(to, "  {:<32} {}\n", fmt::format("{} {}", command.name, command.arguments), command.summary);
  }
  fmt::print(
      to,
      "  help COMMAND, --version\n\n"
      "Those that run tests take --build DIR (a build directory) or --binary PATH (a test program), and --out DIR.\n"
      "Exit codes: 0 held, 1 falsified, 2 usage, 3 non-deterministic, 4 inconclusive, 5 replay diverged, 70 internal\n"
      "error, 77 skipped, 130 interrupted. Results are on stdout, progress on stderr.\n");
}

void print_version() {
#ifdef __clang__
  constexpr std::string_view compiler = "";  // __VERSION__ begins with its name
#else
  constexpr std::string_view compiler = "g++ ";
#endif
  fmt::print("orrery {} ({}), {}{}\n", ORRERY_VERSION, ORRERY_COMMIT, compiler, __VERSION__);
}

const Command& command_named(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &Command::name);
  if (found != commands().end()) return *found;
  std::vector<std::string_view> names;
  std::ranges::transform(commands(), std::back_inserter(names), &Command::name);
  const std::string_view meant = nearest(name, names);
  refuse(fmt::format("unknown command {}{}", name,
                     meant.empty() ? " (orrery --help lists them)" : fmt::format("; is {} meant?", meant)));
}

/// Returns: whether `flag` is a word of the text.
bool is_told(std::string_view text, std::string_view flag) {
  for (auto at = text.find(flag); at != std::string_view::npos; at = text.find(flag, at + 1)) {
    const char next = at + flag.size() < text.size() ? text[at + flag.size()] : ' ';
    if (next != '-' && (next < 'a' || next > 'z')) return true;
  }
  return false;
}

int help(std::span<char* const> words) {
  if (words.empty()) {
    print_help(stdout);
    return exit_held;
  }
  const Command& command = command_named(words.front());
  fmt::print("orrery {}{}{}: {}\n\n{}", command.name, command.arguments.empty() ? "" : " ", command.arguments,
             command.summary, command.details);
  std::string rest;  // what the text above has no room for
  for (const Flag& flag : command.flags) {
    if (is_told(command.details, flag.name)) continue;
    const std::string one = fmt::format(" {}{}", flag.name, flag.has_value ? " X" : "");
    if (rest.size() - (rest.rfind('\n') + 1) + one.size() > 100) rest += "\n     ";
    rest += one;
  }
  if (!rest.empty()) fmt::print("\nAlso:{}\n`orrery config` shows what they are otherwise.\n", rest);
  return exit_held;
}

int zoo(std::span<char* const> words) {
  std::vector<std::string> all{own_folder() + "/zoo"};
  all.insert(all.end(), words.begin(), words.end());
  become(all);
  refuse(fmt::format("there is no {} (build the target zoo)", all.front()));
}

int run(std::span<char* const> words) {
  if (words.empty()) {
    print_help(stderr);
    return exit_usage;
  }
  const std::string_view name = words.front();
  const auto rest = words.subspan(1);
  if (name == "--help" || name == "-h" || name == "help") return help(rest);
  if (name == "--version") {
    print_version();
    return exit_held;
  }
  if (name == "--complete") return complete(rest);
  const Command& command = command_named(name);
  if (name == "zoo") return zoo(rest);
  if (std::ranges::any_of(rest, [](std::string_view word) { return word == "--help" || word == "-h"; })) {
    return help(words.first(1));
  }
  const Arguments arguments = read_arguments(command, rest);
  if (name == "completion") return print_completion(arguments);
  (void)given_settings();  // what is wrong is said before anything is begun
  if (name == "run" || name == "explore") return run_tests(arguments);
  if (name == "replay") return replay_run(arguments);
  if (name == "shrink") return shrink_record(arguments);
  if (name == "step") return step_run(arguments);
  if (name == "trace") return trace_run(arguments);
  if (name == "keep") return keep_run(arguments);
  if (name == "triage") return triage_folder(arguments);
  if (name == "bench") return run_benchmarks(arguments);
  if (name == "report") return make_report(arguments);
  if (name == "check-history") return check_histories(arguments);
  if (name == "new") return begin_project(arguments);
  if (name == "doctor") return look_at_machine(arguments);
  return print_configuration(arguments);
}

}  // namespace
}  // namespace orrery::cli

int main(int argc, char** argv) {
  try {
    return orrery::cli::run({argv + 1, static_cast<std::size_t>(argc - 1)});
  } catch (const std::exception& error) {
    fmt::print(stderr, "orrery: internal error: {}\n", error.what());
    return orrery::cli::exit_internal;
  }
}
