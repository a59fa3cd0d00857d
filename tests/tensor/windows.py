"""Formulas of records of windows in numpy, a window at a time: pooling, resizing, columns."""

from __future__ import annotations

from itertools import product
from math import ceil, floor

import numpy as np


def each(value, axes):
    return (value,) * axes if isinstance(value, int | float) or value is None else tuple(value)


def windows_of(sizes, kernel, stride, padding, dilation, ceil_mode):
    """For each axis the windows: places inside, and how many there are with padding counted in."""
    axes = len(sizes)
    stride = kernel if stride is None else stride
    facts = zip(sizes, *(each(v, axes) for v in (kernel, stride, padding, dilation)), strict=True)
    found = []
    for n, k, s, p, d in facts:
        room = n + 2 * p - d * (k - 1) - 1
        count = (ceil if ceil_mode else floor)(room / s) + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        starts = [i * s - p for i in range(count)]
        inside = [[b + d * j for j in range(k) if 0 <= b + d * j < n] for b in starts]
        found.append([(places, min(b + k, n + p) - b) for places, b in zip(inside, starts, strict=True)])
    return found


def over(x, axes, windows, join):
    """join(part, places, counts) of each window of the last axes."""
    lead = x.shape[: x.ndim - axes]
    found = [join(x[(..., *np.ix_(*(w[0] for w in at)))], at) for at in product(*windows)]
    shape = (*lead, *map(len, windows))
    return np.moveaxis(np.array(found).reshape(len(found), *lead), 0, -1).reshape(shape)


def greatest_place(sizes):
    """Where the greatest element of a window is, in the axes joined to one."""

    def join(part, at):
        flat = part.reshape(*part.shape[: part.ndim - len(at)], np.prod([len(w[0]) for w in at], dtype=int))
        places = np.ravel_multi_index(np.meshgrid(*(w[0] for w in at), indexing="ij"), sizes).reshape(-1)
        return places[flat.argmax(-1)]

    return join


def pooled(
    x, axes, kernel, stride, padding, dilation, ceil_mode, how,
    count_include_pad=True, divisor=None, indices=False, power=2,
):  # fmt: skip
    last = tuple(range(-axes, 0))
    sizes = x.shape[x.ndim - axes :]
    found = windows_of(sizes, kernel, stride, padding, dilation, ceil_mode)

    def mean(part, at):
        seen = np.prod([w[1] if count_include_pad else len(w[0]) for w in at])
        return part.sum(last) / (divisor or seen)

    join = {
        "max": lambda part, at: part.max(last),
        "mean": mean,
        "norm": lambda part, at: (part**power).sum(last) ** (1 / power),
    }[how]
    values = over(x, axes, found, join).astype(x.dtype)
    return [values, over(x, axes, found, greatest_place(sizes))] if indices else values


def adapted(x, axes, wanted, how, indices=False):
    last = tuple(range(-axes, 0))
    sizes = x.shape[x.ndim - axes :]
    counts = [n if c is None else c for n, c in zip(sizes, each(wanted, axes), strict=True)]
    found = [
        [(list(range(i * n // c, -(-(i + 1) * n // c))), 0) for i in range(c)]
        for n, c in zip(sizes, counts, strict=True)
    ]
    join = (lambda part, at: part.max(last)) if how == "max" else (lambda part, at: part.mean(last))
    values = over(x, axes, found, join)
    return [values, over(x, axes, found, greatest_place(sizes))] if indices else values


def cubic(t):
    """Keys 1981 with a = -0.75: what an element at a distance counts."""
    t, a = abs(t), -0.75
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def between(made, at, weigh, reach):
    """The elements around a place, each with its share; beyond the ends stand the end elements."""
    for row, place in enumerate(at):
        for j in range(floor(place) - reach + 1, floor(place) + reach + 1):
            made[row, min(max(j, 0), made.shape[1] - 1)] += weigh(place - j)


def shares(old, new, scale, mode, align_corners):
    """What each old element of an axis counts for each new one."""
    made = np.zeros((new, old))
    step = 1 / scale if scale else old / new
    at = [(i + 0.5) * step - 0.5 for i in range(new)]
    if align_corners:
        at = [i * (old - 1) / max(new - 1, 1) for i in range(new)]
    if mode in ("nearest", "nearest-exact"):
        half = 0.5 if mode == "nearest-exact" else 0.0
        made[range(new), [min(floor((i + half) * step), old - 1) for i in range(new)]] = 1
    elif mode == "area":
        for i in range(new):
            part = range(i * old // new, -(-(i + 1) * old // new))
            made[i, list(part)] = 1 / len(part)
    elif mode == "bicubic":
        between(made, at, cubic, 2)
    else:
        between(made, [max(place, 0) for place in at], lambda t: max(0.0, 1 - abs(t)), 1)
    return made


def resized(x, size, scale_factor, mode, align_corners):
    axes = x.ndim - 2
    scales = each(scale_factor, axes)
    sizes = each(size, axes)
    for i in range(axes):
        old = x.shape[i + 2]
        new = sizes[i] if sizes[i] is not None else floor(old * scales[i])
        weights = shares(old, new, scales[i], mode, align_corners)
        moved = np.moveaxis(x, i + 2, -1)
        moved = moved[..., weights.argmax(1)] if mode.startswith("nearest") else moved @ weights.T
        x = np.moveaxis(moved, -1, i + 2)
    return x


def places_of(size, kernel, dilation, padding, stride):
    """For each place in the kernel the slices of a padded image that it reads; how many windows there are."""
    counts = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, dilation, padding, stride, strict=True)
    ]
    cuts = {}
    for at in np.ndindex(*kernel):
        begins = [i * d for i, d in zip(at, dilation, strict=True)]
        cuts[at] = (slice(None), slice(None)) + tuple(
            slice(b, b + (c - 1) * s + 1, s) for b, c, s in zip(begins, counts, stride, strict=True)
        )
    return cuts, counts


def columns(x, kernel, dilation, padding, stride):
    kernel, dilation, padding, stride = (each(v, 2) for v in (kernel, dilation, padding, stride))
    cuts, counts = places_of(x.shape[2:], kernel, dilation, padding, stride)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    made = np.zeros((*x.shape[:2], *kernel, *counts), x.dtype)
    for at, cut in cuts.items():
        made[(slice(None), slice(None), *at)] = x[cut]
    return made.reshape(x.shape[0], x.shape[1] * kernel[0] * kernel[1], counts[0] * counts[1])


def added_up(x, size, kernel, dilation, padding, stride):
    size, kernel, dilation, padding, stride = (each(v, 2) for v in (size, kernel, dilation, padding, stride))
    cuts, counts = places_of(size, kernel, dilation, padding, stride)
    x = x.reshape(x.shape[0], x.shape[1] // (kernel[0] * kernel[1]), *kernel, *counts)
    made = np.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(size, padding, strict=True))), x.dtype)
    for at, cut in cuts.items():
        made[cut] += x[(slice(None), slice(None), *at)]
    high, wide = padding
    return made[:, :, high : high + size[0], wide : wide + size[1]]
