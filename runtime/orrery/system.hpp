// system.hpp: everything needed to run actors in production: the actors, and the System that holds them.
#pragma once
#include "orrery/actor/refusals.hpp"  // this and the next first: g++ prints a line per nested include

#include "orrery/actor/ref.hpp"

#include "orrery/actor.hpp"
#include "orrery/threads/system.hpp"
#include "orrery/threads/system_options.hpp"
