#include "orrery/sim/agents.hpp"

#include <fmt/format.h>

#include <ranges>
#include <utility>

namespace orrery::sim {

void Agents::number(Agent& agent) {
  agent.index = static_cast<std::uint32_t>(names_.size());
  agent.op.agent = agent.op.object = &agent;
  names_.emplace_back();
}

template <class Kind>
Kind& Agents::add(Blocks<Kind>& kind) {
  Kind& agent = kind.add();
  number(agent);
  return agent;
}

void Agents::give(Agent& agent, std::string path) {
  Name& name = names_[agent.index];
  name.spelled.add(path);
  agent.path_hash = name.spelled.value();
  name.number = static_cast<std::uint32_t>(given_.size());
  given_.push_back(std::move(path));
}

void Agents::adopt(Agent& agent, std::string path) {
  number(agent);
  give(agent, std::move(path));
}

void Agents::add_test() { give(add(agents_), "test"); }

Agent& Agents::add_actor(Handle handle, Handle parent, const ActorType& type, const std::string* path) {
  Agent& above = of(parent);
  Agent& agent = add(agents_);
  agent.handle = handle;
  if (latest_.size() <= handle.slot) latest_.resize(handle.slot + 1);
  Name& name = names_[agent.index];
  name.earlier = std::exchange(latest_[handle.slot], Tenant{&agent, handle.generation}).agent;
  if (path != nullptr) {
    give(agent, *path);
    return agent;
  }
  Brood& brood = brood_of(above, type);
  name.above = &above;
  name.type = &type;
  name.number = brood.count++;
  name.spelled = brood.spelled;
  const fmt::format_int digits{name.number};
  name.spelled.add({digits.data(), digits.size()});
  agent.path_hash = name.spelled.value();
  return agent;
}

Agents::Brood& Agents::brood_of(const Agent& parent, const ActorType& type) {
  if (broods_.empty()) broods_.emplace_back();  // 0 is none
  for (std::uint32_t at = names_[parent.index].brood; at != 0; at = broods_[at].next) {
    if (broods_[at].type == type.name_hash) return broods_[at];
  }
  Name& above = names_[parent.index];
  Brood brood{.type = type.name_hash, .spelled = {}, .count = 0, .next = above.brood};
  if (&parent != &test()) {
    brood.spelled = above.spelled;
    brood.spelled.add("/");
  }
  brood.spelled.add(type.name);
  brood.spelled.add("#");
  above.brood = static_cast<std::uint32_t>(broods_.size());
  return broods_.emplace_back(brood);
}

Carrier& Agents::channel(Agent& from, Agent& to) {
  std::uint32_t& number = channels_.at(from.index, to.index);
  if (number != 0) return carriers_[number - 1];
  Carrier& carrier = add(carriers_);
  number = static_cast<std::uint32_t>(carriers_.size());
  carrier.op.kind = OpKind::deliver;
  carrier.op.object = &to;
  Name& name = names_[carrier.index];
  name.above = &from;
  name.to = &to;
  carrier.path_hash = hash_text(path_of(carrier));
  return carrier;
}

std::string Agents::path_of(const Agent& agent) const {
  if (const Name& name = names_[agent.index]; name.to != nullptr)
    return path_of(*name.above) + "=>" + path_of(*name.to);
  std::vector<const Name*> line;  // from the agent up to whoever has a name of its own
  const Agent* at = &agent;
  for (; names_[at->index].type != nullptr; at = names_[at->index].above) line.push_back(&names_[at->index]);
  std::string path = at == &test() && !line.empty() ? std::string{} : given_[names_[at->index].number];
  for (const Name* const name : line | std::views::reverse) {
    if (!path.empty()) path += '/';
    path += fmt::format("{}#{}", name->type->name, name->number);
  }
  return path;
}

Agent& Agents::who_was(Handle handle) const noexcept {
  if (!handle.is_set() || handle.slot >= latest_.size()) return test();
  for (Agent* agent = latest_[handle.slot].agent; agent != nullptr; agent = names_[agent->index].earlier) {
    if (agent->handle == handle) return *agent;
  }
  return test();
}

std::uint32_t& Agents::sent_to_others(Agent& from, Agent& to) {
  if (from.first_to != nullptr) return sent_.at(from.index, to.index);
  from.first_to = &to;
  return from.sent_to_first;
}

void Agents::clear() {
  agents_.clear();
  carriers_.clear();
  clear_and_keep(names_);
  clear_and_keep(latest_);
  clear_and_keep(given_);
  clear_and_keep(broods_);
  sent_.clear();
  channels_.clear();
}

}  // namespace orrery::sim
