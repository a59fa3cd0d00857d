"""Every public operation gives on the CPU what it gives on the reference device, and under jit the same bits.

Several records make one step, so that kernels are compiled once for the eager call, the capture and the
replay. A record's first sample is tried, with float32 or another of its dtypes; `make slow` takes all.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

import baregrad as bg
from baregrad import dtype as dt
from baregrad.tensor import Tensor
from baregrad.tensor.records import VALUED, Record, Sample
from tests.tensor.from_records import ALL, array_of, compare, given, ours, shown, tensor

SIZE = 5  # records in one step: what a test may compile in its time
OTHERS = 3  # every third record is tried with another dtype than float32

Case = tuple[Record, Sample, dt.DType]


def chosen(record: Record) -> Case:
    """The sample and the dtype that the suite takes: the same in each run, another for each record."""
    draw = crc32(record.name.encode())
    taken = [d for d in VALUED if record.takes(d)]
    usual = not taken or (dt.float32 in taken and draw % OTHERS)
    dtype = dt.float32 if usual else taken[draw // OTHERS % len(taken)]
    fitting = record.samples_of(dtype) if taken else record.samples
    return record, fitting[0], dtype


def tensors(cases: list[Case], device: str, seed: str) -> list[Tensor]:
    """The inputs of all cases, in order."""
    found: list[Tensor] = []

    def put(array, data, dtype):
        found.append(tensor(device)(array, data, dtype))
        return found[-1]

    for record, sample, dtype in cases:
        given(record, sample, dtype, put, seed)
    return [t.realize() for t in found]


def step(cases: list[Case]):
    """All cases as one function of their inputs."""

    def run(*inputs):
        left = iter(inputs)
        return [
            ours(record, given(record, sample, dtype, lambda *_: next(left)))
            for record, sample, dtype in cases
        ]

    return run


ROWS = [chosen(record) for record in ALL if not record.jit and not record.same]
STEPS = [ROWS[i : i + SIZE] for i in range(0, len(ROWS), SIZE)]


@pytest.mark.parametrize("cases", STEPS, ids=lambda cases: cases[0][0].name)
def test_as_interpreted_and_as_captured(cases):
    with bg.override(device="reference"):
        wanted = step(cases)(*tensors(cases, "reference", ""))
    with bg.override(device="cpu"):
        captured = bg.jit(step(cases))
        first = captured(*tensors(cases, "cpu", ""))
        captured(*tensors(cases, "cpu", ""))
        replayed = captured(*tensors(cases, "cpu", "again"))
        eager = step(cases)(*tensors(cases, "cpu", "again"))
        eager[0][0].realize(*(t for found in eager for t in found))
    rows = zip(cases, first, wanted, replayed, eager, strict=True)
    for (record, sample, dtype), found, meant, again, same in rows:
        what = f"{record.name}({shown(sample)}) of {dtype}"
        for one, other in zip(found, meant, strict=True):
            compare(array_of(one), array_of(other), one.dtype, record.tolerance, f"{what} on the CPU")
        for one, other in zip(again, same, strict=True):
            np.testing.assert_array_equal(array_of(one), array_of(other), err_msg=f"{what} replayed")
