"""How large a register tile is: rows times columns of vectors that accumulate side by side.

The cost of a tile, in vector instructions per useful product: what the tails waste, what the loads
of a step need of the load units, and what a chain of dependent additions waits when there are too
few accumulators.
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base.integers import align_up
from baregrad.target import Target

IN_FLIGHT = 8.0  # accumulators that keep the units busy: latency times units
LOADS_A_CYCLE, PRODUCTS_A_CYCLE = 2.0, 2.0
MOST_ROWS = 16
APART = 1.5  # cycles that each column after the first costs when rows lie apart
MOST_STREAMS = 6  # rows of each operand read side by side: more fall on the same lines of the first cache


class Tile(NamedTuple):
    """So many rows, and so many columns (of vectors, when the lanes are parallel)."""

    rows: int
    columns: int


class Limits(NamedTuple):
    """What a tile keeps to.

    most     instances at most.
    ragged   what rows cost more when the last tile is masked.
    widest   columns at most.
    apart    each step reads the rows from a new line, and the columns from the second cache (a product with
             a transposed left side: 8 x 2 makes 185 GFLOP/s where 4 x 4 makes 135).
    """

    most: int = 28
    ragged: float = 1.0
    widest: int = 8
    apart: bool = False


def choose(rows: int, columns: int, target: Target, *, broadcasts: bool, limits: Limits) -> Tile:
    """The cheapest tile for a row axis of size `rows` and `columns` vectors beside each other.

    `broadcasts`: the row operand is one scalar in all lanes, so one register serves for all rows in
    turn; otherwise the operand with fewer vectors is held in registers.
    """
    best, least = Tile(1, 1), float("inf")
    for r in range(1, min(rows, MOST_ROWS if broadcasts else MOST_STREAMS) + 1):
        for c in range(1, min(columns, limits.widest if broadcasts else MOST_STREAMS) + 1):
            held = r * c + (c if broadcasts else min(r, c)) + 1
            if held > target.vector_registers or r * c > min(limits.most, 28):
                continue
            cost = _cost(rows, columns, r, c, limits.apart) * (limits.ragged if rows % r else 1.0)
            if cost < least - 1e-9:
                best, least = Tile(r, c), cost
    return best


def _cost(rows: int, columns: int, r: int, c: int, apart: bool) -> float:
    waste = align_up(rows, r) / rows * (align_up(columns, c) / columns)
    products = r * c / PRODUCTS_A_CYCLE
    loads = (r + c) / LOADS_A_CYCLE
    waits = IN_FLIGHT / PRODUCTS_A_CYCLE
    overhead = 1.0 + 0.5 / (r * c)  # the loop itself
    distant = APART * (c - 1) if apart else 0.0
    return waste * overhead * (max(products, loads * 1.25, waits) + 0.02 * loads + distant) / products
