# ruff: noqa: E501 - one case is one line
"""x[…] and x[…] = y against numpy: tables, and random indices of every kind; what is refused; gradients."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import baregrad as bg
from baregrad.base import listen, override
from baregrad.base.errors import DTypeError, GradientError, IndexingError, JitError, ShapeError
from baregrad.tensor import Tensor

CUBE = np.arange(60, dtype="f").reshape(3, 4, 5)
# fmt: off
TABLE = [  # where the axes of what is chosen go
    ([0, 2],), (slice(None), [3, 1]), ([0, 1], slice(None), [1, 2]), (0, slice(None), [1, 2]), (0, [1, 2], ...), (..., [1], [2]),
    ([0, 1], None, [1, 2]), ([0, 1], ..., [1, 2]), ([0], [1], ..., [4]), ([[0], [1]], [1, 2]), (None, [2], slice(None, None, -2)),
    ([0, 1], [1, 2], [-1, -5]), (slice(1, None), [0, 0, 0]), (slice(None, None, -1), slice(3, 0, -2), [[1, 0]]), ([], 1), (slice(2, 3, 3), 1, ..., [1]),
    (CUBE[:, 0, 0] > 10,), (slice(None), CUBE[0] > 3), (CUBE > 20,), (CUBE[:, :, 0] > 10, [1]), ([1], CUBE[0] > 3), (CUBE[:, 0, 0] > 0, slice(None), [0, 1]),
    (np.int64(1), [0, 1]), (np.array(1), slice(None), [0, 1]), (range(2), range(2)), (slice(None), slice(None), CUBE[0, 0] > 99),
]
# fmt: on


def check(x: np.ndarray, index: tuple, value: np.ndarray | None, grad: bool) -> None:
    """Reading, writing and gradients at an index, against numpy."""
    mine = tuple(Tensor(i) if isinstance(i, np.ndarray) and i.ndim else i for i in index)
    wanted = x[tuple(list(i) if isinstance(i, range) else i for i in index)]
    found = Tensor(x)[mine]
    assert found.shape == wanted.shape, (x.shape, index)
    assert found.tolist() == wanted.tolist(), (x.shape, index)
    value = -np.arange(wanted.size, dtype="f").reshape(wanted.shape) if value is None else value
    new, there = Tensor(x), x.copy()
    new[mine] = Tensor(value)
    there[tuple(list(i) if isinstance(i, range) else i for i in index)] = value
    assert new.tolist() == there.tolist(), (x.shape, index, value.shape)
    if grad:
        leaf, weight = (
            Tensor(x).requires_grad_(),
            np.arange(1, wanted.size + 1, dtype="f").reshape(wanted.shape),
        )
        (leaf[mine] * Tensor(weight)).sum().backward()
        there = np.zeros_like(x)
        np.add.at(there, tuple(list(i) if isinstance(i, range) else i for i in index), weight)
        assert leaf.grad.tolist() == there.tolist(), (x.shape, index)


@pytest.mark.parametrize("start", range(0, len(TABLE), 6))
def test_table(start):
    with override(device="reference"):
        for index in TABLE[start : start + 6]:
            check(CUBE, index, None, grad=True)


class Maker:
    """Random indices that numpy takes."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.shape = tuple(self.random.choice((0, 1, 2, 3, 4, 5) if self.random.random() < 0.1 else (1, 2, 3, 4, 5))
                           for _ in range(self.random.randint(1, 4)))  # fmt: skip
        self.wide = self.random.choice([(), (2,), (3,), (2, 3), (1,), (0,), (2, 1)])

    def item(self, axis: int, dots: bool):
        """One item from an axis on, and how many axes it takes."""
        draw, size = self.random, self.shape[axis]
        kind = draw.choice(["none", "slice", "slice", "slice", "int", "dots", "mask", "list", "list", "list"])
        if kind == "none":
            return None, 0
        if kind == "int" and size:
            return draw.randint(-size, size - 1), 1
        if kind == "dots" and not dots:
            return ..., draw.randint(0, len(self.shape) - axis)
        if kind == "mask":
            sizes = self.shape[axis : axis + draw.randint(1, 2)]
            return np.array([draw.random() < 0.5 for _ in range(int(np.prod(sizes)))], bool).reshape(
                sizes
            ), len(sizes)
        if kind == "list" and size:
            part = draw.random() < 0.4
            shape = (
                self.wide[draw.randint(0, len(self.wide)) :]
                if part
                else tuple(1 if draw.random() < 0.2 else n for n in self.wide)
            )
            numbers = [draw.randint(-size, size - 1) for _ in range(int(np.prod(shape)))]
            return np.array(numbers, draw.choice(["int64", "int32", "int8"])).reshape(shape), 1
        ends = (draw.choice([None, draw.randint(-size - 1, size + 1)]) for _ in range(2))
        return slice(*ends, draw.choice([None, 1, -1, 2, -2, 3])), 1

    def index(self) -> tuple:
        """A whole index."""
        items, axis = [], 0
        while axis < len(self.shape):
            item, taken = self.item(axis, any(i is ... for i in items))
            items.append(item)
            axis += taken
            if self.random.random() < 0.1 and not any(i is ... for i in items):
                break  # behind dots all axes have their items, or the last ones would be of other axes
        return tuple(items)

    def value(self, shape: tuple) -> np.ndarray:
        """What is put: of the shape, or broadcast to it."""
        value = -np.arange(np.prod(shape), dtype="f").reshape(shape)
        narrow = value[tuple(slice(0, 1) for _ in range(self.random.randint(0, value.ndim)))]
        return narrow if narrow.size and self.random.random() < 0.5 else value


def check_seed(seed: int, grad: bool) -> None:
    """One random index."""
    made = Maker(seed)
    index, x = made.index(), np.arange(np.prod(made.shape), dtype="f").reshape(made.shape)
    try:
        shape = x[index].shape
    except IndexError:  # shapes of lists that do not broadcast
        with pytest.raises((IndexingError, ShapeError)):
            Tensor(x)[tuple(Tensor(i) if isinstance(i, np.ndarray) else i for i in index)].tolist()
        return
    check(x, index, made.value(shape), grad and bool(x.size))


@pytest.mark.parametrize("start", range(0, 120, 20))
def test_random_indices(start):
    with override(device="reference"):
        for seed in range(start, start + 20):
            check_seed(seed, grad=seed % 4 == 0)


@pytest.mark.fuzz
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_many_random_indices(start):
    for seed in range(start, start + 100):
        check_seed(seed, grad=True)


X = Tensor.arange(12).reshape(3, 4).cast(bg.dtypes.float32)
# fmt: off
REFUSED = [  # what is done, the class, words of the message
    ("a float",            lambda: X[1.5], IndexingError, "1.5"),
    ("a bool",             lambda: X[True], IndexingError, "True"),
    ("text",               lambda: X["a"], IndexingError, "'a'"),
    ("a number of a list", lambda: X[:, [0, 4]], IndexingError, "index 4 of axis 1 with size 4"),
    ("too many",           lambda: X[[0], [0], [0]], IndexingError, "3 indices"),
    ("two Ellipsis",       lambda: X[..., [0], ...], IndexingError, "Ellipsis"),
    ("a short mask",       lambda: X[Tensor([True, False])], IndexingError, r"a mask of \(2,\)"),
    ("floats",             lambda: X[Tensor([1.0])], DTypeError, "counts"),
    ("shapes apart",       lambda: X[[0, 1], [0, 1, 2]], ShapeError, "broadcast"),
    ("a wide value",       lambda: X._with(([0, 1],), Tensor([1.0, 2.0, 3.0])), ShapeError, "assign"),
    ("an empty axis",      lambda: X[:0][Tensor([0])], IndexingError, "axis is empty"),
]
# fmt: on


@pytest.mark.parametrize("name, done, kind, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, done, kind, words):
    with pytest.raises(kind, match=words):
        done()


def test_tensors_are_looked_at_when_asked():
    with override(check_bounds=True, device="reference"):
        x = Tensor(CUBE)
        with pytest.raises(IndexingError, match=r"x\[…\]: index 4 of axis 1 with size 4"):
            x[:, Tensor([0, 4])].tolist()
        x[Tensor([0, -4]), 1] = 0
        with pytest.raises(IndexingError, match=r"x\[…\] = y: index -4 of axis 0"):
            x.tolist()


def test_one_place_outside_does_not_become_another():
    with override(device="reference"):
        x = Tensor(CUBE)
        assert x[Tensor([0]), Tensor([9])].tolist() == [CUBE[0, 3].tolist()]
        x[Tensor([0, 1]), Tensor([9, 1])] = 0
        assert x[1, 1].tolist() == [0.0] * 5
        x[1, 1] = Tensor(CUBE[1, 1])
        assert x.tolist() == CUBE.tolist()


def test_a_mask_and_a_value_need_no_count():
    @bg.jit
    def step(given):
        x = given * 1
        x[x > 10] = 0.5
        x[:, 1] = x[:, 0] * 2
        return x

    for _ in range(3):
        found = step(Tensor(CUBE))
    wanted = np.where(CUBE > 10, np.float32(0.5), CUBE)
    wanted[:, 1] = wanted[:, 0] * 2
    assert found.tolist() == wanted.tolist()
    counted = bg.jit(lambda x: x[x > 10])
    counted(Tensor(CUBE))
    with pytest.raises(JitError, match="read back"):
        counted(Tensor(CUBE))


def test_gradients_flow_through_what_is_put(device):
    x, y = Tensor(CUBE[0]).requires_grad_(), Tensor([1.0, 2.0, 3.0]).requires_grad_()
    z = x * 2
    z[Tensor([0, 1, 0]), 1] = y * y  # the third is put over the first
    z[3, ::2] = y[0]
    z.sum().backward()
    wanted = np.full((4, 5), 2.0)
    wanted[[0, 1], 1] = wanted[3, [0, 2, 4]] = 0
    assert x.grad.tolist() == wanted.tolist()
    assert y.grad.tolist() == [3.0, 4.0, 6.0]
    with pytest.raises(GradientError, match="requires a gradient"):
        x[0] = 1.0
    with bg.no_grad():
        x[0] = 1.0
    assert x[0].tolist() == [1.0] * 5


def test_what_nobody_holds_is_written_in_place():
    """Values are put over the old version: no copy of the tensor, unless somebody still reads it."""
    x, rows = Tensor.ones(50, 32).realize(), Tensor([3, 4, 3]).realize()
    names: list[str] = []
    with listen(lambda event: names.append(event.facts["name"]), "launch"):
        x[rows] = 2.0
        x.realize()
        assert names == ["s_3_32"], names
        before = x * 3
        x[rows] = before[:3]
        x.realize()
    assert len(names) > 2, names
    assert before.sum().item() == 3 * (48 * 32 + 4 * 32)
    assert x.sum().item() == 48 * 32 + 6 * 32


def test_what_was_read_before_stays():
    x = Tensor(CUBE)
    before = x * 1
    x[[0, 0]] = 7
    assert before.tolist() == CUBE.tolist()
    assert x[0, 0, 0].item() == 7


def put(x: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A copy with values put, the last one last."""
    made = x.copy()
    for place, value in zip(places, values):
        made[place] = value
    return made


def added(x: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    made = x.copy()
    np.add.at(made, places, values)
    return made


# fmt: off
MOVES = [  # what becomes of tensor i, with tensor j, places p and q; the same in numpy
    (lambda t, i, j, p, q: t[i].__setitem__(p, t[j][q]),                                   lambda a, i, j, p, q: put(a[i], p, a[j][q])),
    (lambda t, i, j, p, q: t[i].assign(t[i].index_add(0, p, t[j][q])),                     lambda a, i, j, p, q: added(a[i], p, a[j][q])),
    (lambda t, i, j, p, q: t[i].assign(t[j].index_copy(0, p, t[i][q] * 2)),                lambda a, i, j, p, q: put(a[j], p, a[i][q] * 2)),
    (lambda t, i, j, p, q: t[i].assign(t[i].index_copy(0, p, t[j][q]).index_add(0, q, t[j][p])), lambda a, i, j, p, q: added(put(a[i], p, a[j][q]), q, a[j][p])),
    (lambda t, i, j, p, q: t[i].__setitem__((slice(1, 3), p % 5), 1.5),                    lambda a, i, j, p, q: put(a[i].T, p % 5, [np.where([0, 1, 1, 0, 0, 0], np.float32(1.5), a[i].T[k]) for k in p % 5]).T),
    (lambda t, i, j, p, q: t[i].assign(t[i] * 0.5 + t[j]),                                 lambda a, i, j, p, q: a[i] * np.float32(0.5) + a[j]),
    (lambda t, i, j, p, q: t[i].realize(),                                                 lambda a, i, j, p, q: a[i]),
]
# fmt: on


def check_versions(seed: int) -> None:
    """A random sequence of assignments, and what was computed between them."""
    draw, rng = Random(seed), np.random.default_rng(seed)
    arrays = [rng.standard_normal((6, 5)).astype("f") for _ in range(3)]
    tensors, kept = [Tensor(x) for x in arrays], []
    for _ in range(draw.randint(3, 14)):
        i, j, count = draw.randrange(3), draw.randrange(3), draw.randint(1, 4)
        p, q = rng.integers(0, 6, count), rng.integers(0, 6, count)
        if draw.random() < 0.3:
            kept.append(
                (tensors[i] * 2 if draw.random() < 0.5 else tensors[i].detach(), tensors[i], arrays[i])
            )
        ours, theirs = draw.choice(MOVES)
        ours(tensors, i, j, Tensor(p), Tensor(q))
        arrays[i] = np.ascontiguousarray(theirs(arrays, i, j, p, q))
    for tensor, array in zip(tensors, arrays):
        np.testing.assert_allclose(tensor.numpy(), array, rtol=1e-4, atol=1e-4, err_msg=f"seed {seed}")
    for before, _, array in kept:
        scale = 1 if np.allclose(before.numpy(), array, rtol=1e-4, atol=1e-4) else 2
        np.testing.assert_allclose(
            before.numpy(), array * scale, rtol=1e-4, atol=1e-4, err_msg=f"seed {seed}"
        )


def test_versions_of_tensors_that_are_written_by_index():
    for seed in range(2):
        check_versions(seed)


@pytest.mark.fuzz
@pytest.mark.parametrize("start", range(10, 210, 10))
def test_many_versions(start):
    for seed in range(start, start + 10):
        check_versions(seed)
