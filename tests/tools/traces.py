"""Synthetic traces, event by event, for cases that no program shows as clearly."""
import struct

ALLOCATE, RELEASE, RESIZE_FROM, RESIZE_TO, MARK, WIDE = 1, 5, 7, 8, 10, 11
CHUNK = 65536


def chunks_of(kind, records):
    chunks = [head := struct.pack("<4sIIIQQ", b"fach", kind, 1, 0, 0, 0)]
    for record in records:
        if len(chunks[-1]) + len(record) + 8 > CHUNK:
            chunks.append(head)
        chunks[-1] += record
    return [c.ljust(CHUNK, b"\0") for c in chunks]


def trace_of(path, events, stacks=(), modules=(), program="made", slice_us=0, sample=1):
    """A trace as of a program that was killed: (operation, address, size) each, of one thread, and the number of a stack, from 1, where there is one.
    A stack is its return addresses, the innermost first; a module is where it begins and its path, and has 1 MiB."""
    records = []
    for number, (what, address, size, *stack) in enumerate(events):
        order, data = number << 25, b""
        if what in (ALLOCATE, RESIZE_TO) and size >= 2**19 - 1:
            data = struct.pack("<QQ", WIDE | 4 << 4 | order, size)
            order, size = order + 2**24, 2**19 - 1
        records.append(data + struct.pack("<QQ", what | (stack[0] if stack else 0) << 4 | order, size if what == MARK else address >> 3 << 19 | size))
    walked = [struct.pack(f"<{len(s) + 1}Q", number | len(s) << 32, *s) for number, s in enumerate(stacks, 1)]
    loaded = [struct.pack("<4Q", begin, begin + 2**20, begin, len(name)) + name.encode().ljust((len(name) + 7) // 8 * 8, b"\0") for begin, name in modules]
    chunks = chunks_of(1, records) + (chunks_of(2, walked) if walked else []) + (chunks_of(3, loaded) if loaded else [])
    header = struct.pack("<8sIIQQQQIIII256s2048s", b"fatrace1", 1, 1, 0, 0, len(chunks), 0, sample, 5, 2 if slice_us else 0, slice_us, b"", program.encode())
    path.write_bytes(header.ljust(4096, b"\0") + b"".join(chunks))
    return path


def frames_of(events, count=40):
    return [e for n in range(count) for e in [(MARK, 0, n)] + events]


def brief(count, size=100, stack=0, at=64):
    """Blocks that are made and freed at once."""
    return [e for _ in range(count) for e in ((ALLOCATE, at, size, stack), (RELEASE, at, 0))]
