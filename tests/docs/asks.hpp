// asks.hpp: who is asked in docs/asks.md.
#pragma once
#include <gtest/gtest.h>

#include <orrery/test.hpp>
#include <deque>
#include <string>
#include <vector>

using namespace orrery;
using namespace std::chrono_literals;
struct Get {
  using Reply = int;
  std::size_t key = 0;
};
struct Shard {
  int handle(Get m) { return static_cast<int>(10 * m.key); }
};
using Signature = std::string;
struct Sign {
  using Reply = Signature;
};
struct Signed {
  Signature signature;
};
