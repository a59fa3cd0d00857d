"""One row a dtype: bits, kind, layout of floats, storage, special values.

Conversion is in convert.py, promotion in promote.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a dtype's bits mean; the order is the order of promotion."""

    VOID = 0
    BOOL = 1
    UINT = 2
    INT = 3
    FLOAT = 4


@dataclass(frozen=True, slots=True, eq=False)
class DType:
    """One row. Two dtypes are equal when they are the same row."""

    name: str
    bits: int
    kind: Kind
    exponent: int = 0
    mantissa: int = 0
    storage: str = ""  # struct and array letter of the stored form
    has_inf: bool = True
    source: str = ""

    @property
    def itemsize(self) -> int:
        """Bytes of one element in memory (bool: 1)."""
        return (self.bits + 7) // 8

    @property
    def is_float(self) -> bool:
        """Whether it is a floating-point dtype."""
        return self.kind is Kind.FLOAT

    @property
    def is_int(self) -> bool:
        """Whether it is an integer dtype (bool is not)."""
        return self.kind is Kind.INT or self.kind is Kind.UINT

    @property
    def is_signed(self) -> bool:
        """Whether it has negative values."""
        return self.kind is Kind.INT or self.kind is Kind.FLOAT

    @property
    def min(self) -> int | float:
        """The least value (floats: minus infinity where there is one): where a maximum starts."""
        if self.kind is Kind.FLOAT:
            return float("-inf") if self.has_inf else -self.max_finite
        return -(1 << (self.bits - 1)) if self.kind is Kind.INT else 0

    @property
    def max(self) -> int | float:
        """The greatest value (floats: infinity where there is one): where a minimum starts."""
        if self.kind is Kind.FLOAT:
            return float("inf") if self.has_inf else self.max_finite
        return (1 << (self.bits - (self.kind is Kind.INT))) - 1 if self.bits > 1 else 1

    @property
    def bias(self) -> int:
        """What is added to a float's exponent to store it."""
        return (1 << (self.exponent - 1)) - 1

    @property
    def min_exponent(self) -> int:
        """The exponent of a float's least normal value, which is 2**min_exponent."""
        return 1 - self.bias

    @property
    def max_finite(self) -> float:
        """The greatest finite value of a float.

        Without infinity the top exponent holds numbers too, and only the topmost code is NaN.
        """
        top = self.bias if self.has_inf else self.bias + 1
        steps = (2 << self.mantissa) - (1 if self.has_inf else 2)
        return float(steps) * 2.0 ** (top - self.mantissa)

    @property
    def epsilon(self) -> float:
        """The distance from 1.0 to the next value of a float."""
        return 2.0**-self.mantissa

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], DType], tuple[str]]:
        return named, (self.name,)  # copies and pickles are the row itself


# Columns of the rows: name, bits, kind, exponent bits, mantissa bits, storage letter.
# fmt: off
void       = DType("void",       0,  Kind.VOID)
bool_      = DType("bool",       1,  Kind.BOOL,  storage="B")
uint8      = DType("uint8",      8,  Kind.UINT,  storage="B")
uint16     = DType("uint16",     16, Kind.UINT,  storage="H")
uint32     = DType("uint32",     32, Kind.UINT,  storage="I")
uint64     = DType("uint64",     64, Kind.UINT,  storage="Q")
int8       = DType("int8",       8,  Kind.INT,   storage="b")
int16      = DType("int16",      16, Kind.INT,   storage="h")
int32      = DType("int32",      32, Kind.INT,   storage="i")
int64      = DType("int64",      64, Kind.INT,   storage="q")
float8e4m3 = DType("float8e4m3", 8,  Kind.FLOAT, 4,  3,  "B", has_inf=False, source="OCP OFP8 1.0")
float8e5m2 = DType("float8e5m2", 8,  Kind.FLOAT, 5,  2,  "B", source="OCP OFP8 1.0")
float16    = DType("float16",    16, Kind.FLOAT, 5,  10, "H", source="IEEE 754-2019 binary16")
bfloat16   = DType("bfloat16",   16, Kind.FLOAT, 8,  7,  "H", source="Intel 338302, bfloat16")
float32    = DType("float32",    32, Kind.FLOAT, 8,  23, "f", source="IEEE 754-2019 binary32")
float64    = DType("float64",    64, Kind.FLOAT, 11, 52, "d", source="IEEE 754-2019 binary64")
# fmt: on

ALL: tuple[DType, ...] = tuple(row for row in list(globals().values()) if isinstance(row, DType))
BY_NAME: dict[str, DType] = {row.name: row for row in ALL}


def named(name: str) -> DType:
    """The row of a name."""
    return BY_NAME[name]
