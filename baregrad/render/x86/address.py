"""Addresses: base + offset * itemsize, constants as displacements, and the vectors of gathers and scatters.

Offsets x + constant that only addresses use are never computed; a vector of offsets that is a vector plus a
scalar in every lane is taken apart, the scalar going into the base register. Read selector.py first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from baregrad import dtype as dt
from baregrad.ir import UOp, ops
from baregrad.isa.form import Mem, Reg, VReg
from baregrad.isa.x86 import form
from baregrad.render.x86.rows import constant_of

if TYPE_CHECKING:
    from baregrad.render.x86.selector import Selector

RSP = Reg("gpr", 4)
FAR = 1 << 30  # displacements stay well inside 32 bits


def find_lazy(state: Selector) -> set[UOp]:
    """Offsets x + constant that only addresses use: they become displacements and are never computed."""
    candidates = [n for n in state.uops if n.op is ops.ADD and not n.shape and is_step(n)]
    wanted = set(candidates)
    if not wanted:
        return wanted
    for node in state.uops:
        for place, source in enumerate(node.src):
            if source in wanted and (node.op is not ops.INDEX or place != 1):
                wanted.discard(source)
    return wanted


def is_step(node: UOp) -> bool:
    """Whether a node is x + constant, of a size that a displacement has room for."""
    constant = node.src[1]
    return node.dtype is dt.int64 and constant.op is ops.CONST and abs(constant.arg) < FAR // 8


def address(state: Selector, index: UOp) -> Mem:
    """The memory operand of an INDEX with a scalar offset: base + offset * itemsize, constants as
    displacement.
    """
    base, offset = index.src[0], index.src[1]
    size = max(1, base.dtype.itemsize)
    register, disp = pointer_of(state, base)
    while offset in state.lazy:
        disp += offset.src[1].arg * size
        offset = offset.src[0]
    constant = constant_of(offset)
    if constant is not None and abs(constant * size + disp) < FAR:
        return Mem(register, None, 1, disp + constant * size)
    counted = state.value(offset)
    if counted.bits == 32:
        wide = state.register("r64")
        state.emit(form("movsxd", "r64", "r32"), wide, counted)
        counted = wide
    return Mem(register, counted, size, disp)


class Split(NamedTuple):
    """A vector of offsets as lanes + scalar + constant."""

    lanes: UOp
    scalar: UOp
    constant: int


def split_offset(offset: UOp) -> Split | None:
    """A vector of offsets that is a vector plus an int64 scalar in every lane, taken apart.

    The sum of int32 vectors does not wrap: lowering makes index arithmetic int32 only where bounds allow.
    """
    if offset.op is not ops.ADD:
        return None
    for vector, repeated in (offset.src, offset.src[::-1]):
        if repeated.op is ops.BROADCAST:
            scalar = repeated.src[0].src[0] if repeated.src[0].op is ops.CAST else repeated.src[0]
            if scalar.dtype is dt.int64 and scalar.op is not ops.CONST:
                if scalar.op is ops.ADD and is_step(scalar):
                    return Split(vector, scalar.src[0], scalar.src[1].arg)
                return Split(vector, scalar, 0)
    return None


def find_splits(state: Selector) -> None:
    """Take apart the offsets of gathers and scatters: the scalar part goes into the base register.

    What only they used is not computed at all.
    """
    indices = [node for node in state.uops if node.op is ops.INDEX and node.src[1].shape]
    if not indices:
        return
    used = Counter(node.src[1] for node in indices)
    each = {node.src[1] for node in indices if node.dtype.bits < 32}  # done lane by lane, like the next ones
    each |= {node.src[0].src[1] for node in state.uops if node.op is ops.STORE and not state.wide}
    for offset, count in used.items():
        split = split_offset(offset)
        if split is not None and offset not in each and state.uses[offset] == count:
            state.splits[offset] = split
    going = list(state.splits)
    scalars = {split.scalar for split in state.splits.values()}
    while going:
        fewer: dict[UOp, int] = {}
        for node in going:
            state.gone.add(node)
            for source in node.src:
                if source in scalars:
                    continue
                step = source.op is ops.ADD and not source.shape and is_step(source)
                if (step or source.op in (ops.BROADCAST, ops.CAST)) and not is_lanes_of(state, node, source):
                    fewer[source] = fewer.get(source, 0) + 1
        going = [n for n, count in fewer.items() if not n.src[0].shape and state.uses[n] == count]


def is_lanes_of(state: Selector, offset: UOp, source: UOp) -> bool:
    """Whether a source is the part of a vector of offsets that stays a vector."""
    split = state.splits.get(offset)
    return split is not None and split.lanes is source


def pointer_of(state: Selector, base: UOp) -> tuple[Reg | VReg, int]:
    """Where a PARAM or LOCAL begins: a register and a displacement."""
    return (RSP, state.local_offsets[base]) if base.op is ops.LOCAL else (state.value(base), 0)


def vector_address(state: Selector, index: UOp) -> tuple[Mem, int]:
    """The operand of a gather or scatter, and the bits of one offset."""
    base, offset = index.src[0], index.src[1]
    size = base.dtype.itemsize
    register, disp = pointer_of(state, base)
    split = state.splits.get(offset)
    if split is None:
        return Mem(register, state.value(offset), size, disp), offset.dtype.bits
    scalar = state.value(split.scalar)
    moved = state.bases.get((register, scalar))
    if moved is None:
        moved = state.bases[register, scalar] = state.register("r64")
        state.roots[moved] = register
        state.emit(form("lea", "r64", "m"), moved, Mem(register, scalar, size))
    disp += split.constant * size
    return Mem(moved, state.value(split.lanes), size, disp), offset.dtype.bits
