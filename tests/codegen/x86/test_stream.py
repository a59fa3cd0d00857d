"""Stores past the caches: only whole lines of large results, and values at any alignment of the pointer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp, index, ops
from baregrad.kernel import optimize, parse
from baregrad.lower import lower
from baregrad.render import render
from baregrad.render.targets import AVX512

from .kernels import pack, run, unpack

F32 = dt.float32
SMALL = replace(AVX512, l3_bytes=1024)  # so that 256 elements pass its last cache
VECTORS = "split 1 16; vector 1b"


def doubled(rows: int, columns: int, stride: int, size: int) -> UOp:
    """out[i, j] = 2 * x[i, j], rows `stride` elements apart, in buffers of a size."""
    i, j = (UOp(ops.RANGE, dt.int64, (index(n),), (k, "loop")) for k, n in enumerate((rows, columns)))
    places = [UOp(ops.INDEX, F32, (UOp(ops.PARAM, F32, (), (slot, size)), i * stride + j)) for slot in (0, 1)]
    store = UOp(ops.STORE, dt.void, (places[0], UOp(ops.LOAD, F32, (places[1],)) * 2.0))
    return UOp(ops.SINK, dt.void, (UOp(ops.END, dt.void, (store, i, j)),), "doubled")


@pytest.mark.parametrize(
    "what, sizes, opts, streams",
    [
        ("whole lines", (4, 64, 64, 256), VECTORS, True),
        ("a result that the cache holds", (4, 32, 32, 128), VECTORS, False),
        ("rows at other places than lines", (4, 64, 65, 260), VECTORS, False),
        ("half lines", (4, 64, 64, 256), "split 1 8; vector 1b", False),
        ("masked lines", (4, 63, 64, 256), "split 1 16 mask; vector 1b", False),
    ],
)
def test_only_whole_lines_of_large_results(what, sizes, opts, streams):
    listing = render(lower(optimize(doubled(*sizes), SMALL, parse(opts)), SMALL), SMALL).listing
    assert ("vmovntps" in listing) == ("sfence" in listing) == streams, f"{what}: {listing}"


@pytest.mark.parametrize("size", [256, 257, 271])  # buffers end at a page: only the first begins at a line
def test_values_at_any_alignment(size):
    linear = lower(optimize(doubled(4, 64, 64, size), SMALL, parse(VECTORS)), SMALL)
    given = [float(n) for n in range(size)]
    got = unpack(run(linear, SMALL, [bytes(4 * size), pack(given, F32)])[0], F32)
    assert got[:256] == [2.0 * x for x in given[:256]]
