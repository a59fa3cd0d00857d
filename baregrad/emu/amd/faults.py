"""What programs of a GPU do wrong: kinds by name, each with its rule and its cure; errors that say where.

`Trouble` is raised where something is seen, without knowing where the wave is; the wave makes it a GpuFault.
What is not here: who sees it (memory.py, code.py, allotted.py, group.py, waits.py).
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base.errors import Fault


class Kind(NamedTuple):
    """A kind of fault: what it means, and what to do."""

    why: str
    mend: str


# A kind's number in a state is its place here, from 1 on.
KINDS = {
    "memory": Kind("no allocation is there", "mend the address, or give the kernel that memory"),
    "alignment": Kind("the access must be aligned to its size", "align the address"),
    "lds": Kind("the workgroup has less LDS", "launch with more, or mend the address"),
    "scratch": Kind("the kernel has less scratch", "mend the address"),
    "bad_opcode": Kind("these bytes are no instruction that can be done here", "mend the code or the jump"),
    "budget": Kind("more instructions than were allowed: perhaps an endless loop", "allow more, or mend it"),
    "trap": Kind("the program asked for the trap handler, and there is none", "mend what made it trap"),
    "barrier": Kind(
        "a part of the workgroup has ended or waits elsewhere, so that the others would wait for ever",
        "let all waves of the workgroup meet the same barriers",
    ),
    "wait": Kind("nothing waited until the value was there", "put s_waitcnt before it"),
    "fetch": Kind("no code is there", "mend the branch, or end the program with s_endpgm"),
    "registers": Kind("the kernel has fewer registers", "mend the index, or let its descriptor have more"),
    "host": Kind(
        "it is not the program: the machine that runs the emulator has no more of it",
        "free memory, or call the emulator from fewer nested functions",
    ),
    "emulator": Kind(
        "it is not the program: the emulator is wrong here",
        "report it, with the instruction and its operands",
    ),
}  # fmt: skip


class Trouble(Exception):
    """Something went wrong in the instruction that is being done."""

    def __init__(self, kind: str, what: str, address: int = 0, *, lane: bool = True) -> None:
        super().__init__(what)
        self.kind, self.what, self.address, self.lane = kind, what, address, lane


# What Python raises while an instruction is decoded, compiled or done: kind, and what it says. No tree
# indexes a cell beyond a register file, makes a number that does not fit its type or nests without end.
UNFORESEEN: dict[type[Exception], tuple[str, str]] = {
    MemoryError: ("host", "no memory is left"),
    RecursionError: ("host", "Python's stack is used up"),
    IndexError: ("emulator", "a cell that the state has not"),
    OverflowError: ("emulator", "a number that does not fit"),
}


def unforeseen(error: Exception, *, lane: bool = True) -> Trouble:
    """The trouble that an error of Python's is; `lane`: it may be that of one lane."""
    kind, said = next(row for each, row in UNFORESEEN.items() if isinstance(error, each))
    return Trouble(kind, f"{said}: {error}" if str(error) else said, lane=lane)


class GpuFault(Fault):
    """A fault of a kernel: of which kind, of which wave, where in its code, in which lane (-1: all).

    >>> raise GpuFault("memory", "a load of 4 bytes at 0x10", group=(0, 0, 0), wave=1, lane=3, pc=64)
    Traceback (most recent call last):
    baregrad.emu.amd.faults.GpuFault: memory: a load of 4 bytes at 0x10
      why : no allocation is there
      mend: mend the address, or give the kernel that memory
      line: workgroup (0, 0, 0), wave 1, lane 3, code + 0x40
    """

    def __init__(  # noqa: PLR0913 - all that says where it was
        self, kind: str, what: str, *, group: tuple[int, int, int] = (0, 0, 0), wave: int = 0, lane: int = -1,
        pc: int = 0, instruction: str = "", address: int = 0, kernel: str = "",
    ) -> None:  # fmt: skip
        row = KINDS[kind]
        place = f"workgroup {group}, wave {wave}" + (f", lane {lane}" if lane >= 0 else "")
        place += f", {kernel or 'code'} + {pc:#x}" + (f": {instruction}" if instruction else "")
        super().__init__(f"{kind}: {what}", why=row.why, mend=row.mend, where=place)
        self.kind, self.group, self.wave, self.lane, self.pc = kind, group, wave, lane, pc
        self.instruction, self.address = instruction, address
