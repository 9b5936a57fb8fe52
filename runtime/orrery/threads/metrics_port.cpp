#include "orrery/threads/metrics_port.hpp"

#include "orrery/core/check.hpp"
#include "orrery/threads/no_signals.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace orrery {

namespace {

using Clock = std::chrono::steady_clock;

/// Returns: whether `events` came before `until`, and no stop before them.
bool await(int file, short events, int wake, Clock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> files{pollfd{file, events, 0}, pollfd{wake, POLLIN, 0}};
    const int ready = ::poll(files.data(), files.size(), static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    return ready > 0 && files[1].revents == 0;
  }
}

std::string response(std::string_view status, std::string_view type, std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     type, body.size(), body);
}

}  // namespace

MetricsPort::MetricsPort(std::uint16_t port, std::function<std::string()> text) : text_{std::move(text)} {
  if (const std::string_view failed = listen_at(port); !failed.empty()) {
    problem_ = fmt::format("metrics are not served at 127.0.0.1:{}: {}: {}", port, failed, std::strerror(errno));
    return;
  }
  const NoSignals quiet;
  thread_ = std::thread{[this] { serve(); }};
}

/// Returns: which call failed, errno saying why; or nothing.
std::string_view MetricsPort::listen_at(std::uint16_t port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0) return "socket";
  const int yes = 1;
  (void)::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);  // P1
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "bind";
  if (::listen(listener_, 8) != 0) return "listen";
  socklen_t length = sizeof address;
  if (::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "getsockname";
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  if (wake_ < 0) return "eventfd";
  port_ = ntohs(address.sin_port);
  return {};
}

MetricsPort::~MetricsPort() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    ORRERY_CHECK(::write(wake_, &one, sizeof one) == sizeof one);
    thread_.join();
  }
  if (listener_ >= 0) ::close(listener_);
  if (wake_ >= 0) ::close(wake_);
}

void MetricsPort::serve() {
  while (true) {
    std::array<pollfd, 2> files{pollfd{listener_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
    if (::poll(files.data(), files.size(), -1) < 0) continue;
    if (files[1].revents != 0) return;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) {
      // Without a file descriptor left the listener stays readable: looked at again after a moment, not at once.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) (void)::poll(&files[1], 1, 100);
      continue;
    }
    answer(connection);
    ::close(connection);
  }
}

void MetricsPort::answer(int connection) {
  const auto until = Clock::now() + patience;  // P2
  std::string request;
  while (!request.contains("\r\n\r\n")) {
    std::array<char, 1'024> part;
    if (request.size() > request_bytes_max || !await(connection, POLLIN, wake_, until)) return;
    const ssize_t got = ::recv(connection, part.data(), part.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return;
    request.append(part.data(), static_cast<std::size_t>(got));
  }
  const std::string_view line = std::string_view{request}.substr(0, request.find("\r\n"));
  std::string reply;
  if (line.starts_with("GET /metrics ") || line.starts_with("GET /metrics?")) {
    reply = response("200 OK", "text/plain; version=0.0.4; charset=utf-8", text_());
  } else if (line.starts_with("GET ")) {
    reply = response("404 Not Found", "text/plain", "there is only /metrics\n");
  } else {
    reply = response("405 Method Not Allowed", "text/plain", "only GET\n");
  }
  for (std::string_view rest = reply; !rest.empty();) {
    if (!await(connection, POLLOUT, wake_, until)) return;
    const ssize_t sent = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) return;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace orrery
