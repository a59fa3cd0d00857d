"""A captured list of launches with new memory put in: sources that are read, products that are written.

A product that takes the place of a source (a parameter's next version) is written over it, unless somebody
still holds the old version; a product that somebody still holds is never written over, but gets new memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sys import getrefcount
from typing import Any, NamedTuple
from weakref import ref

from baregrad.base.errors import JitError
from baregrad.engine.capture import Capture
from baregrad.engine.graph import run_recording
from baregrad.engine.realize import realize
from baregrad.engine.session import Session
from baregrad.engine.value import Handle, Value
from baregrad.ir import Size, UOp, Variable, bound_to, gather_variables
from baregrad.runtime import Address, Device, Recording


@dataclass(slots=True)
class Source:
    """A buffer that is read: the memory of what the box holds at the replay; `argument` is its place among
    them, or -1.
    """

    number: int
    box: Any
    argument: int


@dataclass(slots=True)
class Product:
    """A buffer that is written and seen afterwards: `boxes` get it, and the result if `returned`.

    `numbers` are those of the launches that stand for it: its own, and those of earlier versions in the same
    memory. `over` is the box that it is a version of, if it may be written over that one's memory.
    """

    buffer: UOp
    numbers: list[int]
    boxes: list[Any]  # weak references
    over: Any
    handle: Handle
    device: str


class _Same(NamedTuple):
    """In a result: a tensor that was there before, or the argument at a place."""

    box: Any
    place: int


class _Row(NamedTuple):
    """In a result: a tuple or list."""

    cls: type
    parts: list[Any]


class _Made(NamedTuple):
    """In a result: a new tensor, in the memory of a number."""

    cls: Any
    number: int
    shape: tuple[Any, ...]


class Patches:
    """Which argument of which launch has which number."""

    def __init__(self, recording: Recording, capture: Capture) -> None:
        self.recording = recording
        self._places: dict[int, list[tuple[int, int]]] = {}
        self._now: dict[int, int] = {}
        self._words: dict[str, list[tuple[int, int]]] = {}
        self._values: dict[str, int] = {}
        for launch, (numbers, entry) in enumerate(zip(capture.numbers, capture.launches, strict=True)):
            for slot, (number, address) in enumerate(zip(numbers, entry.args, strict=False)):
                self._places.setdefault(number, []).append((launch, slot))
                self._now[number] = int(address)
            for slot, name in enumerate(capture.variables[launch], len(numbers)):
                self._words.setdefault(name, []).append((launch, slot))

    @property
    def numbers(self) -> Iterable[int]:
        """All numbers that the launches use."""
        return self._places

    def put(self, number: int, address: Address) -> None:
        """Let all launches use this memory for the number."""
        if self._now.get(number) != address.value:
            self._now[number] = address.value
            for launch, slot in self._places.get(number, ()):
                self.recording.set_argument(launch, slot, address)

    def bind(self, values: Mapping[str, int]) -> None:
        """Let all launches use these values of variables."""
        for name, value in values.items():
            if self._values.get(name) != value:
                self._values[name] = value
                for launch, slot in self._words.get(name, ()):
                    self.recording.set_argument(launch, slot, value)


class Replay:
    """What jit replays."""

    def __init__(
        self, session: Session, capture: Capture, boxes: list[Any], starts: list[Value], result: Any
    ) -> None:
        self._variables: Mapping[str, int] = {}  # of this run, by name
        self._capture = capture  # holds the memory of all that is written inside
        self._device = _one_device(capture)
        self._patches = None
        self._steps = [step for graph in capture.graphs for step in graph.steps]
        if self._device is not None and capture.launches:
            self._patches = Patches(self._device.record(capture.launches), capture)
        self._sources = list(_sources(session, capture, boxes, starts, self._patches))
        self._grads_before = list(capture.grads_read.values())
        self._grads_after = [
            (box, box._grad) for box, _ in capture.before.values() if id(box) in capture.grads_set
        ]
        self._products: dict[int, Product] = {}
        self._constants: dict[int, Value] = {}
        self._passed: set[int] = (
            set()
        )  # numbers that boxes or the result have as they were before the launches
        self._moves: list[tuple[Any, int, tuple[Any, ...]]] = []  # weak box, such a number, shape
        returned = {id(box) for box in _boxes(result)}
        self._assigned: list[tuple[int, Any]] = []  # place among the arguments, box: those assigned to
        places = self._places = {id(box): place for place, box in reversed(list(enumerate(boxes)))}
        for box, start in capture.before.values():
            if box._value is not start and id(box) in places:
                self._assigned.append((places[id(box)], box))
            if box._value is not start:
                self._add_product(capture, box, over=box)
        for box in capture.new:
            if id(box) not in returned:
                self._add_product(capture, box, over=box)
        self._own_grads = [
            (place, product, k)
            for place, (_, grad) in enumerate(self._grads_after)
            for product in self._products.values()
            for k, weak in enumerate(product.boxes)
            if grad is not None and weak() is grad and id(grad) not in capture.before
        ]
        self._result = self._template(capture, result)

    def _add_product(self, capture: Capture, box: Any, over: Any = None) -> int:
        """The number of what a box holds now; a product if it was written inside."""
        value: Value = box._value
        assert value.own is not None, "everything that a step leaves is realized at its end"
        number = value.own.number
        if number not in capture.written:
            self._constants[number] = value
            self._passed.add(number)
            if over is not None:
                self._moves.append((ref(box), number, value.shape))
            return number
        product = self._products.get(number)
        if product is None:
            numbers, _ = _same_memory(capture, number)
            product = Product(value.own.buffer, numbers, [], None, value.own, value.device)
            self._products[number] = product
        if over is not None:
            product.boxes.append(ref(box))
            _, source = _same_memory(capture, number)
            if source and _number_before(capture, box) == source:
                product.over = ref(box)
        return number

    def _template(self, capture: Capture, tree: Any) -> Any:
        """The result with (class, number, shape) for each new tensor; a tensor that was there before is
        itself, an argument its place.
        """
        if tree is None:
            return None
        if isinstance(tree, dict):
            return {name: self._template(capture, part) for name, part in tree.items()}
        if isinstance(tree, tuple | list):
            return _Row(type(tree), [self._template(capture, part) for part in tree])
        if id(tree) in self._places or not capture.is_new(tree):
            return _Same(tree if id(tree) not in self._places else None, self._places.get(id(tree), -1))
        return _Made(type(tree), self._add_product(capture, tree), tree._value.shape)

    # -- at each replay ----------------------------------------------------------------------------------

    def run(self, session: Session, arguments: list[Any], variables: Mapping[str, int]) -> Any:
        """Put the memory and the variables' values in, run, and give boxes and result their values."""
        self._variables = self._checked(variables)
        if any(arguments[place] is not box for place, box in self._assigned):
            raise JitError(
                "a captured step assigns to an argument, and is called with another tensor",
                why="a replay would assign to the tensor of the capture",
                mend="pass the same tensor each time, or return the new elements",
            )
        for box, before in self._grads_before:
            if box._grad is not before and not (box._grad is None and before is None):
                raise JitError(
                    f"the gradient of a tensor of shape {box.shape} was {_there(before)} at the capture "
                    f"and is now {_there(box._grad)}",
                    why="the step adds to it, or sets it, as it was captured",
                    mend="call zero_grad() inside the step, or at the same place each time",
                )
        self._let_held_gradients_be()
        passed = self._as_they_are(arguments)
        if self._patches is not None and self._device is not None:
            self._launch(session, arguments)
        for weak, number, shape in self._moves:
            box = weak()
            if box is not None:
                box._value = _value_in(passed[number], self._shape(shape), box._value.leaf)
        for box, grad in self._grads_after:
            box._grad = grad
        return self._build(self._result, arguments, passed)

    def _let_held_gradients_be(self) -> None:
        """A gradient that the step makes anew, and that somebody has kept, stays as it is: another takes its
        place.
        """
        for place, product, k in self._own_grads:
            box, grad = self._grads_after[place]
            # held by the pair, by `grad`, by the call itself, and by the parameter
            if getrefcount(grad) > 3 + (box._grad is grad):
                other = type(grad).of(grad._value.again())
                self._grads_after[place] = (box, other)
                product.boxes[k] = ref(other)

    def _checked(self, variables: Mapping[str, int]) -> Mapping[str, int]:
        """The variables' values, if the tensors that the step finds by itself are bound to the same ones."""
        found: dict[str, Variable] = {}
        for source in self._sources:
            if source.argument < 0:
                gather_variables(source.box._value.shape, found)
        for name, variable in found.items():
            if variables.get(name, variable.value) != variable.value:
                raise JitError(
                    f"{name} is {variables[name]}, and in a tensor that the step finds by itself "
                    f"{variable.value}",
                    why="a variable has one value in a program",
                    mend="pass the tensor as an argument, or give it a variable of its own",
                )
        return variables

    def _shape(self, shape: tuple[Size, ...]) -> tuple[Size, ...]:
        """A shape of the capture with the variables' values of this run."""
        if not self._variables:
            return shape
        return tuple([bound_to(size, self._variables) for size in shape])

    def _as_they_are(self, arguments: list[Any]) -> dict[int, Value]:
        """What is handed on as it is: Values of their own, so that nothing is written over it."""
        found = {number: self._constants[number].again() for number in self._passed}
        for source in self._sources:
            if source.number in found:
                box = arguments[source.argument] if source.argument >= 0 else source.box
                found[source.number] = box._value.again()
        return found

    def _launch(self, session: Session, arguments: list[Any]) -> None:
        assert self._patches is not None, "there are launches"
        assert self._device is not None, "they have a device"
        read: set[int] = set()
        values = [(arguments[s.argument] if s.argument >= 0 else s.box)._value for s in self._sources]
        realize(session, values)  # also what an error has left behind, or another thread has assigned
        for source, value in zip(self._sources, values, strict=True):
            self._patches.put(source.number, value.own.address)
            read.add(value.own.address.value)
        self._patches.bind(self._variables)
        fresh = [(p, self._memory_for(session, p, read)) for p in self._products.values()]
        run_recording(self._device, self._patches.recording, self._steps, self._variables)
        for product, is_new in fresh:
            _hand_out(product, is_new)

    def _memory_for(self, session: Session, product: Product, read: set[int]) -> bool:
        """Choose the memory that a product is written to; whether the boxes need a new value for it."""
        assert self._patches is not None, "there are launches"
        boxes = [box for weak in product.boxes if (box := weak()) is not None]
        mine = {box._value for box in boxes}
        over = product.over() if product.over is not None else None
        old: Handle = over._value.own if over is not None else product.handle
        in_place = over is not None or old.address.value not in read
        shape = self._shape(product.buffer.shape)
        in_place = in_place and old.buffer.shape == shape
        if in_place and not old.released and all(holder in mine for holder in old.holders):
            is_new = old is not product.handle
            product.handle = old
            old.rewritten = True
        else:
            buffer = session.new_buffer(shape, product.buffer.dtype, product.device)
            product.handle = session.allocate(buffer)
            is_new = True
        for number in product.numbers:
            self._patches.put(number, product.handle.address)
        return is_new

    def _build(self, template: Any, arguments: list[Any], passed: dict[int, Value]) -> Any:
        if template is None:
            return None
        if isinstance(template, dict):
            return {name: self._build(part, arguments, passed) for name, part in template.items()}
        if isinstance(template, _Row):
            make: Any = getattr(template.cls, "_make", template.cls)  # of a named tuple
            return make(self._build(part, arguments, passed) for part in template.parts)
        if isinstance(template, _Same):
            return arguments[template.place] if template.place >= 0 else template.box
        cls, number, shape = template
        shape = self._shape(shape)
        product = self._products.get(number)
        if product is None:
            return cls.of(_value_in(passed[number], shape, None))
        value = Value(product.handle.buffer.reshape(shape), product.device, frozenset((product.handle,)))
        value.settle(product.handle)
        return cls.of(value)


def _value_in(other: Value, shape: tuple[Any, ...], leaf: Any) -> Value:
    """A Value of the memory of another one."""
    if other.own is None:  # cut off from a tracked value, whose memory it reads
        return other
    value = Value(other.own.buffer.reshape(shape), other.device, frozenset((other.own,)), leaf=leaf)
    value.settle(other.own)
    return value


def _hand_out(product: Product, is_new: bool) -> None:
    """Give the product to its boxes; nothing to do where they hold this very memory already."""
    for weak in product.boxes:
        box = weak()
        if box is None or (not is_new and box._value.own is product.handle):
            continue
        value = Value(
            product.handle.buffer, product.device, frozenset((product.handle,)), leaf=box._value.leaf
        )
        value.settle(product.handle)
        box._value = value


def _boxes(tree: Any) -> Iterable[Any]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, tuple | list):
        for part in tree:
            yield from _boxes(part)
    elif tree is not None:
        yield tree


def _one_device(capture: Capture) -> Device | None:
    devices = {id(graph.device): graph.device for graph in capture.graphs}
    if len(devices) > 1:
        raise JitError(
            "a step on several devices",
            why="a replay is one call of one device",
            mend="use one jit for each device",
        )
    return next(iter(devices.values()), None)


def _same_memory(capture: Capture, number: int) -> tuple[list[int], int]:
    """The number and the earlier versions, written inside, that lie in the same memory; and the number of
    the source that they begin with, if they may be written over it, else 0.
    """
    donors = {new: old for graph in capture.graphs for new, old in graph.donors.items()}
    numbers = [number]
    while number in donors:
        new, number = number, donors[number]
        if number not in capture.written:
            return numbers, 0 if _read_later(capture, new, number) else number
        if number not in capture.given_up:
            break
        numbers.append(number)
    return numbers, 0


def _number_before(capture: Capture, box: Any) -> int:
    """The number of the memory that a box had before the step, 0 for a box that was not there."""
    _, start = capture.before.get(id(box), (None, None))
    return 0 if start is None or start.own is None else start.own.number


def _read_later(capture: Capture, new: int, old: int) -> bool:
    """Whether a graph behind the one that makes the new version still reads the old one."""
    after = next(place for place, graph in enumerate(capture.graphs) if new in graph.donors) + 1
    return any(old in step.numbers for graph in capture.graphs[after:] for step in graph.steps)


def _sources(
    session: Session, capture: Capture, boxes: list[Any], starts: list[Value], patches: Patches | None
) -> Iterable[Source]:
    """Arguments and boxes whose memory the launches read. Everything else that they read is kept as it is."""
    arguments = {
        value.own.number: i for i, value in reversed(list(enumerate(starts))) if value.own is not None
    }
    before = {start.own.number: box for box, start in capture.before.values() if start.own is not None}
    inside = capture.written | {number for graph in capture.graphs for number in graph.places}
    known = {**arguments, **before}
    for number in known:
        if number in arguments:
            yield Source(number, None, arguments[number])
        else:
            yield Source(number, before[number], -1)
    for number in () if patches is None else patches.numbers:
        if number not in known and number not in inside and number not in capture.pinned:
            raise JitError(
                f"a captured step reads buffer {number}, which no tensor holds",
                why="a replay would not know where its value is",
                mend="this is a mistake of baregrad: please report how you came here",
            )


def _there(box: Any) -> str:
    return "None" if box is None else "set"
