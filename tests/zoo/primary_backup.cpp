// primary_backup.cpp: a client writes to a primary, which keeps a backup. After the last acknowledgement the primary is out of
// reach: the client reads from the backup, and must find there what it wrote.
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

enum class Flaw { none, primary_acknowledges_first, backup_acknowledges_first };

struct Begin {};
struct Write {
  int value = 0;
};
struct Replicate {
  int value = 0;
};
struct Apply {  ///< what the backup has put off
  int value = 0;
};
struct Replicated {
  int value = 0;
};
struct Written {
  int value = 0;
};
struct Read {};
struct Value {
  int value = 0;
};

class Primary;
class Backup;
class Client;
struct Store {
  Flaw flaw;
  sim::World& world;
  int writes;
  Ref<Primary> primary{};
  Ref<Backup> backup{};
  Ref<Client> client{};
};

class Backup {
 public:
  explicit Backup(Store* store) : store_{store} {}
  void handle(Replicate m, Context& context);
  void handle(Apply m) { value_ = m.value; }
  void handle(Read);

 private:
  Store* store_;
  int value_ = 0;
};

class Primary {
 public:
  explicit Primary(Store* store) : store_{store} {}
  void handle(Write m);
  void handle(Replicated m);

 private:
  Store* store_;
};

class Client {
 public:
  explicit Client(Store* store) : store_{store} {}
  void handle(Begin) { write(1); }
  void handle(Written m) {
    if (m.value < store_->writes) return write(m.value + 1);
    (void)store_->backup.tell(Read{});
  }
  void handle(Value m) {
    if (m.value < store_->writes) store_->world.fail("an acknowledged write is lost");
  }

 private:
  void write(int value) { (void)store_->primary.tell(Write{value}); }

  Store* store_;
};

void Primary::handle(Write m) {
  (void)store_->backup.tell(Replicate{m.value});
  if (store_->flaw == Flaw::primary_acknowledges_first) (void)store_->client.tell(Written{m.value});
}
void Primary::handle(Replicated m) {
  if (store_->flaw != Flaw::primary_acknowledges_first) (void)store_->client.tell(Written{m.value});
}
void Backup::handle(Replicate m, Context& context) {
  if (store_->flaw == Flaw::backup_acknowledges_first) {
    (void)context.self(*this).tell(Apply{m.value});
  } else {
    value_ = m.value;
  }
  (void)store_->primary.tell(Replicated{m.value});
}
void Backup::handle(Read) { (void)store_->client.tell(Value{value_}); }

sim::Body fail_over(Flaw flaw, int writes) {
  return [flaw, writes](sim::World& w) {
    Store store{flaw, w, writes};
    store.primary = w.spawn("primary", Primary{&store}).value();
    store.backup = w.spawn("backup", Backup{&store}).value();
    store.client = w.spawn("client", Client{&store}).value();
    (void)store.client.tell(Begin{});
    w.run();
  };
}

}  // namespace

void add_primary_backup(std::vector<Program>& programs) {
  constexpr std::string_view paper =
      "N. Budhiraja, K. Marzullo, F. Schneider, S. Toueg: The Primary-Backup Approach (in Distributed Systems, 1993)";
  constexpr std::string_view lost = "an acknowledged write is lost";
  programs.insert(programs.end(),
                  {
                      {"backup_acknowledges_first", "the backup says that it has a write before it applies it", paper,
                       lost, fail_over(Flaw::backup_acknowledges_first, 3), network()},
                      {"primary_acknowledges_first", "the primary does not wait for the backup", paper, lost,
                       fail_over(Flaw::primary_acknowledges_first, 2), network()},
                      {"primary_backup", "", paper, "", fail_over(Flaw::none, 4), network()},
                  });
}

}  // namespace orrery::zoo
