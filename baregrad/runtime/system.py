"""System calls through libc, every one of them checked.

`call_libc` makes the call and turns errno into a negative result; `System.check` turns that into an error
that says what was wanted. Drivers take a System, so that a test can hand them one whose calls are refused.
What is not here: policy (who maps what, and why, is in the drivers).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from errno import errorcode
from typing import Any

from baregrad.base import libc, memo
from baregrad.base.errors import SystemCallError

PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS = 0x01, 0x02, 0x20
MADV_HUGEPAGE = 14
MFD_CLOEXEC = 1

_POINTER, _SIZE, _INT, _LONG = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_ssize_t)

# The arguments of each call; all of them return a long, -1 for an error (man 2, glibc).
CALLS = {
    "mmap": (_POINTER, _SIZE, _INT, _INT, _INT, _LONG),
    "munmap": (_POINTER, _SIZE),
    "mprotect": (_POINTER, _SIZE, _INT),
    "madvise": (_POINTER, _SIZE, _INT),
    "memfd_create": (ctypes.c_char_p, ctypes.c_uint),
    "ftruncate": (_INT, _LONG),
    "pwrite": (_INT, ctypes.c_char_p, _SIZE, _LONG),
    "close": (_INT,),
}

SystemCall = Callable[..., int]


@memo
def _function(name: str) -> Callable[..., int]:
    """The libc function, with its declared arguments."""
    found: Any = libc()[name]  # Any: ctypes has no type for a foreign function; [] gives one of our own
    found.argtypes = CALLS[name]
    found.restype = _LONG
    function: Callable[..., int] = found
    return function


def call_libc(name: str, *args: int | bytes) -> int:
    """Make the call; its result, or -errno."""
    result = _function(name)(*args)
    return -ctypes.get_errno() if result == -1 else result


class System:
    """System calls that are made with `call`: libc, or what a test puts in its place."""

    __slots__ = ("call",)

    def __init__(self, call: SystemCall = call_libc) -> None:
        self.call = call

    def check(self, name: str, *args: int | bytes, wanted: str, mend: str = "") -> int:
        """Make the call; its result. Errors: SystemCallError when the system refuses."""
        result = self.call(name, *args)
        if result >= 0:
            return result
        error = SystemCallError(
            f"the system refused: {wanted}",
            why=f"{name}: {errorcode.get(-result, 'unknown errno')}, {os.strerror(-result)}",
            mend=mend or f"see errno {-result} in man 2 {name}; limits are shown by `ulimit -a`",
        )
        error.errno = -result
        raise error


def view_memory(address: int, nbytes: int) -> memoryview:
    """The `nbytes` bytes at an address of this process, writable, without a copy.

    The memory must stay mapped as long as the view is used: nothing here can check that.
    """
    view: memoryview = _view_function()(address, nbytes, 0x200)  # PyBUF_WRITE
    return view


@memo
def _view_function() -> Any:  # Any: ctypes has no type for a foreign function
    """CPython's PyMemoryView_FromMemory: five times as fast as a ctypes array type for each size."""
    function = ctypes.pythonapi.PyMemoryView_FromMemory
    function.argtypes = (_POINTER, _LONG, _INT)
    function.restype = ctypes.py_object
    return function
