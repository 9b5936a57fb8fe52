// report_html.hpp: a failure, or any trace, as one page to look at: report.html.
// Why:  a run of hundreds of steps is understood with the mouse and a search, not in a terminal.
// How:  a document of JSON (docs/report.md has its fields) inside of the page that reads it; page and document are made apart,
//       so that an old report gets a new page. The page fetches nothing.
// Always true:  (H1) whatever a name, a message or a log says, it is data: no byte of it ends the script that holds it
//               (H2) what stands in the page is JSON by RFC 8259, whatever the lines were that it was made from
//               (H3) equal failures make equal pages
// Source:       UX section 2; escaping "<" in JSON: HTML Standard, "Restrictions for contents of script elements".
#pragma once
#include "orrery/testkit/campaign.hpp"
#include "orrery/testkit/json.hpp"
#include "orrery/testkit/story.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::testkit {

/// Of the document; grows when a reader of the old one would misunderstand the new one.
inline constexpr std::uint64_t report_version = 1;
/// Attachments of a run with this prefix in their name are histories of operations (linearizability_html.hpp).
inline constexpr std::string_view history_prefix = "history:";

/// Returns: the document of a failure, with all its runs.
[[nodiscard]] std::string report_json(const Failure& failure, const Reproduction& reproduction);

/// The document of a run of which there are only lines.
struct TraceReport {
  std::string json;
  std::size_t events = 0;
  std::size_t left_out = 0;  ///< lines that are no JSON objects
};
/// What is known of a trace besides its lines. `headline`: what a failure is called, or empty.
struct TraceFacts {
  std::string title;
  std::string headline;
  std::string name;
  std::string detail;
  std::string command;
  std::vector<std::pair<std::string, std::string>> facts;
};
/// `lines`: of a trace.jsonl, or of a log in its schema. Fields that nobody knows are kept.
[[nodiscard]] TraceReport report_json_of_trace(std::string_view lines, const TraceFacts& facts);

/// Returns: the page that shows the document.
[[nodiscard]] std::string report_page(std::string_view json);
/// Returns: the document in a page that report_page() has made, today or long ago; or a sentence.
[[nodiscard]] std::expected<std::string, std::string> json_of_page(std::string_view page);

/// Returns: the value as JSON text: numbers that are none become texts, bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string to_text(const Json& json);

}  // namespace orrery::testkit
