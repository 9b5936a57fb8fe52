// supervision.hpp: the children of the bank in docs/supervision.md.
#pragma once
#include <orrery/supervision.hpp>

struct Ledger {};
struct Teller {};
struct Writer {};
