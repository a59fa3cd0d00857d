"""Random kernels, against the interpreter of LINEAR lists: bit for bit, buffers ending at an
unreadable page.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp, const, index, ops, run_linear
from baregrad.target import Target

from .kernels import TARGETS, Lines, broadcast, pack, run, unpack

DTYPES = (dt.int32, dt.uint32, dt.int64, dt.uint64, dt.float32, dt.float64)
COMPARES = (ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE)
BITS = (ops.AND, ops.OR, ops.XOR)
SAME = (ops.ADD, ops.SUB, ops.MUL, ops.MAX, ops.MIN)
INTEGER = (*SAME, *BITS, ops.SHL, ops.SHR, ops.IDIV, ops.MOD)
FLOAT = (*SAME, ops.DIV, ops.SQRT, ops.TRUNC, ops.FLOOR, ops.NEG, ops.RECIPROCAL)


class Maker:
    """Makes one kernel: values of one number of lanes, built on each other at random."""

    def __init__(self, rng: random.Random, target: Target) -> None:
        self.rng, self.target, self.lines = rng, target, Lines()
        self.lanes = rng.choice((0, 0, 4, 4, 8 if target.vector_bytes == 64 else 4))
        self.pool: dict[DType, list[UOp]] = {dtype: [] for dtype in (*DTYPES, dt.bool_)}
        self.at = index(0)
        self.params: dict[DType, UOp] = {}
        self.outs: dict[DType, UOp] = {}

    def number(self, dtype: DType) -> Any:
        rng = self.rng
        if dtype is dt.bool_:
            return rng.random() < 0.5
        if dtype.is_float:
            choices = (0.0, -0.0, 1.5, -2.25, 1e-40, float("inf"), float("nan"), rng.uniform(-9, 9))
            return dt.normalize(rng.choice(choices), dtype)
        wide = rng.randrange(1 << dtype.bits)
        return dt.normalize(rng.choice((0, 1, -1, 2, 7, 31, wide, rng.randrange(-9, 9))), dtype)

    def constant(self, dtype: DType) -> UOp:
        node = const(self.number(dtype), dtype)
        return self.lines.add(broadcast(node, self.lanes) if self.lanes else node)

    def pick(self, dtype: DType) -> UOp:
        known = self.pool[dtype]
        return self.constant(dtype) if not known or self.rng.random() < 0.15 else self.rng.choice(known[-6:])

    def load(self) -> None:
        """A load, with or without a mask, of a row of an input; a store to an output now and then."""
        rng, lanes = self.rng, max(1, self.lanes)
        dtype = rng.choice(list(self.params))
        mask = self.pick(dt.bool_) if rng.random() < 0.5 else None
        offset = rng.choice(
            (self.at, self.lines.add(index(lanes * rng.randrange(3))), self.lines.add(self.at + 0))
        )
        self.pool[dtype].append(self.lines.load(self.params[dtype], offset, self.lanes or None, mask))
        if rng.random() < 0.3:
            mask = self.pick(dt.bool_) if rng.random() < 0.5 else None
            self.lines.store(self.outs[dtype], self.at, self.pick(dtype), mask)

    def step(self) -> None:
        """One more value."""
        rng = self.rng
        dtype = rng.choice(DTYPES)
        kind = rng.random()
        if kind < 0.1:
            self.load()
            return
        kind = (kind - 0.1) / 0.9
        if kind < 0.12:
            op, sources = rng.choice(COMPARES), (self.pick(dtype), self.pick(dtype))
            dtype = dt.bool_
        elif kind < 0.2:
            op, sources = rng.choice(BITS), (self.pick(dt.bool_), self.pick(dt.bool_))
            dtype = dt.bool_
        elif kind < 0.34:
            op, sources = ops.SELECT, (self.pick(dt.bool_), self.pick(dtype), self.pick(dtype))
        elif kind < 0.48:
            op, sources = (
                ops.CAST,
                (self.pick(rng.choice([d for d in (*DTYPES, dt.bool_) if d is not dtype])),),
            )
        else:
            op = rng.choice(
                (*FLOAT, ops.FMA) if dtype is dt.float32 else FLOAT if dtype.is_float else INTEGER
            )
            sources = tuple(self.pick(dtype) for _ in range(op.arity or 1))
        if self.lanes and any(self.lanes * s.dtype.bits > self.target.vector_bytes * 8 for s in sources):
            return
        if self.lanes and self.lanes * dtype.bits > self.target.vector_bytes * 8:
            return
        self.pool[dtype].append(self.lines.add(UOp(op, dtype, sources)))

    def make(self, steps: int) -> tuple[Any, list[bytes]]:
        """The kernel, and its buffers' contents."""
        lines, count, lanes = self.lines, 3, max(1, self.lanes)
        dtypes = [d for d in DTYPES if self.lanes * d.bits <= self.target.vector_bytes * 8]
        params = {dtype: lines.param(dtype, count * lanes) for dtype in dtypes}
        outs = {dtype: lines.param(dtype, count * lanes) for dtype in dtypes}
        data = [pack([self.number(d) for _ in range(count * lanes)], d) for d in dtypes]
        data += [bytes(count * lanes * d.itemsize) for d in dtypes]
        first = [self.constant(dtype) for dtype in dtypes]
        loop = lines.range(count, *first)
        at = lines.add(loop * lanes) if self.lanes else loop
        self.at, self.params, self.outs = at, params, outs
        for place, dtype in enumerate(dtypes):
            self.pool[dtype] += [lines.carry(loop, place), lines.load(params[dtype], at, self.lanes or None)]
        for _ in range(steps):
            self.step()
        following = [self.pick(dtype) for dtype in dtypes]
        for dtype in dtypes:
            mask = self.pick(dt.bool_) if self.rng.random() < 0.4 else None
            lines.store(outs[dtype], at, self.pool[dtype][-1], mask)
        end = lines.end(loop, *following)
        for place, dtype in enumerate(dtypes):
            lines.store(params[dtype], index(0), lines.result(end, place))
        return lines.linear(), data


def check(seed: int, target: Target) -> None:
    rng = random.Random(seed)
    linear, data = Maker(rng, target).make(rng.randrange(3, 40))
    params = [node for node in linear.uops if node.op is ops.PARAM]
    dtypes = [node.dtype for node in sorted(params, key=lambda node: int(node.arg[0]))]
    want = [unpack(content, dtype) for content, dtype in zip(data, dtypes, strict=True)]
    run_linear(linear.uops, want, 1)
    got = run(linear, target, data)
    for slot, (values, content, dtype) in enumerate(zip(want, got, dtypes, strict=True)):
        for place, (a, b) in enumerate(zip(unpack(content, dtype), values, strict=True)):
            same = pack([a], dtype) == pack([b], dtype) or (a != a and b != b)
            assert same, f"seed {seed}: slot {slot} [{place}] is {a!r}, not {b!r}"


@pytest.mark.parametrize("block", range(5))
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
def test_random_kernels(target: Target, block: int) -> None:
    for seed in range(3 * block, 3 * block + 3):
        check(seed, target)


@pytest.mark.fuzz
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
def test_many_random_kernels(target: Target, rng: random.Random) -> None:
    for _ in range(400):
        check(rng.randrange(1 << 40), target)
