"""Values and the handles that keep their memory.

A Value is what a Tensor holds: an expression (`uop`), and the handles of every buffer that the expression
reads, so that what it reads stays as it was for as long as the Value lives. Realizing a Value gives it a
buffer of its own. A Value never changes its meaning; a Tensor that is assigned to gets another Value. What is
not here: how values are realized (realize.py) and gradients (tensor/autograd.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from weakref import ReferenceType, WeakSet

from baregrad.dtype import DType
from baregrad.ir import Buffer, Size, UOp, ops
from baregrad.runtime import Address, Device


class Handle:
    """Owns the memory of one buffer number; the memory goes back to the device with the handle.

    `holders` are the living Values that read this buffer: what decides whether a next version may take the
    memory. `rewritten`: a replay has put other elements there than those that were computed first.
    """

    __slots__ = ("__weakref__", "address", "buffer", "device", "holders", "released", "rewritten")

    def __init__(self, buffer: UOp, device: Device, address: Address) -> None:
        self.buffer, self.device, self.address = buffer, device, address
        self.released = self.rewritten = False
        self.holders: WeakSet[Value] = WeakSet()

    @property
    def number(self) -> int:
        """The number of the buffer."""
        return int(self.buffer.arg.number)

    def give_up(self) -> Address:
        """Hand the memory to a next version; this handle can't be read any more."""
        self.released = True
        return self.address

    def __del__(self) -> None:
        if not self.released:
            self.device.free(self.address)


class Value:
    """A lazy or realized value. `parents` is the tape: empty when no gradient flows through it.

    `line` is the user's line that made it; `leaf` is the box of a value that gradients end at, or that keeps
    its gradient; `rule` is how the gradient of a CUSTOM node goes on (tensor/autograd.py).
    """

    __slots__ = ("__weakref__", "_node", "device", "handles", "leaf", "line", "own", "parents", "rule", "uop")

    def __init__(
        self,
        uop: UOp,
        device: str,
        handles: frozenset[Handle] = frozenset(),
        *,
        parents: tuple[Value, ...] = (),
        leaf: ReferenceType[Box] | None = None,
        rule: object | None = None,
        line: str = "",
    ) -> None:
        self.uop, self.device, self.handles = uop, device, handles
        self.parents, self.leaf, self.rule, self.line = parents, leaf, rule, line
        self.own: Handle | None = None
        self._node = uop
        for handle in handles:
            handle.holders.add(self)

    @property
    def node(self) -> UOp:
        """The expression that new values are built on: the own buffer once there is one."""
        return self._node

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self.uop.dtype

    @property
    def shape(self) -> tuple[Size, ...]:
        """The shape."""
        return self.uop.shape

    @property
    def tracked(self) -> bool:
        """Whether gradients flow into it."""
        return self.leaf is not None or bool(self.parents)

    @property
    def support(self) -> frozenset[Handle]:
        """The handles that an expression built on `node` needs."""
        return self.handles if self.own is None else frozenset((self.own,))

    def again(self) -> Value:
        """The same elements for another box, cut off from the tape: each box has a Value of its own."""
        node = UOp(ops.DETACH, self.dtype, (self.node,)) if self.tracked else self.node
        other = Value(node, self.device, self.support, line=self.line)
        if self.own is not None and not self.tracked:
            other.settle(self.own)
        return other

    @property
    def shares(self) -> bool:
        """Whether another Value has the same memory."""
        holders = () if self.own is None else self.own.holders
        return any(other is not self and other.own is self.own for other in holders)

    def settle(self, handle: Handle) -> None:
        """The value is now in memory; without a tape the expression and its inputs are let go."""
        self.own = handle
        buffer = handle.buffer
        self._node = buffer if buffer.shape == self.shape else buffer.reshape(self.shape)
        if not self.tracked and any(other.tracked for other in handle.holders if other.own is handle):
            self._node = UOp(ops.DETACH, self.dtype, (self._node,))  # the memory of a tracked value, cut off
        handle.holders.add(self)
        if not self.parents:
            self.release()

    def release(self) -> None:
        """Let the tape go, and with it what only a gradient would have read."""
        if self.parents:
            self.parents, self.leaf, self.rule = (), None, None
        if self.own is None:
            return
        for handle in self.handles:
            if handle is not self.own:
                handle.holders.discard(self)
        self.uop = self._node
        self.handles = frozenset((self.own,))


class Box(Protocol):
    """What holds a Value and may get another one: a Tensor."""

    value: Value


def support_of(values: Iterable[Value]) -> frozenset[Handle]:
    """The handles that an expression over several values needs."""
    handles: frozenset[Handle] = frozenset()
    for value in values:
        handles |= value.support
    return handles


def new_buffer_node(number: int, shape: tuple[Size, ...], dtype: DType, device: str) -> UOp:
    """The BUFFER of a number."""
    return UOp(ops.BUFFER, dtype, (), Buffer(number, shape, (device,)))
