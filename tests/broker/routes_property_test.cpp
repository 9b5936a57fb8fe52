// Goal:   whatever is subscribed and unsubscribed in whatever order, a table gives what a plain list of subscriptions and
//         the reference matcher give, and never changes.
// Method: few tokens, types, groups and subscribers, so that patterns overlap, repeat and leave again.
#include "orrery/broker/routes.hpp"

#include "tests/broker/route_model.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery {
namespace {

using namespace broker_test;

std::string joined(const std::vector<std::string>& tokens) {
  std::string text = tokens.front();
  for (std::size_t i = 1; i < tokens.size(); ++i) text += "." + tokens[i];
  return text;
}

rc::Gen<std::vector<std::string>> some(rc::Gen<std::string> token) {
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(1, 5), [token](std::size_t count) {
    return rc::gen::container<std::vector<std::string>>(count, token);
  });
}

rc::Gen<std::string> a_subject() { return rc::gen::map(some(rc::gen::element<std::string>("a", "b", "c")), joined); }
rc::Gen<std::string> a_pattern() {
  auto tokens = some(rc::gen::weightedElement<std::string>({{3, "a"}, {2, "b"}, {3, "*"}}));
  return rc::gen::map(rc::gen::pair(std::move(tokens), rc::gen::inRange(0, 3)),
                      [](std::pair<std::vector<std::string>, int> drawn) {
                        if (drawn.second == 0) drawn.first.back() = ">";
                        return joined(drawn.first);
                      });
}

struct Change {
  bool is_removal = false;
  Listed what;
};
std::ostream& operator<<(std::ostream& out, const Change& change) {
  return out << (change.is_removal ? "remove " : "add ") << change.what.pattern << " type " << change.what.type
             << " group '" << change.what.group << "' id " << change.what.id;
}

rc::Gen<Change> a_change() {
  using rc::gen::inRange;
  return rc::gen::map(rc::gen::tuple(inRange(0, 3), a_pattern(), inRange<std::size_t>(0, 4),
                                     rc::gen::element<std::string>("", "", "g", "h"), inRange<std::uint64_t>(1, 5)),
                      [](std::tuple<int, std::string, std::size_t, std::string, std::uint64_t> drawn) {
                        auto& [kind, pattern, type, group, id] = drawn;
                        return Change{kind == 0, Listed{std::move(pattern), type / 3, std::move(group), id, 0}};
                      });
}

void expect_same(const Routes& routes, const RouteModel& model, const std::vector<std::string>& subjects,
                 std::uint64_t draw, MatchBuffer& buffer) {
  for (const std::string& text : subjects) {
    for (std::size_t of = 0; of < 2; ++of) {
      RC_ASSERT(ids_of(routes.match(subject(text), type(of), draw, buffer)) == model.match(text, of, draw));
    }
    RC_ASSERT(ids_of(routes.listeners(subject(text), buffer)) == model.listeners(text));
  }
}

RC_GTEST_PROP(RoutesModel, agrees_with_a_plain_list_after_each_change, ()) {
  const auto changes = *rc::gen::scale(3, rc::gen::container<std::vector<Change>>(a_change()));
  const auto subjects = *rc::gen::container<std::vector<std::string>>(3, a_subject());
  Routes routes;
  RouteModel model;
  MatchBuffer buffer;
  std::vector<std::pair<Routes, RouteModel>> past{{routes, model}};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    // Mostly what was added earlier is removed; what is drawn would seldom be there.
    Listed what = changes[i].what;
    const std::size_t count = model.all.size();
    if (changes[i].is_removal && count != 0 && i % 4 != 0) what = model.all[what.id * 7919 % count];
    const bool has_changed = changes[i].is_removal ? model.remove(what) : model.add(what);
    const std::uint64_t before = routes.version();
    RC_ASSERT(routes.contains(pattern(what.pattern), what.subscription()) == (has_changed == changes[i].is_removal));
    routes = changes[i].is_removal ? routes.without(pattern(what.pattern), what.subscription())
                                   : routes.with(pattern(what.pattern), what.subscription());
    RC_ASSERT(routes.version() == before + (has_changed ? 1 : 0));
    RC_ASSERT(routes.subscription_count() == model.all.size());
    expect_same(routes, model, subjects, i, buffer);
    past.emplace_back(routes, model);
  }
  // R1: no later change has been seen by any of them.
  for (const auto& [old_routes, old_model] : past) expect_same(old_routes, old_model, subjects, 5, buffer);
  // Whatever is left can be taken out again, in another order than it came, and then nothing is there.
  while (!model.all.empty()) {
    const Listed listed = model.all[model.all.size() / 2];
    model.remove(listed);
    routes = routes.without(pattern(listed.pattern), listed.subscription());
    expect_same(routes, model, subjects, 1, buffer);
  }
  RC_ASSERT(routes.subscription_count() == 0u);
}

}  // namespace
}  // namespace orrery
