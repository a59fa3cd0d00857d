# ruff: noqa: E501 - one case is one line
"""Indices out of range, gradients of repeated ones, what they cost. Values are checked by the records."""

from __future__ import annotations

import numpy as np
import pytest

import baregrad as bg
from baregrad import dtype as dt
from baregrad.base import listen, override
from baregrad.base.errors import IndexingError
from baregrad.tensor import Tensor

TABLE = np.arange(12, dtype="f").reshape(4, 3)
HERE = __file__.rpartition("/")[2]


def at(*numbers: int, dtype: dt.DType = dt.int64) -> Tensor:
    return Tensor(list(numbers), dtype=dtype)


# fmt: off
WRONG = [  # what is done with an index that holds 7, or -9; words of the message
    ("gather",         lambda x, i: x.gather(1, i.reshape(1, -1).expand(4, 2)),   "gather: index 7 of axis 1 with size 3"),
    ("index_select",   lambda x, i: x.index_select(0, i),                         "index_select: index 7 of axis 0 with size 4"),
    ("take",           lambda x, i: x.reshape(-1)[:5].take(i),                    "take: index 7 of axis 0 with size 5"),
    ("scatter",        lambda x, i: x.scatter_add(0, i.reshape(2, 1), x[:2]),     "scatter_add: index 7 of axis 0 with size 4"),
    ("index_copy",     lambda x, i: x.index_copy(0, i, x[:2]),                    "index_copy: index 7 of axis 0 with size 4"),
    ("embedding",      lambda x, i: i.embedding(x),                               "embedding: index 7 of axis 0 with size 4"),
    ("cross_entropy",  lambda x, i: x[:2].cross_entropy(i),                       "nll_loss: index 7 of axis 1 with size 3"),
]
# fmt: on


@pytest.mark.parametrize("name, function, words", WRONG, ids=[row[0] for row in WRONG])
def test_the_next_read_back_refuses_what_is_out_of_range(device, name, function, words):
    with override(check_bounds=True):
        assert function(Tensor(TABLE), at(0, 2)).tolist() is not None
        wrong = function(Tensor(TABLE), at(1, 7))
        with pytest.raises(IndexingError, match=words) as caught:
            (wrong + 1).tolist()
        assert HERE in caught.value.where
        wrong.tolist()  # it has been said
        with pytest.raises(IndexingError, match="index -9"):
            function(Tensor(TABLE), at(1, -9)).numpy()


@pytest.mark.parametrize("name, function, words", WRONG, ids=[row[0] for row in WRONG])
def test_memory_is_safe_without_checks(device, name, function, words):
    for dtype in (dt.int8, dt.int64):
        for far in (7, -9, 127, -128):
            found = function(Tensor(TABLE), at(1, far, dtype=dtype)).tolist()
            assert found is not None
    assert Tensor(TABLE).index_select(0, at(2**62, -(2**62))).tolist() == [[9, 10, 11], [0, 1, 2]]
    assert Tensor(TABLE).index_add(0, at(2**62, -(2**62)), Tensor.ones(2, 3)).tolist() == TABLE.tolist()


def test_a_step_under_jit_is_looked_at_in_each_call():
    @bg.jit
    def step(x, i):
        return x.index_select(0, i)

    with override(check_bounds=True):
        for number in (1, 2, 3):
            assert step(Tensor(TABLE), at(number)).tolist() == [TABLE[number].tolist()]
        with pytest.raises(IndexingError, match="index 4"):
            step(Tensor(TABLE), at(4)).tolist()


def test_an_ignored_class_may_be_any_number():
    logits = Tensor(TABLE)
    with override(check_bounds=True):
        found = logits.cross_entropy(at(0, -100, 2, -100))
        assert found.item() == pytest.approx(logits[::2].cross_entropy(at(0, 2)).item())
        assert logits.cross_entropy(at(0, 9, 2, 9), ignore_index=9).item() == pytest.approx(found.item())


def test_classes_that_are_known_are_refused_at_once():
    with pytest.raises(IndexingError, match="index 3 of axis 1"):
        Tensor(TABLE).cross_entropy(Tensor.full((4,), 3, dtype=dt.int64))
    with pytest.raises(IndexingError, match="index -1 of axis 0"):
        Tensor.full((4,), -1, dtype=dt.int64).embedding(Tensor(TABLE))


def test_gradients_of_repeated_rows_add_up(device):
    table = Tensor(TABLE).requires_grad_()
    rows = at(1, 3, 1, 1).embedding(table, padding_idx=3)
    (rows * Tensor([[1.0], [10.0], [100.0], [1000.0]])).sum().backward()
    assert table.grad.tolist() == [[0.0] * 3, [1101.0] * 3, [0.0] * 3, [0.0] * 3]


def test_an_embedding_costs_its_rows():
    """Forward one kernel, backward zeros and one kernel; the loops of neither go over the table by index."""
    table = Tensor.ones(1000, 16).requires_grad_().realize()
    numbers = (Tensor.arange(64) * 37 % 1000).realize()
    weights = Tensor.ones(64, 16).realize()
    names: list[str] = []
    with override(cache=False), listen(lambda event: names.append(event.facts["name"]), "launch"):
        rows = numbers.embedding(table).realize()
        assert names == ["e_64_16"]
        (rows * weights).sum().backward()
        table.grad.realize()
    assert sorted(names) == ["e_1000_16", "e_64_16", "s_64_16"], names


def test_an_axis_of_symbolic_size():
    numbers = np.array([0, 2, -1, 2, 99])
    for value in (3, 5):
        n = bg.Variable("n", 1, 8).bind(value)
        x = np.arange(40, dtype="f").reshape(8, 5)
        rows = Tensor(x)[:n]
        wanted = x[[0, 2, value - 1, 2, value - 1]]  # 99 is clamped
        assert rows.index_select(0, Tensor(numbers)).tolist() == wanted.tolist()
        added = rows.index_add(0, Tensor(numbers), Tensor.ones(5, 5))
        np.add.at(x, [0, 2, value - 1, 2], 1)
        assert added.sum().item() == x[:value].sum()
