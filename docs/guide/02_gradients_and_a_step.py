"""02: gradients, and a step of training.

Run it: python docs/guide/02_gradients_and_a_step.py
"""

import baregrad as bg

# Gradients are asked for where they shall end. `backward` adds them to `grad`, which is a lazy tensor too.
x = bg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
(x * x).sum().backward()
print(x.grad.value.uop)
assert x.grad.tolist() == [2.0, 4.0, 6.0]

# The rules are in the rows of the ops (ir/ops.py): multiplication says (g * b, g * a). There is no second
# graph for the way back: gradients are nodes like all others, and fuse like all others.

# Nothing is put on the tape inside of no_grad, and nothing flows through detach.
with bg.no_grad():
    assert not (x * 2).requires_grad
assert not x.detach().requires_grad

# A network is a class with layers; parameters() finds their tensors. Random numbers are the same in each
# run.
bg.Tensor.manual_seed(1)


class Network(bg.nn.Module):
    """Two layers, for a function of two numbers."""

    def __init__(self) -> None:
        self.first = bg.nn.Linear(2, 16)
        self.last = bg.nn.Linear(16, 1)

    def __call__(self, x: bg.Tensor) -> bg.Tensor:
        """The network's value."""
        return self.last(self.first(x).tanh())


# It learns "one or the other, but not both".
inputs = bg.Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
wanted = bg.Tensor([[0.0], [1.0], [1.0], [0.0]])
network = Network()
optimizer = bg.nn.Adam(network.parameters(), lr=0.1)


def step() -> bg.Tensor:
    """One step: the loss before it."""
    optimizer.zero_grad()
    loss = network(inputs).mse_loss(wanted)
    loss.backward()
    optimizer.step()
    return loss


first = step().item()
for _ in range(40):
    last = step()
print(f"loss {first:.4f}, then {last.item():.4f}")
assert last.item() < 0.05 < first
