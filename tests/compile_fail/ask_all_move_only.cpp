// expect: THIS_MESSAGE_IS_SENT_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE
// names:  Ref<Account>, Parcel
#include <orrery/actor.hpp>

#include <memory>
#include <vector>

struct Parcel {
  using Reply = int;
  std::vector<std::unique_ptr<int>> contents;
};
struct Account {
  int handle(Parcel) { return 0; }
};

std::size_t ask(const std::vector<orrery::Ref<Account>>& accounts) {
  return orrery::ask_all(accounts, Parcel{}).size();  // refused
}
