#include "orrery/sim/world.hpp"

#include "orrery/core/check.hpp"
#include "orrery/core/describe.hpp"

namespace orrery::sim {

namespace {
/// The table of cells that no run of this thread uses at the moment.
CellTable& spare_cells() {
  static thread_local CellTable instance;
  return instance;
}
}  // namespace

World::World(Strategy& strategy, RunOptions options)
    : EngineHolder{strategy, options}, Runtime{engine, options.runtime, &engine, &spare_cells()} {
  add_execution(engine_execution());
  engine.attach(*this);
}

World::~World() {
  if (!finished_) (void)finish();
  engine.detach();
}

Execution& World::engine_execution() noexcept { return engine.execution(); }

void World::run() {
  engine.drive(Engine::Horizon::quiescence, Instant::max(), {});
  engine.check_at_rest();
  engine.stop_if_over();
}

void World::run_for(Duration duration) { engine.drive(Engine::Horizon::time, now() + duration, {}); }

bool World::run_until(const std::function<bool()>& done) {
  return engine.drive(Engine::Horizon::forever, Instant::max(), done);
}

std::string World::path_of(Handle handle) const { return engine.path_of(handle); }

Ledger World::finish() {
  ORRERY_CHECK(!finished_);
  finished_ = true;
  engine.tear_down();  // no predicate is asked any more: what it refers to has gone with the body
  const Ledger account = ledger();
  if (!account.adds_up() || account.queued != 0) {
    engine.report_ledger(orrery_describe(account));
  }
  return account;
}

}  // namespace orrery::sim
