"""What a step must not ask for while it is captured: clocks, other libraries' random numbers, files, the
numbers that symbolic sizes are.

A replay runs no Python, so such an answer would be that of the capture for ever. Python's profiling hook
tells of each function that is called; only calls from outside of baregrad count.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from contextlib import AbstractContextManager
from types import FrameType, ModuleType, TracebackType
from typing import Any

from baregrad.base.errors import JitError
from baregrad.ir import Symbolic

PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
LIBRARY = sysconfig.get_paths()["stdlib"] + os.sep

# module of a builtin, its names, what it is
# fmt: off
ASKING = (
    ("time",     ("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns",
                  "process_time", "process_time_ns", "localtime", "gmtime"), "a clock"),
    ("datetime", ("now", "utcnow", "today"),                     "a clock"),
    ("random",   ("random", "getrandbits", "seed", "setstate"),  "random numbers of Python"),
    ("_random",  ("random", "getrandbits", "seed", "setstate"),  "random numbers of Python"),
    ("posix",    ("urandom", "getrandom"),                       "random numbers of the system"),
    ("io",       ("open",),                                      "a file"),
    ("_io",      ("open",),                                      "a file"),
    ("builtins", ("input",),                                     "the keyboard"),
)
# fmt: on


NUMBER_OF_A_SIZE = Symbolic.value.fget.__code__  # type: ignore[attr-defined]  # of a property


class Watch(AbstractContextManager[None]):
    """Around the run of a step. Errors at its end: JitError naming the first thing that was asked for.

    While a profiler is on, its hook stays, and builtins are not seen.
    """

    __slots__ = ("_found", "_is_on", "_numpy", "_rows")

    def __init__(self) -> None:
        self._rows = {(module, name): what for module, names, what in ASKING for name in names}
        self._found = ""

    def __enter__(self) -> None:
        self._numpy = _numpys_state()
        self._is_on = sys.getprofile() is None
        if self._is_on:
            sys.setprofile(self._called)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_on:
            sys.setprofile(None)
        if not self._found and self._numpy != _numpys_state():
            self._found = "random numbers of numpy"
        if self._found and kind is None:
            raise JitError(
                f"a captured step asks for {self._found}",
                why="a replay runs no Python: the answer would be that of the capture for ever",
                mend="ask outside and pass the answer as a tensor; random numbers: Tensor.rand and its kin",
            )

    def _called(self, frame: FrameType, event: str, function: Any) -> None:  # Any: a builtin, or None
        if event == "call" and frame.f_code is NUMBER_OF_A_SIZE and _is_users(frame.f_back):
            self._found = self._found or "the number of a symbolic size (its .value)"
        if event != "c_call" or self._found:
            return
        name = getattr(function, "__name__", "")
        what = self._rows.get((_home(function), name))
        if what is not None and _is_users(frame):
            self._found = f"{what} ({_home(function)}.{name})"


def _home(function: Any) -> str:
    """The module of a builtin function or method."""
    module = getattr(function, "__module__", None)
    if isinstance(module, str):
        return module
    owner = getattr(function, "__self__", None)
    if isinstance(owner, ModuleType):
        return owner.__name__
    return str((owner if isinstance(owner, type) else type(owner)).__module__)


def _is_users(frame: FrameType | None) -> bool:
    """Whether the nearest frame that is not of Python's library is outside of baregrad."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(PACKAGE):
            return False
        if not (is_library(name) or name.startswith("<frozen")):
            return True
        frame = frame.f_back
    return False


def is_library(path: str) -> bool:
    """Whether a file is of Python's own library, not of an installed package."""
    return path.startswith(LIBRARY) and "-packages" not in path


def _numpys_state() -> object:
    numpy = sys.modules.get("numpy")
    random = getattr(numpy, "random", None)
    if random is None:
        return None
    name, keys, *rest = random.get_state()
    return name, keys.tobytes(), *rest
