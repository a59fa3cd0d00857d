"""Tensor: construction, conversion, autograd (autograd.py) and the operations (ops/, one file a concern)."""

from baregrad.tensor.autograd import no_grad
from baregrad.tensor.tensor import Tensor

__all__ = ["Tensor", "no_grad"]
