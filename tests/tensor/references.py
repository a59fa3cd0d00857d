"""Formulas of records in numpy that are longer than a line. What a name means stands in the record."""

from __future__ import annotations

import math
from itertools import product

import numpy as np


def softmax(x, axis):
    if not x.size:
        return x * 1.0
    powers = np.exp(x - x.max(axis, keepdims=True)) if x.ndim else np.exp(x - x)
    return powers / powers.sum(axis, keepdims=True) if x.ndim else powers


def argmax(x, axis, keepdim):
    """Of the flattened tensor without an axis; keepdim keeps all axes then."""
    if axis is None:
        place = np.argmax(x)
        return np.reshape(place, (1,) * x.ndim) if keepdim else place
    return np.argmax(x, axis, keepdims=keepdim) if x.ndim else np.array(0)


def argmin(x, axis, keepdim):
    if axis is None:
        place = np.argmin(x)
        return np.reshape(place, (1,) * x.ndim) if keepdim else place
    return np.argmin(x, axis, keepdims=keepdim) if x.ndim else np.array(0)


def norm(x, p, axis, keepdim):
    size = np.abs(x * 1.0)
    if p == 0:
        return (size != 0).sum(axis, keepdims=keepdim) * 1.0
    if math.isinf(p):
        return (np.max if p > 0 else np.min)(size, axis, keepdims=keepdim)
    return (size**p).sum(axis, keepdims=keepdim) ** (1 / p)


def parted(x, size, step):
    """Windows of the last axis, along a new one."""
    return np.lib.stride_tricks.sliding_window_view(x, size, -1)[..., ::step, :]


def shuffled(x, factor):
    *lead, c, h, w = x.shape
    r = factor
    apart = x.reshape(*lead, c // r // r, r, r, h, w)
    n = len(lead)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return apart.transpose(order).reshape(*lead, c // r // r, h * r, w * r)


def unshuffled(x, factor):
    *lead, c, h, w = x.shape
    r = factor
    apart = x.reshape(*lead, c, h // r, r, w // r, r)
    n = len(lead)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return apart.transpose(order).reshape(*lead, c * r * r, h // r, w // r)


def each(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def conv(x, weight, bias, stride, padding, dilation, groups):
    """Cross-correlation, one element of the kernel at a time."""
    if x.ndim < weight.ndim:
        return conv(x[None], weight, bias, stride, padding, dilation, groups)[0]
    axes = x.ndim - 2
    kernel = weight.shape[2:]
    stride, dilation = each(stride, axes), each(dilation, axes)
    room = [(p, p) for p in each(padding, axes)] if not isinstance(padding, str) else [(0, 0)] * axes
    if padding == "same":
        room = [(d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for d, k in zip(dilation, kernel)]
    x = np.pad(x, [(0, 0), (0, 0), *room])
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation)]
    inner, outer = weight.shape[1], weight.shape[0] // groups
    y = np.zeros((x.shape[0], weight.shape[0], *counts))
    for g in range(groups):
        part = x[:, g * inner : (g + 1) * inner]
        for at in product(*map(range, kernel)):
            begins = [i * d for i, d in zip(at, dilation)]
            cut = tuple(slice(b, b + (c - 1) * s + 1, s) for b, c, s in zip(begins, counts, stride))
            found = np.tensordot(
                part[(..., *cut)], weight[(slice(g * outer, (g + 1) * outer), ..., *at)], ([1], [1])
            )
            y[:, g * outer : (g + 1) * outer] += np.moveaxis(found, -1, 1)
    return y if bias is None else y + bias.reshape(-1, *(1,) * axes)


def spread(x, weight, bias, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Each element times the kernel, laid over one another."""
    axes = x.ndim - 2
    stride, padding, dilation = each(stride, axes), each(padding, axes), each(dilation, axes)
    more = each(output_padding, axes)
    kernel = weight.shape[2:]
    full = [
        (n - 1) * s + d * (k - 1) + 1 + m
        for n, s, d, k, m in zip(x.shape[2:], stride, dilation, kernel, more)
    ]
    inner, outer = weight.shape[0] // groups, weight.shape[1]
    y = np.zeros((x.shape[0], outer * groups, *full))
    for g in range(groups):
        part, filters = (t for t in (x[:, g * inner : (g + 1) * inner], weight[g * inner : (g + 1) * inner]))
        for at in product(*map(range, kernel)):
            cut = tuple(
                slice(i * d, i * d + (n - 1) * s + 1, s)
                for i, d, n, s in zip(at, dilation, x.shape[2:], stride)
            )
            found = np.tensordot(part, filters[(..., *at)], ([1], [0]))
            y[(slice(None), slice(g * outer, (g + 1) * outer), *cut)] += np.moveaxis(found, -1, 1)
    y = y[(..., *(slice(p, n - p) for p, n in zip(padding, full)))]
    return y if bias is None else y + bias.reshape(-1, *(1,) * axes)


def attention(q, k, v, mask, is_causal, scale):
    """Rows that see nothing are zeros."""
    return attention_weights(q, k, mask, is_causal, scale) @ v


def attention_weights(q, k, mask, is_causal, scale):
    scores = q @ np.swapaxes(k, -1, -2) * (max(q.shape[-1], 1) ** -0.5 if scale is None else scale)
    if is_causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = scores + (np.where(mask, 0.0, -np.inf) if mask.dtype == bool else mask)
    top = scores.max(-1, keepdims=True, initial=-np.inf)
    blind = np.isinf(top)
    powers = np.exp(scores - np.where(blind, 0, top))
    return powers / np.where(blind, 1, powers.sum(-1, keepdims=True))


def reduced(loss, reduction):
    if reduction == "batchmean":
        return loss.sum() / loss.shape[0]
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def nll(x, target, weight, ignore_index, reduction, smoothing=0.0):
    target = np.asarray(target).astype("int64")
    classes = 1 if x.ndim > 1 else 0
    valid = target != ignore_index
    last = np.moveaxis(x, classes, -1)
    weight = np.ones(last.shape[-1]) if weight is None else weight
    chosen = np.where(valid, target, 0)
    picked = np.take_along_axis(last, chosen[..., None], -1)[..., 0]
    share = weight[chosen] * valid
    loss = -share * picked
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing / last.shape[-1] * (last * weight).sum(-1) * valid
    return loss.sum() / share.sum() if reduction == "mean" else reduced(loss, reduction)


def cross_entropy(x, target, weight, ignore_index, reduction, smoothing):
    classes = 1 if x.ndim > 1 else 0
    logs = np.log(softmax(x, classes))
    if np.asarray(target).dtype.kind in "iu":
        return nll(logs, target, weight, ignore_index, reduction, smoothing)
    count = x.shape[classes]
    smooth = target * (1 - smoothing) + smoothing / count
    shape = (-1,) + (1,) * (x.ndim - classes - 1)
    loss = -(logs * smooth * (1 if weight is None else weight.reshape(shape))).sum(classes)
    return loss.sum() / (x.size / count) if reduction == "mean" else reduced(loss, reduction)


def gathered(x, axis, index):
    """take_along_axis of the first elements of each other axis."""
    if not x.ndim:
        return np.broadcast_to(x, index.shape)
    axis %= x.ndim
    box = tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(index.shape))
    return np.take_along_axis(x[box], index.astype(int), axis)


def scattered(x, axis, index, src, how, include_self=True):
    """One value after another."""
    made = np.atleast_1d(x).copy()
    index = np.atleast_1d(index)
    src = np.atleast_1d(src) if np.ndim(src) else np.full(index.shape, src).astype(x.dtype)
    seen = {}
    for place in np.ndindex(index.shape):
        at = list(place)
        at[axis] = int(index[place]) % made.shape[axis]
        seen.setdefault(tuple(at), []).append(src[place])
    for at, values in seen.items():
        if include_self and how not in ("set",):
            values = [made[at], *values]
        made[at] = _together(how, values, made.dtype)
    return made.reshape(x.shape)


def _together(how, values, dtype):
    if how == "set":
        return values[-1]
    if how == "mean":
        total = sum(values)
        return total / len(values) if dtype.kind == "f" else total // len(values)
    join = {"add": np.add, "sum": np.add, "mul": np.multiply, "prod": np.multiply}
    return (join | {"amax": np.maximum, "amin": np.minimum})[how].reduce(np.array(values, dtype))


def parts(x, axis, index, source, how, include_self=True):
    """scattered() of whole parts."""
    if not x.ndim:
        return scattered(x, 0, index, source, how, include_self)
    axis %= x.ndim
    index = np.atleast_1d(index)
    sizes = tuple(index.size if i == axis else 1 for i in range(x.ndim))
    shape = x.shape[:axis] + (index.size,) + x.shape[axis + 1 :]
    return scattered(x, axis, np.broadcast_to(index.reshape(sizes), shape), source, how, include_self)


def ordered(x, axis, descending):
    """Elements and places in order; NaN is the greatest, equal ones keep their order."""
    if not x.ndim:
        return [x, np.array(0)]
    if not descending:
        order = np.argsort(x, axis, kind="stable")
    else:
        _, ties = np.unique(x, return_inverse=True, equal_nan=True)
        order = np.argsort(-ties.reshape(x.shape), axis, kind="stable")
    return [np.take_along_axis(x, order, axis), order]


def middle(x, axis, keepdim, skip=False):
    """The lower middle and its first place in a stable order; NaN if there is one, or skipped."""
    if axis is None:
        return middle(x.reshape(-1), 0, False, skip)[0]
    if not x.ndim:
        return [x, np.array(0)]
    values, order = ordered(x, axis, False)
    size = x.shape[axis]
    holes = np.isnan(x.astype("float64")).sum(axis, keepdims=True)
    place = np.where((holes > 0) & (not skip), size - holes, np.maximum(size - holes - 1, 0) // 2)
    found = [np.take_along_axis(part, place, axis) for part in (values, order)]
    return found if keepdim else [part.squeeze(axis) for part in found]


def most_frequent(x, axis, keepdim):
    """The least of the most frequent elements, and its last place."""
    if not x.ndim:
        return [x, np.array(0)]
    lines = np.moveaxis(x, axis, -1)
    values = np.zeros(lines.shape[:-1], x.dtype)
    places = np.zeros(lines.shape[:-1], "int64")
    for at in np.ndindex(lines.shape[:-1]):
        some, counts = np.unique(lines[at], return_counts=True)
        values[at] = some[counts.argmax()]
        places[at] = np.flatnonzero(lines[at] == values[at])[-1]
    return [np.expand_dims(part, axis) if keepdim else part for part in (values, places)]


def filled(x, mask, source):
    """masked_scatter."""
    made, mask = x.copy(), np.broadcast_to(mask, x.shape)
    made[mask] = source.reshape(-1)[: int(mask.sum())]
    return made


def put_at(x, indices, values, accumulate):
    """index_put."""
    made = x.copy()
    if accumulate:
        np.add.at(made, tuple(indices), values)
    else:
        made[tuple(indices)] = values
    return made


def bags(x, weight, offsets, mode, weights, padding, include_last):
    """embedding_bag."""
    if offsets is None:
        each = [(row, None if weights is None else w) for row, w in zip(x, x if weights is None else weights)]
    else:
        ends = [*offsets[1:], *([] if include_last else [len(x)])]
        each = [(x[a:b], None) for a, b in zip(offsets, ends)]
    made = []
    for row, scale in each:
        kept = row != padding if padding is not None else np.ones(len(row), bool)
        rows = weight[row] * (1 if scale is None else scale[:, None])
        if not kept.any():
            made.append(np.zeros_like(weight[0]))
        else:
            made.append({"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows[kept], 0))
    return np.array(made).reshape(len(each), weight.shape[1])


def running_extreme(x, axis, join):
    """Extremes so far and the last place of each."""
    if not x.ndim:
        return [x, np.array(0)]
    values = join.accumulate(x, axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    places = np.where(x == values, np.arange(x.shape[axis]).reshape(shape), 0)
    return [values, np.maximum.accumulate(places, axis)]


def blocks(tensors):
    """Matrices along a diagonal."""
    parts = [np.atleast_2d(t) for t in tensors]
    made = np.zeros(np.sum([p.shape for p in parts], 0), np.result_type(*parts))
    row = column = 0
    for p in parts:
        made[row : row + p.shape[0], column : column + p.shape[1]] = p
        row, column = row + p.shape[0], column + p.shape[1]
    return made


def cosine(x, y):
    return (x * y).sum(-1) / np.sqrt(((x * x).sum(-1) + 1e-12) * ((y * y).sum(-1) + 1e-12))


def triplet(x, positive, negative, margin, p, eps, swap, reduction):
    near, far = norm(x - positive + eps, p, -1, False), norm(x - negative + eps, p, -1, False)
    far = np.minimum(far, norm(positive - negative + eps, p, -1, False)) if swap else far
    return reduced(np.maximum(0, near - far + margin), reduction)


def poisson(x, target, log_input, full, eps, reduction):
    loss = np.exp(x) - target * x if log_input else x - target * np.log(x + eps)
    if full:
        safe = np.maximum(target, 1)
        loss = loss + np.where(target > 1, safe * np.log(safe) - safe + np.log(2 * np.pi * safe) / 2, 0)
    return reduced(loss, reduction)


def multi_margin(x, target, p, margin, weight, reduction):
    if x.ndim == 1:
        return multi_margin(x[None], np.asarray(target)[None], p, margin, weight, "mean")
    chosen = np.take_along_axis(x, target[:, None].astype(int), 1)
    each = np.maximum(0, margin - chosen + x) ** p
    each[np.arange(len(x)), target.astype(int)] = 0
    share = 1 if weight is None else weight[target.astype(int)]
    return reduced(each.sum(1) * share / max(x.shape[1], 1), reduction)
