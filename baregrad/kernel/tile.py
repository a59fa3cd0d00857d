"""How large a register tile is: rows times columns of vectors that accumulate side by side.

The cost of a tile, in vector instructions per useful product: what the tails waste, what the loads
of a step need of the load units, and what a chain of dependent additions waits when there are too
few accumulators.
"""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from baregrad.base.integers import align_up
from baregrad.target import Target

IN_FLIGHT = 8.0  # accumulators that keep the units busy: latency times units
LOADS_A_CYCLE, PRODUCTS_A_CYCLE = 2.0, 2.0
MOST_ROWS = 16
MOST_STREAMS = 6  # rows of each operand read side by side: more fall on the same lines of the first cache


class Tile(NamedTuple):
    """So many rows, and so many columns (of vectors, when the lanes are parallel)."""

    rows: int
    columns: int


class Limits(TypedDict):
    """What `choose` keeps to: see there."""

    most: int
    ragged: float


def choose(
    rows: int, columns: int, target: Target, *, broadcasts: bool, most: int = 28, ragged: float = 1.0
) -> Tile:
    """The cheapest tile for a row axis of size `rows` and `columns` vectors beside each other.

    `broadcasts`: the row operand is one scalar in all lanes, so one register serves for all rows in
    turn; otherwise the operand with fewer vectors is held in registers. `most`: instances at most;
    `ragged`: what rows cost more when the last tile is masked.
    """
    best, least = Tile(1, 1), float("inf")
    for r in range(1, min(rows, MOST_ROWS if broadcasts else MOST_STREAMS) + 1):
        for c in range(1, min(columns, 8 if broadcasts else MOST_STREAMS) + 1):
            held = r * c + (c if broadcasts else min(r, c)) + 1
            if held > target.vector_registers or r * c > min(most, 28):
                continue
            cost = _cost(rows, columns, r, c) * (ragged if rows % r else 1.0)
            if cost < least - 1e-9:
                best, least = Tile(r, c), cost
    return best


def _cost(rows: int, columns: int, r: int, c: int) -> float:
    waste = align_up(rows, r) / rows * (align_up(columns, c) / columns)
    products = r * c / PRODUCTS_A_CYCLE
    loads = (r + c) / LOADS_A_CYCLE
    waits = IN_FLIGHT / PRODUCTS_A_CYCLE
    overhead = 1.0 + 0.5 / (r * c)  # the loop itself
    return waste * overhead * (max(products, loads * 1.25, waits) + 0.02 * loads) / products
