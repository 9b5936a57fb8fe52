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

std::vector<std::string> World::shutdown(Duration deadline) {
  const Instant until = now() + deadline;
  const auto wait_until = [&](const std::function<bool()>& done) {
    return done() || engine.drive(Engine::Horizon::time, until, done);
  };
  const std::vector<Handle> trees = leading_supervisors();
  bool is_done = true;
  for (auto tree = trees.rbegin(); tree != trees.rend() && is_done; ++tree) {
    (void)signal(*tree, Signal::stop, ExitReason::shutdown(), {});
    is_done = wait_until([&] { return living_cell(*tree) == nullptr; });
  }
  refuse_spawns();
  if (is_done) {
    stop_all();
    is_done = wait_until([&] { return living() == 0; });
  }
  std::vector<std::string> left;
  for_each_cell([&](const Cell& cell) {
    if (cell.life != Cell::Life::vacant) left.push_back(path_of(cell.handle()));
  });
  return left;
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
