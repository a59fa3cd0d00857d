"""Layers and optimisers: plain classes over tensors. Read module.py first.

What is not here: operations (tensor/ops), data sets and files (formats, cli/demo.py).
"""

from baregrad.nn.layers import BatchNorm, Conv2d, Dropout, LayerNorm, Linear, Sequential
from baregrad.nn.module import Module
from baregrad.nn.modules import (
    Embedding,
    GroupNorm,
    InstanceNorm,
    MultiheadAttention,
    RMSNorm,
)
from baregrad.nn.optim import SGD, Adam, AdamW, Optimizer
from baregrad.nn.recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from baregrad.nn.training import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineAnnealingLR,
    CrossEntropyLoss,
    ExponentialLR,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    LambdaLR,
    LinearLR,
    MSELoss,
    NLLLoss,
    Schedule,
    SmoothL1Loss,
    StepLR,
    clip_grad_norm_,
    clip_grad_value_,
)

__all__ = [
    "SGD",
    "Embedding",
    "GRU",
    "GRUCell",
    "GroupNorm",
    "InstanceNorm",
    "LSTM",
    "LSTMCell",
    "MultiheadAttention",
    "RMSNorm",
    "RNN",
    "RNNCell",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineAnnealingLR",
    "CrossEntropyLoss",
    "ExponentialLR",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LambdaLR",
    "LinearLR",
    "MSELoss",
    "NLLLoss",
    "Schedule",
    "SmoothL1Loss",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
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
