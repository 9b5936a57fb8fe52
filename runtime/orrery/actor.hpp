// actor.hpp: everything needed to write actors that run in either world.
//
//   struct Deposit { using Reply = int; int amount; };
//   struct Account { int balance = 0; int handle(Deposit m) { return balance += m.amount; } };
//   orrery::Ref<Account> wire(orrery::Runtime& rt) { return rt.spawn("alice", Account{100}); }
#pragma once
#include "orrery/actor/refusals.hpp"  // this and the next first: g++ prints a line per nested include

#include "orrery/actor/ref.hpp"

#include "orrery/actor/ask.hpp"
#include "orrery/actor/ask_all.hpp"
#include "orrery/actor/context.hpp"
#include "orrery/actor/down.hpp"
#include "orrery/actor/errors.hpp"
#include "orrery/actor/mailbox.hpp"
#include "orrery/actor/message.hpp"
#include "orrery/actor/metrics.hpp"
#include "orrery/actor/offload.hpp"
#include "orrery/actor/open_ask.hpp"
#include "orrery/actor/options.hpp"
#include "orrery/actor/prometheus.hpp"
#include "orrery/actor/redrive.hpp"
#include "orrery/actor/runtime.hpp"
#include "orrery/actor/sendable.hpp"
#include "orrery/actor/spawn.hpp"
