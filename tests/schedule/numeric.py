"""Schedules run with numpy: TENSOR graphs and KERNEL graphs, each node over all loops at once. A witness.

The interpreter of the package is the other one; this one is fast enough for whole networks.
"""

from __future__ import annotations

from math import prod

import numpy as np

from baregrad.ir import ops

NUMPY = {"bool": np.bool_, "float32": np.float32, "float64": np.float64, "float16": np.float16}
REDUCE = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def numpy_dtype(dtype):
    return np.dtype(NUMPY.get(dtype.name, dtype.name))


def _idiv(a, b):
    return np.where(b == 0, 0, np.floor_divide(a, np.where(b == 0, 1, b)))


def _mod(a, b):
    return np.where(b == 0, a, np.mod(a, np.where(b == 0, 1, b)))


ALU = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "idiv": _idiv, "mod": _mod, "max": np.maximum, "min": np.minimum, "and": np.bitwise_and,
    "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.invert, "cmplt": np.less, "cmple": np.less_equal,
    "cmpeq": np.equal, "cmpne": np.not_equal, "select": np.where, "sqrt": np.sqrt,
    "reciprocal": lambda a: 1 / a, "exp": np.exp, "log": np.log, "exp2": np.exp2, "log2": np.log2,
    "tanh": np.tanh, "trunc": np.trunc, "floor": np.floor,
}  # fmt: skip


def elementwise(node, sources):
    if node.op is ops.CAST:
        value = sources[0]
        return (
            (value != 0) if node.dtype.name == "bool" else np.asarray(value).astype(numpy_dtype(node.dtype))
        )
    if node.op is ops.BITCAST:
        return sources[0].view(numpy_dtype(node.dtype))
    if node.op is ops.NEG and node.dtype.name == "bool":
        return sources[0]
    return ALU[node.op.name](*sources).astype(numpy_dtype(node.dtype), copy=False)


VIEWS = {
    ops.RESHAPE: lambda x, arg: x.reshape(arg),
    ops.EXPAND: np.broadcast_to,
    ops.PERMUTE: np.transpose,
    ops.PAD: np.pad,
    ops.SHRINK: lambda x, arg: x[tuple(slice(*cut) for cut in arg)],
    ops.FLIP: np.flip,
    ops.VIEW: lambda x, arg: _view(x, *arg),
}


def tensor_value(node, sources, memory):
    op, arg = node.op, node.arg
    if op is ops.CONST:
        return np.array(arg, numpy_dtype(node.dtype))
    if op is ops.BUFFER:
        return memory[arg.number].reshape(arg.shape)
    if op is ops.IOTA:
        return np.arange(arg).astype(numpy_dtype(node.dtype))
    if op.elementwise:
        return np.broadcast_to(elementwise(node, sources), node.shape)
    x = sources[-1]
    if op in VIEWS:
        return VIEWS[op](x, arg)
    if op is ops.GATHER:
        x, places = sources
        return np.take_along_axis(x, np.clip(places, 0, max(x.shape[arg] - 1, 0)).astype(int), arg)
    if op is ops.SCATTER:
        return _scatter(*sources, *arg)
    if op is not ops.REDUCE:
        assert op in (ops.CONTIGUOUS, ops.DETACH, ops.COPY, ops.ASSIGN), op
        return np.broadcast_to(x, node.shape)
    if 0 in x.shape:
        start = {"add": 0, "mul": 1, "max": node.dtype.min, "min": node.dtype.max}[arg[0]]
        return np.full(node.shape, start, x.dtype)
    return REDUCE[arg[0]].reduce(x, axis=arg[1], keepdims=True, **_wide(arg[0], x)).astype(x.dtype)


def _scatter(base, places, value, axis, combine):
    made = base.copy()
    inside = (places >= 0) & (places < base.shape[axis])
    at = list(np.indices(places.shape))
    at[axis] = places.astype(int)
    at = tuple(i[inside] for i in at)
    if combine == "set":
        for *place, v in zip(*at, value[inside]):  # numpy does not say which of several is the last
            made[tuple(place)] = v
    else:
        REDUCE[combine].at(made, at, value[inside])
    return made


def _wide(name, x):
    return {"dtype": np.float64 if x.dtype.kind == "f" else x.dtype} if name in ("add", "mul") else {}


def _view(x, shape, rows):
    counters = np.indices(shape, sparse=True) if shape else ()
    inside = np.ones(shape, bool)
    at = []
    for (begin, steps), size in zip(rows, x.shape):
        i = np.array(begin)
        for step, counter in zip(steps, counters):
            i = i + step * counter
        inside = inside & (i >= 0) & (i < size)
        at.append(np.clip(i, 0, max(size - 1, 0)))
    return np.broadcast_to(np.where(inside, x[tuple(at)] if x.size else 0, 0), shape).astype(x.dtype)


def evaluate(roots, memory):
    """The values of TENSOR nodes, given the arrays of buffers by number."""
    values = {}
    with np.errstate(all="ignore"):
        for root in roots:
            for node in root.toposort():
                if node not in values:
                    values[node] = tensor_value(node, [values[s] for s in node.src], memory)
    return [values[root] for root in roots]


def run_kernel(ast, arrays):
    """Run a KERNEL graph over flat arrays, one for each slot. Stores happen after all loads."""
    nodes = ast.toposort()
    count = 1 + max((n.arg[0] for n in nodes if n.op is ops.RANGE), default=-1)
    values = {}
    stores = []
    with np.errstate(all="ignore"):
        for node in nodes:
            if node.op is ops.END:
                place, value, *serial = node.src[0].src
                needed = (place.src[1], value, *place.src[2:])
                offset, value, *mask = (_wide_over(values[v], node.src[1:]).ravel() for v in needed)
                if mask:
                    offset, value = offset[mask[0]], value[mask[0]]
                if not serial:
                    assert len(np.unique(offset)) == len(offset), "an element is stored twice"
                stores.append((arrays[place.src[0].arg[0]], offset, value, node.src[0].arg))
            elif node.op not in (ops.PARAM, ops.INDEX, ops.STORE, ops.SINK):
                values[node] = _kernel_value(node, values, arrays, count)
    for array, offset, value, joined in stores:
        assert array.dtype == value.dtype, (array.dtype, value.dtype)
        if joined is None:
            for at, v in zip(offset, value) if len(offset) < 10_000 else ():
                array[at] = v
            if len(offset) >= 10_000:
                array[offset] = value
        else:
            REDUCE[joined].at(array, offset, value)


def _kernel_value(node, values, arrays, count):
    if node.op is ops.CONST:
        return np.array(node.arg, numpy_dtype(node.dtype)).reshape([1] * count)
    if node.op is ops.RANGE:
        assert node.src[0].arg >= 1, "an empty loop"
        shape = [1] * count
        shape[node.arg[0]] = -1
        return np.arange(node.src[0].arg).reshape(shape)
    if node.op is ops.LOAD:
        return _load(node, values, arrays)
    if node.op is ops.REDUCE:
        x = _wide_over(values[node.src[0]], node.src[1:])
        axes = tuple(r.arg[0] for r in node.src[1:])
        return (
            REDUCE[node.arg[0]].reduce(x, axis=axes, keepdims=True, **_wide(node.arg[0], x)).astype(x.dtype)
        )
    assert node.op.elementwise, node
    return elementwise(node, [values[s] for s in node.src])


def _wide_over(value, ranges):
    shape = list(value.shape)
    for r in ranges:
        shape[r.arg[0]] = r.src[0].arg
    return np.broadcast_to(value, shape)


def _load(node, values, arrays):
    place = node.src[0]
    array = arrays[place.src[0].arg[0]]
    assert array.dtype == numpy_dtype(node.dtype), (array.dtype, node.dtype)
    offset = values[place.src[1]]
    if len(place.src) == 2:
        assert offset.min() >= 0, "a load before the buffer"
        assert offset.max() < array.size, "a load behind the buffer"
        return array[offset]
    offset, mask = np.broadcast_arrays(offset, values[place.src[2]])
    held = offset[mask]
    assert not held.size or (held.min() >= 0 and held.max() < array.size), "a load outside the buffer"
    return np.where(mask, array[np.where(mask, offset, 0)] if array.size else 0, 0).astype(array.dtype)


def run(schedule, memory, in_place=True):
    """The arrays of the roots after a schedule has run."""
    memory = {number: np.array(value).ravel() for number, value in memory.items()}
    written = set()
    for item in schedule.items:
        arrays = {}
        donated = dict(item.donates) if in_place else {}
        for slot, buffer in enumerate(item.buffers):
            if slot in item.writes:
                array = np.zeros(prod(buffer.shape), numpy_dtype(buffer.dtype))
                if buffer.arg.number in written:  # by an item before, whose elements this one joins values to
                    array = memory[buffer.arg.number]
                elif slot in donated:
                    array = memory[item.buffers[donated[slot]].arg.number]
                arrays[slot] = memory[buffer.arg.number] = array
            else:
                arrays[slot] = memory[buffer.arg.number]
        run_kernel(item.ast, arrays)
        written |= {item.buffers[slot].arg.number for slot in item.writes}
    empty = {
        b.arg.number: np.zeros(0, numpy_dtype(b.dtype)) for b in schedule.outputs.values() if 0 in b.shape
    }
    memory = empty | memory
    return {root: memory[buffer.arg.number].reshape(root.shape) for root, buffer in schedule.outputs.items()}
