// What the command line and the environment say about a campaign. Input: words, one per line. Those that begin with ORRERY_
// and have a `=` are variables, all others are words of the command line.
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/workers.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <cstdlib>

namespace orrery::fuzz {

namespace {

using testkit::Settings;

struct Words {
  std::vector<std::string> variables, arguments;
  explicit Words(std::string_view input) {
    while (!input.empty()) {
      const std::size_t end = std::min(input.find('\n'), input.size());
      std::string word{input.substr(0, end)};
      input.remove_prefix(std::min(end + 1, input.size()));
      std::ranges::replace(word, '\0', '\n');  // no word holds a zero byte, but any may hold several lines
      (word.starts_with("ORRERY_") && word.contains('=') ? variables : arguments).push_back(std::move(word));
    }
  }
};

/// Sets variables for as long as it lives.
class Environment {
 public:
  explicit Environment(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      const std::size_t equals = word.find('=');
      names_.push_back(word.substr(0, equals));
      setenv(names_.back().c_str(), word.c_str() + equals + 1, 1);
    }
  }
  ~Environment() {
    for (const std::string& name : names_) unsetenv(name.c_str());
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::string> names_;
};

void require_within_bounds(const Settings& settings) {
  require(settings.runs.value_or(1) >= 1 && settings.max_steps.value_or(1) >= 1, "a run and a step at least");
  require(settings.jobs >= 1 && settings.jobs <= testkit::jobs_max, "jobs are within their bounds");
  require(settings.time_factor >= 1 && settings.time_factor <= testkit::time_factor_max, "the factor is within bounds");
  require(!settings.out.empty() && !settings.regressions.empty(), "a path is not empty");
  require(!settings.replay || !settings.replay->empty(), "what is replayed is not empty");
}

void check(std::string_view input) {
  Words words{input};
  Settings settings;
  {
    const Environment environment{words.variables};
    std::vector<testkit::GivenSetting> given;
    auto read = testkit::settings_from_environment(&given);
    if (!read) return require_clear_line(read.error());
    for (const testkit::GivenSetting& one : given) {
      const bool is_ours =
          std::ranges::any_of(testkit::setting_names(), [&](const auto& name) { return name.key == one.key; });
      require(is_ours && !one.from.empty(), "what is given is a setting, and from somewhere");
    }
    settings = std::move(*read);
  }
  require_within_bounds(settings);
  std::string program = "program";
  std::vector<char*> arguments{program.data()};
  for (std::string& word : words.arguments) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(arguments.size()) - 1;
  if (const auto taken = testkit::take_flags(settings, count, arguments.data()); !taken) {
    return require_clear_line(taken.error());
  }
  require_within_bounds(settings);
  int kept = 1;
  for (const std::string& word : words.arguments) {
    if (std::string_view{word.c_str()}.starts_with("--orrery_")) continue;
    require(kept < count && arguments[static_cast<std::size_t>(kept)] == word, "a word that is not ours is left alone");
    ++kept;
  }
  require(kept == count && arguments[static_cast<std::size_t>(count)] == nullptr, "and nothing else is left");
}

std::vector<std::string> seeds() {
  std::string all;
  for (const testkit::SettingName& name : testkit::setting_names()) {
    all += "--orrery_" + std::string{name.key} + "=1\n" + name.variable + "=1\n";
  }
  return {"--orrery_seed=0x5eed\n--orrery_runs=10\n--gtest_filter=*\n--orrery_strategy=pct3\nORRERY_TIME=90s\n",
          "ORRERY_SEED=18446744073709551615\nORRERY_FAULTS=heavy\nORRERY_JOBS=4\nORRERY_GRAIN=auto\n",
          "ORRERY_RUN=1\n",
          "--orrery_sed=1\n",
          "--orrery_swarm=1\n--orrery_strategy=pos\n",
          "--orrery_mode=step-json\n--orrery_break=3\n--orrery_until=4\n--orrery_ci=github\n",
          "ORRERY_CHECK_DETERMINISM=process\nORRERY_OUT=a b\nORRERY_TEST_TIME_FACTOR=1000\n",
          all,
          "--orrery_runs=" + repeated("9", many),
          "ORRERY_" + repeated("S", 100'000) + "=1",
          "--orrery_" + repeated("s", many) + "=1",
          repeated("--x\n", 10'000)};
}

const Registered registered{{"settings", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
