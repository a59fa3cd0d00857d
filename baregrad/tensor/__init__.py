"""Tensor: construction, conversion to Python, gradients, and the operations, one file a concern in ops/.

Read base.py (what a tensor is) and tensor.py first. Layers are in nn, memory and compilation in engine.
"""

from baregrad.tensor.autograd import enable_grad, no_grad, recording, set_grad_enabled
from baregrad.tensor.device import Device
from baregrad.tensor.function import Function
from baregrad.tensor.gradients import grad
from baregrad.tensor.recompute import checkpoint
from baregrad.tensor.tensor import Tensor

__all__ = [
    "Device",
    "Function",
    "Tensor",
    "checkpoint",
    "enable_grad",
    "grad",
    "no_grad",
    "recording",
    "set_grad_enabled",
]
