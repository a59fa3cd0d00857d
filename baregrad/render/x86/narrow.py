"""Loads and stores of 8 and 16 bits: registers have 32 bits for each, memory alone has them narrow.

One row a dtype: how it is widened and narrowed. With AVX-512 stores are one instruction too, and masks work.
Without, lanes are cut to their low bits and packed. What casts do is in the rows; memory.py calls this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp
from baregrad.isa.form import Imm, Mem, VReg
from baregrad.isa.x86 import form
from baregrad.render.x86.template import VECTOR

if TYPE_CHECKING:
    from baregrad.render.x86.selector import Selector

MOVES = {16: "vmovups", 8: "vmovq", 4: "vmovd"}  # so many bytes to or from an xmm


class Narrow(NamedTuple):
    """The instructions of a dtype: lanes widened and narrowed, a scalar integer widened."""

    widen: str
    narrow: str
    scalar: str = ""


# fmt: off
STORED: dict[DType, Narrow] = {
    dt.int8:    Narrow("vpmovsxbd", "vpmovdb", "movsx"),
    dt.uint8:   Narrow("vpmovzxbd", "vpmovdb", "movzx"),
    dt.int16:   Narrow("vpmovsxwd", "vpmovdw", "movsx"),
    dt.uint16:  Narrow("vpmovzxwd", "vpmovdw", "movzx"),
    dt.float16: Narrow("vcvtph2ps", "vcvtps2ph"),
}
# fmt: on


def load(state: Selector, node: UOp, register: VReg, where: Mem, mask: VReg | None = None) -> None:
    """A LOAD, lanes or a scalar, under a mask or not."""
    row, bits = STORED[node.dtype], node.dtype.bits
    if node.shape:
        name = f"{VECTOR[register.bits]} ["
        state.do(row.widen, name, register, where, mask=mask, zeroing=mask is not None)
    elif row.scalar:
        state.emit(form(row.scalar, "r32", f"m{bits}"), register, where)
    else:
        number, low = state.register("r32"), state.register("xmm")
        state.emit(form("movzx", "r32", f"m{bits}"), number, where)
        state.do("vmovd", "xmm r32", low, number)
        state.do(row.widen, "xmm xmm", register, low)


def store(state: Selector, value: UOp, held: VReg, where: Mem, mask: VReg | None = None) -> None:
    """A STORE, lanes or a scalar, under a mask (AVX-512 only) or not."""
    row, bits = STORED[value.dtype], value.dtype.bits
    if not value.shape and row.scalar:
        state.emit(form("mov", f"m{bits}", f"r{bits}"), where, held)
    elif not value.shape:
        low = state.register("xmm")
        state.do(row.narrow, "xmm xmm #0", low, held, Imm(0))
        state.do("vpextrw", "[ xmm #0", where, low, Imm(0))
    elif not row.scalar:
        state.do(row.narrow, f"[ {VECTOR[held.bits]} #0", where, held, Imm(0), mask=mask)
    elif state.wide:
        state.do(row.narrow, f"[ {VECTOR[held.bits]}", where, held, mask=mask)
    else:
        packed = pack(state, held, bits)
        state.do(MOVES[value.shape[0] * bits // 8], "[ xmm", where, packed)


def pack(state: Selector, held: VReg, bits: int) -> VReg:
    """The low bits of lanes of 32 bits side by side in an xmm, without AVX-512."""
    kind = VECTOR[held.bits]
    clean = state.register(kind)
    ones = ((1 << bits) - 1).to_bytes(4, "little")
    state.do("vpand", f"{kind} {kind} {kind}", clean, held, state.vector_constant(ones, kind))
    low = high = clean
    if held.bits == 256:
        low, high = state.register("xmm"), state.register("xmm")
        state.do("vextracti128", "xmm ymm #0", high, clean, Imm(1))
        state.do("vmovups", "xmm xmm", low, clean)
    result = state.register("xmm")
    state.do("vpackusdw", "xmm xmm xmm", result, low, high)
    if bits == 8:
        state.do("vpackuswb", "xmm xmm xmm", result, result, result)
    return result
