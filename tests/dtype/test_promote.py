"""dtype/promote.py: a lattice, and what PyTorch says wherever it says anything."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError
from baregrad.dtype.promote import EDGES, reachable

STORED = (Path(__file__).parent / "promotion_torch.txt").read_text().splitlines()
ROWS = [line.split() for line in STORED if not line.startswith("#")]
WEAK = {"weak_bool": bool, "weak_int": int, "weak_float": float}
VALUED = [row for row in dt.ALL if row is not dt.void]


def ours(left: str, right: str) -> str:
    try:
        return dt.result_dtype(dt.BY_NAME[left], WEAK[right] if right in WEAK else dt.BY_NAME[right]).name
    except DTypeError:
        return "-"


@pytest.mark.smoke
def test_what_torch_says_holds_here():
    assert len(ROWS) == len(VALUED) * (len(VALUED) + len(WEAK))
    wrong = [
        (left, right, said, ours(left, right))
        for left, right, said in ROWS
        if said not in ("-", ours(left, right))
    ]
    assert wrong == []


def test_where_both_have_no_answer_and_where_only_we_have():
    refused = {tuple(sorted((left, right))) for left, right, _ in ROWS if ours(left, right) == "-"}
    signed = ["int8", "int16", "int32", "int64"]
    assert refused == {("float8e4m3", "float8e5m2")} | {(name, "uint64") for name in signed}
    assert ours("uint16", "int16") == "int32"
    assert ours("uint32", "int32") == "int64"
    assert ours("float8e4m3", "bfloat16") == "bfloat16"


def test_the_lattice_is_sound():
    assert set(EDGES) == {row.name for row in VALUED}
    for a, b in product(VALUED, VALUED):
        try:
            common = dt.common_dtype(a, b)
        except DTypeError:
            continue
        assert common is dt.common_dtype(b, a)
        assert common in reachable(a) & reachable(b)
        assert dt.common_dtype(a, common) is common


def test_weak_numbers_alone():
    assert dt.result_dtype(bool) is dt.bool_
    assert dt.result_dtype(bool, int) is dt.int64
    assert dt.result_dtype(int, float) is dt.float32


def test_the_order_of_operands_does_not_matter():
    assert dt.result_dtype(dt.int8, float, dt.float16) is dt.float16
    assert dt.result_dtype(float, dt.float16, dt.int8) is dt.float16
    assert dt.result_dtype(int, dt.bool_, dt.uint8) is dt.uint8


def test_a_refusal_says_what_to_do():
    with pytest.raises(DTypeError, match="int64 and uint64") as caught:
        dt.result_dtype(dt.int64, dt.uint64)
    assert "cast" in caught.value.mend
    with pytest.raises(DTypeError, match="void"):
        dt.common_dtype(dt.void, dt.int8)
