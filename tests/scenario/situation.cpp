#include "tests/scenario/situation.hpp"

#include <cstddef>

namespace orrery::scenario {

Situation situation_after(std::string_view trace) {
  constexpr std::string_view mark = "\n  tree ";
  const std::size_t at = trace.rfind(mark);
  if (at == std::string_view::npos) return {};
  std::string_view rest = trace.substr(at + mark.size());
  rest = rest.substr(0, rest.find('\n'));
  if (rest == "dead") return {};

  Situation out;
  std::vector<std::string> parents{""};
  while (!rest.empty()) {
    if (rest.front() == ' ') {
      rest.remove_prefix(1);
    } else if (rest.front() == ']') {
      parents.pop_back();
      rest.remove_prefix(1);
    } else {
      const std::string_view id = rest.substr(0, rest.find_first_of("#:"));
      rest.remove_prefix(id.size());
      const bool running = rest.front() == '#';
      rest.remove_prefix(std::min(rest.find_first_of(" []"), rest.size()));
      const bool supervisor = !rest.empty() && rest.front() == '[';
      out.places.push_back(
          {.id = std::string{id}, .parent = parents.back(), .running = running, .supervisor = supervisor});
      if (!supervisor) continue;
      parents.emplace_back(id);
      rest.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace orrery::scenario
