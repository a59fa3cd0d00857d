"""Floats of fewer than 8 bits as UOps: their bits are put where a larger float has them, and taken there.

They have no dtype that is computed with. Read pieces.py first.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.ir import UOp, const, ops
from baregrad.isa.meaning import Type, decode
from baregrad.lift import pieces
from baregrad.lift.pieces import Value, node_of
from baregrad.lift.world import single

SMALL = {"fp6": (3, 1), "bf6": (2, 3), "fp4": (1, 1)}
"""Floats without infinities and NaN: bits of the mantissa, and the bias."""


def spread(value: Value, type: Type) -> UOp:
    """A small float as float32: its bits where float32 has exponent and mantissa, times a power of two."""
    mantissa, bias = SMALL[type.name]
    plain = Type("u", type.bits)
    bits = node_of(pieces.retype(single(value, plain), plain), plain).cast(dt.uint32)
    size = UOp(ops.SHL, dt.uint32, (bits & ((1 << type.bits - 1) - 1), const(23 - mantissa, dt.uint32)))
    sign = UOp(ops.SHL, dt.uint32, (bits & 1 << type.bits - 1, const(32 - type.bits, dt.uint32)))
    return (size | sign).bitcast(dt.float32) * 2.0 ** (127 - bias)


def shortened(x: UOp, type: Type) -> Value:
    """A double as a small float: the nearest one, none beyond the largest, of NaN the largest without a sign.

    A sum with a number whose last bit is what the small one's last bit is worth rounds; a power of two then
    brings the exponent to where the small float has it, small numbers below the normal ones too.
    """
    mantissa, bias = SMALL[type.name]
    bits = Type("u", type.bits)
    top = (1 << type.bits - 1) - 1
    most = const(float(decode(type, top)), dt.float64)
    raw = x.bitcast(dt.uint64)
    size = (raw & (1 << 63) - 1).bitcast(dt.float64)
    size = (size < most).where(size, most)
    exponent = UOp(ops.SHR, dt.uint64, (size.bitcast(dt.uint64), const(52, dt.uint64)))
    exponent = exponent.maximum(1024 - bias)
    rounder = UOp(ops.SHL, dt.uint64, (exponent + (52 - mantissa), const(52, dt.uint64))) | 1 << 51
    near = size + rounder.bitcast(dt.float64) - rounder.bitcast(dt.float64)
    moved = (near * 2.0 ** (bias - 1023)).bitcast(dt.uint64)
    code = UOp(ops.SHR, dt.uint64, (moved, const(52 - mantissa, dt.uint64)))
    sign = UOp(ops.SHR, dt.uint64, (raw, const(63, dt.uint64)))
    sign = UOp(ops.SHL, dt.uint64, (sign, const(type.bits - 1, dt.uint64)))
    found = x.eq(x).where(code | sign, const(top, dt.uint64))
    return pieces.retype(found.cast(pieces.dtype_of(bits)), type)
