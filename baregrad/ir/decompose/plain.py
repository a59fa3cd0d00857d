"""Ops said with other ops, for targets without an instruction: exact, for every dtype that the op takes.

Each function takes the sources of the node and gives its value. The float32 functions are in float32.py.
"""

from __future__ import annotations

from baregrad.ir import ops
from baregrad.ir.uop import UOp


def maximum(a: UOp, b: UOp) -> UOp:
    """a if it is NaN or greater, else b (which passes its NaN on, since no comparison with it holds)."""
    greater = b < a
    return (greater | a.ne(a) if a.dtype.is_float else greater).where(a, b)


def minimum(a: UOp, b: UOp) -> UOp:
    """a if it is NaN or less, else b."""
    less = a < b
    return (less | a.ne(a) if a.dtype.is_float else less).where(a, b)


def negative(a: UOp) -> UOp:
    """0 - a; from -0.0 for floats, so that the zeros change their sign."""
    return a.const_like(-0.0 if a.dtype.is_float else 0) - a


def inverted(a: UOp) -> UOp:
    """All bits flipped."""
    return a ^ a.const_like(-1 if a.dtype.is_int else True)


def remainder(a: UOp, b: UOp) -> UOp:
    """a - a // b * b: a itself where b is 0, since a // 0 is 0."""
    return a - a // b * b


def reciprocal(a: UOp) -> UOp:
    """1 / a."""
    return a.const_like(1.0) / a


def reciprocal_root(a: UOp) -> UOp:
    """1 / sqrt(a), rounded twice."""
    return 1.0 / a.alu(ops.SQRT)


def floor(a: UOp) -> UOp:
    """The integer toward zero, less one where that is above."""
    near = a.alu(ops.TRUNC)
    return (a < near).where(near - 1.0, near)


def less_or_equal(a: UOp, b: UOp) -> UOp:
    """a < b or a == b: false with a NaN, as it must be."""
    return (a < b) | a.eq(b)


def not_equal(a: UOp, b: UOp) -> UOp:
    """Not a == b: true with a NaN, as it must be."""
    return ~a.eq(b)
