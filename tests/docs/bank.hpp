// bank.hpp: the bank of examples/bank, and what its property is told.
#pragma once
#include "examples/bank/bank_property.hpp"

using namespace bank;
