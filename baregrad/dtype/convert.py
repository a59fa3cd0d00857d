"""Bit-exact conversion between Python values, dtypes and storage: what every other layer must agree with.

A value of a dtype is a bool, an int or a float of Python that the dtype holds exactly. The rules of
conversion, total:

- int to int wraps modulo 2**bits.
- anything to bool is `!= 0` (NaN is true).
- int or bool to float, and float to float, rounds once, to nearest even; what is too large becomes infinity,
  and NaN in float8e4m3, which has none (infinity too becomes NaN there).
- float to int truncates toward zero, then saturates to [min, max] of the dtype; NaN becomes 0.
- NaN stays NaN. Its sign is kept; its payload is kept by float32 and float64 only.

Storage is little-endian. Promotion is in promote.py, the rows in table.py; docs/decisions/0006 has the
reasons.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from math import copysign, frexp, inf, isfinite, ldexp, nan

from baregrad.base import memo, wrap_signed, wrap_unsigned
from baregrad.base.errors import DTypeError
from baregrad.dtype.table import ALL, DType, Kind, bfloat16, bool_, float16, float32, float64

Value = bool | int | float
INTEGERS = {row: (int(row.min), int(row.max)) for row in ALL if row.is_int}  # least and greatest values
EXACT = 1 << 53  # integers up to it are exact in float64
HUGE = 1 << 1023  # infinite in every dtype but float64

assert sys.byteorder == "little", "storage is little-endian, and so must be the machine"


# ---- one value


def round_to(dtype: DType, value: float) -> float:
    """The value of a float dtype that is nearest to a Python number (int of any size); ties go to even.

    >>> from baregrad.dtype import float8e4m3
    >>> round_to(float16, 0.1), round_to(float8e4m3, 1e9), round_to(float32, 2**60 + 2**36 + 1) - 2.0**60
    (0.0999755859375, nan, 137438953472.0)
    """
    if isinstance(value, int):
        value = _float_of_int(dtype, value)
    if dtype is float32:
        return array("f", (value,))[0]
    return value if dtype is float64 else _round_small(value, *_limits(dtype))


def _float_of_int(dtype: DType, value: int) -> float:
    """A float64 that rounds to the dtype as the integer itself does."""
    if -EXACT <= value <= EXACT:
        return float(value)
    if dtype is float64 or abs(value) >= HUGE:
        return _float64_of_int(value)
    # Rounding to odd at 53 bits: the last bit says whether anything was lost, which keeps every later tie
    # apart.
    size = abs(value)
    shift = size.bit_length() - 53
    kept = (size >> shift) | (size & ((1 << shift) - 1) != 0)
    return copysign(ldexp(kept, shift), value)


def _float64_of_int(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


@memo
def _limits(dtype: DType) -> tuple[int, int, float, float]:
    """What _round_small needs: mantissa bits, least exponent, greatest value, what larger values become."""
    assert dtype.is_float, f"{dtype} is no float dtype"
    return dtype.mantissa, dtype.min_exponent, dtype.max_finite, inf if dtype.has_inf else nan


def _round_small(value: float, mantissa: int, least: int, greatest: float, beyond: float) -> float:
    """Round a float64 to fewer bits: scale so that the last kept bit weighs 1, round to int, scale back."""
    if value == 0.0 or value != value:
        return value
    if abs(value) >= 2.0 * greatest:  # before a float64 overflows when it is rounded up
        return copysign(beyond, value)
    exponent = frexp(value)[1] - 1
    quantum = max(exponent, least) - mantissa
    rounded = ldexp(round(ldexp(value, -quantum)), quantum)
    if abs(rounded) > greatest:
        return copysign(beyond, value)
    return rounded or copysign(0.0, value)


def wrap(dtype: DType, value: int) -> int:
    """An integer modulo 2**bits, in the range of an integer dtype.

    >>> from baregrad.dtype import int8, uint8
    >>> wrap(int8, 200), wrap(uint8, -1)
    (-56, 255)
    """
    bits = dtype.bits
    return wrap_signed(value, bits) if dtype.kind is Kind.INT else wrap_unsigned(value, bits)


def truncate(dtype: DType, value: float) -> int:
    """A float as a value of an integer dtype: toward zero, saturating, NaN as 0.

    >>> from baregrad.dtype import int8
    >>> truncate(int8, -1.9), truncate(int8, 1e9), truncate(int8, nan)
    (-1, 127, 0)
    """
    if value != value:
        return 0
    low, high = INTEGERS[dtype]
    if value <= low:
        return low
    return high if value >= high else int(value)


def convert(value: Value, src: DType, dst: DType) -> Value:
    """A value of one dtype as a value of another, by the rules at the top of this file.

    >>> from baregrad.dtype import float32, int32, uint8
    >>> convert(-1, int32, uint8), convert(300.7, float32, uint8), convert(nan, float32, bool_)
    (255, 255, True)
    """
    if dst.kind is Kind.FLOAT:
        return round_to(dst, value)
    if dst is bool_:
        return value != 0
    return truncate(dst, value) if src.kind is Kind.FLOAT else wrap(dst, int(value))


def normalize(value: Value, dtype: DType) -> Value:
    """A Python number as a value of a dtype: `convert` from bool, from an int of any size or from float64.

    >>> from baregrad.dtype import uint8
    >>> normalize(300, uint8), normalize(300.0, uint8), normalize(0.1, float32), normalize(2, bool_)
    (44, 255, 0.10000000149011612, True)
    """
    if dtype in INTEGERS and type(value) is int:
        low, high = INTEGERS[dtype]
        return value if low <= value <= high else wrap(dtype, value)
    if dtype is float32 and type(value) is float:
        return array("f", (value,))[0]
    if dtype.kind is Kind.FLOAT:
        return round_to(dtype, value)
    if dtype is bool_:
        return value != 0
    return truncate(dtype, value) if isinstance(value, float) else wrap(dtype, int(value))


def to_bits(dtype: DType, value: Value) -> int:
    """The stored bits of a value as an unsigned integer; floats are rounded first, ints must be in range.

    >>> hex(to_bits(float32, 1.0)), hex(to_bits(bfloat16, -2.0)), to_bits(bool_, True)
    ('0x3f800000', '0xc000', 1)
    """
    return int.from_bytes(pack(dtype, (value,)), "little")


def from_bits(dtype: DType, bits: int) -> Value:
    """The value that an unsigned integer holds as the stored bits of a dtype.

    >>> from baregrad.dtype import float8e4m3
    >>> from_bits(float8e4m3, 0x7E), from_bits(float32, 0x80000000), from_bits(bool_, 2)
    (448.0, -0.0, True)
    """
    return unpack(dtype, bits.to_bytes(dtype.itemsize, "little"))[0]


# ---- many values


def round_list(dtype: DType, values: Sequence[float]) -> list[float]:
    """round_to of every value, faster.

    >>> round_list(float16, [0.1, 70000.0])
    [0.0999755859375, inf]
    """
    if any(type(value) is not float for value in values):
        return [round_to(dtype, value) for value in values]
    if dtype is float32:
        return array("f", values).tolist()
    if dtype is float64:
        return list(values)
    return _round_small_list(dtype, list(values))


def _round_small_list(dtype: DType, values: list[float]) -> list[float]:
    """round_list of a dtype of at most 16 bits: where the standard library is faster, and else one by one."""
    if dtype is float16:
        layout = f"<{len(values)}e"
        try:
            return list(struct.unpack(layout, struct.pack(layout, *values)))
        except OverflowError:  # struct refuses what becomes infinity
            return _round_each(dtype, values)
    if dtype is bfloat16:
        narrow = array("f", values)
        if narrow.tolist() == values:  # no NaN, and rounding to float32 on the way loses nothing
            wide = array("I", narrow.tobytes())
            halves = [(bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000 for bits in wide]
            return array("f", array("I", halves).tobytes()).tolist()
    return _round_each(dtype, values)


def _round_each(dtype: DType, values: list[float]) -> list[float]:
    limits = _limits(dtype)
    return [_round_small(value, *limits) for value in values]


def convert_list(values: Sequence[Value], src: DType, dst: DType) -> list[Value]:
    """convert of every value, faster.

    >>> from baregrad.dtype import float32, int32
    >>> convert_list([1.5, -2.5], float32, int32)
    [1, -2]
    """
    if src is dst:
        return list(values)
    if dst.kind is Kind.FLOAT:
        return [*round_list(dst, values)]
    if dst is bool_:
        return [value != 0 for value in values]
    if src.kind is Kind.FLOAT:
        return [truncate(dst, value) for value in values]
    if dst.kind is Kind.INT:
        half, mask = 1 << (dst.bits - 1), (1 << dst.bits) - 1
        return [((int(value) + half) & mask) - half for value in values]
    return [int(value) & ((1 << dst.bits) - 1) for value in values]


def pack(dtype: DType, values: Iterable[Value]) -> bytes:
    """Values as stored bytes, little-endian. Floats are rounded first; bools are 0 or 1.

    Errors: DTypeError for integers out of range and for values of another kind: convert them first.

    >>> from baregrad.dtype import int16
    >>> pack(int16, [1, -1]).hex()
    '0100ffff'
    """
    try:
        if dtype.kind is Kind.FLOAT:
            return _pack_floats(dtype, values if isinstance(values, list | tuple | array) else list(values))
        if dtype is bool_:
            return bytes([1 if value else 0 for value in values])
        return array(dtype.storage, values).tobytes()
    except (OverflowError, TypeError) as problem:
        raise DTypeError(
            f"values that {dtype} does not hold: {problem}",
            why=f"{dtype} is {dtype.kind.name.lower()} of {dtype.bits} bits; storing never wraps",
            mend="convert_list them first, or choose another dtype",
        ) from None


def _pack_floats(dtype: DType, values: Sequence[float]) -> bytes:
    if dtype is float64 or dtype is float32:
        if any(type(value) is not float for value in values):
            values = [round_to(dtype, value) for value in values]
        return array(dtype.storage, values).tobytes()
    rounded = round_list(dtype, values)
    if dtype is float16:
        return struct.pack(f"<{len(rounded)}e", *rounded)
    if dtype is bfloat16:  # the upper half of a float32
        return array("H", array("f", rounded).tobytes())[1::2].tobytes()
    return bytes([_encode_byte(dtype, value) for value in rounded])


def unpack(dtype: DType, data: bytes | bytearray | memoryview) -> list[Value]:
    """Stored bytes as values. A bool is true unless its byte is 0.

    >>> unpack(bfloat16, bytes.fromhex("803f00c0"))
    [1.0, -2.0]
    """
    if dtype is bool_:
        return [byte != 0 for byte in bytes(data)]
    if dtype is float16:
        return list(struct.unpack(f"<{len(data) // 2}e", data))
    stored = array(dtype.storage)
    stored.frombytes(data)
    if dtype is bfloat16:
        wide = array("H", bytes(4 * len(stored)))
        wide[1::2] = stored
        return array("f", wide.tobytes()).tolist()
    if dtype.kind is Kind.FLOAT and dtype.bits == 8:
        table = _byte_values(dtype)
        return [table[byte] for byte in data]
    return list(stored)


def _encode_byte(dtype: DType, value: float) -> int:
    """The byte of a value that an 8-bit float holds exactly."""
    sign = 0x80 if copysign(1.0, value) < 0 else 0
    if not isfinite(value):
        quiet = 1 << (dtype.mantissa - 1) if dtype.has_inf else (1 << dtype.mantissa) - 1
        special = ((1 << dtype.exponent) - 1) << dtype.mantissa
        return sign | special | (quiet if value != value else 0)
    exponent = max(frexp(value)[1] - 1, dtype.min_exponent) if value else dtype.min_exponent
    steps = int(ldexp(abs(value), dtype.mantissa - exponent))
    # A normal value's steps begin at 1 << mantissa: adding them gives the exponent field its missing 1.
    return sign | (((exponent - dtype.min_exponent) << dtype.mantissa) + steps)


@memo
def _byte_values(dtype: DType) -> tuple[float, ...]:
    """The value of each byte of an 8-bit float."""
    return tuple(_decode_byte(dtype, byte) for byte in range(256))


def _decode_byte(dtype: DType, byte: int) -> float:
    field, steps = (byte & 0x7F) >> dtype.mantissa, byte & ((1 << dtype.mantissa) - 1)
    sign = -1.0 if byte & 0x80 else 1.0
    if field == (1 << dtype.exponent) - 1:
        if dtype.has_inf:
            return copysign(nan if steps else inf, sign)
        if steps == (1 << dtype.mantissa) - 1:
            return copysign(nan, sign)
    whole = steps if field == 0 else steps + (1 << dtype.mantissa)
    return sign * ldexp(whole, max(field, 1) - 1 + dtype.min_exponent - dtype.mantissa)
