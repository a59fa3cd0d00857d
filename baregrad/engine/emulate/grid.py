"""From one workgroup of a grid to the next without leaving native code: what the states of its waves begin
with is an image, copied back, and only the workgroup's place in the grid differs.

What is not here: what a wave does (stitch.py), how a launch makes the first workgroup (emu.amd).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

from baregrad.isa.form import Inst, Label
from baregrad.isa.x86 import inst, mem

# Words of a frame behind stitch's own: how many workgroups there still are (this one counts), the place of
# this one, the size of the grid in x and y, the image, two stretches of it (their bytes' beginnings, their
# words of 8 bytes), bytes from one state to the next, waves, where a wave begins, cells that have the place,
# LDS.
(GROUPS, X, Y, Z, SIZE_X, SIZE_Y, IMAGE, AT_1, WORDS_1, AT_2, WORDS_2, STRIDE, COUNT, BEGIN, CELL_X, CELL_Y,
 CELL_Z, CELL_GROUP, LDS_AT, LDS_WORDS) = range(10, 30)  # fmt: skip
END_WORD = LDS_WORDS + 1
COPY_WORDS, FILL_WORDS = b"\xf3\x48\xa5", b"\xf3\x48\xab"  # rep movsq, rep stosq


class Grid(NamedTuple):
    """The workgroups of a launch: `sizes` of the grid, the cells of a state that have x, y, z (a cell that
    nobody reads for those that the kernel does not ask for), the first of the three that always have them,
    `stretches` of cells that a wave begins with (first, count; even), LDS (address, bytes).
    """

    sizes: tuple[int, int, int]
    cells: tuple[int, int, int]
    group: int
    stretches: tuple[tuple[int, int], tuple[int, int]]
    lds: tuple[int, int]


def onwards() -> list[Inst | Label | bytes]:
    """To the place of the next workgroup, x first; to "last" if there is none."""
    return [
        inst("dec", mem("r14", disp=8 * GROUPS, bits=64)),
        inst("je", Label("last")),
        inst("mov", "rax", mem("r14", disp=8 * X)),
        inst("inc", "rax"),
        inst("cmp", "rax", mem("r14", disp=8 * SIZE_X)),
        inst("jb", Label("row")),
        inst("mov", "rax", mem("r14", disp=8 * Y)),
        inst("inc", "rax"),
        inst("cmp", "rax", mem("r14", disp=8 * SIZE_Y)),
        inst("jb", Label("plane")),
        inst("inc", mem("r14", disp=8 * Z, bits=64)),
        inst("xor", "eax", "eax"),
        Label("plane"),
        inst("mov", mem("r14", disp=8 * Y), "rax"),
        inst("xor", "eax", "eax"),
        Label("row"),
        inst("mov", mem("r14", disp=8 * X), "rax"),
    ]


def again(states: int, waves: int, wave: int, live: int, met: int) -> list[Inst | Label | bytes]:
    """All waves of a workgroup have ended: on with the next workgroup, if there is one. The arguments are the
    words of a frame; r14 is the frame.
    """
    items = [
        *onwards(),
        inst("mov", "r8", mem("r14", disp=8 * states)),
        inst("mov", "r9", mem("r14", disp=8 * IMAGE)),
        inst("mov", "r10", mem("r14", disp=8 * COUNT)),
        inst("mov", "r11", mem("r14", disp=8 * BEGIN)),
        inst("mov", "rdx", mem("r14", disp=8 * waves)),
        Label("each"),
    ]
    for at, words in ((AT_1, WORDS_1), (AT_2, WORDS_2)):
        items += [
            inst("mov", "rdi", mem("r14", disp=8 * at)),
            inst("lea", "rsi", mem("r9", "rdi", 1)),
            inst("add", "rdi", "r8"),
            inst("mov", "rcx", mem("r14", disp=8 * words)),
            COPY_WORDS,
        ]
    for axis, (place, cell) in enumerate(((X, CELL_X), (Y, CELL_Y), (Z, CELL_Z))):
        items += [
            inst("mov", "rax", mem("r14", disp=8 * place)),
            inst("mov", "rcx", mem("r14", disp=8 * cell)),
            inst("mov", mem("r8", "rcx", 4), "eax"),
            inst("mov", "rcx", mem("r14", disp=8 * CELL_GROUP)),
            inst("mov", mem("r8", "rcx", 4, disp=4 * axis), "eax"),
        ]
    return [
        *items,
        inst("mov", mem("rdx", disp=8), "r11"),
        inst("add", "rdx", 16),
        inst("add", "r8", mem("r14", disp=8 * STRIDE)),
        inst("add", "r9", mem("r14", disp=8 * STRIDE)),
        inst("dec", "r10"),
        inst("jne", Label("each")),
        inst("mov", "rdi", mem("r14", disp=8 * LDS_AT)),
        inst("mov", "rcx", mem("r14", disp=8 * LDS_WORDS)),
        inst("xor", "eax", "eax"),
        FILL_WORDS,
        inst("mov", "rax", mem("r14", disp=8 * COUNT)),
        inst("mov", mem("r14", disp=8 * live), "rax"),
        inst("mov", "rax", mem("r14", disp=8 * waves)),
        inst("mov", mem("r14", disp=8 * wave), "rax"),
        inst("mov", mem("r14", disp=8 * met, bits=64), 0),
        inst("jmp", Label("resume")),
        Label("last"),
    ]


def fill(
    frame: ctypes.Array[ctypes.c_uint64], grid: Grid | None, image: int, stride: int, count: int, begin: int
) -> None:
    """Put a grid into a frame: None for a single workgroup. The first workgroup is at 0, 0, 0."""
    if grid is None:
        frame[GROUPS] = 1
        return
    (first, cells), (other, others) = grid.stretches
    assert not (first | cells | other | others) & 1, "words of 8 bytes"
    x, y, z = grid.sizes
    words: Sequence[tuple[int, int]] = (
        (GROUPS, x * y * z), (X, 0), (Y, 0), (Z, 0), (SIZE_X, x), (SIZE_Y, y), (IMAGE, image),
        (AT_1, 4 * first), (WORDS_1, cells // 2), (AT_2, 4 * other), (WORDS_2, others // 2),
        (STRIDE, stride), (COUNT, count), (BEGIN, begin), (CELL_X, grid.cells[0]), (CELL_Y, grid.cells[1]),
        (CELL_Z, grid.cells[2]), (CELL_GROUP, grid.group), (LDS_AT, grid.lds[0]),
        (LDS_WORDS, -(-grid.lds[1] // 8)),
    )  # fmt: skip
    for number, value in words:
        frame[number] = value


__all__ = ["END_WORD", "GROUPS", "Grid", "again", "fill"]
