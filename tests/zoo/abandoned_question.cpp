// abandoned_question.cpp: a reply that comes when nobody expects it any more.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

struct Begin {};
struct Question {
  int session = 0;
};
struct Answer {
  int session = 0;
};
struct Step {
  int left = 0;
};

class Client;
class Oracle;
class Helper;
struct Talk {
  bool has_flaw;
  sim::World& world;
  int steps;
  Ref<Client> client{};
  Ref<Oracle> oracle{};
  Ref<Helper> helper{};
};

class Oracle {
 public:
  explicit Oracle(Talk* talk) : talk_{talk} {}
  void handle(Question m);

 private:
  Talk* talk_;
};

class Helper {
 public:
  explicit Helper(Talk* talk) : talk_{talk} {}
  void handle(Step m);

 private:
  Talk* talk_;
};

/// Asks the oracle, and gives up when the helper has taken all its steps; then it begins another session.
class Client {
 public:
  explicit Client(Talk* talk) : talk_{talk} {}
  void handle(Begin) { begin(); }
  void handle(Step m) {
    if (m.left > 0) return void(talk_->helper.tell(m));
    if (session_ == 1) begin();
  }
  void handle(Answer m) {
    if (!talk_->has_flaw && m.session != session_) return;
    if (is_waiting_ && m.session != session_) talk_->world.fail("an answer is taken for that to another question");
    is_waiting_ = false;
  }

 private:
  void begin() {
    ++session_;
    is_waiting_ = true;
    (void)talk_->oracle.tell(Question{session_});
    (void)talk_->helper.tell(Step{talk_->steps});
  }

  Talk* talk_;
  int session_ = 0;
  bool is_waiting_ = false;
};

void Oracle::handle(Question m) { (void)talk_->client.tell(Answer{m.session}); }
void Helper::handle(Step m) { (void)talk_->client.tell(Step{m.left - 1}); }

sim::Body talk(bool has_flaw, int steps) {
  return [=](sim::World& w) {
    Talk talk{has_flaw, w, steps};
    talk.oracle = w.spawn("oracle", Oracle{&talk}).value();
    talk.helper = w.spawn("helper", Helper{&talk}).value();
    talk.client = w.spawn("client", Client{&talk}).value();
    (void)talk.client.tell(Begin{});
    w.run();
  };
}

}  // namespace

void add_abandoned_question(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "one message must be slower than many others, which a random walk does not do (SURW, ASPLOS 2025)";
  constexpr std::string_view taken = "an answer is taken for that to another question";
  programs.insert(programs.end(),
                  {
                      {"abandoned_question_5", "replies carry no number, and one comes when its question is given up",
                       source, taken, talk(true, 5), network()},
                      {"abandoned_question_25", "the same, after five times as many steps", source, taken,
                       talk(true, 25), network()},
                      {"abandoned_question_5_numbered", "", source, "", talk(false, 5), network()},
                  });
}

}  // namespace orrery::zoo
