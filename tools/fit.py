"""Fits the polynomials of baregrad/ir/decompose: weighted minimax by the Remez exchange, at 160 bits, then
rounded.

`python tools/fit.py` makes baregrad/ir/decompose/generated/coefficients.py anew; with names, it only prints
those tables. It needs mpmath (a development package). A row of FITS says what is fitted; what is not here:
how the polynomials are used, and what the whole function's error is (that is measured by
tests/ir/decompose and tests/functions).
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mpmath as mp

sys.path.insert(0, str(Path(__file__).parents[1]))
from baregrad.ir import ops

mp.mp.prec = 160
Function = Callable[[mp.mpf], mp.mpf]
ROUNDS = 20
TARGET = Path(__file__).parents[1] / "baregrad" / "ir" / "decompose" / "generated" / "coefficients.py"
HEADER = '''"""Made by `python tools/fit.py`; not edited. Coefficients of polynomials by format and name.

Lowest power first. What each fits is a row of tools/fit.py; the error is the greatest weighted one before
rounding, in units of 2**-24 or 2**-53.
"""

from __future__ import annotations


def hexes(text: str) -> tuple[float, ...]:
    """The floats written in a text."""
    return tuple(map(float.fromhex, text.split()))

'''


class Fit(NamedTuple):
    """One polynomial: `weight` times (polynomial - wanted) is made small on low..high.

    `single` and `double` are its degrees for float32 and float64; 0: not wanted.
    """

    name: str
    single: int
    double: int
    wanted: Function
    weight: Function
    low: mp.mpf
    high: mp.mpf


def solve(points: list[tuple[mp.mpf, mp.mpf, mp.mpf]]) -> list[mp.mpf]:
    """The polynomial whose weighted error has one size and alternating signs at the points."""
    size = len(points)
    matrix, right = mp.matrix(size, size), mp.matrix(size, 1)
    for row, (x, wanted, weight) in enumerate(points):
        term = weight
        for column in range(size - 1):
            matrix[row, column] = term
            term *= x
        matrix[row, size - 1] = (-1) ** row
        right[row] = wanted * weight
    solution = mp.lu_solve(matrix, right)
    return [solution[i] for i in range(size - 1)]


def peaks(errors: list[mp.mpf], wanted: int) -> list[int]:
    """The places of `wanted` extremes of alternating sign (fewer if there are fewer)."""
    found: list[int] = []
    for i, error in enumerate(errors):
        left = errors[i - 1] if i else None
        right = errors[i + 1] if i + 1 < len(errors) else None
        if error == 0 or any(
            other is not None and other * error > 0 and abs(other) > abs(error) for other in (left, right)
        ):
            continue
        if found and errors[found[-1]] * error > 0:
            if abs(error) > abs(errors[found[-1]]):
                found[-1] = i
        else:
            found.append(i)
    while len(found) > wanted:
        found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
    return found


def remez(fit: Fit, degree: int) -> tuple[list[mp.mpf], mp.mpf]:
    """Coefficients, lowest first, and the greatest weighted error.

    The argument is brought to -1..1 while solving, so that the system is well conditioned.
    """
    count = degree + 2
    middle, half = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    size = 24 * count
    nodes = [-mp.cos(mp.pi * i / size) for i in range(size + 1)]
    table = [(u, fit.wanted(middle + half * u), fit.weight(middle + half * u)) for u in nodes]
    points = [table[round(i * size / (count - 1))] for i in range(count)]
    worst = mp.mpf(0)
    for _ in range(ROUNDS):
        found = solve(points)
        errors = [(mp.polyval(found[::-1], u) - value) * weight for u, value, weight in table]
        worst = max(abs(e) for e in errors)
        places = peaks(errors, count)
        if len(places) < count:
            break
        points = [table[i] for i in places]
        if min(abs(errors[i]) for i in places) > worst * mp.mpf("0.98"):
            break
    return unscaled(found, middle, half), worst


def unscaled(found: list[mp.mpf], middle: mp.mpf, half: mp.mpf) -> list[mp.mpf]:
    """The polynomial of x from that of (x - middle) / half."""
    total = [mp.mpf(0)] * len(found)
    for coefficient in reversed(found):  # total = total * (x - middle) / half + coefficient
        moved = [mp.mpf(0), *total[:-1]]
        total = [(a - middle * b) / half for a, b in zip(moved, total, strict=True)]
        total[0] += coefficient
    return total


def near(x: mp.mpf) -> bool:
    """Whether the quotients below lose all their digits at x."""
    return bool(abs(x) < mp.mpf(10) ** -15)


def odd(function: Function, first: mp.mpf) -> Function:
    """(function(x) / x - 1) / s with s = x**2, which is `first` at 0."""
    return lambda s: first if near(s) else (function(mp.sqrt(s)) / mp.sqrt(s) - 1) / s


def odd_weight(function: Function) -> Function:
    """x * s / function(x): the part of an odd function's relative error."""
    return lambda s: s if near(s) else s * mp.sqrt(s) / function(mp.sqrt(s))


LN2 = mp.log(2)
SQRT = mp.sqrt(2)
WIDER = mp.mpf("1.0002")  # the argument is rounded before it is reduced
ZERO, ONE = mp.mpf(0), mp.mpf(1)


def after_two(r: mp.mpf) -> mp.mpf:
    """(e**r - 1 - r) / r**2."""
    return mp.mpf(1) / 2 if near(r) else (mp.expm1(r) - r) / r**2


def after_square(f: mp.mpf) -> mp.mpf:
    """(log(1 + f) - f) / f**2."""
    return mp.mpf(-1) / 2 if near(f) else (mp.log1p(f) - f) / f**2


def log_of_quotient(z: mp.mpf) -> mp.mpf:
    """(log((1 + s) / (1 - s)) / s - 2) / z with z = s**2."""
    s = mp.sqrt(z)
    return mp.mpf(2) / 3 if near(z) else (2 * mp.atanh(s) / s - 2) / z


def log_tail(z: mp.mpf) -> mp.mpf:
    """(log((1 + s) / (1 - s)) / s - 2 - 2/3 * z) / z**2."""
    return mp.mpf(2) / 5 if near(z) else (log_of_quotient(z) - mp.mpf(2) / 3) / z


def erf_weight(s: mp.mpf) -> mp.mpf:
    """x / erf(x) with s = x**2."""
    return mp.sqrt(mp.pi) / 2 if near(s) else mp.sqrt(s) / mp.erf(mp.sqrt(s))


def erfc_quotient(q: mp.mpf, k: mp.mpf) -> mp.mpf:
    """erfc(x) * exp(x*x) * (1 + 2*x) - 1 with q = (x - k) / (x + k)."""
    x = k * (1 + q) / (1 - q)
    return mp.erfc(x) * mp.exp(x * x) * (1 + 2 * x) - 1


def erfinv_quotient(w: mp.mpf) -> mp.mpf:
    """erfinv(x) / x with w = -log(1 - x*x), by Newton's steps on erfc."""
    if abs(w) < mp.mpf(10) ** -25:
        return mp.sqrt(mp.pi) / 2
    x = mp.sqrt(-mp.expm1(-w))
    rest = mp.exp(-w) / (1 + x)  # 1 - x
    y = (
        mp.mpf(ops.ERFINV.meaning(float(x)))
        if rest > mp.mpf(2) ** -40
        else mp.sqrt(w - mp.log(w) / 2) * mp.mpf("0.97")
    )
    for _ in range(12):
        step = (mp.erfc(y) - rest if w > 1 else x - mp.erf(y)) * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
        y += step / (1 - y * step)
        if abs(step) < mp.mpf(10) ** -46:
            break
    return y / x


def stirling(s: mp.mpf) -> mp.mpf:
    """x times what Stirling's formula lacks of lgamma(x), with s = 1 / x**2."""
    x = 1 / mp.sqrt(s)
    with mp.workprec(300):
        return x * (mp.loggamma(x) - (x - 0.5) * (mp.log(x) - 1) - (mp.log(2 * mp.pi) - 1) / 2)


def sine_of_half_turns(x: mp.mpf) -> mp.mpf:
    """sin(pi x) / pi."""
    return mp.sinpi(x) / mp.pi


def erfinv_tail(w: mp.mpf) -> mp.mpf:
    """(erfinv(x) / x - sqrt(pi) / 2) / w."""
    root = mp.sqrt(mp.pi) / 2
    return root**3 / 3 if abs(w) < mp.mpf(10) ** -20 else (erfinv_quotient(w) - root) / w


def erfinv_weight(w: mp.mpf) -> mp.mpf:
    """w * x / erfinv(x)."""
    return w / erfinv_quotient(w)


QUOTIENT = (SQRT - 1) / (SQRT + 1)

# fmt: off
FITS: tuple[Fit, ...] = (
    # e**r = 1 + r + r*r*P(r)
    Fit("EXP", 5, 0, after_two, lambda r: r**2 / mp.exp(r), -LN2 * WIDER, LN2 * WIDER),
    # 2**r = 1 + r*P(r)
    Fit("EXP2", 6, 0, lambda r: LN2 if near(r) else mp.expm1(r * LN2) / r, lambda r: abs(r) / mp.mpf(2) ** r,
        mp.mpf(-1), mp.mpf(1)),
    # log(1 + f) = f + f*f*P(f)
    Fit("LOG", 8, 0, after_square, lambda f: abs(f) if near(f) else f**2 / abs(mp.log1p(f)),
        SQRT / 2 - 1, SQRT - 1),
    # tanh(x) = x + x*s*P(s), s = x*x
    Fit("TANH", 4, 10, odd(mp.tanh, mp.mpf(-1) / 3), odd_weight(mp.tanh), ZERO, mp.mpf("0.39")),
    # e**r = 1 + r + r*r*P(r), half the interval
    Fit("EXP_HALF", 4, 9, after_two, lambda r: r**2 / mp.exp(r), -LN2 / 2 * WIDER, LN2 / 2 * WIDER),
    # e**r = 1 + r + r*r*P(r), relative to e**r - 1
    Fit("EXPM1", 5, 10, after_two, lambda r: abs(r) if near(r) else r**2 / abs(mp.expm1(r)),
        -LN2 / 2 * WIDER, LN2 / 2 * WIDER),
    # 2**r = 1 + r*P(r), half the interval
    Fit("EXP2_HALF", 5, 10, lambda r: LN2 if near(r) else mp.expm1(r * LN2) / r,
        lambda r: abs(r) / mp.mpf(2) ** r, mp.mpf(-0.5), mp.mpf(0.5)),
    # log(1 + f) = 2*s + s*z*P(z), s = f / (2 + f), z = s*s
    Fit("LOG_QUOTIENT", 2, 6, log_of_quotient, lambda z: z, ZERO, QUOTIENT**2 * WIDER),
    # ... = 2*s + s*z*(2/3 + z*P(z))
    Fit("LOG_TAIL", 2, 7, log_tail, lambda z: z**2, ZERO, QUOTIENT**2 * WIDER),
    # m**(-1/3)
    Fit("CBRT", 4, 4, lambda m: mp.cbrt(1 / m), lambda m: mp.cbrt(m), SQRT / 2, SQRT),
    # erf(x) = x + x*P(s), s = x*x
    Fit("ERF", 5, 11, lambda s: 1 / erf_weight(s) - 1, erf_weight, ZERO, ONE * WIDER),
    # erf(1 + t) = 1 - exp(P(t))
    Fit("ERF_FAR", 7, 0, lambda t: mp.log(mp.erfc(1 + t)), lambda t: mp.erfc(1 + t), -ZERO, mp.mpf(3)),
    Fit("ERF_FAR", 0, 17, lambda t: mp.log(mp.erfc(1 + t)), lambda t: mp.erfc(1 + t), -ZERO, mp.mpf(5)),
    # erfc(x) = exp(-x*x) * (1 + P(q)) / (1 + 2*x), q = (x - k) / (x + k), k = 2 and 7/2
    Fit("ERFC", 9, 0, lambda q: erfc_quotient(q, mp.mpf(2)), lambda q: 1 / (1 + erfc_quotient(q, mp.mpf(2))),
        (mp.mpf("0.49") - 2) / mp.mpf("2.49"), mp.mpf("8.5") / mp.mpf("12.5")),
    Fit("ERFC", 0, 21, lambda q: erfc_quotient(q, mp.mpf("3.5")),
        lambda q: 1 / (1 + erfc_quotient(q, mp.mpf("3.5"))),
        (mp.mpf("0.49") - mp.mpf("3.5")) / mp.mpf("3.99"), mp.mpf(24) / mp.mpf(31)),
    # erfinv(x) = x*(sqrt(pi)/2 + w*P(w)) to w = 3, w = -log(1 - x*x); x*P(sqrt(w) - 23/8) to 16
    Fit("ERFINV", 7, 0, erfinv_tail, erfinv_weight, ZERO, mp.mpf(3)),
    Fit("ERFINV_FAR", 12, 0, lambda t: erfinv_quotient((t + mp.mpf("2.875"))**2),
        lambda t: 1 / erfinv_quotient((t + mp.mpf("2.875"))**2), mp.sqrt(3) - mp.mpf("2.875"),
        mp.mpf("1.125")),
    # the same to w = 4, x*P(sqrt(w) - 3) to 16, x*P(sqrt(w) - 5) to 36
    Fit("ERFINV", 0, 19, erfinv_tail, erfinv_weight, ZERO, mp.mpf(4)),
    Fit("ERFINV_FAR", 0, 24, lambda t: erfinv_quotient((t + 3)**2),
        lambda t: 1 / erfinv_quotient((t + 3)**2), mp.mpf(-1), mp.mpf(1)),
    Fit("ERFINV_END", 0, 18, lambda t: erfinv_quotient((t + 5)**2),
        lambda t: 1 / erfinv_quotient((t + 5)**2), mp.mpf("-1"), mp.mpf("1.01")),
    # lgamma(2 + t) = t*P(t)
    Fit("LGAMMA", 0, 19, lambda t: mp.digamma(2) if near(t) else mp.loggamma(2 + t) / t,
        lambda t: 1 / mp.digamma(2) if near(t) else t / mp.loggamma(2 + t), mp.mpf(-0.5), mp.mpf(0.5)),
    # lgamma(x) = (x - 1/2) (log(x) - 1) + (log(2 pi) - 1) / 2 + P(s) / x, s = 1 / x**2, x >= 8.5
    Fit("STIRLING", 0, 6, stirling, lambda s: mp.sqrt(s), mp.mpf(10)**-12, 1 / mp.mpf(8.5)**2),
    # sin(pi x) / pi = x + x*s*P(s), |x| <= 1/2
    Fit("SINPI", 0, 8, odd(sine_of_half_turns, -mp.pi**2 / 6), odd_weight(sine_of_half_turns), ZERO,
        mp.mpf(1) / 4),
    # sin(x) = x + x*s*P(s), s = x*x, |x| <= pi / 4
    Fit("SIN", 2, 6, odd(mp.sin, mp.mpf(-1) / 6), odd_weight(mp.sin), ZERO, (mp.pi / 4)**2 * WIDER),
    # cos(x) = 1 - s/2 + s*s*P(s)
    Fit("COS", 2, 6, lambda s: mp.mpf(1) / 24 if near(s) else (mp.cos(mp.sqrt(s)) - 1 + s / 2) / s**2,
        lambda s: s**2 / mp.cos(mp.sqrt(s)), ZERO, (mp.pi / 4)**2 * WIDER),
    # asin(x) = x + x*s*P(s), |x| <= 1/2
    Fit("ASIN", 4, 12, odd(mp.asin, mp.mpf(1) / 6), odd_weight(mp.asin), ZERO, mp.mpf(1) / 4 * WIDER),
    # atan(x) = x + x*s*P(s), |x| <= tan(pi / 8)
    Fit("ATAN", 4, 11, odd(mp.atan, mp.mpf(-1) / 3), odd_weight(mp.atan), ZERO, (SQRT - 1)**2 * WIDER),
    # sinh(x) = x + x*s*P(s)
    Fit("SINH", 3, 7, odd(mp.sinh, mp.mpf(1) / 6), odd_weight(mp.sinh), ZERO, ONE * WIDER),
)
# fmt: on


FIRST_AS_PAIR = frozenset(("ERFINV_FAR", "ERFINV_END", "LGAMMA"))
"""Tables whose first coefficient is written as two, the second being what the first lacks."""


def single(value: mp.mpf) -> float:
    """The value rounded to float32."""
    return float(struct.unpack("<f", struct.pack("<f", float(value)))[0])


def turn(bits: int, count: int) -> str:
    """The lines of 1 / (2 pi) in chunks of so many bits, each a fraction below 1."""
    with mp.workprec(bits * (count + 2)):
        digits = int(mp.floor(mp.ldexp(1 / (2 * mp.pi), bits * count)))
    values = [digits >> bits * (count - 1 - i) & (1 << bits) - 1 for i in range(count)]
    return f'    # 1 / (2 pi) in chunks of {bits} bits\n    "TURN": hexes("""{wrapped(values, bits)}"""),\n'


def wrapped(values: list[int], bits: int) -> str:
    """Fractions as hex floats, three on a line."""
    texts = [(value / 2.0**bits).hex() for value in values]
    return "".join(f"\n        {' '.join(texts[i : i + 3])}" for i in range(0, len(texts), 3))


def table(fit: Fit, bits: int) -> str:
    """The lines of one table of the generated file."""
    found, error = remez(fit, fit.single if bits == 24 else fit.double)
    rounded = single if bits == 24 else float
    if fit.name in FIRST_AS_PAIR:
        found[1:1] = [found[0] - rounded(found[0])]
    values = [rounded(c).hex() for c in found]
    lines, line = [], ""
    for value in values:
        if len(line) + len(value) > 96:
            lines.append(line)
            line = ""
        line += f" {value}" if line else value
    text = "".join(f"\n        {part}" for part in [*lines, line])
    comment = f"    # {fit.name}: {float(error * mp.mpf(2) ** bits):.3f} * 2**-{bits}\n"
    return comment + f'    "{fit.name}": hexes("""{text}"""),\n'


def main() -> None:
    """Write the file, or print the named tables."""
    names = sys.argv[1:]
    out = [] if names else [HEADER]
    for bits, title in ((24, "FLOAT32"), (53, "FLOAT64")):
        out.append(f"\n{title}: dict[str, tuple[float, ...]] = {{\n")
        for fit in FITS:
            if (fit.single if bits == 24 else fit.double) and (not names or fit.name in names):
                out.append(table(fit, bits))
        if not names:
            out.append(turn(24, 9) if bits == 24 else turn(53, 23))
        out.append("}\n")
    if names:
        sys.stdout.write("".join(out))
    else:
        TARGET.write_text("".join(out))


if __name__ == "__main__":
    main()
