"""Workers: every item once and in time, on 1, 2 and 3 threads; sleep, forks, and the end of the process."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest

from baregrad.isa.form import Label
from baregrad.isa.x86 import assemble, inst, mem
from baregrad.runtime import Kernel, Launch, open_device
from baregrad.runtime.cpu import CpuDevice
from baregrad.runtime.cpu.jobs import CONTROL


@pytest.fixture(params=[1, 2, 3])
def device(request: pytest.FixtureRequest) -> Iterator[CpuDevice]:
    opened = open_device("cpu", threads=request.param)
    assert isinstance(opened, CpuDevice)
    yield opened
    opened.close()


def counting(device: CpuDevice, rounds: int = 1) -> Kernel:
    """f([words, amount], item): words[item] = words[item] * 3 + amount, after some rounds of pause."""
    again = Label("again")
    word = mem("rax", "rsi", 8)
    wait = [inst("mov", "ecx", rounds), again, inst("pause"), inst("dec", "ecx"), inst("jne", again)]
    work = [inst("imul", "rdx", word, 3), inst("add", "rdx", mem("rdi", disp=8)), inst("mov", word, "rdx")]
    return device.load(assemble([inst("mov", "rax", mem("rdi")), *wait, *work, inst("ret")]), "counting")


def workers_alive() -> set[int | None]:
    """The living workers of all devices, other tests' too."""
    return {t.ident for t in threading.enumerate() if t.name.startswith("baregrad-worker")}


def test_threads_start_with_the_first_parallel_launch(device: CpuDevice) -> None:
    others = workers_alive()
    kernel, at = counting(device), device.allocate(80)
    device.launch(kernel, (at, 1))
    device.run(device.record([Launch(kernel, (at, 1))]))
    assert workers_alive() <= others
    device.launch(kernel, (at, 1), 2)
    assert len(workers_alive() - others) == device.threads - 1
    device.close()
    assert workers_alive() <= others


def test_entries_wait_for_each_other(device: CpuDevice) -> None:
    """x -> 3 x + n does not commute: a wrong order, a lost or doubled item shows."""
    kernel, grid, steps = counting(device), 37, 300
    at = device.allocate(8 * grid)
    device.write(at, bytes(8 * grid))
    device.run(device.record([Launch(kernel, (at, n), grid if n % 7 else 1) for n in range(steps)]))
    first = other = 0
    for n in range(steps):
        first = (3 * first + n) % 2**64
        other = (3 * other + n) % 2**64 if n % 7 else other
    assert list(memoryview(device.read(at, 8 * grid)).cast("Q")) == [first] + [other] * (grid - 1)


def test_many_lists_with_pauses_between(device: CpuDevice) -> None:
    """Workers fall asleep between lists (a short spin) and wake up again."""
    CONTROL.write(device.view(device._workers._at), spin=2000)
    kernel, at = counting(device, rounds=20), device.allocate(8 * 4)
    device.write(at, bytes(32))
    recording = device.record([Launch(kernel, (at, 1), 4)] * 3)
    expected = 0
    for n in range(60):
        device.run(recording)
        time.sleep(0.0005 * (n % 3))
        for _ in range(3):
            expected = (3 * expected + 1) % 2**64
    assert list(memoryview(device.read(at, 32)).cast("Q")) == [expected] * 4


def test_all_threads_take_part() -> None:
    """Two items that wait for each other end only when two threads run them."""
    device = open_device("cpu", threads=2)
    again = Label("again")
    meet = [inst("mov", "rax", mem("rdi")), inst("lock_inc", mem("rax", bits=64))]
    wait = [again, inst("pause"), inst("cmp", mem("rax", bits=64), 2), inst("jb", again)]
    kernel, at = device.load(assemble([*meet, *wait, inst("ret")])), device.allocate(8)
    for _ in range(20):
        device.write(at, bytes(8))
        device.launch(kernel, (at,), 2)
    device.close()


def test_two_callers_at_once(device: CpuDevice) -> None:
    """One publishes, the other finds the workers busy and runs its items itself; both are right."""
    kernel, blocks = counting(device, rounds=50), [device.allocate(80) for _ in range(3)]
    recordings = []
    for block in blocks:
        device.write(block, bytes(80))
        recordings.append(device.record([Launch(kernel, (block, 1), 10)] * 5))

    def caller(n: int) -> None:
        for _ in range(40):
            device.run(recordings[n])

    threads = [threading.Thread(target=caller, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    expected = 0
    for _ in range(200):
        expected = (3 * expected + 1) % 2**64
    for block in blocks:
        assert list(memoryview(device.read(block, 80)).cast("Q")) == [expected] * 10


def test_eager_launches_from_several_threads(device: CpuDevice) -> None:
    kernel, blocks = counting(device), [device.allocate(8) for _ in range(3)]
    for block in blocks:
        device.write(block, bytes(8))

    def caller(n: int) -> None:
        for _ in range(200):
            device.launch(kernel, (blocks[n], n))

    threads = [threading.Thread(target=caller, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for n, block in enumerate(blocks):
        expected = 0
        for _ in range(200):
            expected = (3 * expected + n) % 2**64
        assert int.from_bytes(device.read(block, 8), "little") == expected


def test_a_forgotten_device_stops_its_threads() -> None:
    others = workers_alive()
    for _ in range(3):
        device = open_device("cpu", threads=3)
        assert isinstance(device, CpuDevice)
        device.launch(counting(device), (device.allocate(80), 1), 10)
        assert len(workers_alive() - others) == 2
        del device
        gc.collect(0)
        assert workers_alive() <= others


USE = """
import os, sys, threading, time
from baregrad.isa.x86 import assemble, inst, mem
from baregrad.runtime import Launch, open_device

device = open_device("cpu", threads=3)
code = assemble([inst("mov", "rax", mem("rdi")), inst("lock_inc", mem("rax", bits=64)), inst("ret")])
kernel, at = device.load(code), device.allocate(8)
device.write(at, bytes(8))
recording = device.record([Launch(kernel, (at,), 10)] * 10)

def count():
    return int.from_bytes(device.read(at, 8), "little")

def alive():
    return sum(t.name.startswith("baregrad-worker") for t in threading.enumerate())

"""

ENDS = [  # name                 what the program does after starting its workers, and what it prints
    ("end of file", "device.run(recording); print(count())", "100"),
    ("sleeping", "device.run(recording); time.sleep(0.05); print(count())", "100"),
    ("sys.exit", "device.run(recording); print(count()); sys.exit(0)", "100"),
    ("os._exit", "device.run(recording); print(count(), flush=True); os._exit(0)", "100"),
    ("closed", "device.run(recording); device.close(); print(alive())", "0"),
    (
        "run at exit",
        "import atexit; device.run(recording)\n"
        "atexit.register(lambda: (device.run(recording), print(count())))",
        "200",
    ),
    (
        "run at exit, after the workers",
        "import atexit; atexit.register(lambda: (device.run(recording), print(count())))\n"
        "device = open_device('cpu', threads=3); kernel = device.load(code); at = device.allocate(8)\n"
        "device.write(at, bytes(8)); recording = device.record([Launch(kernel, (at,), 10)] * 10)\n"
        "device.run(recording)",
        "200",
    ),
    (
        "exit from another thread",
        "t = threading.Thread(target=lambda: [device.run(recording) for _ in range(50)]); t.start()",
        "",
    ),
    (
        "a daemon that still runs lists",
        "many = lambda: [device.run(recording) for _ in range(10**6)]\n"
        "threading.Thread(target=many, daemon=True).start()\n"
        "time.sleep(0.02)",
        "",
    ),
    (
        "devices that nobody closes",
        "more = [open_device('cpu', threads=2) for _ in range(5)]\n"
        "for d in more: d.launch(d.load(code), (d.allocate(8),), 4)\n"
        "print(alive())",
        "5",
    ),
]


@pytest.mark.parametrize("name, body, printed", ENDS, ids=[r[0] for r in ENDS])
def test_the_process_ends(child, name: str, body: str, printed: str) -> None:
    assert child(USE + body).strip() == printed


FORKS = [  # name       what the child of a fork does; it prints what is checked
    ("the child launches", "device.run(recording); print(count(), alive())", "200 2"),
    (
        "the child loads code",
        "k = device.load(code); device.launch(k, (at,), 5); print(count(), alive())",
        "105 2",
    ),
    ("the child does nothing", "print(count(), alive())", "100 0"),
    ("the child closes", "device.close(); print(alive())", "0"),
    ("the child allocates", "b = device.allocate(1 << 22); device.free(b); print(count())", "100"),
]

FORK = """
device.run(recording)
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    {body}
    sys.stdout.flush()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
device.run(recording)
assert count() == 200 and alive() == 2, (count(), alive())
"""


@pytest.mark.parametrize("name, body, printed", FORKS, ids=[r[0] for r in FORKS])
def test_fork_after_start(child, name: str, body: str, printed: str) -> None:
    assert child(USE + FORK.format(body=body)).strip() == printed


def test_fork_while_another_thread_runs_lists(child) -> None:
    body = """
going = True
def keep_running():
    while going:
        device.run(recording)
thread = threading.Thread(target=keep_running); thread.start()
for _ in range(10):
    pid = os.fork()
    if pid == 0:
        block = device.allocate(8); device.write(block, bytes(8))
        device.launch(device.load(code), (block,), 20)
        os._exit(int.from_bytes(device.read(block, 8), "little"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 20
going = False; thread.join(); print("good")
"""
    assert child(USE + body).strip() == "good"


def test_multiprocessing_by_fork(child) -> None:
    body = """
import multiprocessing
def work(n):
    device.launch(kernel, (at,), n)
    return count()
device.run(recording)
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(sorted(set(pool.map(work, [0, 0, 0, 0]))))
"""
    assert child(USE + body).strip() == "[100]"
