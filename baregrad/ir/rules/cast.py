"""CAST and BITCAST: of two casts one goes where the dtype in the middle holds all that the first one does."""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.dtype import DType, Kind
from baregrad.ir import ops
from baregrad.ir.bounds import bounds
from baregrad.ir.match import Rules, rules
from baregrad.ir.pattern import any_, bitcast, cast, of
from baregrad.ir.uop import UOp

x = any_("x")


def holds(outer: DType, inner: DType) -> bool:
    """Whether every value of `inner` is exactly a value of `outer`.

    >>> from baregrad import dtype as dt
    >>> holds(dt.float32, dt.float16), holds(dt.float32, dt.int32), holds(dt.int16, dt.uint8)
    (True, False, True)
    """
    if outer is inner or inner.kind is Kind.BOOL:
        return True
    if inner.is_float:
        wide = outer.is_float and (outer.has_inf or not inner.has_inf)
        return wide and outer.mantissa >= inner.mantissa and outer.exponent >= inner.exponent
    if outer.is_float:
        return outer.mantissa + 1 >= inner.bits - inner.is_signed and (1 << (outer.exponent - 1)) > inner.bits
    return outer.min <= inner.min and outer.max >= inner.max


def cast_of_cast(root: UOp) -> UOp | None:
    """cast(cast(x)) -> cast(x) where the middle loses nothing, or only what the outer cast loses too."""
    middle = root.src[0]
    x = middle.src[0]
    all_ints = x.dtype.is_int and middle.dtype.is_int and root.dtype.is_int
    narrowing = all_ints and root.dtype.bits <= middle.dtype.bits
    if not narrowing and not holds(middle.dtype, x.dtype):
        return None
    return x if x.dtype is root.dtype else UOp(ops.CAST, root.dtype, (x,))


def same_dtype(root: UOp) -> UOp | None:
    """A cast to the dtype that the value has."""
    return root.src[0] if root.src[0].dtype is root.dtype else None


def narrowed(root: UOp) -> UOp | None:
    """cast(cast(x)) -> x's cast where bounds tell that the middle holds the values that x really has."""
    middle = root.src[0]
    x = middle.src[0]
    if not (x.dtype.is_int and middle.dtype.is_int and root.dtype.is_int):
        return None
    low, high = bounds(x)
    if low < middle.dtype.min or high > middle.dtype.max:
        return None
    return x if x.dtype is root.dtype else UOp(ops.CAST, root.dtype, (x,))


@memo
def table() -> Rules:
    """The table."""
    # fmt: off
    return rules("cast", [
        # name               pattern                result
        ("same",             cast(x),               same_dtype),
        ("cast_cast",        cast(cast(x)),         cast_of_cast),
        ("narrowed",         cast(cast(x)),         narrowed),
        ("bitcast_same",     bitcast(x),            same_dtype),
        ("bitcast_bitcast",  of(ops.BITCAST, bitcast(x)), lambda root:
        root.src[0].src[0].bitcast(root.dtype)),
    ])
    # fmt: on
