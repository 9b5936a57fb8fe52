// system.hpp: everything needed to run actors in production: the actors, and the System that holds them.
#pragma once
#include "orrery/actor/ref.hpp"
#include "orrery/actor/refusals.hpp"  // first, for short compile errors: g++ prints a line per nested include

#include "orrery/actor.hpp"
#include "orrery/threads/system.hpp"
#include "orrery/threads/system_options.hpp"
