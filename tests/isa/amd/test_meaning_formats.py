"""Loads and stores of buffers with formats, against conversions written here with fractions.

Both ways to run a meaning (compiled, and isa.meaning.run) do each case. Layouts are written out, so that the
order of components and the tables packed into constants are checked too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import pytest

from baregrad.emu import Memory, Plain
from baregrad.emu.places import Spot
from baregrad.emu.source import compiled
from baregrad.isa.amd.formats import DATA, NUMBERS, unified
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.meaning import Meaning, explained
from baregrad.isa.meaning import Type, run
from tests.emu.trees import Cells

# fmt: off
LAYOUTS = {
    "8": (8,), "16": (16,), "8_8": (8, 8), "32": (32,), "16_16": (16, 16), "10_11_11": (11, 11, 10),
    "11_11_10": (10, 11, 11), "10_10_10_2": (2, 10, 10, 10), "2_10_10_10": (10, 10, 10, 2),
    "8_8_8_8": (8, 8, 8, 8), "32_32": (32, 32), "16_16_16_16": (16, 16, 16, 16), "32_32_32": (32, 32, 32),
    "32_32_32_32": (32, 32, 32, 32),
}
# fmt: on
BASE, LANES, STEP = 0x10000, 64, 16
INTEGERS = ("UINT", "SINT")
HALF, SINGLE = (5, 10), (8, 23)
# fmt: off
WORDS = (0, 1, 0x80000000, 0x3F800000, 0xBF800000, 0x3F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000,
         0x7F800001, 0x477FE000, 0x477FFFFF, 0x47800000, 0x3F000000, 0x43800000, 0xC3000000, 0x33800000,
         0x387FC000)
HALVES = (0, 1, 0x8000, 0x3C00, 0xBC00, 0x3BFF, 0x7C00, 0xFC00, 0x7E00, 0x7C01, 0x7BFF, 0xFBFF, 0x3800,
          0x5BF8)
# fmt: on


# -- the reference ---------------------------------------------------------------------------------


def exact(bits: int, exponent: int, mantissa: int) -> Fraction | str:
    """What a float is, without its sign: a number, "inf" or "nan"."""
    top, low = bits >> mantissa & ((1 << exponent) - 1), bits & ((1 << mantissa) - 1)
    if top == (1 << exponent) - 1:
        return "nan" if low else "inf"
    whole = low + ((1 << mantissa) if top else 0)
    return Fraction(whole) * Fraction(2) ** (max(top, 1) - (1 << exponent - 1) + 1 - mantissa)


def number(bits: int, type: tuple[int, int]) -> tuple[int, Fraction | str]:
    """Sign and size of a float."""
    return bits >> sum(type) & 1, exact(bits, *type)


def as_float(negative: int, size: Fraction | str, type: tuple[int, int], *, cut: bool = False) -> int:
    """The float of a sign and a size: the nearest one, or the one below."""
    exponent, mantissa = type
    sign, infinite = negative << exponent + mantissa, ((1 << exponent) - 1) << mantissa
    if isinstance(size, str):
        return sign | infinite | (size == "nan") << mantissa - 1
    if not size:
        return sign
    least = 2 - (1 << exponent - 1)
    scale = max(size.numerator.bit_length() - size.denominator.bit_length() - 1, least)
    while size >= Fraction(2) ** (scale + 1):
        scale += 1
    steps = size / Fraction(2) ** (scale - mantissa)
    whole = int(steps) if cut else round(steps)
    found = ((scale - least) << mantissa) + whole
    return sign | min(found, infinite - 1 if cut else infinite)


def signed(raw: int, bits: int) -> int:
    """Bits as a number with a sign."""
    return raw - (1 << bits) if raw >> bits - 1 else raw


def loaded(kind: str, size: int, raw: int, half: bool) -> int:
    """A component in a register."""
    type, mask = (HALF, 0xFFFF) if half else (SINGLE, 0xFFFFFFFF)
    if kind in INTEGERS:
        return (signed(raw, size) if kind == "SINT" else raw) & mask
    if kind == "FLOAT":
        if size == 32:
            return as_float(*number(raw, SINGLE), HALF, cut=True) if half else raw
        return as_float(*(number(raw, HALF) if size == 16 else (0, exact(raw, 5, size - 5))), type)
    value = Fraction(signed(raw, size) if kind[0] == "S" else raw)
    if kind == "UNORM":
        value /= (1 << size) - 1
    elif kind == "SNORM":
        value = max(value / ((1 << size - 1) - 1), Fraction(-1))
    return as_float(int(value < 0), abs(value), type)


def stored(kind: str, size: int, data: int, half: bool) -> int:
    """A component in memory."""
    mask, width = (1 << size) - 1, 16 if half else 32
    least, most = (-1 << size - 1, mask >> 1) if kind[0] == "S" else (0, mask)
    if kind in INTEGERS:
        return min(max(signed(data, width) if kind == "SINT" else data, least), most) & mask
    negative, value = number(data, HALF if half else SINGLE)
    if kind == "FLOAT":
        if size == 32:
            return as_float(negative, value, SINGLE) if half else data
        found = as_float(negative, value, HALF, cut=True)
        return found if size == 16 else 0 if negative and value != "nan" else (found & 0x7FFF) >> 15 - size
    if value == "nan":
        return 0
    whole = Fraction(1 << 200) if isinstance(value, str) else value
    whole = -whole if negative else whole
    if kind.endswith("NORM"):
        return round(min(max(whole, Fraction(-1 if least else 0)), Fraction(1)) * most) & mask
    return int(min(max(whole, Fraction(least)), Fraction(most))) & mask


def same(found: int, wanted: int, type: tuple[int, int] | None) -> bool:
    """Equal bits; any NaN is a NaN."""
    if found == wanted:
        return True
    return type is not None and exact(found, *type) == exact(wanted, *type) == "nan"


# -- running ---------------------------------------------------------------------------------------


class Wave(Cells):
    """Cells with memory."""

    def __init__(self, size: int, data: bytearray) -> None:
        super().__init__(size)
        self.memory = data

    def load(self, address: int, bits: int) -> int:
        """Read memory."""
        at = address - BASE
        assert 0 <= at <= len(self.memory) - bits // 8, f"{address:#x} is outside"
        return int.from_bytes(self.memory[at : at + bits // 8], "little")

    def store(self, address: int, bits: int, value: int) -> None:
        """Write memory."""
        at = address - BASE
        assert 0 <= at <= len(self.memory) - bits // 8, f"{address:#x} is outside"
        self.memory[at : at + bits // 8] = value.to_bytes(bits // 8, "little")

    def trap(self, name: str) -> None:
        """Stop."""
        raise ValueError(name)


class Slow(Plain):
    """The plain world with the memory of a wave."""

    def __init__(self, wave: Wave) -> None:
        super().__init__(Memory())
        self.wave = wave

    def load(self, type: Type, address: int | None, space: str) -> int:
        """Read memory."""
        return self.wave.load(address or 0, type.bits)

    def store(self, type: Type, address: int | None, value: int | None, space: str) -> None:
        """Write memory."""
        self.wave.store(address or 0, type.bits, value or 0)

    def address(self, name: str, lane: int | None) -> int | None:
        """No tree here asks."""
        raise NotImplementedError

    def trap(self, name: str, condition: int | None) -> None:
        """Stop."""
        if condition:
            raise ValueError(name)


def find(arch: str, name: str, number: int = -1) -> Meaning:
    """The meaning of an instruction with an offset in a register; a TBUFFER's with a format."""
    for form in by_name(arch)[name]:
        offen = any(one.name == "offen" and form.value >> one.where[0][0] & 1 for one in form.modifiers)
        if offen and [slot.bits for slot in form.slots if slot.role == "VADDR"] == [32]:
            made = explained(form, (("format", number),) if number >= 0 else ())
            assert isinstance(made, Meaning), (name, number, made)
            return made
    raise AssertionError(f"no {name}")


def do(
    meaning: Meaning, resource: int, memory: bytes, data: list[int], check: int = 0
) -> tuple[list[int], bytes]:
    """All lanes of an instruction, lane n at byte 16 n: what VDATA holds and memory behind. As many lanes as
    `check` says are done by isa.meaning.run as well.
    """
    given = {"SRSRC": resource, "SOFFSET": 0, "OFFSET": 0, "MODE": 0}
    bits, cells, places = meaning.variables["VDATA"], 256, {}
    for name, width in meaning.variables.items():
        places[name] = cells
        cells += (width + 31) // 32 * (LANES if name in ("VDATA", "VADDR") else 1)
    spots = {
        name: Spot("vector", width) if name in ("VDATA", "VADDR") else Spot("scalar", width, places[name])
        for name, width in meaning.variables.items()
    }
    made, wave = compiled(meaning.tree, "lane", spots, LANES), Wave(cells, bytearray(memory))
    wave.u[126] = wave.u[127] = 0xFFFFFFFF
    for name, width in meaning.variables.items():
        for n in range((width + 31) // 32):
            if name not in ("VDATA", "VADDR"):
                wave.u[places[name] + n] = given[name] >> 32 * n & 0xFFFFFFFF
            for lane in range(LANES if name in ("VDATA", "VADDR") else 0):
                value = data[lane] if name == "VDATA" else STEP * lane
                wave.u[places[name] + n * LANES + lane] = value >> 32 * n & 0xFFFFFFFF
    made.function(wave, *(places[name] for name in made.parameters))
    found = [
        sum(wave.u[places["VDATA"] + n * LANES + lane] << 32 * n for n in range(bits // 32))
        for lane in range(LANES)
    ]
    for lane in range(check):
        slow = Slow(Wave(1, bytearray(memory)))
        slow.values = {**given, "VDATA": data[lane], "VADDR": STEP * lane}
        slow.widths = dict(meaning.variables)
        run(meaning.tree, slow)
        assert slow.values["VDATA"] == found[lane], "the two ways differ"
        part = slice(STEP * lane, STEP * lane + STEP)
        assert slow.wave.memory[part] == wave.memory[part], "the two ways differ"
    return found, bytes(wave.memory)


def resource(arch: str, format: int, select: tuple[int, int, int, int] = (4, 5, 6, 7), size: int = 0) -> int:
    """A raw buffer."""
    word = sum(one << 3 * n for n, one in enumerate(select))
    word |= format << 12 if arch == "rdna3" else (format >> 4) << 12 | (format & 15) << 15
    return BASE | (size or LANES * STEP) << 64 | (word | (3 << 28 if arch == "rdna3" else 0)) << 96


def numbers(arch: str) -> Iterator[tuple[int, str, str]]:
    """Formats: number, layout, kind."""
    if arch == "rdna3":
        for n, name in enumerate(unified()[1:], 1):
            layout, _, kind = name.rpartition("_")
            yield n, layout, kind
        return
    for how, kind in enumerate(NUMBERS):
        for n, layout in enumerate(DATA):
            sizes = LAYOUTS.get(layout, (32,))
            floats = layout in ("16", "32", "10_11_11", "11_11_10") or set(sizes) in ({16}, {32})
            usual = kind in INTEGERS or (max(sizes) <= 16 and not kind.startswith("RES"))
            if layout in LAYOUTS and (floats if kind == "FLOAT" else usual):
                yield how << 4 | n, layout, kind


def name_of(arch: str, typed: bool, way: str, half: bool, count: int, high: bool = False) -> str:
    """The name of an instruction."""
    first, last = "tbuffer" if typed else "buffer", "xyzw"[:count]
    if arch == "rdna3":
        return f"{first}_{way}_{'d16_' * half}{'hi_' * high}format_{last}"
    return f"{first}_{way}_format_{'d16_' * half}{'hi_' * high}{last}"


def part(value: int, n: int, half: bool) -> int:
    """The n-th component of registers."""
    return value >> (16 if half else 32) * n & (0xFFFF if half else 0xFFFFFFFF)


def check_loads(arch: str, row: tuple[int, str, str], typed: bool, half: bool, count: int, seed: str) -> None:
    """Random texels."""
    rng, (format, layout, kind) = random.Random(seed), row
    memory = bytes(rng.choice((0, 255, 128, rng.randrange(256))) for _ in range(LANES * STEP))
    memory = memory if rng.random() < 0.5 else rng.randbytes(LANES * STEP)
    select = (4, 5, 6, 7) if typed else tuple(rng.choice((0, 1, 4, 5, 6, 7)) for _ in range(4))
    meaning = find(arch, name_of(arch, typed, "load", half, count), format if typed else -1)
    data = [rng.getrandbits(128) & ((1 << meaning.variables["VDATA"]) - 1) for _ in range(LANES)]
    used = (4, 5, 6, 7) if typed else select
    found, after = do(meaning, resource(arch, 1 if typed else format, select), memory, data, 1)  # type: ignore[arg-type] # four of them
    assert after == memory
    sizes, type = LAYOUTS[layout], None if kind in INTEGERS else HALF if half else SINGLE
    for lane in range(LANES):
        texel = int.from_bytes(memory[STEP * lane : STEP * lane + STEP], "little")
        for n in range(count):
            wanted = 0
            if used[n] == 1:
                wanted = 1 if type is None else 0x3C00 if half else 0x3F800000
            elif used[n] - 4 in range(len(sizes)):
                low, size = sum(sizes[: used[n] - 4]), sizes[used[n] - 4]
                wanted = loaded(kind, size, texel >> low & ((1 << size) - 1), half)
            got = part(found[lane], n, half)
            assert same(got, wanted, type), f"{row} {half=} {used}: {texel:#x}[{n}] {got:#x}, not {wanted:#x}"
        if half and count % 2:
            assert found[lane] >> 16 * count == data[lane] >> 16 * count, "the other half stays"


def check_stores(
    arch: str, row: tuple[int, str, str], typed: bool, half: bool, count: int, seed: str
) -> None:
    """Random registers."""
    rng, (format, layout, kind) = random.Random(seed), row
    meaning = find(arch, name_of(arch, typed, "store", half, count), format if typed else -1)
    width = 16 if half else 32
    data = [
        sum(register(rng, kind, half) << width * n for n in range(count + count % 2 * half))
        for _ in range(LANES)
    ]
    memory = rng.randbytes(LANES * STEP)
    select = (4, 5, 6, 7) if typed else tuple(rng.choice((0, 1, 4, 5, 6, 7)) for _ in range(4))
    found, after = do(meaning, resource(arch, 1 if typed else format, select), memory, data, 1)  # type: ignore[arg-type] # four of them
    assert found == data
    sizes = LAYOUTS[layout]
    for lane in range(LANES):
        place, low = STEP * lane, 0
        texel = int.from_bytes(after[place : place + sum(sizes) // 8], "little")
        assert after[place + sum(sizes) // 8 : place + STEP] == memory[place + sum(sizes) // 8 : place + STEP]
        for n, size in enumerate(sizes):
            source = n if typed else select.index(4 + n) if 4 + n in select else -1
            value = part(data[lane], source if source < count else 0, half) if source >= 0 else 0
            wanted, got = stored(kind, size, value, half), texel >> low & ((1 << size) - 1)
            low += size
            type = (5, size - 5 - (size > 11)) if kind == "FLOAT" else None
            type = SINGLE if kind == "FLOAT" and size == 32 else type
            assert same(got, wanted, type), f"{row} {half=} {value:#x}[{n}] {got:#x}, not {wanted:#x}"


def register(rng: random.Random, kind: str, half: bool) -> int:
    """What a program might store."""
    if rng.random() < 0.3:
        return rng.choice(HALVES if half else WORDS)
    if kind in INTEGERS:
        return rng.getrandbits(rng.randrange(1, 17 if half else 33)) * rng.choice((1, -1)) & (
            0xFFFF if half else 0xFFFFFFFF
        )
    value = Fraction(rng.random() * rng.choice((1.1, 2.0**-14, 2.0**-20, 300.0, 70000.0)))
    return as_float(rng.randrange(2), value, HALF if half else SINGLE)


# -- tests -----------------------------------------------------------------------------------------


def test_a_sample() -> None:
    """A format of both chips, from the instruction and from the resource."""
    check_loads("rdna3", (36, "2_10_10_10", "UNORM"), False, True, 3, "sample")
    check_stores("rdna3", (30, "10_11_11", "FLOAT"), True, False, 4, "sample")
    check_loads("cdna4", (0x1A, "8_8_8_8", "SNORM"), True, False, 4, "sample")
    check_stores("cdna4", (0x5C, "16_16_16_16", "SINT"), False, False, 2, "sample")


@pytest.mark.slow
@pytest.mark.parametrize("count", range(1, 5))
@pytest.mark.parametrize("arch", ["rdna3", "cdna4"])
def test_every_format(arch: str, count: int) -> None:
    for row in numbers(arch):
        for n in range(2 * 4):
            check_loads(arch, row, bool(n & 1), bool(n & 2), count, f"{n} {row} {count}")
            check_stores(arch, row, bool(n & 1), bool(n & 2), count, f"{n} {row} {count}")


def test_what_is_outside() -> None:
    """A texel that is not inside as a whole reads 0, or 1 where a selector says so, and is not written."""
    memory = bytes(range(256)) * (LANES * STEP // 256)
    raw = resource("rdna3", 22 + 7, (4, 1, 0, 5), 5)  # 16_16_FLOAT; lane 0 is inside, lane 1 is not
    found, _ = do(find("rdna3", "buffer_load_format_xyzw"), raw, memory, [7] * LANES, 2)
    one = as_float(*number(0x0100, HALF), SINGLE)
    assert found[0] == one | 0x3F800000 << 32 | as_float(*number(0x0302, HALF), SINGLE) << 96
    assert found[1] == 0x3F800000 << 32
    store = find("rdna3", "buffer_store_format_x")
    raw = resource("rdna3", 22, size=3)  # 32_FLOAT in 3 bytes
    assert do(store, raw, memory, [7] * LANES, 2)[1] == memory
    nothing = resource("rdna3", 0)  # unbound
    assert do(store, nothing, memory, [7] * LANES, 1)[1] == memory
    assert do(find("rdna3", "buffer_load_format_x"), nothing, memory, [7] * LANES, 1)[0] == [0] * LANES


@pytest.mark.parametrize("arch", ["rdna3", "cdna4"])
def test_upper_half(arch: str) -> None:
    memory = bytes(LANES * STEP).replace(b"\0", b"\xff")
    format = 5 if arch == "rdna3" else 4 << 4 | 1  # 8_UINT
    load = find(arch, name_of(arch, False, "load", True, 1, high=True))
    store = find(arch, name_of(arch, False, "store", True, 1, high=True))
    assert do(load, resource(arch, format), memory, [0x1234] * LANES, 1)[0] == [0x00FF1234] * LANES
    assert do(store, resource(arch, format), memory, [0x00120034] * LANES, 1)[1][::STEP] == b"\x12" * LANES


def test_what_is_refused() -> None:
    """Formats of images in the instruction by name, layouts that cannot be read so when it runs."""
    form = by_name("rdna3")["tbuffer_load_format_x"][0]
    assert "format 66" in str(explained(form, (("format", 66),)))
    floats = resource("cdna4", 7 << 4 | 1)  # 8_FLOAT
    with pytest.raises(ValueError, match="buffer_format"):
        do(find("cdna4", "buffer_load_format_x"), floats, bytes(LANES * STEP), [0] * LANES)
    raw = resource("rdna3", 22, (2, 0, 0, 0))
    with pytest.raises(ValueError, match="buffer_selector"):
        do(find("rdna3", "buffer_load_format_x"), raw, bytes(LANES * STEP), [0] * LANES)
