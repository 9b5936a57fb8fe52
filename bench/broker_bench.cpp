// broker_bench.cpp: what it costs to find out who gets what is published (B9), without delivering it.
#include "bench/support.hpp"

#include <orrery/broker/routes.hpp>
#include <orrery/core/entropy.hpp>
#include <cstdint>
#include <fmt/core.h>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace orrery;
using namespace orrery::bench;

constexpr char message_type = 0;
constexpr std::uint64_t rounds = 1'000;

Pattern pattern(std::string_view text) { return Pattern::parse(text).value(); }
Subject subject(std::string_view text) { return Subject::parse(text).value(); }
Routes with(const Routes& routes, std::string_view to, std::uint64_t id, std::string_view group = {}) {
  return routes.with(pattern(to), {.type = &message_type, .group = group, .subscriber = {.id = id}});
}

/// One subscriber for each of `count` topics, all children of one token.
struct Topics {
  std::vector<std::string> names;
  Routes routes;
  explicit Topics(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) names.push_back(fmt::format("orders.{}.created", i));
    for (std::uint64_t i = 0; i < count; ++i) routes = with(routes, names[i], i);
  }
};
/// Made once; a benchmark is called several times until its length is found.
const Topics& topics_of(std::int64_t count) {
  static std::map<std::int64_t, Topics> made;
  return made.try_emplace(count, static_cast<std::uint64_t>(count)).first->second;
}

std::uint64_t sum_of(Matched matched) {
  std::uint64_t sum = 0;
  for (const auto piece : matched) {
    for (const Subscriber& subscriber : piece) sum += subscriber.id;
  }
  return sum;
}

/// A topic is published to for the thousandth time: what is looked at is in the cache, so that the rows differ by the number
/// of nodes alone.
void match_exact(benchmark::State& state) {
  const Topics& topics = topics_of(state.range(0));
  const Subject topic = subject(topics.names.back());
  MatchBuffer buffer;
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    sum = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      sum += sum_of(topics.routes.match(topic, &message_type, i, buffer));
      benchmark::ClobberMemory();
    }
  }
  row.finish(rounds, sum);
  state.counters["visited"] = static_cast<double>(buffer.visited());
}
BENCHMARK(match_exact)->ArgName("topics")->Arg(10)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

/// Any topic, by its name, which has to be checked and taken apart: with many topics this is the time of the memory.
void match_any_name(benchmark::State& state) {
  const Topics& topics = topics_of(state.range(0));
  Entropy entropy{1, 0};
  std::vector<const std::string*> order;
  for (std::uint64_t i = 0; i < rounds; ++i) order.push_back(&topics.names[entropy.below(topics.names.size())]);
  MatchBuffer buffer;
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    sum = 0;
    for (const std::string* const name : order) {
      sum += sum_of(topics.routes.match(subject(*name), &message_type, 0, buffer));
    }
  }
  row.finish(rounds, sum);
}
BENCHMARK(match_any_name)->ArgName("topics")->Arg(10)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

/// The baseline of the row above: the name alone.
void parse_name(benchmark::State& state) {
  const std::string name = "orders.12345.created";
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    sum = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const auto parsed = Subject::parse(name);
      benchmark::DoNotOptimize(parsed->hash(1));
      sum += parsed->size();
    }
  }
  row.finish(rounds, sum);
}
BENCHMARK(parse_name)->Unit(benchmark::kMicrosecond);

/// Three patterns that overlap in one subscriber, so that nothing can be handed out as it stands.
void match_wildcard(benchmark::State& state) {
  Routes routes = with(topics_of(state.range(0)).routes, "orders.*.created", 1);
  routes = with(routes, "orders.>", 2);
  routes = with(routes, "*.7.created", 1);
  const Subject topic = subject("orders.7.created");
  MatchBuffer buffer;
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    sum = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      sum += sum_of(routes.match(topic, &message_type, i, buffer));
      benchmark::ClobberMemory();
    }
  }
  row.finish(rounds, sum);
}
BENCHMARK(match_wildcard)->ArgName("topics")->Arg(10)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

/// One of a queue group.
void match_group(benchmark::State& state) {
  Routes routes;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i) routes = with(routes, "jobs", i, "g");
  const Subject topic = subject("jobs");
  MatchBuffer buffer;
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    sum = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) sum += sum_of(routes.match(topic, &message_type, i, buffer));
  }
  row.finish(rounds, sum);
}
BENCHMARK(match_group)->ArgName("members")->Arg(10)->Arg(1'000)->Unit(benchmark::kMicrosecond);

/// For each subscriber: one pattern (0), whose chunks are handed out, or two that overlap in all of them (1), which are
/// merged.
void match_fan_out(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  Routes routes;
  for (std::uint64_t i = 0; i < count; ++i) routes = with(routes, "news", i);
  for (std::uint64_t i = 0; i < count && state.range(1) != 0; ++i) routes = with(routes, "*", i);
  const Subject topic = subject("news");
  MatchBuffer buffer;
  std::uint64_t sum = 0;
  Row row{state, 1};
  for (auto _ : state) {
    sum = sum_of(routes.match(topic, &message_type, 0, buffer));
    benchmark::DoNotOptimize(sum);
  }
  row.finish(count, sum);
}
BENCHMARK(match_fan_out)->ArgNames({"subscribers", "overlap"})->ArgsProduct({{10, 100, 10'000}, {0, 1}});

/// A subscription more and one less, to a topic of its own among many, or to one topic that has many.
void subscribe(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  Routes routes;
  if (state.range(1) == 0) {
    routes = topics_of(state.range(0)).routes;
  } else {
    for (std::uint64_t i = 0; i < count; ++i) routes = with(routes, "news", i);
  }
  const Pattern to = pattern(state.range(1) == 0 ? "orders.new.created" : "news");
  const Subscription added{.type = &message_type, .subscriber = {.id = count}};
  std::uint64_t versions = 0;
  Row row{state, 1};
  for (auto _ : state) versions = routes.with(to, added).without(to, added).version() - routes.version();
  row.finish(2, versions);
}
BENCHMARK(subscribe)
    ->ArgNames({"others", "same_topic"})
    ->ArgsProduct({{10, 1'000, 10'000}, {0, 1}})
    ->Args({100'000, 0});

}  // namespace
