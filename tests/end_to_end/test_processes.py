"""Whole processes: forks after use, the end of the interpreter, switches that are wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

FORK = """
    import os
    import baregrad as bg
    from baregrad.tensor import Tensor
    w = Tensor.rand(64, 64)
    total = (w @ w).sum().item()
    lazy = (w * 2).sum()
    step = bg.jit(lambda a: a @ a)
    for _ in range(3):
        step(w)
    pid = os.fork()
    if pid == 0:
        same = (w @ w).sum().item() == total and abs(step(w).sum().item() - total) < 0.1
        new = (w.T @ w).relu().sum().item() > 0 and lazy.item() > 0
        w.assign(w + 1).realize()
        os._exit(0 if same and new else 9)
    assert os.waitpid(pid, 0)[1] == 0
    assert (w @ w).sum().item() == total
    print("good")
"""
POOL = """
    import multiprocessing
    from baregrad.tensor import Tensor
    w = Tensor.rand(64, 64).realize()
    def total(i):
        return (w @ w + i).sum().item()
    expected = [total(i) for i in range(3)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(total, range(3)) == expected
    print("good")
"""
LOCKED = """
    import os, threading
    from baregrad.tensor import Tensor
    x, stop = Tensor([1.0]), []
    (x + 1).item()  # all is imported: Python's own locks of imports do not survive a fork
    def work():
        while not stop:
            (Tensor([1.0]) + 1).item()
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if (x + 1).item() == 2.0 else 9)
        assert os.waitpid(pid, 0)[1] == 0
    stop.append(1)
    thread.join()
    print("good")
"""
END = """
    import baregrad as bg
    from baregrad.tensor import Tensor
    x = Tensor.rand(100)
    y = x * 2
    z = y.realize()
    step = bg.jit(lambda a: a + x)
    for _ in range(3):
        step(y)
    class Ring: pass
    ring = Ring()
    ring.own, ring.tensor, ring.lazy = ring, Tensor([1.0]), x * 3
    w = Tensor([1.0], requires_grad=True)
    (w * 2).sum().backward()
    x.assign(x + 1)
    print("good")
"""
PROGRAMS = {"fork": FORK, "pool": POOL, "fork while a thread computes": LOCKED, "end": END}
QUICK = [("fork", "2"), ("end", "2")]  # half a second each: the others are slow


def run(program: str, **switches: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "BG_CHECK": "0", **switches}
    code = textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=20, check=False
    )


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "name, threads",
    [
        pytest.param(name, threads, marks=[SLOW] if (name, threads) not in QUICK else [])
        for name in PROGRAMS
        for threads in "123"
    ],
)
def test_program(name, threads):
    found = run(PROGRAMS[name], BG_THREADS=threads)
    assert (found.returncode, found.stdout, found.stderr) == (0, "good\n", "")


# fmt: off
WRONG = [  # a switch, its value, words of the message
    ("BG_DEBG",      "1",             "BG_DEBG is no switch"),
    ("BG_DEBUG",     "9",             "is not one of"),
    ("BG_THREADS",   "-1",            "is negative"),
    ("BG_THREADS",   "x",             "is not int"),
    ("BG_CHECK",     "maybe",         "is not bool"),
    ("BG_DEVICE",    "gpu",           "unknown device 'gpu'"),
    ("BG_CACHE_DIR", "/proc/nowhere", "/proc/nowhere"),
]
# fmt: on


@pytest.mark.parametrize(
    "name, value, words",  # how each kind of value is read: tests/base/test_config.py
    [pytest.param(*row, marks=[SLOW] if row[1] in ("9", "-1", "maybe", "gpu") else []) for row in WRONG],
    ids=[f"{row[0]}={row[1]}" for row in WRONG],
)
def test_wrong_switch(name, value, words):
    found = run("from baregrad.tensor import Tensor\n(Tensor([1.0]) + 1).item()", **{name: value})
    assert found.returncode == 1
    assert words in found.stderr
    assert "mend:" in found.stderr
