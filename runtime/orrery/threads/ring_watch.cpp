#include "orrery/threads/ring_watch.hpp"

#include "orrery/actor/runtime.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace orrery {

namespace {

/// A handler that waits, and whom it depends on.
struct Edge {
  Handle from{};
  Handle to{};
  std::uint32_t suspensions = 0;  ///< of the actor: the same number, the same wait
  std::uint32_t walk = 0;         ///< the first walk that came by; 0: none yet
};

/// Calls `read` while the cell's handler is parked and nobody else may run it. Returns: whether it was called.
template <class F>
bool while_parked(Runtime& runtime, Cell& cell, F&& read) {
  if (!cell.attention.claim_parked()) return false;
  read(cell);
  runtime.parked(cell);  // a wake-up that came meanwhile is served now
  return true;
}

std::vector<Edge> all_edges(Runtime& runtime) {
  std::vector<Edge> edges;  // by slot
  runtime.for_each_cell([&](Cell& cell) {
    (void)while_parked(runtime, cell, [&](const Cell& parked) {
      const Handle target = parked.wait->blocked_by();
      if (target.is_set() && !parked.wait->ready()) edges.push_back({parked.handle(), target, parked.suspensions, 0});
    });
  });
  return edges;
}

Edge* edge_from(std::vector<Edge>& edges, Handle who) {
  const auto at = std::ranges::lower_bound(edges, who.slot, {}, [](const Edge& edge) { return edge.from.slot; });
  return at != edges.end() && at->from == who ? &*at : nullptr;
}

/// One edge as text, if it still is what it was.
std::optional<std::pair<std::string, std::string>> confirm(Runtime& runtime, const Edge& edge) {
  std::optional<std::pair<std::string, std::string>> text;
  Cell* const cell = runtime.cell_at(edge.from.slot);
  if (cell == nullptr) return text;
  (void)while_parked(runtime, *cell, [&](const Cell& parked) {
    const Wait& wait = *parked.wait;
    if (parked.handle() != edge.from || parked.suspensions != edge.suspensions || wait.ready()) return;
    if (wait.blocked_by() != edge.to) return;  // its question was passed on meanwhile
    const std::string_view message = wait.message() == nullptr ? "" : wait.message()->name;
    const std::string_view how = wait.kind() == Wait::Kind::place         ? "waits to send"
                                 : wait.kind() == Wait::Kind::child_start ? "starts"
                                 : wait.kind() == Wait::Kind::child_end   ? "stops"
                                                                          : "ask";
    text.emplace(runtime.path_of(edge.from), fmt::format(" --{} {}--> ", how, message));
  });
  return text;
}

}  // namespace

std::vector<std::string> find_rings(Runtime& runtime) {
  std::vector<Edge> edges = all_edges(runtime);
  std::vector<std::string> rings;
  std::uint32_t walk = 0;
  for (Edge& start : edges) {
    ++walk;
    Edge* at = &start;
    while (at != nullptr && at->walk == 0) {
      at->walk = walk;
      at = edge_from(edges, at->to);
    }
    if (at == nullptr || at->walk != walk) continue;  // the walk ended, or came to where an earlier one had been
    std::vector<std::pair<std::string, std::string>> ring;
    const Edge* const first = at;
    bool stands = true;
    do {
      auto text = confirm(runtime, *at);
      stands = text.has_value();  // G1
      if (!stands) break;
      ring.push_back(std::move(*text));
      at = edge_from(edges, at->to);
    } while (at != first);
    if (!stands) continue;
    std::ranges::rotate(ring, std::ranges::min_element(ring));
    std::string told;
    for (const auto& [who, how] : ring) told += who + how;
    rings.push_back(told + ring.front().first);
  }
  return rings;
}

}  // namespace orrery
