"""The worked examples of the manuals (V_RCP_F32(0x40000000) => 0x3f000000): our meanings give the same."""

from __future__ import annotations

import pytest

from baregrad.emu import Memory, Plain
from baregrad.isa.amd.archs import tables
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.meaning import Meaning, explained
from baregrad.isa.meaning import run

IEEE = 1 << 9  # the mode that kernels start in
KNOWN: dict[str, str] = {}  # examples that are wrong in the manual, and why


def examples(arch):
    """Entry, its first form, what is given, what comes out."""
    by_entry = {}
    for form in forms(arch):
        by_entry.setdefault((form.entry.format, form.entry.opcode), form)
    for entry in tables(arch).instructions:
        for _, given, result in entry.examples:
            yield entry, by_entry[entry.format, entry.opcode], given, result


def computed(meaning, given, result="D0"):
    """What an instruction gives for its sources."""
    world = Plain(Memory())
    world.widths.update(meaning.variables)
    world.values.update(dict.fromkeys(meaning.variables, 0) | {"MODE": IEEE})
    for role, value in zip(("S0", "S1", "S2"), given, strict=False):
        world.values[role] = value
    run(meaning.tree, world)
    return world.values[result]


def is_nan(value, bits):
    exponent = {16: 0x7C00, 32: 0x7F800000, 64: 0x7FF << 52}[bits]
    return value & (1 << bits - 1) - 1 > exponent


@pytest.mark.parametrize("arch", ["rdna3", "cdna4"])
def test_examples(arch):
    wrong, count = [], 0
    for entry, form, given, result in examples(arch):
        meaning = explained(form)
        text = f"{entry.name}({', '.join(map(hex, given))}) => {result:#x}"
        if not isinstance(meaning, Meaning):
            wrong.append(f"{text}: {meaning}")
            continue
        got = computed(meaning, given)
        bits = 16 if "_F16" in entry.name else meaning.variables["D0"]
        count += 1
        floats = "_F16" in entry.name or "_F32" in entry.name
        if got != result and not (floats and is_nan(got, bits) and is_nan(result, bits)):
            wrong.append(f"{text}, not {got:#x}")
    assert not wrong, "\n".join(wrong)
    assert count > 200, count
