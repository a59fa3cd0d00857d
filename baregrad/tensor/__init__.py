"""Tensor: construction, conversion to Python, gradients, and the operations, one file a concern in ops/.

Read base.py (what a tensor is) and tensor.py first. Layers are in nn, memory and compilation in engine.
"""

from baregrad.tensor.autograd import no_grad, recording
from baregrad.tensor.device import Device
from baregrad.tensor.tensor import Tensor

__all__ = ["Device", "Tensor", "no_grad", "recording"]
