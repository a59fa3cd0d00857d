"""01: tensors, and when they are computed.

Run it: python docs/guide/01_tensors_and_laziness.py
"""

import baregrad as bg
from baregrad.base import listen

# A tensor is made from numbers. Its dtype is that of the numbers: floats are float32, ints are int64.
x = bg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
assert x.shape == (2, 3)
assert x.dtype is bg.dtypes.float32
assert bg.Tensor([1, 2]).dtype is bg.dtypes.int64

# An operation computes nothing. It makes a node of a graph, and a tensor that holds the node.
y = (x * 2 + 1).sum(axis=1)
print(y.value.uop)

# Whoever wants to see numbers has them computed: tolist, item, numpy, print, realize. What happens is told
# to listeners; a "launch" is one kernel that was run. Multiplication, addition and sum have become one
# kernel. (The reference device interprets whole graphs, and launches nothing.)
KERNELS = 0 if bg.Device.default() == "reference" else 1
launches = []
with listen(launches.append, "launch"):
    assert y.tolist() == [15.0, 33.0]
print([event.facts["name"] for event in launches])
assert len(launches) == KERNELS

# It is computed once.
with listen(launches.append, "launch"):
    assert y.tolist() == [15.0, 33.0]
assert len(launches) == KERNELS

# Shapes broadcast, and dtypes promote, as in PyTorch. A Python number never widens a tensor.
assert (x + bg.Tensor([10.0, 20.0, 30.0])).tolist() == [[11.0, 22.0, 33.0], [14.0, 25.0, 36.0]]
assert (bg.Tensor([1, 2], dtype=bg.dtypes.int32) * 3).dtype is bg.dtypes.int32

# Views (reshape, transpose, slices, flips, padding) move nothing: they change where the next kernel reads.
assert x.T[1:].flip(1).tolist() == [[5.0, 2.0], [6.0, 3.0]]

# Laziness does not show: a value is that of its inputs when it was written.
before = x + 0
x.assign(x * 100)
assert before.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
assert x.tolist()[0] == [100.0, 200.0, 300.0]

# What cannot be is refused at once, with what was seen, why, and what to do.
try:
    x + bg.Tensor([1.0, 2.0])
except bg.errors.ShapeError as error:
    print(error)
    assert "neither is 1" in error.why
else:
    raise AssertionError("shapes that do not fit were accepted")
