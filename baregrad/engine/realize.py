"""Values become memory: what is known already is put in, copies between devices are made, the rest is
scheduled and run.

Pending assignments run with whatever is realized first, so that a chain of them never grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from baregrad.base.errors import BaregradError, CompileError, DeviceError, DTypeError
from baregrad.engine.graph import CompiledGraph, compile_graph, run_graph
from baregrad.engine.guards import check_guards
from baregrad.engine.session import Session, nbytes
from baregrad.engine.value import Handle, Value
from baregrad.ir import UOp, ops, substitute, substitute_all, toposort


def realize(session: Session, values: Iterable[Value], *, pending: bool = True) -> None:
    """Give every value a buffer of its own, and run all pending assignments.

    Errors: CompileError with the user's line; OutOfMemory.
    """
    with session.lock:
        postponed = session.take_pending() if pending else ()
        todo = [v for v in dict.fromkeys([*values, *postponed]) if v.own is None]
        if not todo:
            return
        try:
            _realize_all(session, todo)
        except (CompileError, DTypeError):
            raise  # it would come again at every realize: they wait until they are read themselves
        except BaseException:
            session.wait_again(postponed)
            raise


def _realize_all(session: Session, todo: Sequence[Value]) -> None:
    """Realize values that have no memory."""
    keep: list[Handle] = []  # what is read, and the copies, must live until the graph has run
    placed: dict[Value, UOp] = {}
    for device in dict.fromkeys(v.device for v in todo):
        mine = [v for v in todo if v.device == device]
        placed.update(zip(mine, put_in_realized(session, [v.uop for v in mine], device, keep), strict=True))
    roots = [placed[v] for v in todo]
    roots = copy_across(session, roots, keep)
    for device in dict.fromkeys(v.device for v in todo):
        group = [(v, root) for v, root in zip(todo, roots, strict=True) if v.device == device]
        _realize_on(session, device, [v for v, _ in group], [root for _, root in group])


def put_in_realized(session: Session, roots: Sequence[UOp], device: str, keep: list[Handle]) -> list[UOp]:
    """The graphs with everything that lies in memory already replaced by its buffer."""
    found: dict[UOp, UOp] = {}
    customs = False

    def enter(node: UOp) -> bool:
        nonlocal customs
        customs = customs or node.op is ops.CUSTOM
        handle = session.realized(node)
        if handle is None or (handle.device.name != device and node.device is None):
            return True  # an expression of constants may have been computed on another device
        if session.capture is not None and not session.capture.took(handle):
            return True  # a replay computes what was computed before the capture anew
        keep.append(handle)
        buffer = handle.buffer
        found[node] = buffer if buffer.shape == node.shape else buffer.reshape(node.shape)
        return False

    order = toposort(tuple(roots), enter)
    for node in order if customs else ():
        if node.op is ops.CUSTOM and node not in found:
            found[node] = substitute(node.src[0], found)
    return list(substitute_all(roots, found))


def copy_across(session: Session, roots: Sequence[UOp], keep: list[Handle]) -> list[UOp]:
    """The graphs with every COPY made: its source realized, its bytes moved, the node replaced by the new
    buffer.
    """
    copies = [node for node in toposort(tuple(roots)) if node.op is ops.COPY]
    made: dict[UOp, UOp] = {}
    for node in copies:  # sources first, so an inner copy is made before an outer one
        if session.capture is not None:
            session.capture.refuse_copy(node)
        source = substitute(node.src[0], made)
        value = Value(
            source, source.device or session.default_device(), frozenset(_handles_in(session, source))
        )
        realize(session, (value,))
        assert value.own is not None, "realize gives every value a buffer"
        buffer = session.new_buffer(node.shape, node.dtype, node.arg)
        handle = session.allocate(buffer)
        handle.device.write(handle.address, value.own.device.read(value.own.address, nbytes(buffer)))
        keep.append(handle)
        made[node] = buffer
    return list(substitute_all(roots, made))


def _handles_in(session: Session, root: UOp) -> Iterable[Handle]:
    return (session.handle(node) for node in root.toposort() if node.op is ops.BUFFER)


def _realize_on(session: Session, device: str, todo: Sequence[Value], roots: Sequence[UOp]) -> None:
    """Realize values whose graphs read buffers of one device."""
    try:
        graph = compile_graph(session, device, roots)
        made = _take_memory(session, todo, graph)
        run_graph(session, graph)
    except BaregradError as error:
        error.where = error.where or next((v.line for v in todo if v.line), "")
        raise
    # All of them at once: a value that is settled lets go of its inputs, which may be another one's memory.
    handles = [session.handle(buffer) for buffer in graph.outputs]
    del made  # until here they were held by nobody else
    for value, root, handle in zip(todo, roots, handles, strict=True):
        session.remember(value.uop, handle)
        session.remember(root, handle)
        value.settle(handle)


def _take_memory(session: Session, todo: Sequence[Value], graph: CompiledGraph) -> list[Handle]:
    """Memory for the outputs that have none: an old version's when nothing alive reads it, else new."""
    finished = {v for v in todo if not v.parents}
    wanted = {buffer.arg.number for buffer in graph.outputs}  # an old version may be a value of its own
    made: list[Handle] = []
    for buffer in graph.outputs:
        number = buffer.arg.number
        if session.handles.get(number) is not None:
            continue
        donor = session.handles.get(graph.donors.get(number, 0))
        free = donor is not None and not donor.released and donor.number not in wanted
        if donor is not None and free and all(holder in finished for holder in donor.holders):
            if session.capture is not None:
                session.capture.given_up.add(donor.number)
            made.append(session.adopt(buffer, donor.give_up()))
        else:
            made.append(session.allocate(buffer))
    return made


def read(session: Session, value: Value) -> bytes:
    """The bytes of a value, row-major.

    Errors: JitError inside a captured step: the bytes would be of this call only; IndexingError for an index
    out of range before it, under `config.check_bounds`.
    """
    if session.capture is not None:
        session.capture.refuse_read(value)
    realize_to_see(session, value)
    assert value.own is not None, "realize gives every value a buffer"
    return value.own.device.read(value.own.address, nbytes(value.own.buffer))


def realize_to_see(session: Session, value: Value) -> None:
    """Realize what is about to be seen, after a look at the indices that came before."""
    guards = session.take_guards()
    realize(session, (*(guard.value for guard in guards), value))
    check_guards(guards)


def from_bytes(session: Session, data: bytes | bytearray | memoryview, buffer: UOp, line: str = "") -> Value:
    """A value in memory, from its row-major bytes.

    Errors: DeviceError when the bytes are not as many as the shape and dtype need.
    """
    if len(data) != nbytes(buffer):
        raise DeviceError(
            f"{len(data)} bytes for shape {buffer.shape} of {buffer.dtype}",
            why=f"the shape needs {nbytes(buffer)} bytes",
            mend="give the bytes of every element, row-major",
        )
    handle = session.allocate(buffer)
    handle.device.write(handle.address, data)
    value = Value(buffer, handle.device.name, frozenset((handle,)), line=line)
    value.settle(handle)
    if session.capture is not None:
        session.capture.pin(value)
    return value
