"""From tensors to Python, numpy and other libraries, and back without a copy; copies and pickles; what
Python's own syntax asks for (len, iter, in, bool, format).

Shared memory. What `__array__`, `__dlpack__` and `torch()` give lies in the tensor's own memory, and
`from_dlpack` computes where the other library's elements lie. Whoever holds either side keeps the memory. To
write through one side is seen on the other, by everything that is computed later; but no operation here
writes into shared memory: `assign` gives the tensor other memory, and the two are apart from then on.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Self

from baregrad import dtype as dt
from baregrad.base import optional
from baregrad.base.errors import BadFile, DeviceError, DTypeError, GradientError, ScalarError
from baregrad.dtype import DType
from baregrad.engine import SESSION, Value, borrow, from_bytes, lend, read
from baregrad.ir import value_of
from baregrad.runtime import dlpack
from baregrad.tensor import numbers
from baregrad.tensor.gradients import Gradients
from baregrad.tensor.place import user_line


class _Memory:
    """What numpy makes an array of, and holds as its base."""

    __slots__ = ("__array_interface__", "keep")

    def __init__(self, address: int, shape: tuple[Any, ...], letters: str, keep: object) -> None:
        self.keep = keep
        self.__array_interface__ = {
            "version": 3,
            "data": (address, False),
            "shape": shape,
            "typestr": letters,
        }


class Exchange(Gradients):
    """Conversions and copies."""

    __slots__ = ()

    __array_priority__ = 1000  # numpy's scalars and arrays leave `scalar * tensor` to the tensor

    # -- Python ------------------------------------------------------------------------------------------

    def tolist(self) -> Any:  # a number, or nested lists of numbers
        """The elements as nested lists; a 0-d tensor gives a number."""
        return numbers.nest(dt.unpack(self.dtype, read(SESSION, self.value)), self._counts())

    def _counts(self) -> tuple[int, ...]:
        """The shape in numbers, as its variables are bound."""
        return tuple(map(value_of, self.shape))

    def item(self) -> Any:  # bool, int or float by dtype
        """The one element. Errors: ScalarError if there is not exactly one."""
        if self.numel() != 1:
            raise ScalarError(
                f"item() of {self.shape}",
                why="it has not exactly one element",
                mend="index it, or use tolist()",
            )
        return dt.unpack(self.dtype, read(SESSION, self.value))[0]

    def __repr__(self) -> str:
        if SESSION.capture is not None or value_of(self.numel()) > 1000:
            return f"Tensor(shape={self.shape}, dtype={self.dtype}, device={self.device!r})"
        facts = "" if self.dtype in (dt.float32, dt.int64, dt.bool_) else f", dtype={self.dtype}"
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({numbers.shown(self.tolist())}{facts}{grad})"

    def __format__(self, spec: str) -> str:
        """A 0-d tensor as its number; others take no format. Errors: TypeError."""
        return format(self.item(), spec) if not self.ndim else super().__format__(spec)

    def __len__(self) -> int:
        if not self.ndim:
            raise ScalarError("len() of a 0-d tensor", why="it has no axis", mend="use numel()")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Self]:
        if not self.ndim:
            raise ScalarError("iteration over a 0-d tensor", why="it has no axis", mend="use item()")
        return (self[i] for i in range(len(self)))

    def __contains__(self, element: object) -> bool:
        """Whether an element is equal. Errors: DTypeError for what is neither number nor tensor."""
        equal: Any = self == element  # bool for what tensors are not compared with
        if not isinstance(equal, Exchange):
            raise DTypeError(
                f"{type(element).__name__} in a tensor", why="elements are numbers", mend="give a number"
            )
        return bool(equal.any().item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ScalarError(
                f"the truth of a tensor of shape {self.shape}",
                why="it has not exactly one element",
                mend="use any(), all() or numel()",
            )
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if not self.dtype.is_int or self.numel() != 1:
            raise ScalarError(
                f"a tensor of {self.dtype} with shape {self.shape} as an index",
                why="only one integer can be one",
                mend="cast it, or index it first",
            )
        return int(self.item())

    # -- numpy, torch and others -------------------------------------------------------------------------

    def numpy(self) -> Any:  # a numpy.ndarray; numpy is optional
        """A copy as a numpy array. Errors: DTypeError for dtypes that numpy lacks."""
        letters = self._letters()
        np = optional("numpy", wanted_for="Tensor.numpy()", extra="dev")
        return np.frombuffer(read(SESSION, self.value), dtype=letters).reshape(self._counts()).copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:  # numpy's own types
        """numpy.asarray(x): an array in the tensor's own memory (see this file's head), or a copy if one is
        asked for or the dtype differs.

        Errors: DTypeError for dtypes that numpy lacks; ValueError where copy=False cannot be.
        """
        letters = self._letters()
        np = optional("numpy", wanted_for="numpy.asarray(tensor)", extra="dev")
        lent = lend(SESSION, self.value, copy=bool(copy))
        found = np.asarray(_Memory(lent.address, self._counts(), letters, lent.keep))
        differs = dtype is not None and np.dtype(dtype) != found.dtype
        if copy is False and (differs or lent.copied):
            raise ValueError(f"an array of {dtype or self.dtype} without a copy of a tensor of {self.dtype}")
        return found.astype(dtype) if differs else found

    def _letters(self) -> str:
        if self.dtype.name not in numbers.IN_NUMPY:
            raise DTypeError(
                f"numpy() of {self.dtype}", why="numpy has no such dtype", mend="cast to float32 first"
            )
        return numbers.IN_NUMPY[self.dtype.name]

    def __dlpack_device__(self) -> tuple[int, int]:
        return (dlpack.CPU, 0)

    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        """A capsule of the tensor's own memory (see this file's head), which from_dlpack() of another library
        takes.

        Errors: BufferError for a tensor that requires a gradient, another device, or copy=False where the
        host can't see the memory.
        """
        if self.requires_grad:
            raise BufferError("a tensor that requires a gradient is not shared: use x.detach()")
        if dl_device not in (None, self.__dlpack_device__()):
            raise BufferError(f"a tensor is shared on the CPU, not on {dl_device}")
        lent = lend(SESSION, self.value, copy=bool(copy))
        if copy is False and lent.copied:
            raise BufferError(f"the memory of {self.device} can't be shared without a copy")
        shape = self._counts()
        elements = dlpack.Elements(lent.address, shape, dlpack.row_major(shape), numbers.kind_of(self.dtype))
        versioned = max_version is not None and max_version[0] >= dlpack.VERSION[0]
        return dlpack.give(elements, lent.keep, versioned=versioned, copied=lent.copied)

    @classmethod
    def from_dlpack(cls, data: Any, *, device: str | None = None) -> Self:  # Any: whatever has __dlpack__
        """Another library's tensor without a copy (see this file's head), or a copy on a device that can't
        compute there. What is strided stays where it lies and is read so.

        Errors: DTypeError for its dtype or an object without `__dlpack__`; DeviceError for other memory than
        the CPU's; BufferError from the owner.
        """
        if not numbers.is_foreign(data):
            raise DTypeError(
                f"from_dlpack of {type(data).__name__}",
                why="it has no __dlpack__",
                mend="give a tensor or array of a library that has it, or use Tensor(data)",
            )
        if data.__dlpack_device__()[0] != dlpack.CPU:
            raise DeviceError(
                f"from_dlpack of memory on {data.__dlpack_device__()}",
                why="only memory of the CPU is shared",
                mend="move it to the CPU there first",
            )
        found = numbers.taken(data)
        low, high = found.elements.span
        shape, strides = found.elements.shape, found.elements.strides
        whole = strides == dlpack.row_major(shape) or high < low
        own = numbers.dtype_of(found.elements.kind)
        place = device or SESSION.default_device()
        buffer = SESSION.new_buffer(shape if whole else (high - low + 1,), own, place)
        line = user_line()
        value = borrow(SESSION, found, buffer, low * own.itemsize if not whole else 0, line)
        if not whole:
            value = Value(value.node.view(shape, ((-low, strides),)), place, value.support, line=line)
        return cls.of(value)

    def torch(self) -> Any:  # a torch.Tensor; torch is optional
        """A torch tensor in the tensor's own memory (see this file's head), detached; `.clone()` it to write.

        Errors: ConfigError without torch.
        """
        torch = optional("torch", wanted_for="Tensor.torch()", extra="bench")
        return torch.from_dlpack(self.detach())

    # -- copies and pickles ------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        return self._copied("copy.copy")

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        other = memo[id(self)] = self._copied("copy.deepcopy")
        if self.grad is not None:
            other.grad = copy.deepcopy(self.grad, memo)
        return other

    def _copied(self, what: str) -> Self:
        """A tensor of its own with the same elements, a leaf if this is one."""
        if self.requires_grad and not self.is_leaf:
            raise GradientError(
                f"{what} of a tensor that was computed with gradients on",
                why="its copy would have no tape",
                mend="detach() it first",
            )
        other = self.of(self.value.again())
        return other.requires_grad_() if self.requires_grad else other

    def __reduce__(self) -> tuple[Any, tuple[type[Self], bytes]]:
        """A pickle holds dtype, shape, elements, device and whether it is a leaf, in bytes like safetensors'.

        As anywhere, a pickle of somebody else can run any code when it is read: exchange safetensors files
        (baregrad.formats) with others.
        """
        facts = {
            "dtype": self.dtype.name,
            "shape": self._counts(),
            "device": self.device,
            "requires_grad": self.requires_grad,
        }
        head = json.dumps(facts).encode()
        data = read(SESSION, self.value)
        return restored, (type(self), len(head).to_bytes(8, "little") + head + data)


def restored(cls: type[Exchange], data: bytes) -> Exchange:
    """The tensor of a pickle. Errors: BadFile for bytes that are not what `__reduce__` wrote."""
    size = int.from_bytes(data[:8], "little")
    try:
        facts = json.loads(data[8 : 8 + size])
        dtype: DType = dt.named(facts["dtype"])
        buffer = SESSION.new_buffer(tuple(facts["shape"]), dtype, facts["device"])
        value = from_bytes(SESSION, data[8 + size :], buffer, user_line())
    except (ValueError, KeyError, TypeError, DeviceError) as error:
        raise BadFile("a pickled tensor is damaged", why=str(error), mend="write it again") from None
    tensor = cls.of(value)
    return tensor.requires_grad_() if facts["requires_grad"] else tensor
