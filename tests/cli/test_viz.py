"""Debug output, figures, listings and profiles say what happened."""

from __future__ import annotations

import pytest

from baregrad.base import listen, override
from baregrad.engine import jit
from baregrad.tensor import Tensor
from baregrad.viz import Profile, assembly, figures, hot_loop
from baregrad.viz.figures import Figures, microseconds


@pytest.fixture(autouse=True)
def _apart(tmp_path):
    """On the CPU, with an own cache."""
    with override(device="cpu", cache_dir=str(tmp_path / "cache")):
        yield


LEVELS = [  # debug level, what is shown, what is not
    (0, [], ["compiled", "ran", "=="]),
    (1, ["compiled "], ["ran", "=="]),
    (2, ["compiled ", "ran ", "GFLOP/s", "GB/s"], ["=="]),
    (3, ["compiled ", "ran ", "after lower", "after render"], []),
    (4, ["compiled ", "after lower", "  c3  "], []),
]


@pytest.mark.parametrize("level, there, missing", LEVELS, ids=[f"level {row[0]}" for row in LEVELS])
def test_debug_output(capsys, level, there, missing):
    with override(debug=level):
        (Tensor([1.0, 2.0, 3.0]) * (1.5 + level)).tolist()
    out = capsys.readouterr().out
    assert [word for word in there if word not in out] == []
    assert [word for word in missing if word in out] == []


def heard(function):
    """The kernels that a function launches."""
    profile = Profile()
    with profile.launches():
        function()
    return profile


COUNTED = [  # name, what is computed, its operations on floats, its bytes
    ("product", lambda a, b: a * b, 12, 3 * 48),
    ("two", lambda a, b: a * b + a, 24, 3 * 48),
    ("sum", lambda a, b: a.sum(), 12, 48 + 4),
    ("matmul", lambda a, b: a @ b.T, 2 * 3 * 3 * 4, 48 + 48 + 36),
]


@pytest.mark.parametrize("name, function, flops, nbytes", COUNTED, ids=[row[0] for row in COUNTED])
def test_figures(name, function, flops, nbytes):
    a, b = (Tensor([[float(i + j) for i in range(4)] for j in range(3)]) for _ in range(2))
    profile = heard(lambda: function(a, b).realize())
    (use,) = profile.kernels.values()
    assert figures(use.ast) == use.figures == Figures(flops, nbytes)


def test_a_replay_is_timed():
    step = jit(lambda x: x * 2 + 1)
    for i in range(2):
        step(Tensor([float(i)]))
    profile = heard(lambda: step(Tensor([5.0])))
    (use,) = profile.kernels.values()
    assert use.launches == 1
    assert use.seconds > 0
    assert profile.hottest() == [use]


def test_a_profile_counts_what_is_compiled():
    profile = Profile()
    with profile.compiling():
        (Tensor([1.0, 2.0, 3.0]) * 4.125).tolist()
    assert (profile.compiled, profile.cached) == (1, 0)
    assert profile.compile_seconds > 0


def test_pass_events_name_each_step():
    names = []
    with listen(lambda event: names.append(event.facts["name"]), "pass"):
        (Tensor([1.0, 2.0, 3.0]) * 4.25).tolist()
    assert [name for name in names if name in ("schedule", "kernel.optimize", "lower", "render")] == [
        "schedule",
        "kernel.optimize",
        "lower",
        "render",
    ]


def test_assembly_ends_at_the_constants():
    code = bytes.fromhex("b82a000000c3").ljust(64, b"\x90") + b"\1\2\3\4"
    assert assembly(code).splitlines()[-1].endswith("62 bytes of padding and constants")
    assert assembly(bytes.fromhex("c3")).split() == ["0", "c3", "ret"]


def test_the_hot_loop_is_the_innermost_with_most_vectors():
    code = bytes.fromhex("48ffc0 75fb c5fc58c0 48ffc9 75f7 c3")  # inc, jnz; vaddps, dec, jnz; ret
    lines = hot_loop(code)
    assert [line.split()[0] for line in lines] == ["5", "9", "c"]
    assert "vaddps" in lines[0]
    assert len(hot_loop(bytes.fromhex("c3"))) == 1


def test_times_as_text():
    assert [microseconds(s) for s in (2.5e-6, 2.5e-3, 2.5)] == ["2.5 µs", "2.5 ms", "2.50 s"]
    assert Figures(2000, 1000).rates(1e-6) == "2.00 GFLOP/s, 1.00 GB/s"
    assert Figures(2000, 1000).rates(0.0) == ""
