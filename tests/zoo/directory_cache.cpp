// directory_cache.cpp: a value has one holder at a time, who may change it. The home has it brought back when another one wants
// it, and a holder may bring it back unasked; so both may be under way at once.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <deque>

namespace orrery::zoo {
namespace {

enum class Flaw { none, answers_when_asked_too_late };

struct Begin {};
struct Want {
  int client = 0;
};
struct Grant {
  int value = 0;
};
struct Recall {};
struct Evict {};
struct WriteBack {
  int value = 0;
};

class Home;
class Client;
struct Memory {
  Flaw flaw;
  sim::World& world;
  int turns;
  Cast<Client> clients{world};
  Ref<Home> home{};
};

class Home {
 public:
  static constexpr int nobody = -1;
  explicit Home(Memory* memory) : memory_{memory} {}
  [[nodiscard]] int value() const { return value_; }
  void handle(Want m);
  void handle(WriteBack m);

 private:
  void serve();

  Memory* memory_;
  int value_ = 0;
  int holder_ = nobody;
  bool has_recalled_ = false;
  std::deque<int> waiting_{};
};

class Client {
 public:
  Client(Memory* memory, int me) : memory_{memory}, me_{me} {}
  void handle(Begin) {
    if (turns_++ < memory_->turns) (void)memory_->home.tell(Want{me_});
  }
  void handle(Grant m, Context& context) {
    has_it_ = true;
    value_ = m.value + 1;
    (void)context.self(*this).tell(Evict{});
  }
  void handle(Evict, Context& context) {
    if (has_it_) write_back();
    (void)context.self(*this).tell(Begin{});
  }
  void handle(Recall) {
    if (has_it_ || memory_->flaw == Flaw::answers_when_asked_too_late) write_back();
  }

 private:
  void write_back() {
    has_it_ = false;
    (void)memory_->home.tell(WriteBack{value_});
  }

  Memory* memory_;
  int me_;
  int turns_ = 0;
  int value_ = 0;
  bool has_it_ = false;
};

void Home::handle(Want m) {
  waiting_.push_back(m.client);
  serve();
}
void Home::handle(WriteBack m) {
  value_ = m.value;
  holder_ = nobody;
  has_recalled_ = false;
  serve();
}
void Home::serve() {
  if (waiting_.empty()) return;
  if (holder_ == nobody) {
    holder_ = waiting_.front();
    waiting_.pop_front();
    memory_->clients.tell(holder_, Grant{value_});
  }
  if (!waiting_.empty() && !std::exchange(has_recalled_, true)) memory_->clients.tell(holder_, Recall{});
}

sim::Body increments(Flaw flaw, int clients, int turns) {
  return [=](sim::World& w) {
    Memory memory{flaw, w, turns};
    memory.home = w.spawn("home", Home{&memory}).value();
    for (int i = 0; i < clients; ++i) memory.clients.add("client", Client{&memory, i});
    memory.clients.tell_all(Begin{});
    w.run();
    if (w.peek(memory.home).value() != clients * turns) w.fail("a change of the value is lost");
  };
}

}  // namespace

void add_directory_cache(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "the directory-based cache coherence of S. German's exercise (one of the Fest benchmarks), with exclusive "
      "holders only";
  programs.insert(
      programs.end(),
      {
          {"cache_recall_crosses_write_back", "who has brought the value back does so again when asked for it", source,
           "a change of the value is lost", increments(Flaw::answers_when_asked_too_late, 2, 1), network()},
          {"cache_recall_is_ignored", "", source, "", increments(Flaw::none, 3, 2), network()},
      });
}

}  // namespace orrery::zoo
