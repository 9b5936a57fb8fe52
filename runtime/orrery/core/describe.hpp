// describe.hpp: any value as one line of text for people: traces, reports, failure messages.
// Why:  a report is read at the worst moment, so it has to show what a message or an actor holds without its
//       author having prepared anything.
// How:  a plain struct is printed through reflection, a standard type by its kind; what cannot be seen is
//       "Type{…}". Numbers become text in the .cpp; the templates only walk.
// Always true:  (D1) no address is ever printed, and no unordered container is walked, so equal values have
//                    equal texts in every run
//               (D2) the text is bounded: long strings, ranges, deep and large values are cut with "…"
// The texts:    Withdraw{amount=100}  GetBalance{}  -3  true  'a'  "quoted\n"  red or Color(7)  1.5s
//               none or the value  error(…)  (1, "b")  [1, 2, … 40 in all]  {1: "a"}  {1, 2}  null  Type{…}
// Customising:  `std::string orrery_describe(const T&)`, found by argument-dependent lookup, wins.
// Not chosen:   fmt formatters for everything (each costs an include and a macro, and every message pays).
#pragma once
#include "orrery/core/detail/describe_value.hpp"
#include "orrery/core/hash_value.hpp"

#include <string>

namespace orrery {
/// Appends the text of `value` to `out`; the forms stand at the top of this file.
///
/// Cost: the allocations of `out`; at most about 4 kB of text, customised parts aside.
template <class T>
void describe_to(std::string& out, const T& value) {
  detail::Description to{
      .out = out, .stop_at_bytes = out.size() + detail::describe_bytes_max, .levels_left = detail::describe_levels_max};
  detail::describe_value(to, value);
}

template <class T>
[[nodiscard]] std::string describe(const T& value) {
  std::string out;
  describe_to(out, value);
  return out;
}
}  // namespace orrery
