// watched.hpp: the prelude of blocks about alarms and metrics.
#pragma once
#include <gtest/gtest.h>

#include <orrery/actor/prometheus.hpp>
#include <orrery/system.hpp>
#include <atomic>
#include <cstdint>
#include <string>

using namespace orrery;
