"""Small functions on Python's integers. Sizes that may be symbolic have theirs in ir."""

from __future__ import annotations

from collections.abc import Iterable


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


def align_up(n: int, to: int) -> int:
    """The least multiple of `to` that is not below n.

    >>> align_up(65, 64), align_up(64, 64)
    (128, 64)
    """
    return -(-n // to) * to


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
