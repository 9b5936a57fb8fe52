#include "orrery/testkit/trace_drawing.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace orrery::testkit {

namespace {

class Perfetto {
 public:
  explicit Perfetto(const Drawing& drawing) : drawing_{drawing}, slice_of_(drawing.actors.size(), no_slice) {}

  std::string text() {
    put("M", 0, "process_name").add_raw("args", JsonObject{}.add("name", "orrery, virtual time").text());
    end();
    for (std::size_t i = 0; i < drawing_.actors.size(); ++i) {
      put("M", i, "thread_name").add_raw("args", JsonObject{}.add("name", drawing_.actors[i]).text());
      end();
      put("M", i, "thread_sort_index").add_raw("args", JsonObject{}.add("sort_index", std::uint64_t{i}).text());
      end();
    }
    for (std::size_t i = 0; i < drawing_.events.size(); ++i) add(i);
    return fmt::format("{{\"displayTimeUnit\":\"ns\",\"otherData\":{},\"traceEvents\":[\n{}\n]}}\n",
                       JsonObject{}
                           .add("clock", "virtual; events of one instant follow each other a microsecond apart")
                           .add("events_left_out", std::uint64_t{drawing_.left_out})
                           .text(),
                       out_);
  }

 private:
  static constexpr std::uint64_t no_slice = static_cast<std::uint64_t>(-1);

  JsonObject& put(std::string_view phase, std::size_t actor, std::string_view name) {
    line_ = JsonObject{};
    line_.add("ph", phase).add("pid", std::uint64_t{1}).add("tid", std::uint64_t{actor + 1}).add("name", name);
    return line_;
  }
  void end() { out_ += (out_.empty() ? "" : ",\n") + line_.text(); }

  void slice(std::size_t actor, std::string_view name, const JsonObject& args, bool has_failed) {
    put("X", actor, name)
        .add("cat", "handler")
        .add("ts", now_)
        .add("dur", std::uint64_t{1})
        .add_raw("args", args.text());
    if (has_failed) line_.add("cname", "terrible");
    end();
    slice_of_[actor] = now_;
  }
  void instant(std::size_t actor, std::string_view name, std::string_view category, const JsonObject& args) {
    put("i", actor, name).add("cat", category).add("ts", now_).add("s", "t").add_raw("args", args.text());
    end();
  }
  /// From the last slice of `from` to the one that begins now.
  void flow(std::size_t from, std::size_t to, std::string_view name) {
    ++flows_;
    put("s", from, name).add("cat", "message").add("id", flows_).add("ts", slice_of_[from]);
    end();
    put("f", to, name).add("cat", "message").add("id", flows_).add("ts", now_).add("bp", "e");
    end();
  }

  static JsonObject args_of(const TraceEvent& event) {
    JsonObject args;
    args.add("step", event.step).add("t_ns", event.nanoseconds).add("kind", event.kind).add("from", event.from);
    if (!event.to.empty()) args.add("to", event.to);
    if (!event.message.empty()) args.add("message", event.message);
    if (!event.reply.empty()) args.add("reply", event.reply);
    if (!event.file.empty()) args.add("where", fmt::format("{}:{}", event.file, event.line));
    if (!event.finding.empty()) args.add("finding", event.finding);
    return args;
  }

  void add(std::size_t i) {
    const TraceEvent& event = drawing_.events[i];
    const std::size_t from = drawing_.from[i];
    const std::size_t to = drawing_.to[i];
    now_ = std::max(now_ + 1, event.nanoseconds / 1'000);
    const std::string what = what_happens(drawing_, i);
    const std::string name = what.substr(0, what.find('{'));
    const JsonObject args = args_of(event);
    switch (shape_of(event)) {
      case Shape::handled:
        if (from != to && slice_of_[from] == no_slice) slice(from, "tells " + name, JsonObject{}, false);
        slice(to, name, args, !event.finding.empty());
        if (from != to) flow(from, to, name);
        break;
      case Shape::going_on:
        slice(from, name, args, !event.finding.empty());
        for (const std::size_t taken : drawing_.replies[i]) {
          if (drawing_.to[taken] != from) flow(drawing_.to[taken], from, "reply");
        }
        break;
      case Shape::caused:
        instant(to, what, event.kind, args);
        break;
      case Shape::undelivered:
      case Shape::moment:
        instant(from, what, event.kind == "stall" ? "fault" : event.kind, args);
        break;
    }
    if (event.finding.empty()) return;
    put("i", to, "X " + event.finding).add("cat", "finding").add("ts", now_).add("s", "g");
    end();
  }

  const Drawing& drawing_;
  std::vector<std::uint64_t> slice_of_;  ///< when the last slice of each actor began
  std::uint64_t now_ = 0;                ///< microseconds
  std::uint64_t flows_ = 0;
  JsonObject line_;
  std::string out_;
};

}  // namespace

std::string draw_perfetto(const Drawing& drawing) { return Perfetto{drawing}.text(); }

}  // namespace orrery::testkit
