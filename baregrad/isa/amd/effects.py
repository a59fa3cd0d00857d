"""What an instruction does besides its operands: memory, implicit registers, control, wait counters.

From an entry's tree where it says so; rows of effect_rows.py say the rest, and what a tree means otherwise.
What is not here: operands that are written (layout.py), latency (latency.py), hazards (hazards.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from baregrad.base import memo
from baregrad.isa.amd.archs import Instruction, tables
from baregrad.isa.amd.effect_rows import CONTROL, COUNTERS, KEEPS, REGISTERS, SIZES, SPACES, WAITS
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.memory import data_bits
from baregrad.isa.amd.operands import Reg, family
from baregrad.isa.amd.uses import IMPLICIT, keeps, uses
from baregrad.isa.pseudocode import Node

WHOLE = {"exec_lo": "exec", "execz": "exec", "vccz": "vcc"}
WIDTH = re.compile(r"(?:bf|fp|[biuf])(\d*)")


class Memory(NamedTuple):
    """An access: `bytes` are those of one lane (of the wave for scalars), 0 where there are none.

    `space` is scalar, buffer, global, flat, scratch, image, lds or gds; `kind` is load, store, atomic or
    cache (written back, or forgotten). `returns`: the old value of an atomic comes back. `lds`: what is
    loaded goes to local memory.
    """

    space: str
    kind: str
    bytes: int
    returns: bool = False
    lds: bool = False


class Effects(NamedTuple):
    """What a form does besides its operands.

    `reads` and `writes` are implicit registers (scc, vcc, exec, m0, mode, pc); `keeps` says that a part of
    the result stays as it was. `control` is a row of effect_rows.CONTROL, "" for what goes on with the next
    instruction; `counters` are those that it raises, `waits` those that it waits for, and `unordered`: it may
    be done before an earlier one of the same counter. `indirect`: M0 is added to the number of a register.
    """

    memory: Memory | None
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    keeps: bool
    control: str
    counters: tuple[str, ...]
    waits: tuple[str, ...]
    unordered: bool
    indirect: bool


@memo
def effects(form: Form, gds: bool = False) -> Effects:
    """The effects of a form; `gds`: its bit GDS is set.

    >>> from baregrad.isa.amd.forms import by_name
    >>> effects(by_name("gfx1100", 32)["ds_add_rtn_u32"][0]).memory
    Memory(space='lds', kind='atomic', bytes=4, returns=True, lds=False)
    """
    fam, fmt, name = family(form.arch), form.entry.format, form.entry.name
    memory = memory_of(form, gds)
    lds = any(one.name == "lds" for one in form.modifiers)
    reads, writes, kept = registers(form.arch, fmt, name, form.entry.body, gds, lds)
    control, waits = flow(fam, name)
    return Effects(
        memory,
        reads,
        writes,
        kept,
        control,
        counters(fam, fmt, name, memory),
        waits,
        fmt in ("SMEM", "FLAT") and memory is not None,
        "MOVREL" in name or "SWAPREL" in name,
    )


@memo
def flow(fam: str, name: str) -> tuple[str, tuple[str, ...]]:
    """What becomes of the flow of a wave, and the counters that an entry waits for."""
    control = next((row.what for row in CONTROL if re.fullmatch(row.name, name)), "")
    return control, next(
        (found for given, pattern, found in WAITS if given in ("", fam) and re.fullmatch(pattern, name)), ()
    )


def memory_of(form: Form, gds: bool) -> Memory | None:
    """The access of a form of a memory format, None for the others."""
    fmt, name = form.entry.format, form.entry.name
    space = next(
        (found for pattern, op, found in SPACES if re.fullmatch(pattern, fmt) and re.fullmatch(op, name)), ""
    )
    if not space:
        return None
    space = "gds" if gds and space == "lds" else space
    out = any(slot.written and slot.role != "ADDR" for slot in form.slots)
    to_lds = "LOAD_LDS" in name or any(one.name == "lds" for one in form.modifiers)
    for pattern, kind in (
        (r"(S_DCACHE|S_GL1|BUFFER_(GL|INV|WB)|S_ATC)\w*", "cache"),
        (
            r"\w*(LOAD|READ|SAMPLE|GATHER)\w*|DS_(SWIZZLE|B?PERMUTE)\w*|LDS_\w+|IMAGE_(GET|BVH|MSAA)\w*",
            "load",
        ),
        (r"\w*(STORE|WRITE)\w*(?<!CMPSTORE)|EXP", "store"),
    ):
        if re.fullmatch(pattern, name) and "XCHG" not in name and "CMPST" not in name:
            return Memory(space, kind, 0 if kind == "cache" else size_of(form), False, to_lds)
    return Memory(space, "atomic", size_of(form), out)


def size_of(form: Form) -> int:
    """The bytes of an access: what the tree touches, or what the name says."""
    name = form.entry.name
    if form.entry.format == "MIMG":  # a texel's bytes are its resource's: these are the registers'
        return sum(slot.bits for slot in form.slots if slot.role == "VDATA") // 8
    for pattern, size in SIZES:
        if re.fullmatch(pattern, name):
            return size
    tree = tables(form.arch).tree(form.entry)
    found = {repr(place): bits for place, bits in touched(tree)} if tree is not None else {}
    return sum(found.values()) // 8 if found and 0 not in found.values() else data_bits(name) // 8


def touched(node: Node) -> Iterator[tuple[Node, int]]:
    """The places of memory that a body touches, with bits; 0 bits where that is not said."""
    if not isinstance(node, tuple) or not node:
        return
    if node[0] == "." and is_memory(node[1]):
        match = WIDTH.fullmatch(str(node[2]))
        yield node[1], int(match[1] or 32) if match else 0
        return
    if node[0] == "[:]" and is_memory(node[1]) and isinstance(node[2], int) and isinstance(node[3], int):
        yield node[1], node[2] + 1 - node[3]
        return
    if is_memory(node):
        yield node, 0
        return
    for part in node[1:]:
        yield from touched(part)


def is_memory(node: Node) -> bool:
    """Is it a place of memory?"""
    return isinstance(node, tuple) and node[0] == "@" and node[1] == "MEM"


@memo
def registers(
    arch: str, fmt: str, name: str, body: int, gds: bool, lds: bool
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The implicit registers that an entry reads and writes, and whether it keeps a part of its result."""
    fam = family(arch)
    found: dict[str, list[bool]] = {}
    tree = None if body < 0 else tables(arch).tree(Instruction(fmt, 0, name, body, ()))
    for key, use in (uses(tree) if tree is not None else {}).items():
        if key in IMPLICIT:
            had = found.setdefault(WHOLE.get(key.lower(), key.lower()), [False, False])
            had[0], had[1] = had[0] or use.read, had[1] or use.written
    for row in REGISTERS:
        if (
            row.family not in ("", fam)
            or not re.fullmatch(row.format, fmt)
            or not re.fullmatch(row.name, name)
        ):
            continue
        if (row.when == "gds" and not gds) or (row.when == "lds" and not lds):
            continue
        had = found.setdefault(row.register, [False, False])
        for at, letter in enumerate("rw"):
            if letter in row.uses:
                had[at] = not row.drop
    kept = next((value for pattern, value in KEEPS if re.fullmatch(pattern, name)), None)
    return (
        tuple(key for key, had in found.items() if had[0]),
        tuple(key for key, had in found.items() if had[1]),
        (tree is not None and keeps(tree)) if kept is None else kept,
    )


@memo
def counters(fam: str, fmt: str, name: str, memory: Memory | None) -> tuple[str, ...]:
    """The wait counters that an instruction raises until it is done."""
    brings = memory is not None and (memory.kind == "load" or memory.returns)
    for row in COUNTERS:
        if row.family in ("", fam) and re.fullmatch(row.format, fmt) and re.fullmatch(row.name, name):
            return tuple(("vmcnt" if brings else "vscnt") if one == "vector" else one for one in row.counters)
    return ()


@memo
def implicit_register(name: str, wave: int) -> Reg:
    """An implicit register as an operand: masks of lanes are as wide as the wave."""
    if name in ("vcc", "exec"):
        return Reg(name, 0, 2) if wave == 64 else Reg(name + "_lo")
    return Reg("ttmp", 0, 2) if name == "ttmp" else Reg(name)
