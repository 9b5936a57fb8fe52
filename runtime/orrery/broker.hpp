// broker.hpp: registering, broadcasting, topics: everything to send by a name instead of to an actor.
#pragma once
#include "orrery/actor.hpp"

#include "orrery/broker/broker.hpp"
#include "orrery/broker/router.hpp"
