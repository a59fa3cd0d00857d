"""sin, cos and tan of float32 and float64, right for every finite argument.

The argument becomes turns, x / (2 pi) mod 1, and those the nearest quarter and a rest of at most an eighth.
Only about four words of 1 / (2 pi) can matter for one x: higher ones give whole turns, lower ones nothing.
They are chosen by selections between constants, in steps that halve (as a barrel shifter does), x being
scaled down with them. Each product of x and a word is exact as a pair; whole turns are dropped from each, and
the rest is summed in three levels of words, since it may be within 2**-32 (float32) or 2**-64 (float64) of
no turn at all. There are no branches and no tables in memory, so it vectorises: three fifths of its cost is
this reduction. Below pi / 4 the argument is used as it is.

Sources: M. H. Payne and R. N. Hanek, «Radian reduction for trigonometric functions» (1983); J.-M. Muller,
«Elementary Functions», chapter 11, for how close to a multiple of pi / 2 a float can be.
"""

from __future__ import annotations

from baregrad.ir import ops
from baregrad.ir.decompose.words import (
    PI,
    Pair,
    bits_of,
    fast_two_sum,
    flip_sign,
    fma,
    format_of,
    magnitude,
    sign_bit,
    table,
    times_constant,
    two_product,
    two_sum,
)
from baregrad.ir.uop import UOp

WORDS = 5
"""How many words of 1 / (2 pi) count for one argument."""
EIGHTH = 0.785
"""Below it (less than pi / 4) nothing is reduced."""


def window(a: UOp) -> tuple[UOp, list[UOp]]:
    """(y, words): a / (2 pi) is y * (words[0] + words[1] / 2**S + ...) less whole turns; y < 2**(2S - 1)."""
    form = format_of(a)
    size = form.mantissa + 1
    words = [a.const_like(word) for word in form.tables["TURN"]]
    step = 1 << (len(words) - WORDS).bit_length() - 1
    while step:
        beyond = a >= 2.0 ** (form.mantissa + size * step)
        a = beyond.where(a * 2.0 ** (-size * step), a)
        kept = step - 1 + WORDS
        words = [beyond.where(words[i + step], words[i]) if i + step < len(words) else words[i]
                 for i in range(min(kept, len(words)))]  # fmt: skip
        step //= 2
    return a, words


def fraction(x: UOp) -> UOp:
    """x less the integer toward zero: exact."""
    return x - x.alu(ops.TRUNC)


def turns(a: UOp) -> tuple[list[UOp], list[UOp], list[UOp]]:
    """a / (2 pi) mod 1 as a sum: terms below 1, terms that are a word smaller, and two words smaller."""
    down = 2.0 ** -(format_of(a).mantissa + 1)
    y, words = window(a)
    (h0, l0), (h1, l1) = two_product(y, words[0]), two_product(y * down, words[1])
    (h2, l2), (h3, l3) = two_product(y * down**2, words[2]), two_product(y * down**3, words[3])
    last = y * down**4 * words[4] if down > 2.0**-30 else y * down**2 * (down**2) * words[4]
    return [fraction(h0), fraction(l0), fraction(h1), l1, h2], [l2, h3], [l3, last]


def total(terms: list[UOp]) -> tuple[UOp, list[UOp]]:
    """The sum of terms, and what each addition lost."""
    lost = []
    while len(terms) > 1:
        sums = [two_sum(a, b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        lost += [rest for _, rest in sums]
        terms = [high for high, _ in sums] + (terms[-1:] if len(terms) % 2 else [])
    return terms[0], lost


def reduced(a: UOp) -> tuple[UOp, Pair]:
    """(q, r): a >= 0 is q quarter turns (an integer's low bits) and r, a pair of at most pi / 4."""
    form = format_of(a)
    large, middle, small = turns(a)
    first, lost = total(large)
    rounded = fma(first, 4.0, form.round)
    first = fma(rounded - form.round, -0.25, first)
    second, lost = total([*lost, *middle])
    third = small[0] + small[1]
    for term in lost:
        third = third + term
    high, low = two_sum(first, second)
    high, low = fast_two_sum(high, low + third)
    r_high, r_low = times_constant((high, low), form.parts(2.0 * PI[0], 2.0 * PI[1]))
    near = a < EIGHTH
    q = near.where(bits_of(a.const_like(form.round)), bits_of(rounded))
    return q, (near.where(a, r_high), near.where(0.0, r_low))


def sine(r: Pair) -> Pair:
    """sin(r) = r + r**3 P(r**2) of a reduced pair, not yet added."""
    square = r[0] * r[0]
    return r[0], fma(r[0] * square, table(square, "SIN"), fma(r[1] * square, -0.5, r[1]))


def cosine(r: Pair) -> Pair:
    """cos(r) = 1 - r**2 / 2 + r**4 P(r**2) of a reduced pair, not yet added."""
    square = r[0] * r[0]
    half = square * 0.5
    high = 1.0 - half
    low = (1.0 - high) - half
    return high, fma(square * square, table(square, "COS"), fma(r[0], -r[1], low))


def quarter(q: UOp, x: UOp) -> tuple[UOp, UOp]:
    """(whether the quarter is odd, the sign bit where it is the second or third)."""
    form = format_of(x)
    odd = (q & 1).ne(0)
    return odd, (q << (form.dtype.bits - 2)) & form.ints.min


def sin(x: UOp) -> UOp:
    """sin(x)."""
    q, r = reduced(magnitude(x))
    odd, sign = quarter(q, x)
    s, c = sine(r), cosine(r)
    return flip_sign(odd.where(c[0], s[0]) + odd.where(c[1], s[1]), sign ^ sign_bit(x))


def cos(x: UOp) -> UOp:
    """cos(x)."""
    q, r = reduced(magnitude(x))
    odd, sign = quarter(q + 1, x)
    s, c = sine(r), cosine(r)
    return flip_sign(odd.where(c[0], s[0]) + odd.where(c[1], s[1]), sign)


def tan(x: UOp) -> UOp:
    """sin(r) / cos(r), or -cos(r) / sin(r) in odd quarters."""
    q, r = reduced(magnitude(x))
    (s, s_low), (c, c_low) = sine(r), cosine(r)
    odd, _ = quarter(q, x)
    above, above_low = fast_two_sum(odd.where(c, s), odd.where(c_low, s_low))
    below, below_low = fast_two_sum(odd.where(s, c), odd.where(s_low, c_low))
    inverse = 1.0 / below
    quotient = above * inverse
    left = fma(-quotient, below_low, fma(-quotient, below, above) + above_low)
    sign = (q << (x.dtype.bits - 1)) ^ sign_bit(x)
    return flip_sign(fma(left, inverse, quotient), sign)
