"""What Python raises inside of an instruction is a fault that says what is true of it, with its place."""

from __future__ import annotations

import pytest

from baregrad.emu.amd import GpuFault
from baregrad.emu.amd.faults import KINDS, UNFORESEEN
from baregrad.emu.amd.group import Witness
from baregrad.emu.amd.wave import Wave
from tests.emu.amd.programs import launched

BODY = "s_mov_b32 s4, 5\n v_mov_b32_e32 v1, s4\n s_endpgm"
ROWS = [
    (MemoryError(), "host", "no memory is left"),
    (RecursionError("maximum recursion depth exceeded"), "host", "Python's stack is used up: maximum"),
    (OverflowError("too large"), "emulator", "a number that does not fit: too large"),
    (IndexError("out of bounds"), "emulator", "a cell that the state has not: out of bounds"),
]
NAMES = [type(error).__name__ for error, _, _ in ROWS]


def wave_of() -> Wave:
    """The wave of a program, before it runs."""
    return launched(BODY).group((0, 0, 0)).waves[0]


def raising(error: Exception):  # type: ignore[no-untyped-def]
    """A function that raises an error, whatever it is given."""

    def function(*_: object) -> None:
        raise error

    return function


def test_each_has_a_row() -> None:
    assert {type(error) for error, _, _ in ROWS} == set(UNFORESEEN)


@pytest.mark.parametrize("where", ["done", "compiled"])
@pytest.mark.parametrize("error, kind, says", ROWS, ids=NAMES)
def test_an_error_of_an_instruction(error: Exception, kind: str, says: str, where: str) -> None:
    wave = wave_of()
    wave.run(1)
    pc = wave.get("PC")
    if where == "done":
        wave.steps[pc] = wave.code.step(pc, wave.setting)._replace(function=raising(error))
    else:
        wave.code.meanings = wave.code.meanings._replace(of=raising(error))
    with pytest.raises(GpuFault, match=f"{kind}: {says}") as caught:
        wave.run(9)
    fault = caught.value
    assert (fault.kind, fault.pc, fault.instruction) == (kind, 4, "v_mov_b32_e32 v1, s4")
    assert (fault.why, fault.mend) == KINDS[kind]
    assert fault.__cause__ is error
    assert (wave.stop, wave.get("PC")) == ("fault", pc)


@pytest.mark.parametrize("error", [error for error, _, _ in ROWS], ids=NAMES)
def test_an_error_of_a_watcher_is_its_own(error: Exception) -> None:
    group = launched(BODY).group((0, 0, 0))
    group.waves[0].watcher = raising(error)
    with pytest.raises(type(error)) as caught:
        Witness().run(group, 9)
    assert caught.value is error
