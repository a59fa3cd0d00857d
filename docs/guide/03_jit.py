"""03: a step that is captured, and replayed without Python.

Run it: python docs/guide/03_jit.py
"""

import baregrad as bg

# Building the graph of a step takes Python longer than a small step takes the CPU. A step under `bg.jit`
# runs as it is the first time, is captured the second time, and from then on is one native call that
# launches all its kernels.
weights = bg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
calls = []


@bg.jit
def step(x: bg.Tensor) -> bg.Tensor:
    """Move the weights against their gradient; the loss."""
    calls.append(1)
    weights.grad = None
    loss = ((x * weights).sum() - 1.0) ** 2
    loss.backward()
    weights.assign(weights.detach() - 0.01 * weights.grad)
    return loss


losses = [step(bg.Tensor([0.5, 0.25, 0.125])).item() for _ in range(20)]
print(f"{losses[0]:.4f} ... {losses[-1]:.4f}")
assert losses == sorted(losses, reverse=True)

# The function itself ran twice. All the later calls were replays, each with a new x and new weights.
assert len(calls) == 2

# What a replay would not see is refused instead of being ignored: another shape, a Python value that has
# changed.
try:
    step(bg.Tensor([1.0, 2.0]))
except bg.errors.JitError as error:
    print(error)
else:
    raise AssertionError("another shape was accepted")

rate = 0.5


@bg.jit
def scaled(x: bg.Tensor) -> bg.Tensor:
    """X times a number that is found outside."""
    return x * rate


for n in range(3):
    assert scaled(bg.Tensor([2.0 * n])).item() == n
rate = 0.25
try:
    scaled(bg.Tensor([2.0]))
except bg.errors.JitError as error:
    print(error)
else:
    raise AssertionError("a replay went on with the old number")

# A number that changes belongs into a tensor, which is read at each replay (the optimisers' learning rate
# is one).
factor = bg.Tensor([0.5])


@bg.jit
def by_factor(x: bg.Tensor) -> bg.Tensor:
    """X times what the tensor holds now."""
    return x * factor


for n in range(4):
    factor.assign(bg.Tensor([float(n)]))
    assert by_factor(bg.Tensor([2.0])).item() == 2.0 * n
