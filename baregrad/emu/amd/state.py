"""A wave's state: one buffer of cells of 32 bits, and where everything lies in it.

Whatever runs waves works on this buffer, so that one way of running may go on where another stopped. Vector
registers lie by register, then lane; scalar ones by the code that names them in an operand, so that VCC, M0,
EXEC and the trap registers are among them. Numbers of 64 bits have two cells, the low one first. What is not
here: memory and LDS (buffers of their own), how a wave starts (launch.py), what runs it (wave.py).
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base import memo
from baregrad.emu.amd.faults import KINDS
from baregrad.isa.amd.operands import NULL, NUMBERED, SPECIAL, Reg, family

ROW = 16  # cells of a cache line, at whose multiples register files begin
VCC, TTMP = 106, 108  # operand codes, the same on every chip
M0 = Reg("m0")


class Row(NamedTuple):
    """A part of the state: cells, or cells for each lane; `family` is whose it is, "" for all."""

    name: str
    cells: int
    lanes: bool = False
    family: str = ""
    doc: str = ""


# Those of a wave as a whole come first: they share a few cache lines.
# fmt: off
ROWS = (
    Row("SGPR",         128, doc="scalar registers by their operand code; the null register's cell stays 0"),
    Row("SCC",          1,   doc="scalar condition code, 0 or 1"),
    Row("MODE",         1,   doc="hardware register MODE: rounding in 3:0, denormals in 7:4 …"),
    Row("PC",           2,   doc="address of the next instruction"),
    Row("STATUS",       1,   doc="hardware register STATUS"),
    Row("TRAPSTS",      1,   doc="hardware register TRAPSTS"),
    Row("LDS_SIZE",     1,   doc="bytes of LDS that the workgroup has"),
    Row("SCRATCH_BASE", 2,   doc="address of the wave's scratch"),
    Row("SCRATCH_SIZE", 1,   doc="bytes of scratch that a lane has"),
    Row("SHARED_BASE",  2,   doc="where LDS begins in the flat address space"),
    Row("PRIVATE_BASE", 2,   doc="where scratch begins in the flat address space"),
    Row("STOP",         1,   doc="why the wave does not run: of STOPS"),
    Row("FAULT",        1,   doc="what went wrong: of FAULTS"),
    Row("FAULT_LANE",   1,   doc="the lane in which"),
    Row("FAULT_AT",     2,   doc="the address of memory that it was about"),
    Row("COUNT",        2,   doc="instructions that were done"),
    Row("BUDGET",       2,   doc="instructions that may still be done"),
    Row("CYCLE",        2,   doc="what a clock shows: it goes on when it is read"),
    Row("WAVE",         1,   doc="number of the wave in its workgroup"),
    Row("GROUP",        3,   doc="the workgroup's place in the grid: x, y, z"),
    Row("SPARE",        8,   doc="for whoever runs the wave"),
    Row("SINK",         32,  lanes=True, doc="where results go that nobody wants (null); never read"),
    Row("VGPR",         256, lanes=True, doc="vector registers: cell VGPR + register * lanes + lane"),
    Row("ACC",          256, lanes=True, family="cdna", doc="accumulation registers, likewise"),
)
# fmt: on

STOPS = ("running", "end", "barrier", "witness", "budget", "fault", "break")
"""What STOP says: "witness" is an instruction that the fast mode leaves to the plain one."""

FAULTS = ("none", *KINDS)
"""What FAULT says."""


class Layout(NamedTuple):
    """Where the parts are: `at` and how many `cells` they have, by name; `size` is of the whole."""

    family: str
    lanes: int
    at: dict[str, int]
    cells: dict[str, int]
    size: int

    def cell(self, register: Reg) -> int:
        """The first cell of a register; the next one of a row is `step` further.

        >>> one = layout("rdna3", 32)
        >>> one.cell(Reg("vcc_lo")), one.cell(Reg("v", 1)) - one.cell(Reg("v", 0))
        (106, 32)
        """
        if register.file in ("v", "a"):
            return self.at["VGPR" if register.file == "v" else "ACC"] + register.first * self.lanes
        return self.at["SGPR"] + scalar_code(self.family, register)

    def step(self, register: Reg) -> int:
        """Cells from one register to the next."""
        return self.lanes if register.file in ("v", "a") else 1


@memo
def layout(arch: str, lanes: int) -> Layout:
    """The layout of an architecture's waves."""
    fam = family(arch)
    at: dict[str, int] = {}
    cells: dict[str, int] = {}
    end = 0
    for row in ROWS:
        if row.family not in ("", fam):
            continue
        if row.lanes:
            end = -(-end // ROW) * ROW
        at[row.name] = end
        cells[row.name] = row.cells * (lanes if row.lanes else 1)
        end += cells[row.name]
    return Layout(fam, lanes, at, cells, end)


@memo
def special_codes(fam: str) -> dict[str, int]:
    """The codes of scalar registers with a name."""
    found = {}
    for code, names in SPECIAL[fam].items():
        found.update(dict.fromkeys(filter(None, names), code))
    return found


def scalar_code(fam: str, register: Reg) -> int:
    """The operand code of a scalar register, which is its place in SGPR."""
    if register.file in NUMBERED:
        return register.first + (TTMP if register.file == "ttmp" else 0)
    return special_codes(fam)[register.file]


def sink(register: Reg) -> bool:
    """Does what is written to a register vanish?"""
    return register.file == NULL.file


def new(one: Layout) -> bytearray:
    """An empty state: all of it 0."""
    return bytearray(4 * one.size)
