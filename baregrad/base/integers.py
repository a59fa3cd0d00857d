"""Small functions on Python's integers. Sizes that may be symbolic have theirs in ir."""

from __future__ import annotations

from collections.abc import Iterable
from math import isqrt


def ceil_div(a: int, b: int) -> int:
    """a / b, rounded up.

    >>> ceil_div(7, 4), ceil_div(8, 4), ceil_div(-7, 4)
    (2, 2, -1)
    """
    return -(-a // b)


def prod(values: Iterable[int]) -> int:
    """The product; 1 of nothing.

    >>> prod((2, 3, 4)), prod(())
    (24, 1)
    """
    result = 1
    for value in values:
        result *= value
    return result


def is_power_of_two(n: int) -> bool:
    """Whether n is 1, 2, 4, 8, …

    >>> [n for n in range(-4, 10) if is_power_of_two(n)]
    [1, 2, 4, 8]
    """
    return n > 0 and n & (n - 1) == 0


def next_power_of_two(n: int) -> int:
    """The least power of two that is not below n.

    >>> [next_power_of_two(n) for n in (0, 1, 3, 4, 5)]
    [1, 1, 4, 4, 8]
    """
    return 1 << (n - 1).bit_length() if n > 1 else 1


def exact_log2(n: int) -> int:
    """k with n = 2**k, for a power of two.

    >>> exact_log2(64)
    6
    """
    assert is_power_of_two(n), f"{n} is no power of two"
    return n.bit_length() - 1


def align_up(n: int, to: int) -> int:
    """The least multiple of `to` that is not below n.

    >>> align_up(65, 64), align_up(64, 64)
    (128, 64)
    """
    return -(-n // to) * to


def align_down(n: int, to: int) -> int:
    """The greatest multiple of `to` that is not above n.

    >>> align_down(65, 64), align_down(63, 64)
    (64, 0)
    """
    return n // to * to


def divisors(n: int) -> list[int]:
    """All divisors of a positive number, ascending.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    low = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return low + [n // d for d in reversed(low) if d * d != n]


def bit_length_of(n: int, *, signed: bool) -> int:
    """How many bits hold n.

    >>> bit_length_of(127, signed=True), bit_length_of(128, signed=True), bit_length_of(-128, signed=True)
    (8, 9, 8)
    """
    assert signed or n >= 0, f"{n} is negative"
    return (n if n >= 0 else ~n).bit_length() + 1 if signed else n.bit_length()


def fits_signed(n: int, bits: int) -> bool:
    """Whether n is a signed number of so many bits.

    >>> fits_signed(127, 8), fits_signed(128, 8)
    (True, False)
    """
    return -(1 << (bits - 1)) <= n < 1 << (bits - 1)


def fits_unsigned(n: int, bits: int) -> bool:
    """Whether n is an unsigned number of so many bits.

    >>> fits_unsigned(255, 8), fits_unsigned(-1, 8)
    (True, False)
    """
    return 0 <= n < 1 << bits


def wrap_unsigned(n: int, bits: int) -> int:
    """n modulo 2**bits, in [0, 2**bits).

    >>> wrap_unsigned(-1, 8)
    255
    """
    return n & ((1 << bits) - 1)


def wrap_signed(n: int, bits: int) -> int:
    """n modulo 2**bits, in [-2**(bits-1), 2**(bits-1)).

    >>> wrap_signed(200, 8)
    -56
    """
    half = 1 << (bits - 1)
    return ((n + half) & (2 * half - 1)) - half
