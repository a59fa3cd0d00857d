"""An instruction as a function of numpy arrays: its meaning as Python source, 64 lanes at a time.

What is not here: what it should give (references.py, test_accuracy.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from baregrad.emu.places import Spot
from baregrad.emu.source import compiled
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.meaning import Meaning, explained
from baregrad.isa.meaning import written

Array = np.ndarray[Any, np.dtype[Any]]
LANES, FIRST = 64, 128


class Unit:
    """One instruction by the name of its form; `modifiers` are raw bits by name, as key_of has them.

    A call takes the operands by role, as unsigned bits (rows of words where they are wider than 64), and
    gives all that is written, by name.
    """

    def __init__(self, arch: str, name: str, **modifiers: int) -> None:
        form = next(form for form in forms(arch) if form.name == name)
        meaning = explained(form, tuple(sorted(modifiers.items())))
        assert isinstance(meaning, Meaning), f"{name}: {meaning}"
        self.meaning, self.scalar = meaning, meaning.scope == "scalar"
        spots, cell = {}, FIRST
        for name, bits in meaning.variables.items():
            once = self.scalar or name == "MODE"
            kind = "scalar" if once else "mask" if bits == 1 else "lane" if name == "laneId" else "vector"
            spots[name] = Spot(kind, bits, cell)
            cell += (bits + 31) // 32 * (1 if kind == "scalar" else LANES)
        self.spots = spots
        self.data = np.zeros(cell + LANES, np.uint32)
        view = memoryview(self.data)
        self.u, self.f, self.i = view, view.cast("B").cast("f"), view.cast("B").cast("i")
        self.data[126:128] = 0xFFFFFFFF
        self.lane = self.pc = 0
        self.function = compiled(meaning.tree, meaning.scope, spots, LANES).function
        self.written = [name for name in meaning.variables if name in written(meaning.tree)]

    def __call__(self, mode: int = 0, **operands: Array) -> dict[str, Array]:
        """What is written."""
        count = len(next(iter(operands.values())))
        step = 1 if self.scalar else LANES
        results = {
            name: np.zeros((count, (self.spots[name].bits + 31) // 32), np.uint32) for name in self.written
        }
        for first in range(0, count, step):
            size = min(step, count - first)
            if "MODE" in self.spots:
                self.data[self.spots["MODE"].at or 0] = mode
            for name in self.spots:
                if name in operands:
                    self.put(name, operands[name][first : first + size])
            self.function(self)
            for name, into in results.items():
                into[first : first + size] = self.get(name, size)
        return {name: joined(words) for name, words in results.items()}

    def put(self, name: str, values: Array) -> None:
        """Operands of lanes."""
        spot, size = self.spots[name], len(values)
        at, words = spot.at or 0, (spot.bits + 31) // 32
        if spot.kind == "mask":
            bits = np.zeros(LANES, np.uint8)
            bits[:size] = values
            self.data[at : at + 2] = np.packbits(bits, bitorder="little").view(np.uint32)
            return
        step = 1 if spot.kind == "scalar" else LANES
        parts = values if values.ndim == 2 else split(values, words)
        for word in range(words):
            self.data[at + word * step : at + word * step + size] = parts[:, word]

    def get(self, name: str, size: int) -> Array:
        """Words of lanes."""
        spot = self.spots[name]
        at, words = spot.at or 0, (spot.bits + 31) // 32
        if spot.kind == "mask":
            bits = np.unpackbits(self.data[at : at + 2].view(np.uint8), bitorder="little")
            return bits[:size, None].astype(np.uint32)
        step = 1 if spot.kind == "scalar" else LANES
        return np.stack([self.data[at + word * step : at + word * step + size] for word in range(words)], -1)


def split(values: Array, words: int) -> Array:
    """Numbers of up to 64 bits as words."""
    wide = values.astype(np.uint64)
    return np.stack([wide >> np.uint64(32 * word) & np.uint64(0xFFFFFFFF) for word in range(words)], -1)


def joined(words: Array) -> Array:
    """Words as numbers, where they fit in 64 bits."""
    if words.shape[1] > 2:
        return words
    wide = words.astype(np.uint64)
    return wide[:, 0] if words.shape[1] == 1 else wide[:, 0] | wide[:, 1] << np.uint64(32)
