#include "orrery/sim/dependence.hpp"

#include "orrery/core/hash.hpp"

namespace orrery::sim {

std::uint64_t key_of(const Op& op) {
  TraceHasher hasher;
  hasher.add(static_cast<std::uint64_t>(op.kind));
  hasher.add(op.agent->path_hash);
  switch (op.kind) {
    case OpKind::take:
      hasher.add(op.agent->takes);
      break;
    case OpKind::resume:
      hasher.add(op.agent->resumes);
      break;
    default:
      hasher.add(op.object->path_hash);
      hasher.add(op.detail);
      hasher.add(op.ordinal);
      break;
  }
  return hasher.value().lo;
}

std::uint64_t sort_of(const Op& op) {
  const std::uint64_t detail = op.kind == OpKind::take || op.kind == OpKind::resume ? 0 : op.detail;
  return mix64(op.agent->path_hash ^ mix64(op.object->path_hash + static_cast<std::uint64_t>(op.kind))) ^ mix64(detail);
}

Access access_of(const Op& op) {
  Access access{.agent = op.agent->index, .object = op.object->index, .aspect = Aspect::nothing, .name = 0};
  switch (op.kind) {
    case OpKind::enqueue:
    case OpKind::deliver:
    case OpKind::take:
      access.aspect = Aspect::mail;
      break;
    case OpKind::reply:
    case OpKind::resume:
    case OpKind::finish:
      access.aspect = Aspect::wait;
      break;
    case OpKind::signal:
    case OpKind::exit:
    case OpKind::restart:
      access.aspect = Aspect::life;
      break;
    case OpKind::fire:
      access.agent |= (std::uint64_t{op.ordinal} + 1) << 32;
      access.aspect = Aspect::life;  // a tick is mail, a deadline ends a wait
      break;
    case OpKind::name:
      access.aspect = Aspect::name;
      access.name = op.detail;
      break;
    case OpKind::look:
      access.aspect = Aspect::tables;
      break;
  }
  return access;
}

bool conflict(const Access& a, const Access& b) noexcept {
  if (a.aspect == Aspect::nothing || b.aspect == Aspect::nothing) return false;
  // Who looks sees tables that all share, its own mail and its own waits.
  if (a.aspect == Aspect::tables && b.aspect == Aspect::tables) return true;
  if (a.aspect == Aspect::name || b.aspect == Aspect::name) {
    if (a.aspect == b.aspect) return a.name == b.name;
    return a.aspect == Aspect::life || b.aspect == Aspect::life;  // an end frees its name
  }
  if (a.object != b.object) return false;
  return a.aspect == b.aspect || a.aspect == Aspect::life || b.aspect == Aspect::life || a.aspect == Aspect::tables ||
         b.aspect == Aspect::tables;
}

}  // namespace orrery::sim
