"""What all concerns of Tensor share: the value it holds, and `apply`, through which every operation goes.

A Tensor is a box for a Value (engine/value.py): operations make new tensors, `assign` puts another value into
the box. The operations are in ops/, one file a concern, as mixins over TensorBase; tensor.py joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self
from weakref import ReferenceType

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.engine import SESSION, Value, support_of
from baregrad.ir import Scalar, Size, Symbolic, UOp, const, size_node
from baregrad.tensor import autograd, check
from baregrad.tensor.place import user_line


class TensorBase:
    """The box and its facts."""

    __slots__ = ("__weakref__", "_grad", "_hooks", "_part", "_value")

    _value: Value
    _grad: Self | None
    _hooks: dict[Any, Callable[[Any], Any]]  # of tensors; there only if hooks were registered
    _part: tuple[ReferenceType[Self], Any] | None  # what it was cut out of, and the index, of any kind

    @classmethod
    def of(cls, value: Value) -> Self:
        """A tensor that holds a value."""
        self = cls.__new__(cls)
        self._value, self._grad, self._part = value, None, None
        if SESSION.capture is not None:
            SESSION.capture.made(self)
        return self

    @property
    def value(self) -> Value:
        """What the tensor holds now."""
        if SESSION.capture is not None:
            SESSION.capture.read(self)
        return self._value

    @value.setter
    def value(self, value: Value) -> None:
        if SESSION.capture is not None:
            SESSION.capture.written_to(self)
        self._value = value

    @property
    def shape(self) -> tuple[Size, ...]:
        """The size of each axis."""
        return self._value.uop.shape

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self._value.uop.dtype

    @property
    def device(self) -> str:
        """The name of the device that it lives on."""
        return self._value.device

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._value.uop.shape)

    def numel(self) -> Size:
        """The number of elements."""
        total: Size = 1
        for size in self.shape:
            total = total * size
        return total

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow into it."""
        return self._value.tracked

    @property
    def is_leaf(self) -> bool:
        """Whether gradients end here."""
        return not self._value.parents

    def apply(self, build: Callable[..., UOp], *others: TensorBase) -> Self:
        """A new tensor whose expression is `build` of the operands' expressions: the one way operations are
        made.
        """
        values = (self.value, *(other.value for other in others))
        with SESSION.lock:  # no other thread realizes a value between its node and its support
            uop = build(*map(autograd.node_of, values))
            device = (
                check.same_device((v.device for v in values), uop.op.name) if others else values[0].device
            )
            parents: tuple[Value, ...] = ()
            if uop.dtype.is_float and autograd.recording():
                parents = tuple(v for v in values if v.tracked)
            return self.of(Value(uop, device, support_of(values), parents=parents, line=user_line()))

    @classmethod
    def constant(cls, uop: UOp, device: str | None) -> Self:
        """A tensor of an expression that reads no buffer."""
        return cls.of(Value(uop, device or SESSION.default_device(), line=user_line()))

    def fit(self, dtype: DType, shape: Sequence[Size]) -> Self:
        """The tensor in a dtype, expanded to a shape."""
        if self.dtype is dtype and self.shape == shape:
            return self
        return self.apply(lambda x: x.cast(dtype).expand(tuple(shape)))

    def operands(
        self, what: str, *others: TensorBase | Scalar | Symbolic, floats: bool = False
    ) -> tuple[Self, ...]:
        """This tensor and others as operands of one elementwise operation, in one dtype and one shape.

        Python numbers are weak in promotion, as in torch, and stay scalars: they broadcast by themselves.
        """
        every = (self, *map(check.number, others))
        dtype = dt.result_dtype(*map(_kind_of, every))
        if floats:
            dtype = check.float_dtype(dtype, what)
        tensors = [t for t in every if isinstance(t, TensorBase)]
        shape = tensors[0].shape if len(tensors) == 1 else check.broadcast([t.shape for t in tensors], what)
        fitted = (
            t.fit(dtype, shape)
            if isinstance(t, TensorBase)
            else self.constant(number_node(t, dtype), self.device)
            for t in every
        )
        return tuple(fitted)  # type: ignore[arg-type]  # every tensor is of the one public class


def _kind_of(operand: Any) -> DType | type:  # Any: a tensor, a number or a symbolic size
    """What promotion knows of an operand."""
    if isinstance(operand, TensorBase):
        return operand.dtype
    return int if isinstance(operand, Symbolic) else type(operand)


def number_node(value: Any, dtype: DType) -> UOp:  # Any: a number or a symbolic size
    """A number as a node of a dtype."""
    return size_node(value).cast(dtype) if isinstance(value, Symbolic) else const(value, dtype)
