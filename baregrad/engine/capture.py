"""What one run of a step does: the launches, the boxes that it reads, writes and makes. jit.py replays it.

Tensors report here while a capture is open (they are the boxes; the engine knows only that a box has a
value).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import ReferenceType, ref

from baregrad.base.errors import JitError
from baregrad.engine.graph import CompiledGraph
from baregrad.engine.realize import from_bytes, realize
from baregrad.engine.session import Session, nbytes
from baregrad.engine.value import Handle, Value
from baregrad.ir import UOp
from baregrad.runtime import Launch


class Capture:
    """The notes of one run."""

    def __init__(self, session: Session, arguments: Sequence[Any]) -> None:
        self._session = session
        self.graphs: list[CompiledGraph] = []
        self.launches: list[Launch] = []
        self.numbers: list[tuple[int, ...]] = []  # of each launch's slots
        self.variables: list[tuple[str, ...]] = []  # in the slots behind them
        self.written: set[int] = set()  # numbers of the graphs' outputs
        self.given_up: set[int] = set()  # numbers whose memory a next version took
        self.kept: list[Handle] = []  # all memory that is taken inside
        self._numbers_kept: set[int] = set()
        self._arguments = {
            id(box) for box in arguments
        }  # jit.py checks that they stay as they are to each other
        self._owners = {
            box._value.own.number: box for box in reversed(arguments)
        }  # number of the memory -> box
        self.pinned: dict[int, Value] = {}  # numbers that hold bytes of the host
        self.before: dict[
            int, tuple[Any, Value]
        ] = {}  # id of a box that was there already -> it, and its value then
        self._new: dict[
            int, ReferenceType[Any]
        ] = {}  # boxes made inside; by id, since == of tensors is elementwise
        self.grads_read: dict[
            int, tuple[Any, Any]
        ] = {}  # gradients asked for before they were set, and what was there
        self.grads_set: set[int] = set()
        self.refused: JitError | None = None  # raised again at the end, should the step have caught it

    def took(self, handle: Handle) -> bool:
        """Whether the memory was taken inside."""
        return handle.number in self._numbers_kept

    def keep(self, handle: Handle) -> None:
        """Memory was taken."""
        self.kept.append(handle)
        self._numbers_kept.add(handle.number)

    def made(self, box: Any) -> None:
        """A box was made inside."""
        self._new[id(box)] = ref(box)

    @property
    def new(self) -> list[Any]:
        """The boxes that were made inside and still live."""
        return [box for weak in self._new.values() if (box := weak()) is not None]

    def is_new(self, box: Any) -> bool:
        """Whether a box was made inside."""
        weak = self._new.get(id(box))
        return weak is not None and weak() is box

    def read(self, box: Any) -> None:
        """A box's value is used: one that was there before is realized outside of the capture.

        Boxes are told apart by their memory, so each but the first in one memory gets a copy.
        """
        if id(box) in self.before or self.is_new(box):
            return
        with self._apart():
            realize(self._session, (box._value,), pending=False)  # assignments inside stay inside
            first = self._owners.setdefault(box._value.own.number, box)
            if first is not box and id(box) not in self._arguments:
                box._value = self._copy_of(box._value)
        self._owners.setdefault(box._value.own.number, box)
        self.before[id(box)] = (box, box._value)

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Outside of the capture."""
        self._session.capture = None
        try:
            yield
        finally:
            self._session.capture = self

    def _copy_of(self, value: Value) -> Value:
        own = value.own
        assert own is not None, "it is realized"
        buffer = self._session.new_buffer(value.shape, value.dtype, value.device)
        copy = from_bytes(self._session, own.device.read(own.address, nbytes(buffer)), buffer, value.line)
        copy.leaf = value.leaf
        return copy

    def written_to(self, box: Any) -> None:
        """A box is about to get another value."""
        self.read(box)

    def read_grad(self, box: Any) -> None:
        """A gradient is asked for."""
        if not self.is_new(box) and id(box) not in self.grads_set and id(box) not in self.grads_read:
            self.grads_read[id(box)] = (box, box._grad)

    def wrote_grad(self, box: Any) -> None:
        """A gradient is set."""
        if not self.is_new(box):
            self.read(box)
            self.grads_set.add(id(box))

    def pin(self, value: Value) -> None:
        """Bytes of the host were put into a buffer: they stay as they are."""
        assert value.own is not None, "the bytes are in memory"
        self.pinned[value.own.number] = value

    def refuse_read(self, value: Value) -> None:
        """A read-back inside of a step."""
        self.refused = JitError(
            f"a tensor of shape {value.shape} is read back inside a captured step",
            why="a replay runs no Python: the number would be that of the capture for ever",
            mend="return the tensor and read it outside, or use where() instead of if",
            where=value.line,
        )
        raise self.refused

    def refuse_copy(self, node: UOp) -> None:
        """A copy between devices inside of a step."""
        self.refused = JitError(
            f"a tensor of shape {node.shape} is copied to {node.arg} inside a captured step",
            why="a replay is one native call of one device",
            mend="copy before the step and pass the copy as an argument",
        )
        raise self.refused

    def refuse_unnamed(self, named: Container[object]) -> None:
        """Errors: JitError for a tensor that the step has found at a place where a replay does not look."""
        states = self._session.generators.values()
        known = [
            *states,
            *(box for box, _ in self.before.values() if id(box) in self._arguments or box in named),
        ]
        grads = {id(box._grad) for box in known if box._grad is not None}
        grads |= {id(grad) for _, grad in self.grads_read.values()}
        ids = grads | {id(box) for box in known}
        for box, value in self.before.values():
            if id(box) not in ids:
                raise JitError(
                    f"a captured step uses a tensor of shape {box.shape} that no name leads to",
                    why="a replay would use this very tensor for ever, whatever is found there then",
                    mend="pass it as an argument, or keep it in an attribute, a list or a closure",
                    where=value.line,
                )

    def record(self, graph: CompiledGraph, launches: Sequence[Launch]) -> None:
        """A graph was run."""
        self.graphs.append(graph)
        self.launches.extend(launches)
        self.numbers.extend(step.numbers for step in graph.steps)
        self.variables.extend(step.variables for step in graph.steps)
        self.written.update(
            buffer.arg.number for buffer in graph.outputs if buffer.arg.number not in self._outside()
        )

    def _outside(self) -> set[int]:
        """Numbers that were there before: a graph whose root is a buffer already names it as its output."""
        return {start.own.number for _, start in self.before.values() if start.own is not None} | set(
            self.pinned
        )
