// caf_peer.cpp: our rows in CAF 0.17, in its own best style: event-based actors, `then` instead of blocking receives.
// Usage: caf_peer REPETITIONS, prints lines "ROW ns_per_item checksum"; what each row does is in README.md.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <caf/all.hpp>

namespace {

using u64 = std::uint64_t;

/// Runs `act` once unmeasured and then once measured, in a system of its own.
void row(const char* name, unsigned workers, u64 items, const std::function<u64(caf::actor_system&)>& act) {
  caf::actor_system_config config;
  config.set("scheduler.max-threads", workers);
  caf::actor_system system{config};
  act(system);
  const auto began = std::chrono::steady_clock::now();
  const u64 checksum = act(system);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
  std::printf("%s %.2f %llu\n", name, took.count() / static_cast<double>(items),
              static_cast<unsigned long long>(checksum));
  std::fflush(stdout);
}

/// Asks `actor` from the main thread, which is no actor, and waits.
template <class... Ts>
u64 ask_from_main(caf::actor_system& system, const caf::actor& actor, const Ts&... values) {
  caf::scoped_actor self{system};
  u64 result = 0;
  self->request(actor, caf::infinite, values...)
      .receive([&](u64 value) { result = value; }, [](const caf::error&) { std::abort(); });
  return result;
}

// --- F1a, F1b ---

struct AdderState {
  u64 sum = 0;
};
caf::behavior adder(caf::stateful_actor<AdderState>* self) {
  return {[=](u64 value) { self->state.sum += value; },
          [=](caf::get_atom) {
            const u64 sum = self->state.sum;
            self->state.sum = 0;
            return sum;
          }};
}

struct TellerState {
  u64 windows_left = 0;
  u64 sum = 0;
  caf::response_promise done;
};
void next_window(caf::stateful_actor<TellerState>* self, const caf::actor& to) {
  if (self->state.windows_left-- == 0) {
    self->state.done.deliver(self->state.sum);
    return;
  }
  for (u64 i = 0; i < 1'000; ++i) self->send(to, i);
  self->request(to, caf::infinite, caf::get_atom::value).then([=](u64 sum) {
    self->state.sum += sum;
    next_window(self, to);
  });
}
caf::behavior teller(caf::stateful_actor<TellerState>* self, caf::actor to) {
  return {[=](u64 count) {
    self->state.windows_left = count / 1'000;
    self->state.sum = 0;
    self->state.done = self->make_response_promise();
    next_window(self, to);
    return self->state.done;
  }};
}
u64 tell_window(caf::actor_system& system) {
  const auto to = system.spawn(adder);
  const auto from = system.spawn(teller, to);
  const u64 sum = ask_from_main(system, from, u64{1'000'000});
  caf::anon_send_exit(from, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
  return sum;
}

// --- F2a ---

struct AskerState {
  u64 left = 0;
  u64 answered = 0;
  caf::response_promise done;
};
void next_ask(caf::stateful_actor<AskerState>* self, const caf::actor& to) {
  if (self->state.left-- == 0) {
    self->state.done.deliver(self->state.answered);
    return;
  }
  self->request(to, caf::infinite, caf::get_atom::value).then([=](u64) {
    ++self->state.answered;
    next_ask(self, to);
  });
}
caf::behavior asker(caf::stateful_actor<AskerState>* self, caf::actor to) {
  return {[=](u64 count) {
    self->state.left = count;
    self->state.answered = 0;
    self->state.done = self->make_response_promise();
    next_ask(self, to);
    return self->state.done;
  }};
}
u64 ask(caf::actor_system& system) {
  const auto to = system.spawn(adder);
  const auto from = system.spawn(asker, to);
  const u64 answered = ask_from_main(system, from, u64{200'000});
  caf::anon_send_exit(from, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
  return answered;
}

// --- F1e ---

struct NodeState {
  caf::actor next;
  u64 seen = 0;
  caf::response_promise done;
};
caf::behavior node(caf::stateful_actor<NodeState>* self, caf::actor first) {
  return {[=](caf::put_atom, const caf::actor& next) { self->state.next = next; },
          [=](u64 hops_left) {
            ++self->state.seen;
            if (hops_left > 0) {
              self->send(self->state.next, hops_left - 1);
            } else {
              caf::anon_send(first ? first : caf::actor_cast<caf::actor>(self), caf::ok_atom::value);
            }
          },
          [=](caf::get_atom, u64 hops) {  // the first node: begins, and answers when the token has come to rest
            self->state.seen = 1;
            self->state.done = self->make_response_promise();
            self->send(self->state.next, hops - 1);
            return self->state.done;
          },
          [=](caf::ok_atom) { self->state.done.deliver(self->state.seen); }};
}
u64 ring(caf::actor_system& system) {
  std::vector<caf::actor> ring;
  for (int i = 0; i < 503; ++i) ring.push_back(system.spawn(node, i == 0 ? caf::actor{} : ring[0]));
  for (std::size_t i = 0; i < ring.size(); ++i)
    caf::anon_send(ring[i], caf::put_atom::value, ring[(i + 1) % ring.size()]);
  const u64 seen = ask_from_main(system, ring[0], caf::get_atom::value, u64{500'000});
  for (auto& each : ring) caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  return seen;
}

// --- F3a ---

caf::behavior mayfly(caf::event_based_actor* self) {
  return {[=](u64) { self->quit(); }};
}
caf::behavior breeder(caf::event_based_actor* self) {
  return {[=](u64 count) {
    for (u64 i = 0; i < count; ++i) self->send(self->spawn(mayfly), i);
    return count;
  }};
}
u64 spawn_tell_stop(caf::actor_system& system) {
  const auto mother = system.spawn(breeder);
  u64 spawned = 0;
  for (int round = 0; round < 100; ++round) {
    spawned += ask_from_main(system, mother, u64{1'000});
    while (system.registry().running() > 1) std::this_thread::yield();
  }
  caf::anon_send_exit(mother, caf::exit_reason::user_shutdown);
  while (system.registry().running() > 0) std::this_thread::yield();
  return spawned;
}

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 1;
  for (int i = 0; i < repetitions; ++i) {
    row("F1a", 1, 1'000'000, tell_window);
    row("F1b", 2, 1'000'000, tell_window);
    row("F1e", 1, 500'000, ring);
    row("F2a", 1, 200'000, ask);
    row("F3a", 1, 100'000, spawn_tell_stop);
  }
}
