"""The meanings of x86's rows against this processor: registers, flags and memory after one instruction."""

from __future__ import annotations

import ctypes
import mmap
import platform
import random
import sys

import pytest

from baregrad.base.errors import Fault
from baregrad.emu import Memory
from baregrad.emu.x86 import State, shown, step
from baregrad.isa.form import Form, Inst, Mem
from baregrad.isa.x86 import FORMS, features
from baregrad.isa.x86.features import CPUID_BYTES, cpuid_code
from baregrad.isa.x86.meanings import masked, meaning, meant

from .processor import Trial
from .trials import differences, fill, random_inst, runnable

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux", reason="runs x86-64 Linux code"
)
PARTS = 8


def host() -> frozenset[str]:
    """What this processor has, by our own reader."""
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(cpuid_code())
        buffer = ctypes.create_string_buffer(CPUID_BYTES)
        place = ctypes.c_char.from_buffer(page)
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(place))(ctypes.addressof(buffer))
        del place
    return features(buffer.raw)


def copied(state: State) -> State:
    """The same state, with memory of its own."""
    memory = Memory()
    for address, content in state.memory.pieces:
        memory.map(address, content)
    made = State(memory)
    made.registers, made.flags = dict(state.registers), dict(state.flags)
    return made


def check(cases: list[tuple[Form, bool]], tries: int, inputs: int, seed: int) -> list[str]:
    """What is wrong, for so many instructions of each form on so many states each."""
    present = host()
    wide = "avx512f" in present
    rng = random.Random(seed)
    made = [
        random_inst(rng, form, memory)
        for form, memory in cases
        if form.needs <= present
        for _ in range(tries)
    ]
    trial = Trial(made, wide)
    wrong = []
    for number, one in enumerate(made):
        for _ in range(inputs):
            wrong += [
                f"{shown(one)} {one.mask and one.zeroing}: {what}" for what in once(trial, rng, number, one)
            ][:3]
    return wrong


def once(trial: Trial, rng: random.Random, number: int, one: Inst) -> list[str]:
    """One instruction on one state, by both."""
    before = trial.state(bytes(512))
    fill(rng, before, one)
    expected = copied(before)
    try:
        step(expected, one)
    except Fault as fault:
        return [] if fault.what == "a fault: divide" else [str(fault)]
    memory = any(isinstance(value, Mem) for value in one.operands)
    tree = meaning(one.form, memory) if one.mask is None else masked(one.form, memory, one.zeroing)
    return differences(tree or (), expected, trial.run(number, before))


def test_a_sample_of_forms() -> None:
    rng = random.Random(5)
    names = rng.sample(sorted(meant()), 40)
    cases = [rng.choice(found) for name in names if (found := list(runnable([name])))]
    assert check(cases, 1, 1, 1) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_all_forms(part: int) -> None:
    """Fifty states on registers and fifty in memory for each form, masked and not."""
    cases = list(runnable(FORMS))[part::PARTS]
    assert check(cases, 10, 5, 7 + part)[:20] == []
