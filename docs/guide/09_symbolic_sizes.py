"""09: sizes that change from step to step, without another program for each.

Run it: python docs/guide/09_symbolic_sizes.py
"""

import baregrad as bg
from baregrad.base.events import listen
from baregrad.ir import Symbolic

# A variable has a name and bounds. Bound to a value it is a size: in slices, shapes and arithmetic.
N = bg.Variable("n", 1, 64)
x = bg.Tensor([[float(i), 1.0] for i in range(64)])

n = N.bind(10)
first = x[:n]
print(first.shape, (n + 1, n * 2, n // 4))
assert first.shape == (n, 2)
assert first.sum(0).tolist() == [45.0, 10.0]
assert bg.Tensor.arange(n).sum().item() == 45

# The program is for all values: nothing is compiled when another one is bound.
compiled: list[str] = []
with listen(lambda event: compiled.append(event.facts["name"]), "compiled", "cached"):
    for value in (1, 17, 64):
        assert x[: N.bind(value)].sum(0).tolist() == [value * (value - 1) / 2, value]
print(compiled)
assert compiled == []

# So a captured step can be replayed with another value: what a decoder with a cache of keys and values
# needs. Token number `start` puts its row into the caches, and looks at all rows up to its own.
WIDTH, CONTEXT = 4, 16
START = bg.Variable("start", 0, CONTEXT - 1)
keys = bg.Tensor.zeros(CONTEXT, WIDTH).realize()
values = bg.Tensor.zeros(CONTEXT, WIDTH).realize()


@bg.jit
def attend(token: bg.Tensor, start: Symbolic) -> bg.Tensor:
    """Attention of one token to those before it and itself."""
    keys[start] = token
    values[start] = token * 2
    seen = start + 1
    return token.reshape(1, WIDTH).scaled_dot_product_attention(keys[:seen], values[:seen])


tokens = [bg.Tensor([float(i == j % WIDTH) for i in range(WIDTH)]) for j in range(CONTEXT)]
for start, token in enumerate(tokens):
    found = attend(token, START.bind(start))  # run, then captured, then replayed
seen = bg.Tensor.stack(tokens)
expected = tokens[-1].reshape(1, WIDTH).scaled_dot_product_attention(seen, seen * 2)
assert (found - expected).abs().max().item() < 1e-6

# Memory is laid out densely for the bound value and taken for the greatest one. What would differ between
# values is refused: code that serves all of them can't depend on one.
for wrong in (lambda: x[:n][:5], lambda: x[:n] + x[:10], lambda: range(n), lambda: N.bind(65)):
    try:
        wrong()
    except bg.errors.ShapeError as error:
        print(error)
    else:
        raise AssertionError("it was accepted")

# `n.value` is the number of this binding. A captured step, which would keep it for ever, refuses it.
assert n.value == 10
