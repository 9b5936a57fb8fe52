// prometheus.hpp: a list of metrics as Prometheus reads it.
// Why:  a text that everything understands needs no library; whoever has an HTTP server serves it at /metrics as
//       "text/plain; version=0.0.4".
// Source:       Prometheus, "Exposition formats", text format 0.0.4.
#pragma once
#include "orrery/actor/metrics.hpp"

#include <string>

namespace orrery {

/// Returns: for each name a HELP and a TYPE line, then a line per sample; of a histogram one per limit, with the number of
/// values up to it, then `_sum` and `_count`.
[[nodiscard]] std::string prometheus_text(const MetricList& list);

}  // namespace orrery
