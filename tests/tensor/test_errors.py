# ruff: noqa: E501 - one refusal is one line
"""What is refused besides what records say: by class, with what happened, why, and the mend."""

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
    JitError,
    ShapeError,
)
from baregrad.tensor import Tensor as T


def x():
    """Some floats."""
    return T([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("sum axis bool",     lambda: x().sum(True), AxisError, "integer"),
    ("sum axis float",    lambda: x().sum(1.0), AxisError, "integer"),
    ("index bool",        lambda: x()[True], IndexingError, "True"),
    ("bits of floats",    lambda: x() & x(), DTypeError, "bits"),
    ("shift of floats",   lambda: x() << 1, DTypeError, "bits"),
    ("not of floats",     lambda: ~x(), DTypeError, ""),
    ("minus of bool",     lambda: -T([True]), DTypeError, "bool"),
    ("difference of bool", lambda: T([True]) - T([False]), DTypeError, "bool"),
    ("no common dtype",   lambda: T([1], dtype=dt.int64) + T([1], dtype=dt.uint64), DTypeError, "common"),
    ("grad of integers",  lambda: T([1]).requires_grad_(), DTypeError, "requires_grad"),
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
    ("dtype by name",     lambda: T([1.0], dtype="float32"), DTypeError, "give bg.dtypes.float32"),
    ("dtype of Python",   lambda: x().cast(float), DTypeError, "class 'float'"),
    ("dtype of numpy",    lambda: T.zeros(2, dtype=np.float32), DTypeError, "give bg.dtypes.float32"),
    ("full of words",     lambda: T.full((2,), "a"), DTypeError, "'a'"),
    ("fill by floats",    lambda: x().masked_fill(x(), 0), DTypeError, "masked_fill"),
    ("stack of two shapes", lambda: T.stack([x(), x()[0]]), ShapeError, r"stack of \(2, 3\) and \(3,\)"),
    ("sum axis",          lambda: x().sum(5), AxisError, "sum: axis 5"),
    ("running axis",      lambda: x().cumsum(5), AxisError, "cumsum: axis 5"),
    ("an axis twice",     lambda: x().diagonal(axis1=0, axis2=0), AxisError, "meant once"),
    ("jit of a number",   lambda: bg.jit(5), JitError, "jit of 5"),
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
