#include "orrery/core/check.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace orrery {
namespace {
struct ContextProvider {
  void (*provider)(void* user, std::string& out) = nullptr;
  void* user = nullptr;
  bool failing = false;
};

// Reached only through this function: a compiler may keep the address of a thread-local across a fiber
// switch, after which it would belong to another thread.
[[gnu::noinline]] ContextProvider& this_threads_context() {
  thread_local ContextProvider context;
  return context;
}

// One call for one line: lines of threads that fail at the same time do not mix. stderr is not buffered.
void print_line(std::string line) {
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

[[noreturn]] void report_and_abort(const detail::CheckSite& site, const std::string& text) {
  std::string line = fmt::format("{}:{}: check failed: {}", site.file, site.line, site.condition);
  if (!text.empty()) line += ": " + text;
  print_line(std::move(line));  // C2
  ContextProvider& context = this_threads_context();
  if (context.provider != nullptr && !context.failing) {
    context.failing = true;  // a check that fails inside the provider reports itself, without asking again
    std::string about;
    context.provider(context.user, about);
    if (!about.empty()) print_line(std::move(about));
  }
  std::abort();
}
}  // namespace

void set_check_context(void (*provider)(void* user, std::string& out), void* user) {
  ContextProvider& context = this_threads_context();
  context.provider = provider;
  context.user = user;
}

namespace detail {
void check_failed(const CheckSite& site) {
  try {
    report_and_abort(site, "");
  } catch (...) {
    std::abort();  // C3: a provider that threw
  }
}

void check_failed_text(const CheckSite& site, fmt::string_view text, fmt::format_args args) {
  std::string message;
  try {
    message = fmt::vformat(text, args);
  } catch (...) {
    message = "(the text could not be formatted)";
  }
  try {
    report_and_abort(site, message);
  } catch (...) {
    std::abort();  // C3: a provider that threw
  }
}
}  // namespace detail
}  // namespace orrery
