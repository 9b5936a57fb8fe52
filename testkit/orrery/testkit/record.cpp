#include "orrery/testkit/record.hpp"

#include "orrery/testkit/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace orrery::testkit {

namespace {

constexpr std::string_view first_line = "orrery-record 4\n";
constexpr std::string_view older_first_line = "orrery-record 3\n";  // the same without what the steps did
constexpr std::string_view kinds = "sdf";                           // schedule, draw, fault

/// Reads a record line by line, with the number of the line for errors.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_{text} {}
  std::expected<std::string_view, std::string> any() {
    ++number_;
    if (rest_.empty()) return std::unexpected(fmt::format("line {}: the record ends too early", number_));
    const auto end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    return line;
  }
  /// Returns: the value of the next line, which must begin with `key`.
  std::expected<std::string_view, std::string> value(std::string_view key) {
    const auto next = any();
    if (!next) return next;
    std::string_view line = *next;
    if (!line.starts_with(key) || (line.size() > key.size() && line[key.size()] != ' ')) {
      return std::unexpected(fmt::format("line {}: \"{}\" is expected", number_, key));
    }
    line.remove_prefix(std::min(line.size(), key.size() + 1));
    return line;
  }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

template <class T>
bool read_number(std::string_view& text, T& value) {
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// Reads 16 hexadecimal digits and a space.
bool read_name(std::string_view& text, std::uint64_t& value) {
  constexpr std::size_t digits = 16;
  if (text.size() <= digits || text[digits] != ' ') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value, 16);
  if (error != std::errc{} || end != text.data() + digits) return false;
  text.remove_prefix(digits + 1);
  return true;
}

/// Reads a line that holds one number and nothing else.
template <class T>
bool read_only_number(std::string_view text, T& value) {
  return read_number(text, value) && text.empty();
}

}  // namespace

std::string to_text(const Record& record) {
  std::string out =
      fmt::format("{}test {}\ntoken {}\ninput {} {} {}\npath", first_line, in_one_line(record.test),
                  to_string(record.token), record.origin.seed, record.origin.commands, record.origin.values);
  for (const std::size_t index : record.path) out += fmt::format(" {}", index);
  out += fmt::format("\noperations {}\ngrain {}\nreduced {}\ndecisions {}\n", record.operations_max,
                     record.grain == sim::Grain::coarse ? "coarse" : "fine", record.reduced ? 1 : 0,
                     record.decisions.size());
  for (const auto& [kind, count, index] : record.decisions) {
    out += fmt::format("{} {} {}\n", kinds[static_cast<std::size_t>(kind)], count, index);
  }
  const auto& [held, draws, faults] = record.deviations;
  out += fmt::format("held {}\n", held.size());
  for (std::size_t i = 0; i < held.size(); ++i) {
    const std::string name = i < record.held_names.size() ? in_one_line(record.held_names[i]) : std::string{};
    out += fmt::format("{:016x} {:016x} {}\n", held[i].op, held[i].until, name);
  }
  const auto add_draws = [&](std::string_view key, const std::vector<sim::Deviations::Drawn>& list) {
    out += fmt::format("{} {}\n", key, list.size());
    for (const auto& [stream, counter, value] : list) out += fmt::format("{:016x} {} {}\n", stream, counter, value);
  };
  add_draws("draws", draws);
  add_draws("faults", faults);
  out += fmt::format("build {}\n", record.build.empty() ? "unknown" : record.build);
  out += fmt::format("finding {}\nsteps {}\ntrace {}\n", in_one_line(record.finding), record.steps,
                     to_hex(record.trace_hash));
  const std::size_t told = std::min(record.told.size(), told_max);
  out += fmt::format("told {}\n", told);
  for (std::size_t i = 0; i < told; ++i) out += in_one_line(record.told[i]) + "\n";
  out += fmt::format("end {:016x}\n", hash_text(out));
  return out;
}

namespace {

/// Reads what stands between the decisions and the finding. Returns: what is wrong, or an empty text.
std::string read_deviations(Lines& lines, std::size_t lines_max, Record& record) {
  const auto fail = [&](std::string_view what) { return fmt::format("line {}: {}", lines.number(), what); };
  std::size_t count = 0;
  auto line = lines.value("held");
  if (!line) return line.error();
  if (!read_only_number(*line, count) || count > lines_max) return fail("a number is expected");
  for (std::size_t i = 0; i < count; ++i) {
    if (line = lines.any(); !line) return line.error();
    sim::Deviations::Held held;
    if (!read_name(*line, held.op) || !read_name(*line, held.until))
      return fail("two operations are expected, 16 hexadecimal digits each, and what they are called");
    record.deviations.held.push_back(held);
    record.held_names.emplace_back(*line);
  }
  for (const auto& [key, list] :
       {std::pair{"draws", &record.deviations.draws}, {"faults", &record.deviations.faults}}) {
    if (line = lines.value(key); !line) return line.error();
    if (!read_only_number(*line, count) || count > lines_max) return fail("a number is expected");
    for (std::size_t i = 0; i < count; ++i) {
      if (line = lines.any(); !line) return line.error();
      sim::Deviations::Drawn drawn;
      if (!read_name(*line, drawn.stream) || !read_number(*line, drawn.counter) ||
          !read_only_number(*line, drawn.value))
        return fail("16 hexadecimal digits, a number and a value are expected");
      list->push_back(drawn);
    }
  }
  if (line = lines.value("build"); !line) return line.error();
  if (line->empty()) return fail("a build id is expected");
  record.build = std::string{*line};
  return {};
}

}  // namespace

std::expected<Record, std::string> parse_record(std::string_view text) {
  const bool is_older = text.starts_with(older_first_line);
  if (!is_older && !text.starts_with(first_line)) {
    return std::unexpected("line 1: \"orrery-record 4\" is expected: this is no record, or one of another version");
  }
  const auto last = text.rfind("\nend ");
  if (last == std::string_view::npos || text.size() != last + 22 || !text.ends_with('\n')) {
    return std::unexpected("the record is truncated: its last line must be \"end\" with a checksum");
  }
  const std::string_view body = text.substr(0, last + 1);
  if (text.substr(last + 5, 16) != fmt::format("{:016x}", hash_text(body))) {
    return std::unexpected("the record was changed: its checksum does not fit");
  }
  Record record;
  Lines lines{body};
  const auto fail = [&](std::string_view what) {
    return std::unexpected(fmt::format("line {}: {}", lines.number(), what));
  };
  auto line = lines.value("orrery-record");
  if (line = lines.value("test"); !line) return std::unexpected(line.error());
  record.test = std::string{*line};
  if (line = lines.value("token"); !line) return std::unexpected(line.error());
  const auto token = parse_token(*line);
  if (!token) return fail(token.error());
  record.token = *token;
  if (line = lines.value("input"); !line) return std::unexpected(line.error());
  if (!read_number(*line, record.origin.seed) || !read_number(*line, record.origin.commands) ||
      !read_only_number(*line, record.origin.values) || record.origin.commands < 0 || record.origin.values < 0) {
    return fail("three numbers are expected");
  }
  if (line = lines.value("path"); !line) return std::unexpected(line.error());
  while (!line->empty()) {
    std::size_t index = 0;
    if (!read_number(*line, index)) return fail("numbers are expected");
    record.path.push_back(index);
  }
  if (line = lines.value("operations"); !line) return std::unexpected(line.error());
  if (!read_only_number(*line, record.operations_max)) return fail("a number is expected");
  if (line = lines.value("grain"); !line) return std::unexpected(line.error());
  if (*line != "fine" && *line != "coarse") return fail("fine or coarse is expected");
  record.grain = *line == "coarse" ? sim::Grain::coarse : sim::Grain::fine;
  int reduced = 0;
  if (line = lines.value("reduced"); !line) return std::unexpected(line.error());
  if (!read_only_number(*line, reduced) || (reduced != 0 && reduced != 1)) return fail("0 or 1 is expected");
  record.reduced = reduced == 1;
  std::size_t count = 0;
  if (line = lines.value("decisions"); !line) return std::unexpected(line.error());
  if (!read_only_number(*line, count) || count > body.size()) return fail("a number is expected");
  for (std::size_t i = 0; i < count; ++i) {
    sim::Decision decision;
    if (line = lines.any(); !line) return std::unexpected(line.error());
    const auto kind = line->empty() ? std::string_view::npos : kinds.find(line->front());
    if (kind == std::string_view::npos) return fail("a decision is expected: s, d or f, the options, the choice");
    decision.kind = static_cast<sim::DecisionKind>(kind);
    line->remove_prefix(1);
    if (!read_number(*line, decision.count) || !read_only_number(*line, decision.index) ||
        (decision.count != 0 && decision.index >= decision.count)) {
      return fail("a decision is expected: s, d or f, the options, the choice");
    }
    record.decisions.push_back(decision);
  }
  if (auto wrong = read_deviations(lines, body.size(), record); !wrong.empty())
    return std::unexpected(std::move(wrong));
  if (line = lines.value("finding"); !line) return std::unexpected(line.error());
  record.finding = std::string{*line};
  if (line = lines.value("steps"); !line) return std::unexpected(line.error());
  if (!read_only_number(*line, record.steps)) return fail("a number is expected");
  if (line = lines.value("trace"); !line) return std::unexpected(line.error());
  const auto hash = parse_hash128(*line);
  if (!hash) return fail("32 hexadecimal digits are expected");
  record.trace_hash = *hash;
  if (!is_older) {
    if (line = lines.value("told"); !line) return std::unexpected(line.error());
    if (!read_only_number(*line, count) || count > told_max) return fail("a number is expected");
    for (std::size_t i = 0; i < count; ++i) {
      if (line = lines.any(); !line) return std::unexpected(line.error());
      record.told.emplace_back(*line);
    }
  }
  if (!lines.done()) return fail("nothing more is expected");
  return record;
}

std::expected<void, std::string> write_file(const std::string& path, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), error);
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) return std::unexpected(fmt::format("cannot write {}", path));
  return {};
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (std::error_code error; !file || std::filesystem::is_directory(path, error))
    return std::unexpected(fmt::format("cannot read {}", path));
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

}  // namespace orrery::testkit
