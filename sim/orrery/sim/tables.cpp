#include "orrery/sim/tables.hpp"

namespace orrery::sim {

namespace {
Tables& spare() {
  static thread_local Tables instance;
  return instance;
}
}  // namespace

Tables SpareTables::take() { return std::exchange(spare(), {}); }

void SpareTables::give(Tables&& used) {
  used.clear();
  spare() = std::move(used);
}

}  // namespace orrery::sim
