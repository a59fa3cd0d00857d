"""target/record.py: a frozen record that answers what passes ask."""

from __future__ import annotations

import dataclasses

import pytest

from baregrad.target import Target

WIDE = Target(
    "demo",
    "x86-64",
    features=frozenset({"avx2", "fma"}),
    vector_bytes=32,
    native_dtypes=frozenset({"float32"}),
    storage_dtypes=frozenset({"float16"}),
    max_lanes=16,
)


@pytest.mark.parametrize("itemsize, lanes", [(8, 4), (4, 8), (2, 16), (1, 16)])
def test_lanes_fill_a_vector_up_to_the_limit(itemsize, lanes):
    assert WIDE.lanes(itemsize) == lanes


def test_a_target_without_vectors_has_one_lane():
    assert Target("scalar", "x86-64").lanes(4) == 1


def test_abilities():
    assert WIDE.has("avx2", "fma")
    assert not WIDE.has("avx2", "avx512f")
    assert (WIDE.computes("float32"), WIDE.computes("float16")) == (True, False)
    assert (WIDE.stores("float32"), WIDE.stores("float16"), WIDE.stores("float64")) == (True, True, False)


def test_the_cache_key_has_every_fact_in_a_fixed_order():
    other = dataclasses.replace(WIDE, features=frozenset({"fma", "avx2"}))
    assert WIDE.cache_key() == other.cache_key()
    for field in dataclasses.fields(WIDE):
        value = getattr(WIDE, field.name)
        changed = value | {"x"} if isinstance(value, frozenset) else value + type(value)(1)
        assert dataclasses.replace(WIDE, **{field.name: changed}).cache_key() != WIDE.cache_key(), field.name
