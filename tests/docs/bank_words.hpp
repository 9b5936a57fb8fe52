// bank_words.hpp: the words that the bank of the README leaves out.
#pragma once
#include <orrery/actor.hpp>
#include <chrono>
#include <expected>

using namespace std::chrono_literals;
using Cents = std::int64_t;
struct Refused {
  Cents have = 0;
};
struct Transfer {
  using Reply = std::expected<void, Refused>;
  Cents amount;
};
