// broker.hpp: who is reached in docs/broker.md.
#pragma once
#include <orrery/broker.hpp>
#include <chrono>
#include <string>

using namespace std::chrono_literals;
struct Deposit {
  using Reply = int;
  int amount = 0;
};
struct Withdraw {
  using Reply = int;
  int amount = 0;
};
struct GetBalance {
  using Reply = int;
};
struct OrderPaid {
  int order = 0;
};
struct Resize {
  using Reply = std::string;
  std::string file;
};
struct Account {
  int balance = 0;
  int handle(Deposit m) { return balance += m.amount; }
  int handle(Withdraw m) { return balance -= m.amount; }
};
struct Audit {
  void handle(OrderPaid) {}
};
struct Clerk {
  void handle(OrderPaid) {}
};
