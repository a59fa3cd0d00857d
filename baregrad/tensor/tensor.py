"""The public Tensor: construction, conversion to Python and numpy, assignment, gradients. Operations are in
ops/.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Self
from weakref import ref

from baregrad import dtype as dt
from baregrad.base import optional
from baregrad.base.errors import DeviceError, DTypeError, GradientError, ShapeError
from baregrad.dtype import DType
from baregrad.engine import SESSION, Value, from_bytes, read, realize
from baregrad.ir import UOp, ops
from baregrad.tensor import autograd
from baregrad.tensor.ops.windows import Windows
from baregrad.tensor.place import user_line

_leaves = count(1)


class Tensor(Windows):
    """Numbers on a device, computed when they are looked at.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> (x @ x).tolist()
    [[7.0, 10.0], [15.0, 22.0]]
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,  # nested sequences of numbers, a number, a numpy array: _flatten refuses the rest
        *,
        dtype: DType | None = None,
        device: str | None = None,
        requires_grad: bool = False,
    ) -> None:
        """Copy numbers into a new tensor.

        Dtypes: bool, int64 and float32 for Python's numbers, a numpy array's own, unless given.
        Errors: ShapeError for ragged sequences; DTypeError for what is not a number.
        """
        shape, found, packed = _pack(data, dtype)
        place = device or SESSION.default_device()
        self._grad = None
        self._value = from_bytes(SESSION, packed, SESSION.new_buffer(shape, found, place), user_line())
        if SESSION.capture is not None:
            SESSION.capture.made(self)
        if requires_grad:
            self.requires_grad_()

    # -- to Python ---------------------------------------------------------------------------------------

    def realize(self, *others: TensorLike) -> Self:
        """Compute now, together with others."""
        realize(SESSION, (self.value, *(other.value for other in others)))
        return self

    def tolist(self) -> Any:  # a number, or nested lists of numbers
        """The elements as nested lists; a 0-d tensor gives a number."""
        flat = dt.unpack(self.dtype, read(SESSION, self.value))
        return _nest(flat, self.shape)

    def item(self) -> Any:  # bool, int or float by dtype
        """The one element. Errors: ShapeError if there is not exactly one."""
        if self.numel() != 1:
            raise ShapeError(
                f"item() of {self.shape}",
                why="it has not exactly one element",
                mend="index it, or use tolist()",
            )
        return dt.unpack(self.dtype, read(SESSION, self.value))[0]

    def numpy(self) -> Any:  # a numpy.ndarray; numpy is optional
        """A copy as a numpy array. Errors: DTypeError for dtypes that numpy lacks."""
        np = optional("numpy", wanted_for="Tensor.numpy()", extra="dev")
        name = "bool" if self.dtype is dt.bool_ else self.dtype.name
        if not hasattr(np, name):
            raise DTypeError(
                f"numpy() of {self.dtype}", why="numpy has no such dtype", mend="cast to float32 first"
            )
        return np.frombuffer(read(SESSION, self.value), dtype=name).reshape(self.shape).copy()

    def __repr__(self) -> str:
        if SESSION.capture is not None or self.numel() > 1000:
            return f"Tensor(shape={self.shape}, dtype={self.dtype}, device={self.device!r})"
        facts = "" if self.dtype in (dt.float32, dt.int64, dt.bool_) else f", dtype={self.dtype}"
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({_shown(self.tolist())}{facts}{grad})"

    def __len__(self) -> int:
        if not self.ndim:
            raise ShapeError("len() of a 0-d tensor", why="it has no axis", mend="use numel()")
        return int(self.shape[0])

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __iter__(self) -> Iterable[Self]:
        return (self[i] for i in range(len(self)))

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
        """Put other elements into this tensor. What was computed from it before keeps the elements as they
        were.

        Errors: ShapeError, DTypeError, DeviceError unless they are as this tensor's.
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
        return self

    def _next_version(self, old: Value, new: Value) -> Value:
        """What stands in this tensor after `new` was assigned to `old`."""
        if old.own is None or old.node.op is not ops.BUFFER:
            found = autograd.node_of(new)
            own = None if old.leaf is None else next(_leaves)  # gradients end at a node of this tensor's own
            plain = own is None and found.op is not ops.BUFFER
            node = found if plain else UOp(ops.CONTIGUOUS, self.dtype, (found,), own)
            return Value(node, self.device, new.support, leaf=old.leaf, line=user_line())
        node = old.node.assign(autograd.node_of(new))
        return Value(node, self.device, new.support | old.support, leaf=old.leaf, line=user_line())

    # -- gradients ---------------------------------------------------------------------------------------

    @property
    def grad(self) -> Self | None:
        """The gradient that backward() has summed here."""
        if SESSION.capture is not None:
            SESSION.capture.read_grad(self)
        return self._grad

    @grad.setter
    def grad(self, grad: Self | None) -> None:
        if SESSION.capture is not None:
            SESSION.capture.wrote_grad(self)
        self._grad = grad

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make gradients end here (or not). Errors: DTypeError for integers."""
        if requires_grad and not self.dtype.is_float:
            raise DTypeError(
                f"requires_grad of {self.dtype}", why="only floats have gradients", mend="cast to float32"
            )
        if requires_grad == self.requires_grad:
            return self
        value = self.value
        if requires_grad:
            with SESSION.lock:
                own = None if value.shares else value.own  # gradients end at memory of this tensor's own
                node = value.node if own else UOp(ops.CONTIGUOUS, self.dtype, (value.node,), next(_leaves))
                leaf = Value(node, self.device, value.support, leaf=ref(self), line=value.line)
                if own is not None:
                    leaf.settle(own)
                self.value = leaf
        else:
            self.value = self.detach().value
        return self

    def backward(self, gradient: Self | None = None, *, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor with respect to each leaf to the leaf's `grad`.

        Errors: GradientError without a tape, or without `gradient` for a tensor that is not a scalar.
        """
        root = self.value
        if not root.tracked:
            raise GradientError(
                "backward() of a tensor without a tape",
                why="nothing it was computed from requires a gradient, or backward() has used the tape up",
                mend="set requires_grad, leave no_grad(), or pass retain_graph=True to the first backward()",
            )
        if gradient is None and self.numel() != 1:
            raise GradientError(
                f"backward() of {self.shape} without a gradient",
                why="only a scalar has an obvious one",
                mend="sum() it, or pass gradient=",
            )
        with SESSION.lock:
            self._differentiate(root, gradient, retain_graph)

    def _differentiate(self, root: Value, gradient: Self | None, retain_graph: bool) -> None:
        """Add the gradients to the leaves of the tape."""
        tape = autograd.tape_of(root)
        boxes: dict[Value, Any] = {
            v: box for v in tape if v.leaf is not None and (box := v.leaf()) is not None
        }  # Tensors
        seed = autograd.ones_like(root) if gradient is None else gradient.value.node
        found = autograd.gradients(root, seed, tape, list(boxes))
        support = frozenset(h for v in tape for h in v.handles | v.support)
        if gradient is not None:
            support |= gradient.value.support
        for box, grad in zip(boxes.values(), found, strict=True):
            if grad is not None:
                box._add_grad(Value(grad, box.device, support, line=user_line()))
        if not retain_graph:
            for value in tape:
                value.release()
        # Computed with whatever is next: in the same kernels as the gradients, and before an assignment would
        # make it keep the old parameters.
        SESSION.postpone(root)

    def _add_grad(self, part: Value) -> None:
        old = self.grad
        if old is None:
            self.grad = self.of(part)
        else:
            total = Value(
                old.value.node + part.node, self.device, part.support | old.value.support, line=part.line
            )
            old.value = total


TensorLike = Tensor


def _pack(data: Any, dtype: DType | None) -> tuple[tuple[int, ...], DType, bytes]:
    """Shape, dtype and bytes of what a user gives as numbers."""
    if hasattr(data, "__array_interface__") and hasattr(data, "tobytes"):
        name = str(data.dtype)
        if name not in dt.BY_NAME:
            raise DTypeError(
                f"a numpy array of {name}", why="there is no such dtype", mend="astype('float32') first"
            )
        own = dt.BY_NAME[name]
        if dtype is None or dtype is own:
            return tuple(data.shape), own, data.tobytes()
        return (
            tuple(data.shape),
            dtype,
            dt.pack(dtype, dt.convert_list(dt.unpack(own, data.tobytes()), own, dtype)),
        )
    shape = _shape_of(data)
    flat: list[Any] = []
    _flatten(data, shape, flat)
    found = dtype or dt.result_dtype(*{type(v) for v in flat} or {float})
    return shape, found, dt.pack(found, [dt.normalize(v, found) for v in flat])


def _shape_of(data: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(data, Sequence) and not isinstance(data, str | bytes):
        shape.append(len(data))
        if not data:
            break
        data = data[0]
    return tuple(shape)


def _flatten(data: Any, shape: tuple[int, ...], flat: list[Any]) -> None:
    if not shape:
        if type(data) not in (bool, int, float):
            raise DTypeError(
                f"{type(data).__name__} among the numbers",
                why="bool, int and float are numbers",
                mend="convert it first",
            )
        flat.append(data)
        return
    if not isinstance(data, Sequence) or len(data) != shape[0]:
        raise ShapeError(
            "ragged sequences", why=f"{data!r:.60} is not of length {shape[0]}", mend="pad the short ones"
        )
    for part in data:
        _flatten(part, shape[1:], flat)


def _nest(flat: Sequence[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    for size in reversed(shape[1:]):
        if size == 0:
            flat = []
            continue
        flat = [list(flat[i : i + size]) for i in range(0, len(flat), size)]
    return list(flat) if 0 not in shape else _empty(shape)


def _empty(shape: tuple[int, ...]) -> Any:
    return [_empty(shape[1:]) for _ in range(shape[0])] if shape[0] and len(shape) > 1 else []


def _shown(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_shown(v) for v in values) + "]"
    return (
        f"{values:.6g}" + ("." if float(values).is_integer() and "e" not in f"{values:.6g}" else "")
        if isinstance(values, float) and values == values and abs(values) != float("inf")
        else str(values)
    )
