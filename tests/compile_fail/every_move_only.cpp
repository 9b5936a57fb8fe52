// expect: THIS_MESSAGE_IS_SENT_MORE_THAN_ONCE_AND_MUST_BE_COPYABLE
// names:  Account, Parcel
#include <orrery/actor.hpp>

#include <chrono>
#include <memory>

struct Parcel {
  std::unique_ptr<int> content;
};
struct Account {
  void handle(Parcel) {}
  void on_start(orrery::Context& context) {
    context.every(*this, std::chrono::seconds{1}, Parcel{});  // refused
  }
};
