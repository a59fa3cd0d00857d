"""DLPack: memory handed to other libraries, and taken from them, in capsules; no library is imported for it.

The structs are declared layouts. Who takes memory renames the capsule and calls the deleter once, when it is
done with it; a capsule that nobody took calls it itself. What is not here: dtypes by our names and tensors
(tensor/exchange.py). Source: dlpack.h of DLPack 1.1, and the array API standard's `__dlpack__`.
"""

from __future__ import annotations

import ctypes
import math
import struct
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from baregrad.base.cache import memo
from baregrad.base.errors import DeviceError
from baregrad.runtime.layout import Field, Layout
from baregrad.runtime.system import view_memory

CPU = 1  # DLDeviceType
READ_ONLY, IS_COPIED = 1, 2  # flags
VERSION = (1, 0)
NAME, USED = b"dltensor", b"used_dltensor"
NAME_1, USED_1 = b"dltensor_versioned", b"used_dltensor_versioned"

TENSOR = Layout(
    "DLTensor",
    48,
    [
        Field("data", 0, "Q"),
        Field("device_type", 8, "i"),
        Field("device_id", 12, "i"),
        Field("ndim", 16, "i"),
        Field("code", 20, "B"),
        Field("bits", 21, "B"),
        Field("lanes", 22, "H"),
        Field("shape", 24, "Q"),
        Field("strides", 32, "Q"),
        Field("byte_offset", 40, "Q"),
    ],
)
MANAGED = Layout("DLManagedTensor", 64, [Field("manager", 48, "Q"), Field("deleter", 56, "Q")])
MANAGED_1 = Layout(
    "DLManagedTensorVersioned",
    80,
    [
        Field("major", 0, "I"),
        Field("minor", 4, "I"),
        Field("manager", 8, "Q"),
        Field("deleter", 16, "Q"),
        Field("flags", 24, "Q"),
    ],
)
TENSOR_AT, TENSOR_AT_1 = 0, 32  # where the DLTensor lies in each

_POINTER = ctypes.c_void_p


class Elements(NamedTuple):
    """Elements in memory: address of the first, sizes, strides in elements, (DLDataTypeCode, bits)."""

    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    kind: tuple[int, int]
    read_only: bool = False

    @property
    def span(self) -> tuple[int, int]:
        """The least and the greatest element that is reached, counted from the first; (0, -1) for none."""
        if 0 in self.shape:
            return 0, -1
        ends = [(size - 1) * step for size, step in zip(self.shape, self.strides, strict=True)]
        return sum(min(end, 0) for end in ends), sum(max(end, 0) for end in ends)


class Taken:
    """Memory of another library; `release`, once, or the end of this object gives it back."""

    __slots__ = ("_deleter", "_managed", "elements")

    def __init__(self, elements: Elements, managed: int, deleter: int) -> None:
        self.elements, self._managed, self._deleter = elements, managed, deleter

    def read(self, offset: int, nbytes: int) -> bytes:
        """A copy of bytes, counted from the first element."""
        return bytes(view_memory(self.elements.address + offset, nbytes)) if nbytes else b""

    def release(self) -> None:
        """Tell the owner that the memory is not used any more."""
        managed, deleter = self._managed, self._deleter
        self._managed = self._deleter = 0
        if managed and deleter:
            ctypes.CFUNCTYPE(None, _POINTER)(deleter)(managed)

    def __del__(self) -> None:
        self.release()


class _Given:
    """What a capsule of ours points to, alive until its deleter is called."""

    __slots__ = ("__weakref__", "keep", "memory")

    def __init__(self, memory: Any, keep: object) -> None:  # Any: a ctypes array of bytes
        self.memory, self.keep = memory, keep


def give(elements: Elements, keep: object, *, versioned: bool, copied: bool = False) -> object:
    """A capsule of the elements; `keep` lives until the taker is done with them."""
    ndim = len(elements.shape)
    head = MANAGED_1 if versioned else MANAGED
    memory = ctypes.create_string_buffer(head.size + 16 * ndim)
    view = memoryview(memory).cast("B")
    at = ctypes.addressof(memory)
    numbers = struct.pack(f"<{2 * ndim}q", *elements.shape, *elements.strides)
    view[head.size :] = numbers
    TENSOR.write(
        view,
        TENSOR_AT_1 if versioned else TENSOR_AT,
        data=elements.address,
        device_type=CPU,
        ndim=ndim,
        code=elements.kind[0],
        bits=elements.kind[1],
        lanes=1,
        shape=at + head.size,
        strides=at + head.size + 8 * ndim,
    )
    given = _Given(memory, keep)
    calls = _calls()
    calls.hold(id(given))
    head.write(view, manager=id(given), deleter=calls.deleters[versioned])
    if versioned:
        flags = READ_ONLY * elements.read_only | IS_COPIED * copied
        head.write(view, major=VERSION[0], minor=VERSION[1], flags=flags)
    capsule: object = calls.new(at, NAME_1 if versioned else NAME, calls.unused)
    return capsule


def take(capsule: object) -> Taken:
    """The elements in a capsule, which is used up.

    Errors: DeviceError for what is no capsule, one that was taken already, or memory of another device.
    """
    calls = _calls()
    for name, used, head, at in ((NAME_1, USED_1, MANAGED_1, TENSOR_AT_1), (NAME, USED, MANAGED, TENSOR_AT)):
        if type(capsule).__name__ == "PyCapsule" and calls.is_valid(capsule, name):
            managed = calls.pointer(capsule, name)
            view = view_memory(managed, head.size)
            if head is MANAGED_1 and head.read(view, "major") != VERSION[0]:
                raise _refused(f"a capsule of DLPack {head.read(view, 'major')}", "its structs are not known")
            elements = _elements(view, at)
            if head is MANAGED_1 and head.read(view, "flags") & READ_ONLY:
                elements = elements._replace(read_only=True)
            calls.rename(capsule, used)
            return Taken(elements, managed, head.read(view, "deleter"))
    raise _refused(f"{capsule!r:.60}", "a capsule named dltensor is wanted; each is taken once")


def _elements(view: memoryview, at: int) -> Elements:
    """What a DLTensor says."""
    device, ndim, lanes = (TENSOR.read(view, name, at) for name in ("device_type", "ndim", "lanes"))
    kind = (TENSOR.read(view, "code", at), TENSOR.read(view, "bits", at))
    if device != CPU:
        raise _refused(f"memory of DLPack device {device}", "it is not the CPU's (1)")
    if lanes != 1:
        raise _refused(f"elements of {lanes} lanes", "an element is one number")
    shape = _numbers(TENSOR.read(view, "shape", at), ndim)
    strides_at = TENSOR.read(view, "strides", at)
    strides = _numbers(strides_at, ndim) if strides_at else row_major(shape)
    address = TENSOR.read(view, "data", at) + TENSOR.read(view, "byte_offset", at)
    return Elements(address, shape, strides, kind)


def _numbers(address: int, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}q", view_memory(address, 8 * count)) if count else ()


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of elements that lie one behind the other.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _refused(what: str, why: str) -> DeviceError:
    return DeviceError(f"from_dlpack: {what}", why=why, mend="copy it to the CPU's memory there first")


class _Calls(NamedTuple):
    """CPython's functions of capsules, and ours that C code calls."""

    new: Callable[[int, bytes, Any], object]
    is_valid: Callable[[object, bytes], int]
    pointer: Callable[[object, bytes], int]
    rename: Callable[[object, bytes], int]
    hold: Callable[[int], None]
    deleters: tuple[int, int]  # addresses: for DLManagedTensor, for the versioned one
    unused: Any  # a capsule's destructor: a ctypes function


@memo
def _calls() -> _Calls:
    """The functions; they live as long as the process, because other libraries have their addresses."""
    api = ctypes.pythonapi

    def of(name: str, result: Any, *arguments: Any) -> Any:  # Any: ctypes has no types for these
        address = ctypes.cast(getattr(api, name), _POINTER).value
        return ctypes.PYFUNCTYPE(result, *arguments)(address or 0)

    hold, drop = of("Py_IncRef", None, _POINTER), of("Py_DecRef", None, _POINTER)
    is_valid_at = of("PyCapsule_IsValid", ctypes.c_int, _POINTER, ctypes.c_char_p)
    pointer_at = of("PyCapsule_GetPointer", _POINTER, _POINTER, ctypes.c_char_p)
    finalizing = sys.is_finalizing
    names = (NAME, USED, NAME_1, USED_1)

    def deleter(versioned: bool) -> Any:
        place = (MANAGED_1 if versioned else MANAGED).offset("manager")

        def delete(managed: int) -> None:
            if not finalizing():  # then the process gives everything back
                drop(_POINTER.from_address(managed + place).value)

        return ctypes.CFUNCTYPE(None, _POINTER)(delete)

    deleters = deleter(False), deleter(True)

    def unused(capsule: int) -> None:
        for name, delete in () if finalizing() else zip((names[0], names[2]), deleters, strict=True):
            if is_valid_at(capsule, name):
                delete(pointer_at(capsule, name))

    destructor = ctypes.PYFUNCTYPE(None, _POINTER)(unused)
    for kept in (*deleters, destructor, *names):
        hold(id(kept))
    return _Calls(
        of("PyCapsule_New", ctypes.py_object, _POINTER, ctypes.c_char_p, type(destructor)),
        of("PyCapsule_IsValid", ctypes.c_int, ctypes.py_object, ctypes.c_char_p),
        of("PyCapsule_GetPointer", _POINTER, ctypes.py_object, ctypes.c_char_p),
        of("PyCapsule_SetName", ctypes.c_int, ctypes.py_object, ctypes.c_char_p),
        hold,
        tuple(ctypes.cast(d, _POINTER).value or 0 for d in deleters),  # type: ignore[arg-type]  # two of them
        destructor,
    )
