"""System calls: what libc says comes back, and refusals tell what was wanted."""

from __future__ import annotations

import ctypes
import errno

import pytest

from baregrad.base.errors import SystemCallError
from baregrad.runtime.system import PROT_READ, System, view_memory


def test_refusal_says_what_and_why() -> None:
    with pytest.raises(SystemCallError, match="the system refused: to protect nothing") as caught:
        System().check("mprotect", 1, 4096, PROT_READ, wanted="to protect nothing")
    assert caught.value.errno == errno.EINVAL
    assert caught.value.why.startswith("mprotect: EINVAL")


def test_injected_call_is_used() -> None:
    calls: list[tuple[object, ...]] = []

    def call(name: str, *args: int | bytes) -> int:
        calls.append((name, *args))
        return 7

    assert System(call).check("close", 3, wanted="x") == 7
    assert calls == [("close", 3)]


def test_view_is_the_memory() -> None:
    memory = ctypes.create_string_buffer(b"abcd", 4)
    view = view_memory(ctypes.addressof(memory), 4)
    view[1] = ord("X")
    assert memory.raw == b"aXcd"
    assert view.format == "B"
