"""Layers and optimisers: plain classes over tensors. Read module.py first.

What is not here: operations (tensor/ops), data sets and files (formats, cli/demo.py).
"""

from baregrad.nn.layers import BatchNorm, Conv2d, Dropout, LayerNorm, Linear, Sequential
from baregrad.nn.module import Module
from baregrad.nn.optim import SGD, Adam, AdamW, Optimizer

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Conv2d",
    "Dropout",
    "LayerNorm",
    "Linear",
    "Module",
    "Optimizer",
    "Sequential",
]
