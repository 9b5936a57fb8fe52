// test.hpp: everything needed to write property tests of actor systems.
#pragma once
#include "orrery/actor/refusals.hpp"  // this and the next first: g++ prints a line per nested include

#include "orrery/actor/ref.hpp"

#include "orrery/actor.hpp"
#include "orrery/props/rapidcheck.hpp"
#include "orrery/sim/world.hpp"
#include "orrery/testkit/check.hpp"
#include "orrery/testkit/probe.hpp"
