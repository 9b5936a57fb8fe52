// causal_broadcast.cpp: node 0 posts, 1 answers that, 2 answers the answer and so on; everybody is told everything, and an answer
// is delivered nowhere before what it answers.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <algorithm>

namespace orrery::zoo {
namespace {

enum class Flaw { none, does_not_wait, looks_once };

struct Begin {};
struct Post {
  int number = 0;          ///< of who posts it
  std::vector<int> after;  ///< what its sender had delivered
};

class Node;
struct Forum : Cast<Node> {
  Flaw flaw = Flaw::none;
  int posts;
  Forum(sim::World& w, Flaw f, int n) : Cast{w}, flaw{f}, posts{n} {}
};

class Node {
 public:
  Node(Forum* forum, int me) : forum_{forum}, me_{me} {}
  [[nodiscard]] int delivered() const { return static_cast<int>(delivered_.size()); }

  void handle(Begin) { post(); }
  void handle(Post m) {
    waiting_.push_back(std::move(m));
    // Newest first: what was waited for is most often the one that has just come.
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = waiting_.size(); i-- > 0;) {
        if (!is_due(waiting_[i])) continue;
        const Post next = waiting_[i];
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
        deliver(next);
        again = forum_->flaw != Flaw::looks_once;
      }
    }
  }

 private:
  [[nodiscard]] bool has_all(const Post& m) const {
    return std::ranges::all_of(m.after, [this](int number) { return std::ranges::count(delivered_, number) > 0; });
  }
  [[nodiscard]] bool is_due(const Post& m) const { return has_all(m) || forum_->flaw == Flaw::does_not_wait; }
  void deliver(const Post& m) {
    if (!has_all(m)) forum_->world.fail("an answer is delivered before what it answers");
    delivered_.push_back(m.number);
    if (m.number + 1 == me_ && me_ < forum_->posts) post();
  }
  void post() {
    const Post mine{me_, delivered_};
    delivered_.push_back(me_);
    forum_->tell_others(me_, mine);
  }

  Forum* forum_;
  int me_;
  std::vector<int> delivered_{};
  std::vector<Post> waiting_{};
};

sim::Body forum(Flaw flaw, int nodes, int posts) {
  return [=](sim::World& w) {
    Forum forum{w, flaw, posts};
    for (int i = 0; i < nodes; ++i) forum.add("node", Node{&forum, i});
    forum.tell(0, Begin{});
    w.run();
    for (const Ref<Node>& node : forum.nodes) {
      if (w.peek(node).delivered() != posts) w.fail("a post is never delivered");
    }
  };
}

}  // namespace

void add_causal_broadcast(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "K. Birman, A. Schiper, P. Stephenson: Lightweight Causal and Atomic Group Multicast (ACM TOCS 9, 1991)";
  programs.insert(programs.end(),
                  {
                      {"causal_broadcast_does_not_wait", "a post is delivered when it comes", paper,
                       "an answer is delivered before what it answers", forum(Flaw::does_not_wait, 3, 2), network()},
                      {"causal_broadcast_looks_once",
                       "posts that wait are looked through once, so one that waits for another of them stays", paper,
                       "a post is never delivered", forum(Flaw::looks_once, 5, 4), network()},
                      {"causal_broadcast", "", paper, "", forum(Flaw::none, 5, 5), network()},
                  });
}

}  // namespace orrery::zoo
