"""The meaning of each elementwise row, as the interpreter applies it, against numpy on the row's samples."""

import itertools

import ml_dtypes
import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.ir import Buffer, UOp, evaluate, ops

NUMPY = {
    dt.bool_: np.bool_,
    dt.int8: np.int8,
    dt.int32: np.int32,
    dt.int64: np.int64,
    dt.uint8: np.uint8,
    dt.uint32: np.uint32,
    dt.float16: np.float16,
    dt.bfloat16: ml_dtypes.bfloat16,
    dt.float32: np.float32,
    dt.float64: np.float64,
}


def floor_divide(a, b):
    safe = np.where(b == 0, 1, b)
    wraps = (b == -1) if a.dtype.kind == "i" else np.zeros_like(b, bool)
    return np.where(b == 0, 0, np.where(wraps, -a, np.floor_divide(a, np.where(wraps, 1, safe)))).astype(
        a.dtype
    )


def remainder(a, b):
    safe = np.where((b == 0) | ((b == -1) if a.dtype.kind == "i" else False), 1, b)
    return np.where(b == 0, a, np.remainder(a, safe)).astype(a.dtype)


def shift(function, beyond):
    def apply(a, b):
        inside = (b >= 0) & (b < a.dtype.itemsize * 8)
        return np.where(inside, function(a, np.where(inside, b, 0)), beyond(a)).astype(a.dtype)

    return apply


def negative(a):
    return a if a.dtype == bool else -a


WITNESS = {  # row -> the numpy function
    "add": np.add,
    "sub": lambda a, b: a ^ b if a.dtype == bool else a - b,
    "mul": np.multiply,
    "div": np.divide,
    "neg": negative,
    "idiv": floor_divide,
    "mod": remainder,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "shl": shift(np.left_shift, np.zeros_like),
    "shr": shift(np.right_shift, lambda a: np.where(a < 0, -1, 0).astype(a.dtype)),
    "cmplt": np.less,
    "cmple": np.less_equal,
    "cmpeq": np.equal,
    "cmpne": np.not_equal,
    "sqrt": np.sqrt,
    "reciprocal": lambda a: (1 / a.astype(np.float64)).astype(a.dtype),
    "exp": np.exp,
    "log": np.log,
    "exp2": np.exp2,
    "log2": np.log2,
    "tanh": np.tanh,
    "trunc": np.trunc,
    "floor": np.floor,
}
KINDS = {"same": NUMPY, "bool": NUMPY, "float": None, "int": None, "bits": None}


def dtypes(row):
    if row.dtype == "float":
        return [d for d in NUMPY if d.is_float]
    if row.dtype in ("int", "bits"):
        return [d for d in NUMPY if d.is_int or (row.dtype == "bits" and d is dt.bool_)]
    return list(NUMPY)


CASES = [(row, dtype) for row in ops.BY_NAME.values() if row.name in WITNESS for dtype in dtypes(row)]


@pytest.mark.parametrize("row, dtype", CASES, ids=[f"{row.name}-{dtype}" for row, dtype in CASES])
def test_meaning(row, dtype):
    kind = float if dtype.is_float else int
    values = sorted({dt.normalize(s, dtype) for s in row.samples if type(s) is kind}, key=repr)
    columns = [list(column) for column in zip(*itertools.product(values, repeat=row.arity), strict=True)]
    buffers = [UOp(ops.BUFFER, dtype, (), Buffer(n, (len(columns[0]),))) for n in range(row.arity)]
    result = dt.bool_ if row.dtype == "bool" else dtype
    seen = evaluate([UOp(row, result, tuple(buffers))], dict(enumerate(columns)))[0]
    arrays = [np.array(column, NUMPY[dtype]) for column in columns]
    with np.errstate(all="ignore"):
        wide = row.dtype == "float" and row.ulp
        expected = WITNESS[row.name](*[a.astype(np.float64) for a in arrays] if wide else arrays)
    shown = [list(case) for case in zip(*columns, strict=True)]
    for case, a, b in zip(shown, seen, expected.astype(NUMPY[result]).tolist(), strict=True):
        near = a == b or (a != a and b != b) or (wide and abs(a - b) <= 4e-16 * abs(b))
        assert near, f"{row.name} of {case} in {dtype}: {a}, numpy has {b}"


def test_select_and_fma():
    m = UOp(ops.BUFFER, dt.bool_, (), Buffer(0, (2,)))
    x = UOp(ops.BUFFER, dt.float32, (), Buffer(1, (2,)))
    assert evaluate([m.where(x, 0.5)], {0: [True, False], 1: [1.0, 2.0]}) == [[1.0, 0.5]]
    for dtype, tiny in ((dt.float32, 2.0**-23), (dt.float64, 2.0**-52)):
        a = UOp(ops.BUFFER, dtype, (), Buffer(0, (1,)))
        c = UOp(ops.BUFFER, dtype, (), Buffer(1, (1,)))
        fma = UOp(ops.FMA, dtype, (a, a, c))
        one = 1.0 + tiny  # one * one - (1 + 2 tiny) is tiny**2, which two roundings lose
        assert evaluate([fma, a * a + c], {0: [one], 1: [-(1.0 + 2 * tiny)]}) == [[tiny * tiny], [0.0]]


CASTS = [  # value, from, to, expected
    (300, dt.int32, dt.uint8, 44),
    (-1, dt.int32, dt.uint64, 2**64 - 1),
    (1e10, dt.float32, dt.int32, 2**31 - 1),
    (float("nan"), dt.float32, dt.int32, 0),
    (-1.9, dt.float64, dt.int8, -1),
    (2**24 + 1, dt.int32, dt.float32, float(2**24)),
    (2**60 + 2**36 + 1, dt.int64, dt.float32, float(2**60 + 2**37)),
    (0.1, dt.float64, dt.bool_, True),
    (-0.0, dt.float32, dt.bool_, False),
    (True, dt.bool_, dt.float16, 1.0),
]


@pytest.mark.parametrize("value, src, dst, expected", CASTS)
def test_cast(value, src, dst, expected):
    x = UOp(ops.BUFFER, src, (), Buffer(0, (1,)))
    seen = evaluate([UOp(ops.CAST, dst, (x,))], {0: [value]})[0][0]
    assert (seen, type(seen)) == (expected, type(expected))
