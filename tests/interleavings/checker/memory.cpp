#include "tests/interleavings/checker/memory.hpp"

#include "orrery/core/check.hpp"

namespace orrery::interleave {

void Memory::begin() {
  location_count_ = 0;
  store_count_ = 1;
  if (stores_.empty()) stores_.resize(1);
  for (Thread& thread : threads_) thread = {};
  threads_[0].now.clock.times[0] = 1;
  step_ = 0;
  sc_ = {};
  by_address_.clear();
  plain_.clear();
}

// ---- objects ------------------------------------------------------------------------------------------------------

LocationId Memory::add_location(const void* address, unsigned thread, Time time, std::uint64_t value) {
  ORRERY_CHECK(location_count_ < locations_max, "a checked program has too many atomics");
  const auto id = static_cast<LocationId>(location_count_++);
  if (locations_.size() <= id) locations_.emplace_back();
  Location& location = locations_[id];
  location.address = address;
  location.order.clear();
  location.accesses = {};
  location.lock = {};
  location.dead = false;
  const StoreId first = add_store(id, thread, value, 0, false);
  stores_[first].time = time;
  by_address_[address] = id;
  return id;
}

LocationId Memory::atomic_at(const void* address, std::uint64_t value_now) {
  const auto found = by_address_.find(address);
  return found != by_address_.end() ? found->second : add_location(address, 0, 1, value_now);
}

void Memory::construct_atomic(const void* address, unsigned thread, std::uint64_t value) {
  add_location(address, thread, threads_[thread].now.clock.times[thread], value);
}

Fault Memory::destroy_atomic(const void* address, unsigned thread) {
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) {
    locations_[add_location(address, 0, 1, 0)].dead = true;
    return {};
  }
  Location& location = locations_[found->second];
  if (location.dead) return "destroyed twice";
  location.dead = true;
  if (threads_[thread].now.clock.first_uncovered(location.accesses) != threads_max) {
    return "destroyed while another thread may still use it";
  }
  return {};
}

Fault Memory::check_access(LocationId id, unsigned thread) {
  Location& location = locations_[id];
  if (location.dead) return "used after its end";
  Clock& clock = threads_[thread].now.clock;
  const Store& first = stores_[location.order.front()];
  // The first store is the constructor's, wherever others went since: places() puts none before it.
  if (!clock.covers(first.thread, first.time)) return "used by a thread that need not see its construction";
  location.accesses.times[thread] = clock.times[thread];
  return {};
}

// ---- atomics ------------------------------------------------------------------------------------------------------

StoreId Memory::add_store(LocationId location, unsigned thread, std::uint64_t value, std::uint16_t place, bool is_rmw) {
  const auto id = static_cast<StoreId>(store_count_++);
  ORRERY_CHECK(id != 0, "a checked program stores too often");
  if (stores_.size() <= id) stores_.emplace_back();
  Store& store = stores_[id];
  store.location = location;
  store.thread = static_cast<std::uint16_t>(thread);
  store.is_rmw = is_rmw;
  store.value = value;
  store.step = step_;
  store.time = threads_[thread].now.clock.times[thread];
  store.message = {};
  auto& order = locations_[location].order;
  order.insert(order.begin() + place, id);
  for (std::size_t i = place; i < order.size(); ++i) stores_[order[i]].position = static_cast<std::uint16_t>(i);
  return id;
}

void Memory::learn(View& view, const View& from) const {
  for (std::size_t i = 0; i < location_count_; ++i) {
    if (later(from.newest[i], view.newest[i])) view.newest[i] = from.newest[i];
  }
}

void Memory::learn(Knowledge& into, const Knowledge& from) const {
  into.clock.join(from.clock);
  learn(into.view, from.view);
}

std::uint16_t Memory::oldest_position(LocationId location, unsigned thread, bool sc) const {
  StoreId oldest = threads_[thread].now.view.newest[location];
  if (sc && later(sc_.newest[location], oldest)) oldest = sc_.newest[location];  // W3
  return oldest == 0 ? 0 : stores_[oldest].position;
}

void Memory::readable(LocationId location, unsigned thread, bool sc, std::vector<StoreId>& out) const {
  const auto& order = locations_[location].order;
  const std::size_t oldest = oldest_position(location, thread, sc);  // W1
  out.clear();
  for (std::size_t i = order.size(); i-- > oldest;) out.push_back(order[i]);
}

void Memory::read(LocationId location, unsigned thread, StoreId from, std::memory_order order) {
  Thread& reader = threads_[thread];
  raise(reader.now.view, location, from);
  if (is_sc(order)) raise(sc_, location, from);
  learn(is_acquire(order) ? reader.now : reader.read_relaxed, stores_[from].message);
}

void Memory::places(LocationId location, unsigned thread, bool sc, std::vector<std::uint16_t>& out) const {
  const auto& order = locations_[location].order;
  const std::size_t after = oldest_position(location, thread, sc);
  out.clear();
  for (std::size_t i = order.size(); i > after; --i) {
    const bool splits_rmw = i < order.size() && stores_[order[i]].is_rmw;  // W2
    if (!splits_rmw) out.push_back(static_cast<std::uint16_t>(i));
  }
}

void Memory::publish(Store& store, unsigned thread, std::memory_order order) {
  Thread& writer = threads_[thread];
  raise(writer.now.view, store.location, locations_[store.location].order[store.position]);
  learn(store.message, is_release(order) ? writer.now : writer.released);
  // Readers know the store they read; so does whoever learns from them.
  if (is_sc(order)) raise(sc_, store.location, locations_[store.location].order[store.position]);
}

void Memory::write(LocationId location, unsigned thread, std::uint64_t value, std::memory_order order,
                   std::uint16_t place) {
  const StoreId id = add_store(location, thread, value, place, false);
  publish(stores_[id], thread, order);
}

void Memory::write_after_read(LocationId location, unsigned thread, std::uint64_t value, std::memory_order order) {
  const StoreId before = newest(location);
  const auto end = static_cast<std::uint16_t>(locations_[location].order.size());
  const StoreId id = add_store(location, thread, value, end, true);
  stores_[id].message = stores_[before].message;  // the release sequence goes on
  publish(stores_[id], thread, order);
}

void Memory::fence(unsigned thread, std::memory_order order) {
  Thread& self = threads_[thread];
  if (is_acquire(order)) learn(self.now, self.read_relaxed);
  if (is_sc(order)) {
    learn(sc_, self.now.view);
    learn(self.now.view, sc_);
  }
  if (is_release(order)) self.released = self.now;
}

// ---- locks --------------------------------------------------------------------------------------------------------

void Memory::hand_over(LocationId location, unsigned thread) { locations_[location].lock = threads_[thread].now; }
void Memory::take_over(LocationId location, unsigned thread) { learn(threads_[thread].now, locations_[location].lock); }

// ---- plain data ---------------------------------------------------------------------------------------------------

Fault Memory::plain_read(const void* address, unsigned thread) {
  PlainData& data = plain_[address];
  Clock& clock = threads_[thread].now.clock;
  if (data.dead) return "read after its end";
  if (!clock.covers(data.writer, data.written)) return "read while another thread writes it (data race)";
  data.readers.times[thread] = clock.times[thread];
  return {};
}

Fault Memory::plain_write(const void* address, unsigned thread) {
  PlainData& data = plain_[address];
  Clock& clock = threads_[thread].now.clock;
  if (data.dead) return "written after its end";
  if (!clock.covers(data.writer, data.written)) return "written by two threads at once (data race)";
  if (clock.first_uncovered(data.readers) != threads_max) return "written while another thread reads it (data race)";
  data.writer = thread;
  data.written = clock.times[thread];
  return {};
}

Fault Memory::plain_destroy(const void* address, unsigned thread) {
  Fault fault = plain_write(address, thread);
  plain_[address].dead = true;
  return fault;
}

void Memory::plain_construct(const void* address, unsigned thread) {
  plain_[address] = {
      .writer = thread, .written = threads_[thread].now.clock.times[thread], .dead = false, .readers = {}};
}

}  // namespace orrery::interleave
