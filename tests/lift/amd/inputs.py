"""Inputs for bodies: special values of whatever types a body reads a variable as, pairs of them, random bits
and values near each other; for memory, operands whose addresses lie in the memory that there is.

What is not here: which bodies there are (bodies.py), how they are run (ways.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import product
from struct import pack, unpack

from baregrad.isa.meaning import Tree, Type, walk, written
from baregrad.isa.meaning.values import FLOATS, encode

BASE, SIZE, LOCAL = 0x7F10_0000_0000, 1 << 14, 1 << 12
SCRATCH, SCRATCH_SIZE = BASE + 0x1800, 64
SHARED, PRIVATE = 0x0001_0000_0000_0000, 0x0002_0000_0000_0000
VALUES = (
    0.0, 1.0, 0.5, 1.5, 2.0, 2.5, 3.0, 0.1, 127.5, 128.0, 255.5, 256.0, 32767.5, 65504.0, 65535.5,
    2.0**31 - 128, 2.0**31, 2.0**32 - 256, 2.0**32, 2.0**63, 2.0**53 + 2,
)  # fmt: skip
INTEGERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    16,
    17,
    31,
    32,
    33,
    63,
    64,
    65,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
)
Draw = Callable[[], int]


def float_specials(type: Type) -> list[int]:
    """Zeros, denormals, powers, limits, infinities, NaNs of both kinds, borders of conversions."""
    mantissa = FLOATS[type.name].mantissa
    top = (1 << type.bits - 1) - 1  # all ones but the sign
    infinity = top >> mantissa << mantissa
    found = [encode(type, value) for value in VALUES]
    found += [1, (1 << mantissa) - 1, 1 << mantissa, (1 << mantissa) + 1, top, infinity, infinity - 1]
    found += [infinity + 1, infinity + (1 << mantissa >> 1), infinity + (1 << mantissa >> 1) + 5]
    sign = 1 << type.bits - 1
    return list(dict.fromkeys(bits for each in found if each <= top for bits in (each, each | sign)))


def integer_specials(bits: int) -> list[int]:
    """Small numbers, counts around widths, powers, and their negatives."""
    ones = (1 << bits) - 1
    near = [*INTEGERS, 1 << bits - 1, (1 << bits - 1) - 1, 1 << bits // 2, (1 << bits // 2) - 1]
    return list(dict.fromkeys(value & ones for each in near for value in (each, -each)))


def types_of(tree: Tree, name: str) -> list[Type]:
    """The float types that bits of a variable are read as, in a tree; of a part and through copies too."""
    found: dict[Type, None] = {}
    names = {name}
    for node in walk(tree):
        if node.op == "set" and any(one.op == "var" and one.arg in names for one in walk((node.src[1],))):
            place = node.src[0]
            names.add(place.arg if place.op == "var" else place.src[0].arg)
    for node in walk(tree):
        read = node.type is not None and node.op in ("as", "element", "slice", "var") and node.t.is_float
        if read and any(one.op == "var" and one.arg in names for one in walk((node,))):
            found[node.t] = None
    return list(found)


class Values:
    """Values of one operand."""

    def __init__(self, bits: int, types: list[Type], rng: random.Random) -> None:
        self.bits, self.rng = bits, rng
        self.types = [type for type in types if type.bits <= bits]
        self.pools = [(type.bits, float_specials(type)) for type in self.types]
        width = min(bits, 64)
        self.pools.append((width, integer_specials(width)))
        if bits > 16 and not any(type.bits < 32 for type in self.types):
            self.pools.append((16, integer_specials(16)))

    def specials(self) -> list[int]:
        """All of them: what is narrower than the operand is repeated, with others around it."""
        found = []
        for width, pool in self.pools:
            for value in pool:
                found.append(self.filled(width, [value] + pool))
        return list(dict.fromkeys(found))

    def filled(self, width: int, pool: list[int]) -> int:
        """The first of a pool in the lowest bits and any in the others."""
        value = pool[0]
        for low in range(width, self.bits, width):
            value |= (self.rng.choice(pool) if self.rng.random() < 0.7 else pool[0]) << low
        return value & (1 << self.bits) - 1

    def any(self) -> int:
        """A random one: of all bits, special in its parts, or small."""
        kind = self.rng.random()
        if kind < 0.35:
            return self.rng.getrandbits(self.bits)
        if kind < 0.5:
            return self.rng.getrandbits(self.rng.randint(1, self.bits))
        width, pool = self.rng.choice(self.pools)
        if kind < 0.65 and self.types:
            type = self.rng.choice(self.types)
            scale = 2.0 ** self.rng.randint(-4, 12)
            pool, width = [encode(type, self.rng.uniform(-2, 2) * scale) for _ in range(4)], type.bits
        return self.filled(width, [self.rng.choice(pool), *pool])

    def near(self, other: int) -> int:
        """One that differs in few bits, or is the negative of such."""
        value = other ^ self.rng.getrandbits(self.rng.choice((1, 2, 4)))
        if self.rng.random() < 0.3:
            value ^= 1 << self.bits - 1
        return value & (1 << self.bits) - 1


def rows(bits: Mapping[str, int], tree: Tree, count: int, rng: random.Random) -> list[dict[str, int]]:
    """So many inputs of plain operands: specials of each, pairs of the first two, then random ones."""
    names = list(bits)
    values = {name: Values(bits[name], types_of(tree, name), rng) for name in names}
    found: list[dict[str, int]] = []
    if not names:
        return [{} for _ in range(count)]
    main = sorted((name for name in names if name in ("S0", "S1", "S2")), key=str) or names[:1]
    pools = [values[name].specials() for name in main[:2]]
    pairs = list(product(*pools))
    if len(pairs) > count * 2 // 3:
        pairs = rng.sample(pairs, count * 2 // 3)
    for pair in pairs:
        row = {name: values[name].any() for name in names}
        row.update(zip(main, pair, strict=False))
        if len(main) > 2 and rng.random() < 0.6:
            row[main[2]] = rng.choice(values[main[2]].specials())
        found.append(row)
    while len(found) < count:
        row = {name: values[name].any() for name in names}
        if len(main) > 1 and bits[main[0]] == bits[main[1]] and rng.random() < 0.3:
            row[main[1]] = values[main[1]].near(row[main[0]])
        found.append(row)
    rng.shuffle(found)
    return found[:count]


# -- memory ----------------------------------------------------------------------------------------


def grain_of(tree: Tree, bits: Mapping[str, int]) -> int:
    """What addresses are multiples of, so that stores of several lanes, whose order nobody promises, overlap
    as a whole or not at all, and atomics are aligned.
    """
    done = {node.op for node in walk(tree)} & {"load", "store"}
    return 64 if "OFFSET0" in bits else {"load": 4, "store": 16}.get("".join(done), 8)


def resource(rng: random.Random, grain: int, formatted: bool) -> int:
    """A buffer's resource: base, stride, records, and how bounds are checked; with a format any of those, and
    selectors of 0, 1 and components, rarely of nothing.
    """
    stride = rng.choice((0, 0, grain, 2 * grain, 4 * grain))
    records = rng.choice((0, 16, 64, 1024, 4096))
    bounds = rng.randrange(4) << 60
    if formatted:
        usual = rng.random() < 0.95
        selectors = [rng.choice((0, 1, 4, 5, 6, 7) if usual else range(8)) for _ in range(4)]
        if rng.random() < 0.5:
            selectors = [4, 5, 6, 7]
        bounds |= sum(one << 32 + 3 * n for n, one in enumerate(selectors)) | rng.randrange(128) << 44
        records = rng.choice((0, 64, 1024, 4096, 4096))
    return BASE + 16 * rng.randrange(64) | stride << 48 | records << 64 | bounds << 64


def addresses(
    bits: Mapping[str, int], tree: Tree, local: bool, apart: bool, rng: random.Random
) -> dict[str, Draw]:
    """What draws the operands that addresses are made of, by name. `local`: they may lie beyond the end;
    `apart`: the two places of a lane are so far apart that they might be another lane's, and become one.
    """
    grain = grain_of(tree, bits)
    scratch, flat = "SCRATCH_BASE" in bits, "SHARED_BASE" in bits
    pool = [16 * rng.randrange(64) for _ in range(12)]

    def offset() -> int:
        return (rng.choice(pool) if rng.random() < 0.6 else 4 * rng.randrange(256)) // grain * grain

    def full() -> int:
        roll = rng.random()
        if flat and roll < 0.6:
            return SHARED + offset() if roll < 0.3 else PRIVATE + offset() % SCRATCH_SIZE // 16 * 16
        return BASE + offset()

    def small() -> int:
        return 16 * rng.randrange(2)

    def beyond() -> int:
        return (
            rng.choice((LOCAL - grain, LOCAL, (1 << 32) - grain))
            if local and rng.random() < 0.1
            else offset()
        )

    rows: dict[tuple[str, int], Draw] = {
        ("OFFSET", 32): small if scratch else lambda: 16 * rng.randrange(8),
        ("OFFSET0", 32): lambda: 1 if apart else rng.randrange(2),
        ("OFFSET1", 32): lambda: 1 if apart else rng.randrange(2, 4),
        ("LDS_SIZE", 32): lambda: LOCAL, ("SCRATCH_BASE", 64): lambda: SCRATCH,
        ("SCRATCH_SIZE", 32): lambda: SCRATCH_SIZE, ("SHARED_BASE", 64): lambda: SHARED,
        ("PRIVATE_BASE", 64): lambda: PRIVATE,
        ("SRSRC", 128): lambda: resource(rng, min(grain, 16), "layout" in written(tree)),
        ("SBASE", 128): lambda: resource(rng, min(grain, 16), False), ("SBASE", 64): lambda: BASE + offset(),
        ("SOFFSET", 32): lambda: 16 * rng.randrange(4), ("M0", 32): lambda: 16 * rng.randrange(4),
        ("SADDR", 32): small, ("SADDR", 64): lambda: BASE + offset(), ("ADDR", 64): full,
        ("ADDR", 32): small if scratch and not flat else beyond,
        ("VADDR", 32): lambda: grain * rng.randrange(64),
        ("VADDR", 64): lambda: rng.randrange(64) | grain * rng.randrange(16) << 32,
    }  # fmt: skip
    return {name: rows[name, size] for name, size in bits.items() if (name, size) in rows}


def filled(size: int, rng: random.Random) -> bytearray:
    """A memory with numbers and floats in it."""
    words = [unpack("<I", pack("<f", rng.uniform(-8, 8)))[0] if rng.random() < 0.5 else rng.getrandbits(32)
             for _ in range(size // 4)]  # fmt: skip
    return bytearray(b"".join(word.to_bytes(4, "little") for word in words))


def registers(size: int, number: int, rng: random.Random) -> bytes:
    """Bytes of register files. Of any bits a long sum of floats is nearly always infinite or NaN: in two of
    three states floats of every type are finite and below 2, in one of these they are near each other too.
    """
    kept, set_ = ((0xFF, 0), (0xBF, 0), (0xBF, 0x30))[number % 3]
    return rng.randbytes(size).translate(bytes(n & kept | set_ for n in range(256)))
