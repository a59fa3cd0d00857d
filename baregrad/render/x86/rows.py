"""How the rows of rows_*.py are written, and how the rows for one node are found.

A row is `row(op, dtypes, shapes, lines, …)`: for results (compares and casts: sources) of these
dtypes, scalar "s" or vector "v", with AVX-512 ("wide"), without ("narrow") or both. The first row
whose condition holds is taken. <e> and the like in its lines stand for what the dtype decides; see
`names`. The lines' language is in template.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, ops
from baregrad.lower import COMPUTED_IN

I32, U32, I64, U64, F32, F64, BOOL = (
    (dt.int32,),
    (dt.uint32,),
    (dt.int64,),
    (dt.uint64,),
    (dt.float32,),
    (dt.float64,),
    (dt.bool_,),
)
INT4, INT8 = I32 + U32, I64 + U64
SIGNED, UNSIGNED = I32 + I64, U32 + U64
INTS = INT4 + INT8
FLOATS = F32 + F64
BYTES, WORDS, HALF = (dt.int8, dt.uint8), (dt.int16, dt.uint16), (dt.float16,)

Constant = Any  # the Python value of a constant node: bool, int or float


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row. `source` restricts the dtype of a cast's source; `when` names a condition on the node."""

    op: Op
    dtypes: tuple[DType, ...]
    shape: str
    lines: str
    wide: bool | None = None
    when: str = ""
    source: tuple[DType, ...] = ()


def row(op: Op, dtypes: tuple[DType, ...], shape: str, lines: str, **facts: Any) -> Row:  # Any: fields of Row
    """Make a row."""
    return Row(op, dtypes, shape, lines, **facts)


def casts(source: tuple[DType, ...], dtypes: tuple[DType, ...], shape: str, lines: str, **facts: Any) -> Row:
    """A row of CAST."""
    return Row(ops.CAST, dtypes, shape, lines, source=source, **facts)


def constant_of(node: UOp) -> Constant:
    """The value of a constant or of a constant in every lane, else None."""
    if node.op is ops.BROADCAST:
        node = node.src[0]
    return node.arg if node.op is ops.CONST else None


def held(dtype: DType) -> DType:
    """What a register has for a dtype: those of 8 and 16 bits are widened by loads and narrowed by stores;
    in between, what an integer has above its bits means nothing, and a float16 need not be rounded.
    """
    return COMPUTED_IN.get(dtype, dtype)


def signed(value: int, bits: int) -> int:
    """The bits of an integer read as signed."""
    return value - (1 << bits) if value >> (bits - 1) & 1 and value > 0 else value


def _second(node: UOp) -> int | None:
    """The constant second source as a signed integer."""
    value = constant_of(node.src[1])
    return None if value is None else signed(int(value), node.dtype.bits) if node.dtype.is_int else int(value)


def _source_second(node: UOp) -> int | None:
    value = constant_of(node.src[1])
    return None if value is None else signed(int(value), max(node.src[1].dtype.bits, 8))


def _short(value: int | None) -> bool:
    return value is not None and -(1 << 31) < value < 1 << 31


def _power(node: UOp) -> bool:
    value = constant_of(node.src[1])
    return value is not None and 0 < value <= 1 << 31 and value & (value - 1) == 0


def _float(node: UOp, place: int, test: Callable[[float], bool]) -> bool:
    value = constant_of(node.src[place])
    return value is not None and test(value)


# fmt: off
CONDITIONS: dict[str, Callable[[UOp], bool]] = {
    "imm":         lambda n: _short(_second(n)),
    "imm_source":  lambda n: _short(_source_second(n)),
    "power":       _power,
    "count":       lambda n: constant_of(n.src[1]) is not None and 0 <= constant_of(n.src[1]) < n.dtype.bits,
    "far":         lambda n: constant_of(n.src[1]) is not None,
    "a_number":    lambda n: _float(n, 0, lambda v: v == v),
    "b_not_zero":  lambda n: _float(n, 1, lambda v: v == v and v != 0),
    "b_plus_zero": lambda n: _float(n, 1, lambda v: v == 0 and math.copysign(1, v) > 0),
    "c_constant":  lambda n: constant_of(n.src[2]) is not None,
    "c_zero":      lambda n: constant_of(n.src[2]) == 0 and math.copysign(1, constant_of(n.src[2])) > 0,
}
FUNCTIONS: dict[str, Callable[[int, int], int]] = {  # (value, bits)
    "":       signed,
    "neg":    lambda value, bits: -signed(value, bits),
    "log2":   lambda value, _bits: value.bit_length() - 1,
    "less":   lambda value, _bits: value - 1,
    "rest":   lambda value, bits: bits - value,
}
# fmt: on


def names(dtype: DType, vector: bool, wide: bool) -> dict[str, str]:
    """What the placeholders of a row stand for."""
    eight = dtype.bits == 64
    is_signed = dtype.is_signed
    return {
        "e": "q" if eight else "d",  # the last letter of integer instructions
        "q": ("q" if eight else "d") if wide else "",  # … of bitwise ones, which AVX does not tell apart
        "s": ("p" if vector else "s") + ("d" if eight else "s"),
        "p": "pd" if eight else "ps",
        "w": "64" if eight else "32",
        "n": str(dtype.bits),
        "m": str(dtype.bits - 1),
        "u": "" if is_signed else "u",
        "right": "sar" if is_signed else "shr",
        "sra": "vpsra" if is_signed else "vpsrl",
        "lt": "l" if is_signed else "b",
        "le": "le" if is_signed else "be",
        "gt": "g" if is_signed else "a",
        "max": "s" if is_signed else "u",
        "i": f"i{dtype.bits}",
        "f": f"f{dtype.bits}",
        "sign": f"u{dtype.bits}:{1 << max(dtype.bits - 1, 0):#x}",
    }


def expand(lines: str, values: dict[str, str]) -> str:
    """Lines with their placeholders filled."""
    for name, value in values.items():
        lines = lines.replace(f"<{name}>", value)
    return lines.replace(";", "\n")
