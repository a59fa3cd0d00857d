"""The public Tensor: construction, places, assignment. Operations are in ops/, gradients in
gradients.py, conversions in exchange.py.
"""

from __future__ import annotations

from typing import Any, Self

from baregrad.base.errors import DeviceError, DTypeError, GradientError, ShapeError
from baregrad.dtype import DType
from baregrad.engine import SESSION, Value, from_bytes, realize
from baregrad.ir import Symbolic, UOp, ops
from baregrad.tensor import autograd, check, numbers
from baregrad.tensor.exchange import Exchange
from baregrad.tensor.place import user_line


class Tensor(Exchange):
    """Numbers on a device, computed when they are looked at.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> (x @ x).tolist()
    [[7.0, 10.0], [15.0, 22.0]]
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,  # nested sequences of numbers, a number, arrays and tensors: numbers.py refuses the rest
        *,
        dtype: DType | None = None,
        device: str | None = None,
        requires_grad: bool = False,
    ) -> None:
        """Copy numbers into a new tensor: Python's, numpy's, a tensor of this or another library.

        Dtypes: bool, int64 and float32 for Python's numbers, an array's or tensor's own, unless given.
        Errors: ShapeError for ragged sequences; DTypeError for what is not a number.
        """
        self._grad = self._part = None
        if dtype is not None:
            check.dtype_in(dtype, "a tensor")
        if isinstance(data, Tensor):
            moved = data.detach().to(device or data.device)
            self._value = moved.cast(dtype or data.dtype).value.again()
        else:
            shape, found, packed = numbers.pack(data, dtype)
            buffer = SESSION.new_buffer(shape, found, device or SESSION.default_device())
            self._value = from_bytes(SESSION, packed, buffer, user_line())
        if SESSION.capture is not None:
            SESSION.capture.made(self)
        if requires_grad:
            self.requires_grad_()

    # -- to Python ---------------------------------------------------------------------------------------

    def realize(self, *others: TensorLike) -> Self:
        """Compute now, together with others."""
        realize(SESSION, (self.value, *(other.value for other in others)))
        return self

    # -- places and versions -----------------------------------------------------------------------------

    def to(self, device: str) -> Self:
        """The tensor on another device."""
        SESSION.device(device)  # refuses unknown names now
        if device == self.device:
            return self
        value = self.value
        parents = (value,) if value.tracked and autograd.recording() else ()
        with SESSION.lock:
            node = UOp(ops.COPY, value.dtype, (autograd.node_of(value),), device)
            return self.of(Value(node, device, value.support, parents=parents, line=user_line()))

    def assign(self, other: Any) -> Self:  # Any: a tensor, or what Tensor() takes
        """Put other elements into this tensor, and into that which it was cut out of by x[...], if it was.
        What was computed from it before keeps the elements as they were.

        Errors: ShapeError, DTypeError, DeviceError unless they are as this tensor's; GradientError for a
        tensor with a tape, outside of no_grad().
        """
        source = other if isinstance(other, Tensor) else Tensor(other, dtype=self.dtype, device=self.device)
        if source.shape != self.shape:
            raise ShapeError(
                f"assign {source.shape} to {self.shape}", why="the shape stays", mend="expand or reshape it"
            )
        if source.dtype is not self.dtype:
            raise DTypeError(f"assign {source.dtype} to {self.dtype}", why="the dtype stays", mend="cast it")
        if source.device != self.device:
            raise DeviceError(
                f"assign from {source.device} to {self.device}", why="the device stays", mend="use .to()"
            )
        old, new = self.value, source.value
        if new.tracked and autograd.recording():
            raise GradientError(
                "assign of a tensor that requires a gradient",
                why="no gradient flows through an assignment",
                mend="detach() it, or assign inside no_grad()",
            )
        if old.parents:
            raise GradientError(
                "assign to a tensor that was computed with gradients on",
                why="its gradient would be lost",
                mend="detach() it, or assign inside no_grad() to a leaf",
            )
        with SESSION.lock:
            self.value = self._next_version(old, new)
            SESSION.postpone(self._value)
        whole = None if self._part is None else self._part[0]()
        if self._part is not None and whole is not None:
            whole[self._part[1]] = self
        return self

    def __setitem__(self, index: Any, value: Any) -> None:  # Any: all that x[...] takes; what Tensor() takes
        """Put elements into a part of this tensor: integers, slices, symbolic sizes, None, Ellipsis, and
        tensors or lists of integers and bools. Gradients flow through it.

        What was computed from it before keeps the elements as they were; of several values for one element
        the last stays. Cost: that of the whole tensor.
        Errors: those of x[index]; ShapeError unless the value broadcasts to the part; DeviceError;
        GradientError for a leaf outside of no_grad().
        """
        if not isinstance(value, Tensor | bool | int | float | Symbolic):
            value = Tensor(value, dtype=self.dtype, device=self.device)
        new = self._with(index, value)
        if not (new.value.tracked and autograd.recording()):
            self.assign(new)
        elif self.value.leaf is not None and not self.value.parents:
            raise GradientError(
                "x[…] = y of a tensor that requires a gradient",
                why="what it was before would have no gradient any more",
                mend="put it into x + 0, or inside no_grad()",
            )
        else:
            self.value = new.value

    def _next_version(self, old: Value, new: Value) -> Value:
        """What stands in this tensor after `new` was assigned to `old`."""
        if old.own is None or old.node.op is not ops.BUFFER:
            found = autograd.node_of(new)
            if old.leaf is not None:
                node = autograd.apart(found)
            else:
                node = UOp(ops.CONTIGUOUS, self.dtype, (found,)) if found.op is ops.BUFFER else found
            return Value(node, self.device, new.support, leaf=old.leaf, line=user_line())
        node = old.node.assign(autograd.node_of(new))
        return Value(node, self.device, new.support | old.support, leaf=old.leaf, line=user_line())


TensorLike = Tensor
