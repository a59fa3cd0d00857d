"""KERNEL graphs and LINEAR lists run in plain Python, strictly.

What they may not do (a read outside, a source behind its reader, a vector the machine lacks) fails
here. The interpreters of the package are the other witness.
"""

from __future__ import annotations

import numpy as np

from baregrad import dtype as dt
from baregrad.ir import ops, ranges_of
from baregrad.lower.reduce import joiner


def numpy_dtype(dtype):
    return np.dtype("bool" if dtype is dt.bool_ else dtype.name)


def memory_of(buffers, local, node):
    if node.op is ops.PARAM:
        return buffers[node.arg[0]]
    return local.setdefault(node, np.full(node.arg[1], 77).astype(numpy_dtype(node.dtype)))


def bits(value, before, after):
    return np.asarray(value, numpy_dtype(before)).view(numpy_dtype(after)).tolist()


class KernelRun:
    """A KERNEL graph, one element after the other."""

    def __init__(self, buffers):
        self.buffers, self.local, self.filled = buffers, {}, {}

    def store(self, end, env):
        place, value = end.src[0].src[:2]
        ranges = end.src[1:]
        for inner in self.nest(ranges, env):
            memo = {}
            if len(place.src) > 2 and not self.value(place.src[2], inner, memo):
                continue
            memory = memory_of(self.buffers, self.local, place.src[0])
            offset = self.value(place.src[1], inner, memo)
            assert 0 <= offset < len(memory), f"store at {offset} of {len(memory)}"
            made, joins = self.value(value, inner, memo), end.src[0].arg
            if joins is not None:
                made = dt.normalize(
                    joiner(joins, value.dtype).meaning(memory[offset].item(), made), value.dtype
                )
            memory[offset] = made

    def nest(self, ranges, env):
        """The environments of a nest of loops; an inner size may depend on an outer counter."""
        if not ranges:
            yield env
            return
        for count in range(self.value(ranges[0].src[0], env, {})):
            yield from self.nest(ranges[1:], {**env, ranges[0]: count})

    def value(self, node, env, memo):
        if node not in memo:
            memo[node] = self.compute(node, env, memo)
        return memo[node]

    def compute(self, node, env, memo):
        op = node.op
        if op is ops.CONST:
            return node.arg
        if op is ops.RANGE:
            return env[node]
        if op is ops.LOAD:
            return self.load(node, env, memo)
        if op is ops.REDUCE:
            return self.reduce(node, env, memo)
        src = [self.value(s, env, memo) for s in node.src]
        if op is ops.BITCAST:
            return bits(src[0], node.src[0].dtype, node.dtype)
        return dt.normalize(src[0] if op is ops.CAST else op.meaning(*src), node.dtype)

    def load(self, node, env, memo):
        for end in node.src[1:]:
            here = {r: env[r] for r in ranges_of(end)}
            if self.filled.get(end) != here:
                self.store(end, env)
                self.filled[end] = here
        place = node.src[0]
        if len(place.src) > 2 and not self.value(place.src[2], env, memo):
            return dt.normalize(0, node.dtype)
        offset, memory = (
            self.value(place.src[1], env, memo),
            memory_of(self.buffers, self.local, place.src[0]),
        )
        assert 0 <= offset < len(memory), f"load at {offset} of {len(memory)}"
        return memory[offset].item()

    def reduce(self, node, env, memo):
        ranges, total = node.src[1:], None
        kept = {n: v for n, v in memo.items() if not ranges_of(n) & frozenset(ranges)}
        for inner in self.nest(ranges, env):
            value = self.value(node.src[0], inner, dict(kept))
            total = value if total is None else joiner(node.arg[0], node.dtype).meaning(total, value)
        return dt.normalize(total, node.dtype)


def run_kernel(sink, buffers):
    run = KernelRun(buffers)
    for end in sink.src:
        run.store(end, {})


class LinearRun:
    """A LINEAR list, line after line."""

    def __init__(self, linear, buffers, item):
        self.lines, self.buffers, self.item = linear.uops, buffers, item
        self.local, self.known, self.ends = {}, {}, {}
        begun = []
        for i, line in enumerate(self.lines):
            if line.op is ops.RANGE:
                begun.append(i)
            elif line.op is ops.END:
                assert line.src[0] is self.lines[begun[-1]], (
                    f"{line!r} closes another loop than the innermost"
                )
                self.ends[begun.pop()] = i
        assert not begun, "a loop is not closed"

    def run(self, first, last):
        i = first
        while i < last:
            line = self.lines[i]
            if line.op is ops.RANGE:
                carried = [self.known[s] for s in line.src[1:]]
                end = self.ends[i]
                for count in range(self.known[line.src[0]]):
                    self.known[line], self.known["carried", line] = count, carried
                    self.run(i + 1, end)
                    carried = [self.known[s] for s in self.lines[end].src[1:]]
                self.known[self.lines[end]] = carried
                i = end
            else:
                self.known[line] = self.compute(line)
            i += 1

    def compute(self, line):  # noqa: C901  # one row an op
        op, dtype = line.op, line.dtype
        if line.shape and dtype is not dt.bool_ and dtype is not dt.void and op is not ops.INDEX:
            assert line.shape[0] * dtype.itemsize in (16, 32, 64), f"{line!r} is no vector of the machine"
        if op in (ops.PARAM, ops.LOCAL):
            return line
        if op in (ops.CONST, ops.LANES):
            return line.arg if op is ops.CONST else list(range(line.arg))
        if op is ops.GRID:
            return self.item
        src = [self.known[s] for s in line.src]
        if op is ops.CARRY:
            return self.known["carried", line.src[0]][line.arg]
        if op is ops.RESULT:
            return src[0][line.arg]
        if op is ops.BROADCAST:
            assert not line.src[0].shape, "only scalars are broadcast"
            return src * line.arg
        if op is ops.SLICE:
            start, count = line.arg
            return src[0][start : start + count] if count > 1 else src[0][start]
        if op is ops.INDEX:
            return (memory_of(self.buffers, self.local, src[0]), src[1], src[2] if len(src) > 2 else True)
        if op in (ops.LOAD, ops.STORE):
            return self.access(line, src)
        if op is ops.BITCAST:
            return bits(src[0], line.src[0].dtype, dtype)
        assert all(s.shape == line.shape for s in line.src), f"{line!r} of {[s.shape for s in line.src]}"
        meaning = op.meaning or (lambda a: a)
        if not line.shape:
            return dt.normalize(meaning(*src), dtype)
        return [dt.normalize(meaning(*row), dtype) for row in zip(*src, strict=True)]

    def access(self, line, src):
        (memory, offset, mask), lanes = src[0], line.arg
        if line.op is ops.STORE:
            lanes = len(src[1]) if isinstance(src[1], list) else None
        offsets = offset if isinstance(offset, list) else [offset + i for i in range(lanes or 1)]
        masks = mask if isinstance(mask, list) else [mask] * len(offsets)
        assert len(masks) == len(offsets), f"{line!r} has a mask of {len(masks)}"
        pairs = list(zip(offsets, masks))
        assert all(0 <= o < len(memory) for o, m in pairs if m), f"{line!r} at {pairs} of {len(memory)}"
        if line.op is ops.LOAD:
            values = [memory[o].item() if m else dt.normalize(0, line.dtype) for o, m in pairs]
            return values if line.shape else values[0]
        for (o, m), value in zip(pairs, src[1] if lanes else src[1:2], strict=True):
            if m:
                memory[o] = value
        return None


def run_linear(linear, buffers):
    seen = set()
    for line in linear.uops:
        assert line not in seen, f"{line!r} stands twice"
        assert all(s in seen for s in line.src), f"{line!r} stands before its sources"
        seen.add(line)
    for item in range(linear.grid):
        LinearRun(linear, buffers, item).run(0, len(linear.uops))
