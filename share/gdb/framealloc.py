"""gdb reads framealloc's memory: in a running program and in a core file. Nothing is called in the program.

    (gdb) source share/gdb/framealloc.py
    (gdb) framealloc tags             bytes of every tag, by allocator
    (gdb) framealloc frames           open frames of every thread
    (gdb) framealloc whereis ADDR     whose memory it is, as fa::describe() says it; of a container or a box, what it holds
    (gdb) print my_vec                containers and boxes by their elements, or why they cannot be shown

Needs debug information of the library (-g). See docs/mistakes.md.
"""
import re

import gdb
import gdb.printing

WORD = (1 << 64) - 1


# --- what the library keeps ---

def plain(value):
    """The number in an atomic or a counter."""
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        value = value["value_"]
    return int(value)


def text(value, length=None):
    return value.string(length=length) if length is not None else value.string()


def follow(pointer, link):
    """The objects of an intrusive list."""
    seen = set()
    while int(pointer) != 0:
        if int(pointer) in seen:
            raise ValueError("a list of the allocator leads back to itself: it was overwritten")
        seen.add(int(pointer))
        yield pointer.dereference()
        pointer = link(pointer.dereference())


# What reading a value may end in: gdb's errors, and what Python makes of bytes that are no text or number.
UNREADABLE = (gdb.error, UnicodeError, ValueError, OverflowError)


def why_not(error):
    """In one sentence, why a value cannot be shown."""
    said = str(error)
    if "optimized out" in said or "not saved" in said:
        return "optimised out here; it can be seen where it is still used, or in a build with -Og or -O0"
    if "unavailable" in said or "not available" in said:
        return "not available: its memory was not recorded"
    if m := re.search(r"Cannot access memory at address (0x[0-9a-f]+)", said):
        return f"not readable at {m[1]}: not initialised yet, or its memory is gone or not in this core file"
    if isinstance(error, UnicodeError):
        return "not initialised yet, or overwritten: what should be text is none"
    return said[:1].lower() + said[1:] if isinstance(error, ValueError) else said


def readable(address, size):
    """Raises where not all of it can be read."""
    if size > 0:
        inferior = gdb.selected_inferior()
        inferior.read_memory(address, 1)
        inferior.read_memory(address + size - 1, 1)


def align_up(n, to):
    return (n + to - 1) // to * to


SPACE = "framealloc::v1"


def own(name):
    """What the library keeps for itself in the room memory."""
    try:  # in quotes, as gdb would read the parenthesis otherwise
        return gdb.parse_and_eval(f"'{SPACE}::memory::(anonymous namespace)::{name}'")
    except gdb.error:
        raise gdb.GdbError("framealloc: no debug information of the library in this program; build it with -g")


def constant(name):
    return int(own("for_debuggers")[name])


def kind_of(value):
    """An enumerator's word, such as frame."""
    return str(value).rsplit("::", 1)[-1]


class Kinds:
    """The kinds of memory that the program has, in its order: rows of base/kind.hpp, and where an account counts their bytes."""

    def __init__(self):
        rows, held = own("for_debuggers")["kinds"], own("for_debuggers")["held"]
        indices = range(rows.type.range()[1] + 1)
        self.names = [text(rows[i]["name"]) for i in indices]
        self.rows = {self.names[i]: rows[i] for i in indices}
        offsets = {self.names[i]: int(held[i].cast(gdb.lookup_type("long"))) for i in indices}
        self.held = {name: offset for name, offset in offsets.items() if offset >= 0}  # -1 is null

    def freed_singly(self, name):
        return bool(self.rows[name]["freed_singly"])

    def of_frames(self, name):
        return bool(self.rows[name]["of_frames"])


def at(address, kind):
    return gdb.Value(address).cast(gdb.lookup_type(f"{SPACE}::{kind}").pointer()).dereference()


class Parts:
    """An object of the library by the names of what it holds, wherever among its parts that lies; its own members first.

    A member may be written without the underscore at its end.
    """

    def __init__(self, value):
        self.value = value

    def __getitem__(self, name):
        level = [self.value]
        while level:
            found = [(v, f) for v in level for f in v.type.strip_typedefs().fields() if f.name in (name, name + "_")]
            if len(found) > 1:
                raise gdb.GdbError(f"framealloc: several parts of {self.value.type} have a member {name}")
            if found:
                return found[0][0][found[0][1]]
            level = [v[f] for v in level for f in v.type.strip_typedefs().fields()
                     if hasattr(f, "bitpos") and f.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT]
        raise gdb.GdbError(f"framealloc: {self.value.type} has no member {name}; is this script of another version?")


def allocators():
    return [Allocator(c) for c in follow(own("live_cores"), lambda c: c["life"]["next_"])]


class Allocator:
    def __init__(self, core):
        self.core = Parts(core)
        self.name = text(self.core["config"]["name"])
        self.guarded = bool(self.core["guards"])

    def contexts(self):
        return [Context(c, self) for c in follow(self.core["threads"]["first_"], lambda c: c["life"]["next_"])]

    def tags(self):
        tree = self.core["tags"]
        first, made = int(tree["capacity_"]), int(tree["size_"]["value_"])
        return [tree["root_"]] + [tree["buckets_"][first + i].dereference() for i in range(1, made)]

    def record(self, address):
        """What the guard knows of a block, or None."""
        slots = self.core["blocks"]["slots_"]
        size = int(slots["size_"])
        if not self.guarded or size == 0:
            return None
        i = ((((address >> constant("hash_low_bits")) * constant("hash_multiplier")) & WORD) >> constant("hash_shift")) & (size - 1)
        while True:
            r = slots["data_"][i]
            if int(r["address"]) in (0, address):
                return r if int(r["address"]) != 0 else None
            i = (i + 1) & (size - 1)


def path_of(node):
    return "" if int(node) == 0 else text(node["path"], int(node["path_length"]))


class Context:
    """What a thread has of an allocator."""

    def __init__(self, context, owner):
        self.c, self.owner = Parts(context), owner
        self.guarded = int(self.c["guard"]) != 0
        self.thread = plain(self.c["thread"])
        self.depth = int(self.c["top"]["depth"])
        self.begun = int(self.at(1, "records")["generation"])

    def at(self, depth, what):
        """The record of a depth, or what belongs to it: both lie in segments."""
        entries = self.c["segments"]["segments_"][0].dereference()[what]
        in_segment = entries.type.range()[1] + 1
        return self.c["segments"]["segments_"][depth // in_segment].dereference()[what][depth % in_segment]

    def padding(self):
        log = self.c["arenas"]["current_"]["log"]
        if int(log) == 0 or int(log["blocks_"]["size_"]) == 0:
            return 0
        return int(log["blocks_"]["data_"][int(log["blocks_"]["size_"]) - 1]["padding"])

    def open_bytes(self):
        """Handed out since the last boundary: not charged to a tag yet."""
        n = int(self.c["top"]["cursor"]) - int(self.c["segment"])
        return n - (self.padding() - int(self.c["segment_padding"])) if self.guarded else n

    def bytes_in_use(self):
        newest = self.c["arenas"]["current_"]["newest_"]
        in_newest = int(self.c["top"]["cursor"]) - int(newest["begin"]) - (self.padding() - int(newest["padding"]))
        return int(self.c["arenas"]["current_"]["earlier_"]) + in_newest + int(self.c["out_of_line"])

    def pages(self):
        return follow(self.c["pages"]["all_"], lambda p: p["next_all"])

    def slots(self):
        flight = gdb.lookup_type(f"{SPACE}::lifetime::flight").pointer()
        s = self.c["arenas"]["current_"]
        for _ in range(int(self.c["arenas"]["count_"])):
            yield s.cast(flight).dereference()
            s = s["next"]

    def batch(self, page):
        """Places of blocks of other threads' pages that this thread has freed and not handed over."""
        if int(self.c["batch_page"]) != int(page.address):
            return []
        return [int(self.c["batch_places"][i]) for i in range(int(self.c["batch_count"]))]


def used(page):
    return (int(page["allocations"]) - int(page["frees"]) - (1 if page["current"] else 0)) & 0xFFFFFFFF


def blocks_out(page, contexts):
    waiting = sum(len(c.batch(page)) for c in contexts)
    return max(0, used(page) - (plain(page["remote"]["word_"]) & constant("count_mask")) - waiting)


# --- framealloc tags ---

def tag_table(allocator):
    """Bytes by tag path and kind."""
    kinds = Kinds()
    table = {path_of(n.address): dict.fromkeys(kinds.names, 0) for n in allocator.tags()}
    contexts = allocator.contexts()

    def row(node):
        return table.setdefault(path_of(node), dict.fromkeys(kinds.names, 0))

    for c in contexts:
        for e in follow(c.c["accounts"]["first_"], lambda e: e["next"]):
            for kind, offset in kinds.held.items():
                row(e["node"])[kind] += plain(at(int(e.address) + offset, "sync::owner_counter"))
            row(e["node"])["heap"] += plain(e["heap_taken"]) - plain(e["heap_returned"]) - plain(e["heap_refunded"])
        row(c.c["charges"]["newest_"][0]["account"]["node"])["frame"] += c.open_bytes()
        for p in c.pages():
            kind = kind_of(p["kind"])
            if kinds.freed_singly(kind) and int(p["block"]) != 0 and int(p["account"]) != 0:
                row(p["account"]["node"])[kind] += blocks_out(p, contexts) * int(p["block"])
    return table


def print_tags():
    for a in allocators():
        print(f'allocator "{a.name}"')
        print(" ", *(f"{name:>12}" for name in Kinds().names), " tag")
        for path, row in sorted(tag_table(a).items()):
            if any(row.values()) or path == "":
                print(" ", *(f"{n:>12}" for n in row.values()), f" {path or '(untagged)'}")


# --- framealloc frames ---

def print_frames():
    for a in allocators():
        print(f'allocator "{a.name}"')
        for c in a.contexts():
            tag = path_of(c.c["charges"]["newest_"][0]["account"]["node"])
            state = f"{c.depth} open" if c.depth else "none open"
            print(f"  thread {c.thread}: {state}, frame {c.begun}, {c.bytes_in_use()} bytes in use" + (f', tag "{tag}"' if tag else ""))
            for depth in range(1, c.depth + 1):
                r = c.at(depth, "records")
                opened = c.at(depth, "opened") if c.guarded else None
                where = place(opened) if opened is not None else ""
                print(f"    {depth}: cursor {int(r['cursor']):#x}" + (f", opened at {where}" if where else ""))


def place(site):
    if int(site["file"]) != 0:
        return f"{text(site['file'])}:{int(site['line'])}"
    return str(site["caller"]) if int(site["caller"]) != 0 else ""


# --- framealloc whereis: the same as src/insight/describe.cpp, from outside ---

class Found:
    def __init__(self, allocator, kind):
        self.allocator, self.kind = allocator, kind
        self.state = "never allocated"
        self.begin = self.bytes = self.offset = self.frame = self.depth = self.thread = 0
        self.reused_from = 0
        self.tag = self.born = ""

    def block(self, begin, size, p):
        self.begin, self.bytes, self.offset = begin, size, p - begin

    def __str__(self):
        singly = Kinds().freed_singly(self.kind)
        state = "freed" if self.state == "ended" and singly else self.state
        out = f'allocator "{self.allocator.name}": {self.kind} memory, {state}'
        if self.bytes:
            out += f", block of {self.bytes} bytes at {self.offset:+d}"
        if self.frame and not singly:
            out += f", frame {self.frame}"
        if self.reused_from:
            out += f", reused since frame {self.frame}, frame {self.reused_from}'s before"
        if self.depth > 1:
            out += f", {self.depth} deep"
        if self.tag:
            out += f', tag "{self.tag}"'
        if self.born:
            out += f", allocated at {self.born}"
        if self.thread:
            out += f", thread {self.thread}"
        return out


def born_at(record):
    return f"{text(record['born']['file'])}:{int(record['born']['line'])}" if int(record["born"]["file"]) != 0 else ""


def slot_is_free(allocator, page, begin):
    word = gdb.lookup_type("unsigned long")
    if used(page) == 0 or int(page["account"]) == 0:
        return True
    b = int(page["free"])
    while b != 0:
        if b == begin:
            return True
        b = int(gdb.Value(b).cast(word.pointer()).dereference())
    base = int(page.address)
    mine = (begin - base) // constant("place_bytes")

    def in_chain(r):
        while int(r) != 0:
            if int(r) == begin:
                return True
            places = r["first_places"].address.cast(gdb.lookup_type("unsigned short").pointer())
            if any(int(places[i]) == mine for i in range(int(r["count"]))):
                return True
            r = r["next"]
        return False

    r = page["came_home"]
    while int(r) != 0:
        if in_chain(r):
            return True
        after = int(r["after"])
        r = gdb.Value(base + after * constant("place_bytes") if after else 0).cast(r.type)
    waiting = plain(page["remote"]["word_"])
    first = gdb.Value(base + (waiting >> constant("count_bits")) * constant("place_bytes")).cast(page["came_home"].type)
    if waiting & constant("count_mask") and in_chain(first):
        return True
    return any(mine in c.batch(page) for c in allocator.contexts())


def find_outer(context, found, p):
    """An out-of-line block of frame memory: alive as long as a frame has it on its list."""
    found.kind, found.state = "frame", "ended"

    def look(first, state, depth, frame):
        for b in follow(first, lambda b: b["next"]):
            if int(b["raw"]) != found.begin:
                continue
            found.state, found.depth, found.frame = state, depth, frame
            found.block(int(b.address) + constant("outer_header_bytes"), int(b["bytes"]), p)
            found.tag = path_of(b["who"]["node"])
            return True
        return False

    for depth in range(context.depth + 1):
        if look(context.at(depth, "blocks"), "in use", depth, context.begun):
            return True
    return any(look(s["blocks"], "held", 0, int(s["frame"])) for s in context.slots())


def in_pages(a, p):
    core = a.core
    slab = next((s for s in follow(core["depot"]["slabs_"], lambda s: s["next"]) if int(s["begin"]) <= p < int(s["begin"]) + int(s["bytes"])), None)
    if slab is None:
        return None
    base = p & ~(constant("page_bytes") - 1)
    newest = int(slab.address) == int(core["depot"]["slabs_"])
    if newest and int(core["depot"]["fresh_begin_"]) <= base < int(core["depot"]["fresh_end_"]):
        return None
    page = at(base, "memory::pool_page")
    if int(page["accessible"]) == 0:
        return None
    size = int(page["block"])
    found = Found(a, kind_of(page["kind"]))
    align = size & -size
    zone = constant("zone") if a.guarded else 0
    first = align_up(page.type.sizeof + zone, align) - zone if size else 0
    offset = p - base
    if size != 0 and first <= offset < int(page["carved"]):
        step = align_up(zone + size + zone, align) if a.guarded else size
        slot = p - (offset - first) % step
        if a.guarded:
            r = a.record(slot + zone)
            live = r is not None and int(r["state"]) == 0
            found.block(slot + zone, int(r["bytes"]) if r is not None else size, p)
            found.born = born_at(r) if r is not None else ""
        else:
            live = not slot_is_free(a, page, slot)
            found.block(slot, size, p)
        found.state = "in use" if live else "ended"
    if int(page["owner"]) == 0 or int(page["account"]) == 0:
        return found
    owner = Context(page["owner"].dereference(), a)
    found.thread = owner.thread
    if Kinds().freed_singly(found.kind):
        found.tag = path_of(page["account"]["node"])
    else:
        find_outer(owner, found, p)
    return found


def in_sampled(a, p):
    if int(a.core["sampled"]) == 0:
        return None
    s = a.core["sampled"].dereference()
    begin, os_page, per_unit = int(s["begin_"]), constant("os_page"), constant("slots_per_unit")
    most = s["slots_"].type.range()[1] + 1
    if begin == 0 or not begin <= p < begin + most // per_unit * constant("page_bytes"):
        return None
    unit, at = (p - begin) // constant("page_bytes"), (p - begin) % constant("page_bytes") // os_page
    i = unit * per_unit + max(0, (at - 2) // 2)
    own_page = begin + unit * constant("page_bytes") + (2 * (i % per_unit) + 2) * os_page
    last = i % per_unit == per_unit - 1
    if p >= own_page + os_page and not last and int(s["slots_"][i + 1]["begin"]) != 0 and p - (own_page + os_page) >= os_page // 2:
        i += 1
    slot = s["slots_"][i]
    if int(slot["begin"]) == 0:
        return None
    found = Found(a, kind_of(slot["kind"]))
    lead = int(slot["lead"])
    begin, size = int(slot["begin"]) + lead, int(slot["bytes"]) - lead
    if begin <= p < begin + size:
        found.block(begin, size, p)
        found.state = "in use" if slot["live"] else "ended"
    found.frame, found.thread, found.tag = int(slot["frame"]), int(slot["thread"]), path_of(slot["tag"])
    found.born = born_at(slot)
    return found


def in_large_heap(a, p):
    for r in follow(a.core["large"]["regions_"], lambda r: r["next"]):
        if not int(r.address) < p < int(r["top"]):
            continue
        for b in follow(r["last"], lambda b: b["below"]):
            begin = int(b.address) + b.type.sizeof
            if p >= begin:
                return large_block(a, b, begin, p)
    return None


def large_block(a, b, begin, p):
    found = Found(a, "heap")
    requested = int(b["requested"])
    found.block(begin, requested, p)
    found.state = "ended" if b["free"] or requested == 0 else "in use"
    r = a.record(begin)
    found.born = born_at(r) if r is not None else ""
    if found.state != "in use":
        return found
    if b["charged"]:
        found.tag = next((path_of(n.address) for n in a.tags() if int(n["index"]) == int(b["tag_index"])), "")
        return found
    for c in a.contexts():
        if find_outer(c, found, p):
            found.thread = c.thread
            return found
    found.kind, found.state = "heap", "in use"
    return found


def newest_block(blocks, size, p):
    """Of an array of guard::frame_block."""
    return next((blocks[i] for i in range(size - 1, -1, -1) if int(blocks[i]["begin"]) <= p < int(blocks[i]["end"])), None)


def copy_block(found, b, p):
    found.block(int(b["begin"]), int(b["end"]) - int(b["begin"]), p)
    found.born, found.frame = born_at(b), int(b["frame"])
    found.tag = path_of(b["tag"])


def ended_block(c, p):
    """The youngest of those that ended lately which contained it, or None."""
    ended = c.c["guard"]["ended"]
    size, following = int(ended["ring_"]["size_"]), int(ended["next_"])
    blocks = (ended["ring_"]["data_"][(following - i) % size] for i in range(1, min(size, following) + 1))
    return next((b for b in blocks if int(b["begin"]) <= p < int(b["end"])), None)


def in_log(c, slot, found, p):
    log = slot["log"]["blocks_"]
    b = newest_block(log["data_"], int(log["size_"]), p)
    before = ended_block(c, p)
    if b is not None:
        copy_block(found, b, p)
        found.depth = int(b["depth"])
        found.reused_from = int(before["frame"]) if before is not None else 0
        return
    found.depth, found.tag = 0, ""
    if found.state != "held":
        found.state = "never allocated"
    if before is not None:
        copy_block(found, before, p)
        found.state = "ended"


def payer_of(c, offset):
    end = 0
    log = c.c["log"]
    for i in range(int(log["size_"])):
        end += int(log["records_"][i]["bytes"])
        if offset < end:
            return path_of(log["records_"][i]["who"]["node"])
    return path_of(c.c["charges"]["newest_"][0]["account"]["node"])


def in_arena(c, p):
    for s in c.slots():
        below = int(s["earlier_"])
        for k in follow(s["newest_"], lambda k: k["previous"]):
            if int(k["begin"]) <= p < int(k["end"]):
                return arena_memory(c, s, k, below, p)
            below = int(k["earlier"])
    revoked = c.c["guard"]["revoked"] if c.guarded else gdb.Value(0)
    for k in follow(revoked, lambda k: k["previous"]) if c.guarded else ():
        if int(k["begin"]) <= p < int(k["end"]):
            found = Found(c.owner, "frame")
            found.frame = int(k["frame"])
            in_log(c, c.c["arenas"]["current_"].dereference(), found, p)
            found.state = "ended"
            return found
    return None


def in_other_arena(a, p):
    """Of an arena that no frame has: handed out, as far as it is accessible."""
    for k in follow(a.core["chunks"]["first_"], lambda k: k["next_all"]):
        if int(k["begin"]) <= p < int(k["end"]) and not Kinds().of_frames(kind_of(k["kind"])):
            found = Found(a, kind_of(k["kind"]))
            found.state = "in use" if p < int(k["committed"]) else "never allocated"
            found.thread = Context(k["owner"].dereference(), a).thread
            return found
    return None


def arena_memory(c, s, k, below, p):
    found = Found(c.owner, "frame")
    current = int(s.address) == int(c.c["arenas"]["current_"]) and not s["content_kept"]
    newest = int(k.address) == int(s["newest_"])
    top = int(c.c["top"]["cursor"])
    found.frame = c.begun if current else int(s["frame"])
    if s["content_kept"]:
        found.state = "held"
    elif current and (not newest or p < top) and top != int(s["start_"]):
        found.state = "in use"
        found.depth = c.depth
        if newest and int(s["newest_"]["previous"]) == 0:
            while found.depth and int(c.at(found.depth - 1, "records")["cursor"]) > p:
                found.depth -= 1
        found.tag = payer_of(c, below + p - int(k["begin"]))
    else:
        found.state = "ended" if p < int(k["committed"]) else "never allocated"
    if c.guarded:
        in_log(c, s, found, p)
    return found


def find(p):
    for a in allocators():
        found = in_pages(a, p) or in_sampled(a, p) or in_large_heap(a, p) or in_other_arena(a, p)
        if found is not None:
            return found
        for c in a.contexts():
            found = in_arena(c, p)
            if found is not None:
                found.thread = c.thread
                return found
    return None


def whereis(p):
    return str(find(p) or "not framealloc memory")


def in_memory(string):
    """Whether its characters are in memory of its source, rather than in the string itself."""
    return int(string["packed_"]) % 2 != 0


# Where containers and boxes have the address of their memory.
HELD = (("begin_",), ("text_", "there", "begin"), ("table_", "cells"), ("object_",))


def held_by(v):
    """The memory of a container or a box of this library; None of everything else."""
    if not str(v.type.strip_typedefs().unqualified().name).startswith(f"{SPACE}::basic_"):
        return None
    for path in HELD:
        at = v
        try:
            for member in path:
                at = at[member]
        except gdb.error:
            continue
        if path[0] == "text_" and not in_memory(v):
            raise gdb.GdbError("framealloc: it holds no memory, its characters are in the string itself")
        if int(at) == 0:
            raise gdb.GdbError("framealloc: it holds no memory")
        return int(at)
    return None


def address_of(expression):
    """Of a pointer, a number, a container or a box, as whereis takes them."""
    v = gdb.parse_and_eval(expression)
    t = v.type.strip_typedefs()
    if t.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        v = v.referenced_value()
        t = v.type.strip_typedefs()
    if t.code == gdb.TYPE_CODE_ARRAY:
        return int(v.address)
    if t.code == gdb.TYPE_CODE_STRUCT and (held := held_by(v)) is not None:
        return held
    if t.code not in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT):
        raise gdb.GdbError(f"framealloc: whereis takes an address, and {expression} is none; say &{expression}")
    try:
        return int(v.cast(gdb.lookup_type("unsigned long")))
    except gdb.error as e:
        raise gdb.GdbError(f"framealloc: {expression} is {why_not(e)}")


def print_all(what):
    if not allocators():
        print("no allocator lives")
    what()


class FrameallocCommand(gdb.Command):
    """framealloc tags | frames | whereis ADDRESS: whose memory is what. Works on core files too."""

    def __init__(self):
        super().__init__("framealloc", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        try:
            if words == ["tags"]:
                print_all(print_tags)
            elif words == ["frames"]:
                print_all(print_frames)
            elif len(words) == 2 and words[0] == "whereis":
                print(whereis(address_of(words[1])))
            else:
                raise gdb.GdbError("usage: framealloc tags | frames | whereis ADDRESS")
        except UNREADABLE as e:
            unread = "Cannot access memory" in str(e) or not isinstance(e, gdb.error)
            raise gdb.GdbError(f"framealloc: what the allocator keeps is {why_not(e)}" if unread else f"framealloc: {e}")

    def complete(self, argument, word):
        return [w for w in ("tags", "frames", "whereis") if w.startswith(word)]


# --- containers and boxes ---

class Printer:
    """Looks at the value at once; `problem` says in a sentence why it cannot be shown, if it cannot."""

    def __init__(self, v):
        if v.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            v = v.referenced_value()
        self.v, self.problem, self.note = v, "", ""
        try:
            self.look()
        except UNREADABLE as e:
            self.problem = why_not(e)

    def to_string(self):
        return f"{short_name(self.v.type)}, {self.problem}" if self.problem else self.text() + self.note

    def children(self):
        return iter(()) if self.problem else self.parts()

    def parts(self):
        return iter(())


class ContainerPrinter(Printer):
    """Shown by its elements: a map or an array only where they can be read."""

    def display_hint(self):
        return None if self.problem else self.hint


def elements_between(v):
    """Of a vec: begin, and how many there are and might be."""
    begin, end, limit = (int(v[m]) for m in ("begin_", "end_", "limit_"))
    size = max(1, v["begin_"].type.target().sizeof)
    if begin == 0:
        end = limit = 0
    if not begin <= end <= limit or limit - begin >= 1 << 47 or (end - begin) % size or (limit - begin) % size:
        raise ValueError("not initialised yet, or overwritten: its pointers do not fit together")
    return begin, (end - begin) // size, (limit - begin) // size


def ended_frame(source, begin):
    """Of what lies in a frame: "", or that the frame has ended, and who has the memory now."""
    try:
        ref = source["frame_"]
    except gdb.error:
        return ""  # of pool or heap memory
    record = ref["record_"]
    if int(record) == 0 or int(record["depth"]) <= int(Parts(record["context"].dereference())["top"]["depth"]) and int(record["generation"]) == int(ref["generation_"]):
        return ""
    found = find(begin) if begin else None
    now = f", its memory is reused since frame {found.frame}" if found and Kinds().of_frames(found.kind) and found.state == "in use" and found.frame else ""
    return f"its frame has ended{now}"


class VecPrinter(ContainerPrinter):
    hint = "array"

    def look(self):
        self.begin, self.n, self.room = elements_between(self.v)
        self.problem = ended_frame(self.v["source_"], self.begin)
        if not self.problem and self.begin != 0:
            readable(self.begin, max(1, self.n * self.v["begin_"].type.target().sizeof))

    def text(self):
        return f"{short_name(self.v.type)} of {self.n}, capacity {self.room}"

    def parts(self):
        begin = self.v["begin_"]
        return ((f"[{i}]", begin[i]) for i in range(self.n))


class StringPrinter(ContainerPrinter):
    hint = "string"

    def look(self):
        packed, text = int(self.v["packed_"]), self.v["text_"]
        self.n, self.begin = packed // 2, text["inside"].address.cast(text["there"]["begin"].type)
        room = text["inside"].type.range()[1]
        if in_memory(self.v):
            self.begin, room = text["there"]["begin"], int(text["there"]["most"]) // 2
        if self.n > room or room >= 1 << 47:
            raise ValueError("not initialised yet, or overwritten: its numbers do not fit together")
        self.problem = ended_frame(self.v["source_"], int(self.begin)) if in_memory(self.v) else ""
        if not self.problem:
            readable(int(self.begin), self.n + 1)

    def to_string(self):
        return super().to_string() if self.problem else self.begin.lazy_string(length=self.n)


class MapPrinter(ContainerPrinter):
    hint = "map"

    def look(self):
        self.table = self.v["table_"]
        self.size, self.filled, slots = (int(self.table[m]) for m in ("size", "filled", "slot_count"))
        if not self.size <= self.filled <= slots or slots >= 1 << 40:
            raise ValueError("not initialised yet, or overwritten: its numbers do not fit together")
        marks, cells = int(self.table["marks"]), int(self.table["cells"])
        self.problem = ended_frame(self.v["source_"], marks)
        if not self.problem:
            readable(marks, self.filled)
            readable(cells, self.filled * self.table["cells"].type.target().sizeof)

    def text(self):
        return f"{short_name(self.v.type)} of {self.size}"

    def parts(self):
        n = 0
        for i in range(self.filled):
            if int(self.table["marks"][i]) == 1:  # full
                entry = self.table["cells"][i]["entry"]
                yield f"[{n}]", entry["first"]
                yield f"[{n + 1}]", entry["second"]
                n += 2


class BoxPrinter(Printer):
    def look(self):
        t = self.v.type.strip_typedefs().template_argument(0).strip_typedefs()
        self.n = None
        if t.code == gdb.TYPE_CODE_ARRAY:
            t, self.n = t.target(), int(self.v["n_"])
        self.object = self.v["object_"].cast(t.pointer())
        if int(self.object) == 0:
            return
        if "frame_box" in str(self.v.type.strip_typedefs().name).split("<")[0] and any(f.name == "frame" for f in self.v["source_"].type.strip_typedefs().fields()):
            self.problem = ended_frame({"frame_": self.v["source_"]["frame"]}, int(self.object))
        if not self.problem and t.code != gdb.TYPE_CODE_VOID:
            readable(int(self.object), t.sizeof * (1 if self.n is None else self.n))

    def text(self):
        many = f" of {self.n}" if self.n is not None and int(self.object) != 0 else ""
        return short_name(self.v.type) + (many if int(self.object) != 0 else ", empty")

    def parts(self):
        if int(self.object) == 0 or self.object.type.target().code == gdb.TYPE_CODE_VOID:
            return
        if self.n is None:
            yield "value", self.object.dereference()
        for i in range(self.n or 0):
            yield f"[{i}]", self.object[i]


class SharedPrinter(BoxPrinter):
    def look(self):
        super().look()
        counts = self.v["counts_"]
        if int(counts) != 0:
            self.note = f", {plain(counts['strong'])} owners"


class AllocatorPrinter(Printer):
    def look(self):
        owner = self.v["owner_"]["owner"]
        self.said = f'allocator "{text(owner["config"]["name"])}"' if int(owner) != 0 else "no allocator"

    def to_string(self):
        return f"smart_alloc, {self.problem}" if self.problem else self.said


def short_name(t):
    """framealloc::v1::basic_vec<int, …> is called vec<int>, a map or a string by the kind of its memory, frame_map<int>."""
    t = t.strip_typedefs()
    name = re.sub(r"^framealloc::v1::(basic_)?", "", t.name.split("<")[0])
    if name in ("map", "string"):
        source = re.search(r"(\w+)_source$", str(t.template_argument(2 if name == "map" else 0)))
        name = f"{source[1]}_{name}" if source else name
    return name if name.endswith("string") else f"{name}<{t.template_argument(0)}>"


def build_printers():
    p = gdb.printing.RegexpCollectionPrettyPrinter("framealloc")
    space = r"^framealloc::v1::"
    for name, pattern, printer in (
            ("vec", r"basic_vec<.*>$", VecPrinter), ("string", r"basic_string<.*>$", StringPrinter),
            ("map", r"basic_map<.*>$", MapPrinter), ("box", r"basic_(?!transfer_)\w+_box<.*>$", BoxPrinter),
            ("pool_shared", r"basic_pool_shared<.*>$", SharedPrinter), ("smart_alloc", r"basic_smart_alloc<.*>$", AllocatorPrinter)):
        p.add_printer(name, space + pattern, printer)
    return p


gdb.printing.register_pretty_printer(gdb.current_objfile(), build_printers(), replace=True)
FrameallocCommand()
