// expect: THIS_MESSAGE_HOLDS_A_REFERENCE_POINTER_OR_VIEW_SAY_orrery_borrows_IF_YOU_MEAN_IT
// names:  Ref<Account>, Note
#include <orrery/actor.hpp>

#include <optional>

struct Note {
  std::optional<int*> place;
};
struct Account {
  void handle(Note) {}
};

void send(orrery::Ref<Account> account) {
  account.tell(Note{});  // refused
}
