"""06: an op.

Run it: python docs/guide/06_an_op.py
"""

import math

import baregrad as bg
from baregrad import dtype as dt
from baregrad.base.errors import CompileError, IRError
from baregrad.ir import TENSOR, Buffer, UOp, evaluate, ops, text, verify

# An op is a row of ir/ops.py: what it takes, what it means for Python's numbers, and its gradient. Here the
# row is made outside of the table; that is enough for all that follows but for reading its text back.
SOFTSIGN = ops.alu(
    "softsign", "a / (1 + |a|).", 1, "float",
    lambda a: math.copysign(1.0, a) if math.isinf(a) else a / (1.0 + abs(a)),
    gradient=lambda g, y, a: (g * (1.0 - y.maximum(-y)) * (1.0 - y.maximum(-y)),),
    samples=ops.FLOATS, ulp=2,
)  # fmt: skip

# Shapes, the verifier and the interpreter read the row.
x = UOp(ops.BUFFER, dt.float32, (), Buffer(0, (3,)))
node = x.alu(SOFTSIGN)
print(text(node))
assert node.shape == (3,)
verify(node, TENSOR)
assert evaluate([node], {0: [1.0, -3.0, math.inf]}) == [[0.5, -0.75, 1.0]]
try:
    verify(UOp(SOFTSIGN, dt.int32, (UOp(ops.BUFFER, dt.int32, (), Buffer(1, (3,))),)), TENSOR)
except IRError as error:
    print(error)
else:
    raise AssertionError("an op of floats was accepted on integers")

# So does autograd. On the reference device, which interprets, the op can be used at once.
t = bg.Tensor([1.0, -3.0], requires_grad=True, device="reference")
t.apply(lambda value: value.alu(SOFTSIGN)).sum().backward()
assert t.grad.tolist() == [0.25, 0.0625]

# Machine code needs either instructions for it, or the op said with others. The error names the place.
fast = bg.Tensor([1.0, -3.0], device="cpu")
try:
    fast.apply(lambda value: value.alu(SOFTSIGN)).tolist()
except CompileError as error:
    print(error)
    assert "ir/decompose/table.py" in error.mend
else:
    raise AssertionError("an op without instructions was compiled")


# This is what the row there would build from:
def with_others(a: UOp) -> UOp:
    """Softsign said with ops that targets have."""
    return a / (a.maximum(-a) + 1.0)


assert fast.apply(with_others).tolist() == [0.5, -0.75]

# For good: the row into ir/ops.py, Decomposition(ops.SOFTSIGN, with_others) into ir/decompose/table.py, and
# a method into tensor/ops/elementwise.py. Its text is then read back, its samples are tested, its page has
# its line.
