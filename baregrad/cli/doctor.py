"""`baregrad doctor`: what this machine can do, and whether the CPU device computes here.

One row of SECTIONS a question; each answers with lines of (title, what was found). Ends with status 0 if the
CPU device gives a right sum, else with 1. What is not here: mending anything.
"""

from __future__ import annotations

import os
import platform
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from baregrad import __version__
from baregrad.base import config, override
from baregrad.base.config import knobs
from baregrad.base.errors import BaregradError
from baregrad.engine import SESSION
from baregrad.engine.compile import target_of
from baregrad.runtime import DEVICES
from baregrad.runtime.c.compiler import find_compiler
from baregrad.tensor import Device, Tensor

Lines = Iterator[tuple[str, str]]
LIBRARIES = ("click", "numpy", "rich", "safetensors", "scikit-learn", "torch")
WANTED = 15.0  # 3 + 5 + 7
MAIN = "cpu"


@click.command(name="doctor")
def command() -> None:
    """Say what this machine can do, and compute a sum on each device; status 1 if the CPU device cannot."""
    results = {name: _tried(name) for name in DEVICES}
    for name, section in SECTIONS.items():
        click.echo(name)
        for title, value in section(results):
            click.echo(f"  {title:<14} {value}")
    sys.exit(0 if results[MAIN] == "" else 1)


Results = Mapping[str, str]  # device -> what is wrong with it; "" for nothing


def _tried(name: str) -> str:
    """What is wrong with a device; empty when a small kernel, compiled anew, gives the right value."""
    try:
        keeps_nothing = Device(name).facts.arch == "null"
        with override(device=name, cache=False):
            value = (Tensor([1.0, 2.0, 3.0]) * 2 + 1).sum().item()
    except BaregradError as error:
        return f"not here: {error.what}"
    if value == WANTED or keeps_nothing:
        return ""
    return f"wrong: 3 + 5 + 7 is {value} on it"


def _system(results: Results) -> Lines:
    """What baregrad runs on."""
    yield "baregrad", __version__
    yield "python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"


def _devices(results: Results) -> Lines:
    """Each device: whether it computes."""
    default = Device.default()
    for name, wrong in results.items():
        star = " (of new tensors)" if name == default else ""
        yield name, (wrong or "works") + f"; {DEVICES[name].sentence}{star}"


def _processor(results: Results) -> Lines:
    """The CPU as its device sees it, and what is compiled for it."""
    try:
        device = SESSION.device(MAIN)
        facts, target = device.target_facts(), target_of(device)
    except BaregradError as error:
        yield "cpu", error.what
        return
    yield "model", f"{facts.model}, {facts.cores} cores"
    yield "features", " ".join(sorted(facts.features))
    yield "target", f"{target.name}: vectors of {target.vector_bytes} bytes"
    yield "threads", str(target.threads)


def _compiler(results: Results) -> Lines:
    """What the C device compiles with."""
    try:
        found = find_compiler()
    except BaregradError as error:
        yield "none", error.mend
        return
    yield "path", f"{found.path} {found.version}"
    yield "flags", " ".join(found.flags)


def _cache(results: Results) -> Lines:
    """The directory of compiled kernels."""
    switches = config()
    root = Path(switches.cache_dir).expanduser()
    yield "directory", f"{root}{'' if switches.cache else ' (not used: BG_CACHE=0)'}"
    if not root.exists():
        yield "state", "not there yet; it is made with the first kernel"
        return
    facts = root.stat()
    mode = stat.S_IMODE(facts.st_mode)
    files = [path for path in root.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    yield "state", f"{len(files)} files, {size / 1024:.0f} KiB"
    if facts.st_uid != os.geteuid():
        yield "owner", f"user {facts.st_uid}, not you: set BG_CACHE_DIR to a directory of your own"
    private = "private" if not mode & 0o077 else f"others can get at it: chmod 700 {root}"
    yield "mode", f"{mode:o}, {private}"


def _libraries(results: Results) -> Lines:
    """What the edges may use."""
    for name in LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"


def _switches(results: Results) -> Lines:
    """Switches that are not at their default."""
    now = config()
    changed = [row for row in knobs() if getattr(now, row.name) != row.default]
    for row in changed:
        yield row.env, f"{getattr(now, row.name)!r} (default {row.default!r}): {row.sentence}"
    if not changed:
        yield "all", "at their defaults"


SECTIONS: Mapping[str, Callable[[Results], Lines]] = {
    "system": _system,
    "devices": _devices,
    "processor": _processor,
    "C compiler": _compiler,
    "cache": _cache,
    "libraries": _libraries,
    "switches": _switches,
}
