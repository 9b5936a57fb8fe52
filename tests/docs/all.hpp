// all.hpp: everything, and no word before the names: the prelude of most blocks.
#pragma once
#include <gtest/gtest.h>

#include <orrery/broker.hpp>
#include <orrery/props/parallel.hpp>
#include <orrery/props/properties.hpp>
#include <orrery/supervision.hpp>
#include <orrery/system.hpp>
#include <orrery/test.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace orrery;
using namespace std::chrono_literals;
