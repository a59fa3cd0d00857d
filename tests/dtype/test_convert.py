"""dtype/convert.py against numpy and ml_dtypes: every code up to 16 bits, corner cases of the wide dtypes."""

from __future__ import annotations

import sys

import ml_dtypes
import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError

NUMPY = {
    **{
        row.name: np.dtype(row.name)
        for row in dt.ALL
        if row.name[0] in "iu" or row.name in ("float32", "float64")
    },
    "bool": np.dtype("bool"),
    "float16": np.dtype("float16"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float8e4m3": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8e5m2": np.dtype(ml_dtypes.float8_e5m2),
}
VALUED = [row for row in dt.ALL if row is not dt.void]
FLOATS = [row for row in VALUED if row.is_float]
INTS = [row for row in VALUED if row.is_int]
SMALL_FLOATS = [row for row in FLOATS if row.bits <= 16]
names = {"ids": lambda row: row.name}


def all_values(row):
    """Every value of a dtype of at most 16 bits, as numpy's float64."""
    codes = np.arange(1 << row.bits, dtype=f"u{row.itemsize}")
    with np.errstate(invalid="ignore"):
        return codes.view(NUMPY[row.name]).astype(np.float64)


def same(ours, theirs, about):
    """Equal as values with their zeros' signs; any NaN equals any NaN."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    with np.errstate(invalid="ignore"):
        wrong = ~(
            (ours == theirs) & (np.signbit(ours) == np.signbit(theirs)) | (np.isnan(ours) & np.isnan(theirs))
        )
    at = np.flatnonzero(wrong)[:5]
    assert not at.size, f"{about}: ours {ours[at]}, theirs {theirs[at]} at {at}"


def edges(row):
    """Float64 values around what a small float holds: values, ties of neighbours, and a hair beside."""
    values = np.unique(np.abs(all_values(row)[np.isfinite(all_values(row))]))
    greatest = row.max_finite
    step = greatest - values[-2]
    values = np.concatenate([values, [greatest + step]])
    ties = (values[:-1] + values[1:]) / 2
    chosen = np.concatenate([ties, np.nextafter(ties, 0), np.nextafter(ties, np.inf), values])
    beyond = [2 * greatest, 4 * greatest, 1e300, sys.float_info.max, 5e-324, np.inf, np.nan]
    chosen = np.concatenate([chosen, beyond])
    return np.concatenate([chosen, -chosen])


@pytest.mark.parametrize("row", SMALL_FLOATS, **names)
def test_every_code_unpacks_as_the_witness_says(row):
    codes = np.arange(1 << row.bits, dtype=f"u{row.itemsize}")
    same(dt.unpack(row, codes.tobytes()), all_values(row), row)


@pytest.mark.parametrize("row", SMALL_FLOATS, **names)
def test_every_code_that_is_no_nan_comes_back(row):
    values = dt.unpack(row, np.arange(1 << row.bits, dtype=f"u{row.itemsize}").tobytes())
    kept = [code for code, value in enumerate(values) if value == value]
    packed = np.frombuffer(dt.pack(row, [values[code] for code in kept]), dtype=f"u{row.itemsize}")
    assert packed.tolist() == kept


# The witness rounds float64 to bfloat16 and float8 by way of float32: exact ties aside, which is why the
# float64 edges are compared with float16 only, and the others with values that float32 holds.
@pytest.mark.parametrize("row", SMALL_FLOATS, **names)
def test_rounding_at_every_edge_of_float32(row):
    with np.errstate(over="ignore", invalid="ignore"):
        values = edges(row)[:: 1 if row.bits == 8 else 7].astype(np.float32)
        expected = values.astype(NUMPY[row.name]).astype(np.float64)
    same(dt.round_list(row, values.astype(np.float64).tolist()), expected, row)


def test_rounding_at_edges_of_float64_to_float16():
    values = edges(dt.float16)[::5]
    with np.errstate(over="ignore", invalid="ignore"):
        expected = values.astype(np.float16).astype(np.float64)
    same(dt.round_list(dt.float16, values.tolist()), expected, "float16")


@pytest.mark.parametrize("row", SMALL_FLOATS, **names)
def test_rounding_is_once(row):
    """A hair above a tie goes up, however small the hair: no way through float32."""
    low, high = dt.from_bits(row, 0x38), dt.from_bits(row, 0x39)
    tie = (low + high) / 2
    assert dt.round_to(row, np.nextafter(tie, np.inf).item()) == high
    assert dt.round_to(row, np.nextafter(tie, 0).item()) == low
    assert dt.round_to(row, tie) == low


def test_float32_rounds_as_numpy():
    bits = np.random.default_rng(0).integers(0, 1 << 64, 2000, dtype=np.uint64)
    values = np.concatenate(
        [bits.view(np.float64), np.random.default_rng(1).normal(size=2000), [np.inf, -0.0]]
    )
    with np.errstate(over="ignore", invalid="ignore"):
        same(dt.round_list(dt.float32, values.tolist()), values.astype(np.float32), "float32")


def random_float32(count, seed):
    """Values of all magnitudes alike, as bits are drawn; some are NaN or infinite."""
    bits = np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint64).astype(np.uint32)
    return bits.view(np.float32)


def check_against_witness(row, values):
    with np.errstate(over="ignore", invalid="ignore"):
        expected = values.astype(NUMPY[row.name]).astype(np.float64)
        same(dt.round_list(row, values.astype(np.float64).tolist()), expected, row)
        same(dt.unpack(row, dt.pack(row, values.astype(np.float64).tolist())), expected, row)


@pytest.mark.parametrize("row", SMALL_FLOATS, **names)
def test_random_values_round_as_the_witness(row, rng):
    check_against_witness(row, random_float32(3000, rng.getrandbits(32)))
    # Without NaN and without overflow the fast ways through lists are taken.
    tame = np.random.default_rng(rng.getrandbits(32)).normal(size=3000).astype(np.float32)
    check_against_witness(row, tame)


@pytest.mark.fuzz
@pytest.mark.parametrize("row", SMALL_FLOATS, **names)
def test_many_random_values_round_as_the_witness(row, rng):
    for _ in range(20):
        check_against_witness(row, random_float32(50_000, rng.getrandbits(32)))


@pytest.mark.parametrize("row", [dt.float32, dt.float64], **names)
def test_large_integers_round_once(row):
    base = [1 << 53, 1 << 60, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
    values = [
        v + d
        for v in base
        for shift in (0, 1, 8, 29, 36, 37, 38, 40)
        for d in (-(1 << shift), 0, 1 << shift, 3, 1)
    ]
    values = [v for v in values if 0 <= v < 1 << 64]
    expected = np.array(values, dtype=np.uint64).astype(NUMPY[row.name])
    same([dt.round_to(row, v) for v in values], expected, row)
    assert dt.round_to(row, 10**400) == np.inf
    assert dt.round_to(row, -(10**400)) == -np.inf


@pytest.mark.parametrize("src", INTS, **names)
@pytest.mark.parametrize("dst", INTS, **names)
def test_integers_wrap_as_numpy(src, dst):
    corner = [src.min, src.min + 1, -1, 0, 1, 127, 128, 255, 256, 32767, 65535, src.max - 1, src.max]
    values = [v for v in corner if src.min <= v <= src.max]
    expected = np.array(values, dtype=NUMPY[src.name]).astype(NUMPY[dst.name]).tolist()
    assert dt.convert_list(values, src, dst) == expected
    assert [dt.convert(v, src, dst) for v in values] == expected


SATURATION = [  # value        dtype      expected
    (float("nan"), dt.int32, 0),
    (float("inf"), dt.int32, 2**31 - 1),
    (float("-inf"), dt.int32, -(2**31)),
    (2147483647.5, dt.int32, 2**31 - 1),
    (-2147483648.9, dt.int32, -(2**31)),
    (1e19, dt.int64, 2**63 - 1),
    (9223372036854774784.0, dt.int64, 9223372036854774784),
    (-1.0, dt.uint8, 0),
    (-0.9, dt.uint8, 0),
    (255.9, dt.uint8, 255),
    (2.0**64, dt.uint64, 2**64 - 1),
    (0.5, dt.bool_, True),
    (-0.0, dt.bool_, False),
    (float("nan"), dt.bool_, True),
]


@pytest.mark.smoke
@pytest.mark.parametrize("value, dst, expected", SATURATION)
def test_floats_to_integers(value, dst, expected):
    result = dt.convert(value, dt.float64, dst)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize("src", FLOATS, **names)
@pytest.mark.parametrize("dst", VALUED, **names)
def test_convert_list_is_convert(src, dst):
    values = dt.round_list(src, [0.0, -0.0, 1.0, -1.5, 2.5, 448.0, float("inf"), float("nan")])
    ours = dt.convert_list(values, src, dst)
    each = [dt.convert(value, src, dst) for value in values]
    assert [type(v) for v in ours] == [type(v) for v in each]
    assert str(ours) == str(each)


@pytest.mark.parametrize("row", INTS, **names)
def test_integers_are_stored_as_numpy_does(row):
    values = [int(row.min), 0, 1, int(row.max)]
    assert dt.pack(row, values) == np.array(values, NUMPY[row.name]).tobytes()
    assert dt.unpack(row, dt.pack(row, values)) == values
    assert dt.from_bits(row, dt.to_bits(row, row.max)) == row.max


def test_bool_is_one_byte_and_true_unless_zero():
    assert dt.pack(dt.bool_, [True, False, 2]) == b"\1\0\1"
    assert dt.unpack(dt.bool_, b"\0\1\x80") == [False, True, True]


@pytest.mark.parametrize("row", FLOATS, **names)
def test_signs_of_zero_and_nan_are_stored(row):
    sign = 1 << (row.bits - 1)
    assert dt.to_bits(row, -0.0) == sign
    assert dt.to_bits(row, -float("nan")) & sign
    assert not dt.to_bits(row, float("nan")) & sign


@pytest.mark.parametrize("row, value", [(dt.uint8, 256), (dt.int8, -129), (dt.int32, 1.5), (dt.float32, "1")])
def test_what_does_not_fit_is_refused(row, value):
    with pytest.raises(DTypeError, match=f"does not hold|{row.name}") as caught:
        dt.pack(row, [value])
    assert caught.value.mend


@pytest.mark.parametrize("row", FLOATS, **names)
def test_facts_of_the_rows(row):
    facts = ml_dtypes.finfo(NUMPY[row.name])
    assert row.max_finite == float(facts.max)
    assert row.epsilon == float(facts.eps)
    assert 2.0**row.min_exponent == float(facts.smallest_normal)
    assert row.itemsize == NUMPY[row.name].itemsize
