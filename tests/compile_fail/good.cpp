// Everything here must compile without a warning: the right use of what the other files use wrongly.
#include <orrery/actor.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

struct Deposit {
  using Reply = int;
  int amount;
};
struct Withdraw {
  using Reply = std::expected<int, std::string>;
  const int amount;  // a message is moved, never assigned
};
struct Flush {
  using Reply = void;
};
struct Tick {};
struct Parcel {
  std::unique_ptr<int> content;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children{};
};
struct Close {};
struct Look {
  static constexpr bool orrery_borrows = true;
  const char* text;
};

struct Account {
  int balance = 0;
  int handle(Deposit message) { return balance += message.amount; }
  std::expected<int, std::string> handle(Withdraw message) { return balance -= message.amount; }
  void handle(Flush) {}
  void handle(Tick, orrery::Context& context) { context.after(*this, 1s, Tick{}); }
  void handle(Parcel, orrery::Context& context) { context.after(*this, 1s, Parcel{std::make_unique<int>(1)}); }
  void handle(Tree) {}
  void handle(Look) {}
  void handle(orrery::Down) {}
  void on_start(orrery::Context& context) {
    context.every(*this, 1h, Tick{});
    context.set_receive_timeout(*this, 1min, Tick{});
    const auto child = context.spawn("child", Account{});
    context.watch(*this, *child);
    context.self(*this).tell(Tick{});
  }
};
struct Pinned {
  const orrery::Ref<Account> bank;  // an actor is moved, never assigned
  void handle(Tick) { bank.tell(Tick{}); }
};

struct Desk {  // answers some itself
  orrery::Ref<Account> bank;
  orrery::OpenAsk<Flush> open;
  orrery::Answer<int> handle(Deposit message, orrery::Context& context) {
    if (message.amount == 0) return 0;
    context.forward(message, bank);
    return orrery::elsewhere;
  }
  void handle(Parcel message, orrery::Context& context) { context.forward(std::move(message), bank); }
  void handle(Flush, orrery::Context& context) { open = context.open_ask<Flush>(); }
  void handle(Tick) {
    if (open) open.answer();
  }
};

template <class To, class M>
concept Tells = requires(To to, M message) { to.tell(std::move(message)); };
template <class To, class M>
concept Asks = requires(To to, M message) { to.ask(std::move(message)); };
template <class To>
consteval bool refuses_as_a_constraint() {
  return Tells<To, Tick> && !Tells<To, Close> && !Tells<To, Deposit> && !Tells<To, int> && Asks<To, Deposit> &&
         !Asks<To, Tick> && !Asks<To, Close>;
}
static_assert(refuses_as_a_constraint<orrery::Ref<Account>>());
static_assert(refuses_as_a_constraint<orrery::Spawned<Account>>());
static_assert(refuses_as_a_constraint<orrery::Recipient<Deposit, Tick>>());
static_assert(std::is_convertible_v<orrery::Ref<Account>, orrery::Recipient<Tick, Deposit>>);
static_assert(!std::is_constructible_v<orrery::Recipient<Tick, Close>, orrery::Ref<Account>>);
static_assert(std::is_convertible_v<orrery::Recipient<Deposit, Tick>, orrery::Recipient<Tick, Deposit>>);
static_assert(std::is_convertible_v<orrery::Recipient<Deposit, Tick>, orrery::Recipient<Tick>>);
static_assert(!std::is_constructible_v<orrery::Recipient<Tick, Deposit>, orrery::Recipient<Tick>>);
static_assert(std::is_trivially_copyable_v<orrery::Ref<Account>> && sizeof(orrery::Ref<Account>) == 16);

int use(orrery::Runtime& runtime) {
  const auto alice = runtime.spawn("alice", Account{});
  alice.tell(Deposit{1}, orrery::ignore_reply);
  alice.tell(Tick{});
  alice->tell(Parcel{std::make_unique<int>(1)});
  const Deposit kept{1};
  const int left = alice.ask(kept).value_or(0) + alice.ask(Withdraw{1}, 1s).value_or(0);
  auto pending = alice.ask_async(Flush{});
  const orrery::Ref<Account> bob = runtime.spawn(Account{});
  bob.tell_many<Tick>(std::vector<Tick>(3));
  bob.tell(Tree{});
  bob.tell(Look{"literal"});
  const orrery::Recipient<Deposit, Tick> narrow = bob;
  narrow.tell(Tick{});
  narrow.tell(Deposit{1}, orrery::ignore_reply);
  const orrery::Recipient<Tick> narrower = narrow;
  narrower.tell(Tick{}, {.priority = orrery::Priority::low});
  narrow.tell(Deposit{1}, orrery::ignore_reply, {.priority = orrery::Priority::high});
  (void)narrow.ask(Deposit{1}, {.priority = orrery::Priority::high}, 1s);
  for (const auto& reply : orrery::ask_all(std::vector{bob, bob}, Deposit{1}, 1s)) static_cast<void>(reply.has_value());
  runtime.spawn(Desk{bob, {}});
  const std::string name = "carol";
  runtime.spawn(name, orrery::Restart{}, Account{});
  runtime.spawn<Account>("dave", [] { return Account{}; });
  runtime.spawn<Account>(7);
  runtime.spawn(Pinned{bob});
  runtime.spawn_n<Account>(2, [](std::size_t i) { return Account{static_cast<int>(i)}; });
  return pending.get() ? left + narrow.ask(Deposit{2}).value_or(0) : 0;
}
