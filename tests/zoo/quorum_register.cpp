// quorum_register.cpp: a register on several replicas, written and read by majorities. One client writes; the readers read one
// after the other, each begun by the one before, so none may see less than that one.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

#include <algorithm>

namespace orrery::zoo {
namespace {

enum class Flaw { none, reads_without_writing_back };

struct Write {};
struct ReadAfter {
  int version = 0;  ///< what the reader before has seen
};
struct Store {
  int client = 0;
  int version = 0;
};
struct Stored {
  int version = 0;
};
struct Query {
  int client = 0;
};
struct Answer {
  int version = 0;
};

class Replica;
class Client;
struct Register {
  Flaw flaw;
  sim::World& world;
  int versions;
  Cast<Replica> replicas{world};
  Cast<Client> clients{world};
  [[nodiscard]] int majority() const { return replicas.size() / 2 + 1; }
};

class Replica {
 public:
  explicit Replica(Register* all) : all_{all} {}
  void handle(Store m) {
    version_ = std::max(version_, m.version);
    all_->clients.tell(m.client, Stored{m.version});
  }
  void handle(Query m) { all_->clients.tell(m.client, Answer{version_}); }

 private:
  Register* all_;
  int version_ = 0;
};

/// Writes all versions, or reads once.
class Client {
 public:
  Client(Register* all, int me) : all_{all}, me_{me} {}

  void handle(Write) { store(1); }
  void handle(ReadAfter m) {
    must_see_ = m.version;
    all_->replicas.tell_all(Query{me_});
  }
  void handle(Answer m) {
    seen_ = std::max(seen_, m.version);
    if (++answers_ != all_->majority()) return;
    is_reading_ = true;
    read_ = seen_;
    if (all_->flaw == Flaw::reads_without_writing_back) return finish();
    store(read_);
  }
  void handle(Stored m) {
    if (m.version != storing_ || ++stored_ != all_->majority()) return;
    if (is_reading_) return finish();
    if (storing_ < all_->versions) store(storing_ + 1);
  }

 private:
  void store(int version) {
    storing_ = version;
    stored_ = 0;
    all_->replicas.tell_all(Store{me_, version});
  }
  void finish() {
    if (read_ < must_see_) all_->world.fail("a read sees an older value than one that ended before");
    if (me_ + 1 < all_->clients.size()) all_->clients.tell(me_ + 1, ReadAfter{read_});
  }

  Register* all_;
  int me_;
  int must_see_ = 0;
  int seen_ = 0;
  int read_ = 0;
  int answers_ = 0;
  int storing_ = 0;
  int stored_ = 0;
  bool is_reading_ = false;
};

sim::Body reads(Flaw flaw, int replicas, int versions, int readers) {
  return [=](sim::World& w) {
    Register all{flaw, w, versions};
    for (int i = 0; i < replicas; ++i) all.replicas.add("replica", Replica{&all});
    for (int i = 0; i <= readers; ++i) all.clients.add(i == 0 ? "writer" : "reader", Client{&all, i});
    all.clients.tell(0, Write{});
    all.clients.tell(1, ReadAfter{0});
    w.run();
  };
}

}  // namespace

void add_quorum_register(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "H. Attiya, A. Bar-Noy, D. Dolev: Sharing Memory Robustly in Message-Passing Systems (JACM 42, 1995)";
  constexpr std::string_view older = "a read sees an older value than one that ended before";
  programs.insert(programs.end(),
                  {
                      {"register_without_write_back_3", "a reader does not write back what it has read", paper, older,
                       reads(Flaw::reads_without_writing_back, 3, 1, 2), network()},
                      {"register_without_write_back_5", "the same with five replicas", paper, older,
                       reads(Flaw::reads_without_writing_back, 5, 1, 2), network()},
                      {"register_without_write_back_7", "the same with seven replicas", paper, older,
                       reads(Flaw::reads_without_writing_back, 7, 1, 2), network()},
                      {"register_with_write_back_3", "", paper, "", reads(Flaw::none, 3, 2, 3), network()},
                      {"register_with_write_back_5", "", paper, "", reads(Flaw::none, 5, 1, 2), network()},
                  });
}

}  // namespace orrery::zoo
