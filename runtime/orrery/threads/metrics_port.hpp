// metrics_port.hpp: metrics over HTTP, for a scraper on the same machine.
// Why:  a program that serves nothing else shall need no library to be watched; who has a web server shows the text there.
// How:  one thread, one connection at a time, on the loopback address only. A request is read up to its empty line, for as
//       long and as far as a scraper needs at most; GET /metrics is answered, everything else refused; then it is closed.
// Always true:  (P1) no other address than 127.0.0.1 is ever bound
//               (P2) whoever connects holds it up for `patience` at most, with `request_bytes_max` at most
// Source:       SPEC O1; Prometheus' exposition formats.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace orrery {

class MetricsPort {
 public:
  static constexpr std::size_t request_bytes_max = 8 * 1024;
  static constexpr std::chrono::milliseconds patience{1'000};

  /// Begins to serve what `text` returns, which is called on the thread of this. `port` 0: any that is free.
  MetricsPort(std::uint16_t port, std::function<std::string()> text);
  ~MetricsPort();
  MetricsPort(const MetricsPort&) = delete;
  MetricsPort& operator=(const MetricsPort&) = delete;

  /// Returns: where it listens; 0 when it could not.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Returns: why it does not listen, or nothing.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  [[nodiscard]] std::string_view listen_at(std::uint16_t port);
  void serve();
  void answer(int connection);

  const std::function<std::string()> text_;
  std::string problem_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;  // readable: stop
  std::thread thread_;
};

}  // namespace orrery
