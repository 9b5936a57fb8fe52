#include "orrery/testkit/failure_folder.hpp"

#include "orrery/testkit/record.hpp"
#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

namespace orrery::testkit {

namespace files = std::filesystem;

std::string repro_script(const Failure& failure, const ReproCommand& command) {
  const std::string& test = failure.record.test;
  std::string headline = fmt::format("{}: {} \"{}\"", test, sim::headline(failure.finding.kind), failure.finding.name);
  std::ranges::replace_if(headline, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  const std::string replay = command.has_record ? "\"$here/failure.orrery\"" : to_string(failure.record.token);
  return fmt::format(
      "#!/bin/sh\n# {}\n# Makes this run again; what is added goes to the test program.\n"
      "here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd) || exit 2\ncd -- {} || exit 2\n"
      "exec env {}ORRERY_REPLAY={} {} {} \"$@\"\n",
      headline, shell_word(command.working_folder), command.variables, replay, shell_word(command.program),
      shell_word("--gtest_filter=" + test.substr(0, test.find('#'))));
}

std::expected<void, std::string> write_program(const std::string& path, std::string_view text) {
  if (auto written = write_file(path, text); !written) return written;
  using enum files::perms;
  std::error_code error;
  files::permissions(path, owner_exec | group_exec | others_exec, files::perm_options::add, error);
  if (error) return std::unexpected(fmt::format("cannot make {} executable", path));
  return {};
}

void prune_failures(const std::string& folder, const std::string& written, const std::string& kept, std::size_t most) {
  static std::set<std::string> own;  // D1: an exploration may find more than `most`
  own.insert(files::path{written}.lexically_normal().string());
  std::error_code error;
  std::vector<std::string> kept_tokens;
  for (const auto& entry : files::directory_iterator{kept, error}) kept_tokens.push_back(entry.path().stem().string());
  std::size_t count = 0;
  std::vector<std::pair<files::file_time_type, files::path>> old;
  for (const auto& entry : files::directory_iterator{folder, error}) {
    const files::path report = entry.path() / "report.txt";
    if (entry.is_symlink(error) || !files::is_regular_file(report, error)) continue;  // D2
    ++count;
    // Of a kept one, what was followed loosely or by hand is kept, too.
    const std::string name = entry.path().filename().string();
    const bool is_kept = std::ranges::any_of(kept_tokens, [&](const auto& token) { return name.starts_with(token); });
    if (is_kept || own.contains(entry.path().lexically_normal().string())) continue;
    old.emplace_back(files::last_write_time(report, error), entry.path());
  }
  std::ranges::sort(old);
  for (const auto& [time, path] : old) {
    if (count-- <= most) return;
    files::remove_all(path, error);
  }
}

}  // namespace orrery::testkit
