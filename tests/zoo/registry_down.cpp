// registry_down.cpp: services put themselves into a registry, which watches them and removes who has ended. Whoever keeps a
// service alive starts the next one as soon as it learns of an end, which may be before the registry does.
#include "orrery/actor.hpp"
#include "tests/zoo/cast.hpp"
#include "tests/zoo/protocols.hpp"

namespace orrery::zoo {
namespace {

enum class Flaw { none, removes_whoever_is_there };

class Service;
class Registry;
class Keeper;
struct Office {
  Flaw flaw;
  sim::World& world;
  Ref<Registry> registry{};
  Ref<Keeper> keeper{};
};

struct Register {
  Ref<Service> service;
  int number = 0;  ///< the later service has the greater one
};
struct Begin {};
struct EndIt {};

class Service {
 public:
  Service(Office* office, int number) : office_{office}, number_{number} {}
  void handle(Begin, Context& context);

 private:
  Office* office_;
  int number_;
};

class Registry {
 public:
  explicit Registry(Office* office) : office_{office} {}
  [[nodiscard]] int registered() const { return number_; }

  void handle(Register m, Context& context) {
    if (m.number < latest_) return;
    latest_ = m.number;
    number_ = m.number;
    service_ = m.service.handle();
    context.watch(*this, m.service);
  }
  void handle(Down m) {
    if (m.who.handle() == service_ || office_->flaw == Flaw::removes_whoever_is_there) number_ = 0;
  }

 private:
  Office* office_;
  Handle service_{};
  int number_ = 0;  ///< 0: none is registered
  int latest_ = 0;
};

class Keeper {
 public:
  explicit Keeper(Office* office) : office_{office} {}
  [[nodiscard]] int started() const { return started_; }

  void handle(Begin, Context& context) { start(context); }
  void handle(EndIt, Context& context) { context.stop(service_); }
  void handle(Down, Context& context) { start(context); }

 private:
  void start(Context& context) {
    service_ = context.spawn(Service{office_, ++started_});
    context.watch(*this, service_);
    (void)service_.tell(Begin{});
  }

  Office* office_;
  Ref<Service> service_{};
  int started_ = 0;
};

void Service::handle(Begin, Context& context) { (void)office_->registry.tell(Register{context.self(*this), number_}); }

sim::Body services(Flaw flaw, int ends) {
  return [flaw, ends](sim::World& w) {
    Office office{flaw, w};
    office.registry = w.spawn("registry", Registry{&office}).value();
    office.keeper = w.spawn("keeper", Keeper{&office}).value();
    (void)office.keeper.tell(Begin{});
    for (int i = 0; i < ends; ++i) (void)office.keeper.tell(EndIt{});
    w.run();
    if (w.peek(office.registry).registered() != w.peek(office.keeper).started()) {
      w.fail("a living service is not registered");
    }
  };
}

}  // namespace

void add_registry_down(std::vector<Program>& programs) {
  constexpr std::string_view source =
      "a known trap of Erlang monitors: the DOWN of an old process, after its name is taken anew";
  programs.insert(
      programs.end(),
      {
          {"registry_stale_down", "the end of an earlier service removes the entry of the present one", source,
           "a living service is not registered", services(Flaw::removes_whoever_is_there, 1), network()},
          {"registry_compares_who_ended", "", source, "", services(Flaw::none, 2), network()},
      });
}

}  // namespace orrery::zoo
