"""Schedules of graphs that were seen before: an eager loop builds an equal graph at each step, elsewhere.

A graph's structure is its nodes in order with the places of their sources, buffers and numbered nodes
counted anew. Equal structures have equal schedules, so what was scheduled and compiled once is put on the
buffers of the next graph. Cost: about 1 µs a node, where scheduling takes 30.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from baregrad.base.cache import memo
from baregrad.base.config import cache_key_fields
from baregrad.dtype import DType, void
from baregrad.engine.compile import Compiled, compile_kernel
from baregrad.engine.session import Session
from baregrad.ir import Size, UOp, ops, simplify_tensor, toposort
from baregrad.runtime import Device
from baregrad.schedule import plan_memory, schedule

MOST = 1024  # structures that are kept; the oldest ones go
MOST_NODES = 100_000  # in all of them: about 20 MB

Row = tuple[object, ...]  # of a node: op, dtype, arg, the places of its sources
Structure = tuple[tuple[Row, ...], tuple[int, ...]]  # the nodes, the places of the roots


class Launched(NamedTuple):
    """One kernel: what was compiled, the places of its buffers, its variables; `copies` as in Item."""

    compiled: Compiled
    places: tuple[int, ...]
    variables: tuple[str, ...]
    copies: bool


class Plan(NamedTuple):
    """A schedule whose buffers are places: those of the graph in order of their first use, then new ones.

    `made` has shape and dtype of the new ones, `outputs` the place of each root, `donors` new place -> old,
    `spans` the offset in the arena, of `nbytes`, of those that are temporaries.
    """

    launches: tuple[Launched, ...]
    made: tuple[tuple[tuple[Size, ...], DType], ...]
    outputs: tuple[int, ...]
    donors: Mapping[int, int]
    spans: Mapping[int, int]
    nbytes: int


def plan_of(session: Session, device: str, roots: Sequence[UOp]) -> tuple[Plan, list[UOp]]:
    """The plan of a graph, and the buffers that it reads.

    Errors: CompileError.
    """
    structure, buffers = structure_of(roots)
    opened = session.device(device)
    table = _table(opened, cache_key_fields())
    plan = table.get(structure)
    if plan is None:
        plan = _planned(session, device, roots, buffers)
        _make_room(table, len(structure[0]))
        table[structure] = plan
    return plan, buffers


@memo
def _table(device: Device, settings: tuple[object, ...]) -> dict[Structure, Plan]:
    """The plans for a device under some settings."""
    return {}


def _make_room(table: dict[Structure, Plan], nodes: int) -> None:
    """Forget the oldest structures: a loop with another constant at each step would fill the memory."""
    nodes += sum(len(rows) for rows, _ in table)
    while table and (len(table) >= MOST or nodes > MOST_NODES):
        oldest = next(iter(table))
        nodes -= len(oldest[0])
        del table[oldest]


def structure_of(roots: Sequence[UOp]) -> tuple[Structure, list[UOp]]:
    """What is equal for graphs that differ in their buffers only, and these buffers."""
    place: dict[UOp, int] = {}
    buffers: list[UOp] = []
    numbers: dict[int, int] = {}
    rows: list[Row] = []
    for node in toposort(tuple(roots)):
        op, arg = node.op, node.arg
        if op is ops.BUFFER:
            arg = (len(buffers), *arg[1:])
            buffers.append(node)
        elif op is ops.CONTIGUOUS and arg is not None:
            arg = numbers.setdefault(arg, len(numbers))
        elif type(arg) is float:
            arg = repr(arg)  # 0.0 is not -0.0, NaN is itself
        place[node] = len(place)
        rows.append((op, node.dtype, arg, *[place[source] for source in node.src]))
    return (tuple(rows), tuple(place[root] for root in roots)), buffers


def _planned(session: Session, device: str, roots: Sequence[UOp], buffers: Sequence[UOp]) -> Plan:
    """Schedule the graph and compile its kernels."""
    places = {buffer.arg.number: place for place, buffer in enumerate(buffers)}
    made: list[tuple[tuple[Size, ...], DType]] = []

    def new_buffer(shape: tuple[Size, ...], dtype: DType) -> UOp:
        buffer = session.new_buffer(shape, dtype, device)
        places[buffer.arg.number] = len(buffers) + len(made)
        made.append((shape, dtype))
        return buffer

    roots = simplify_tensor(UOp(ops.SINK, void, tuple(roots))).src
    scheduled = schedule(roots, new_buffer)
    launches: list[Launched] = []
    donors: dict[int, int] = {}
    for item in scheduled.items:
        slots = tuple(places[buffer.arg.number] for buffer in item.buffers)
        compiled = compile_kernel(session.device(device), item.ast)
        launches.append(Launched(compiled, slots, item.variables, item.copies))
        donors.update((slots[new], slots[old]) for new, old in item.donates)
    outputs = [scheduled.outputs[root].arg.number for root in roots]
    memory = plan_memory(scheduled.items, set(outputs))
    spans = {places[number]: span.offset for number, span in memory.places.items()}
    return Plan(tuple(launches), tuple(made), tuple(places[n] for n in outputs), donors, spans, memory.nbytes)


def number_all(
    session: Session, plan: Plan, buffers: Sequence[UOp], device: str
) -> tuple[list[int], list[Any]]:
    """The number of each place in one run, and its BUFFER: None for a temporary."""
    nodes: list[Any] = list(buffers)
    numbers = [buffer.arg.number for buffer in buffers]
    for place, (shape, dtype) in enumerate(plan.made, len(buffers)):
        node = None if place in plan.spans else session.new_buffer(shape, dtype, device)
        nodes.append(node)
        numbers.append(session.new_number() if node is None else node.arg.number)
    return numbers, nodes
