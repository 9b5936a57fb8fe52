// route_model.hpp: subscriptions as a plain list, and what follows from it: what Routes is compared with.
#pragma once
#include "orrery/broker/routes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery::broker_test {

/// Any two addresses will do for types of messages.
inline constexpr std::array<char, 4> types{};
inline const void* type(std::size_t index) { return &types.at(index); }

inline Subject subject(std::string_view text) { return Subject::parse(text).value(); }
inline Pattern pattern(std::string_view text) { return Pattern::parse(text).value(); }

struct Listed {
  std::string pattern;
  std::size_t type = 0;
  std::string group;
  std::uint64_t id = 0;
  std::uint64_t sequence = 0;
  [[nodiscard]] auto key() const { return std::tie(pattern, type, group, id); }
  [[nodiscard]] Subscription subscription() const {
    return {.type = broker_test::type(type), .group = group, .subscriber = {.id = id}};
  }
};

using Ids = std::vector<std::uint64_t>;

struct RouteModel {
  std::vector<Listed> all;
  std::uint64_t next = 0;

  bool add(Listed listed) {
    if (std::ranges::any_of(all, [&](const Listed& other) { return other.key() == listed.key(); })) return false;
    listed.sequence = next++;
    all.push_back(std::move(listed));
    return true;
  }
  bool remove(const Listed& listed) {
    return std::erase_if(all, [&](const Listed& other) { return other.key() == listed.key(); }) != 0;
  }
  /// Who gets a copy, in order (R2 to R4).
  [[nodiscard]] Ids match(std::string_view to, std::size_t type, std::uint64_t draw) const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> copies;  // sequence, id
    std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> kinds;
    for (const Listed& listed : all) {
      if (listed.type != type || !matches(listed.pattern, to)) continue;
      auto& kind = kinds[listed.group];
      if (std::ranges::find(kind, listed.id, &std::pair<std::uint64_t, std::uint64_t>::second) != kind.end()) continue;
      kind.emplace_back(listed.sequence, listed.id);
    }
    for (const auto& [group, members] : kinds) {
      if (group.empty()) {
        copies.insert(copies.end(), members.begin(), members.end());
      } else {
        copies.push_back(members[draw % members.size()]);
      }
    }
    std::ranges::sort(copies);
    Ids ids;
    for (const auto& copy : copies) ids.push_back(copy.second);
    return ids;
  }
  [[nodiscard]] Ids listeners(std::string_view to) const {
    Ids ids;
    for (const Listed& listed : all) {
      if (matches(listed.pattern, to) && std::ranges::find(ids, listed.id) == ids.end()) ids.push_back(listed.id);
    }
    return ids;
  }
};

inline Ids ids_of(Matched matched) {
  Ids ids;
  for (const auto piece : matched) {
    for (const Subscriber& subscriber : piece) ids.push_back(subscriber.id);
  }
  return ids;
}

}  // namespace orrery::broker_test
