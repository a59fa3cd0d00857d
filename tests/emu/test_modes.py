"""Float arithmetic in other modes: results lie on the side of the exact number that the mode says."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from baregrad.emu.modes import DOWN, EVEN, MODAL, UP, ZERO, Mode
from baregrad.emu.places import Spot
from baregrad.emu.source import compiled
from baregrad.isa.meaning import Type, parse, values
from tests.emu.trees import Cells, operand

EXACT = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "fma": lambda a, b, c: a * b + c,
}  # fmt: skip
F16, F32, F64 = Type("f", 16), Type("f", 32), Type("f", 64)


def neighbours(type: Type, exact: Fraction) -> tuple[float, float]:
    """The floats of a type on both sides of a number: the same one twice if it is one."""
    bits = values.encode(type, values.fma(float(exact.numerator), 1.0, 0.0) if exact.denominator == 1 else
                         exact.numerator / exact.denominator)  # fmt: skip
    around = [values.decode(type, part) for part in step(type, bits)]
    found = [value for value in around if value == value]
    below = max(
        value for value in found if value == -math.inf or (math.isfinite(value) and Fraction(value) <= exact)
    )
    above = min(
        value for value in found if value == math.inf or (math.isfinite(value) and Fraction(value) >= exact)
    )
    return below, above


def step(type: Type, bits: int) -> list[int]:
    """A float's bits and those next to it."""
    sign = 1 << (type.bits - 1)
    size = bits & (sign - 1)
    if not size:
        return [0, 1, sign | 1]
    return [bits & sign | other for other in (size - 1, size, size + 1)]


@pytest.mark.parametrize("op", EXACT)
@pytest.mark.parametrize("type", [F16, F32, F64], ids=lambda type: type.name)
def test_directed_rounding(op: str, type: Type) -> None:
    rng = random.Random(f"{op} {type.name}")
    for _ in range(30):
        parts = [values.decode(type, operand(rng, type.bits)) for _ in range(3 if op == "fma" else 2)]
        if not all(map(math.isfinite, parts)) or (op == "div" and not parts[1]):
            continue
        exact = EXACT[op](*map(Fraction, parts))
        if not exact:
            continue
        try:
            below, above = neighbours(type, exact)
        except OverflowError:
            continue
        found = {how: MODAL[op](Mode(how, how), type, *parts) for how in (EVEN, UP, DOWN, ZERO)}
        assert (found[DOWN], found[UP]) == (below, above), (op, parts)
        assert found[ZERO] == (below if exact > 0 else above), (op, parts)
        assert found[EVEN] == values.decode(type, values.apply(op, type, [type] * len(parts), [
            values.encode(type, part) for part in parts])), (op, parts)  # fmt: skip


DENORMAL, SMALL = 0x00400000, 0x00800000
ROWS = [
    # mode, a, b -> a + b: flushed before, flushed behind, kept
    (Mode(denormals32=3), DENORMAL, DENORMAL, SMALL),
    (Mode(denormals32=2), DENORMAL, DENORMAL, 0),
    (Mode(denormals32=1), DENORMAL, 0x00100000, 0),
    (Mode(denormals32=1), DENORMAL, DENORMAL, SMALL),
    (Mode(denormals32=1), DENORMAL | 1 << 31, 0x00100000, 1 << 31),
    (Mode(round32=UP), 0x3F800000, 1, 0x3F800001),
    (Mode(round32=DOWN), 0x3F800000, 0x80000001, 0x3F7FFFFF),
    (Mode(round32=ZERO), 0x7F7FFFFF, 0x7F7FFFFF, 0x7F7FFFFF),
    (Mode(round32=DOWN), 0x3F800000, 0xBF800000, 1 << 31),
]


@pytest.mark.parametrize("mode, a, b, expected", ROWS)
def test_compiled_in_a_mode(mode: Mode, a: int, b: int, expected: int) -> None:
    spots = {name: Spot("scalar", 32, at) for name, at in (("a", 0), ("b", 1), ("d", 2))}
    function = compiled(
        parse("d = (a.f32 + b.f32).u", dict.fromkeys("abd", 32)), "scalar", spots, 32, mode
    ).function
    wave = Cells(128)
    wave.u[0], wave.u[1] = a, b
    function(wave)
    assert hex(wave.u[2]) == hex(expected)


SATURATING = [
    # text over a, b of f16; a, b -> with FP16_OVFL
    ("d = (a.f16 + b.f16).u", 0x7BFF, 0x7BFF, 0x7BFF),
    ("d = (a.f16 + b.f16).u", 0xFBFF, 0xFBFF, 0xFBFF),
    ("d = (a.f16 * b.f16).u", 0x7BFF, 0xC000, 0xFBFF),
    ("d = (a.f16 * b.f16).u", 0x7C00, 0x4000, 0x7C00),
    ("d = (a.f16 / b.f16).u", 0x3C00, 0x0000, 0x7C00),
    ("d = (a.f16 / b.f16).u", 0x3C00, 0x0001, 0x7BFF),
    ("d = fma(a.f16, b.f16, b.f16).u", 0x7BFF, 0x7BFF, 0x7BFF),
    ("d = f16(f32(a.f16) * 2.0).u", 0x7BFF, 0, 0x7BFF),
    ("d = (a.f16 + b.f16).u", 0x3C00, 0x3C00, 0x4000),
]


@pytest.mark.parametrize("text, a, b, expected", SATURATING)
def test_what_is_too_large_for_f16(text: str, a: int, b: int, expected: int) -> None:
    mode = Mode.of(0xF0 | 1 << 23)
    assert mode == Mode(saturates16=True)
    spots = {name: Spot("scalar", 16, at) for name, at in (("a", 0), ("b", 1), ("d", 2))}
    function = compiled(parse(text, dict.fromkeys("abd", 16)), "scalar", spots, 32, mode).function
    wave = Cells(128)
    wave.u[0], wave.u[1] = a, b
    function(wave)
    assert hex(wave.u[2] & 0xFFFF) == hex(expected)
