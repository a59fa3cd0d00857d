"""The registers of x86-64: their names at each width, and the kinds ("r64", "xmm", "k") that forms ask for.

What is not here: which registers a convention keeps (that is the compiler's and the runtime's business).
Source: Intel SDM volume 1, 3.4.1 and 3.7.2.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from baregrad.base.errors import EncodingError
from baregrad.isa.form import Reg


class NamedReg(NamedTuple):
    """A register at one of its widths, as assembly writes it: rax and eax are one Reg and two NamedRegs."""

    kind: str
    reg: Reg


BANKS = {"gpr": 16, "vec": 32, "mask": 8}
"""How many registers each bank has."""

_OLD = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
_OLD_BYTES = ("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil")

# fmt: off
NAMES: dict[str, tuple[str, ...]] = {
    "r8":  _OLD_BYTES + tuple(f"r{n}b" for n in range(8, 16)),
    "r16": _OLD + tuple(f"r{n}w" for n in range(8, 16)),
    "r32": tuple("e" + name for name in _OLD) + tuple(f"r{n}d" for n in range(8, 16)),
    "r64": tuple("r" + name for name in _OLD) + tuple(f"r{n}" for n in range(8, 16)),
    "xmm": tuple(f"xmm{n}" for n in range(32)),
    "ymm": tuple(f"ymm{n}" for n in range(32)),
    "zmm": tuple(f"zmm{n}" for n in range(32)),
    "k":   tuple(f"k{n}" for n in range(8)),
}
"""Per register kind the names of its registers, by number."""

# kind: bank, bits of the register
REGISTER_KINDS: dict[str, tuple[str, int]] = {
    "r8": ("gpr", 8), "r16": ("gpr", 16), "r32": ("gpr", 32), "r64": ("gpr", 64),
    "xmm": ("vec", 128), "ymm": ("vec", 256), "zmm": ("vec", 512), "k": ("mask", 64),
}
# fmt: on

KIND_OF = {("gpr", 8): "r8", ("gpr", 16): "r16", ("gpr", 32): "r32", ("gpr", 64): "r64"} | {
    ("vec", 128): "xmm",
    ("vec", 256): "ymm",
    ("vec", 512): "zmm",
    ("mask", 64): "k",
}
"""The register kind of a bank at a width."""


@cache
def named() -> dict[str, NamedReg]:
    """Every register by name: named()["eax"] is NamedReg("r32", Reg("gpr", 0))."""
    return {
        name: NamedReg(kind, Reg(REGISTER_KINDS[kind][0], number))
        for kind, names in NAMES.items()
        for number, name in enumerate(names)
    }


def register(name: str) -> NamedReg:
    """The register of that name.

    >>> register("ecx")
    NamedReg(kind='r32', reg=Reg(bank='gpr', number=1))
    """
    found = named().get(name)
    if found is None:
        raise EncodingError(
            f"no register {name!r}",
            why="x86-64 names rax … r15b, xmm0-31, ymm0-31, zmm0-31, k0-7",
            mend="correct the name",
        )
    return found


def name_of(reg: Reg, bits: int) -> str:
    """The name of a register at a width.

    >>> name_of(Reg("gpr", 8), 32)
    'r8d'
    """
    kind = KIND_OF.get((reg.bank, 64 if reg.bank == "mask" else bits))
    if kind is None or not 0 <= reg.number < len(NAMES[kind]):
        raise EncodingError(
            f"no name for {reg} at {bits} bits", why="no such bank, number or width", mend="see NAMES"
        )
    return NAMES[kind][reg.number]
