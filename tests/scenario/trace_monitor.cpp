#include "tests/scenario/trace_monitor.hpp"

#include "tests/scenario/situation.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace orrery::scenario {

namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view line) {
  Words out;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) out.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

int number_of(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}
std::string id_of(std::string_view name) { return std::string{name.substr(0, name.find('#'))}; }
std::string template_of(const std::string& id) {
  const InstanceId instance = split_instance(id);
  return instance.base.empty() ? id : std::string{instance.base};
}

class Monitor {
 public:
  explicit Monitor(const Scenario& scenario) : scenario_{scenario} {
    for (const Declaration& declared : scenario.declarations) declared_.emplace(declared.id, &declared);
    for (const Event& event : scenario.events) learn(event);
    for (const Event& event : scenario.events) batches_ = batches_ || std::holds_alternative<Batch>(event.action);
  }

  std::string read(std::string_view trace) {
    std::string_view rest = trace;
    while (!rest.empty() && broken_.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      read_line(rest.substr(0, end));
      seen_ = trace.substr(0, trace.size() - rest.size() + end + 1);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return broken_;
  }

 private:
  void learn(const Event& event) {
    if (const auto* const add = std::get_if<AddChild>(&event.action)) {
      const bool fresh = declared_.emplace(add->child.id, &add->child).second;
      if (!fresh) twice_.insert(add->child.id);
    }
    if (const auto* const batch = std::get_if<Batch>(&event.action)) {
      for (const Event& operation : batch->operations) learn(operation);
    }
  }

  template <class... Args>
  void demand(bool holds, fmt::format_string<Args...> text, Args&&... args) {
    if (!holds && broken_.empty())
      broken_ = fmt::format("{}: ", event_) + fmt::format(text, std::forward<Args>(args)...);
  }

  void read_line(std::string_view line) {
    const Words words = words_of(line);
    if (words.empty()) return;
    if (words[0] == ">") return begin_event(line, words);
    if (!line.starts_with("  ")) return;
    if (words[0] == "start" || words[0] == "fail" || words[0] == "ignore") attempt(words);
    if (words[0] == "stop") stopped(words[1], words[2]);
    if (words[0] == "handled") demand(alive_.contains(words[1]), "W2 {} handles and is not alive", words[1]);
    if (words[0] == "orphans") read_orphans(words);
    if (words[0] == "rep") read_report(words);
    if (words[0] == "tree") end_event(line);
  }

  void begin_event(std::string_view line, const Words& words) {
    event_ = line;
    stops_.clear();
    before_ = situation_after(seen_);
    called_ = words[1] != "exit" && words[1] != "kill" && words[1] != "post" && words[1] != "signal";
    stopped_root_ = words[1] == "stop" && words[2] == scenario_.declarations.front().id;
    if (words[1] == "advance") now_ += number_of(words[2]);
    lost_.clear();
  }

  void attempt(const Words& words) {
    const std::string id = id_of(words[1]);
    const int number = number_of(std::string_view{words[1]}.substr(id.size() + 1));
    demand(number == ++attempts_[id], "W1 {} {} is attempt {}", words[0], words[1], attempts_[id]);
    demand(!lost_.contains(id), "W6 {} comes back", words[1]);
    if (words[0] == "start") alive_.insert(words[1]);
  }

  void stopped(const std::string& name, const std::string& reason) {
    demand(alive_.erase(name) == 1, "W2 {} stops and is not alive", name);
    stops_.push_back(name);
    const auto found = declared_.find(template_of(id_of(name)));
    if (found == declared_.end()) return;
    const Declaration& dead = *found->second;
    if (dead.kind == Kind::supervisor && reason == "killed") orphans_ = true;  // some may live on, and be seen nowhere
    if (called_ || stops_.size() > 1 || twice_.contains(dead.id)) return;
    // The first to stop died of itself.
    const auto parent = declared_.find(dead.parent);
    const bool alone =
        dead.restart == Restart::temporary || (dead.restart == Restart::transient && !is_abnormal(reason));
    if (alone && parent != declared_.end() && parent->second->auto_shutdown == AutoShutdown::never) {
      lost_.insert(id_of(name));
    }
  }

  void read_orphans(const Words& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string name = words[i].substr(0, words[i].find('='));
      demand(alive_.erase(name) == 1, "W2 {} is an orphan and is not alive", name);
    }
  }

  void end_event(std::string_view line) {
    if (line == "  tree dead") {
      demand(orphans_ || alive_.empty(), "W3 {} outlives the root", alive_.empty() ? "" : *alive_.begin());
    } else {
      const std::set<std::string> shown = names_in(line);
      for (const std::string& one : shown) demand(alive_.contains(one), "W3 the tree shows {}, who is dead", one);
      if (!orphans_)
        demand(shown.size() == alive_.size(), "W3 the tree shows {} of {} living", shown.size(), alive_.size());
    }
    for (const auto& [supervisor, over] : over_) demand(!over, "W5 {} goes on beyond its limit", supervisor);
    if (stopped_root_ && !orphans_) check_order();
  }

  static std::set<std::string> names_in(std::string_view line) {
    std::set<std::string> out;
    std::string name;
    const auto flush = [&] {
      if (name.find('#') != std::string::npos) out.insert(name);
      name.clear();
    };
    for (const char c : line.substr(std::string_view{"  tree "}.size())) {
      if (c == ' ' || c == '[' || c == ']') {
        flush();
      } else {
        name += c;
      }
    }
    flush();
    return out;
  }

  /// W4: what the tree before looked like, backwards; instances of one supervisor have no order but that of their numbers.
  void check_order() {
    std::vector<std::string> expected;
    const std::function<void(const Situation::Place&)> stop = [&](const Situation::Place& place) {
      std::vector<const Situation::Place*> children;
      for (const Situation::Place& child : before_.places) {
        if (child.parent == place.id && child.running) children.push_back(&child);
      }
      const bool instances = !children.empty() && !split_instance(children.front()->id).base.empty();
      if (!instances) std::ranges::reverse(children);
      for (const Situation::Place* const child : children) stop(*child);
      expected.push_back(place.id);
    };
    stop(before_.places.front());
    std::vector<std::string> seen;
    for (const std::string& name : stops_) seen.push_back(id_of(name));
    demand(seen == expected, "W4 the order of {} stops is wrong", seen.size());
  }

  // --- W5 -------------------------------------------------------------------------------------------------------------

  void read_report(const Words& words) {
    if (batches_ || !twice_.empty()) return;
    const std::string& supervisor = words[1];
    const std::string offender = words[3].substr(0, words[3].find('*'));
    if (words[2] == "shutdown") {
      demand(std::exchange(over_[supervisor], false), "W5 {} gives up within its limit", supervisor);
      return;
    }
    if (words[2] == "shutdown_error") return;  // it stops somebody, before or after it has decided
    demand(!over_[supervisor], "W5 {} goes on beyond its limit", supervisor);
    const auto child = declared_.find(offender);
    const bool restartable = child != declared_.end() && child->second->restart != Restart::temporary;
    const bool crash = words[2] == "child_terminated" && restartable;
    const bool failed_restart = words[2] == "start_error" && restarts_.contains(supervisor);
    if (!crash && !failed_restart) return;
    const auto found = declared_.find(id_of(supervisor));
    if (found == declared_.end()) return;
    const Declaration& flags = *found->second;
    std::vector<std::int64_t>& stamps = restarts_[supervisor];
    stamps.push_back(now_);
    const auto recent = std::ranges::count_if(stamps, [&](std::int64_t at) { return at >= now_ - flags.period; });
    over_[supervisor] = recent > flags.intensity;
  }

  const Scenario& scenario_;
  std::map<std::string, const Declaration*> declared_;
  std::set<std::string> twice_;  ///< which of two declarations holds is not known here
  bool batches_ = false;

  std::string broken_;
  std::string event_ = "> init";
  std::string_view seen_;
  std::set<std::string> alive_;
  std::map<std::string, int> attempts_;
  std::vector<std::string> stops_;
  std::set<std::string> lost_;
  bool called_ = true;
  bool stopped_root_ = false;
  bool orphans_ = false;
  Situation before_;
  std::int64_t now_ = 0;
  std::map<std::string, std::vector<std::int64_t>> restarts_;
  std::map<std::string, bool> over_;
};

}  // namespace

std::string broken_rule(const Scenario& scenario, std::string_view trace) { return Monitor{scenario}.read(trace); }

}  // namespace orrery::scenario
