# ruff: noqa: E501 - one refusal is one line
"""What is refused: by class, with what happened, why, and the mend. Nothing is computed or lost before."""

from __future__ import annotations

import numpy as np
import pytest

import baregrad as bg
from baregrad import dtype as dt
from baregrad.base.errors import (
    AxisError,
    BaregradError,
    CompileError,
    DeviceError,
    DTypeError,
    IndexingError,
    ShapeError,
)
from baregrad.tensor import Tensor as T


def x():
    """Some floats."""
    return T([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("add shapes",        lambda: x() + T([1.0, 2.0]), ShapeError, r"\(2, 3\) and \(2,\)"),
    ("where shapes",      lambda: x().where(T([True, False]), 0), ShapeError, "where"),
    ("where condition",   lambda: x().where(x(), 0), DTypeError, "condition"),
    ("matmul shapes",     lambda: x() @ x(), ShapeError, "multiply"),
    ("matmul 0d",         lambda: x() @ T(1.0), ShapeError, "multiply"),
    ("conv ndim",         lambda: x().conv2d(T.zeros(1, 1, 1, 1)), ShapeError, "convolve"),
    ("conv channels",     lambda: T.zeros(1, 2, 4, 4).conv2d(T.zeros(1, 3, 2, 2)), ShapeError, "convolve"),
    ("conv window",       lambda: T.zeros(1, 1, 2, 2).conv2d(T.zeros(1, 1, 3, 3)), ShapeError, "windows"),
    ("conv stride",       lambda: T.zeros(1, 1, 2, 2).conv2d(T.zeros(1, 1, 1, 1), stride=0), ShapeError, "windows"),
    ("pool",              lambda: T.zeros(3).max_pool2d(2), ShapeError, "pooling"),
    ("reshape",           lambda: x().reshape(4, 2), ShapeError, ""),
    ("reshape minus",     lambda: x().reshape(-1, 4), ShapeError, ""),
    ("reshape two minus", lambda: x().reshape(-1, -1), ShapeError, ""),
    ("expand",            lambda: x().expand(4, 3), ShapeError, ""),
    ("expand fewer",      lambda: x().expand(3), BaregradError, ""),
    ("permute",           lambda: x().permute(0, 0), BaregradError, ""),
    ("permute fewer",     lambda: x().permute(1), BaregradError, ""),
    ("transpose axis",    lambda: x().transpose(0, 2), AxisError, "axis 2"),
    ("unsqueeze axis",    lambda: x().unsqueeze(4), AxisError, "axis 4"),
    ("flip axis",         lambda: x().flip(2), AxisError, "axis 2"),
    ("flip twice",        lambda: x().flip(0, -2), AxisError, "twice"),
    ("pad axes",          lambda: x().pad([(1, 1)]), ShapeError, "pad"),
    ("pad negative",      lambda: x().pad([(1, 1), (-1, 0)]), ShapeError, "pad"),
    ("shrink outside",    lambda: x().shrink([(0, 3), (0, 3)]), ShapeError, ""),
    ("shrink axes",       lambda: x().shrink([(0, 1)]), ShapeError, ""),
    ("repeat",            lambda: x().repeat(2), AxisError, "repeat"),
    ("sum axis",          lambda: x().sum(2), AxisError, "axis 2"),
    ("sum axis twice",    lambda: x().sum((0, -2)), AxisError, "twice"),
    ("sum axis bool",     lambda: x().sum(True), AxisError, "integer"),
    ("sum axis float",    lambda: x().sum(1.0), AxisError, "integer"),
    ("max of empty",      lambda: T.zeros(0, 3).max(0), ShapeError, "empty"),
    ("min of empty",      lambda: T.zeros(0).min(), ShapeError, "empty"),
    ("argmax of empty",   lambda: T.zeros(0).argmax(), ShapeError, "empty"),
    ("layer norm axes",   lambda: x().layer_norm(3), ShapeError, "layer_norm"),
    ("index range",       lambda: x()[2], IndexingError, "index 2"),
    ("index negative",    lambda: x()[0, -4], IndexingError, "index -4"),
    ("index many",        lambda: x()[0, 0, 0], IndexingError, "3 indices"),
    ("index kind",        lambda: x()[1.0], IndexingError, "1.0"),
    ("index bool",        lambda: x()[True], IndexingError, "True"),
    ("two ellipses",      lambda: x()[..., ...], IndexingError, ""),
    ("slice step",        lambda: x()[::0], BaregradError, ""),
    ("cat none",          lambda: T.cat([]), ShapeError, "no tensors"),
    ("cat shapes",        lambda: T.cat([x(), T.zeros(2, 2)]), ShapeError, "cat"),
    ("cat axis",          lambda: T.cat([x()], 2), AxisError, "axis 2"),
    ("stack none",        lambda: T.stack([]), ShapeError, "no tensors"),
    ("stack shapes",      lambda: T.stack([x(), x()[0]]), ShapeError, ""),
    ("split size",        lambda: x().split(0), AxisError, "split"),
    ("nll",               lambda: x().nll_loss(T([0])), ShapeError, "nll_loss"),
    ("bits of floats",    lambda: x() & x(), DTypeError, "bits"),
    ("shift of floats",   lambda: x() << 1, DTypeError, "bits"),
    ("not of floats",     lambda: ~x(), DTypeError, ""),
    ("minus of bool",     lambda: -T([True]), DTypeError, "bool"),
    ("difference of bool", lambda: T([True]) - T([False]), DTypeError, "bool"),
    ("no common dtype",   lambda: T([1], dtype=dt.int64) + T([1], dtype=dt.uint64), DTypeError, "common"),
    ("bitcast size",      lambda: x().bitcast(dt.int64), BaregradError, ""),
    ("grad of integers",  lambda: T([1]).requires_grad_(), DTypeError, "requires_grad"),
    ("rand of integers",  lambda: T.rand(2, dtype=dt.int32), DTypeError, "rand"),
    ("randint empty",     lambda: T.randint(3, 3, (2,)), DTypeError, "randint"),
    ("negative size",     lambda: T.zeros(-1), ShapeError, "size -1"),
    ("size of float",     lambda: T.zeros(2.0), ShapeError, "size 2.0"),
    ("eye",               lambda: T.eye(-1), BaregradError, ""),
    ("arange step",       lambda: T.arange(0, 5, 0), BaregradError, ""),
    ("item",              lambda: x().item(), ShapeError, "item"),
    ("bool of many",      lambda: bool(x()), ShapeError, "any()"),
    ("len of 0d",         lambda: len(T(1.0)), ShapeError, "len"),
    ("ragged",            lambda: T([[1, 2], [3]]), ShapeError, "ragged"),
    ("ragged depth",      lambda: T([1, [2]]), BaregradError, ""),
    ("words",             lambda: T("numbers"), DTypeError, "str"),
    ("words inside",      lambda: T([1, "2"]), DTypeError, "str"),
    ("none",              lambda: T(None), DTypeError, "NoneType"),
    ("numpy dtype",       lambda: T(np.zeros(2, "complex64")), DTypeError, "complex64"),
    ("unknown device",    lambda: T([1.0], device="gpu"), DeviceError, "gpu"),
    ("to unknown",        lambda: x().to("gpu"), DeviceError, "gpu"),
    ("two devices",       lambda: T([1.0], device="cpu") + T([1.0], device="reference"), DeviceError, "cpu and reference"),
    ("assign shape",      lambda: x().assign(T.zeros(3, 2)), ShapeError, "assign"),
    ("assign dtype",      lambda: x().assign(T.zeros(2, 3, dtype=dt.int32)), DTypeError, "assign"),
    ("assign device",     lambda: T([1.0], device="cpu").assign(T([1.0], device="reference")), DeviceError, "assign"),
    ("numpy of bfloat16", lambda: T([1.0], dtype=dt.bfloat16).numpy(), DTypeError, "bfloat16"),
]
# fmt: on


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, act, cls, words):
    with pytest.raises(cls, match=words or None) as caught:
        act()
    assert caught.value.what
    assert caught.value.why, "it says why"
    assert caught.value.mend, "it says the mend"


def test_integer_division_by_the_number_zero(device):
    for act in (lambda: T([1]) // 0, lambda: T([1]) % 0):
        with pytest.raises(ZeroDivisionError, match="by 0"):
            act()
    assert (T([1.0]) / 0).tolist() == [float("inf")]


def test_strange_operands_are_type_errors(device):
    for act in (lambda: x() + "1", lambda: x() * None, lambda: [1.0] + x()):
        with pytest.raises(TypeError):
            act()


def test_the_face_names_what_it_has():
    with pytest.raises(AttributeError, match="Tensor"):
        _ = bg.Tensr
    assert {"Tensor", "Device", "nn", "jit", "no_grad", "override", "dtypes"} <= set(dir(bg))
    assert bg.dtypes.float32 is dt.float32


def test_errors_of_compilation_name_the_line(device, monkeypatch):
    if device == "reference":
        pytest.skip("it compiles nothing")

    def refuse(ast, target):
        raise CompileError("no float16 here", why="a test", mend="nothing")

    monkeypatch.setattr("baregrad.engine.compile.compile_program", refuse)
    lazy = T([1.0], dtype=dt.float16) * 2.0625
    with pytest.raises(CompileError, match="float16") as caught:
        lazy.realize()
    assert "test_errors.py" in str(caught.value)
