"""The tests of memory access again, with the emulator in the processor's place: loads and stores under masks,
gathers, narrow dtypes, parts of vectors, all of a kernel from its first instruction to its return.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from tests.codegen.x86 import test_memory, test_narrow
from tests.emu.x86.kernels import run

SOURCES: list[Callable[..., None]] = [
    *(function for name, function in vars(test_memory).items() if name.startswith("test_")),
    test_narrow.test_memory,
]
MARKED = type(pytest.param())


def calls(function: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """The arguments that a test is written for."""
    marks = [mark.args for mark in function.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    for chosen in product(*(values for _, values in marks)):
        found: dict[str, Any] = {}
        for (names, _), value in zip(marks, chosen, strict=True):
            listed = [name.strip() for name in names.split(",")]
            if isinstance(value, MARKED):
                values = value.values
            else:
                values = value if len(listed) > 1 else (value,)
            found |= dict(zip(listed, values, strict=True))
        yield found


def again(function: Callable[..., None], most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test with some of its arguments, emulated."""
    monkeypatch.setattr(test_memory, "run", run)
    monkeypatch.setattr(test_narrow, "run", run)
    every = list(calls(function))
    for arguments in random.Random(1).sample(every, min(most, len(every))):
        try:
            function(**arguments)
        except pytest.skip.Exception:
            continue


@pytest.mark.parametrize("function", SOURCES[::4], ids=[f.__name__ for f in SOURCES[::4]])
def test_a_sample(function: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    again(function, 1, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("function", SOURCES, ids=[f.__name__ for f in SOURCES])
def test_all(function: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    again(function, 60, monkeypatch)
