"""Loads of every second element: two loads of neighbours and a shuffle in the place of a gather.

Pooling by two, convolutions of stride 2 and real parts of pairs read so. The second load ends with the last
element that is wanted, so that nothing outside of what a gather would read is touched. Read address.py first.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from baregrad.ir import UOp, ops
from baregrad.isa.form import Imm, Mem
from baregrad.isa.x86 import form
from baregrad.render.x86.address import pointer_of
from baregrad.render.x86.rows import constant_of
from baregrad.render.x86.template import VECTOR

if TYPE_CHECKING:
    from baregrad.render.x86.selector import Selector

EVEN_THEN_ODD = Imm(
    0xD8
)  # vshufps: elements 0, 2 of the first and 1, 3 of the second; vpermpd: parts 0 2 1 3


def load_every_second(state: Selector, node: UOp) -> bool:
    """Whether a gather of 4-byte elements, unmasked, was one of every second element, and is loaded now."""
    offset, count = node.src[0].src[1], node.shape[0]
    split = state.splits.get(offset)
    if node.dtype.bits != 32 or count < 4 or not _is_double(offset if split is None else split.lanes):
        return False
    register, disp = pointer_of(state, node.src[0].src[0])
    scalar = None if split is None else state.value(split.scalar)
    disp += 0 if split is None else 4 * split.constant
    first = Mem(register, scalar, 4 if split is not None else 1, disp)
    second = Mem(register, scalar, first.scale, disp + 4 * (count - 1))
    result = state.result(node)
    kind = VECTOR[result.bits]
    state.do("vmovups", f"{kind} [", result, first)
    if state.wide:
        places = [2 * i if 2 * i < count else 2 * i + 1 for i in range(count)]
        table = state.vector_constant(struct.pack(f"<{count}i", *places), kind)
        state.do("vpermt2ps", f"{kind} {kind} [", result, table, second)
        return True
    state.do("vshufps", f"{kind} {kind} [ #0", result, result, second, EVEN_THEN_ODD)
    if count == 8:
        state.emit(form("vpermpd", "ymm", "ymm", "imm8"), result, result, EVEN_THEN_ODD)
    return True


def _is_double(vector: UOp) -> bool:
    """Whether a vector of offsets is 0, 2, 4, ..."""
    if vector.op not in (ops.SHL, ops.MUL) or vector.src[0].op is not ops.LANES:
        return False
    return bool(constant_of(vector.src[1]) == (1 if vector.op is ops.SHL else 2))
