"""Which optimisations a kernel gets when nobody says: lanes, register tiles, panels, instances, grid.
Read opts.py first.

The order of decisions: collapse what is dense; lanes on a parallel axis if memory lies along it,
otherwise on the reduced axis; a tile of rows and columns of lanes for a product of two operands
(tile.py chooses its size); a panel for the operand whose rows lie far apart; instances for short
reduces and for independent chains; the outermost work to threads.
"""

from __future__ import annotations

from baregrad.base.integers import align_up, ceil_div, prod
from baregrad.ir import UOp
from baregrad.kernel.access import FAR, Access, accesses, lanes_of, work
from baregrad.kernel.axes import Axis, is_copy
from baregrad.kernel.flatten import flatten
from baregrad.kernel.opts import Opt, ranges_mask, rewrites
from baregrad.kernel.panel import masked, wanted, widest
from baregrad.kernel.plan import Plan
from baregrad.kernel.tile import Limits, Tile, choose
from baregrad.target import Target

LEAST_PARALLEL_WORK = 60_000  # scalar operations below which one thread is faster than waking others
ITEMS_A_THREAD = 4
CHAINS = 8  # independent accumulators that hide the latency of an addition
LEAST_JOINED = 256  # steps of a reduce below which joining the lanes of a large tile costs more than it saves
LONG = 1 << 14  # steps of a reduce from which two rows at once come from memory 8 % faster than one
MOST_EPILOGUE = 576  # flops behind a tile's reduce, in all its instances, so that code stays small
MOST_FUNCTIONS = 800  # what these may cost in all instances, even if few chains of additions are left
MOST_PRODUCTS = 64  # products in the body of a tiled loop, so that code stays small
MOST_COLUMNS = 8  # vectors beside each other in a tile
MOST_BODY = 40.0  # what the arithmetic of a loop's body may cost in all its instances, for the same reason
ALONG = 1.05  # lanes along a reduce are joined, and read more streams: not for so little gain
JOIN = 10.0  # what joining the lanes of one accumulator costs, in vector operations
COPY = 16.0  # rows that a panel must serve until copying it costs as little as gathering for each
SCALAR = 4.0  # what scalar arithmetic costs, in arithmetic of vectors for as many elements
SCATTER = 2.0  # what a store of scattered lanes costs, in such loads
LINES = 1.5  # what lanes cost more that lie on a cache line each
SECOND = 1.5  # what a load of every second element costs
GATHER = 4.0  # what a load of scattered lanes costs, in loads of neighbouring ones


def heuristic(ast: UOp, target: Target) -> tuple[Opt, ...]:
    """The Opts for a kernel on a target."""
    plan = Plan(ast, target)
    if any(a.kind not in ("loop", "serial", "reduce") for a in plan.shape.axes):
        return ()
    _collapse(plan)
    plan.body = accesses(plan.shape)
    if not plan.axes("reduce"):
        _elementwise(plan)
    elif _one_nest(plan):
        if flatten(plan):
            plan.body = accesses(plan.shape)
        _one_reduce(plan)
    else:
        _rows(plan)
    _threads(plan)
    return tuple(plan.opts)


def _collapse(plan: Plan) -> None:
    """Neighbouring axes that are dense everywhere become one."""
    for kind in ("loop", "reduce"):
        names = [a.name for a in plan.axes(kind)]
        while len(names) > 1:
            second, first = names.pop(), names[-1]
            if plan.do("collapse", first, second):
                names[-1] = f"{first}.{second}"


def _one_nest(plan: Plan) -> bool:
    """Whether all reduces close the same ranges and all stores stand in the loops that the reduces
    stand in.
    """
    facts = plan.shape.source.facts
    reduces = plan.shape.source.reduces
    if len({facts.closed(r) for r in reduces}) != 1:
        return False
    outer = {facts.mask[r] for r in reduces} | {facts.mask[s] for s in plan.shape.source.stores}
    return len(outer) == 1


def _lane_cost(plan: Plan, name: str) -> float:
    """What lanes along an axis cost, per vector of results: strided accesses and idle lanes; infinite
    without lanes.
    """
    lanes = lanes_of(plan.shape, name, plan.target)
    if lanes < 2:
        return float("inf")
    size = plan.size(name)
    idle = align_up(size, lanes) / size
    total = plan.arithmetic * plan.target.vector_bytes / (lanes * 4)
    for access in plan.body:
        stride = access.stride(name)
        if stride not in (0, 1):  # its cost is that of its lanes, however many a vector has
            apart = plan.target.cache_line <= stride * access.node.src[0].dtype.itemsize < FAR
            scattered = GATHER * (LINES if apart else 1.0)
            if stride == 2 and access.load >= 0 and not masked(access):
                scattered = SECOND
            total += scattered * (_reuse(plan, access, name) if access.load >= 0 else SCATTER)
    return idle * total


def _reuse(plan: Plan, access: Access, name: str) -> float:
    """How much of a strided load's cost is left when a panel makes it dense: what copying costs each
    of the rows.
    """
    reduced = plan.axes("reduce")
    rows = max((plan.size(a.name) for a in plan.axes("loop") if a.name not in access.strides), default=1)
    lanes = lanes_of(plan.shape, name, plan.target)
    if not wanted(access, name, rows, reduced, plan.target) or widest(access, reduced, plan.target) < lanes:
        return 1.0
    return min(1.0, COPY / rows)


# -- kernels without reduce ------------------------------------------------------------------------


def _best(plan: Plan, axes: list[Axis]) -> str:
    """The axis on which lanes cost least, or "" if scalars are better."""
    costs = [(_lane_cost(plan, a.name), -i, a.name) for i, a in enumerate(axes) if a.known]
    if not costs:
        return ""
    least, _, name = min(costs)
    return name if least < plan.arithmetic * SCALAR + GATHER * len(plan.body) else ""


def _elementwise(plan: Plan) -> None:
    """Lanes along memory, two or four vectors at a time."""
    name = _best(plan, plan.axes("loop"))
    if not name:
        return
    turned = [x for x in plan.body if x.stride(name) not in (0, 1)]
    beside = next((a.name for x in turned for a in plan.axes("loop") if x.stride(a.name) == 1), "")
    outer, _ = _lanes(plan, name, "vector")
    if not outer:  # a short axis: what neighbours on the next one share is loaded once
        rest = [a for a in plan.axes("loop") if a.known]
        outer = rest[-1].name if rest else ""
    elif beside:  # lanes far apart share their lines with the next iterations of the other axis
        if plan.shape.place(outer) > plan.shape.place(beside):
            plan.do("move", outer, beside)
        outer = beside
    most = min(4 if len(plan.body) <= 4 else 2, int(MOST_BODY / (1.0 + plan.arithmetic)))
    _instances(plan, outer, "unroll", most)


def _lanes(plan: Plan, name: str, kind: str) -> tuple[str, str]:
    """Cut lanes off an axis; the rest of it ("" if nothing is left) and the lanes."""
    outer, inner = plan.cut(name, lanes_of(plan.shape, name, plan.target))
    plan.do(kind, inner)
    return outer, inner


def _instances(plan: Plan, name: str, kind: str, most: int) -> int:
    """Work on some iterations of an axis side by side: the greatest divisor up to `most`; how many
    there are.
    """
    if not name or not plan.shape.by_name[name].known:
        return 1
    size = plan.size(name)
    if plan.shape.by_name[name].size is None:  # symbolic: the last instances are masked off
        count = 1 << min(most, size).bit_length() >> 1
    else:
        count = next((n for n in range(min(most, size), 1, -1) if size % n == 0), 1)
    if count < 2:
        return 1
    _, inner = plan.cut(name, count)
    plan.do(kind, inner)
    return count


# -- one reduce, or several over the same ranges ---------------------------------------------------


def _one_reduce(plan: Plan) -> None:
    """Lanes, tile, panel and instances of a reduce."""
    parallel, reduced = plan.axes("loop"), plan.axes("reduce")
    steps = prod(plan.size(a.name) for a in reduced)
    joined = 1.0 + JOIN * plan.target.vector_bytes / 4 / steps
    across = min(((_lane_cost(plan, a.name), a.name) for a in parallel), default=(float("inf"), ""))
    along = min(
        ((_lane_cost(plan, a.name) * joined, a.name) for a in reversed(reduced)), default=(float("inf"), "")
    )
    if _merge_short(plan, min(across[0], along[0])):
        across = (0.0, plan.axes("loop")[-1].name)
    if min(across[0], along[0]) == float("inf"):
        return
    if across[0] <= along[0] * ALONG:
        _tile_across(plan, across[1])
    else:
        _tile_along(plan, along[1])


def _merge_short(plan: Plan, cost: float) -> bool:
    """Join the two innermost loops if lanes over both, gathered but stored side by side, cost less."""
    loops = plan.axes("loop")
    if len(loops) < 2 or plan.shape.stages:
        return False
    first, second = loops[-2:]
    stores = [x for x in plan.body if x.load < 0]
    dense = all(_continues(x, first, second) for x in stores)
    moved = sum(
        bool(x.stride(first.name) or x.stride(second.name)) and not _continues(x, first, second)
        for x in plan.body
    )
    whole = plan.size(first.name) * plan.size(second.name) % plan.target.lanes(4) == 0
    short = plan.size(first.name) <= plan.target.lanes(4)
    if not dense or not whole or not short or cost <= plan.arithmetic + GATHER * moved:
        return False
    if not plan.do("merge", first.name, second.name):
        return False
    plan.body = accesses(plan.shape)
    return True


def _continues(access: Access, first: Axis, second: Axis) -> bool:
    """Whether an access goes on from the end of one axis to the next step of the other."""
    return access.stride(second.name) == 1 and access.stride(first.name) == second.size


def _row_axis(plan: Plan, loads: list[Access], without: set[str]) -> str:
    """The parallel axis along which the loads are used again: the largest."""
    names = [
        a.name
        for a in plan.axes("loop")
        if a.name not in without and a.known and any(a.name not in x.strides for x in loads)
    ]
    return max(names, key=plan.size, default="")


def _tile_across(plan: Plan, name: str) -> None:
    """Lanes on a parallel axis: rows of another axis share each vector that is loaded."""
    loads = [x for x in plan.body if x.load >= 0]
    vectors = [x for x in loads if x.stride(name)]
    row = _row_axis(plan, vectors, {name})
    lanes = lanes_of(plan.shape, name, plan.target)
    columns = ceil_div(plan.size(name), lanes)
    staged, widest = _panels(plan, vectors, name, row)
    apart = bool(staged) and _rows_apart(plan, row, loads)
    limits = _limits(plan)._replace(widest=widest, apart=apart)
    tile = choose(plan.size(row), columns, plan.target, broadcasts=True, limits=limits)
    resident = _resident(plan, row)
    if tile.columns * lanes >= plan.size(name) and plan.shape.by_name[name].size is not None:
        wide = ""
        some, lane = plan.cut(name, lanes)
    else:
        wide, narrow = plan.cut(name, lanes * tile.columns)
        some, lane = plan.cut(narrow, lanes)
    plan.do("vector", lane)
    plan.do("unroll", some)
    rows_outer = ""
    if row:
        rows_outer, rows_inner = plan.cut(row, tile.rows)
        if rows_inner and plan.do("unroll", rows_inner):
            plan.do("move", rows_inner, some or lane)
        if rows_outer:
            _rows_inside(plan, rows_outer, {wide} | resident, staged)
    _unroll_reduce(plan, tile)
    for access in staged:
        panel = [
            a.name
            for a in plan.shape.axes
            if a.kind in ("reduce", "reduce_unroll") and _over(plan, access, a.name)
        ]
        copy = f"s{len(plan.shape.stages)}."
        if plan.do("stage", access.load, *panel, *(x for x in (some, lane) if x)):
            _transpose(plan, access, copy)


def _transpose(plan: Plan, access: Access, copy: str) -> None:
    """Copy some steps of a reduce that lie side by side at once, where the lanes of a panel lie apart."""
    dense = [
        copy + name + part for name, stride in access.strides.items() if stride == 1 for part in ("", "b")
    ]
    for axis in [plan.shape.by_name[name] for name in dense if name in plan.shape.by_name]:
        count = next((n for n in (8, 4, 2) if axis.most % n == 0), 1)
        if axis.most == count:
            plan.do("unroll", axis.name)
        elif count > 1 and plan.do("split", axis.name, count):
            plan.do("unroll", f"{axis.name}b")


def _resident(plan: Plan, row: str) -> set[str]:
    """The loops that use all rows again, if the rows stay in the second cache: they stand around the loop
    over rows, whose steps then share vectors that are in the first.
    """
    loads = [x for x in plan.body if x.load >= 0 and row in x.strides]
    nbytes = sum(prod(map(plan.size, x.strides)) * x.node.dtype.itemsize for x in loads)
    if 2 * nbytes > plan.target.l2_bytes:
        return set()
    return {a.name for a in plan.axes("loop") if not any(a.name in x.strides for x in loads)}


def _rows_inside(plan: Plan, rows: str, shared: set[str], staged: list[Access]) -> None:
    """Let the loop over tiles of rows stand inside of all that a panel depends on, so that they share it."""
    for axis in plan.axes("loop"):
        fills = axis.name in shared or any(_over(plan, access, axis.name) for access in staged)
        if fills and axis.name != rows and plan.shape.place(axis.name) > plan.shape.place(rows):
            plan.do("move", axis.name, rows)


def _limits(plan: Plan) -> Limits:
    """How many instances a tile may have for what each does with its result, and what masked rows cost."""
    source = plan.shape.source
    inside: set[UOp] = set()
    for node in source.reduces:
        inside.update(node.toposort())
    behind = [n for n in source.facts.order if n.op.elementwise and n.dtype.is_float and n not in inside]
    cost = 1 + sum(max(1, n.op.flops) for n in behind)
    most = max(1, min(CHAINS, MOST_FUNCTIONS // cost), MOST_EPILOGUE // cost)
    return Limits(most=most, ragged=1.3 if rewrites(plan.shape) else 1.0)


def _rows_apart(plan: Plan, row: str, loads: list[Access]) -> bool:
    """Whether each step of the reduce reads the rows from another line."""
    inner = plan.axes("reduce")[-1].name
    return any(
        row in x.strides and x.stride(inner) * x.node.dtype.itemsize >= plan.target.cache_line for x in loads
    )


def _panels(plan: Plan, vectors: list[Access], name: str, row: str) -> tuple[list[Access], int]:
    """The loads to stage, and how many columns of vectors their panels leave room for."""
    reduced, lanes = plan.axes("reduce"), lanes_of(plan.shape, name, plan.target)
    chosen, most = [], MOST_COLUMNS
    done = {stage.load for stage in plan.shape.stages}
    for access in vectors:
        if (
            access.load in done
            or not row
            or row in access.strides
            or not wanted(access, name, plan.size(row), reduced, plan.target)
        ):
            continue
        room = widest(access, reduced, plan.target) // lanes
        if room >= 2 or (room and access.stride(name) != 1):
            chosen.append(access)
            most = min(most, room)
    return chosen, most


def _over(plan: Plan, access: Access, name: str) -> bool:
    """Whether an access depends on an axis."""
    return bool(ranges_mask(plan.shape, name) & plan.shape.source.facts.mask[access.node])


def _tile_along(plan: Plan, name: str) -> None:
    """Lanes on a reduced axis: rows and columns of parallel axes share the vectors loaded."""
    loads = [x for x in plan.body if x.load >= 0 and x.stride(name)]
    row = _row_axis(plan, loads, set())
    column = _row_axis(plan, [x for x in loads if row in x.strides], {row}) if row else ""
    tile = choose(plan.size(row), plan.size(column), plan.target, broadcasts=False, limits=_limits(plan))
    steps = prod(plan.size(a.name) for a in plan.axes("reduce"))
    if steps < LEAST_JOINED:
        tile = Tile(min(tile.rows, 4), min(tile.columns, 2))
    if not row and steps >= LONG and plan.axes("loop"):
        row = plan.axes("loop")[-1].name
        tile = Tile(1 if plan.size(row) % 2 else 2, 1)
    merged = _merge_rows(plan, name)
    rest, _ = _lanes(plan, merged, "reduce_vector")
    for axis, count in ((row, tile.rows), (column, tile.columns)):
        if axis:
            _, inner = plan.cut(axis, count)
            if inner:
                plan.do("unroll", inner)
    count = tile.rows * tile.columns
    rest = rest or next((a.name for a in reversed(plan.axes("reduce"))), "")
    if merged != name and plan.size(rest) * count <= MOST_PRODUCTS:
        plan.do("reduce_unroll", rest)  # the masks of all rows stay in registers
    elif count < CHAINS and rest:
        _instances(plan, rest, "reduce_unroll", CHAINS // count)


def _merge_rows(plan: Plan, name: str) -> str:
    """The axis for the lanes of a reduce, joined with the one around it if its rows are short and lie one
    behind the other: only masks then ask for row and column apart.
    """
    axes = [a for a in plan.axes("reduce") if a.size is not None]
    if len(axes) < 2 or axes[-1].name != name:
        return name
    first, second = axes[-2:]
    short = plan.size(second.name) * 2 <= plan.target.lanes(4)
    whole = plan.size(first.name) * plan.size(second.name) % plan.target.lanes(4) == 0
    moved = [x for x in plan.body if x.stride(second.name) or x.stride(first.name)]
    dense = all(_continues(x, first, second) for x in moved)
    if not short or not whole or not dense or not plan.do("merge", first.name, second.name):
        return name
    plan.body = accesses(plan.shape)
    return f"{first.name}.{second.name}"


def _unroll_reduce(plan: Plan, tile: Tile) -> None:
    """Short reduced axes as a whole, innermost first, then a part of the innermost."""
    products, whole = tile.rows * tile.columns, min(MOST_PRODUCTS, int(MOST_BODY / plan.arithmetic))
    for axis in reversed(plan.axes("reduce")):
        size = axis.size
        most = max(whole // products, CHAINS // products)
        if most < 2:
            return
        if size is None:
            _instances(plan, axis.name, "reduce_unroll", CHAINS // products)
            return
        if size <= min(most, 8):
            plan.do("reduce_unroll", axis.name)
            products *= size
            continue
        _instances(plan, axis.name, "reduce_unroll", min(most, 8 if products < CHAINS else 4))
        return


# -- rows with several reduces ---------------------------------------------------------------------


def _rows(plan: Plan) -> None:
    """Lanes on a parallel axis of everything if memory lies along it; otherwise on each reduced and
    each inner axis.
    """
    facts, source = plan.shape.source.facts, plan.shape.source
    shared = facts.mask[source.stores[0]]
    for node in (*source.reduces, *source.stores):
        shared &= facts.mask[node]
    common = [a for a in plan.axes("loop") if ranges_mask(plan.shape, a.name) & shared]
    for axis in reversed(common):
        if all(x.stride(axis.name) in (0, 1) for x in plan.body) and plan.size(axis.name) >= 4:
            outer, _ = _lanes(plan, axis.name, "vector")
            return
    for closed in dict.fromkeys(facts.closed(r) for r in source.reduces):
        axes = [a for a in plan.axes("reduce") if ranges_mask(plan.shape, a.name) & closed]
        least, name = min(((_lane_cost(plan, a.name), a.name) for a in reversed(axes)), default=(FAR, ""))
        if least <= plan.arithmetic + 2.0 * GATHER:
            outer, _ = _lanes(plan, name, "reduce_vector")
            _instances(plan, outer, "reduce_unroll", 4)
    inner = [a for a in plan.axes("loop") if a not in common]
    name = _best(plan, inner)
    if name:
        outer, _ = _lanes(plan, name, "vector")
        _instances(plan, outer, "unroll", 2)


# -- grid ------------------------------------------------------------------------------------------


def _threads(plan: Plan) -> None:
    """The outermost parallel loop to grid items, joined with the next while it is short, cut into
    chunks when long.
    """
    threads = plan.target.threads
    loops = [a for a in plan.axes("loop") if a.known and not is_copy(a.name)]
    if threads < 2 or not loops or work(plan.shape.source) < LEAST_PARALLEL_WORK:
        return
    name, wanted = loops[0].name, threads * ITEMS_A_THREAD
    if loops[0].size is None:
        if plan.size(name) >= wanted and plan.do("split", name, wanted, "share"):
            plan.do("threads", name + "a")
            return
        loops = [a for a in loops if a.size is not None]
        if not loops:
            return
        name = loops[0].name
    for following in loops[1:]:
        if plan.size(name) >= wanted or plan.shape.stages:
            break
        if plan.do("merge", name, following.name):
            name = f"{name}.{following.name}"
    size = plan.size(name)
    if size > 2 * wanted:
        chunk = ceil_div(size, wanted)
        chunk = next((n for n in range(chunk, chunk // 2, -1) if size % n == 0), chunk)
        if plan.do("split", name, chunk, "rest"):
            name += "a"
    plan.do("threads", name)
