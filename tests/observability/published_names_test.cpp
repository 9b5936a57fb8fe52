// Goal:   the dashboard, the rules for alerts and the page on metrics name metrics that a running system has, with labels
//         that they have; and no metric is left unsaid of on the page.
// Method: a system in which everything has happened once is scraped over its own port; the files are searched for names.
#include "tests/support/prometheus_parser.hpp"

#include "orrery/actor/prometheus.hpp"
#include "orrery/broker.hpp"
#include "orrery/system.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>

namespace orrery {
namespace {

using namespace std::chrono_literals;

/// Returns: a connection to a port of this machine, which the caller closes.
int connect_to(std::uint16_t port) {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience{.tv_sec = 60, .tv_usec = 0};
  (void)::setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return file;
}

/// Sends `request` to a port of this machine. Returns: all that comes back.
std::string talk(std::uint16_t port, const std::string& request) {
  const int file = connect_to(port);
  std::string answer;
  (void)::send(file, request.data(), request.size(), MSG_NOSIGNAL);
  char part[4'096];
  for (ssize_t got = 0; (got = ::recv(file, part, sizeof part, 0)) > 0;) {
    answer.append(part, static_cast<std::size_t>(got));
  }
  ::close(file);
  return answer;
}

SystemOptions serving() {
  SystemOptions options{.threads = 2,
                        .metrics_port = 0,
                        .report_to = [](std::string_view, const std::string&) {},
                        .read_environment = false};
  options.inspect_period = 1ms;
  options.runtime.time_one_in = 1;
  options.runtime.measure_asks = true;
  return options;
}

struct Note {
  int number = 0;
};
struct Ask {
  using Reply = int;
  Duration nap = 20ms;
};
struct Clerk {
  void handle(Note) {}
  int handle(Ask ask, Context& context) {
    context.sleep(ask.nap);
    return 1;
  }
};

using Families = std::map<std::string, test_support::PrometheusParser::Family>;

/// What is served by a system in which everything has happened once.
Families everything() {
  System system{serving()};
  Broker broker{system};
  const auto part = system.add_metrics([&broker](MetricList& list) { broker.metrics().append_to(list); });
  const auto clerk = system.spawn("clerk", Clerk{});
  const std::size_t residents = system.living();
  EXPECT_TRUE(clerk->tell(Note{1}));
  const auto sleeper = system.spawn(Clerk{});
  EXPECT_FALSE(sleeper.ask(Ask{.nap = 24h}, 1ms));  // an alarm
  system.stop(sleeper);
  EXPECT_TRUE(clerk->ask(Ask{}, 60s));
  const auto gone = system.spawn(Clerk{});
  system.stop(gone);
  while (system.living() != residents) std::this_thread::yield();
  EXPECT_FALSE(gone.tell(Note{1}));
  Families found;
  do {  // until a walk has met a handler that waits, with mail behind it, whose actor then ends
    const auto brief = system.spawn(Clerk{});
    EXPECT_TRUE(brief.tell(Ask{}, ignore_reply));
    EXPECT_TRUE(brief.tell(Note{2}));
    std::this_thread::sleep_for(5ms);
    system.stop(brief);
    while (system.living() != residents) std::this_thread::yield();
    const std::string answer = talk(system.metrics_port(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"))
        << answer.substr(0, 99);
    found = test_support::PrometheusParser::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  } while (!found.contains("orrery_fiber_stack_highwater_bytes") || !found.contains("orrery_dead_letters_total"));
  return found;
}

std::string text_of(const std::string& path) {
  std::ifstream file{path};  // suites run in the root of the repository
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

std::set<std::string> names_in(const std::string& text) {
  static const std::regex name{R"(\borrery_[a-z_]*[a-z]\b)"};
  std::set<std::string> names;
  for (std::sregex_iterator at{text.begin(), text.end(), name}, end; at != end; ++at) names.insert(at->str());
  return names;
}

/// The family that a name in an expression belongs to.
std::string family_of(const std::string& name, const Families& all) {
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string stem = name.substr(0, name.size() - std::string_view{suffix}.size());
    if (const auto at = all.find(stem); at != all.end() && at->second.type == "histogram") return stem;
  }
  return name;
}

/// Checks the names of metrics, and that what an expression sums `by` is a label of each of them.
void check_expression(const std::string& expression, const Families& all) {
  static const std::regex by{R"(by \(([a-z, ]+)\))"};
  const std::set<std::string> names = names_in(expression);
  EXPECT_FALSE(names.empty()) << expression;
  for (const std::string& name : names) {
    const auto at = all.find(family_of(name, all));
    ASSERT_NE(at, all.end()) << name << " in " << expression;
    for (std::sregex_iterator group{expression.begin(), expression.end(), by}, end; group != end; ++group) {
      std::istringstream labels{(*group)[1].str()};
      for (std::string label; std::getline(labels >> std::ws, label, ',');) {
        if (label == "job") continue;  // the scraper's
        EXPECT_TRUE(
            std::ranges::any_of(at->second.lines, [&](const auto& line) { return line.labels.contains(label); }))
            << name << " has no label " << label;
      }
    }
  }
}

TEST(Published, names_of_metrics_exist) {
  const Families all = everything();
  static const std::regex in_dashboard{R"re("expr": "((?:[^"\\]|\\.)*)")re"};
  const std::string dashboard = text_of("docs/observability/grafana.json");
  int expressions = 0;
  for (std::sregex_iterator at{dashboard.begin(), dashboard.end(), in_dashboard}, end; at != end; ++at, ++expressions) {
    check_expression((*at)[1].str(), all);
  }
  EXPECT_GE(expressions, 20);
  static const std::regex in_rules{R"(expr: (.*))"};
  const std::string rules = text_of("docs/observability/alerts.yml");
  int alerts = 0;
  for (std::sregex_iterator at{rules.begin(), rules.end(), in_rules}, end; at != end; ++at, ++alerts) {
    check_expression((*at)[1].str(), all);
  }
  EXPECT_EQ(alerts, 4);

  const std::string page = text_of("docs/observability.md");
  for (const std::string& name : names_in(page)) {
    if (name.starts_with("orrery_slow_handler")) continue;  // an option
    EXPECT_TRUE(all.contains(name)) << name << " is on the page";
  }
  const std::set<std::string> told = [&] {
    auto names = names_in(page);
    names.merge(names_in(text_of("docs/dead-letters.md")));
    return names;
  }();
  for (const auto& [name, family] : all) {
    EXPECT_TRUE(told.contains(name) || name.starts_with("orrery_broker_")) << name << " is on no page";
  }
}

TEST(Published, port_answers_what_is_asked_for_and_nothing_else) {
  System system{serving()};
  const std::uint16_t port = system.metrics_port();
  ASSERT_NE(port, 0);
  EXPECT_TRUE(talk(port, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(talk(port, "GET /metricsandmore HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(talk(port, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(talk(port, "GET /metrics?x=1 HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
  const int silent = connect_to(port);
  EXPECT_TRUE(talk(port, "GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "))
      << "it has no patience for ever";
  ::close(silent);
  EXPECT_EQ(talk(port, std::string(100'000, 'x')), "") << "nor did it read on for ever";
  EXPECT_TRUE(talk(port, "GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 ")) << "and it is well";
}

TEST(Published, port_that_is_taken_is_said_and_the_system_runs_without) {
  System first{serving()};
  SystemOptions options = serving();
  options.metrics_port = first.metrics_port();
  std::string said;
  options.report_to = [&said](std::string_view kind, const std::string& text) {
    if (kind == "metrics port") said = text;
  };
  System second{options};
  EXPECT_EQ(second.metrics_port(), 0);
  EXPECT_NE(said.find("Address already in use"), std::string::npos) << said;
  EXPECT_EQ((System{{.threads = 1, .read_environment = false}}.metrics_port()), 0) << "off by default";
}

TEST(Published, port_is_served_on_the_loopback_address_only) {
  const System system{serving()};
  char name[128]{};
  const std::string table = [&] {
    std::ifstream file{"/proc/net/tcp"};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }();
  (void)std::snprintf(name, sizeof name, " 0100007F:%04X 00000000:0000 0A ", system.metrics_port());
  EXPECT_NE(table.find(name), std::string::npos);
  (void)std::snprintf(name, sizeof name, " 00000000:%04X 00000000:0000 0A ", system.metrics_port());
  EXPECT_EQ(table.find(name), std::string::npos);
}

}  // namespace
}  // namespace orrery
