// orders_soak.cpp: orders_soak [SECONDS] [THREADS] [SEED]: the shop of examples/orders at full load for as long as wanted.
// Method: day after day in one System: shops open, two for each thread, and their customers place so many orders that no worker
//         is ever idle (each shop's books are kept by single actors, so one shop alone would not keep all of them busy); the gateways
//         fall over once in a thousand charges, what was given up is sent again by hand, and the shops close. At the end of each
//         day the books are compared: orders placed, charged, shipped; the account of messages; actors and blocks that are
//         left; the memory that the process holds, with the shop full and when it has closed, without what the C library keeps of
//         what was freed.
// Flat:   after a tenth of the time (and at least three days), what is held with full shops and with a closed one may not exceed
//         the most that was held until then by more than growth_max.
// Load:  the share of the threads' time that the process spent on a processor is printed; beside other programs it is less than 1.
// Exit code: 0; 1 when something was lost, done twice, left over or grew, with what it was on stderr; 2 for bad arguments.
#include "examples/orders/orders.hpp"
#include "tests/support/memory.hpp"

#include <fmt/core.h>
#include <sys/resource.h>

#include <orrery/system.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int customers = 32;
constexpr int orders_a_day = 200'000;
constexpr std::size_t growth_max = std::size_t{32} << 20;
constexpr auto stuck_after = 120s;

/// Places its share of the orders, one after the other.
struct Customer {
  orrery::Ref<orders::IntakeOf<orders::Cards>> intake;
  struct GoShopping {
    int first;
  };
  void handle(GoShopping m) const {
    for (int number = m.first; number < orders_a_day; number += customers)
      (void)intake.ask(orders::Place{{number, 100}}, orrery::no_timeout);
  }
};

struct Soak {
  std::uint32_t threads = 1;
  std::uint64_t seed = 0;
  Clock::time_point began = Clock::now();
  std::uint64_t days = 0;
  std::uint64_t orders = 0;
  std::uint64_t again = 0;         ///< payments that were attempted again
  std::uint64_t sent_by_hand = 0;  ///< payments that were given up, and redriven
  std::size_t held_full = 0;       ///< bytes, with the last full shops
  std::size_t held_closed = 0;     ///< and when they had closed
  std::size_t resident = 0;        ///< the same, with what the C library keeps
};

double seconds_since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

/// Returns: the part of the threads' time in which they ran, in percent.
double load_of(const Soak& soak) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return 100 * (seconds(used.ru_utime) + seconds(used.ru_stime)) / (seconds_since(soak.began) * soak.threads);
}

std::string state(const Soak& soak) {
  const double seconds = seconds_since(soak.began);
  return fmt::format(
      "{:6.0f} s  {} days, {} orders ({:.0f} a second), {} paid again, {} sent by hand; {:.1f} MiB with full shops, "
      "{:.1f} MiB closed ({:.1f} MiB with what the C library keeps); load {:.0f} %",
      seconds, soak.days, soak.orders, static_cast<double>(soak.orders) / seconds, soak.again, soak.sent_by_hand,
      static_cast<double>(soak.held_full) / (1 << 20), static_cast<double>(soak.held_closed) / (1 << 20),
      static_cast<double>(soak.resident) / (1 << 20), load_of(soak));
}

[[noreturn]] void fail(const Soak& soak, const std::string& what) {
  fmt::print(stderr, "orders_soak: FAILED: {}\norders_soak: seed {}, {} threads\norders_soak: {}\n", what, soak.seed,
             soak.threads, state(soak));
  std::fflush(stderr);
  std::_Exit(1);  // handlers may run: no destructor would come back
}

void expect_equal(const Soak& soak, std::uint64_t found, std::uint64_t expected, std::string_view what) {
  if (found != expected) fail(soak, fmt::format("{}: {} instead of {}", what, found, expected));
}

/// Stuck is who handles nothing; a day may take long where other programs leave little of the processors.
void await_rest(const Soak& soak, orrery::System& system) {
  for (std::uint64_t before = ~std::uint64_t{0}, now = 0; before != now; now = system.ledger().handled) {
    before = now;
    if (system.await_quiescence(stuck_after)) return;
  }
  std::string who;
  for (const orrery::Activity& one : system.activity()) who += fmt::format("\n  {} {}", one.actor, one.doing);
  fail(soak, "no rest; still active:" + who);
}

void close_everything(const Soak& soak, orrery::System& system) {
  for (int round = 0; round < 3 && system.living() != 0; ++round) {  // who is about to end may still spawn somebody
    std::vector<orrery::Handle> all;
    system.for_each_cell([&](const orrery::Cell& cell) { all.push_back(cell.handle()); });
    for (const orrery::Handle who : all) (void)system.stop(orrery::Ref<Customer>{system.index(), who});
    await_rest(soak, system);
  }
  expect_equal(soak, system.living(), 0, "actors that are left when the shops have closed");
}

using Shop = orders::Shop<orders::Cards>;

void compare_books(Soak& soak, const Shop& shop) {
  const auto parcels = shop.shipping.ask(orders::CountParcels{}, orrery::no_timeout).value();
  auto steps = shop.audit.ask(orders::CountSteps{}, orrery::no_timeout).value();
  expect_equal(soak, parcels.parcels, orders_a_day, "orders of which a parcel was sent");
  expect_equal(soak, static_cast<std::uint64_t>(parcels.most), 1, "parcels of one order");
  expect_equal(soak, steps["placed"], orders_a_day, "orders placed, in the audit");
  expect_equal(soak, steps["shipped"], orders_a_day, "orders shipped, in the audit");
  soak.again += steps["again"];
  soak.orders += orders_a_day;
}

/// One day: everything that was ordered is charged once and shipped once, and nothing is left of it.
void live_one_day(Soak& soak, orrery::System& system) {
  const std::uint64_t blocks_before = orrery::BlockPool::live_blocks();
  {
    std::vector<Shop> shops;
    for (std::uint32_t i = 0; i < 2 * soak.threads; ++i) {
      shops.push_back(
          orders::open_shop(system, {.lanes = 16, .gateway = {.once_in = 1'000}, .prefix = fmt::format("shop{}.", i)}));
    }
    for (int i = 0; i < customers; ++i) {
      for (const Shop& shop : shops) {
        if (!system.spawn(Customer{shop.intake}).tell(Customer::GoShopping{i}))
          fail(soak, "a customer does not come in");
      }
    }
    await_rest(soak, system);
    while (system.dead_letters().kept() > 0) {  // whoever operates the shop has seen to the gateway
      soak.sent_by_hand += system.dead_letters().redrive({.message = "Pay"}).accepted;
      await_rest(soak, system);
    }
    for (const Shop& shop : shops) compare_books(soak, shop);
    soak.held_full = orrery::test_support::held_bytes();
  }
  const orrery::Ledger account = system.ledger();
  if (!account.adds_up()) fail(soak, "the account of messages does not add up: " + orrery_describe(account));
  expect_equal(soak, account.queued, 0, "messages queued at rest");
  for (const auto& letters : system.dead_letters().counts()) {
    const bool is_about_an_end =
        letters.message == "ChildEnded" || letters.message == "Down";  // of who was to be closed
    if (!is_about_an_end && letters.reason != orrery::DeadLetterReason::delivery_exhausted) {
      fail(soak, fmt::format("{} of {} nobody handled: {}", letters.count, letters.message, to_string(letters.reason)));
    }
  }
  close_everything(soak, system);
  expect_equal(soak, orrery::BlockPool::live_blocks(), blocks_before, "message blocks when the shops have closed");
  soak.resident = orrery::test_support::resident_bytes();
  soak.held_closed = orrery::test_support::held_bytes();
  ++soak.days;
}

int run(std::chrono::seconds duration, std::uint32_t threads, std::uint64_t seed) {
  Soak soak{.threads = threads, .seed = seed};
  orrery::SystemOptions options{.threads = threads,
                                .draw_seed = seed == 0 ? 1 : seed,
                                .report_to = [](std::string_view, const std::string&) {},
                                .read_environment = false};
  options.runtime.dead_letters.kept_max = 100'000;  // an order that was given up is not lost
  options.runtime.mailbox_depth_warning = 0;        // everybody orders at once, so orders do pile up
  orrery::System system{options};
  fmt::print("orders_soak: seed {}, {} threads, {} s, {} shops, {} orders a day in each\n", seed, threads,
             duration.count(), 2 * threads, orders_a_day);
  std::size_t full_at_first = 0;
  std::size_t closed_at_first = 0;
  auto next_line = soak.began;
  while (Clock::now() < soak.began + duration) {
    live_one_day(soak, system);
    if (soak.days <= 3 || Clock::now() < soak.began + duration / 10) {
      full_at_first = std::max(full_at_first, soak.held_full);
      closed_at_first = std::max(closed_at_first, soak.held_closed);
    } else if (soak.held_full > full_at_first + growth_max || soak.held_closed > closed_at_first + growth_max) {
      fail(soak, fmt::format("memory grows: {} MiB with full shops and {} MiB closed at first", full_at_first >> 20,
                             closed_at_first >> 20));
    }
    if (Clock::now() >= next_line) {
      next_line = std::max(next_line + 60s, Clock::now());
      fmt::print("orders_soak: {}\n", state(soak));
      std::fflush(stdout);
    }
  }
  fmt::print("orders_soak: {}\norders_soak: the most at first {:.1f} MiB full, {:.1f} MiB closed\norders_soak: {}\n",
             state(soak), static_cast<double>(full_at_first) / (1 << 20),
             static_cast<double>(closed_at_first) / (1 << 20), orrery_describe(system.ledger()));
  const orrery::StopReport stopped = system.shutdown(60s);
  if (!stopped.is_complete) fail(soak, "shutdown: " + orrery_describe(stopped));
  fmt::print("orders_soak: every order was charged and shipped once, and every message is accounted for\n");
  return 0;
}

/// Returns: whether `text` is a number, and then puts it into `number`.
bool read(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seconds = 60;
  std::uint64_t threads = std::max(std::thread::hardware_concurrency(), 1U);
  std::uint64_t seed = std::random_device{}();
  bool is_good = argc <= 4;
  if (argc > 1) is_good = is_good && read(argv[1], seconds) && seconds >= 1 && seconds <= 1'000'000;
  if (argc > 2) is_good = is_good && read(argv[2], threads) && threads >= 1 && threads <= 1'024;
  if (argc > 3) is_good = is_good && read(argv[3], seed);
  if (!is_good) {
    fmt::print(stderr, "usage: orders_soak [SECONDS] [THREADS] [SEED]\n");
    return 2;
  }
  return run(std::chrono::seconds{seconds}, static_cast<std::uint32_t>(threads), seed);
}
