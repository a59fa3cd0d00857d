"""UOp: the one node of the one graph. Immutable, interned (equal nodes are the same object), without device
memory.

`UOp(op, dtype, src, arg)` makes or finds a node; the operators and methods below are builders for it. `==` is
identity; `.eq()` builds a comparison. Nothing here rewrites: see rules/ and rewrite.py. The user's line is
kept by Tensor, not here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError
from baregrad.base.intern import WeakTable
from baregrad.base.walk import sources_first
from baregrad.dtype import DType
from baregrad.ir import ops
from baregrad.ir.ops import Op

Size = Any  # int or Symbolic (size.py); an alias of the union would make every caller narrow it
Scalar = bool | int | float


class Buffer(NamedTuple):
    """The argument of BUFFER: which one, its shape, the devices that it lies on, and the axis it is sharded
    on.
    """

    number: int
    shape: tuple[Size, ...]
    devices: tuple[str, ...] = ("cpu",)
    axis: int | None = None


class UOp:
    """One node: `op` (a row of ops.py), `dtype`, `src` (nodes), `arg` (plain data), the derived `shape`."""

    __slots__ = ("__weakref__", "_bounds", "_key", "_ranges", "arg", "dtype", "op", "shape", "src")

    op: Op
    dtype: DType
    src: tuple[UOp, ...]
    arg: Any  # depends on the op
    shape: tuple[Size, ...]
    _bounds: tuple[int, int] | None
    _ranges: frozenset[UOp] | None
    _key: tuple[int, int, int] | None

    def __new__(cls, op: Op, dtype: DType, src: tuple[UOp, ...] = (), arg: Any = None) -> UOp:
        """Find the node, or make it."""
        if op is ops.CONST and type(arg) is float:
            key: tuple[Any, ...] = (op, dtype, src, _float_key(arg))  # 0.0 is not -0.0, NaN is itself
        else:
            key = (op, dtype, src, arg)
        node = _NODES.get(key)
        if node is not None:
            return node
        node = object.__new__(cls)
        node.op, node.dtype, node.src, node.arg = op, dtype, src, arg
        node.shape = op.shape(src, arg)
        node._bounds = None
        node._ranges = None
        node._key = None
        return _NODES.put(key, node)

    def __reduce__(self) -> Any:
        raise TypeError("a UOp is not pickled: use ir.text")

    def __copy__(self) -> UOp:
        return self

    def __deepcopy__(self, memo: Any) -> UOp:
        return self

    def __repr__(self) -> str:
        arg = "" if self.arg is None else f" {self.arg!r}"
        return f"<{self.op.name} {self.dtype}{list(self.shape)}{arg} of {len(self.src)}>"

    # -- facts -------------------------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def device(self) -> str | None:
        """The device that a TENSOR value lives on; None for one made of constants alone."""
        for node in self.toposort(lambda n: n.op is not ops.COPY):
            if node.op is ops.BUFFER:
                return str(node.arg.devices[0])
            if node.op is ops.COPY:
                return str(node.arg)
        return None

    def toposort(self, enter: Callable[[UOp], bool] | None = None) -> list[UOp]:
        """All nodes below and including this one, sources first, without recursion; sources of nodes not
        entered stay out.
        """
        return toposort((self,), enter)

    def rebuild(self, src: tuple[UOp, ...]) -> UOp:
        """The same node with other sources."""
        return self if src == self.src else UOp(self.op, self.dtype, src, self.arg)

    # -- elementwise builders ----------------------------------------------------------------------------

    def const_like(self, value: Scalar) -> UOp:
        """A constant of this node's dtype."""
        return const(value, self.dtype)

    def _binary(self, op: Op, other: UOp | Scalar, flipped: bool = False) -> UOp:
        node = other if isinstance(other, UOp) else const(other, self.dtype)
        a, b = (node, self) if flipped else (self, node)
        if a.dtype is not b.dtype:
            raise DTypeError(
                f"{op.name} of {a.dtype} and {b.dtype}",
                why="an elementwise op takes one dtype",
                mend="cast one of them",
            )
        return UOp(op, dt.bool_ if op.dtype == "bool" else a.dtype, (a, b))

    # fmt: off
    def __add__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.ADD, other)
    def __radd__(self, other: Scalar) -> UOp: return self._binary(ops.ADD, other, True)
    def __sub__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.SUB, other)
    def __rsub__(self, other: Scalar) -> UOp: return self._binary(ops.SUB, other, True)
    def __mul__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.MUL, other)
    def __rmul__(self, other: Scalar) -> UOp: return self._binary(ops.MUL, other, True)
    def __truediv__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.DIV, other)
    def __rtruediv__(self, other: Scalar) -> UOp: return self._binary(ops.DIV, other, True)
    def __floordiv__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.IDIV, other)
    def __mod__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.MOD, other)
    def __and__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.AND, other)
    def __or__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.OR, other)
    def __xor__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.XOR, other)
    def __lshift__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.SHL, other)
    def __rshift__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.SHR, other)
    def __lt__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.CMPLT, other)
    def __le__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.CMPLE, other)
    def __gt__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.CMPLT, other, True)
    def __ge__(self, other: UOp | Scalar) -> UOp: return self._binary(ops.CMPLE, other, True)
    def eq(self, other: UOp | Scalar) -> UOp: return self._binary(ops.CMPEQ, other)  # noqa: D102
    def ne(self, other: UOp | Scalar) -> UOp: return self._binary(ops.CMPNE, other)  # noqa: D102
    def maximum(self, other: UOp | Scalar) -> UOp: return self._binary(ops.MAX, other)  # noqa: D102
    def minimum(self, other: UOp | Scalar) -> UOp: return self._binary(ops.MIN, other)  # noqa: D102
    def __neg__(self) -> UOp: return UOp(ops.NEG, self.dtype, (self,))
    def __invert__(self) -> UOp: return UOp(ops.NOT, self.dtype, (self,))
    # fmt: on

    def where(self, a: UOp | Scalar, b: UOp | Scalar) -> UOp:
        """SELECT with this node as the mask; one of a and b must be a node."""
        like = a if isinstance(a, UOp) else b
        assert isinstance(like, UOp), "where needs a node for its dtype"
        a = a if isinstance(a, UOp) else const(a, like.dtype)
        b = b if isinstance(b, UOp) else const(b, like.dtype)
        return UOp(ops.SELECT, like.dtype, (self, a, b))

    def alu(self, op: Op, *others: UOp) -> UOp:
        """Any elementwise row applied to this node and others."""
        return UOp(op, dt.bool_ if op.dtype == "bool" else self.dtype, (self, *others))

    def cast(self, dtype: DType) -> UOp:
        """The value in another dtype (the node itself when it is the same)."""
        if dtype is self.dtype:
            return self
        return const(self.arg, dtype) if self.op is ops.CONST else UOp(ops.CAST, dtype, (self,))

    def bitcast(self, dtype: DType) -> UOp:
        """The same bits as another dtype of the same size."""
        if dtype.bits != self.dtype.bits:
            raise DTypeError(
                f"bitcast of {self.dtype} to {dtype}",
                why="the sizes differ",
                mend="bitcast to a dtype of the same size",
            )
        return self if dtype is self.dtype else UOp(ops.BITCAST, dtype, (self,))

    # -- TENSOR builders ---------------------------------------------------------------------------------

    def reshape(self, shape: tuple[Size, ...]) -> UOp:
        """The same elements in row-major order under another shape."""
        return self if shape == self.shape else UOp(ops.RESHAPE, self.dtype, (self,), tuple(shape))

    def expand(self, shape: tuple[Size, ...]) -> UOp:
        """Axes of size 1 repeated; a scalar is given its axes first."""
        node = self if self.ndim == len(shape) else self.reshape((1,) * (len(shape) - self.ndim) + self.shape)
        return node if shape == node.shape else UOp(ops.EXPAND, self.dtype, (node,), tuple(shape))

    def permute(self, order: tuple[int, ...]) -> UOp:
        """Axes in another order."""
        return self if order == tuple(range(self.ndim)) else UOp(ops.PERMUTE, self.dtype, (self,), order)

    def pad(self, amounts: tuple[tuple[Size, Size], ...]) -> UOp:
        """Zeros before and after each axis."""
        return UOp(ops.PAD, self.dtype, (self,), amounts) if any(a != (0, 0) for a in amounts) else self

    def shrink(self, box: tuple[tuple[Size, Size], ...]) -> UOp:
        """The box begin..end of each axis."""
        whole = all(cut == (0, size) for cut, size in zip(box, self.shape, strict=True))
        return self if whole else UOp(ops.SHRINK, self.dtype, (self,), box)

    def view(self, shape: tuple[Size, ...], rows: tuple[tuple[int, tuple[int, ...]], ...]) -> UOp:
        """Element o is this value at begin + steps . o for the (begin, steps) row of each axis, 0 where that
        lies outside.
        """
        return UOp(ops.VIEW, self.dtype, (self,), (shape, rows))

    def flip(self, axes: tuple[int, ...]) -> UOp:
        """Axes backwards."""
        return UOp(ops.FLIP, self.dtype, (self,), axes) if axes else self

    def reduce(self, name: str, axes: tuple[int, ...]) -> UOp:
        """Axes joined by add, mul, max or min; they stay with size 1."""
        return UOp(ops.REDUCE, self.dtype, (self,), (name, tuple(sorted(axes)))) if axes else self

    def gather(self, axis: int, index: UOp) -> UOp:
        """The elements along an axis that an index of the result's shape names."""
        return UOp(ops.GATHER, self.dtype, (self, index), axis)

    def scatter(self, axis: int, index: UOp, value: UOp, combine: str = "set") -> UOp:
        """This value with others put, or joined, at the places along an axis that an index names."""
        return UOp(ops.SCATTER, self.dtype, (self, index, value.expand(index.shape)), (axis, combine))

    def along(self, axis: int, size: Size | None = None) -> UOp:
        """0, 1, ... along an axis, in this value's shape (with another size of the axis), as int64."""
        size = self.shape[axis] if size is None else size
        order = UOp(ops.IOTA, dt.int64, (), size)
        shape = (*self.shape[:axis], size, *self.shape[axis + 1 :])
        return order.reshape(tuple(n if place == axis else 1 for place, n in enumerate(shape))).expand(shape)

    def contiguous(self) -> UOp:
        """The value, realized here."""
        return self if self.op in (ops.BUFFER, ops.CONTIGUOUS) else UOp(ops.CONTIGUOUS, self.dtype, (self,))

    def detach(self) -> UOp:
        """The value, without a gradient."""
        return UOp(ops.DETACH, self.dtype, (self,))

    def copy_to(self, device: str | None) -> UOp:
        """The value on another device."""
        return self if device is None or device == self.device else UOp(ops.COPY, self.dtype, (self,), device)

    def assign(self, value: UOp) -> UOp:
        """The next version of this buffer."""
        return UOp(ops.ASSIGN, self.dtype, (self, value))


_NODES: WeakTable[UOp] = WeakTable()
_src = attrgetter("src")


def _float_key(value: float) -> tuple[str, bytes]:
    return ("float", struct.pack("<d", value))


def const(value: Scalar, dtype: DType) -> UOp:
    """A constant, brought into the dtype: floats are rounded, integers wrap.

    >>> const(1, dt.float32).arg
    1.0
    """
    return UOp(ops.CONST, dtype, (), dt.normalize(value, dtype))


def index(value: int) -> UOp:
    """An int64 constant, as index arithmetic uses it."""
    return UOp(ops.CONST, dt.int64, (), value)


def toposort(roots: tuple[UOp, ...], enter: Callable[[UOp], bool] | None = None) -> list[UOp]:
    """All nodes below the roots, sources first, each once, without recursion."""
    return sources_first(roots, _src if enter is None else lambda node: node.src if enter(node) else ())


def is_const(node: UOp, value: Scalar) -> bool:
    """Whether a node is this very constant (−0.0 is not 0.0)."""
    if node.op is not ops.CONST or node.arg != value:
        return False
    return not isinstance(node.arg, float) or math.copysign(1.0, node.arg) == math.copysign(1.0, value)
