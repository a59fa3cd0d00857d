"""What every device promises, tried on each row of DEVICES; the files beside this one test each alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from baregrad.base.errors import DeviceError
from baregrad.isa.x86 import assemble, inst, mem
from baregrad.runtime import (
    DEVICES,
    Address,
    Device,
    HostView,
    Launch,
    PeerCopy,
    TargetFacts,
    Timestamps,
    open_device,
)


def increment(args: list[memoryview | int], grid: int) -> None:
    """What ADD does, for the reference device: add the second argument to u64 number `item` of the first."""
    words, amount = args
    assert isinstance(words, memoryview)
    assert isinstance(amount, int)
    view = words.cast("Q")
    for item in range(grid):
        view[item] = (view[item] + amount) % 2**64


def add_code() -> bytes:
    """f(rdi = [words, amount], rsi = item): words[item] += amount."""
    return assemble(
        [
            inst("mov", "rax", mem("rdi")),
            inst("mov", "rcx", mem("rdi", disp=8)),
            inst("add", mem("rax", "rsi", 8), "rcx"),
            inst("ret"),
        ]
    )


def add_text() -> bytes:
    """The same in C."""
    return b"""
void add(void **args, int64_t item)
{
    uint64_t *words = args[0];
    words[item] += (uint64_t)args[1];
}
"""


# What a device wants from above, and the code of the same kernel for each architecture.
OPTIONS: dict[str, Any] = {"execute": lambda program, args, grid: program(args, grid)}
CODE: dict[str, Callable[[], Any]] = {
    "x86-64": add_code,
    "c": add_text,
    "null": add_code,
    "reference": lambda: increment,
}
NEEDS = {"c": pytest.mark.cc}


@pytest.fixture(params=[pytest.param(name, marks=NEEDS.get(name, ())) for name in sorted(DEVICES)])
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    opened = open_device(request.param, **{name: OPTIONS[name] for name in DEVICES[request.param].wants})
    yield opened
    opened.close()


def code_for(device: Device) -> Any:
    return CODE[device.target_facts().arch]()


def keeps_nothing(device: Device) -> bool:
    return device.target_facts().arch == "null"


def test_unknown_device_lists_those_that_exist() -> None:
    with pytest.raises(DeviceError, match="unknown device 'gpu'") as caught:
        open_device("gpu")
    assert all(name in caught.value.mend for name in DEVICES)


def test_name_is_the_rows(device: Device) -> None:
    assert type(device).__name__ == DEVICES[device.name].cls


def test_facts_are_plain(device: Device) -> None:
    facts = device.target_facts()
    assert isinstance(facts, TargetFacts)
    assert facts.cores >= 1
    assert facts == device.target_facts()


def test_addresses_are_aligned_and_apart(device: Device) -> None:
    blocks = [device.allocate(n) for n in (0, 1, 63, 64, 65, 4096, 5000, 1 << 20)]
    spans = sorted((int(b), int(b) + max(b.nbytes, 1)) for b in blocks)
    assert all(start % 64 == 0 and start > 0 for start, _ in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    for block in blocks:
        device.free(block)


def test_bytes_come_back(device: Device) -> None:
    at = device.allocate(10)
    device.write(at, bytes(range(10)))
    device.write(at, bytearray(b"xy"), offset=8)
    device.write(at, b"", offset=10)
    expected = bytes(10) if keeps_nothing(device) else bytes(range(8)) + b"xy"
    assert device.read(at, 10) == expected
    assert device.read(at, 3, offset=7) == expected[7:]
    assert device.read(at, 0, offset=10) == b""


OUTSIDE = [  # name       offset  nbytes
    ("behind", 1, 8),
    ("before", -1, 4),
    ("too long", 0, 9),
    ("far", 1 << 40, 0),
]


@pytest.mark.parametrize("name, offset, nbytes", OUTSIDE, ids=[r[0] for r in OUTSIDE])
def test_copies_outside_are_refused(device: Device, name: str, offset: int, nbytes: int) -> None:
    at = device.allocate(8)
    with pytest.raises(DeviceError, match="outside a memory of 8 bytes"):
        device.read(at, nbytes, offset=offset)
    with pytest.raises(DeviceError, match="outside a memory of 8 bytes"):
        device.write(at, bytes(nbytes), offset=offset)


def test_freed_memory_is_refused(device: Device) -> None:
    at = device.allocate(8)
    device.free(at)
    for use in (lambda: device.free(at), lambda: device.read(at, 1), lambda: device.write(at, b"x")):
        with pytest.raises(DeviceError, match="no memory in use"):
            use()
    with pytest.raises(DeviceError, match="no memory in use"):
        device.free(Address(12345, 8))


def test_negative_size_is_refused(device: Device) -> None:
    with pytest.raises(DeviceError, match="cannot allocate -1 bytes"):
        device.allocate(-1)


def test_usage_counts(device: Device) -> None:
    before = device.usage().in_use
    one, two = device.allocate(6400), device.allocate(640)
    most = device.usage()
    assert most.in_use - before >= 7040
    device.free(one)
    device.free(two)
    after = device.usage()
    assert after.in_use == before
    assert after.peak >= most.in_use


def words(device: Device, at: Address) -> list[int]:
    return list(memoryview(device.read(at, at.nbytes)).cast("Q"))


def test_launch_runs_every_item_once(device: Device) -> None:
    kernel = device.load(code_for(device), "add")
    assert kernel.name == "add"
    at = device.allocate(8 * 100)
    device.write(at, bytes(800))
    for grid in (0, 1, 2, 3, 100):
        device.launch(kernel, (at, 10**grid if grid < 4 else 7), grid)
    device.wait()
    expected = [10 + 100 + 1000 + 7, 100 + 1000 + 7, 1000 + 7] + [7] * 97
    assert words(device, at) == ([0] * 100 if keeps_nothing(device) else expected)


def test_a_list_runs_in_order_and_again(device: Device) -> None:
    kernel = device.load(code_for(device))
    one, two = device.allocate(16), device.allocate(16)
    device.write(one, bytes(16))
    device.write(two, bytes(16))
    launches = [Launch(kernel, (one, 1)), Launch(kernel, (two, 5), 2), Launch(kernel, (one, -3), 2)]
    recording = device.record(launches)
    assert len(recording) == 3
    device.run(recording)
    recording.set_argument(1, 1, 7)
    recording.set_argument(2, 0, two)
    device.run(recording)
    device.wait()
    if not keeps_nothing(device):
        assert words(device, one) == [(1 - 3 + 1) % 2**64, (-3) % 2**64]
        assert words(device, two) == [5 + 7 - 3, 5 + 7 - 3]


def test_an_empty_list_runs(device: Device) -> None:
    device.run(device.record([]))
    device.wait()


def test_arguments_that_are_not_there(device: Device) -> None:
    kernel = device.load(code_for(device))
    at = device.allocate(8)
    recording = device.record([Launch(kernel, (at, 1))])
    for launch, slot in ((1, 0), (0, 2), (-1, 0), (0, -1)):
        with pytest.raises(DeviceError, match=f"no argument {slot} of launch {launch}"):
            recording.set_argument(launch, slot, 0)


def test_an_unloaded_kernel_is_refused(device: Device) -> None:
    kernel = device.load(code_for(device))
    at = device.allocate(8)
    device.unload(kernel)
    with pytest.raises(DeviceError, match="has no kernel"):
        device.launch(kernel, (at, 1))
    with pytest.raises(DeviceError, match="has no kernel"):
        device.unload(kernel)


def test_foreign_recordings_are_refused(device: Device) -> None:
    other = open_device("cpu" if device.target_facts().arch != "x86-64" else "null")
    with pytest.raises(DeviceError, match="runs only on the device"):
        device.run(other.record([]))
    other.close()


def test_view_is_the_memory(device: Device) -> None:
    if not isinstance(device, HostView):
        pytest.skip("the device has no view of its memory")
    at = device.allocate(5)
    device.write(at, b"hello")
    view = device.view(at)
    view[0] = ord("j")
    assert bytes(view) == device.read(at, 5) == b"jello"


def test_peer_copy(device: Device) -> None:
    if not isinstance(device, PeerCopy):
        pytest.skip("the device does not copy by itself")
    source, to = device.allocate(100), device.allocate(100)
    device.write(source, bytes(range(100)))
    device.write(to, bytes(100))
    device.copy(to, source, 60)
    assert device.read(to, 100) == bytes(range(60)) + bytes(40)


def test_timestamps(device: Device) -> None:
    if not isinstance(device, Timestamps):
        pytest.skip("the device has no time stamps")
    kernel = device.load(code_for(device))
    at = device.allocate(80)
    times = device.run_timed(device.record([Launch(kernel, (at, 1), grid) for grid in (1, 10, 1)]))
    assert len(times) == 3
    assert all(0 < t < 1 for t in times)


def test_closing_twice_is_fine(device: Device) -> None:
    device.close()
    device.close()


def test_what_was_had_can_be_given_back_after_closing() -> None:
    """Handles that outlive their device are freed by finalizers, which must not raise."""
    device = open_device("cpu")
    at, kernel = device.allocate(8), device.load(add_code())
    device.close()
    device.free(at)
    device.unload(kernel)
