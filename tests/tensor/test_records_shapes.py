"""What holds for every public operation whatever its inputs look like: edges of shapes, broadcasting, views.

Elementwise operations take empty, 0-d and size-1 tensors and broadcast; the others have such samples, or the
record says why not. Views of other memory give what the same numbers give when they lie in a row. Operators
and second names make the very expression that the method makes.
"""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.tensor import Tensor
from baregrad.tensor.records import Array, Record, Sample
from tests.tensor.from_records import (
    ALL,
    array_of,
    cases,
    compare,
    expected,
    given,
    ours,
    parameters,
    result_dtype,
    tensor,
)

by_name = {"ids": lambda record: record.name}


def usual_dtype(record: Record) -> dt.DType:
    """float32 where it is taken."""
    return next((d for d in (dt.float32, dt.int32) if not record.dtypes or record.takes(d)), dt.bool_)


def arrays_in(sample: Sample) -> list[Array]:
    """The Arrays among a sample's arguments."""
    parts = [p for value in sample.args for p in (value if isinstance(value, list) else [value])]
    return [p for p in (*parts, *sample.options.values()) if isinstance(p, Array)]


# ---- edges


SHAPES = [[()], [(0,)], [(0, 3)], [(1, 1)]]
BROADCAST = [[(3, 1), (1, 5)], [(2, 3), (3,)], [(), (2, 3)], [(0, 1), (3,)], [(1,), (2, 1, 1)]]


def reshaped(sample: Sample, shapes: list[tuple[int, ...]]) -> Sample:
    """The sample with other shapes, taken in turns."""
    count = 0

    def other(value):
        nonlocal count
        if not isinstance(value, Array):
            return value
        shape = shapes[count % len(shapes)]
        count += 1
        return Array(shape, value.low, value.high, value.dtype, whole=value.whole)

    args = tuple(other(v) for v in sample.args)
    options = {key: other(v) for key, v in sample.options.items()}
    return replace(sample, args=args, options=options)


@pytest.mark.parametrize("record", [r for r in ALL if r.elementwise and not r.same], **by_name)
def test_any_shape_and_broadcasting(record):
    dtype = usual_dtype(record)
    what, sample = max(cases(record, dtype), key=lambda case: len(arrays_in(case[1])))
    shapes = SHAPES + (BROADCAST if len(arrays_in(sample)) > 1 else [])
    rows = []
    for each in shapes:
        other = reshaped(sample, each)
        call = given(record, other, dtype, tensor("reference"))
        rows.append((each, other, ours(record, call), result_dtype(record, other, call, dtype)))
    rows[0][2][0].realize(*(t for row in rows for t in row[2]))
    for each, other, found, kind in rows:
        for one, wanted in zip(found, expected(record, other, dtype), strict=True):
            assert one.dtype is kind, f"{what} with shapes {each}: dtype"
            compare(array_of(one), wanted, one.dtype, record.tolerance, f"{what} with shapes {each}")


def lacking(record: Record) -> list[str]:
    """Which edges are neither among the samples nor named with a reason."""
    shapes = [a.shape for sample in record.samples for a in arrays_in(sample)]
    there = {
        "empty": any(0 in shape for shape in shapes),
        "0-d": () in shapes,
        "size 1": any(shape and set(shape) == {1} for shape in shapes),
    }
    reason = record.shapes.partition(":")[0]
    return [name for name, found in there.items() if not found and name not in reason]


def test_edges_are_among_the_samples():
    found = {r.name: lacking(r) for r in ALL if r.dtypes and not r.elementwise}
    assert not {name: edges for name, edges in found.items() if edges}, "add samples, or say why in `shapes`"


# ---- views


def permuted(device: str):
    """Laid out in the reverse order of axes."""

    def put(array, data, dtype):
        turned = np.arange(len(data)).reshape(array.shape).T.reshape(-1)
        base = Tensor([data[i] for i in turned], dtype=dtype, device=device).reshape(array.shape[::-1])
        return base.permute(*range(len(array.shape))[::-1])

    return put


def flipped(device: str):
    """Laid out backwards."""

    def put(array, data, dtype):
        base = Tensor(data[::-1], dtype=dtype, device=device).reshape(array.shape)
        return base.flip(*range(len(array.shape)))

    return put


def sliced(device: str):
    """Every second element of the last axis, from the second on, of longer rows."""

    def put(array, data, dtype):
        if not array.shape:
            return Tensor([data[0], data[0]], dtype=dtype, device=device)[1]
        size = array.shape[-1]
        rows = [data[i : i + size] for i in range(0, len(data), size or 1)]
        wide = [v for row in rows for v in (row[0], *(w for u in row for w in (u, row[0])))]
        base = Tensor(wide, dtype=dtype, device=device).reshape((*array.shape[:-1], 2 * size + bool(size)))
        return base[..., 1::2]

    return put


def expanded(device: str):
    """One element, seen everywhere."""

    def put(array, data, dtype):
        base = Tensor(data[:1] or [0], dtype=dtype, device=device).reshape((1,) * len(array.shape))
        return base.expand(array.shape)

    return put


def laid_in_a_row(view):
    """What a view gives, in memory of its own."""
    return lambda device: (
        lambda array, data, dtype: tensor(device)(
            array, view(device)(array, data, dtype).reshape(-1).tolist(), dtype
        )
    )


VIEWS = [permuted, flipped, sliced, expanded]
SEEN = [r for r in ALL if r.dtypes and not r.same and not r.random]


def check_views(record: Record, view, samples: int) -> None:
    """Bit for bit what contiguous inputs give."""
    dtype = usual_dtype(record)
    rows = []
    for what, sample in list(cases(record, dtype))[:samples]:
        found = ours(record, given(record, sample, dtype, view("reference")))
        wanted = ours(record, given(record, sample, dtype, laid_in_a_row(view)("reference")))
        rows.append((what, found, wanted))
    rows[0][1][0].realize(*(t for _, found, wanted in rows for t in (*found, *wanted)))
    for what, found, wanted in rows:
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(array_of(one), array_of(other), err_msg=f"{what}, {view.__name__}")


@pytest.mark.parametrize("record", SEEN, **by_name)
def test_views(record):
    check_views(record, VIEWS[crc32(record.name.encode()) % len(VIEWS)], 1)


@pytest.mark.slow
@pytest.mark.parametrize("record", SEEN, **by_name)
def test_all_views(record):
    for view in VIEWS:
        check_views(record, view, 99)


# ---- other names


def same_nodes(record: Record, formula: str) -> None:
    """The formula makes the very nodes that the method makes, for all samples without keywords."""
    dtype = usual_dtype(record)
    for what, sample in cases(record, dtype):
        call = given(record, sample, dtype, tensor("reference"))
        names = parameters(record, call)
        if sample.options:
            continue
        other = eval(formula, {"dt": dt} | names)
        assert other.value.uop is ours(record, call)[0].value.uop, f"{what} is not {formula}"


def test_operators_are_the_methods():
    for record in ALL:
        if record.operator:
            same_nodes(record, record.operator)


def test_other_ways_to_write_it_are_the_same():
    for record in ALL:
        if record.same:
            same_nodes(record, record.same)
