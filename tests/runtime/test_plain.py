"""The devices that Python runs: the null device's log, the reference device's injected function."""

from __future__ import annotations

import pytest

from baregrad.base.errors import DeviceError
from baregrad.runtime import Launch, TargetFacts, open_device
from baregrad.runtime.null import NullDevice
from baregrad.runtime.reference import ReferenceDevice


def test_null_device_counts_launches() -> None:
    device = NullDevice()
    kernel = device.load(b"\xc3", "first")
    at = device.allocate(1 << 40)  # more than any machine has
    device.run(device.record([Launch(kernel, (at, 3), 5)] * 2))
    device.launch(kernel, (at, 4))
    assert [(launch.kernel.name, launch.args[1], launch.grid) for launch in device.launches] == [
        ("first", 3, 5),
        ("first", 3, 5),
        ("first", 4, 1),
    ]
    assert device.usage().in_use == 1 << 40


def test_null_device_stands_for_another_machine() -> None:
    facts = TargetFacts("x86-64", frozenset({"avx2"}), cores=64)
    assert open_device("null", facts=facts).target_facts() is facts


def test_reference_device_wants_a_function() -> None:
    with pytest.raises(DeviceError, match="nothing to run programs with"):
        open_device("reference")


def test_reference_device_hands_over_memory_and_integers() -> None:
    seen: list[object] = []

    def execute(program: object, args: list[memoryview | int], grid: int) -> None:
        seen.append((program, [bytes(a) if isinstance(a, memoryview) else a for a in args], grid))
        assert isinstance(args[0], memoryview)
        args[0][0] = 9

    device = ReferenceDevice(execute)
    at = device.allocate(3)
    device.launch(device.load({"any": "object"}), (at, -7), 4)
    assert seen == [({"any": "object"}, [bytes(3), -7], 4)]
    assert device.read(at, 3) == b"\x09\0\0"


def test_errors_of_the_program_come_through() -> None:
    def execute(program: object, args: list[memoryview | int], grid: int) -> None:
        raise ZeroDivisionError("in the program")

    device = ReferenceDevice(execute)
    with pytest.raises(ZeroDivisionError):
        device.launch(device.load("p"), ())
