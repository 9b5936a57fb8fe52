# orrery.py: gdb commands that know what an actor is.
# Why:  a suspended actor stands on a stack that belongs to no thread, so `info threads` and `bt` do not show it; and most
#       of what one wants to know (who waits for whom, whose mail piles up) is in no stack at all.
# How:  reads the tables of every runtime in the process, with the types from the debug information; calls nothing in the
#       program, so a core file does as well as a process. The stack of a suspended actor is shown by an unwinder that says,
#       of the newest frame of the selected thread, that its caller is the place where the actor's fiber was left.
# Use:  (gdb) source .../orrery.py     then  info actors  |  actor NAME [bt|mailbox|state]  |  actor
# Always true:  (G1) nothing in the process is written and nothing of it is run
#               (G2) what cannot be read is said; a guess is not made
# Source:       the layout of a parked stack: runtime/orrery/fiber/detail/jump.hpp, and Boost.Context's jump_*_sysv_elf_gas.S;
#               gdb's manual, "Unwinding Frames in Python".
import re

import gdb
import gdb.unwinder

RUNTIMES_MAX = 4096  # registry_size of runtime.cpp
LIVES = {0: "vacant", 1: "living", 2: "down"}
WAITS = ["reply", "place", "sleep", "mail", "offload", "child_start", "child_end"]  # Wait::Kind
OPERATIONS = {3: "is about to send to", 4: "is about to signal", 5: "is about to reply to", 6: "is about to end",
              7: "is about to use a name of", 10: "is about to look at", 11: "is about to restart"}  # sim::OpKind
MESSAGES_SHOWN = 20
STACKS_READ = 300  # of so many actors in a list it is told what they handle, which takes a millisecond each


def refuse(text):
    raise gdb.GdbError("orrery: " + text)


# --- reading ---------------------------------------------------------------------------------------------------------


def type_named(name):
    try:
        found = gdb.lookup_type(name)
        if found.sizeof > 1 or found.strip_typedefs().fields():  # more than its declaration
            return found
    except (gdb.error, TypeError):
        pass
    refuse("this program has no debug information about %s: build it with -g (preset dev); or your own files "
               "with -g -femit-class-debug-always (clang++: -g -fstandalone-debug)" % name)
    return None


def pointer_to(name):
    return type_named(name).pointer()


def at(address, type_):
    """The value of that type at an address."""
    return gdb.Value(int(address)).cast(type_.pointer()).dereference()


def as_type(value, type_):
    """What an atomic, a unique_ptr or an intrusive_ptr holds: it lies at its beginning."""
    return at(value.address, type_)


def member(address, type_name, field):
    """A member of an object by its offset; gdb itself would look up the dynamic type, and complain where it has no
    debug information about that."""
    for one in type_named(type_name).fields():
        if one.name == field:
            return at(int(address) + one.bitpos // 8, one.type)
    return refuse("%s has no member %s: this orrery.py is of another version" % (type_name, field))


constants = {}


def constant(name):
    """A static constexpr member."""
    if name not in constants:
        language = gdb.parameter("language")  # the selected frame may be one of C, where the name means nothing
        gdb.execute("set language c++", to_string=True)
        try:
            constants[name] = int(gdb.parse_and_eval(name))
        except gdb.error:
            refuse("%s is not in the debug information: this orrery.py is of another version" % name)
        finally:
            gdb.execute("set language " + language, to_string=True)
    return constants[name]


def offset_of(type_name, field):
    return [one.bitpos // 8 for one in type_named(type_name).fields() if one.name == field][0]


def word(address):
    return int(at(address, gdb.lookup_type("unsigned long")))


def byte(value):
    return int(as_type(value, gdb.lookup_type("unsigned char")))


def integer(value):
    return int(as_type(value, gdb.lookup_type("unsigned int")))


def elements(vector, type_):
    """The elements of a std::vector (of libstdc++ and libc++: first, last, end of storage)."""
    first, last = word(vector.address), word(int(vector.address) + 8)
    for address in range(first, last, type_.sizeof):
        yield at(address, type_)


def bytes_at(address, size):
    return gdb.selected_inferior().read_memory(address, size).tobytes()


def text_at(address, size):
    return bytes_at(address, min(size, 400)).decode("utf-8", "replace") if size else ""


def is_libcxx(value):
    return "std::__1::" in str(value.type.strip_typedefs())


def string_view(value):
    first, second = word(value.address), word(int(value.address) + 8)
    return text_at(first, second) if is_libcxx(value) else text_at(second, first)


def string(value):
    base = int(value.address)
    if not is_libcxx(value):
        return text_at(word(base), word(base + 8))
    head = bytes_at(base, 1)[0]
    return text_at(word(base + 16), word(base + 8)) if head & 1 else text_at(base + 1, head >> 1)


def symbol_at(address):
    """The demangled name of what lies at an address, or empty."""
    found = re.match(r"(.*?)(?: \+ \d+)? in section ", gdb.execute("info symbol 0x%x" % int(address), to_string=True))
    return found.group(1) if found else ""


def template_arguments(symbol, of):
    """The arguments of `of`<...> in a symbol; those of nested templates stay whole."""
    begin = symbol.find(of + "<")
    if begin < 0:
        return []
    depth, piece, pieces = 0, "", []
    for letter in symbol[begin + len(of):]:
        if letter in "<(":
            depth += 1
            if depth == 1:
                continue
        elif letter in ">)":
            depth -= 1
            if depth == 0:
                return pieces + [piece.strip()]
        elif letter == "," and depth == 1:
            pieces.append(piece.strip())
            piece = ""
            continue
        piece += letter
    return []


def show_object(name, address):
    """A value of the C++ type with that name, in one line."""
    try:
        value = at(address, gdb.lookup_type(name))
    except gdb.error:
        return "%s (its type is not in the debug information)" % name
    text = value.format_string(max_elements=20, pretty_structs=False, styling=False)
    text = text.replace("<No data fields>", "").replace(" = ", "=")
    return re.sub(r"^.*::", "", name) + text if text.startswith("{") else "%s{%s}" % (name, text)


# --- actors ----------------------------------------------------------------------------------------------------------


class Actor:
    def __init__(self, system, cell):
        self.system, self.cell = system, cell
        self.slot = int(cell["slot"])
        self.generation = integer(cell["generation"])
        self.life = LIVES.get(byte(cell["life"]), "?")
        self.type = cell["type"]
        self.type_name = string_view(self.type["name"]) if self.type != 0 else "?"
        extras = cell["extras"]
        self.extras = extras.dereference() if extras != 0 else None
        self.wait = int(cell["wait"])

    @property
    def name(self):
        return self.system.name_in(self)

    # Where it stands.

    @property
    def running(self):
        """The record of the thread that runs it, if one does."""
        for execution in self.system.executions:
            if int(execution["cell"]) == int(self.cell.address):
                return execution
        return None

    @property
    def agent_op(self):
        """In a simulation: the operation that its handler stands before, if it stands in the middle of one."""
        op = self.system.operation_of(self)
        return op if op is not None and int(op["fiber"]) != 0 and bool(op["enabled"]) else None

    @property
    def fiber(self):
        """The fiber that its handler was left on, or None."""
        if self.running is not None:
            return None
        fiber = 0
        if self.wait:
            fiber = int(member(self.wait, "orrery::Wait", "fiber"))
        elif self.agent_op is not None:
            fiber = int(self.agent_op["fiber"])
        return at(fiber, type_named("orrery::fiber::Fiber")) if fiber else None

    # What it does.

    def handler(self):
        """The type of the message that its handler is handling, or of the hook; read from its stack."""
        execution = self.running
        if execution is not None:
            envelope = int(as_type(execution["message"]["envelope_"], gdb.lookup_type("unsigned long")))
            return message_name(at(envelope, type_named("orrery::Envelope"))) if envelope else "a hook"
        for frame in frames_of(self):
            found = template_arguments(frame.function, "run_handler") or template_arguments(frame.function, "run_assured")
            if len(found) > 1:
                return re.sub(r"^.*::", "", found[1])
        return ""

    def waits_for(self):
        number = byte(member(self.wait, "orrery::Wait", "kind_"))
        kind = WAITS[number] if number < len(WAITS) else "?"
        begin = self.wait + type_named("orrery::Wait").sizeof  # where the members of the kind of wait begin
        which = symbol_at(word(self.wait))
        if kind == "reply":
            calls = []
            if "OneAskWait" in which:
                calls = [word(begin)]
            elif "AskWait" in which:
                first, count = word(begin), word(begin + 8)
                calls = [word(first + 8 * i) for i in range(min(count, 10))]
            asks = [self.system.describe_ask(call) for call in calls]
            asks = [ask for ask in asks if ask]
            return "for " + " and ".join(asks) if asks else "for a reply that has come"
        if kind == "place":
            return "for a place in the mailbox of " + self.system.name_of(at(begin + 8, type_named("orrery::Handle")))
        if kind in ("child_start", "child_end"):
            child = self.system.name_of(at(word(begin), type_named("orrery::Bond"))["child"])
            return "for its child %s to %s" % (child, "start" if kind == "child_start" else "end")
        return {"sleep": "asleep", "mail": "for mail", "offload": "for offloaded work"}.get(kind, "")

    def state(self, with_stack=True):
        """Returns: a word, and what more there is to say."""
        if self.life == "down":
            return "down", "its supervisor decides what becomes of it"
        if self.running is not None:
            return "running", "handles " + self.handler()
        if self.wait:
            handler = self.handler() if with_stack else ""
            return "waiting", ("in %s, " % handler if handler else "") + self.waits_for()
        op = self.agent_op
        if op is not None:
            doing = OPERATIONS.get(int(op["kind"]), "is about to act")
            if op["object"] != 0 and int(op["object"]) != int(op["agent"]):
                doing += " " + self.system.name_of(op["object"]["handle"])
            handler = self.handler() if with_stack else ""
            return "stands", ("in %s, " % handler if handler else "") + doing
        if self.mailbox() or int(as_type(self.cell["signals"], gdb.lookup_type("unsigned long"))):
            return "runnable", ""
        return "idle", ""

    def supervisor(self):
        if self.extras is None:
            return ""
        bond = word(self.extras["bond"].address)
        if not bond:
            return ""
        supervisor = at(bond, type_named("orrery::Bond"))["supervisor"]
        return self.system.name_of(supervisor) if int(supervisor["generation"]) else ""

    def mailbox(self):
        """The messages that wait, the next one first, as far as that can be said."""
        link, envelope = pointer_to("orrery::Link"), type_named("orrery::Envelope")
        queue, bell = self.cell["mailbox"], int(self.cell["bell"].address)
        found = []

        def follow(node):
            while node and len(found) < 100000:
                if node != bell:
                    found.append(at(node, envelope))
                node = int(as_type(at(node, link.target())["next"], link))

        follow(int(as_type(queue["head_"], link)) or int(as_type(queue["stub_"]["next"], link)))
        if found and self.handles_the_first(found[0]):
            found.pop(0)
        if self.extras is not None:
            lanes = int(as_type(self.extras["lanes"], link))
            if lanes:
                follow_lanes(at(lanes, type_named("orrery::Lanes")), follow)
            if self.extras["bounded"] != 0:
                follow_lanes(self.extras["bounded"]["lanes_"], follow)
                waiter = int(as_type(self.extras["bounded"]["first_waiter_"], link))
                while waiter:
                    found.append(at(as_type(at(waiter, type_named("orrery::PlaceWaiter"))["envelope"], link), envelope))
                    waiter = int(as_type(at(waiter, type_named("orrery::PlaceWaiter"))["next"], link))
        return found

    def handles_the_first(self, envelope):
        """An unbounded mailbox keeps a plain message as its first until the handler has returned."""
        execution = self.running
        if execution is not None:
            handled = int(as_type(execution["message"]["envelope_"], gdb.lookup_type("unsigned long")))
            return handled == int(envelope.address)
        if self.fiber is None or byte(self.cell["care"]) != 0:
            return False
        flags = int(envelope["flags"])
        if flags & 64 or flags & 2 or (self.system.is_simulation and flags & 1):
            return False  # is_assured, uncounted, or an ask whose reply is a choice: taken out before
        runs = template_arguments(symbol_at(envelope["operations"]["run"]), "run_handler")
        return runs != [] and any(template_arguments(frame.function, "run_handler") == runs for frame in frames_of(self))

    def stashed(self):
        if self.extras is None:
            return 0
        stash = word(self.extras["stash"].address)
        if not stash or is_libcxx(self.extras["path"]):
            return 0
        begin, first_last, first_node = word(stash + 16), word(stash + 32), word(stash + 40)
        end, last_first, last_node = word(stash + 48), word(stash + 56), word(stash + 72)
        if first_node == last_node:
            return (end - begin) // 8
        return (first_last - begin) // 8 + (end - last_first) // 8 + ((last_node - first_node) // 8 - 1) * 64


def follow_lanes(lanes, follow):
    firsts = lanes["first_"].address
    for lane in range(4):
        follow(word(int(firsts) + 8 * lane))


def message_name(envelope):
    return string_view(envelope["operations"]["message"]["name"])


def show_message(system, envelope):
    named = template_arguments(symbol_at(envelope["operations"]["message"]), "message_info")
    flags = int(envelope["flags"])
    payload = int(envelope.address) + constant("orrery::Envelope::header_bytes")
    if flags & 1:
        payload += constant("orrery::Envelope::ask_bytes")
    text = show_object(named[0], payload) if named and not flags & 32 else message_name(envelope)
    sender = system.name_of(envelope["sender"])
    return "%s  %s %s" % (text, "asked by" if flags & 1 else "a tick of" if flags & 4 else "from", sender)


class System:
    """One runtime: a System, or the World of a simulation."""

    def __init__(self, runtime):
        self.runtime = runtime
        world = word(int(runtime.address) + offset_of("orrery::Runtime", "world_"))
        self.is_simulation = "orrery::sim::Engine" in symbol_at(word(world))
        self.engine = None
        if self.is_simulation:
            self.engine = at(world, type_named("orrery::sim::Engine"))
        pointer = pointer_to("orrery::Execution")
        self.executions = [one.dereference() for one in elements(runtime["executions_"], pointer)]
        self.cells = runtime["cells_"]
        self.chunks = word(self.cells["chunks_"].address)
        self.used = integer(self.cells["used_"])

    @property
    def title(self):
        count = sum(1 for _ in self.actors())
        what = "simulation" if self.is_simulation else "system of %d worker%s" % (
            len(self.executions), "" if len(self.executions) == 1 else "s")
        if self.is_simulation:
            what += ", step %d, t=%d ns" % (int(self.engine["steps_"]), nanoseconds(self.engine["now_"]))
        return "%s, %d actor%s" % (what, count, "" if count == 1 else "s")

    def cell(self, slot):
        if slot >= self.used:
            return None
        per_chunk = constant("orrery::CellTable::cells_per_chunk")
        chunk = word(self.chunks + 8 * (slot // per_chunk))
        cell = type_named("orrery::Cell")
        return at(chunk + cell.sizeof * (slot % per_chunk), cell) if chunk else None

    def actors(self):
        for slot in range(self.used):
            cell = self.cell(slot)
            if cell is not None and byte(cell["life"]) != 0:
                yield Actor(self, cell)

    def agent(self, slot, generation):
        if not self.is_simulation:
            return None
        tenants = self.engine["agents_"]["latest_"]
        tenant = type_named("orrery::sim::Agents::Tenant")
        first, last = word(tenants.address), word(int(tenants.address) + 8)
        if slot >= (last - first) // tenant.sizeof:
            return None
        found = at(first + slot * tenant.sizeof, tenant)
        return found["agent"].dereference() if int(found["generation"]) == generation else None

    def operation_of(self, actor):
        agent = self.agent(actor.slot, actor.generation)
        return None if agent is None else agent["op"]

    def name_in(self, actor):
        if actor.extras is not None:
            path = string(actor.extras["path"])
            if path:
                return path
        agent = self.agent(actor.slot, actor.generation)
        return "%s#%d" % (actor.type_name, actor.slot) if agent is None else self.agent_path(agent)

    def agent_path(self, agent):
        """As Agents::path_of."""
        names = word(self.engine["agents_"]["names_"].address)
        given = word(self.engine["agents_"]["given_"].address)
        type_, text = type_named("orrery::sim::Agents::Name"), type_named("std::string")
        parts, name = [], at(names + int(agent["index"]) * type_.sizeof, type_)
        while name["type"] != 0:
            parts.append("%s#%d" % (string_view(name["type"]["name"]), int(name["number"])))
            agent = name["above"].dereference()
            name = at(names + int(agent["index"]) * type_.sizeof, type_)
        if int(agent["index"]) != 0:
            parts.append(string(at(given + int(name["number"]) * text.sizeof, text)))
        return "/".join(reversed(parts))

    def name_of(self, handle):
        slot, generation = int(handle["slot"]), int(handle["generation"])
        if generation == 0:
            return "test" if self.is_simulation else "outside"
        cell = self.cell(slot)
        if cell is None or byte(cell["life"]) == 0 or integer(cell["generation"]) != generation:
            return "somebody who has ended (slot %d)" % slot
        return Actor(self, cell).name

    def describe_ask(self, address):
        call = at(address, type_named("orrery::detail::AskCall"))
        if call["ask_"] == 0 or integer(call["ask_"]["state"]) != 0:
            return ""
        message = string_view(call["message_"]["name"]) if call["message_"] != 0 else "?"
        holder = int(as_type(call["ask_"]["holder"], gdb.lookup_type("unsigned long")))
        if holder == 2**64 - 1:
            return "the reply to %s, which somebody keeps open" % message
        if holder:
            to = self.name_of({"slot": holder & 0xffffffff, "generation": holder >> 32})
        else:
            to = self.name_of(call["target_"])
        return "the reply to %s from %s" % (message, to)


def nanoseconds(instant):
    return int(as_type(instant, gdb.lookup_type("long")))


def systems():
    if gdb.selected_thread() is None:
        refuse("there is no process and no core file")
    try:
        table = int(gdb.parse_and_eval("(unsigned long)&'orrery::detail::runtimes_of_process'"))
    except gdb.error:
        refuse("no runtime of Orrery in this program (or it is stripped)")
    runtime = type_named("orrery::Runtime")
    raw = bytes_at(table, 8 * RUNTIMES_MAX)
    found = [int.from_bytes(raw[i:i + 8], "little") for i in range(0, len(raw), 8)]
    return [System(at(address, runtime)) for address in found if address]


def actor_named(name):
    found = [actor for system in systems() for actor in system.actors()
             if actor.name == name or "#%d" % actor.slot == name]
    if not found:
        refuse("no living actor is called %s (info actors lists them)" % name)
    return found[0]


# --- stacks ----------------------------------------------------------------------------------------------------------


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


def parked_registers(fiber):
    """Where a parked fiber goes on: the registers that a debugger needs to unwind from there."""
    context = int(fiber["context_"])
    if not context:
        return None
    machine = gdb.selected_inferior().architecture().name()
    if machine.startswith("i386:x86-64"):
        # jump.hpp: where to go on | control words | rbp | 128 bytes | the frame of whoever switched
        if gdb.execute("info symbol 0x%x" % word(context), to_string=True).find(" in section ") > 0:
            if symbol_at(word(context)).endswith("first_frame(boost::context::detail::transfer_t)"):
                return {"rip": word(context), "rsp": context + 8, "rbp": 0}
            return {"rip": word(context), "rsp": context + 24 + 128, "rbp": word(context + 16)}
        # Boost.Context: control words | r12 r13 r14 r15 rbx rbp | where to go on
        names = ["r12", "r13", "r14", "r15", "rbx", "rbp", "rip"]
        saved = {name: word(context + 8 + 8 * i) for i, name in enumerate(names)}
        saved["rsp"] = context + 0x40
        return saved
    if machine.startswith("aarch64"):
        # Boost.Context: d8..d15 | x19..x28 | x29 x30 | where to go on
        saved = {"x%d" % (19 + i): word(context + 0x40 + 8 * i) for i in range(12)}
        saved["pc"] = word(context + 0xa0)
        saved["sp"] = context + 0xb0
        return saved
    refuse("the stacks of actors cannot be read on %s" % machine)
    return None


class FiberUnwinder(gdb.unwinder.Unwinder):
    """While a fiber is chosen: the caller of the selected thread's newest frame is the place where that fiber was left."""

    def __init__(self):
        super().__init__("orrery-fiber")
        self.registers = None
        self.origin = None
        self.past_main = False

    def __call__(self, pending):
        if self.registers is None or self.origin is None:
            return None
        names = pc_and_sp()
        if tuple(int(pending.read_register(name)) & (2**64 - 1) for name in names) != self.origin:
            return None
        pc, sp = (pending.read_register(name) for name in names)
        # Its own stack pointer is given as one below the fiber's: gdb takes stacks that grow the wrong way for broken.
        below = gdb.Value(self.registers[names[1]] - 8).cast(sp.type)
        info = pending.create_unwind_info(FrameId(below, pc))
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return info

    def choose(self, fiber):
        self.drop()
        registers = parked_registers(fiber)
        if registers is None:
            return None
        frame = gdb.newest_frame()
        # Of inlined functions the last one has a stack frame, which is what an unwinder is asked for; all have its registers.
        self.origin = tuple(int(frame.read_register(name)) & (2**64 - 1) for name in pc_and_sp())
        self.registers = registers
        self.past_main = gdb.parameter("backtrace past-main")  # the thread may stand in main itself
        gdb.execute("set backtrace past-main on", to_string=True)
        gdb.invalidate_cached_frames()
        frame = gdb.newest_frame()
        while frame is not None and frame.pc() != registers[pc_and_sp()[0]]:
            frame = frame.older()
        return frame

    def drop(self):
        if self.registers is not None:
            self.registers = None
            gdb.execute("set backtrace past-main " + ("on" if self.past_main else "off"), to_string=True)
            gdb.invalidate_cached_frames()


def pc_and_sp():
    aarch64 = gdb.selected_inferior().architecture().name().startswith("aarch64")
    return ("pc", "sp") if aarch64 else ("rip", "rsp")


unwinder = FiberUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)
gdb.events.cont.connect(lambda event: unwinder.drop())


class Frame:
    """What is told of a frame; read at once, since the frame itself ends with the unwinder."""

    def __init__(self, frame):
        self.function = frame.name() or "??"
        if frame.type() == gdb.INLINE_FRAME or frame.function() is not None:
            self.function = str(frame.function() or self.function)
        self.where, self.arguments = "", ""
        try:
            line = frame.find_sal()
            if line.symtab is not None and line.line:
                self.where = " at %s:%d" % (line.symtab.filename.rpartition("/")[2], line.line)
            self.arguments = self.read_arguments(frame)
        except (gdb.error, RuntimeError):
            pass

    @staticmethod
    def read_arguments(frame):
        if frame.function() is None:
            return ""
        texts = []
        for symbol in frame.block() if frame.block().function else ():
            if symbol.is_argument and symbol.name != "this":
                value = frame.read_var(symbol)
                shown = "..." if value.type.strip_typedefs().code in (
                    gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF) else value.format_string(
                        max_elements=5, styling=False, pretty_structs=False)
                texts.append("%s=%s" % (symbol.name, shown.replace("<No data fields>", "").replace(" = ", "=")))
        return "(" + ", ".join(texts) + ")"

    @property
    def text(self):
        name = self.function
        return name + (self.arguments if "(" not in name.replace("(anonymous namespace)", "") else "") + self.where


def is_ours(frame):
    """Whether its function is one of Orrery's, and not of whoever uses it."""
    # gdb 13 cannot demangle what clang++ 19 makes of a function with a requires clause.
    return frame.name() is None or re.match(r"orrery::|_ZNK?6orrery", frame.name()) is not None


stacks = {}  # by the address of the fiber: what was read since the process stood still last
gdb.events.cont.connect(lambda event: stacks.clear())


def walk(frame):
    found = []
    while frame is not None and frame.is_valid() and frame.pc() != 0 and len(found) < 200:
        found.append(Frame(frame))
        frame = frame.older()
    return found


def frames_of(actor):
    """The stack of a suspended actor, newest frame first."""
    fiber = actor.fiber
    if fiber is None:
        return []
    key = (int(fiber.address), int(fiber["context_"]))
    if key not in stacks:
        try:
            first = unwinder.choose(fiber)
            stacks[key] = [] if first is None else walk(first)
        finally:
            unwinder.drop()
    return stacks[key]


def thread_of(execution):
    """The thread that stands on the fiber of a running actor, or None."""
    fiber = execution["fiber"]
    if fiber == 0:
        return None
    stack = fiber["stack_"]
    bottom = int(stack["bottom"])
    before = gdb.selected_thread()
    try:
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            stack_pointer = int(gdb.newest_frame().read_register(pc_and_sp()[1]))
            if bottom <= stack_pointer < bottom + int(stack["bytes"]):
                return thread
    finally:
        before.switch()
    return None


# --- commands --------------------------------------------------------------------------------------------------------


class InfoActors(gdb.Command):
    """Lists the living actors of every runtime in the process or core file.

info actors [TEXT]   those whose name or type holds TEXT
Columns: name, type, state, messages that wait, supervisor, what it handles or waits for."""

    def __init__(self):
        super().__init__("info actors", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        unwinder.drop()
        found = systems()
        if not found:
            gdb.write("No runtime of Orrery exists at the moment.\n")
        for system in found:
            rows = []
            for actor in system.actors():
                name = actor.name
                if argument and argument not in name and argument not in actor.type_name:
                    continue
                state, more = actor.state(with_stack=len(rows) < STACKS_READ)
                stashed = actor.stashed()
                depth = str(len(actor.mailbox())) + ("+%d" % stashed if stashed else "")
                rows.append((name, actor.type_name, state, depth, actor.supervisor() or "-", more))
            gdb.write(system.title + "\n")
            head = ("actor", "type", "state", "mail", "supervisor", "")
            widths = [max(len(row[i]) for row in rows + [head]) for i in range(5)]
            for row in [head] + rows if rows else []:
                gdb.write(("  " + "  ".join(row[i].ljust(widths[i]) for i in range(5)) + "  " + row[5]).rstrip() + "\n")


class ActorCommand(gdb.Command):
    """Looks at one actor: by its name in `info actors`, or #SLOT.

actor NAME            selects its stack for bt, up, frame, info locals; frame 0 stays the thread's
actor NAME bt         prints its stack
actor NAME mailbox    prints the messages that wait, the next one first
actor NAME state      prints the object
actor                 goes back to the thread's stack"""

    def __init__(self):
        super().__init__("actor", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        unwinder.drop()
        if not words:
            return
        what = words[1] if len(words) > 1 else "select"
        if len(words) > 2 or what not in ("select", "bt", "mailbox", "state"):
            refuse("actor NAME [bt|mailbox|state]")
        getattr(self, what)(actor_named(words[0]))

    def complete(self, text, last):
        try:
            words = text.split(" ")
            if len(words) > 1:
                return [one for one in ("bt", "mailbox", "state") if one.startswith(words[1])]
            return [name for system in systems() for name in [a.name for a in system.actors()] if name.startswith(text)]
        except gdb.error:
            return []

    @staticmethod
    def headline(actor):
        state, more = actor.state()
        gdb.write("%s (%s) %s%s\n" % (actor.name, actor.type_name, state, ": " + more if more else ""))

    def select(self, actor):
        self.headline(actor)
        execution = actor.running
        if execution is not None:
            thread = thread_of(execution)
            if thread is not None:
                thread.switch()
                gdb.execute("frame")
            return
        if actor.fiber is None:
            return
        first = unwinder.choose(actor.fiber)
        if first is None:
            refuse("its stack cannot be read")
        shown = first
        while shown is not None and is_ours(shown):
            shown = shown.older()
        (shown or first).select()
        gdb.execute("frame")

    def bt(self, actor):
        self.headline(actor)
        execution = actor.running
        if execution is not None:
            thread = thread_of(execution)
            if thread is None:
                refuse("no thread stands on its stack")
            before = gdb.selected_thread()
            thread.switch()
            frames = walk(gdb.newest_frame())
            before.switch()
        elif actor.fiber is None:
            gdb.write("It is in no handler, so it has no stack.\n")
            return
        else:
            frames = frames_of(actor)
        for i, frame in enumerate(frames):
            gdb.write("#%-3d %s\n" % (i, frame.text))

    def mailbox(self, actor):
        mail = actor.mailbox()
        kinds = {}
        for envelope in mail:
            name = message_name(envelope)
            kinds[name] = kinds.get(name, 0) + 1
        counted = ", ".join("%d %s" % (count, name) for name, count in sorted(kinds.items()))
        gdb.write("%s: %d waiting%s\n" % (actor.name, len(mail), " (%s)" % counted if counted else ""))
        for i, envelope in enumerate(mail[:MESSAGES_SHOWN]):
            gdb.write("  %d  %s\n" % (i, show_message(actor.system, envelope)))
        if len(mail) > MESSAGES_SHOWN:
            gdb.write("  and %d more\n" % (len(mail) - MESSAGES_SHOWN))
        if actor.stashed():
            gdb.write("  and %d stashed\n" % actor.stashed())

    def state(self, actor):
        named = template_arguments(symbol_at(actor.type), "actor_type")
        if int(actor.cell["actor"]) == 0:
            refuse("%s is down: it has no state at the moment" % actor.name)
        type_ = None
        try:
            type_ = gdb.lookup_type(named[0])
        except (gdb.error, IndexError):
            refuse("the type %s is not in the debug information" % actor.type_name)
        gdb.write("%s = %s\n" % (actor.name, at(actor.cell["actor"], type_).format_string(
            max_elements=50, pretty_structs=True, styling=False)))


class ReplayEnter(gdb.Command):
    """Goes on from where a replay has stopped before a step (ORRERY_BREAK) into the handler of that step.

orrery replay TOKEN --gdb does this by itself."""

    def __init__(self):
        super().__init__("replay-enter", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        unwinder.drop()
        if gdb.selected_thread() is None:
            refuse("the replay has ended before the step")
        try:
            text = word(int(gdb.parse_and_eval("(unsigned long)&orrery_replay_actor")))
        except gdb.error:
            refuse("this program makes no replays")
        if not text:
            refuse("the replay has not stopped before a step")
        actor = actor_named(bytes_at(text, 256).split(b"\0")[0].decode())
        where = self.place(actor)
        gdb.write("into %s of %s, which `actor %s` shows and `info actors` all others\n" % (where[1], actor.name, actor.name))
        gdb.Breakpoint(where[0], internal=True, temporary=True)
        gdb.execute("continue")

    @staticmethod
    def place(actor):
        """Where the actor's own code goes on: an address or a function, and what that is."""
        first = None if actor.fiber is None else unwinder.choose(actor.fiber)
        try:
            if first is not None:
                frame = first
                while frame is not None and is_ours(frame):
                    frame = frame.older()
                return "*0x%x" % (frame or first).pc(), "the handler, which goes on,"
        finally:
            unwinder.drop()
        mail = actor.mailbox()
        if not mail:
            refuse("%s is about to do something else than to handle a message" % actor.name)
        runs = int(mail[0]["operations"]["run"])
        types = template_arguments(symbol_at(runs), "run_handler")
        handler = "the handler of " + message_name(mail[0])
        if types:
            try:
                if gdb.decode_line(types[0] + "::handle")[1]:
                    return types[0] + "::handle", handler
            except gdb.error:
                pass
        return "*0x%x" % runs, handler


InfoActors()
ActorCommand()
ReplayEnter()
