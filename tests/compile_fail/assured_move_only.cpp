// expect: THIS_MESSAGE_MAY_BE_HANDLED_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE
// names:  Account, Parcel
#include <orrery/actor.hpp>

#include <memory>

struct Parcel {
  static constexpr auto delivery = orrery::Delivery::at_least_once;
  std::unique_ptr<int> content;
};
struct Account {
  void handle(Parcel) {}
};
void send(orrery::Ref<Account> account) {
  account.tell(Parcel{});  // refused
}
