#include "orrery/testkit/scenario/plan.hpp"

#include "orrery/core/check.hpp"
#include "orrery/testkit/scenario/scenario.hpp"

namespace orrery::scenario {

Plan::Plan(std::string_view letters) : letters_{letters} {
  ORRERY_CHECK(letters.empty() || is_plan(letters), "{} is no plan", letters);
  if (letters_.ends_with('*')) {
    repeats_ = true;
    letters_.pop_back();
  }
}

Outcome Plan::next() {
  if (at_ == letters_.size()) return Outcome::ok;  // P2
  const char letter = letters_[at_];
  if (!repeats_ || at_ + 1 < letters_.size()) ++at_;
  switch (letter) {
    case 'e':
      return Outcome::error;
    case 'x':
      return Outcome::crash;
    case 'i':
      return Outcome::ignore;
    default:
      return Outcome::ok;
  }
}

bool is_plan(std::string_view letters) {
  if (letters.ends_with('*')) letters.remove_suffix(1);
  return !letters.empty() && letters.find_first_not_of("oexi") == std::string_view::npos;
}

void Plans::replace(std::string_view id, std::string_view letters) {
  plans_.insert_or_assign(std::string{id}, Plan{letters});
}

Outcome Plans::next(std::string_view id) {
  auto plan = plans_.find(id);
  if (plan == plans_.end()) {
    const InstanceId instance = split_instance(id);
    if (!instance.base.empty()) plan = plans_.find(instance.base);
  }
  return plan == plans_.end() ? Outcome::ok : plan->second.next();
}

}  // namespace orrery::scenario
