"""What works across lanes: repeating, cutting, putting together, masks in their several forms, and
lane by lane.

A vector op that no row has is done lane by lane: its sources are cut into scalars, the scalar op's
row is run on each, and the results are put together.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from baregrad import dtype as dt
from baregrad.base import memo
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, const, ops
from baregrad.isa.form import Form, Imm, Mem, VReg
from baregrad.isa.x86 import EVEX, form, forms
from baregrad.render.x86.rows import constant_of, held
from baregrad.render.x86.template import VECTOR

if TYPE_CHECKING:
    from baregrad.render.x86.selector import Selector


@memo
def indexed_form(name: str, kind: str, index_bits: int, wide: bool) -> Form:
    """The form of a gather or scatter for a kind of data and the width of the vector of offsets."""
    letter = {128: "x", 256: "y", 512: "z"}[index_bits]
    for found in forms(name):
        kinds = [k for operand in found.operands for k in operand.kinds]
        fits = kind in kinds and any(k[:2] == "vm" and k[-1] == letter for k in kinds)
        if fits and isinstance(found.encoding, EVEX) == wide:
            return found
    raise CompileError(
        f"no form of {name} for {kind} data and {index_bits} bits of offsets",
        why="render.x86: lanes of data and offsets must be as many",
        mend="cast the offsets to int32 or int64 of as many lanes",
    )


# -- masks -----------------------------------------------------------------------------------------


def constant_mask(state: Selector, value: bool, count: int, bits: int) -> VReg:
    """A bool vector that is the same in every lane, made before the outermost loop."""
    if not state.wide:
        return state.vector_constant((b"\xff" if value else b"\0") * 4, VECTOR[bits])
    key = (b"mask", str((1 << count) - 1 if value else 0))
    register = state.constants.get(key)
    if register is None:
        register = state.constants[key] = state.register("k")
        number = state.register("r32")
        outside = state.out
        if state.loops:
            state.out = state.early
        state.emit(form("mov", "r32", "imm32"), number, Imm((1 << count) - 1 if value else 0))
        state.do("kmovd", "k r32", register, number)
        state.out = outside
    return register


def set_mask(state: Selector, k: VReg, count: int) -> None:
    """A mask register of one's own with the lowest lanes on."""
    state.copy(k, constant_mask(state, True, count, 0))


def resize_mask(state: Selector, held: VReg, count: int, bits: int) -> VReg:
    """A bool vector without AVX-512 whose lanes fill `bits` bits."""
    if held.bits == bits or held.bank == "mask":
        return held
    if held.bits * 2 == bits:
        wide = state.register(VECTOR[bits])
        state.do("vpmovsxdq", f"{VECTOR[bits]} {VECTOR[held.bits]}", wide, held)
        return wide
    assert held.bits == bits * 2 == 256, f"a mask of {count} lanes in {held.bits} bits cannot have {bits}"
    pairs, low = state.register("ymm"), state.register("ymm")
    result = state.register("xmm")
    state.do("vpshufd", "ymm ymm #0", pairs, held, Imm(8))
    state.do("vpermq", "ymm ymm #0", low, pairs, Imm(8))
    state.do("vmovups", "xmm xmm", result, low)
    return result


def mask_for(state: Selector, mask: UOp, count: int, bits: int) -> VReg:
    """The value of a mask without AVX-512, with lanes that fill `bits` bits."""
    constant = constant_of(mask)
    if constant is not None:
        return constant_mask(state, bool(constant), count, bits)
    return resize_mask(state, state.value(mask), count, bits)


def spread_low_bit(state: Selector, register: VReg, lane_bits: int) -> None:
    """Turn lanes of 0 and 1 into lanes without bits and with all bits, in place."""
    kind = VECTOR[register.bits]
    name = "vpcmpgtq" if lane_bits == 64 else "vpcmpgtd"
    state.do(name, f"{kind} {kind} {kind}", register, register, state.vector_constant(bytes(4), kind))


def mask_value(state: Selector, value: UOp) -> VReg:
    """A bool vector; a constant one with lanes of 4 bytes."""
    constant = constant_of(value)
    if constant is None:
        return state.value(value)
    return constant_mask(state, bool(constant), value.shape[0], max(128, value.shape[0] * 32))


def mask_to_bytes(state: Selector, held: VReg, count: int) -> VReg:
    """A bool vector as bytes 0 and 1 in the lowest bytes of an xmm."""
    result = state.register("xmm")
    if held.bank == "mask":
        state.do("vmovdqu8", "xmm [", result, state.pooled(b"\1" * 16), mask=held, zeroing=True)
        return result
    low = held
    if held.bits == 256 and count == 8:
        high, low = state.register("xmm"), state.register("xmm")
        state.do("vextracti128", "xmm ymm #0", high, held, Imm(1))
        state.do("vpackssdw", "xmm xmm xmm", low, held, high)
    else:
        held = resize_mask(state, held, count, 128)
        low = state.register("xmm")
        if count == 2:
            state.do("vpshufd", "xmm xmm #0", low, held, Imm(8))
            held = low
        state.do("vpackssdw", "xmm xmm xmm", low, held, held)
    state.do("vpacksswb", "xmm xmm xmm", result, low, low)
    state.do("vpabsb", "xmm xmm", result, result)
    return result


# -- ops -------------------------------------------------------------------------------------------


def broadcast(state: Selector, node: UOp) -> None:
    """BROADCAST: a scalar in every lane."""
    source, dtype = node.src[0], held(node.dtype)
    if node in state.values or constant_of(source) is not None:
        return  # an embedded broadcast, or a constant
    found = state.values.get(source)
    if node.dtype is dt.bool_:
        broadcast_mask(state, node)
        return
    register = state.result(node)
    kind = VECTOR[register.bits]
    name = {32: "vpbroadcastd", 64: "vpbroadcastq"}[dtype.bits]
    if isinstance(found, Mem):
        state.do("vbroadcastss" if dtype.bits == 32 else name, f"{kind} [", register, found)
    elif dtype.is_float:
        low = state.value(source)
        state.do("vbroadcastss" if dtype.bits == 32 else name, f"{kind} xmm", register, low)
    elif state.wide:
        state.do(name, f"{kind} r{dtype.bits}", register, state.value(source))
    else:
        low = state.register("xmm")
        move = "vmovd" if dtype.bits == 32 else "vmovq"
        state.do(move, f"xmm r{dtype.bits}", low, state.value(source))
        state.do(name, f"{kind} xmm", register, low)


def broadcast_mask(state: Selector, node: UOp) -> None:
    """A bool in every lane: minus one has all bits."""
    number = state.register("r32")
    state.emit(form("mov", "r32", "r32"), number, state.value(node.src[0]))
    state.emit(form("neg", "r32"), number)
    register = state.result(node)
    if state.wide:
        state.do("kmovd", "k r32", register, number)
        return
    low = state.register("xmm")
    state.do("vmovd", "xmm r32", low, number)
    state.do("vpbroadcastd", f"{VECTOR[register.bits]} xmm", register, low)


def lanes(state: Selector, node: UOp) -> None:
    """LANES: 0, 1, 2 … from the constant pool."""
    count = node.shape[0]
    letter = "q" if node.dtype.bits == 64 else "i"
    element = struct.pack(f"<{count}{letter}", *range(count))
    state.values[node] = state.vector_constant(element, VECTOR[len(element) * 8])


def bitcast(state: Selector, node: UOp) -> None:
    """BITCAST: the same register; between banks a move."""
    source = node.src[0]
    if not node.shape and node.dtype.is_float != source.dtype.is_float:
        state.select_row(node)
        return
    state.values[node] = state.value(source)


def cast(state: Selector, node: UOp) -> None:
    """CAST: what a load has widened already is in the wider dtype."""
    source = node.src[0]
    if source.op is ops.LOAD and source.dtype is not node.dtype and held(source.dtype) is node.dtype:
        state.carried.pop(node, None)
        state.values[node] = state.value(source)
    elif node not in state.values:
        state.select_row(node)


def slice_(state: Selector, node: UOp) -> None:
    """SLICE: one lane as a scalar, or neighbouring lanes."""
    start, count = node.arg
    source = node.src[0]
    if source.dtype is dt.bool_:
        slice_mask(state, node, start, count)
        return
    whole, dtype = state.value(source), held(node.dtype)
    bits = dtype.bits
    if count > 1:
        state.values[node] = cut(state, whole, start * bits, count * bits)
        return
    chunk = cut(state, whole, start * bits // 128 * 128, 128) if start * bits >= 128 else whole
    inner = start * bits % 128 // bits
    register = state.result(node)
    if dtype.is_float:
        if inner:
            name = "vpermilps" if bits == 32 else "vpermilpd"
            state.do(name, "xmm xmm #0", register, chunk, Imm(inner))
        else:
            state.do("vmovups", "xmm xmm", register, chunk)
    elif inner:
        state.do("vpextrd" if bits == 32 else "vpextrq", f"r{bits} xmm #0", register, chunk, Imm(inner))
    else:
        state.do("vmovd" if bits == 32 else "vmovq", f"r{bits} xmm", register, chunk)


def cut(state: Selector, held: VReg, begin: int, size: int) -> VReg:
    """The bits begin..begin + size of a vector."""
    if size == held.bits:
        return held
    result = state.register(VECTOR[size])
    kind, part = VECTOR[held.bits], VECTOR[size]
    if begin % size:
        shifted = state.register(kind)
        if state.wide:
            state.do("valignd", f"{kind} {kind} {kind} #0", shifted, held, held, Imm(begin // 32))
        else:  # a ymm: the two halves, then the bytes between them
            high = state.register("xmm")
            state.do("vextractf128", "xmm ymm #0", high, held, Imm(1))
            state.do("vpalignr", "xmm xmm xmm #0", shifted, high, held, Imm(begin // 8))
        state.do("vmovups", f"{part} {part}", result, shifted)
    elif begin == 0:
        state.do("vmovups", f"{part} {part}", result, held)
    elif state.wide:
        name = "vextractf32x4" if size == 128 else "vextractf64x4"
        state.do(name, f"{part} {kind} #0", result, held, Imm(begin // size))
    else:
        state.do("vextractf128", "xmm ymm #0", result, held, Imm(1))
    return result


def slice_mask(state: Selector, node: UOp, start: int, count: int) -> None:
    """One lane of a bool vector as 0 or 1, or neighbouring lanes."""
    source = node.src[0]
    held = mask_value(state, source)
    total = source.shape[0]
    if count > 1:
        if held.bank == "mask":
            state.do("kshiftrw", "k k #0", state.result(node), held, Imm(start))
            return
        four = resize_mask(state, held, total, max(128, total * 32))
        part = cut(state, four, start // 4 * 128, 128) if four.bits > 128 else four
        if count == 2:
            pair, result = state.register("xmm"), state.register("xmm")
            state.do("vpsrldq", "xmm xmm #0", pair, part, Imm(4 * (start % 4)))
            state.do("vpmovsxdq", "xmm xmm", result, pair)
            part = result
        state.values[node] = part
        return
    bits, register = state.register("r32"), state.result(node)
    if held.bank == "mask":
        state.do("kmovw", "r32 k", bits, held)
    else:
        name = "vmovmskpd" if held.bits == 64 * total else "vmovmskps"
        state.do(name, f"r32 {VECTOR[held.bits]}", bits, held)
    if start:
        state.emit(form("shr", "r32", "imm8"), bits, Imm(start))
    state.emit(form("mov", "r32", "r32"), register, bits)
    state.emit(form("and", "r32", "imm8"), register, Imm(1))


def stack(state: Selector, node: UOp) -> None:
    """STACK: scalars as lanes."""
    values = [state.value(source) for source in node.src]
    if node.dtype is dt.bool_:
        state.values[node] = stack_bools(state, values)
        return
    per = 128 // held(node.dtype).bits
    parts = [stack_chunk(state, node, values[i : i + per]) for i in range(0, len(values), per)]
    while len(parts) > 1:
        parts = [join(state, parts[i], parts[i + 1]) for i in range(0, len(parts), 2)]
    state.values[node] = parts[0]


def stack_chunk(state: Selector, node: UOp, values: Sequence[VReg]) -> VReg:
    """Scalars as the lanes of an xmm."""
    dtype = held(node.dtype)
    bits = dtype.bits
    made = state.register("xmm")
    if dtype.is_float:
        state.do("vmovups", "xmm xmm", made, values[0])
    else:
        state.do("vmovd" if bits == 32 else "vmovq", f"xmm r{bits}", made, values[0])
    for place, value in enumerate(values[1:], 1):
        if dtype is dt.float32:
            state.do("vinsertps", "xmm xmm xmm #0", made, made, value, Imm(place << 4))
        elif dtype is dt.float64:
            state.do("vunpcklpd", "xmm xmm xmm", made, made, value)
        else:
            name = "vpinsrd" if bits == 32 else "vpinsrq"
            state.do(name, f"xmm xmm r{bits} #0", made, made, value, Imm(place))
    return made


def join(state: Selector, low: VReg, high: VReg) -> VReg:
    """Two vectors of one size side by side."""
    kind, part = VECTOR[low.bits * 2], VECTOR[low.bits]
    result = state.register(kind)
    name = ("vinsertf32x4" if low.bits == 128 else "vinsertf64x4") if state.wide else "vinsertf128"
    state.do(name, f"{kind} {kind} {part} #0", result, low, high, Imm(1))
    return result


def stack_bools(state: Selector, values: Sequence[VReg]) -> VReg:
    """Bools as a bool vector: their bits in a general register, or minus them as lanes."""
    if not state.wide:
        lanes_ = []
        for value in values:
            number = state.register("r32")
            state.emit(form("mov", "r32", "r32"), number, value)
            state.emit(form("neg", "r32"), number)
            lanes_.append(number)
        spread = [lanes_[i // 2] for i in range(4)] if len(values) == 2 else lanes_
        like = UOp(ops.STACK, dt.int32, tuple(const(0, dt.int32) for _ in spread))
        parts = [stack_chunk(state, like, spread[i : i + 4]) for i in range(0, len(spread), 4)]
        return parts[0] if len(parts) == 1 else join(state, parts[0], parts[1])
    total = state.register("r32")
    state.emit(form("mov", "r32", "r32"), total, values[0])
    for place, value in enumerate(values[1:], 1):
        bit = state.register("r32")
        state.emit(form("mov", "r32", "r32"), bit, value)
        state.emit(form("shl", "r32", "imm8"), bit, Imm(place))
        state.emit(form("or", "r32", "r32"), total, bit)
    register = state.register("k")
    state.do("kmovd", "k r32", register, total)
    return register


# -- lane by lane ----------------------------------------------------------------------------------


def lane(state: Selector, source: UOp, place: int) -> UOp:
    """One lane of a vector as a scalar node that has its value."""
    constant = constant_of(source)
    if constant is not None:
        return const(constant, source.dtype)
    node = UOp(ops.SLICE, source.dtype, (source,), (place, 1))
    slice_(state, node)
    return node


def one_by_one(state: Selector, node: UOp) -> None:
    """A vector op as scalar ops."""
    if not node.shape:
        raise CompileError(
            f"{node.op.name} of {', '.join(s.dtype.name for s in node.src)} to {node.dtype}",
            why="render.x86.select: no row fits this scalar node",
            mend="cast to a dtype that the target computes with, or add a row to render/x86",
        )
    scalars = []
    for place in range(node.shape[0]):
        scalar = UOp(
            node.op, node.dtype, tuple([lane(state, source, place) for source in node.src]), node.arg
        )
        state.plans.pop(scalar, None)
        state.select_row(scalar)
        scalars.append(scalar)
    together = UOp(ops.STACK, node.dtype, tuple(scalars))
    stack(state, together)
    state.values[node] = state.values[together]
