"""The machine code of a program: its instructions' functions called one after the other, with the program's
own branches as branches of the processor.

    run(FRAME)

goes on with the wave that the frame names until something is to be done in Python, and gives back why, with
the number of the instruction: number << 3 | reason. A barrier goes to the next wave without leaving; so does
the end of a wave that is not the last. Every instruction can be the one at which a wave goes on. Nothing here
knows what the functions do: they are kernels, f(argument block, wave's first cell).

While it runs: rbx the wave's first cell, rbp the argument blocks, r12 the functions, r13 the wave's state,
r14 the frame, r15 how many instructions may still be done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from struct import pack
from typing import NamedTuple

from baregrad.base import memo
from baregrad.engine.emulate.grid import END_WORD, again
from baregrad.isa.form import Inst, Label
from baregrad.isa.x86 import assemble, inst, mem

END, BARRIER, WITNESS, BUDGET, JUMP, REFUSED, HOT = range(7)
"""Why `run` came back: all waves ended; a wave is at another barrier than those before it; an instruction is
not here; no instruction may be done any more; the next instruction is to be looked for; an access of an
instruction was refused (the instruction did nothing); a block that begins here was come to often."""

# Words of a frame: pointers but for BUDGET_LEFT and LIVE. GONE is where a wave goes on that has ended, MET
# where those go on that wait at a barrier in this round, 0 for none so far.
# Words behind these are grid.py's.
STATES, BLOCKS, FUNCTIONS, BUDGET_LEFT, WAVE, WAVES, WAVES_END, LIVE, GONE, MET = range(10)
FRAME_WORDS = END_WORD
WAVE_WORDS = 2  # its first cell, where it goes on
SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
HOLE = 0x11223344


class Block(NamedTuple):
    """Instructions that may get one function for all: how many, and bytes into the tables: of the word that
    says which way is taken, of the function, of its argument block, of the count of passes that are left
    until the block is hot.
    """

    length: int
    way: int
    function: int
    block: int
    passes: int


class Item(NamedTuple):
    """One instruction: `kind` is call, checked (a call that may refuse), skip, branch, end, barrier, leave.

    `function` and `block` are bytes into the tables; a branch has the `condition` (see CONDITIONS) and the
    number of the instruction that it goes to, -1 for none that is known. A `head` begins a block.
    """

    kind: str
    function: int = 0
    block: int = 0
    condition: str = ""
    target: int = -1
    head: Block | None = None


class Ways(NamedTuple):
    """Where in the code the ways through a block begin: one function for all, one for each with the passes
    counted, or not."""

    together: int
    counted: int
    apart: int


class Code(NamedTuple):
    """What was stitched: the bytes, and where each instruction begins: when the wave comes to it, and when it
    goes on inside of a stretch whose count is already taken from the budget. `leaders` are the instructions
    at which stretches begin; `ways` go through blocks."""

    data: bytes
    starts: list[int]
    inside: list[int]
    leaders: frozenset[int]
    ways: dict[int, Ways]


CONDITIONS = {
    "": None, "scc0": ("SCC", 1, False), "scc1": ("SCC", 1, True), "vccz": ("VCC", 0, False),
    "vccnz": ("VCC", 0, True), "execz": ("EXEC", 0, False), "execnz": ("EXEC", 0, True),
}  # fmt: skip
"""What a branch asks: a register of the state, and whether it is not 0."""


@memo
def common() -> tuple[bytes, dict[str, int]]:
    """The part that all programs have, and where in it the ways out are."""
    entry: list[Inst | Label | bytes] = [
        *(inst("push", name) for name in SAVED),
        inst("sub", "rsp", 8),
        inst("mov", "r14", "rdi"),
        inst("mov", "rbp", mem("r14", disp=8 * BLOCKS)),
        inst("mov", "r12", mem("r14", disp=8 * FUNCTIONS)),
        inst("mov", "r15", mem("r14", disp=8 * BUDGET_LEFT)),
    ]
    resume: list[Inst | Label | bytes] = [
        Label("resume"),
        inst("mov", "rax", mem("r14", disp=8 * WAVE)),
        inst("mov", "rbx", mem("rax")),
        inst("mov", "r13", mem("r14", disp=8 * STATES)),
        inst("lea", "r13", mem("r13", "rbx", 4)),
        inst("jmp", mem("rax", disp=8)),
    ]
    end: list[Inst | Label | bytes] = [
        Label("end"),
        inst("dec", mem("r14", disp=8 * LIVE, bits=64)),
        inst("je", Label("all")),
        inst("mov", "rax", mem("r14", disp=8 * WAVE)),
        inst("mov", "rcx", mem("r14", disp=8 * GONE)),
        inst("mov", mem("rax", disp=8), "rcx"),
        inst("jmp", Label("next")),
        Label("all"),
        *again(STATES, WAVES, WAVE, LIVE, MET),
        inst("mov", "eax", END),
        inst("jmp", Label("out")),
    ]
    places: dict[str, int] = {}
    items: list[Inst | Label | bytes] = []
    for name, part in (
        ("run", entry),
        ("resume", resume),
        ("end", end),
        ("barrier", barrier()),
        ("out", out()),
    ):
        items += part
        places[name] = 0
    data = assemble(items)
    for name in places:
        if name != "run":
            probe = assemble([*items, Label("probe"), inst("jmp", Label(name))])
            places[name] = len(data) + 5 + int.from_bytes(probe[-4:], "little", signed=True)
    places["next"] = _place(items, data, "next")
    return data, places


def out() -> list[Inst | Label | bytes]:
    """The way out."""
    return [
        Label("out"),
        inst("mov", mem("r14", disp=8 * BUDGET_LEFT), "r15"),
        inst("add", "rsp", 8),
        *(inst("pop", name) for name in reversed(SAVED)),
        inst("ret"),
    ]


def barrier() -> list[Inst | Label | bytes]:
    """A wave that waits, and the way to the next one."""
    return [
        Label("barrier"),
        inst("mov", "rax", mem("r14", disp=8 * WAVE)),
        inst("mov", mem("rax", disp=8), "rcx"),
        inst("cmp", mem("r14", disp=8 * MET, bits=64), 0),
        inst("je", Label("first")),
        inst("cmp", "rcx", mem("r14", disp=8 * MET)),
        inst("je", Label("next")),
        inst("mov", "eax", BARRIER),
        inst("jmp", Label("out")),
        Label("first"),
        inst("mov", mem("r14", disp=8 * MET), "rcx"),
        Label("next"),
        inst("mov", "rax", mem("r14", disp=8 * WAVE)),
        inst("add", "rax", 8 * WAVE_WORDS),
        inst("cmp", "rax", mem("r14", disp=8 * WAVES_END)),
        inst("jne", Label("same")),
        inst("mov", mem("r14", disp=8 * MET, bits=64), 0),
        inst("mov", "rax", mem("r14", disp=8 * WAVES)),
        Label("same"),
        inst("mov", mem("r14", disp=8 * WAVE), "rax"),
        inst("jmp", Label("resume")),
    ]


def _place(items: list[Inst | Label | bytes], data: bytes, name: str) -> int:
    """Where a label is."""
    probe = assemble([*items, inst("jmp", Label(name))])
    return len(data) + 5 + int.from_bytes(probe[-4:], "little", signed=True)


def piece(*parts: Inst) -> tuple[bytes, ...]:
    """The bytes of instructions, cut where HOLEs are."""
    return tuple(assemble(parts).split(pack("<I", HOLE)))


class _Pieces(NamedTuple):
    """Instructions with holes."""

    call: tuple[bytes, ...]
    take: tuple[bytes, ...]
    give: tuple[bytes, ...]
    test: tuple[bytes, ...]
    reason: tuple[bytes, ...]
    here: tuple[bytes, ...]
    way: tuple[bytes, ...]
    passes: tuple[bytes, ...]


@memo
def pieces() -> _Pieces:
    """Them all."""
    return _Pieces(
        piece(
            inst("lea", "rdi", mem("rbp", disp=HOLE)),
            inst("mov", "rsi", "rbx"),
            inst("call", mem("r12", disp=HOLE, bits=64)),
        ),
        piece(inst("sub", "r15", HOLE)),
        piece(inst("add", "r15", HOLE)),
        piece(inst("cmp", mem("r13", disp=HOLE, bits=32), 0)),
        piece(inst("mov", "eax", HOLE)),
        (b"\x48\x8d\x0d",),  # lea rcx, [rip + …]
        piece(inst("jmp", mem("r12", disp=HOLE))),
        piece(inst("dec", mem("rbp", disp=HOLE, bits=64))),
    )


class Stitcher:
    """A program being stitched; `cells` has where SCC, VCC, EXEC and STOP are, `wave` 32 or 64."""

    __slots__ = (
        "at",
        "cells",
        "data",
        "fixes",
        "inside",
        "late",
        "leaders",
        "pieces",
        "starts",
        "wave",
        "ways",
    )

    def __init__(self, cells: dict[str, int], wave: int) -> None:
        self.cells, self.wave = cells, wave
        self.data = bytearray(common()[0])
        self.pieces = pieces()
        self.starts: list[int] = []
        self.inside: list[int] = []
        self.fixes: list[tuple[int, int]] = []  # place of a rel32, instruction
        self.ways: dict[int, Ways] = {}
        self.late: list[tuple[int, int, int]] = []  # place of a rel32, what to give back, result

    def program(self, items: Sequence[Item], more: Collection[int] = ()) -> Code:
        """Stitch."""
        leaders = self.leading(items).union(more)
        for number, item in enumerate(items):
            self.starts.append(len(self.data))
            if number in leaders:
                count = next((n for n in range(number + 1, len(items)) if n in leaders), len(items)) - number
                self.data += self.pieces.take[0] + pack("<i", count) + b"\x0f\x88"  # js
                self.late.append((len(self.data), count, number << 3 | BUDGET))
                self.data += bytes(4)
            self.inside.append(len(self.data))
            if item.head is not None:
                self.head(number, item.head)
            getattr(self, "do_" + item.kind)(number, item)
        self.leave(len(items) << 3 | JUMP)
        self.finish()
        return Code(bytes(self.data), self.starts, self.inside, frozenset(leaders), self.ways)

    def head(self, number: int, block: Block) -> None:
        """The beginning of a block: a jump to the way that is taken now. Its instructions follow each on its
        own, so that a wave can go on at any of them.
        """
        one = self.pieces
        self.data += one.way[0] + pack("<i", block.way) + one.way[1]
        together = len(self.data)
        self.call(block.block, block.function)
        self.data += b"\xe9"
        self.fixes.append((len(self.data), number + block.length))
        self.data += bytes(4)
        counted = len(self.data)
        self.data += one.passes[0] + pack("<i", block.passes) + one.passes[1] + b"\x0f\x84"  # je
        self.late.append((len(self.data), 0, number << 3 | HOT))
        self.data += bytes(4)
        self.ways[number] = Ways(together, counted, len(self.data))

    @staticmethod
    def leading(items: Sequence[Item]) -> set[int]:
        """Instructions at which stretches begin."""
        found = {0}
        for number, item in enumerate(items):
            if item.kind in ("branch", "end", "barrier", "leave"):
                found.add(number + 1)
            if item.target >= 0:
                found.add(item.target)
        return found

    def finish(self) -> None:
        """The ends of stretches out of line, and the distances."""
        for place, count, result in self.late:
            self.distance(place, len(self.data))
            if count:
                self.data += self.pieces.give[0] + pack("<i", count)
            self.leave(result)
        for place, target in self.fixes:
            self.distance(place, self.starts[target])

    def distance(self, place: int, target: int) -> None:
        """Fill in a rel32."""
        self.data[place : place + 4] = pack("<i", target - place - 4)

    def leave(self, result: int) -> None:
        """Out, with a result."""
        self.data += self.pieces.reason[0] + pack("<I", result)
        self.jump(common()[1]["out"])

    def jump(self, target: int) -> None:
        """A jump to a known place."""
        self.data += b"\xe9" + bytes(4)
        self.distance(len(self.data) - 4, target)

    def test(self, cell: int) -> None:
        """Compare a cell with 0."""
        one = self.pieces.test
        self.data += one[0] + pack("<i", 4 * cell) + one[1]

    def call(self, block: int, function: int) -> None:
        """A call with an argument block."""
        one = self.pieces.call
        self.data += one[0] + pack("<i", block) + one[1] + pack("<i", function) + one[2]

    # -- kinds ---------------------------------------------------------------------------------------

    def do_call(self, number: int, item: Item) -> None:
        """A function."""
        self.call(item.block, item.function)

    def do_checked(self, number: int, item: Item) -> None:
        """A function that may refuse."""
        self.do_call(number, item)
        self.test(self.cells["STOP"])
        self.data += b"\x0f\x85"  # jne
        self.late.append((len(self.data), 0, number << 3 | REFUSED))
        self.data += bytes(4)

    def do_skip(self, number: int, item: Item) -> None:
        """Nothing to do."""

    def do_leave(self, number: int, item: Item) -> None:
        """Somebody else does it."""
        self.leave(number << 3 | WITNESS)

    def do_end(self, number: int, item: Item) -> None:
        """The end of a wave."""
        self.jump(common()[1]["end"])

    def do_barrier(self, number: int, item: Item) -> None:
        """On with the next wave."""
        self.data += self.pieces.here[0] + bytes(4)
        place = len(self.data) - 4
        self.jump(common()[1]["barrier"])
        self.distance(place, len(self.data))

    def do_branch(self, number: int, item: Item) -> None:
        """A branch: to an instruction, or to look for one."""
        asked = CONDITIONS[item.condition]
        if asked is None:
            self.go(b"\xe9", number, item)
            return
        name, narrow, wanted = asked
        cell = self.cells[name]
        if narrow or self.wave == 32:
            self.test(cell)
        else:
            both = assemble([inst("cmp", mem("r13", disp=4 * cell, bits=64), 0)])
            self.data += both
        self.go(b"\x0f\x85" if wanted else b"\x0f\x84", number, item)

    def go(self, code: bytes, number: int, item: Item) -> None:
        """The jump itself."""
        self.data += code
        if item.target >= 0:
            self.fixes.append((len(self.data), item.target))
        else:
            self.late.append((len(self.data), 0, number << 3 | JUMP))
        self.data += bytes(4)


def stitch(items: Sequence[Item], cells: dict[str, int], wave: int, more: Collection[int] = ()) -> Code:
    """The machine code of a program of items.

    `cells`: SCC, VCC, EXEC, STOP; stretches begin at items of `more` too. Cost: about 2 microseconds an
    instruction.
    """
    return Stitcher(cells, wave).program(items, more)
