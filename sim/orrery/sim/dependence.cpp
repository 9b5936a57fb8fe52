#include "orrery/sim/dependence.hpp"

#include "orrery/core/hash.hpp"
#include "orrery/sim/work.hpp"

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
  Access access{.agent = op.agent->index,
                .owner = op.agent->index,
                .object = op.object->index,
                .aspect = Aspect::nothing,
                .is_watched = op.agent->order_matters,
                .name = 0};
  if (op.agent->is_work) access.owner = static_cast<const Work&>(*op.agent).owner.index;
  switch (op.kind) {
    case OpKind::enqueue:
    case OpKind::take:
      access.aspect = Aspect::mail;
      break;
    case OpKind::deliver: {
      const Carried* const first = static_cast<const Carrier&>(*op.agent).first;
      access.aspect = first->signal != nullptr ? Aspect::life : Aspect::mail;
      break;
    }
    case OpKind::reply:
    case OpKind::resume:
    case OpKind::finish:
      access.aspect = Aspect::wait;
      break;
    case OpKind::signal:
      access.aspect = Aspect::life;
      break;
    case OpKind::exit:
    case OpKind::restart:
      access.aspect = Aspect::end;
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
      access.aspect = Aspect::all;  // others' mail, what has become of asks, letters, counts
      break;
  }
  constexpr std::uint32_t test = 0;
  if (access.owner == test) access.aspect = Aspect::all;
  return access;
}

bool conflict(const Access& a, const Access& b) noexcept {
  if (a.is_watched && b.is_watched) return true;
  if (a.aspect == Aspect::nothing || b.aspect == Aspect::nothing) return false;
  if (a.aspect == Aspect::all || b.aspect == Aspect::all) return true;
  // Who asked it is answered by the end, and may be looking, or about to wait.
  if (a.aspect == Aspect::end || b.aspect == Aspect::end) return true;
  // What ends, or wakes, an actor may meet it in the middle of anything: it may cancel the timer that is due.
  const auto is_whole = [](const Access& one) { return one.aspect == Aspect::life; };
  // What settles its wait, too: it begins to wait only if there is something left to wait for.
  const auto meets_it = [&](const Access& one) { return is_whole(one) || one.aspect == Aspect::wait; };
  if (meets_it(a) && a.object == b.owner) return true;
  if (meets_it(b) && b.object == a.owner) return true;
  if (a.aspect == Aspect::name || b.aspect == Aspect::name) return a.aspect == b.aspect && a.name == b.name;
  if (a.object != b.object) return false;
  return a.aspect == b.aspect || is_whole(a) || is_whole(b);
}

}  // namespace orrery::sim
