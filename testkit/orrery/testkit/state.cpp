#include "orrery/testkit/state.hpp"

#include "orrery/core/hash.hpp"
#include "orrery/testkit/json.hpp"

#include <fmt/core.h>

#include <filesystem>

namespace orrery::testkit {

namespace {

constexpr std::string_view first_line = "orrery-campaign 2\n";

bool is_about(const Json& line, std::string_view what) { return std::holds_alternative<std::string>(line[what].value); }

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
  for (const LostKind& lost : progress.lost) {
    out += JsonObject{}
               .add("lost", lost.first.type)
               .add("text", lost.first.text)
               .add("from", lost.first.from)
               .add("to", lost.first.to)
               .add("by", lost.first.fault)
               .add("at_ns", static_cast<std::uint64_t>(lost.first.at.time_since_epoch().count()))
               .add("first", lost.first_run)
               .add("count", lost.count)
               .add("runs", lost.runs)
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
    constexpr auto not_understood = "the file has a line that is not understood";
    if (is_first) {
      if (!is_about(json, "test")) return std::unexpected(not_understood);
      is_first = false;
      state.test = json["test"].text();
      state.seed = json["seed"].number();
      state.options = json["options"].text();
      state.progress.next_run = json["next"].number();
      state.progress.steps = json["steps"].number();
      state.progress.virtual_time = Duration{static_cast<Duration::rep>(json["virtual_ns"].number())};
    } else if (is_about(json, "sometimes")) {
      state.progress.sometimes.emplace_back(json["sometimes"].text(), json["runs"].number());
    } else if (is_about(json, "fault")) {
      state.progress.faults.push_back({.name = std::string{json["fault"].text()},
                                       .armed = json["armed"].number(),
                                       .fired = json["fired"].number(),
                                       .effects = json["effects"].number()});
    } else if (is_about(json, "lost")) {
      state.progress.lost.push_back(
          {.first = {.type = std::string{json["lost"].text()},
                     .text = std::string{json["text"].text()},
                     .from = std::string{json["from"].text()},
                     .to = std::string{json["to"].text()},
                     .fault = std::string{json["by"].text()},
                     .at = Instant{Duration{static_cast<Duration::rep>(json["at_ns"].number())}}},
           .first_run = json["first"].number(),
           .count = json["count"].number(),
           .runs = json["runs"].number()});
    } else {
      const std::uint64_t kind = json["kind"].number();
      if (!is_about(json, "group") || kind > static_cast<std::uint64_t>(sim::FindingKind::leak)) {
        return std::unexpected(not_understood);
      }
      Group group;
      group.finding.name = json["group"].text();
      group.finding.kind = static_cast<sim::FindingKind>(kind);
      group.finding.file = json["file"].text();
      group.finding.line = static_cast<std::uint32_t>(json["line"].number());
      group.first_run = json["first"].number();
      group.count = json["count"].number();
      state.progress.groups.push_back(std::move(group));
    }
  }
  if (is_first) return std::unexpected("the file holds nothing");
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
