"""Fits the polynomials of baregrad/ir/decompose: weighted minimax by the Remez exchange, at 120 bits, then
rounded to float32.

Run it to print every table with its greatest relative error in units of 2**-24: `python tools/fit.py`. It
needs mpmath (a development package). What is not here: how the polynomials are used, and what the whole
function's error is (that is measured by tests/ir/decompose).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import mpmath as mp

mp.mp.prec = 120
Function = Callable[[mp.mpf], mp.mpf]
GRID = 2000
ROUNDS = 12


class Fit(NamedTuple):
    """One polynomial: `weight` times (polynomial - wanted) is made small on low..high."""

    name: str
    degree: int
    wanted: Function
    weight: Function
    low: mp.mpf
    high: mp.mpf


def solve(fit: Fit, points: list[mp.mpf]) -> list[mp.mpf]:
    """The polynomial whose weighted error has one size and alternating signs at the points."""
    size = fit.degree + 2
    matrix, right = mp.matrix(size, size), mp.matrix(size, 1)
    for row, x in enumerate(points):
        weight = fit.weight(x)
        for column in range(fit.degree + 1):
            matrix[row, column] = x**column * weight
        matrix[row, fit.degree + 1] = (-1) ** row
        right[row] = fit.wanted(x) * weight
    solution = mp.lu_solve(matrix, right)
    return [solution[i] for i in range(fit.degree + 1)]


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


def remez(fit: Fit) -> tuple[list[mp.mpf], mp.mpf]:
    """Coefficients, lowest first, and the greatest weighted error."""
    count = fit.degree + 2
    middle, half = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    points = [middle - half * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
    grid = [fit.low + (fit.high - fit.low) * i / mp.mpf(GRID) for i in range(GRID + 1)]
    table = [(x, fit.wanted(x), fit.weight(x)) for x in grid]
    for _ in range(ROUNDS):
        found = solve(fit, points)
        errors = [(mp.polyval(found[::-1], x) - value) * weight for x, value, weight in table]
        places = peaks(errors, count)
        if len(places) < count:
            break
        points = [grid[i] for i in places]
    return found, max(abs(e) for e in errors)


def near(x: mp.mpf) -> bool:
    """Whether the quotients below lose all their digits at x."""
    return bool(abs(x) < mp.mpf(10) ** -15)


LN2 = mp.log(2)
SQRT = mp.sqrt(2)
WIDER = mp.mpf("1.0002")  # the argument is rounded before it is reduced


def after_two(r: mp.mpf) -> mp.mpf:
    """(e**r - 1 - r) / r**2."""
    return mp.mpf(1) / 2 if near(r) else (mp.expm1(r) - r) / r**2


def after_square(f: mp.mpf) -> mp.mpf:
    """(log(1 + f) - f) / f**2."""
    return mp.mpf(-1) / 2 if near(f) else (mp.log1p(f) - f) / f**2


def after_cube(s: mp.mpf) -> mp.mpf:
    """(tanh(x) / x - 1) / s with s = x**2."""
    x = mp.sqrt(s)
    return mp.mpf(-1) / 3 if near(s) else (mp.tanh(x) / x - 1) / s


# fmt: off
FITS = (
    # e**r = 1 + r + r*r*P(r)
    Fit("EXP", 5, after_two, lambda r: r**2 / mp.exp(r), -LN2 * WIDER, LN2 * WIDER),
    # 2**r = 1 + r*P(r)
    Fit("EXP2", 6, lambda r: LN2 if near(r) else mp.expm1(r * LN2) / r, lambda r: abs(r) / mp.mpf(2) ** r,
        mp.mpf(-1), mp.mpf(1)),
    # log(1 + f) = f + f*f*P(f)
    Fit("LOG", 8, after_square, lambda f: abs(f) if near(f) else f**2 / abs(mp.log1p(f)),
        SQRT / 2 - 1, SQRT - 1),
    # tanh(x) = x + x*s*P(s), s = x*x
    Fit("TANH", 4, after_cube, lambda s: s if near(s) else s * mp.sqrt(s) / mp.tanh(mp.sqrt(s)),
        mp.mpf(0), mp.mpf("0.39")),
    # e**r = 1 + r + r*r*P(r), half the interval
    Fit("EXP_HALF", 4, after_two, lambda r: r**2 / mp.exp(r), -LN2 / 2 * WIDER, LN2 / 2 * WIDER),
)
# fmt: on


def single(value: mp.mpf) -> float:
    """The value rounded to float32."""
    return float(struct.unpack("<f", struct.pack("<f", float(value)))[0])


def main() -> None:
    """Print the tables."""
    for fit in FITS:
        found, error = remez(fit)
        print(f"# greatest relative error {float(error * 2**24):.3f} * 2**-24")
        print(f"{fit.name} = ({', '.join(repr(single(c)) for c in found)})")


if __name__ == "__main__":
    main()
