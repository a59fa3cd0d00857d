"""Random trees, and a tree run two ways: as compiled source on cells, by isa.meaning.run for each lane."""

from __future__ import annotations

import random
from typing import NoReturn

from baregrad.emu import Memory, Plain
from baregrad.emu.places import EXEC, Spot
from baregrad.emu.source import compiled
from baregrad.isa.meaning import Tree, Type, run, type_of, walk, written

VALUES32 = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000,
            0x7FC00000, 0x7FA00000, 0x00000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x3C003C00, 0x7C00FC00,
            0x00010001, 0x7E007BFF, 0x3F803F80, 0x41424344, 0x4F000000, 0xCF000000, 31, 33, 64)  # fmt: skip


class Cells:
    """A wave that is nothing but cells."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(4 * size)
        view = memoryview(self.data)
        self.u, self.f, self.i = view.cast("I"), view.cast("f"), view.cast("i")
        self.lane = -1


def operand(rng: random.Random, bits: int) -> int:
    """Random bits, often special ones."""
    value = 0
    for low in range(0, bits, 32):
        part = rng.choice(VALUES32) if rng.random() < 0.5 else rng.getrandbits(32)
        if rng.random() < 0.2:
            part = rng.choice((1, -1)) * rng.randrange(64) & 0xFFFFFFFF
        value |= part << low
    return value & ((1 << bits) - 1)


class Logged(Cells):
    """Cells with memory that has some bits everywhere, and a log of what was stored."""

    def __init__(self, size: int, pc: int = 0) -> None:
        super().__init__(size)
        self.log: list[tuple[int, int, int, str]] = []
        self.pc = pc

    def load(self, address: int, bits: int, space: str = "") -> int:
        return bits_at(address, bits, space)

    def store(self, address: int, bits: int, value: int, space: str = "") -> None:
        self.log.append((address, bits, value, space))

    def trap(self, name: str) -> None:
        self.log.append((0, 0, 0, name))

    def load_lds(self, address: int, bits: int) -> int:
        return self.load(address, bits, "lds")

    def store_lds(self, address: int, bits: int, value: int) -> None:
        self.store(address, bits, value, "lds")


def bits_at(address: int, bits: int, space: str) -> int:
    """What is in a memory that nobody writes."""
    return random.Random(f"{address} {space}").getrandbits(2048) & ((1 << bits) - 1)


class Reference(Plain):
    """The plain world with such a memory."""

    def __init__(self, log: list[tuple[int, int, int, str]]) -> None:
        super().__init__(Memory())
        self.log = log

    def load(self, type: Type, address: int | None, space: str) -> int:
        return bits_at(address or 0, type.bits, space)

    def store(self, type: Type, address: int | None, value: int | None, space: str) -> None:
        self.log.append((address or 0, type.bits, value or 0, space))

    def trap(self, name: str, condition: int | None) -> None:
        if condition:
            self.log.append((0, 0, 0, name))


FILES = ("VGPR", "SGPR", "ACC")


def own_widths(tree: Tree) -> dict[str, int]:
    """The bits of a tree's own variables, and of all that it sets."""
    return {one.arg: one.t.bits for one in walk(tree) if one.op == "var"}


def check_once(tree: Tree, scope: str, variables: dict[str, int], rng: random.Random, lanes: int) -> None:
    """Both ways give the same bits for a tree that is done once ("scalar", "wave"), with memory and whole
    register files.
    """
    cells, spots, at = 128, {}, {}
    for name, bits in variables.items():
        kind = "pc" if name == "PC" else "file" if name in FILES else "scalar"
        spots[name], at[name] = Spot(kind, bits, cells), 4 * cells
        cells += (bits + 31) // 32
    wave = Logged(cells, pc=operand(rng, 48) & ~3)
    given = {name: wave.pc if name == "PC" else whole(name, bits, rng) for name, bits in variables.items()}
    for name, bits in variables.items():
        size = (bits + 31) // 32 * 4
        wave.data[at[name] : at[name] + size] = given[name].to_bytes(size, "little")
    function, _, text = compiled(tree, scope, spots, lanes)
    after = function(wave)
    log: list[tuple[int, int, int, str]] = []
    plain = Reference(log)
    plain.values, plain.widths = dict(given), own_widths(tree) | variables
    run(tree, plain)
    assert wave.log == log, text
    for name, bits in variables.items():
        found = int.from_bytes(wave.data[at[name] : at[name] + (bits + 31) // 32 * 4], "little")
        if name == "PC":
            found = wave.pc if after is None else after
        expected = plain.values[name] or 0
        assert found == expected, (
            f"{name}: {found:#x}, not {expected:#x}\n{text}" if bits < 4096 else (name, text)
        )


def whole(name: str, bits: int, rng: random.Random) -> int:
    """A value of a variable that a wave has once."""
    if name.endswith("_NUMBER"):
        return rng.randrange(64)
    return rng.getrandbits(bits) if name in FILES else operand(rng, bits)


def check(
    tree: Tree, variables: dict[str, int], rng: random.Random, lanes: int = 32, trials: int = 1, exec: int = 0
) -> None:
    """Both ways give the same bits in every lane; lanes that are off keep what they had, or 0 in a mask."""
    cells, spots, places = 128, {}, {}
    for name, bits in variables.items():
        spots[name] = Spot("lane" if name == "laneId" else "mask" if bits == 1 else "vector", bits)
        places[name] = cells
        cells += 2 if bits == 1 else (bits + 31) // 32 * lanes
    function, parameters, text = compiled(tree, "lane", spots, lanes)
    changed = [name for name in written(tree) if name in variables]
    masks = [name for name in changed if variables[name] == 1]
    for _ in range(trials):
        mask = exec or (rng.getrandbits(lanes) | 1 if rng.random() < 0.8 else (1 << lanes) - 1)
        on = [lane for lane in range(lanes) if mask >> lane & 1]
        wave = Logged(cells)
        wave.data[:] = rng.randbytes(4 * cells)
        wave.u[EXEC], wave.u[EXEC + 1] = mask & 0xFFFFFFFF, mask >> 32
        given = {lane: {name: operand(rng, bits) for name, bits in variables.items()} for lane in on}
        for lane, row in given.items():
            for name, value in row.items():
                put(wave, places[name], lane, lanes, variables[name], value)
        wanted, log = Logged(cells), []
        wanted.data[:] = wave.data
        for name in masks:
            wanted.u[places[name]] = wanted.u[places[name] + (lanes > 32)] = 0
        for lane, row in given.items():
            for name, value in of_lane(tree, variables, changed, row, lane, log).items():
                put(wanted, places[name], lane, lanes, variables[name], value)
        function(wave, *(places[name] for name in parameters))
        assert wave.log == log, text
        if wave.data != wanted.data:
            differs(wave, wanted, places, variables, lanes, given, text)


def differs(
    wave: Cells, wanted: Cells, places: dict[str, int], variables: dict[str, int], lanes: int,
    given: dict[int, dict[str, int]], text: str,
) -> NoReturn:  # fmt: skip
    """Say which variable is another one, and what was given."""
    for name, bits in variables.items():
        for lane in range(lanes):
            found, expected = (get(one, places[name], lane, lanes, bits) for one in (wave, wanted))
            before = {key: hex(value) for key, value in given.get(lane, {}).items()}
            assert found == expected, (
                f"{name}, lane {lane}: {found:#x}, not {expected:#x} of {before}\n{text}"
            )
    raise AssertionError(f"a cell that is no variable's was changed\n{text}")


def of_lane(
    tree: Tree, variables: dict[str, int], changed: list[str], before: dict[str, int], lane: int,
    log: list[tuple[int, int, int, str]],
) -> dict[str, int]:  # fmt: skip
    """What the plain world makes of the variables of a lane that are changed."""
    plain = Reference(log)
    plain.values, plain.widths = dict(before), own_widths(tree) | variables
    if "laneId" in variables:
        plain.values["laneId"] = lane
    run(tree, plain)
    return {name: plain.values[name] or 0 for name in changed}


def put(wave: Cells, at: int, lane: int, lanes: int, bits: int, value: int) -> None:
    """Set a variable of a lane."""
    if bits == 1:
        word, bit = at + lane // 32, 1 << lane % 32
        wave.u[word] = wave.u[word] & ~bit | bit * value
        return
    for n in range((bits + 31) // 32):
        wave.u[at + n * lanes + lane] = value >> 32 * n & 0xFFFFFFFF


def get(wave: Cells, at: int, lane: int, lanes: int, bits: int) -> int:
    """A variable of a lane."""
    if bits == 1:
        return wave.u[at + lane // 32] >> lane % 32 & 1
    return sum(wave.u[at + n * lanes + lane] << 32 * n for n in range((bits + 31) // 32))


FLOATING = ("{} + {}", "{} - {}", "{} * {}", "{} / {}", "fma({}, {}, {})", "-{}", "sqrt({})", "exp2({})",
            "log2({})", "sin({})", "cos({})", "trunc({})", "floor({})", "even({})", "ceil({})",
            "ldexp")  # fmt: skip
INTEGER = ("{} + {}", "{} - {}", "{} * {}", "{} & {}", "{} | {}", "{} ^ {}", "~{}", "-{}", "<<", ">>",
           "quotient({}, {})", "remainder({}, {})")  # fmt: skip


def bits_of(name: str) -> int:
    """The bits of a type."""
    type = type_of(name)
    assert type is not None, f"{name} is a type"
    return type.bits


class Text:
    """Random text of the language."""

    FLOATS = ("f16", "bf16", "f32", "f64")
    SMALL = ("fp8", "bf8", "fp6", "bf6", "fp4")
    INTS = ("u32", "i32", "u16", "i16", "u64", "i64", "u8", "i8", "u24", "u1")

    def __init__(self, rng: random.Random, variables: dict[str, int]) -> None:
        self.rng, self.variables = rng, variables

    def leaf(self, type: str) -> str:
        """A part of a variable, or a constant, of a type."""
        bits = bits_of(type)
        names = [name for name, wide in self.variables.items() if wide >= bits]
        if self.rng.random() < 0.2 or not names:
            value = self.rng.choice((0, 1, 2, 3)) % (1 << bits)
            return f"{type}({value}.0)" if "f" in type else f"{type}({value})"
        name = self.rng.choice(names)
        wide = self.variables[name]
        if wide == bits:
            return f"{name}.{type}"
        if self.rng.random() < 0.5:
            low = self.rng.randrange(wide - bits + 1)
            return f"{name}[{low + bits - 1}:{low}].{type}"
        if self.rng.random() < 0.5 and wide >= 2:
            return f"{name}.{type}[{self.rng.randrange(wide // bits)}]"
        return f"{name}.{type}[{name}.u32[0] & 7]" if wide >= 32 else f"{name}.{type}[0]"

    def expression(self, type: str, depth: int) -> str:
        """An expression of a type."""
        if depth == 0 or self.rng.random() < 0.1 or (type in self.SMALL and self.rng.random() < 0.5):
            return self.leaf(type)
        down = depth - 1
        roll = self.rng.random()
        if type in self.SMALL:
            return f"{type}({self.expression('f32', down)})"
        if roll < 0.12:
            return f"({self.test(down)} ? {self.expression(type, down)} : {self.expression(type, down)})"
        if roll < 0.3:
            return f"{type}({self.expression(self.rng.choice(self.FLOATS + self.SMALL + self.INTS), down)})"
        if roll < 0.36:
            bits = bits_of(type)
            same = [t for t in self.FLOATS + self.INTS if bits_of(t) == bits]
            return f"({self.expression(self.rng.choice(same), down)}).{type}"
        if "f" in type:
            form = self.rng.choice(FLOATING)
        elif type == "u1":
            return self.test(down)
        else:
            form = self.rng.choice(INTEGER)
        if form == "ldexp":
            return f"ldexp({self.expression(type, down)}, {self.expression('i32', down)} >> 22)"
        if form in ("<<", ">>"):
            count = self.expression(self.rng.choice(("u32", "u8", "u16")), down)
            return f"(({self.expression(type, down)}) {form} ({count} & {self.rng.choice((7, 31, 63, 255))}))"
        parts = [f"({self.expression(type, down)})" for _ in range(form.count("{}"))]
        return f"({form.format(*parts)})"

    def test(self, depth: int) -> str:
        """A comparison."""
        type = self.rng.choice(self.FLOATS + self.INTS)
        sign = self.rng.choice(("==", "!=", "<", "<=", ">", ">="))
        return f"(({self.expression(type, depth)}) {sign} ({self.expression(type, depth)}))"

    def statement(self, depth: int) -> str:
        """A statement."""
        roll = self.rng.random()
        name = self.rng.choice(list(self.variables))
        bits = self.variables[name]
        if roll < 0.3 and depth and bits > 1:
            otherwise = f" else {{ {self.statement(depth - 1)} }}" if self.rng.random() < 0.6 else ""
            return (
                f"if {self.test(1)} {{ {self.statement(depth - 1)}; {self.statement(depth - 1)} }}{otherwise}"
            )
        if roll < 0.4 and bits >= 32:
            count = self.rng.choice((2, 12))
            return f"for k < {count} {{ {name}.u8[k & 3] = u8(k) + {self.expression('u8', 1)} }}"
        if roll < 0.6 and bits >= 32:
            return f"{name}.f16[{self.rng.randrange(bits // 16)}] = {self.expression('f16', depth)}"
        if bits == 128:
            return f"{name}.u64[{self.rng.randrange(2)}] = {self.expression('u64', depth)}"
        if bits == 1:
            return f"{name} = {self.test(depth)}"
        type = self.rng.choice([t for t in self.FLOATS + self.INTS if bits_of(t) == bits])
        return f"{name} = ({self.expression(type, depth)}).u{bits}"
