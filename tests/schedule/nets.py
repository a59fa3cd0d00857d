"""Small graphs that several tests schedule: layers, losses, their gradients, an optimiser step.

Made of UOps by hand.
"""

from __future__ import annotations

from itertools import count

from baregrad import dtype as dt
from baregrad.ir import Buffer, UOp, const, ops, toposort

F = dt.float32


class Buffers:
    """Makes inputs, and serves as `new_buffer`."""

    def __init__(self, first=1):
        self._numbers = count(first)
        self.inputs = []

    def __call__(self, shape, dtype):
        return UOp(ops.BUFFER, dtype, (), Buffer(next(self._numbers), tuple(shape)))

    def input(self, *shape, dtype=F):
        node = self(shape, dtype)
        self.inputs.append(node)
        return node


def mean(x, axes):
    size = 1
    for axis in axes:
        size *= x.shape[axis]
    return x.reduce("add", axes) * (1.0 / size)


def spread(x, like):
    return x.expand(like.shape)


def softmax(x):
    e = (x - spread(x.reduce("max", (1,)).detach(), x)).alu(ops.EXP)
    return e / spread(e.reduce("add", (1,)), e)


def layernorm(x, w, b, eps=1e-5):
    middle = x - spread(mean(x, (1,)), x)
    r = (mean(middle * middle, (1,)) + eps).alu(ops.SQRT).alu(ops.RECIPROCAL)
    return middle * spread(r, x) * row(w, x) + row(b, x)


def row(w, like):
    return w.reshape((1, w.shape[0])).expand(like.shape)


def matmul(a, b):
    (m, k), n = a.shape, b.shape[1]
    product = a.reshape((m, k, 1)).expand((m, k, n)) * b.reshape((1, k, n)).expand((m, k, n))
    return product.reduce("add", (1,)).reshape((m, n))


def gelu(x):
    inner = (x + x * x * x * 0.044715) * 0.7978845608
    return x * 0.5 * (inner.alu(ops.TANH) + 1.0)


def relu(x):
    return x.maximum(0.0)


def windows(x, kernel, stride=1, padding=0):
    """(n, c, h, w) as (n, c, oh, ow, kh, kw)."""
    n, c, h, w = x.shape
    oh, ow = ((size + 2 * padding - kernel) // stride + 1 for size in (h, w))
    rows = (
        (0, (1, 0, 0, 0, 0, 0)),
        (0, (0, 1, 0, 0, 0, 0)),
        (-padding, (0, 0, stride, 0, 1, 0)),
        (-padding, (0, 0, 0, stride, 0, 1)),
    )
    return x.view((n, c, oh, ow, kernel, kernel), rows)


def conv(x, w, stride=1, padding=0):
    o, c, k, _ = w.shape
    seen = windows(x, k, stride, padding)
    n, _, oh, ow, _, _ = seen.shape
    wide = (n, o, c, oh, ow, k, k)
    a = seen.reshape((n, 1, c, oh, ow, k, k)).expand(wide)
    b = w.reshape((1, o, c, 1, 1, k, k)).expand(wide)
    return (a * b).reduce("add", (2, 5, 6)).reshape((n, o, oh, ow))


def channel(b, like):
    return b.reshape((1, b.shape[0], 1, 1)).expand(like.shape)


def maxpool(x, kernel, stride):
    seen = windows(x, kernel, stride)
    return seen.reduce("max", (4, 5)).reshape(seen.shape[:4])


def batchnorm(x, w, b):
    """The result, the mean and the variance."""
    m = mean(x, (0, 2, 3))
    middle = x - spread(m, x)
    v = mean(middle * middle, (0, 2, 3))
    y = middle * spread((v + 1e-5).alu(ops.SQRT).alu(ops.RECIPROCAL), x) * channel(w, x) + channel(b, x)
    return y, m, v


def cross_entropy(x, labels):
    """The mean over rows of log(sum(exp(x))) - x[label]."""
    n, c = x.shape
    shifted = x - spread(x.reduce("max", (1,)).detach(), x)
    total = shifted.alu(ops.EXP).reduce("add", (1,)).alu(ops.LOG)
    classes = UOp(ops.IOTA, dt.int32, (), c).reshape((1, c)).expand((n, c))
    hit = classes.eq(labels.reshape((n, 1)).expand((n, c)))
    picked = hit.where(shifted, 0.0).reduce("add", (1,))
    return mean(total - picked, (0,)).reshape(())


def adam(p, g, m, v, lr=1e-3):
    """The next versions of p, m and v."""
    m1 = m.assign(m * 0.9 + g * 0.1)
    v1 = v.assign(v * 0.999 + g * g * 0.001)
    return p.assign(p - m1 * lr / (v1.alu(ops.SQRT) + 1e-8)), m1, v1


def attention(q, k, v):
    """(batch, length, width) each."""
    (b, n, d), m = q.shape, k.shape[1]
    a, c = q.reshape((b, n, 1, d)).expand((b, n, m, d)), k.reshape((b, 1, m, d)).expand((b, n, m, d))
    scores = (a * c).reduce("add", (3,)).reshape((b * n, m)) * (1.0 / d**0.5)
    p = softmax(scores).reshape((b, n, m, 1)).expand((b, n, m, d))
    return (p * v.reshape((b, 1, m, d)).expand((b, n, m, d))).reduce("add", (2,)).reshape((b, n, d))


def conv_step(b, n=64):
    """A training step with Adam of three convolutions with batch normalisation, and two linear layers."""
    x, labels = b.input(n, 1, 8, 8), b.input(n, dtype=dt.int32)
    params = []
    channels = 1
    h = x
    for block, out in enumerate((16, 32, 32)):
        params += [b.input(out, channels, 3, 3), b.input(out), b.input(out), b.input(out)]
        w, c, scale, shift = params[-4:]
        h = conv(h, w, padding=1)
        h = relu(batchnorm(h + channel(c, h), scale, shift)[0])
        h = maxpool(h, 2, 2) if block else h
        channels = out
    h = h.reshape((n, 128))
    for size in (64, 10):
        params += [b.input(h.shape[1], size), b.input(size)]
        h = matmul(h if size == 64 else relu(h), params[-2])
        h = h + row(params[-1], h)
    loss = cross_entropy(h, labels)
    roots = [loss]
    for p, g in zip(params, gradients(loss, params)):
        roots += adam(p, g, b.input(*p.shape), b.input(*p.shape))
    return roots


def gradients(y, wrt, g=None):
    """The gradients of sum(y * g), by the rows of ops.py, in reverse."""
    grads = {y: g if g is not None else const(1.0, y.dtype).expand(y.shape)}
    for node in reversed(toposort((y,))):
        got = grads.get(node)
        if got is None or node.op.gradient is None:
            continue
        for source, part in zip(node.src, node.op.gradient(got, node, *node.src)):
            if part is None:
                continue
            if part.shape != source.shape:  # a scalar that was broadcast
                part = part.reduce("add", tuple(range(part.ndim))).reshape(source.shape)
            grads[source] = grads[source] + part if source in grads else part
    return [grads[node] for node in wrt]
