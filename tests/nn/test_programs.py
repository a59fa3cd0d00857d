"""Random programs of assignments, views, copies and results, eager and captured, against numpy.

All of it is done at once there.
Values are small whole numbers, so that every result is exact and a stale or overwritten one is seen.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

import baregrad as bg
from baregrad.tensor import Tensor

SHAPE = (2, 3)
STATES = 3


def limited(x):
    """Whole numbers of at most 50."""
    return x.clamp(-50, 50) if isinstance(x, Tensor) else np.clip(x, -50, 50)


# what is done to one or two values: on tensors and on arrays
OPS = {
    "add": (lambda a, b: a + b, lambda a, b: a + b),
    "less": (lambda a, b: a - b * 2, lambda a, b: a - b * 2),
    "max": (lambda a, b: a.maximum(b), np.maximum),
    "where": (lambda a, b: a.where(a > b, b + 1), lambda a, b: np.where(a > b, a, b + 1)),
    "flip": (lambda a, b: a.flip(1) + b, lambda a, b: a[:, ::-1] + b),
    "view": (lambda a, b: a.flip(0), lambda a, b: a[::-1].copy()),
    "turn": (lambda a, b: a.T.reshape(*SHAPE), lambda a, b: a.T.reshape(SHAPE)),
    "sum": (lambda a, b: a - b.sum(0, keepdim=True), lambda a, b: a - b.sum(0, keepdims=True)),
    "shift": (
        lambda a, b: a[:, 1:].pad([(0, 0), (0, 1)]) + b,
        lambda a, b: np.pad(a[:, 1:], [(0, 0), (0, 1)]) + b,
    ),
    "product": (lambda a, b: a @ b.T @ a, lambda a, b: a @ b.T @ a),
    "detach": (lambda a, b: a.detach(), lambda a, b: a.copy()),
    "copy": (lambda a, b: a.contiguous(), lambda a, b: a.copy()),
    "constant": (lambda a, b: Tensor.ones(*SHAPE) + b * 0, lambda a, b: np.ones(SHAPE) + b * 0),
    "plain": (lambda a, b: Tensor.zeros(*SHAPE), lambda a, b: np.zeros(SHAPE)),
}
ACTS = ("op", "op", "op", "assign", "assign", "assign_value", "realize", "drop")


def program(rng: random.Random, length: int) -> list[tuple[str, str, int, int]]:
    """Acts, each with an op and two numbers that choose its operands."""
    return [
        (rng.choice(ACTS), rng.choice(list(OPS)), rng.randrange(100), rng.randrange(100))
        for _ in range(length)
    ]


def run(acts, states, argument, ours):
    """Do the acts on tensors or on arrays (in place); the last values are returned."""
    values = [*states, argument]
    for act, op, i, j in acts:
        a, b = values[i % len(values)], values[j % len(values)]
        made = limited(OPS[op][0 if ours else 1](a, b))
        state = states[j % STATES]
        if act == "op":
            values.append(made)
        elif act in ("assign", "assign_value"):
            new = made if act == "assign" else a
            if ours:
                state.assign(new)
            else:
                state[...] = new.copy()
        elif act == "realize" and ours:
            a.realize()
        elif act == "drop" and len(values) > STATES + 1:
            values.pop(STATES + 1 + i % (len(values) - STATES - 1))
        if not ours:
            values = [v if any(v is s for s in states) else v.copy() for v in values]
    return values[STATES + 1 :][-3:]


def compare(seed: int, device: str, captured: bool, length: int) -> None:
    """One program, six calls; results are held, states are looked at and assigned in between."""
    rng = random.Random(seed)
    acts = program(rng, length)
    with bg.override(device=device):
        start = [
            np.array([[rng.randrange(-4, 5) for _ in range(3)] for _ in range(2)], "float32")
            for _ in range(STATES)
        ]
        states, mirror = [Tensor(s) for s in start], [s.copy() for s in start]

        def step(x):
            return run(acts, states, x, True)

        call, held = bg.jit(step) if captured else step, []
        for number in range(6):
            x = np.array([[rng.randrange(-4, 5) for _ in range(3)] for _ in range(2)], "float32")
            results, expected = call(Tensor(x)), run(acts, mirror, x.copy(), False)
            held += [(number, r, e.copy()) for r, e in zip(results, expected, strict=True)]
            extra = rng.randrange(6)
            if extra == 0:
                held.append((number, states[0].detach(), mirror[0].copy()))
            elif extra == 1:
                states[1].assign(states[1] + states[2])
                mirror[1] += mirror[2]
            elif extra == 2:
                held = held[len(held) // 2 :]
            elif extra == 3 and results:
                assert results[0].tolist() == expected[0].tolist(), f"call {number}"
        for number, ours, theirs in held:
            assert ours.tolist() == theirs.tolist(), f"result of call {number}"
        assert [s.tolist() for s in states] == [m.tolist() for m in mirror], "states at the end"


@pytest.mark.parametrize("captured", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("device", ["reference", "cpu"])
@pytest.mark.parametrize("seed", range(6))
def test_programs(seed, device, captured):
    compare(seed, device, captured, 4 + seed)


@pytest.mark.fuzz
def test_many_programs(request):
    first = request.config.getoption("--seed") * 100_000
    for seed in range(first, first + 1500):
        for captured in (False, True):
            compare(seed, "reference", captured, 3 + seed % 12)
            if seed % 10 == 0:
                compare(seed, "cpu", captured, 3 + seed % 12)


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_one_value_assigned_to_two_tensors(device):
    """Once a replay wrote it over the second one's memory while a result still had to read that."""
    compare(81, device, True, 12)
