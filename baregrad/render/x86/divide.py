"""Division: by constants with a multiplication and shifts, of int32 vectors in float64.

Vectors: the quotient of two 32-bit integers, rounded to float64, has the same floor as the exact
one: that is a multiple of 1/b, so it is an integer or at least 2**-32 away from the next, while
rounding moves it by at most 2**-22 / b.

floor(n / c) for signed n is floor(m / c) ^ s with s = n >> 63 (0 or -1) and m = n ^ s >= 0, since
~floor(~n / c) rounds the other way. For 0 <= m < 2**N, c > 0: floor(m / c) = m * M >> (N + k) with
k = ceil(log2 c) and M = 2**(N + k) / c rounded up (Granlund and Montgomery, 1994, theorem 4.2): N
is 31 or 63, so that M has at most N + 1 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baregrad.base.integers import ceil_div
from baregrad.ir import UOp, ops
from baregrad.isa.form import Imm, VReg
from baregrad.isa.x86 import form
from baregrad.render.x86 import lanes
from baregrad.render.x86.rows import constant_of
from baregrad.render.x86.template import VECTOR

if TYPE_CHECKING:
    from baregrad.render.x86.selector import Selector

OPS = frozenset((ops.IDIV, ops.MOD))


def magic(divisor: int, bits: int) -> tuple[int, int]:
    """(multiplier, shift) so that m // divisor == m * multiplier >> shift for 0 <= m < 2**bits.

    >>> m, s = magic(7, 31)
    >>> all(n // 7 == n * m >> s for n in (0, 6, 7, 2**31 - 1))
    True
    """
    shift = bits + (divisor - 1).bit_length()
    return ceil_div(1 << shift, divisor), shift


def select(state: Selector, node: UOp) -> bool:
    """Whether an IDIV or MOD was done here: a scalar by a constant, or a vector in float64."""
    divisor = constant_of(node.src[1])
    if node.shape and node.dtype.bits == 32 and (divisor is None or divisor <= 0 or divisor & (divisor - 1)):
        return divide_vector(state, node)
    if node.shape or node.op not in OPS or divisor is None or divisor <= 2 or divisor & (divisor - 1) == 0:
        return False
    if not node.dtype.is_signed or divisor >= 1 << (node.dtype.bits - 2):
        return False
    source = state.value(node.src[0])
    quotient = divide32(state, source, divisor) if node.dtype.bits == 32 else divide64(state, source, divisor)
    if node.op is ops.IDIV:
        state.values[node] = quotient
        return True
    kind = f"r{node.dtype.bits}"
    product, rest = state.register(kind), state.register(kind)
    if divisor < 1 << 31:
        state.emit(form("imul", kind, kind, "imm32"), product, quotient, Imm(divisor))
    else:
        state.copy(product, quotient)
        state.emit(form("imul", kind, kind), product, state.value(node.src[1]))
    state.copy(rest, source)
    state.emit(form("sub", kind, kind), rest, product)
    state.values[node] = rest
    return True


def folded(state: Selector, source: VReg) -> tuple[VReg, VReg]:
    """(s, m): the sign as 0 or -1, and the number with its bits turned around where it is negative."""
    sign, number = state.register("r64"), state.register("r64")
    state.copy(sign, source)
    state.emit(form("sar", "r64", "imm8"), sign, Imm(63))
    state.copy(number, source)
    state.emit(form("xor", "r64", "r64"), number, sign)
    return sign, number


def divide32(state: Selector, source: VReg, divisor: int) -> VReg:
    """n // divisor of 32 bits: the product fits 64 bits."""
    wide = state.register("r64")
    state.emit(form("movsxd", "r64", "r32"), wide, source)
    sign, number = folded(state, wide)
    multiplier, shift = magic(divisor, 31)
    factor = state.register("r64")
    kind = "imm32" if multiplier < 1 << 31 else "imm64"
    state.emit(form("mov", "r64", kind), factor, Imm(multiplier))
    state.emit(form("imul", "r64", "r64"), number, factor)
    state.emit(form("shr", "r64", "imm8"), number, Imm(shift))
    state.emit(form("xor", "r64", "r64"), number, sign)
    result = state.register("r32")
    state.emit(form("mov", "r32", "r32"), result, number)
    return result


def divide64(state: Selector, source: VReg, divisor: int) -> VReg:
    """n // divisor of 64 bits: the upper half of the product, shifted."""
    sign, number = folded(state, source)
    multiplier, shift = magic(divisor, 63)
    factor, low, high = state.register("r64"), state.register("r64"), state.register("r64")
    signed = multiplier - (1 << 64) if multiplier >> 63 else multiplier
    state.emit(form("mov", "r64", "imm64"), factor, Imm(signed))
    state.copy(low, number)
    state.emit(form("mul", "r64"), low, high, factor)
    if shift > 64:
        state.emit(form("shr", "r64", "imm8"), high, Imm(shift - 64))
    state.emit(form("xor", "r64", "r64"), high, sign)
    return high


def divide_vector(state: Selector, node: UOp) -> bool:
    """A vector of 32-bit integers: in halves where float64 would not fit a register."""
    if not state.wide and not node.dtype.is_signed:
        return False  # only AVX-512 converts unsigned integers
    a, b = state.value(node.src[0]), state.value(node.src[1])
    bits = a.bits
    kind = VECTOR[bits]
    if bits * 2 <= state.target.vector_bytes * 8:
        quotient = quotient_of(state, a, b, bits, node.dtype.is_signed)
    else:
        half = bits // 2
        parts = [
            quotient_of(
                state,
                lanes.cut(state, a, begin, half),
                lanes.cut(state, b, begin, half),
                half,
                node.dtype.is_signed,
            )
            for begin in (0, half)
        ]
        quotient = lanes.join(state, parts[0], parts[1])
    result = state.register(kind)
    if state.wide:
        by_some = state.register("k")
        state.do("vptestmd", f"k {kind} {kind}", by_some, b, b)
        state.do("vmovdqa32", f"{kind} {kind}", result, quotient, mask=by_some, zeroing=True)
    else:
        by_zero = state.register(kind)
        zero = state.vector_constant(bytes(4), kind)
        state.do("vpcmpeqd", f"{kind} {kind} {kind}", by_zero, b, zero)
        state.do("vpandn", f"{kind} {kind} {kind}", result, by_zero, quotient)
    if node.op is ops.MOD:
        product, rest = state.register(kind), state.register(kind)
        state.do("vpmulld", f"{kind} {kind} {kind}", product, result, b)
        state.do("vpsubd", f"{kind} {kind} {kind}", rest, a, product)
        result = rest
    state.values[node] = result
    return True


def quotient_of(state: Selector, a: VReg, b: VReg, bits: int, signed: bool) -> VReg:
    """The floor of a / b, computed in float64 of twice the width."""
    kind, double = VECTOR[bits], VECTOR[bits * 2]
    letter = "" if signed else "u"
    wide = [state.register(double) for _ in range(4)]
    state.do(f"vcvt{letter}dq2pd", f"{double} {kind}", wide[0], a)
    state.do(f"vcvt{letter}dq2pd", f"{double} {kind}", wide[1], b)
    state.do("vdivpd", f"{double} {double} {double}", wide[2], wide[0], wide[1])
    name = "vrndscalepd" if state.wide else "vroundpd"
    state.do(name, f"{double} {double} #0", wide[3], wide[2], Imm(9))
    result = state.register(kind)
    state.do(f"vcvttpd2{letter}dq", f"{kind} {double}", result, wide[3])
    return result
