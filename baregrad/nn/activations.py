"""Activations as layers: each is the method of Tensor that it names, with keywords of its own.

inplace, which some of torch's have, is taken and has no meaning: nothing is written in place here.
"""

from __future__ import annotations

from typing import Any

from baregrad.nn.method import Method
from baregrad.nn.module import Module
from baregrad.tensor import Tensor


class _Activation(Method):
    """A method of Tensor; by place in torch's order, `inplace` behind the others."""

    places: tuple[str, ...] = ()

    def __init__(self, *given: Any, inplace: bool = False, **keywords: Any) -> None:  # Any: the keywords
        if len(given) == len(self.places) + 1 and isinstance(given[-1], bool):
            given = given[:-1]
        super().__init__(*given, **keywords)


class ReLU(_Activation):
    """Tensor.relu."""

    method = "relu"


class ReLU6(_Activation):
    """Tensor.relu6."""

    method = "relu6"


class Sigmoid(_Activation):
    """Tensor.sigmoid."""

    method = "sigmoid"


class Tanh(_Activation):
    """Tensor.tanh."""

    method = "tanh"


class SiLU(_Activation):
    """Tensor.silu."""

    method = "silu"


class Mish(_Activation):
    """Tensor.mish."""

    method = "mish"


class Hardsigmoid(_Activation):
    """Tensor.hardsigmoid."""

    method = "hardsigmoid"


class Hardswish(_Activation):
    """Tensor.hardswish."""

    method = "hardswish"


class LogSigmoid(_Activation):
    """Tensor.logsigmoid."""

    method = "logsigmoid"


class Softsign(_Activation):
    """Tensor.softsign."""

    method = "softsign"


class Tanhshrink(_Activation):
    """Tensor.tanhshrink."""

    method = "tanhshrink"


class SELU(_Activation):
    """Tensor.selu."""

    method = "selu"


class GELU(_Activation):
    """Tensor.gelu with keywords."""

    method = "gelu"
    places = ("approximate",)


class LeakyReLU(_Activation):
    """Tensor.leaky_relu with keywords."""

    method = "leaky_relu"
    places = ("negative_slope",)


class ELU(_Activation):
    """Tensor.elu with keywords."""

    method = "elu"
    places = ("alpha",)


class CELU(_Activation):
    """Tensor.celu with keywords."""

    method = "celu"
    places = ("alpha",)


class Softplus(_Activation):
    """Tensor.softplus with keywords."""

    method = "softplus"
    places = ("beta", "threshold")


class Hardtanh(_Activation):
    """Tensor.hardtanh with keywords."""

    method = "hardtanh"
    places = ("min_val", "max_val")


class Softshrink(_Activation):
    """Tensor.softshrink with keywords."""

    method = "softshrink"
    places = ("lambd",)


class Hardshrink(_Activation):
    """Tensor.hardshrink with keywords."""

    method = "hardshrink"
    places = ("lambd",)


class Threshold(_Activation):
    """Tensor.threshold with keywords."""

    method = "threshold"
    places = ("threshold", "value")


class GLU(_Activation):
    """Tensor.glu with keywords."""

    method = "glu"
    places = ("axis",)


class Softmax(_Activation):
    """Tensor.softmax with keywords."""

    method = "softmax"
    places = ("axis",)


class LogSoftmax(_Activation):
    """Tensor.log_softmax with keywords."""

    method = "log_softmax"
    places = ("axis",)


class Softmin(_Activation):
    """Tensor.softmin with keywords."""

    method = "softmin"
    places = ("axis",)


class PReLU(Module):
    """Tensor.prelu with a weight of its own for all channels, or one a channel."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, device: str | None = None) -> None:
        self.weight = Tensor.full((num_parameters,), init, device=device).requires_grad_()

    def __call__(self, x: Tensor) -> Tensor:
        """x above 0, else weight * x."""
        return x.prelu(self.weight)
