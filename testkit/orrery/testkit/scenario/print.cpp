#include "orrery/testkit/scenario/print.hpp"

#include "orrery/testkit/scenario/detail/attributes.hpp"

#include <fmt/core.h>

namespace orrery::scenario {

namespace {

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::supervisor:
      return "sup";
    case Kind::worker:
      return "work";
    case Kind::instance_template:
      return "tmpl";
  }
  return "";
}

struct ActionText {
  std::string operator()(const Exit& a) const { return fmt::format("exit {} {}", a.target, a.reason); }
  std::string operator()(const Kill& a) const { return fmt::format("kill {}", a.target); }
  std::string operator()(const Signal& a) const { return fmt::format("signal {} {}", a.target, a.reason); }
  std::string operator()(const Post& a) const {
    std::string out = fmt::format("post {}", a.target);
    for (const Message& message : a.messages) out.append(message.exits ? " !" : " ").append(message.text);
    return out;
  }
  std::string operator()(const Stop& a) const { return fmt::format("stop {} {}", a.supervisor, a.reason); }
  std::string operator()(const Advance& a) const { return fmt::format("advance {}", a.seconds); }
  std::string operator()(const Replan& a) const { return fmt::format("plan {} {}", a.target, a.letters); }
  std::string operator()(const TerminateChild& a) const {
    return fmt::format("terminate {} {}", a.supervisor, a.child);
  }
  std::string operator()(const RestartChild& a) const { return fmt::format("restart {} {}", a.supervisor, a.child); }
  std::string operator()(const DeleteChild& a) const { return fmt::format("delete {} {}", a.supervisor, a.child); }
  std::string operator()(const AddChild& a) const {
    return fmt::format("add {} {} {}{}", a.child.parent, word_of(a.child.kind), a.child.id,
                       detail::attributes_text(a.child));
  }
  std::string operator()(const Spawn& a) const { return fmt::format("spawn {}", a.supervisor); }
  std::string operator()(const Count& a) const { return fmt::format("count {}", a.supervisor); }
  std::string operator()(const Which& a) const { return fmt::format("which {}", a.supervisor); }
  std::string operator()(const Batch& a) const { return fmt::format("batch {} {}", a.supervisor, a.operations.size()); }
};

}  // namespace

std::string print(const Declaration& declaration) {
  return fmt::format("{} {} parent={}{}", word_of(declaration.kind), declaration.id, declaration.parent,
                     detail::attributes_text(declaration));
}

std::string print(const Action& action) { return std::visit(ActionText{}, action); }

Event make_event(Action action) {
  std::string text = print(action);
  return {.action = std::move(action), .text = std::move(text)};
}

std::string print(const Scenario& scenario) {
  std::string out = fmt::format("scenario {}\n", scenario.name);
  for (std::size_t i = 0; i < scenario.tags.size(); ++i) out.append(i == 0 ? "tags " : ",").append(scenario.tags[i]);
  if (!scenario.tags.empty()) out += '\n';
  for (const Declaration& declaration : scenario.declarations) out.append(print(declaration)).append("\n");
  out += "run\n";
  for (const Event& event : scenario.events) {
    out.append(event.text).append("\n");
    if (const auto* const batch = std::get_if<Batch>(&event.action)) {
      for (const Event& operation : batch->operations) out.append(operation.text).append("\n");
    }
  }
  return out + "end\n";
}

}  // namespace orrery::scenario
