"""Where DPP takes a lane's operand from: a control as a table lane -> lane.

Sources: RDNA3 ISA 7.7, CDNA4 ISA 6.4. What is not here: V_PERMLANE and its kin, which are meanings
(isa/amd/meaning/rows_wave.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

ZERO, SKIP = -1, -2
"""No lane: the operand is 0; or the lane is left out, so that its result stays as it was."""


class Control(NamedTuple):
    """What DPP says: `eight` is the selection of DPP8, else `value` is DPP_CTRL. `bound`: what comes from no
    lane is 0. `fetch`: lanes that are off are read too."""

    value: int
    eight: bool = False
    rows: int = 15
    banks: int = 15
    bound: bool = False
    fetch: bool = False


def _quad(value: int) -> Callable[[int], int]:
    return lambda lane: lane & ~3 | value >> 2 * (lane & 3) & 3


def _shift(by: int) -> Callable[[int], int]:
    return lambda lane: lane + by if 0 <= (lane & 15) + by < 16 else ZERO


def _row(choose: Callable[[int], int]) -> Callable[[int], int]:
    return lambda lane: lane & ~15 | choose(lane & 15) & 15


def _wave(by: int, around: bool) -> Callable[[int], int]:
    return lambda lane: (lane + by) % 64 if around or 0 <= lane + by < 64 else ZERO


ONES: dict[int, Callable[[int], int]] = {
    0x130: _wave(1, False), 0x134: _wave(1, True), 0x138: _wave(-1, False), 0x13C: _wave(-1, True),
    0x140: _row(lambda at: 15 - at), 0x141: lambda lane: lane & ~7 | 7 - (lane & 7),
    0x142: lambda lane: (lane & ~15) - 1 if lane > 15 else ZERO,
    0x143: lambda lane: 31 if lane > 31 else ZERO,
}  # fmt: skip
GROUPS: dict[int, Callable[[int], Callable[[int], int]]] = {
    0x100: lambda n: _shift(n), 0x110: lambda n: _shift(-n), 0x120: lambda n: _row(lambda at: at - n),
    0x150: lambda n: _row(lambda at: n), 0x160: lambda n: _row(lambda at: at ^ n),
}  # fmt: skip


def source(control: Control) -> Callable[[int], int]:
    """Lane -> the lane that it reads, ZERO for none."""
    value = control.value
    if control.eight:
        return lambda lane: lane & ~7 | value >> 3 * (lane & 7) & 7
    if value < 0x100:
        return _quad(value)
    if value in ONES:
        return ONES[value]
    group = GROUPS.get(value & ~15)
    return group(value & 15) if group else lambda lane: ZERO


@lru_cache(4096)
def table(control: Control, exec: int, lanes: int) -> tuple[int, ...]:
    """What each lane reads, or ZERO, or SKIP."""
    of = source(control)
    found = []
    for lane in range(lanes):
        place = of(lane)
        if not (control.rows >> (lane >> 4) & 1 and control.banks >> (lane >> 2 & 3) & 1):
            place = SKIP
        elif not 0 <= place < lanes or not (control.fetch or exec >> place & 1):
            place = ZERO if control.bound or control.eight else SKIP
        found.append(place)
    return tuple(found)
