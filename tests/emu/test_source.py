"""Compiled meanings do what isa.meaning.run does, on random trees and values."""

from __future__ import annotations

import random

import pytest

from baregrad.isa.meaning import parse
from tests.emu.trees import Text, check

VARIABLES = {"a": 32, "b": 32, "c": 64, "d": 64, "e": 16, "m": 1, "out": 32, "wide": 128}

TEXTS = [
    "out = (a.f32 + b.f32).u32",
    "out = (a.f32 * b.f32 + c.f32[0]).u32; m = a.f32 < b.f32",
    "out = fma(a.f32, b.f32, c.f32[1]).u32",
    "wide.f64[1] = fma(c.f64, d.f64, c.f64); c = (c.f64 / d.f64).u64",
    "x = a.i32 >> (b & 31); if m { x = -x } else { out = x.u }; out = out + x.u",
    "for k < 4 { wide.u32[k] = wide.u32[3 - k] + u32(k) }",
    "for k < 16 { out = out ^ a << u32(k) }",
    "out = u32(a.f16[0]) | u32(i16(b.f32).u) << 16; e = f16(b.f32).u16",
    "out = (m ? a.f32 : -b.f32).u32; m = a[31]",
    "out = (a.f32 < b.f32 ? a.f32 + b.f32 : 0.5).u32",
    "wide.u64[1] = ((d << 9) + d) << 1; wide.u64[0] = (c + c) * (c & 1)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_written_trees(text: str) -> None:
    check(parse(text, VARIABLES), VARIABLES, random.Random(text), trials=3)


def random_trees(count: int, seed: int) -> None:
    rng = random.Random(seed)
    text = Text(rng, VARIABLES)
    for _ in range(count):
        source = "; ".join(text.statement(2) for _ in range(rng.randrange(1, 4)))
        try:
            check(parse(source, VARIABLES), VARIABLES, rng, rng.choice((32, 64)))
        except Exception as error:
            error.add_note(f"seed {seed}: {source}")
            raise


def test_random_trees() -> None:
    random_trees(4, 1)


@pytest.mark.fuzz
def test_many_random_trees() -> None:
    for seed in range(100):
        random_trees(20, seed)
