#include "orrery/testkit/events.hpp"

#include "orrery/core/signal_safe.hpp"
#include "orrery/testkit/settings.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace orrery::testkit {

JsonObject event_object(std::string_view event) {
  JsonObject object;
  object.add("schema", std::uint64_t{1}).add("event", event);
  return object;
}

void emit(const JsonObject& event) {
  if (!settings().json) return;
  static const int file = [] {
    const std::string& path = *settings().json;
    const int opened = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (opened < 0) exit_with_usage_error(fmt::format("ORRERY_JSON: cannot write {}: {}", path, std::strerror(errno)));
    return opened;
  }();
  write_all(file, event.text() + "\n");
}

void emit_done(const std::string& test, const LoopResult& result, std::chrono::duration<double> elapsed) {
  const Progress& progress = result.progress;
  const auto join = [](const auto& all, const auto& to_json) {
    std::string text;
    for (const auto& one : all) text += (text.empty() ? "" : ",") + to_json(one);
    return "[" + text + "]";
  };
  emit(event_object("property_done")
           .add("test", test)
           .add("ended", key_of(result.ended))
           .add("runs", progress.next_run)
           .add("steps", progress.steps)
           .add("virtual_ns", static_cast<std::uint64_t>(progress.virtual_time.count()))
           .add_raw("seconds", fmt::format("{:.3f}", elapsed.count()))
           .add_raw("sometimes", join(progress.sometimes,
                                      [](const auto& one) {
                                        return JsonObject{}.add("name", one.first).add("runs", one.second).text();
                                      }))
           .add_raw("faults", join(progress.faults,
                                   [](const sim::FaultCount& one) {
                                     return JsonObject{}
                                         .add("name", one.name)
                                         .add("armed", one.armed)
                                         .add("fired", one.fired)
                                         .add("effects", one.effects)
                                         .text();
                                   }))
           .add_raw("failures", join(progress.groups, [](const Group& group) {
                      return JsonObject{}
                          .add("kind", key_of(group.finding.kind))
                          .add("name", group.finding.name)
                          .add("first_run", group.first_run)
                          .add("count", group.count)
                          .text();
                    })));
}

std::string_view key_of(sim::FindingKind kind) noexcept {
  switch (kind) {
    case sim::FindingKind::invariant_violated:
      return "invariant_violated";
    case sim::FindingKind::assertion_failed:
      return "assertion_failed";
    case sim::FindingKind::exception_in_test:
      return "exception_in_test";
    case sim::FindingKind::stuck:
      return "stuck";
    case sim::FindingKind::ask_cycle:
      return "ask_cycle";
    case sim::FindingKind::not_eventually:
      return "not_eventually";
    case sim::FindingKind::no_progress:
      return "no_progress";
    case sim::FindingKind::ledger_broken:
      return "ledger_broken";
    case sim::FindingKind::non_determinism:
      return "non_determinism";
    case sim::FindingKind::crash:
      return "crash";
    case sim::FindingKind::leak:
      return "leak";
  }
  return "unknown";
}

std::string_view key_of(Ended ended) noexcept {
  switch (ended) {
    case Ended::all_made:
      return "all_made";
    case Ended::failed:
      return "failed";
    case Ended::out_of_time:
      return "out_of_time";
    case Ended::interrupted:
      return "interrupted";
  }
  return "unknown";
}

namespace {

/// As GitHub's runner wants it; in a property of the command, two characters more are taken.
std::string github_escaped(std::string_view text, bool is_property) {
  std::string out;
  for (const char c : text) {
    const bool is_special = c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ','));
    out += is_special ? fmt::format("%{:02X}", static_cast<unsigned>(c)) : std::string(1, c);
  }
  return out;
}

}  // namespace

std::string github_annotation(std::string_view test, const sim::Finding& finding, std::string_view file,
                              std::uint32_t line, std::string_view command) {
  // From the repository's root. ccache (base_dir) and some build systems name sources as seen from the build's folder.
  while (file.starts_with("../")) file.remove_prefix(3);
  const std::string said =
      fmt::format("{}  \"{}\"\n{}\nREPRODUCE  {}", sim::headline(finding.kind), finding.name, finding.detail, command);
  return fmt::format("::error file={},line={},title={}::{}", github_escaped(file, true), line,
                     github_escaped(test, true), github_escaped(said, false));
}

}  // namespace orrery::testkit
