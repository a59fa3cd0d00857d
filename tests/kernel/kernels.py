"""Kernels that several tests shape and lower: small, with odd and prime sizes, by hand."""

from __future__ import annotations

import numpy as np

from baregrad import dtype as dt
from baregrad.ir import UOp, index, ops

F32 = dt.float32


def axis(number, size, kind="loop"):
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, kind))


def param(slot, size, dtype=F32):
    return UOp(ops.PARAM, dtype, (), (slot, size))


def at(memory, offset, mask=None):
    return UOp(ops.INDEX, memory.dtype, (memory, offset) if mask is None else (memory, offset, mask))


def load(memory, offset, mask=None, after=()):
    return UOp(ops.LOAD, memory.dtype, (at(memory, offset, mask), *after))


def store(memory, offset, value, *ranges, mask=None):
    return UOp(ops.END, dt.void, (UOp(ops.STORE, dt.void, (at(memory, offset, mask), value)), *ranges))


def reduced(name, value, *ranges):
    return UOp(ops.REDUCE, value.dtype, (value, *ranges), (name, ()))


def kernel(*ends):
    return UOp(ops.SINK, dt.void, ends, "k")


def memory(sink, seed=0):
    """Buffers for a kernel, by slot."""
    rng = np.random.default_rng(seed)
    params = {n.arg[0]: n for n in sink.toposort() if n.op is ops.PARAM}
    made = []
    for slot in range(max(params) + 1):
        node = params[slot]
        name = "bool" if node.dtype is dt.bool_ else node.dtype.name
        data = rng.standard_normal(node.arg[1]) if node.dtype.is_float else rng.integers(0, 5, node.arg[1])
        made.append(data.astype(name))
    return made


def scaled(n):
    i = axis(0, n)
    return kernel(store(param(0, n), i, load(param(1, n), i) * 2.0 + 1.0, i))


def biased(n, m):
    i, j = axis(0, n), axis(1, m)
    place = i * m + j
    return kernel(store(param(0, n * m), place, load(param(1, n * m), place) + load(param(2, m), j), i, j))


def matmul(m, n, k, flip_a=False, flip_b=False):
    i, j, r = axis(0, m), axis(1, n), axis(2, k, "reduce")
    a = load(param(1, m * k), r * m + i if flip_a else i * k + r)
    b = load(param(2, k * n), j * k + r if flip_b else r * n + j)
    return kernel(store(param(0, m * n), i * n + j, reduced("add", a * b, r).maximum(0.0), i, j))


def gated(n, m, k, times):
    """tanh(x) * x + x, so many times, behind a product."""
    i, j, r = axis(0, n), axis(1, m), axis(2, k, "reduce")
    value = reduced("add", load(param(1, n * k), i * k + r) * load(param(2, k * m), r * m + j), r)
    for _ in range(times):
        value = UOp(ops.TANH, F32, (value,)) * value + value
    return kernel(store(param(0, n * m), i * m + j, value, i, j))


def row_sum(n, m):
    i, r = axis(0, n), axis(1, m, "reduce")
    return kernel(store(param(0, n), i, reduced("add", load(param(1, n * m), i * m + r), r), i))


def column_max(n, m):
    i, r = axis(0, m), axis(1, n, "reduce")
    return kernel(store(param(0, m), i, reduced("max", load(param(1, n * m), r * m + i), r), i))


def whole_sum(n):
    r = axis(0, n, "reduce")
    return kernel(store(param(0, 1), index(0), reduced("add", load(param(1, n), r), r)))


def softmax(n, m):
    i, r, s, j = axis(0, n), axis(1, m, "reduce"), axis(2, m, "reduce"), axis(3, m)
    x = param(1, n * m)
    top = reduced("max", load(x, i * m + r), r)
    total = reduced("add", (load(x, i * m + s) - top).alu(ops.EXP), s)
    value = (load(x, i * m + j) - top).alu(ops.EXP) / total
    return kernel(store(param(0, n * m), i * m + j, value, i, j))


def layernorm(n, m):
    i, r, s, j = axis(0, n), axis(1, m, "reduce"), axis(2, m, "reduce"), axis(3, m)
    x = param(1, n * m)
    middle = reduced("add", load(x, i * m + r), r) * (1 / m)
    away = load(x, i * m + s) - middle
    spread = (reduced("add", away * away, s) * (1 / m) + 1e-5).alu(ops.SQRT)
    value = (load(x, i * m + j) - middle) / spread * load(param(2, m), j)
    return kernel(store(param(0, n * m), i * m + j, value, i, j))


def cross_entropy(n, m):
    i, r, s = axis(0, n), axis(1, m, "reduce"), axis(2, m, "reduce")
    x, label = param(1, n * m), load(param(2, n, dt.int64), i)
    picked = reduced("add", load(x, i * m + r) * r.eq(label).cast(F32), r)
    return kernel(store(param(0, n), i, picked - reduced("max", load(x, i * m + s), s), i))


def _window(n, c, h, w, place, channel, y, x, ky, kx, slot):
    row, column = y + ky - 1, x + kx - 1
    inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    return load(param(slot, n * c * h * w), ((place * c + channel) * h + row) * w + column, inside)


def conv(n, c, o, h, w):
    """3 x 3, padded, with a bias."""
    b, f, y, x = axis(0, n), axis(1, o), axis(2, h), axis(3, w)
    channel, ky, kx = axis(4, c, "reduce"), axis(5, 3, "reduce"), axis(6, 3, "reduce")
    weight = load(param(2, o * c * 9), (f * c + channel) * 9 + ky * 3 + kx)
    value = _window(n, c, h, w, b, channel, y, x, ky, kx, 1) * weight
    total = reduced("add", value, channel, ky, kx) + load(param(3, o), f)
    return kernel(store(param(0, n * o * h * w), ((b * o + f) * h + y) * w + x, total, b, f, y, x))


def conv_weights(n, c, o, h, w):
    """The gradient of conv's weights."""
    f, channel, ky, kx = axis(0, o), axis(1, c), axis(2, 3), axis(3, 3)
    b, y, x = axis(4, n, "reduce"), axis(5, h, "reduce"), axis(6, w, "reduce")
    gradient = load(param(2, n * o * h * w), ((b * o + f) * h + y) * w + x)
    total = reduced("add", _window(n, c, h, w, b, channel, y, x, ky, kx, 1) * gradient, b, y, x)
    return kernel(store(param(0, o * c * 9), (f * c + channel) * 9 + ky * 3 + kx, total, f, channel, ky, kx))


def pool(n, h):
    b, y, x = axis(0, n), axis(1, h // 2), axis(2, h // 2)
    ky, kx = axis(3, 2, "reduce"), axis(4, 2, "reduce")
    value = load(param(1, n * h * h), (b * h + y * 2 + ky) * h + x * 2 + kx)
    place = (b * (h // 2) + y) * (h // 2) + x
    return kernel(store(param(0, n * (h // 2) ** 2), place, reduced("max", value, ky, kx), b, y, x))


def pooled_bias(n, c, h):
    """The greatest of 2 x 2, after a bias of each channel."""
    b, f, y, x = axis(0, n), axis(1, c), axis(2, h // 2), axis(3, h // 2)
    ky, kx = axis(4, 2, "reduce"), axis(5, 2, "reduce")
    value = load(param(1, n * c * h * h), ((b * c + f) * h + y * 2 + ky) * h + x * 2 + kx)
    place = ((b * c + f) * (h // 2) + y) * (h // 2) + x
    most = reduced("max", value + load(param(2, c), f), ky, kx)
    return kernel(store(param(0, n * c * (h // 2) ** 2), place, most, b, f, y, x))


def gather(n, m, v):
    i, j = axis(0, n), axis(1, m)
    row = load(param(1, n, dt.int64), i)
    return kernel(store(param(0, n * m), i * m + j, load(param(2, v * m), row * m + j), i, j))


def scattered(n, m, v, joins="add"):
    i, j = axis(0, n, "serial"), axis(1, m)
    place = load(param(1, n, dt.int64), i)
    target = at(param(0, v * m), place * m + j)
    put = UOp(ops.STORE, dt.void, (target, load(param(2, n * m), i * m + j) * 2.0, i), joins)
    return kernel(UOp(ops.END, dt.void, (put, i, j)))


def transposed(n, m):
    i, j = axis(0, n), axis(1, m)
    return kernel(store(param(0, n * m), i * m + j, load(param(1, n * m), j * n + i), i, j))


def two_outputs(n):
    """A bool output, and one that reads what another kernel's version of it could be written over."""
    i = axis(0, n)
    x = load(param(1, n), i)
    return kernel(
        store(param(0, n, dt.bool_), i, x < 0.0, i), store(param(2, n), i, (x < 0.0).where(-x, x), i)
    )


def counted(n):
    i = axis(0, n)
    return kernel(store(param(0, n), i, i.cast(F32) * 0.5, i))


def divided(n, m):
    """A flat index taken apart: a bias over the middle axis."""
    i = axis(0, n * m * 7)
    bias = load(param(2, m), (i // 7) % m)
    return kernel(store(param(0, n * m * 7), i, load(param(1, n * m * 7), i) + bias, i))


# fmt: off
KERNELS = {
    "scattered_7_37_5": scattered(7, 37, 5),
    "scaled_37": scaled(37),
    "scaled_64": scaled(64),
    "scaled_5": scaled(5),
    "biased_7_10": biased(7, 10),
    "biased_8_32": biased(8, 32),
    "matmul_7_13_5": matmul(7, 13, 5),
    "matmul_11_37_7": matmul(11, 37, 7),
    "matmul_12_32_8": matmul(12, 32, 8),
    "matmul_12_10_8": matmul(12, 10, 8),
    "matmul_flip_a": matmul(17, 19, 5, flip_a=True),
    "matmul_flip_b": matmul(9, 7, 37, flip_b=True),
    "matmul_flip_b_4_6_64": matmul(4, 6, 64, flip_b=True),
    "vector_matrix": matmul(1, 50, 20),
    "matrix_vector": matmul(13, 1, 64),
    "row_sum_5_37": row_sum(5, 37),
    "row_sum_3_512": row_sum(3, 512),
    "column_max_7_33": column_max(7, 33),
    "whole_sum_1000": whole_sum(1000),
    "softmax_3_21": softmax(3, 21),
    "softmax_2_128": softmax(2, 128),
    "layernorm_3_50": layernorm(3, 50),
    "cross_entropy_4_10": cross_entropy(4, 10),
    "conv_2_2_3_4_8": conv(2, 2, 3, 4, 8),
    "conv_1_1_4_3_17": conv(1, 1, 4, 3, 17),
    "conv_1_2_16_4_4": conv(1, 2, 16, 4, 4),
    "conv_weights_2_1_2_3_8": conv_weights(2, 1, 2, 3, 8),
    "pool_2_8": pool(2, 8),
    "pool_bias": pooled_bias(2, 3, 8),
    "gather_5_16_7": gather(5, 16, 7),
    "transposed_9_20": transposed(9, 20),
    "two_outputs_45": two_outputs(45),
    "counted_37": counted(37),
    "divided_3_5": divided(3, 5),
}
# fmt: on
