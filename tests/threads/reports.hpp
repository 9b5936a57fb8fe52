// reports.hpp: what a System under test has told its operator.
#pragma once
#include "tests/threads/system_fixture.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// What was reported, by kind. The sink may outlive it, as the system of a SystemTest outlives what its test has on the stack.
class Reports {
 public:
  [[nodiscard]] ReportSink sink() {
    return [told = told_](std::string_view kind, const std::string& text) {
      const std::lock_guard guard{told->mutex};
      told->texts[std::string{kind}].push_back(text);
    };
  }
  [[nodiscard]] std::vector<std::string> of(const std::string& kind) {
    const std::lock_guard guard{told_->mutex};
    return told_->texts[kind];
  }
  /// Returns: the first report of that kind with that beginning; waits for it.
  [[nodiscard]] std::string await(const std::string& kind, std::string_view beginning = "") {
    std::string found;
    EXPECT_TRUE(eventually([&] {
      for (const std::string& text : of(kind)) {
        if (text.starts_with(beginning)) found = text;
      }
      return !found.empty();
    })) << kind;
    return found;
  }

 private:
  struct Told {
    std::mutex mutex;
    std::map<std::string, std::vector<std::string>> texts;
  };
  std::shared_ptr<Told> told_ = std::make_shared<Told>();
};

/// Only what a test wants; on a busy machine any handler may be slow.
inline SystemOptions quiet(Reports& reports) {
  SystemOptions options;
  options.slow_handler = options.blocked_worker = options.ring_watch = {};
  options.inspect_period = options.mail_age = options.mailbox_growth = {};
  options.watch_period = 1ms;
  options.reports_per_minute = 1'000;
  options.report_to = reports.sink();
  return options;
}

}  // namespace orrery
