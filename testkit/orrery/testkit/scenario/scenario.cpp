#include "orrery/testkit/scenario/scenario.hpp"

#include <algorithm>
#include <charconv>

namespace orrery::scenario {

bool is_abnormal(std::string_view reason) {
  return reason != "normal" && reason != "shutdown" && !reason.starts_with("shutdown:");
}

bool operator==(const Declaration& a, const Declaration& b) {
  return a.kind == b.kind && a.id == b.id && a.parent == b.parent && a.strategy == b.strategy &&
         a.intensity == b.intensity && a.period == b.period && a.auto_shutdown == b.auto_shutdown &&
         a.restart == b.restart && a.shutdown == b.shutdown && a.significant == b.significant && a.trap == b.trap &&
         a.stubborn == b.stubborn && a.slow == b.slow && a.exit == b.exit && a.plan == b.plan && a.given == b.given;
}

bool operator==(const Batch& a, const Batch& b) { return a.supervisor == b.supervisor && a.operations == b.operations; }

bool operator==(const Event& a, const Event& b) { return a.text == b.text && a.action == b.action; }

Declaration declare(Kind kind, std::string id, std::string parent) {
  Declaration made;
  made.kind = kind;
  made.id = std::move(id);
  made.parent = std::move(parent);
  if (kind == Kind::supervisor) made.shutdown.how = Shutdown::How::infinity;
  return made;
}

const Declaration* Scenario::find(std::string_view id) const {
  const auto found = std::ranges::find(declarations, id, &Declaration::id);
  return found == declarations.end() ? nullptr : &*found;
}

std::vector<const Declaration*> Scenario::children_of(std::string_view id) const {
  std::vector<const Declaration*> out;
  for (const Declaration& declaration : declarations) {
    if (declaration.parent == id) out.push_back(&declaration);
  }
  return out;
}

bool Scenario::has_tag(std::string_view tag) const { return std::ranges::find(tags, tag) != tags.end(); }

InstanceId split_instance(std::string_view id) {
  const std::size_t dot = id.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view digits = id.substr(dot + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  return {.base = id.substr(0, dot), .number = number};
}

}  // namespace orrery::scenario
