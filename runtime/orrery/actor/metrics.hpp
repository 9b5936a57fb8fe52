// metrics.hpp: what a runtime has done so far, in numbers, and a list to hand such numbers on.
// Why:  whoever runs a system wants to see it work; and whoever shows the numbers should not know where they come from.
// How:  the counters are those that the runtime keeps anyway, one set per worker. They are added up when somebody asks, so
//       that nobody pays while nobody does. A MetricList takes numbers from any source:
//
//         MetricList list;
//         runtime.metrics().append_to(list);
//         list.counter("shop_orders_total", "Orders taken.", {{"shop", "west"}}, orders);
//         list.histogram("shop_order_seconds", "From order to parcel.", {}, durations, MetricScale::seconds());
//         reply(prometheus_text(list));
//
// Always true:  (N1) no counter ever goes back
//               (N2) samples of one name have one kind and one help text, and no two the same labels
// Source:       SPEC B8, O1.
#pragma once
#include "orrery/actor/dead_letters.hpp"
#include "orrery/actor/errors.hpp"
#include "orrery/actor/message_times.hpp"
#include "orrery/actor/type_counts.hpp"
#include "orrery/core/histogram.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orrery {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// How the integers of a histogram are shown: divided by `per_unit`; and which limits are: 2^n - 1 for n from `first` to
/// `last`, since buckets end there and the counts are exact.
struct MetricScale {
  double per_unit = 1;
  unsigned first = 0;
  unsigned last = 20;

  /// Of nanoseconds, from a quarter of a microsecond to 17 s.
  [[nodiscard]] static constexpr MetricScale seconds() noexcept { return {.per_unit = 1e9, .first = 8, .last = 34}; }
};

class MetricList {
 public:
  enum class Kind : std::uint8_t { counter, gauge, histogram };
  /// A histogram as it is shown.
  struct Distribution {
    std::vector<std::pair<double, std::uint64_t>>
        up_to;  ///< limits, which grow, and how many values do not exceed them
    std::uint64_t count = 0;
    double sum = 0;
  };
  struct Sample {
    MetricLabels labels;
    std::variant<std::uint64_t, double, Distribution> value;
  };
  struct Family {
    std::string name;
    std::string help;
    Kind kind;
    std::vector<Sample> samples;
  };

  /// Pre for all: `name` is letters, digits, "_" and ":", and begins with no digit; so are names of labels, without ":",
  /// and they do not begin with "__" (N2 and this are checked: such names are written by programmers).
  void counter(std::string_view name, std::string_view help, MetricLabels labels, std::uint64_t value);
  /// A counter of time.
  void seconds(std::string_view name, std::string_view help, MetricLabels labels, Duration sum);
  void gauge(std::string_view name, std::string_view help, MetricLabels labels, double value);
  void histogram(std::string_view name, std::string_view help, MetricLabels labels, const HistogramCounts& values,
                 MetricScale scale = {});
  void histogram(std::string_view name, std::string_view help, MetricLabels labels, const CoarseCounts& values,
                 MetricScale scale = {});

  /// Returns: what was put in, by name, in the order in which names came first.
  [[nodiscard]] const std::vector<Family>& families() const noexcept { return families_; }

 private:
  void add(std::string_view name, std::string_view help, Kind kind, Sample sample);
  std::vector<Family> families_;
};

/// What a runtime counts. Messages are accounted for as in ledger.hpp; the numbers are of slightly different moments while
/// something runs.
struct RuntimeMetrics {
  std::uint64_t spawned = 0;
  std::uint64_t stopped = 0;
  std::uint64_t living = 0;
  std::uint64_t restarts = 0;
  std::uint64_t offered = 0;
  std::uint64_t refused = 0;  ///< all of them; by the error that the sender got:
  std::array<std::uint64_t, tell_errors> refused_with{};
  std::uint64_t handled = 0;
  std::uint64_t failed = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t queued = 0;
  std::vector<DeadLetters::Count> letters{};  ///< by type and reason; late replies, which are no messages, among them
  std::uint64_t letters_dropped = 0;
  std::uint64_t letters_kept = 0;
  std::uint64_t waiting_handlers = 0;  ///< parked: for a reply, a place in a mailbox, an instant, offloaded work
  std::uint64_t deepest_mailbox = 0;   ///< how much waits in the fullest of the bounded mailboxes
  std::uint64_t asks = 0;              ///< begun; those that failed, by the error that the asker got:
  std::array<std::uint64_t, ask_errors> asks_failed{};
  /// How long asks took that got a reply, in nanoseconds of the world's time, from the request to the asker's having the
  /// reply; null unless RuntimeOptions::measure_asks.
  std::shared_ptr<const HistogramCounts> ask_times{};

  /// By type of actor, in the order of their names. Types of one name are one here.
  std::vector<TypeMetrics> types{};
  /// How long messages took, of those that were timed (RuntimeOptions::time_one_in); null if none are.
  std::shared_ptr<const MessageTimesTotal> message_times{};

  [[nodiscard]] std::uint64_t of(TellError error) const noexcept {
    return refused_with[static_cast<std::size_t>(error)];
  }
  [[nodiscard]] std::uint64_t of(AskError error) const noexcept { return asks_failed[static_cast<std::size_t>(error)]; }

  void append_to(MetricList& list, const MetricLabels& labels = {}) const;

 private:
  void append_types(MetricList& list, const MetricLabels& labels) const;
};

}  // namespace orrery
