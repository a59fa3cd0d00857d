"""Small images: two short axes become one axis of full vectors, behind a panel.

A window of a padded image moves in two axes that are not dense, so lanes run along one of them
only: 8 of 16 for an image of 8 x 8. The panel of a whole image, one copy for each place in the
window, is dense in both. What is copied once is read by each row of the tile (a channel of the
result).
"""

from __future__ import annotations

from baregrad.base.integers import align_up, is_power_of_two, prod
from baregrad.kernel.access import Access
from baregrad.kernel.axes import Axis
from baregrad.kernel.opts import Opt, apply, legal
from baregrad.kernel.plan import Plan

LEAST_ROWS = 16  # rows that share a panel, so that copying costs little beside computing
LEAST_GAIN = 1.2  # what must be won in lanes
MOST_INSTANCES = 4


def flatten(plan: Plan) -> bool:
    """Stage the load that keeps the two innermost parallel axes apart, and collapse them, if that
    fills vectors.
    """
    loops = [a for a in plan.axes("loop") if a.size is not None]
    if len(loops) < 2 or len(loops) != len(plan.axes("loop")):
        return False
    first, second = loops[-2:]
    before, after = _idle(plan, second.size or 1), _idle(plan, (first.size or 1) * (second.size or 1))
    if before < LEAST_GAIN * after or not is_power_of_two(second.size or 1):
        return False
    return any(_behind_panel(plan, access, first, second) for access in plan.body)


def _idle(plan: Plan, size: int) -> float:
    """Lanes of whole vectors for each element of an axis."""
    lanes = plan.target.lanes(4)
    return align_up(size, lanes) / size


def _behind_panel(plan: Plan, access: Access, first: Axis, second: Axis) -> bool:
    """Stage one load and collapse, if it is this load that keeps the axes apart."""
    if access.load < 0 or access.stride(second.name) != 1 or first.name not in access.strides:
        return False
    size = access.node.dtype.itemsize
    reduced = [a for a in plan.axes("reduce") if a.name in access.strides]
    total = prod(a.size or 1 << 40 for a in (*reduced, first, second))
    rows = max((plan.size(a.name) for a in plan.axes("loop") if a.name not in access.strides), default=1)
    lane_bytes = (second.size or 1) * size
    if rows < LEAST_ROWS or total * size > plan.target.local_bytes:
        return False
    if not plan.target.least_vector_bytes <= lane_bytes <= plan.target.vector_bytes:
        return False
    names = [a.name for a in (*reduced, first, second)]
    stage, collapse = Opt("stage", (str(access.load), *names)), Opt("collapse", (first.name, second.name))
    if not legal(plan.shape, stage) or not legal(apply(plan.shape, stage), collapse):
        return False
    copy = f"s{len(plan.shape.stages)}."
    plan.do("stage", access.load, *names)
    plan.do("vector", copy + second.name)
    inner = reduced[-1] if reduced else None
    if inner is not None and (inner.size or 0) <= MOST_INSTANCES:
        plan.do("unroll", copy + inner.name)
    plan.do("collapse", first.name, second.name)
    while len(reduced) > 1:
        last, outer = reduced.pop(), reduced[-1]
        if plan.do("collapse", outer.name, last.name):
            reduced[-1] = plan.shape.by_name[f"{outer.name}.{last.name}"]
    return True
