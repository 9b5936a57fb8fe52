// expect: THIS_MESSAGE_HOLDS_A_REFERENCE_POINTER_OR_VIEW_SAY_orrery_borrows_IF_YOU_MEAN_IT
// names:  Ref<Account>, Note
#include <orrery/actor.hpp>

#include <string_view>

struct Note {
  std::string_view text;
};
struct Account {
  void handle(Note) {}
};

void send(orrery::Ref<Account> account) {
  account.tell(Note{"borrowed"});  // refused
}
