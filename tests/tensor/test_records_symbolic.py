"""Every operation with a symbolic size: each sample, its first two sizes one after the other made a variable
in all tensors that have it, gives what it gives with numbers, or says why it can't.
"""

from __future__ import annotations

import numpy as np
import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad import dtype as dt
from baregrad.base.errors import BaregradError
from baregrad.ir import value_of
from baregrad.tensor.records import Array
from tests.tensor.from_records import ALL, VALUED, compare, given, method, ours
from tests.tensor.test_records import cases, expected

# Operations that take no symbolic size, and why: sizes that a branch depends on, or an index of the host.
NEVER = {
    "broadcast_to": "the samples give sizes as numbers",
    "shrink": "the samples give boxes that small sizes do not have",
    "meshgrid": "lengths are numbers",
    "avg_pool3d": "whether a window fits depends on the size",
    "max_pool3d": "whether a window fits depends on the size",
    "conv_transpose3d": "whether a window fits depends on the size",
}


def arrays(value):
    """The Arrays in arguments."""
    if isinstance(value, Array):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from arrays(part)


def put(size, device):
    """Makes tensors that are parts of longer ones, of a symbolic size on each axis of this size."""
    variable = bg.Variable("n", 1, size + 3)

    def made(array, data, dtype):
        if size not in array.shape:
            return Tensor(data, dtype=dtype, device=device).reshape(array.shape)
        longer = np.array(data, object).reshape(array.shape)
        for axis, count in enumerate(array.shape):
            if count == size:
                longer = np.concatenate([longer] * 4, axis).take(range(size + 3), axis)
        n = variable.bind(size)
        tensor = Tensor(longer.reshape(-1).tolist(), dtype=dtype, device=device).reshape(longer.shape)
        return tensor[tuple(slice(n) if count == size else slice(None) for count in array.shape)]

    return made


def check(record, device):
    """How many samples could be computed."""
    dtype = dt.float32 if record.takes(dt.float32) else next(d for d in VALUED if record.takes(d))
    good = 0
    for what, sample in cases(record, dtype):
        every = arrays([*sample.args, *sample.options.values()])
        for size in list(dict.fromkeys(s for array in every for s in array.shape if s > 1))[:2]:
            try:
                found = ours(record, given(record, sample, dtype, put(size, device)))
                lists = [part.tolist() for part in found]
            except BaregradError:
                continue
            for part, held, wanted in zip(found, lists, expected(record, sample, dtype), strict=True):
                value = np.array(held).reshape(tuple(map(value_of, part.shape)))
                compare(value, wanted, part.dtype, record.tolerance, f"{what}, {size} symbolic")
            good += 1
    return good


def has_sizes(record):
    """Whether it takes tensors, and more than their dtype matters."""
    takes = any(record.takes(d) for d in VALUED)
    every = (
        s
        for sample in record.samples
        for a in arrays([*sample.args, *sample.options.values()])
        for s in a.shape
    )
    return takes and not record.random and callable(method(record)) and any(s > 1 for s in every)


@pytest.mark.slow
@pytest.mark.parametrize("record", [r for r in ALL if has_sizes(r)], ids=lambda record: record.name)
def test_symbolic_sizes(record):
    with bg.override(device="cpu"):
        assert bool(check(record, "cpu")) == (record.name not in NEVER)
