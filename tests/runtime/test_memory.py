"""Host memory: alignment, reuse, statistics, guard pages, and what happens when the system has none."""

from __future__ import annotations

import errno
import os
import random
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from baregrad.base.errors import DeviceError, OutOfMemory, SystemCallError
from baregrad.runtime import Address, Usage
from baregrad.runtime.memory import ARENA, HUGE, PAGE, SMALL, HostMemory, class_size
from baregrad.runtime.system import System, call_libc, view_memory

SIZES = [
    0,
    1,
    63,
    64,
    65,
    1000,
    1024,
    1025,
    PAGE,
    100_000,
    SMALL,
    SMALL + 1,
    2 * HUGE,
    2 * HUGE + 1,
    9_999_999,
]


def test_classes_waste_little() -> None:
    for nbytes in [*range(1, 5000), *(2**n + d for n in range(13, 46) for d in (-1, 0, 1, 77))]:
        size = class_size(nbytes)
        assert size >= nbytes
        assert size % 64 == 0
        assert class_size(size) == size
        assert size - nbytes < max(64, nbytes / 8)


@pytest.mark.parametrize("nbytes", SIZES)
def test_blocks_are_aligned_writable_and_reused(nbytes: int) -> None:
    memory = HostMemory(System())
    one, two = memory.allocate(nbytes), memory.allocate(nbytes)
    assert one.value % 64 == two.value % 64 == 0
    for at in (one, two):
        if nbytes:
            view = view_memory(at.value, nbytes)
            view[0] = view[-1] = 0xAA
    memory.free(two)
    assert memory.allocate(nbytes).value == two.value
    memory.close()


def test_large_blocks_ask_for_huge_pages() -> None:
    calls: list[tuple[object, ...]] = []

    def call(name: str, *args: int | bytes) -> int:
        calls.append((name, *args))
        return call_libc(name, *args)

    memory = HostMemory(System(call))
    small, large = memory.allocate(SMALL * 2), memory.allocate(3 * HUGE)
    assert large.value % HUGE == 0
    assert [c for c in calls if c[0] == "madvise"] == [("madvise", large.value, class_size(3 * HUGE), 14)]
    assert memory.usage().reserved == class_size(SMALL * 2) + class_size(3 * HUGE)
    memory.free(small)
    memory.free(large)
    memory.release()
    assert memory.usage().reserved == 0


def test_random_use_keeps_blocks_apart() -> None:
    seed = 20240607
    rng, memory = random.Random(seed), HostMemory(System(), keep=4 * HUGE)
    live: dict[int, tuple[Address, int]] = {}
    for step in range(1500):
        if live and rng.random() < 0.48:
            at, mark = live.pop(rng.choice(list(live)))
            view = view_memory(at.value, at.nbytes)
            assert view[0] == view[-1] == mark, f"seed {seed}, step {step}: block {at} was overwritten"
            memory.free(at)
        else:
            at = memory.allocate(int(2 ** rng.uniform(0, 19)))
            mark = rng.randrange(256)
            view = view_memory(at.value, at.nbytes)
            view[0] = view[-1] = mark
            assert at.value not in live
            live[at.value] = (at, mark)
    spans = sorted((a.value, a.value + a.nbytes) for a, _ in live.values())
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert memory.usage().in_use == sum(class_size(a.nbytes) for a, _ in live.values())
    memory.close()


def test_small_blocks_share_arenas() -> None:
    memory = HostMemory(System())
    for _ in range(1000):
        memory.allocate(100)
    assert memory.usage().reserved == ARENA
    memory.close()


def test_the_oldest_kept_block_goes_first() -> None:
    memory = HostMemory(System(), keep=5 << 20)
    blocks = [memory.allocate(n << 20) for n in (1, 2, 3)]
    for block in blocks:
        memory.free(block)
    assert memory.usage() == Usage(0, 6 << 20, 5 << 20)
    assert memory.allocate(3 << 20).value == blocks[2].value
    assert memory.allocate(2 << 20).value == blocks[1].value
    memory.close()


def test_kept_blocks_go_back_before_memory_runs_out() -> None:
    room = [8 << 20]

    def call(name: str, *args: int | bytes) -> int:
        if name == "mmap":
            size = int(args[1])
            if size > room[0]:
                return -errno.ENOMEM
            room[0] -= size
        if name == "munmap":
            room[0] += int(args[1])
        return call_libc(name, *args)

    memory = HostMemory(System(call))
    memory.free(memory.allocate(3 << 20))
    memory.free(memory.allocate(4 << 20))
    at = memory.allocate(7 << 19)
    assert memory.usage().reserved == 7 << 19
    with pytest.raises(OutOfMemory) as caught:
        memory.allocate(1 << 23)
    assert caught.value.what == f"cpu cannot allocate {1 << 23} bytes"
    assert f"{7 << 19} bytes are in use" in caught.value.why
    memory.free(at)


def test_absurd_sizes_are_out_of_memory() -> None:
    memory = HostMemory(System())
    for nbytes in (1 << 45, 1 << 47, 1 << 63, 1 << 64, (1 << 64) + 5, 1 << 200):
        with pytest.raises(OutOfMemory, match=f"cpu cannot allocate {nbytes} bytes"):
            memory.allocate(nbytes)
    assert memory.usage().in_use == 0


def test_a_limit_of_the_process_is_out_of_memory(child) -> None:
    printed = child(
        """
        import resource
        from baregrad.base.errors import OutOfMemory
        from baregrad.runtime import open_device
        device = open_device("cpu")
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        blocks = []
        try:
            while True:
                blocks.append(device.allocate(100 << 20))
        except OutOfMemory as error:
            print(len(blocks), error)
        for block in blocks:
            device.free(block)
        device.allocate(100 << 20)
        """
    )
    count, _, message = printed.partition(" ")
    assert 3 <= int(count) <= 10
    assert message.startswith(f"cpu cannot allocate {100 << 20} bytes")


GUARDED = [1, 7, 64, 100, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 5]


@pytest.mark.parametrize("nbytes", GUARDED)
def test_guarded_blocks_end_at_an_unreadable_page(nbytes: int) -> None:
    memory = HostMemory(System())
    at = memory.allocate_guarded(nbytes)
    view = view_memory(at.value, nbytes)
    view[:] = b"\x11" * nbytes
    assert (at.value + nbytes) % PAGE == 0
    rows = [line.split()[:2] for line in Path("/proc/self/maps").read_text().splitlines()]
    spans = {tuple(int(x, 16) for x in span.split("-")): rights for span, rights in rows}
    behind = [rights for (start, end), rights in spans.items() if start <= at.value + nbytes < end]
    assert behind == ["---p"]
    memory.free(at)
    assert memory.usage().in_use == memory.usage().reserved == 0
    with pytest.raises(DeviceError, match="no memory in use"):
        memory.free(at)


def test_reading_over_the_end_kills(fork_status) -> None:
    memory = HostMemory(System())
    at = memory.allocate_guarded(100)
    assert fork_status(lambda: bytes(view_memory(at.value, 100))) == 0
    assert fork_status(lambda: bytes(view_memory(at.value, 101))) == -signal.SIGSEGV
    assert fork_status(lambda: bytes(view_memory(at.value + 100 - PAGE - 1, 1))) == -signal.SIGSEGV


def test_refused_mprotect_is_told_and_leaves_nothing() -> None:
    def call(name: str, *args: int | bytes) -> int:
        return -errno.EACCES if name == "mprotect" else call_libc(name, *args)

    memory = HostMemory(System(call))
    with pytest.raises(SystemCallError, match="an unreadable page"):
        memory.allocate_guarded(10)
    assert memory.usage().reserved == memory.usage().in_use == 0


def test_nothing_can_be_had_after_close() -> None:
    memory = HostMemory(System())
    memory.free(memory.allocate(10))
    memory.close()
    with pytest.raises(DeviceError, match="closed"):
        memory.allocate(10)
    with pytest.raises(DeviceError, match="closed"):
        memory.allocate(1 << 20)


def test_a_forgotten_memory_is_unmapped() -> None:
    before = os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text().split()[0])
    for _ in range(50):
        HostMemory(System()).allocate(64 << 20)
    after = os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text().split()[0])
    assert after - before < 500 << 20
