#include "orrery/testkit/state.hpp"

#include "orrery/core/hash.hpp"
#include "orrery/testkit/json.hpp"

#include <fmt/core.h>

#include <filesystem>

namespace orrery::testkit {

namespace {

constexpr std::string_view first_line = "orrery-campaign 2\n";

}  // namespace

// Texts of users are written as JSON, which keeps them in their line.
std::string to_text(const CampaignState& state) {
  const Progress& progress = state.progress;
  JsonObject object;
  object.add("test", state.test)
      .add("seed", state.seed)
      .add("options", state.options)
      .add("next", progress.next_run)
      .add("steps", progress.steps)
      .add("virtual_ns", static_cast<std::uint64_t>(progress.virtual_time.count()));
  std::string out = fmt::format("{}{}\n", first_line, object.text());
  for (const auto& [name, runs] : progress.sometimes) {
    out += JsonObject{}.add("sometimes", name).add("runs", runs).text() + "\n";
  }
  for (const sim::FaultCount& fault : progress.faults) {
    out += JsonObject{}
               .add("fault", fault.name)
               .add("armed", fault.armed)
               .add("fired", fault.fired)
               .add("effects", fault.effects)
               .text() +
           "\n";
  }
  for (const Group& group : progress.groups) {
    out += JsonObject{}
               .add("group", group.finding.name)
               .add("kind", static_cast<std::uint64_t>(group.finding.kind))
               .add("file", group.finding.file)
               .add("line", std::uint64_t{group.finding.line})
               .add("first", group.first_run)
               .add("count", group.count)
               .text() +
           "\n";
  }
  out += fmt::format("end {:016x}\n", hash_text(out));
  return out;
}

std::expected<CampaignState, std::string> parse_state(std::string_view text) {
  if (!text.starts_with(first_line)) return std::unexpected("this is no campaign.state, or one of another version");
  const auto last = text.rfind("\nend ");
  if (last == std::string_view::npos || text.size() != last + 22 || !text.ends_with('\n') ||
      text.substr(last + 5, 16) != fmt::format("{:016x}", hash_text(text.substr(0, last + 1)))) {
    return std::unexpected("the file is truncated or was changed: its checksum does not fit");
  }
  std::string_view body = text.substr(first_line.size(), last + 1 - first_line.size());
  CampaignState state;
  bool is_first = true;
  while (!body.empty()) {
    const auto end = body.find('\n');
    const auto line = parse_json(body.substr(0, end));
    body.remove_prefix(end + 1);
    if (!line) return std::unexpected(line.error());
    const Json& json = *line;
    if (is_first) {
      is_first = false;
      state.test = json["test"].text();
      state.seed = json["seed"].number();
      state.options = json["options"].text();
      state.progress.next_run = json["next"].number();
      state.progress.steps = json["steps"].number();
      state.progress.virtual_time = Duration{static_cast<Duration::rep>(json["virtual_ns"].number())};
    } else if (!json["sometimes"].text().empty()) {
      state.progress.sometimes.emplace_back(json["sometimes"].text(), json["runs"].number());
    } else if (!json["fault"].text().empty()) {
      state.progress.faults.push_back({.name = std::string{json["fault"].text()},
                                       .armed = json["armed"].number(),
                                       .fired = json["fired"].number(),
                                       .effects = json["effects"].number()});
    } else {
      Group group;
      group.finding.name = json["group"].text();
      group.finding.kind = static_cast<sim::FindingKind>(json["kind"].number());
      group.finding.file = json["file"].text();
      group.finding.line = static_cast<std::uint32_t>(json["line"].number());
      group.first_run = json["first"].number();
      group.count = json["count"].number();
      state.progress.groups.push_back(std::move(group));
    }
  }
  return state;
}

std::expected<void, std::string> write_whole_file(const std::string& path, std::string_view text) {
  if (auto written = write_file(path + ".new", text); !written) return written;
  std::error_code error;
  std::filesystem::rename(path + ".new", path, error);
  if (error) return std::unexpected(fmt::format("cannot write {}", path));
  return {};
}

}  // namespace orrery::testkit
