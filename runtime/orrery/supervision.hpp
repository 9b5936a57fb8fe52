// supervision.hpp: everything needed to have actors watched over, restarted and stopped in order.
//
//   auto bank = orrery::start_supervisor(rt, "bank", {.children = {orrery::child("alice", Account{100})}});
//   auto alice = rt.find<Account>("bank/alice");
#pragma once
#include "orrery/actor.hpp"

#include "orrery/supervision/decisions.hpp"
#include "orrery/supervision/spec.hpp"
#include "orrery/supervision/supervisor.hpp"
