"""The C device: host memory, C text that is compiled when it is first recorded, lists run by a C function.

`load` takes C text (bytes) with one function `void NAME(void **args, int64_t item)`; the text may begin with
what other texts begin with. All kernels of a list that are not compiled yet go into one call of the compiler,
because that costs more than most kernels. Launches are synchronous, and run on the calling thread.
What is not here: the compiler (compiler.py), memory (runtime/memory.py).
"""

from __future__ import annotations

import ctypes
import re
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from baregrad.base import libc
from baregrad.base.errors import DeviceError
from baregrad.runtime.c.compiler import find_compiler, with_shared_object
from baregrad.runtime.device import (
    Address,
    Kernel,
    Launch,
    Recording,
    TargetFacts,
    check_grid,
    no_such_argument,
    not_loaded,
)
from baregrad.runtime.host import HostDevice
from baregrad.runtime.memory import HostMemory
from baregrad.runtime.plain import Numbers
from baregrad.runtime.system import System

ENTRY = re.compile(r"^void (\w+)\(void \*\*\w+, int64_t \w+\)", re.MULTILINE)
# The default environment: denormals are kept and ties go to even, whatever the process has set for itself.
RUN = """\
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
_Static_assert(sizeof(void *) == 8, "arguments are 8 bytes each");
struct baregrad_launch { void (*kernel)(void **, int64_t); void **args; int64_t grid; };
void baregrad_run(const struct baregrad_launch *launch, int64_t count)
{
    fenv_t kept;
    fegetenv(&kept);
    fesetenv(FE_DFL_ENV);
    for (; count > 0; count--, launch++)
        for (int64_t item = 0; item < launch->grid; item++)
            launch->kernel(launch->args, item);
    fesetenv(&kept);
}
"""
WORDS = 3  # of a launch in a list: kernel, arguments, grid
WRAP = (1 << 64) - 1
Run = Callable[[int, int], None]


class Library:
    """A shared object with some kernels, mapped as long as one of them is loaded."""

    __slots__ = ("_handle", "entries", "run", "users")

    def __init__(self, path: Path, count: int) -> None:
        library = ctypes.CDLL(str(path))
        self._handle = library._handle
        self.entries = [_address(library, f"baregrad_kernel_{i}") for i in range(count)]
        self.users = count
        self.run: Run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(
            _address(library, "baregrad_run")
        )

    def drop(self) -> None:
        """One kernel less; unmapped with the last."""
        self.users -= 1
        if self.users == 0:
            libc().dlclose(ctypes.c_void_p(self._handle))


@dataclass(slots=True)
class Loaded:
    """A kernel's text and its function's name there, and once it is compiled its library and address."""

    name: str
    text: str
    library: Library | None = None
    entry: int = 0


class CRecording(Recording):
    """Launches as an array of (kernel, arguments, grid), which `baregrad_run` reads."""

    __slots__ = ("_places", "_words", "launches", "run")

    def __init__(self, launches: Sequence[Launch], loaded: Sequence[Loaded]) -> None:
        first = loaded[0].library if loaded else None
        self.run: Run | None = first.run if first is not None else None
        self._places = [0]
        for launch in launches:
            check_grid(launch.grid)
            self._places.append(self._places[-1] + len(launch.args))
        self._words = array("Q", [int(value) & WRAP for launch in launches for value in launch.args])
        base = self._words.buffer_info()[0]
        self.launches = array("Q")
        for launch, kernel, place in zip(launches, loaded, self._places, strict=False):
            self.launches.extend((kernel.entry, base + 8 * place, launch.grid))

    def __len__(self) -> int:
        return len(self._places) - 1

    def address(self, launch: int = 0) -> int:
        """Where the array's launch of this number lies."""
        return self.launches.buffer_info()[0] + launch * WORDS * 8

    def set_argument(self, launch: int, slot: int, value: Address | int) -> None:
        """Replace one argument of one launch."""
        if not 0 <= launch < len(self) or not 0 <= slot < self._places[launch + 1] - self._places[launch]:
            raise no_such_argument(launch, slot)
        self._words[self._places[launch] + slot] = int(value) & WRAP


class CDevice(HostDevice):
    """Any processor for which a C compiler is there.

    Errors: DeviceError when there is none.
    """

    name = "c"

    def __init__(self) -> None:
        compiler = find_compiler()
        self._facts = TargetFacts("c", model=f"{compiler.path} {compiler.version}")
        self._memory = HostMemory(System())
        self._kernels: dict[int, Loaded] = {}
        self._numbers = Numbers()
        self._lock = threading.Lock()
        self._closed = False

    def target_facts(self) -> TargetFacts:
        """One core; what it is like is the compiler's business."""
        return self._facts

    # Code

    def load(self, code: bytes, name: str = "kernel") -> Kernel:
        """Keep C text; it is compiled with the first list that it is in.

        Errors: DeviceError for a text without a kernel's function.
        """
        text = code.decode()
        found = ENTRY.search(text)
        if found is None:
            raise DeviceError(
                f"the C text of {name!r} has no kernel",
                why="a kernel is a function `void NAME(void **args, int64_t item)` at the start of a line",
                mend="give the text of such a function; code for another device does not run here",
            )
        kernel = Kernel(name, self._numbers.take(len(code)), len(code))
        self._kernels[kernel.entry] = Loaded(found[1], text)
        return kernel

    def unload(self, kernel: Kernel) -> None:
        """Forget a kernel; recordings with it must not be run any more."""
        loaded = self._kernels.pop(kernel.entry, None)
        if loaded is None:
            if self._closed:
                return
            raise not_loaded(self.name, kernel)
        if loaded.library is not None:
            loaded.library.drop()

    def record(self, launches: Sequence[Launch]) -> CRecording:
        """Compile what is not compiled yet, all in one call, and lay the launches out.

        Errors: DeviceError when the compiler refuses a text. Cost: 50 ms and 2 to 100 ms a kernel.
        """
        kernels = []
        for kernel, args, _ in launches:
            if kernel.entry not in self._kernels:
                raise not_loaded(self.name, kernel)
            kernels.append(self._kernels[kernel.entry])
            for value in args:
                if isinstance(value, Address):
                    self._memory.check_live(value)
        with self._lock:
            _compile({id(k): k for k in kernels if k.library is None}.values())
        return CRecording(launches, kernels)

    def run(self, recording: Recording) -> None:
        """Run the list; the call returns when it is done."""
        own = self._own(recording)
        if own.run is not None:
            own.run(own.address(), len(own))

    def run_timed(self, recording: Recording) -> tuple[float, ...]:
        """Run the list; the seconds that each launch took, with its call from here."""
        own, times = self._own(recording), []
        for launch in range(len(own)):
            started = time.perf_counter()
            if own.run is not None:
                own.run(own.address(launch), 1)
            times.append(time.perf_counter() - started)
        return tuple(times)

    def _own(self, recording: Recording) -> CRecording:
        """The recording as one of ours."""
        if self._closed:
            raise DeviceError("the c device is closed", why="its code is unmapped", mend="open it again")
        if isinstance(recording, CRecording):
            return recording
        raise DeviceError(
            f"the c device cannot run a {type(recording).__name__}",
            why="a recording runs only on the device that made it",
            mend="record the launches on this device",
        )

    def close(self) -> None:
        """Unmap everything."""
        self._closed = True
        for loaded in self._kernels.values():
            if loaded.library is not None:
                loaded.library.drop()
        self._kernels.clear()
        self._memory.close()


def _compile(kernels: Iterable[Loaded]) -> None:
    """Compile kernels with one call, and give each its address."""
    todo = list(kernels)
    if not todo:
        return
    text, names = batch(todo), ", ".join(kernel.name for kernel in todo)
    library = with_shared_object(text, names, lambda path: Library(path, len(todo)))
    for kernel, entry in zip(todo, library.entries, strict=True):
        kernel.library, kernel.entry = library, entry


def batch(kernels: Sequence[Loaded]) -> str:
    """One C file of many: each function gets a name of its own, whatever it is called in its text."""
    parts = [RUN]
    for i, kernel in enumerate(kernels):
        parts.append(f'#define {kernel.name} baregrad_kernel_{i}\n#line 1 "{kernel.name}.c"\n')
        parts.append(f"{kernel.text}\n#undef {kernel.name}\n")
    return "".join(parts)


def _address(library: ctypes.CDLL, name: str) -> int:
    """Where a function of a library lies. Errors: OSError when it has no such function."""
    try:
        found = ctypes.cast(library[name], ctypes.c_void_p).value
    except AttributeError as missing:
        raise OSError(f"{name} is not in it") from missing
    assert found is not None, f"{name} lies somewhere"
    return found
