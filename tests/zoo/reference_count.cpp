// reference_count.cpp: an owner counts who refers to its object, and frees it when nobody does. References are handed on from
// holder to holder; each uses the object and lets it go.
#include "orrery/actor.hpp"
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

enum class Flaw { none, receiver_counts, sender_does_not_wait };

struct Increment {
  using Reply = bool;
};
struct Decrement {};
struct Use {};
struct Hand {
  int left = 0;  ///< how often it is handed on yet
};

class Owner;
class Holder;
struct Heap {
  Flaw flaw;
  sim::World& world;
  Cast<Holder> holders{world};
  Ref<Owner> owner{};
};

class Owner {
 public:
  explicit Owner(Heap* heap) : heap_{heap} {}
  bool handle(Increment) { return ++count_ > 1; }
  void handle(Decrement) {
    if (--count_ == 0) is_freed_ = true;
  }
  void handle(Use) {
    if (is_freed_) heap_->world.fail("the object is used after it was freed");
  }

 private:
  Heap* heap_;
  int count_ = 1;  // of who gets it first
  bool is_freed_ = false;
};

class Holder {
 public:
  Holder(Heap* heap, int me) : heap_{heap}, me_{me} {}
  void handle(Hand m) {
    if (heap_->flaw == Flaw::receiver_counts && !std::exchange(is_first_, false)) {
      (void)heap_->owner.tell(Increment{}, ignore_reply);
    }
    if (m.left > 0) {
      if (heap_->flaw == Flaw::sender_does_not_wait) (void)heap_->owner.tell(Increment{}, ignore_reply);
      if (heap_->flaw == Flaw::none) (void)heap_->owner.ask(Increment{}, no_timeout);
      heap_->holders.tell((me_ + 1) % heap_->holders.size(), Hand{m.left - 1});
    }
    (void)heap_->owner.tell(Use{});
    (void)heap_->owner.tell(Decrement{});
  }

 private:
  Heap* heap_;
  int me_;
  bool is_first_ = me_ == 0;  ///< its reference is counted from the beginning
};

sim::Body handing_on(Flaw flaw, int holders) {
  return [=](sim::World& w) {
    Heap heap{flaw, w};
    heap.owner = w.spawn("owner", Owner{&heap}).value();
    for (int i = 0; i < holders; ++i) heap.holders.add("holder", Holder{&heap, i});
    heap.holders.tell(0, Hand{holders - 1});
    w.run();
  };
}

}  // namespace

void add_reference_count(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "the race of naive distributed reference counting: D. Bevan: Distributed Garbage Collection Using Reference "
      "Counting "
      "(PARLE 1987)";
  programs.insert(
      programs.end(),
      {
          {"reference_counted_by_the_receiver", "who gets a reference counts it, which may come too late", source,
           "the object is used after it was freed", handing_on(Flaw::receiver_counts, 2), network()},
          {"reference_handed_on_too_early", "who hands a reference on does not wait until it is counted", source,
           "the object is used after it was freed", handing_on(Flaw::sender_does_not_wait, 3), network()},
          {"reference_counted_before", "", source, "", handing_on(Flaw::none, 6), network()},
      });
}

}  // namespace orrery::zoo
