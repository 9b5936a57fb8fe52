// expect: THIS_MESSAGE_HOLDS_A_REFERENCE_POINTER_OR_VIEW_SAY_orrery_borrows_IF_YOU_MEAN_IT
// names:  Ref<Account>, Note
#include <orrery/actor.hpp>

struct Note {
  int& number;
};
struct Account {
  void handle(Note) {}
};

void send(orrery::Ref<Account> account) {
  int number = 1;
  account.tell(Note{number});  // refused
}
