"""Functions and activations where records say too little: slopes at edges, signs of zeros, dtypes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.tensor import Tensor

SLOPES = [  # name, function, x, the slope there
    ("sigmoid", Tensor.sigmoid, [-200.0, 0.0, 200.0], [0.0, 0.25, 0.0]),
    ("silu", Tensor.silu, [-200.0, 0.0, 200.0], [0.0, 0.5, 1.0]),
    ("elu", Tensor.elu, [-200.0, 0.0, 200.0], [0.0, 1.0, 1.0]),
    ("celu", Tensor.celu, [-200.0, 0.0, 200.0], [0.0, 1.0, 1.0]),
    ("softplus", Tensor.softplus, [-200.0, 0.0, 200.0], [0.0, 0.5, 1.0]),
    ("logsigmoid", Tensor.logsigmoid, [-200.0, 0.0, 200.0], [1.0, 0.5, 0.0]),
    ("hardtanh", Tensor.hardtanh, [-1.0, 0.5, 1.0], [0.0, 1.0, 0.0]),
    ("mish", Tensor.mish, [-200.0, 0.0, 200.0], [0.0, 0.6, 1.0]),
    ("softsign", Tensor.softsign, [-3.0, 0.0, 1.0], [1 / 16, 1.0, 0.25]),
    ("hardswish", Tensor.hardswish, [-4.0, 0.0, 4.0], [0.0, 0.5, 1.0]),
]


@pytest.mark.parametrize("name, function, at, slopes", SLOPES, ids=[row[0] for row in SLOPES])
def test_slopes_where_branches_meet_and_far_out(device, name, function, at, slopes):
    x = Tensor(at, requires_grad=True)
    function(x).sum().backward()
    assert x.grad.tolist() == pytest.approx(slopes, rel=1e-6, abs=1e-7)


def test_minus_zero_is_rounded_to_itself(device):
    x = Tensor([-0.0, 0.0, -0.4, 0.4])
    assert np.signbit(x.round().numpy()).tolist() == [True, False, True, False]
    assert np.signbit(x.ceil().numpy()).tolist() == [True, False, True, False]


def test_allclose(device):
    x = Tensor([1.0, math.inf])
    assert x.allclose(x + 1e-7)
    assert not x.allclose(-x)
    assert not Tensor([math.nan]).allclose(Tensor([math.nan]))


def test_dtypes_of_two_operands(device):
    assert Tensor([1, 2], dtype=dt.int32).fmod(2).dtype is dt.int32
    assert Tensor([1, 2]).logical_and(Tensor([0.0, 1.0])).dtype is dt.bool_
