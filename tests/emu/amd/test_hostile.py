"""Hostile programs: whatever the bytes of a code object are, the machine names a fault or comes to an end."""

from __future__ import annotations

import random

import pytest

from baregrad.base.errors import BadFile, BaregradError
from baregrad.emu.amd import Memory, emulate
from baregrad.isa.amd import code_object
from tests.isa.amd.triton import objects

SIZE = 1 << 22


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A file with some bytes changed, mostly in its code."""
    out = bytearray(data)
    one = code_object.read(data)
    code, size = data.find(one.kernels[0].code), len(one.kernels[0].code)
    if rng.random() < 0.3:  # a program of words from everywhere in it
        words = [data[code + 4 * n : code + 4 * n + 4] for n in range(size // 4)]
        out[code : code + size // 4 * 4] = b"".join(rng.choices(words, k=len(words)))
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(out)) if rng.random() < 0.1 else code + rng.randrange(size)
        out[at] = rng.getrandbits(8)
    return bytes(out)


def run(data: bytes, block: int, memory: Memory, rng: random.Random) -> str:
    """The name of what went wrong, "" for nothing."""
    try:
        args = [memory.put(bytes(4096)) for _ in range(3)]
        one = code_object.read(data)
        for kernel in one.kernels:
            given = (
                b"".join(arg.to_bytes(8, "little") for arg in args)
                + bytes((rng.randrange(200), 0, 0, 0)) * 80
            )
            emulate(one, kernel.name, (1, 1, 1), (block, 1, 1), given, memory=memory, lds=4096, budget=300)
    except BaregradError as error:
        return getattr(error, "kind", type(error).__name__)
    return ""


def trials(count: int, seed: int) -> dict[str, int]:
    """How often each thing went wrong."""
    rng = random.Random(seed)
    found: dict[str, int] = {}
    names = sorted(objects())
    memory = Memory(SIZE)
    for number in range(count):
        if number % 20 == 0:
            memory = Memory(SIZE)
        name = rng.choice(names)
        data = mutated(objects()[name], rng)
        try:
            kind = run(data, 64, memory, rng)
        except Exception as error:
            error.add_note(f"seed {seed}, trial {number}, {name}")
            raise
        found[kind] = found.get(kind, 0) + 1
    return found


@pytest.mark.fuzz
def test_mutated_code_objects() -> None:
    found = trials(1000, 1)
    assert BadFile.__name__ in found
