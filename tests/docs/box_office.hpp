// box_office.hpp: as all.hpp, and the box office of the tutorial.
#pragma once
#include "examples/tickets/tickets.hpp"

#include <gtest/gtest.h>

#include <orrery/actor/prometheus.hpp>
#include <orrery/system.hpp>
#include <orrery/test.hpp>
#include <string>

using namespace orrery;
using namespace tickets;
using namespace std::chrono_literals;
