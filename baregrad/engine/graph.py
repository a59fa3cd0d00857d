"""A scheduled and compiled graph: launches over buffer numbers, where its temporaries lie, and how it is run.

The CPU and null devices get compiled kernels; the reference device gets the TENSOR graph itself as one
program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from baregrad.base.events import emit, listening
from baregrad.engine.compile import Compiled
from baregrad.engine.plans import number_all, plan_of
from baregrad.engine.session import Session
from baregrad.ir import (
    UOp,
    bound_graph,
    free_graph,
    ops,
    sized,
    toposort,
    value_of,
    variables_of,
)
from baregrad.runtime import DEVICES, Address, Device, Launch, Recording, Timestamps


class Step(NamedTuple):
    """One launch: what was compiled, the numbers of the buffers in its slots, the variables behind them.

    One that `copies` brings slot 1 to slot 0, and has nothing to do where both are one memory.
    """

    compiled: Compiled
    numbers: tuple[int, ...]
    variables: tuple[str, ...] = ()
    copies: bool = False


@dataclass(slots=True)
class CompiledGraph:
    """The steps in order, the buffer of each root, donors (new number -> old number), the places of
    temporaries, and what the variables are bound to in this run.
    """

    device: Device
    steps: list[Step]
    outputs: list[UOp]
    donors: dict[int, int]
    places: Mapping[int, int]  # inside of the arena: an address, but none that the device gave out
    arena: Address | None
    variables: Mapping[str, int]

    def __del__(self) -> None:
        if self.arena is not None:
            self.device.free(self.arena)


def compile_graph(session: Session, device: str, roots: Sequence[UOp]) -> CompiledGraph:
    """Schedule the roots and compile their kernels, which serve all values of their variables.

    Errors: ShapeError if a variable is bound to two values.
    """
    variables = {name: value_of(sized(variable)) for name, variable in variables_of(roots).items()}
    if variables:
        roots = free_graph(roots)
    graph = _compiled(session, device, roots, variables)
    if variables:
        graph.outputs = list(bound_graph(graph.outputs, variables))
    return graph


def _compiled(
    session: Session, device: str, roots: Sequence[UOp], variables: Mapping[str, int]
) -> CompiledGraph:
    if device in DEVICES and "execute" in DEVICES[device].wants:  # it takes graphs, not code
        return _interpreted(session, device, roots, variables)
    plan, buffers = plan_of(session, device, roots)
    numbers, nodes = number_all(session, plan, buffers, device)
    steps = [
        Step(one.compiled, tuple([numbers[place] for place in one.places]), one.variables, one.copies)
        for one in plan.launches
    ]
    opened = session.device(device)
    arena = opened.allocate(plan.nbytes) if plan.nbytes else None
    base = 0 if arena is None else arena.value
    places = {numbers[place]: base + offset for place, offset in plan.spans.items()}
    donors = {numbers[new]: numbers[old] for new, old in plan.donors.items()}
    outputs = [nodes[place] for place in plan.outputs]
    return CompiledGraph(opened, steps, outputs, donors, places, arena, variables)


def _interpreted(
    session: Session, device: str, roots: Sequence[UOp], variables: Mapping[str, int]
) -> CompiledGraph:
    """One program for the reference device: the graph itself."""
    inputs = tuple(node for node in toposort(tuple(roots)) if node.op is ops.BUFFER)
    outputs = [_buffer_under(r) or session.new_buffer(r.shape, r.dtype, device) for r in roots]
    wanted = {b: root for root, b in zip(roots, outputs, strict=True) if b is not _buffer_under(root)}
    if not wanted:
        return CompiledGraph(session.device(device), [], outputs, {}, {}, None, variables)
    kernel = session.device(device).load((tuple(wanted.values()), inputs, tuple(variables)), "graph")
    numbers = tuple(buffer.arg.number for buffer in (*inputs, *wanted))
    donors = {b.arg.number: root.src[0].arg.number for b, root in wanted.items() if _assigns_buffer(root)}
    step = Step(Compiled(kernel, 1, None), numbers, tuple(variables))
    return CompiledGraph(session.device(device), [step], outputs, donors, {}, None, variables)


def _buffer_under(root: UOp) -> UOp | None:
    """The buffer that a root is under another shape."""
    while root.op is ops.RESHAPE:
        root = root.src[0]
    return root if root.op is ops.BUFFER else None


def _assigns_buffer(root: UOp) -> bool:
    return root.op is ops.ASSIGN and root.src[0].op is ops.BUFFER


def run_graph(session: Session, graph: CompiledGraph) -> None:
    """Run the steps; everything they read and write has memory."""
    if not graph.steps:
        return
    device, places = graph.device, graph.places

    def address(number: int) -> Address | int:
        found = places.get(number)
        return session.handles[number].address if found is None else found

    launches = [
        Launch(
            step.compiled.kernel,
            [*(address(n) for n in step.numbers), *(graph.variables[name] for name in step.variables)],
            step.compiled.grid,
        )
        for step in graph.steps
    ]
    steps: Sequence[Step] = graph.steps
    if session.capture is not None:
        session.capture.record(graph, launches)  # with copies: a replay may have other memory
    else:
        todo = [(s, x) for s, x in zip(steps, launches) if not (s.copies and x.args[0] == x.args[1])]
        steps, launches = [step for step, _ in todo], [launch for _, launch in todo]
    run_recording(device, device.record(launches), steps, graph.variables)


def run_recording(
    device: Device, recording: Recording, steps: Sequence[Step], variables: Mapping[str, int]
) -> None:
    """Run a list and wait; whoever listens is told how long each launch took."""
    if listening("launch") and isinstance(device, Timestamps):
        for step, seconds in zip(steps, device.run_timed(recording), strict=True):
            values = tuple((name, variables[name]) for name in step.variables if name in variables)
            found = step.compiled
            emit("launch", name=found.kernel.name, seconds=seconds, compiled=found, variables=values)
        return
    device.run(recording)
    device.wait()
