"""What each level allows: tables of facts a node must have, and `verify`, which asks them of a graph or a
list.

The op rows say arity, levels and dtypes; the tables here say the rest, one sentence a row. A broken fact
is an IRError that names the node, the level and the sentence. Verifying changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import ops
from baregrad.ir.bounds import ranges_of
from baregrad.ir.ops import Op
from baregrad.ir.uop import Buffer, UOp

TENSOR, KERNEL, LINEAR = "TENSOR", "KERNEL", "LINEAR"
KINDS = ("grid", "loop", "serial", "reduce", "vector", "unroll", "reduce_vector", "reduce_unroll")
MEMORY = (ops.PARAM, ops.LOCAL)
Fact = tuple[Op, str, Callable[[UOp], bool]]


def _is_value(node: UOp) -> bool:
    """Whether a node has a value of its dtype (memory and addresses have none)."""
    return node.dtype is not dt.void and node.op not in (*MEMORY, ops.INDEX)


def _in_dtype(node: UOp) -> bool:
    value: Any = node.arg
    kind: type = float if node.dtype.is_float else (bool if node.dtype is dt.bool_ else int)
    if type(value) is not kind:
        return False
    return bool(value != value or dt.normalize(node.arg, node.dtype) == node.arg)


def _is_variable(node: UOp) -> bool:
    if node.dtype is not dt.int64 or len(node.arg) != 4:
        return False
    name, low, high, at = node.arg
    return isinstance(name, str) and 0 <= low <= high and (at is None or isinstance(at, int))


def _reduces(node: UOp) -> bool:
    name, axes = node.arg
    return (
        name in ops.REDUCERS
        and tuple(sorted(set(axes))) == axes
        and all(0 <= a < node.src[0].ndim for a in axes)
    )


# dtype rule of an op's row -> the fact
DTYPES: dict[str, tuple[str, Callable[[UOp], bool]]] = {
    "same": ("all sources and the result have one dtype", lambda n: all(s.dtype is n.dtype for s in n.src)),
    "bool": (
        "sources have one dtype and the result is bool",
        lambda n: n.dtype is dt.bool_ and len({s.dtype for s in n.src}) == 1,
    ),
    "float": (
        "all are one float dtype",
        lambda n: n.dtype.is_float and all(s.dtype is n.dtype for s in n.src),
    ),
    "int": ("all are one integer dtype", lambda n: n.dtype.is_int and all(s.dtype is n.dtype for s in n.src)),
    "bits": (
        "all are one integer dtype or bool",
        lambda n: (n.dtype.is_int or n.dtype is dt.bool_) and all(s.dtype is n.dtype for s in n.src),
    ),
    "select": (
        "the mask is bool, the branches have the result's dtype",
        lambda n: n.src[0].dtype is dt.bool_ and n.src[1].dtype is n.dtype is n.src[2].dtype,
    ),
    "first": ("the result has the first source's dtype", lambda n: n.src[0].dtype is n.dtype),
    "given": ("the result has a value", lambda n: n.dtype is not dt.void),
    "void": ("the result is void", lambda n: n.dtype is dt.void),
}

ANY_LEVEL: tuple[Fact, ...] = (
    (ops.VARIABLE, "the argument is (name, least, greatest, value or slot), of int64", _is_variable),
    (ops.CONST, "the argument is a Python value of the dtype", _in_dtype),
    (ops.BITCAST, "the sizes are the same", lambda n: n.dtype.itemsize == n.src[0].dtype.itemsize),
    (ops.CAST, "the dtypes differ", lambda n: n.dtype is not n.src[0].dtype),
)

TENSOR_FACTS: tuple[Fact, ...] = (
    (
        ops.BUFFER,
        "the argument is a Buffer",
        lambda n: isinstance(n.arg, Buffer) and isinstance(n.arg.number, int),
    ),
    (ops.IOTA, "the dtype is an integer", lambda n: n.dtype.is_int),
    (
        ops.REDUCE,
        "the argument is (name, axes in order), of one source",
        lambda n: len(n.src) == 1 and _reduces(n),
    ),
    (ops.GATHER, "the index is an integer", lambda n: n.src[1].dtype.is_int),
    (ops.SCATTER, "the index is an integer", lambda n: n.src[1].dtype.is_int),
    (ops.SCATTER, "the values have the base's dtype", lambda n: n.src[2].dtype is n.dtype),
    (
        ops.SCATTER,
        "the argument is (axis, how values are joined)",
        lambda n: n.arg[1] in ops.COMBINES and (n.dtype is not dt.bool_ or n.arg[1] != "add"),
    ),
    (ops.FLIP, "the axes exist", lambda n: all(0 <= axis < n.ndim for axis in n.arg)),
    (
        ops.PAD,
        "amounts are not negative",
        lambda n: all(not isinstance(a, int) or a >= 0 for p in n.arg for a in p),
    ),
    (
        ops.ASSIGN,
        "the target is a buffer or a version of one",
        lambda n: n.src[0].op in (ops.BUFFER, ops.ASSIGN),
    ),
    (ops.ASSIGN, "the value has the buffer's shape", lambda n: n.src[1].shape in (n.src[0].shape, ())),
    (ops.COPY, "the argument is a device", lambda n: isinstance(n.arg, str)),
)

ACCESS: tuple[Fact, ...] = (
    (ops.PARAM, "the argument is (slot, size)", lambda n: len(n.arg) == 2 and isinstance(n.arg[0], int)),
    (ops.LOCAL, "the argument is (number, size)", lambda n: len(n.arg) == 2 and isinstance(n.arg[0], int)),
    (ops.INDEX, "sources are memory, offset and perhaps a mask", lambda n: len(n.src) in (2, 3)),
    (
        ops.INDEX,
        "it points into memory of its dtype",
        lambda n: n.src[0].op in MEMORY and n.src[0].dtype is n.dtype,
    ),
    (ops.INDEX, "the offset is an integer", lambda n: n.src[1].dtype.is_int and _is_value(n.src[1])),
    (ops.INDEX, "the mask is bool", lambda n: len(n.src) < 3 or n.src[2].dtype is dt.bool_),
    (
        ops.LOAD,
        "it loads its dtype from an INDEX",
        lambda n: n.src[0].op is ops.INDEX and n.src[0].dtype is n.dtype,
    ),
    (
        ops.LOAD,
        "it comes after stores or loops",
        lambda n: all(s.op in (ops.STORE, ops.END) or _is_serial(s) for s in n.src[1:]),
    ),
    (ops.STORE, "sources are an INDEX and a value", lambda n: len(n.src) >= 2 and n.src[0].op is ops.INDEX),
    (
        ops.STORE,
        "the value has the memory's dtype",
        lambda n: n.src[1].dtype is n.src[0].dtype and _is_value(n.src[1]),
    ),
)

KERNEL_FACTS: tuple[Fact, ...] = (
    (ops.VARIABLE, "the argument ends with its slot", lambda n: n.arg[3] is not None),
    *ACCESS,
    (
        ops.RANGE,
        "its one source is the size, an integer",
        lambda n: len(n.src) == 1 and n.src[0].dtype is dt.int64,
    ),
    (ops.RANGE, "the argument is (number, kind)", lambda n: isinstance(n.arg[0], int) and n.arg[1] in KINDS),
    (ops.RANGE, "a constant size is at least 1", lambda n: n.src[0].op is not ops.CONST or n.src[0].arg >= 1),
    (ops.LOAD, "it has no argument", lambda n: n.arg is None),
    (
        ops.STORE,
        "the argument is how it is joined, and the loops that run in order are sources",
        lambda n: (n.arg is None or n.arg in ops.REDUCERS) and all(map(_is_serial, n.src[2:])),
    ),
    (ops.REDUCE, "the argument is (name, ())", lambda n: n.arg[0] in ops.REDUCERS and n.arg[1] == ()),
    (ops.REDUCE, "it closes reduce ranges", lambda n: all(_closes(s, "reduce") for s in n.src[1:])),
    (ops.END, "it ends a store", lambda n: n.src[0].op in (ops.STORE, ops.END)),
    (
        ops.END,
        "it closes ranges that reduce nothing",
        lambda n: all(not _closes(s, "reduce") for s in n.src[1:]),
    ),
    (ops.END, "it closes ranges", lambda n: all(s.op is ops.RANGE for s in n.src[1:])),
    (ops.SINK, "it takes stores and ends", lambda n: all(s.op in (ops.STORE, ops.END) for s in n.src)),
)

LINEAR_FACTS: tuple[Fact, ...] = (
    (ops.VARIABLE, "the argument ends with its slot", lambda n: n.arg[3] is not None),
    *ACCESS,
    (
        ops.RANGE,
        "the size is an integer",
        lambda n: bool(n.src) and n.src[0].dtype.is_int and not n.src[0].shape,
    ),
    (ops.CARRY, "it belongs to a RANGE that carries it", lambda n: _carried(n, ops.RANGE)),
    (ops.RESULT, "it belongs to an END that yields it", lambda n: _carried(n, ops.END)),
    (ops.END, "it closes a RANGE", lambda n: bool(n.src) and n.src[0].op is ops.RANGE),
    (ops.END, "it yields what the RANGE carries", lambda n: _types(n.src[1:]) == _types(n.src[0].src[1:])),
    (ops.BROADCAST, "the source is a scalar", lambda n: not n.src[0].shape),
    (ops.STACK, "the sources are scalars", lambda n: len(n.src) > 1 and not any(s.shape for s in n.src)),
    (
        ops.SLICE,
        "the lanes exist",
        lambda n: n.arg[0] >= 0 and sum(n.arg) <= n.src[0].shape[0] and n.arg[1] >= 1,
    ),
    (ops.LANES, "the dtype is an integer", lambda n: n.dtype.is_int),
    (ops.STORE, "it only writes", lambda n: n.arg in (None, "stream")),
    (ops.LOAD, "the mask has its lanes", lambda n: len(n.src[0].src) < 3 or n.src[0].src[2].shape == n.shape),
    (
        ops.STORE,
        "the mask has the value's lanes",
        lambda n: len(n.src[0].src) < 3 or n.src[0].src[2].shape == n.src[1].shape,
    ),
)

FACTS: dict[str, tuple[Fact, ...]] = {TENSOR: TENSOR_FACTS, KERNEL: KERNEL_FACTS, LINEAR: LINEAR_FACTS}


def _closes(node: UOp, kind: str) -> bool:
    return node.op is ops.RANGE and str(node.arg[1]).startswith(kind)


def _is_serial(node: UOp) -> bool:
    """Whether a node is a loop whose steps see what those before have stored."""
    return node.op is ops.RANGE and node.arg[1] == "serial"


def _carried(node: UOp, op: Op) -> bool:
    return node.src[0].op is op and 0 <= node.arg < len(node.src[0].src) - 1


def _types(nodes: Sequence[UOp]) -> list[tuple[Any, ...]]:
    return [(node.dtype, node.shape) for node in nodes]


def verify(graph: UOp | Sequence[UOp], level: str, where: str = "") -> None:
    """Check a TENSOR or KERNEL graph (its root), or a LINEAR list.

    Errors: IRError with the node and the fact that it lacks; `where` says after which pass.
    """
    nodes = graph.toposort() if isinstance(graph, UOp) else list(graph)
    facts: dict[Op, list[Fact]] = {}
    for fact in (*ANY_LEVEL, *FACTS[level]):
        facts.setdefault(fact[0], []).append(fact)
    for node in nodes:
        _verify_node(node, level, facts.get(node.op, ()), where)
    if level == KERNEL:
        _verify_loops(nodes, where)
    elif level == LINEAR:
        _verify_list(nodes, where)


def _verify_node(node: UOp, level: str, facts: Sequence[Fact], where: str) -> None:
    op = node.op
    if level[0] not in op.levels:
        raise _broken(node, f"{op} is no op of {level}", where)
    if op.arity is not None and len(node.src) != op.arity:
        raise _broken(node, f"{op} takes {op.arity} sources", where)
    sentence, holds = DTYPES[op.dtype]
    if not holds(node):
        raise _broken(node, sentence, where)
    if op.elementwise:
        if not all(map(_is_value, node.src)):
            raise _broken(node, "its sources are values", where)
        if level == KERNEL and node.shape:
            raise _broken(node, "values of KERNEL are scalars", where)
        if level == LINEAR and any(s.shape != node.shape for s in node.src):
            raise _broken(node, "all sources have the same lanes: scalars go through BROADCAST", where)
    for _, sentence, holds in facts:
        if not holds(node):
            raise _broken(node, sentence, where)


def _verify_loops(nodes: Sequence[UOp], where: str) -> None:
    """Loops of a KERNEL graph: numbers differ, all are closed, the grid is outermost."""
    numbers: dict[int, UOp] = {}
    for node in nodes:
        if node.op is ops.RANGE:
            if numbers.setdefault(node.arg[0], node) is not node:
                raise _broken(node, "two ranges have one number", where)
        elif node.op is ops.SINK and ranges_of(node):
            raise _broken(
                sorted(ranges_of(node), key=lambda n: int(n.arg[0]))[0], "every range is closed", where
            )
    _verify_reduces(nodes, where)
    grids = [node for node in numbers.values() if node.arg[1] == "grid"]
    if len(grids) > 1 or (grids and grids[0].arg[0] != min(numbers)):
        raise _broken(grids[-1], "there is at most one grid range, and it is the outermost", where)


def _verify_reduces(nodes: Sequence[UOp], where: str) -> None:
    """Reduces that share ranges run in one loop, so that none of them can wait for another one's result."""
    closed: dict[UOp, frozenset[UOp]] = {}  # the ranges of all reduces that a node depends on
    for node in nodes:
        below = frozenset[UOp]().union(*[closed[s] for s in node.src])
        if node.op is ops.REDUCE:
            if not below.isdisjoint(node.src[1:]):
                raise _broken(node, "a reduce that depends on another one has ranges of its own", where)
            below = below.union(node.src[1:])
        closed[node] = below


FREE = (
    ops.CONST,
    ops.PARAM,
    ops.VARIABLE,
    ops.LOCAL,
    ops.GRID,
    ops.LANES,
)  # worth no register until they are used


def _verify_list(nodes: Sequence[UOp], where: str) -> None:
    """A LINEAR list: sources come first, loops nest, values of a closed loop leave it through RESULT only."""
    scope: dict[UOp, UOp | None] = {}  # node -> the loop that it stands in
    loops: list[UOp] = []
    closed: set[UOp] = set()
    for node in nodes:
        if node in scope:
            raise _broken(node, "each node has one line", where)
        _verify_sources(node, scope, closed, where)
        if node.op is ops.END:
            if not loops or loops.pop() is not node.src[0]:
                raise _broken(node, "it closes the innermost loop", where)
            closed.add(node.src[0])
        if node.op is ops.CARRY and node.src[0] not in loops:
            raise _broken(node, "it stands inside its loop", where)
        scope[node] = loops[-1] if loops else None
        if node.op is ops.RANGE:
            loops.append(node)
    if loops:
        raise _broken(loops[-1], "every loop is closed", where)


def _verify_sources(node: UOp, scope: Mapping[UOp, UOp | None], closed: set[UOp], where: str) -> None:
    for source in node.src:
        if source not in scope:
            raise _broken(source, "sources stand before their readers", where)
        inner = scope[source]
        if inner in closed and source.op not in FREE and node.op is not ops.RESULT:
            raise _broken(source, "values of a closed loop leave it through RESULT", where)


def _broken(node: UOp, sentence: str, where: str) -> IRError:
    sources = ", ".join(f"{s.op.name} {s.dtype}{list(s.shape)}" for s in node.src)
    after = f" after {where}" if where else ""
    return IRError(
        f"{node!r}{after} breaks the rule: {sentence}",
        why=f"its sources are {sources or 'none'}; its argument is {node.arg!r}",
        mend="correct the pass that made it: BG_DEBUG=3 shows the graph after each pass",
    )
